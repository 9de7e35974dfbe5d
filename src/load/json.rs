//! A cursor over JSON text that skips what nobody asks for.
//!
//! It finds values, keys and their places without building a tree and without recursion over the
//! input, so that files of hundreds of megabytes and hostile nesting are no problem. It checks only
//! what it needs (brackets, strings, separators on its way); serde_json judges the rest.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Levels of nesting that are accepted. The cloud's bodies have fewer than twenty; serde_json's own
/// limit is 128.
pub(crate) const MAX_DEPTH: usize = 100;

/// What is wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends inside a value.
    Truncated,
    /// A character that cannot stand there.
    Unexpected(char),
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
}

/// A fault and the byte offset where it was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Byte offset in the text.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) fault: Fault,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::Truncated => f.write_str("the JSON ends before it is complete"),
            Fault::Unexpected(c) => {
                write!(f, "`{}` cannot stand here", c.escape_default())
            }
            Fault::TooDeep => write!(f, "more than {MAX_DEPTH} levels of nesting"),
        }
    }
}

/// The cursor.
#[derive(Debug, Clone)]
pub(crate) struct Skimmer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Skimmer<'t> {
    /// Starts at a byte offset.
    pub(crate) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    /// Byte offset of the cursor.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Text between two offsets.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or("")
    }

    fn fault(&self) -> JsonError {
        let rest = self.text.get(self.at..).unwrap_or("");
        let fault = rest.chars().next().map_or(Fault::Truncated, Fault::Unexpected);
        JsonError { at: self.at, fault }
    }

    fn truncated(&self) -> JsonError {
        JsonError { at: self.text.len(), fault: Fault::Truncated }
    }

    /// Skips blanks and says which byte follows.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Takes one expected byte.
    fn take(&mut self, expected: u8) -> Result<(), JsonError> {
        if self.peek() == Some(expected) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.fault())
        }
    }

    /// Enters an object.
    pub(crate) fn enter_object(&mut self) -> Result<(), JsonError> {
        self.take(b'{')
    }

    /// Enters an array.
    pub(crate) fn enter_array(&mut self) -> Result<(), JsonError> {
        self.take(b'[')
    }

    /// The next key of the object, cursor on its value; `None` when the object ends. `first` is
    /// true before the first key.
    pub(crate) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'t, str>>, JsonError> {
        if !self.next_part(first, b'}')? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        let raw = self.string()?;
        self.take(b':')?;
        self.peek();
        Ok(Some(unescape(raw)))
    }

    /// Moves to the next element of the array; false when it ends.
    pub(crate) fn next_item(&mut self, first: &mut bool) -> Result<bool, JsonError> {
        self.next_part(first, b']')
    }

    fn next_part(&mut self, first: &mut bool, end: u8) -> Result<bool, JsonError> {
        let next = self.peek();
        if next == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.take(b',')?;
            self.peek();
        }
        Ok(true)
    }

    /// Takes a string and returns it with its quotes.
    fn string(&mut self) -> Result<&'t str, JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte() {
                None => return Err(self.truncated()),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.slice(start..self.at));
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
    }

    /// Skips one value of any kind and returns its range.
    pub(crate) fn skip_value(&mut self) -> Result<Range<usize>, JsonError> {
        self.peek();
        let start = self.at;
        // one bit per open bracket: 1 for an object
        let mut open: u128 = 0;
        let mut depth = 0usize;
        loop {
            match self.byte() {
                None => return Err(self.truncated()),
                Some(b'"') => {
                    self.string()?;
                }
                Some(b @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return Err(JsonError { at: self.at, fault: Fault::TooDeep });
                    }
                    depth += 1;
                    open = (open << 1) | u128::from(b == b'{');
                    self.at += 1;
                    continue;
                }
                Some(b @ (b'}' | b']')) => {
                    if depth == 0 || (open & 1 == 1) != (b == b'}') {
                        return Err(self.fault());
                    }
                    depth -= 1;
                    open >>= 1;
                    self.at += 1;
                }
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(_) if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(_) => self.scalar()?,
            }
            if depth == 0 {
                return Ok(start..self.at);
            }
        }
    }

    /// Skips a number or a word at top level.
    fn scalar(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b) = self.byte() {
            if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.') {
                self.at += 1;
            } else {
                break;
            }
        }
        if self.at == start { Err(self.fault()) } else { Ok(()) }
    }
}

/// The text of a string literal.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    let inner = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(raw);
    if inner.contains('\\') {
        serde_json::from_str(raw).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

/// The text of a scalar as it is written: strings without quotes; `null` and `""` are `None`.
pub(crate) fn scalar_text(raw: &str) -> Option<Cow<'_, str>> {
    let text = unescape(raw.trim());
    let text = match text {
        Cow::Borrowed(t) => Cow::Borrowed(t.trim()),
        Cow::Owned(t) => Cow::Owned(t.trim().to_owned()),
    };
    (!text.is_empty() && raw.trim() != "null" && !raw.starts_with(['{', '['])).then_some(text)
}

/// Ranges of the values that follow each other in a text: one for plain JSON, many for
/// concatenated or line-delimited JSON (formats-api.md F5). A comma between values is accepted.
pub(crate) fn documents(text: &str) -> Result<Vec<Range<usize>>, JsonError> {
    let mut skimmer = Skimmer::new(text, 0);
    let mut out = Vec::new();
    while skimmer.peek().is_some() {
        out.push(skimmer.skip_value()?);
        if skimmer.peek() == Some(b',') {
            skimmer.at += 1;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        documents(text).unwrap().into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn values_that_follow_each_other_are_split() {
        assert_eq!(
            pieces("{\"a\":\"}\"} [1,2]\n3 \"x\\\"y\""),
            ["{\"a\":\"}\"}", "[1,2]", "3", "\"x\\\"y\""]
        );
        assert_eq!(pieces(" \n"), Vec::<&str>::new());
    }

    #[test]
    fn faults_have_a_place() {
        let fault = |text: &str| documents(text).unwrap_err();
        assert_eq!(fault("{\"a\":[1,2}"), JsonError { at: 9, fault: Fault::Unexpected('}') });
        assert_eq!(fault("{\"a\":"), JsonError { at: 5, fault: Fault::Truncated });
        assert_eq!(fault("{\"a\": \"x"), JsonError { at: 8, fault: Fault::Truncated });
        assert_eq!(fault("{} <"), JsonError { at: 3, fault: Fault::Unexpected('<') });
        let deep = "[".repeat(100_000);
        assert_eq!(fault(&deep), JsonError { at: MAX_DEPTH, fault: Fault::TooDeep });
    }

    #[test]
    fn scalars_read_as_text() {
        assert_eq!(scalar_text("\" x\\u0041 \"").unwrap(), "xA");
        assert_eq!(scalar_text("12").unwrap(), "12");
        assert_eq!(scalar_text("null"), None);
        assert_eq!(scalar_text("\"\""), None);
    }
}
