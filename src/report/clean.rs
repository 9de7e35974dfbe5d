//! Text from inputs, made safe for a terminal.
//!
//! Names come from whoever may name a resource in the account. Control characters would drive the
//! terminal, bidirectional overrides and invisible characters would make a line read as something
//! else; all of them are shown as escapes (craft.md §0.3).

use std::fmt::{self, Display, Write};

/// True for characters that must not reach a terminal as they are.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}'
            | '\u{061C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

/// Shows a value with hostile characters as escapes such as `\u{1b}`.
pub(crate) struct Clean<T>(pub(crate) T);

impl<T: Display> Display for Clean<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// The value as a text with hostile characters as escapes.
pub(crate) fn clean(value: impl Display) -> String {
    Clean(value).to_string()
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(is_hostile) {
            match piece.char_indices().next_back().filter(|(_, c)| is_hostile(*c)) {
                Some((at, c)) => {
                    self.0.write_str(piece.get(..at).unwrap_or_default())?;
                    write!(self.0, "{}", c.escape_unicode())?;
                }
                None => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// The text of a line of a file, hostile characters replaced by harmless ones of the same number of
/// bytes, so that byte offsets into it stay right. Tabs stay.
pub(crate) fn mask_line(line: &str, out: &mut String) {
    for c in line.chars() {
        match c {
            '\t' => out.push('\t'),
            c if is_hostile(c) => out.push_str(match c.len_utf8() {
                1 => "?",
                2 => "??",
                3 => "\u{FFFD}",
                _ => "\u{FFFD}?",
            }),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_become_escapes() {
        let name = "a\u{1b}[31m\u{202e}b\nc\u{9b}数据库";
        assert_eq!(clean(name), "a\\u{1b}[31m\\u{202e}b\\u{a}c\\u{9b}数据库");
    }

    #[test]
    fn masking_keeps_the_length() {
        let line = "\"\u{202e}\u{1b}\u{9b}\u{e0041}数\t\"";
        let mut masked = String::new();
        mask_line(line, &mut masked);
        assert_eq!(masked.len(), line.len());
        assert!(!masked.chars().any(|c| c != '\t' && is_hostile(c)));
    }
}
