//! From bytes to text: byte order marks, UTF-16, and clear words about what is not JSON
//! (formats-api.md §2: F6, F7, F13–F15).

use std::borrow::Cow;

/// What the bytes of a file turn out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// Text that may be JSON or TOML.
    Text(String),
    /// Text that looks like TOML.
    Toml(String),
    /// No byte at all, or only blanks: the output of a failed call.
    Empty,
    /// The CLI's error text: error code and nothing else of it.
    CliError(String),
    /// Output of a debugging session with responses in it.
    Transcript(String),
    /// Not readable.
    Broken(Unreadable),
}

/// Why bytes are not readable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Byte offset into the file as text, where it was noticed.
    pub(crate) at: usize,
    /// What it is.
    pub(crate) what: String,
    /// What to do.
    pub(crate) help: &'static str,
}

const EXPORT_HELP: &str = "export JSON again; `vpclint export-commands` prints commands that work";

/// Decodes bytes and tells JSON from what is not.
pub(crate) fn decode(bytes: Vec<u8>) -> Decoded {
    let text = match to_text(bytes) {
        Ok(text) => text,
        Err(unreadable) => return Decoded::Broken(unreadable),
    };
    classify(text)
}

/// Decodes bytes whose notation is known to be text.
pub(crate) fn to_text(bytes: Vec<u8>) -> Result<String, Unreadable> {
    if let Some(rest) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        return utf8(rest.to_vec(), 3);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return utf16(rest, u16::from_be_bytes);
    }
    // UTF-16 without a mark: JSON begins with an ASCII character, so every other byte is zero
    match bytes.get(..4) {
        Some([a, 0, b, 0]) if *a != 0 && *b != 0 => return utf16(&bytes, u16::from_le_bytes),
        Some([0, a, 0, b]) if *a != 0 && *b != 0 => return utf16(&bytes, u16::from_be_bytes),
        _ => {}
    }
    utf8(bytes, 0)
}

fn utf8(bytes: Vec<u8>, skipped: usize) -> Result<String, Unreadable> {
    if bytes.iter().take(1024).any(|b| *b == 0) {
        return Err(Unreadable { at: 0, what: "binary data".to_owned(), help: EXPORT_HELP });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Unreadable {
            at,
            what: format!("not UTF-8: byte {} cannot be decoded", at + skipped),
            help: "save the file as UTF-8; old Windows tools write other encodings",
        }
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let help = "save the file as UTF-8";
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        let what = "UTF-16 with an odd number of bytes".to_owned();
        return Err(Unreadable { at: 0, what, help });
    }
    let units = pairs.map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        _ => 0,
    });
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|error| Unreadable {
        at: 0,
        what: format!("broken UTF-16: {error}"),
        help,
    })
}

fn classify(text: String) -> Decoded {
    let start = text.trim_start();
    let at = text.len() - start.len();
    if looks_like_toml(start) {
        return Decoded::Toml(text);
    }
    let broken = |what: &str, help| Decoded::Broken(Unreadable { at, what: what.to_owned(), help });
    if start.is_empty() {
        return Decoded::Empty;
    }
    if let Some(code) = cli_error(start) {
        return Decoded::CliError(code);
    }
    match start.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => Decoded::Text(text),
        Some(b'<') => {
            let head: String = start.chars().take(200).collect::<String>().to_ascii_lowercase();
            if head.contains("<html") || head.contains("<!doctype html") {
                broken(
                    "an HTML page, not JSON",
                    "a proxy or a login page answered instead of the API; export again",
                )
            } else {
                broken("XML, not JSON", "export without `--header Accept=xml`")
            }
        }
        Some(b'-' | b'0'..=b'9') if is_scalar(start) => Decoded::Text(text),
        Some(b't' | b'f' | b'n') if is_scalar(start) => Decoded::Text(text),
        _ if is_transcript(start) => Decoded::Transcript(text),
        _ if is_table(start) => broken(
            "table text, not JSON",
            "export without `--output cols=…`: the plain output of `aliyun` is JSON",
        ),
        _ => {
            let what = match text.find('{') {
                Some(offset) => format!("not JSON; the first `{{` is at byte {offset}"),
                None => "not JSON".to_owned(),
            };
            broken(&what, EXPORT_HELP)
        }
    }
}

/// True when the first line that says something is a TOML header or `key = value`.
fn looks_like_toml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let Some(line) = lines.find(|line| !line.is_empty() && !line.starts_with('#')) else {
        return false;
    };
    let bare = |key: &str| {
        !key.is_empty()
            && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
            && !key.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    };
    let header = line.strip_prefix('[').and_then(|l| l.split(']').next());
    match (header, line.split_once('=')) {
        (Some(key), _) => {
            let key = key.trim_start_matches('[').trim();
            bare(key) && !matches!(key, "true" | "false" | "null")
        }
        (None, Some((key, value))) => bare(key.trim_end()) && !value.starts_with('='),
        (None, None) => false,
    }
}

fn is_scalar(text: &str) -> bool {
    text.len() < 64
        && text
            .trim_end()
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
}

/// The error code of the CLI's error text (F7). The text may hold request details, so only the code
/// is taken.
fn cli_error(text: &str) -> Option<String> {
    let head: String = text.chars().take(400).collect();
    if !(head.starts_with("ERROR:") || head.contains("\nERROR: ") || head.starts_with("ErrorCode:"))
    {
        return None;
    }
    let code = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("ErrorCode:"))
        .map(str::trim)
        .filter(|code| !code.is_empty());
    let class = head.lines().find_map(|line| line.trim().strip_prefix("ERROR:"));
    let code: Cow<'_, str> = match (code, class) {
        (Some(code), _) => code.into(),
        (None, Some(class)) => class.split_whitespace().next().unwrap_or("unknown").into(),
        (None, None) => "unknown".into(),
    };
    Some(code.chars().filter(|c| c.is_ascii_graphic()).take(80).collect())
}

/// Marker after which a response stands in a transcript (F11).
const MARKERS: &[&str] = &["Got Response", "=====Response", "<<<<<<"];

fn is_transcript(text: &str) -> bool {
    text.contains("Request URL") || MARKERS.iter().any(|m| text.contains(m))
}

/// Offsets at which the responses of a transcript begin: the first `{` at the start of a line after
/// each marker.
pub(crate) fn responses(text: &str) -> Vec<usize> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut waiting = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        if MARKERS.iter().any(|m| line.contains(m)) {
            waiting = true;
        } else if waiting && trimmed.starts_with(['{', '[']) {
            out.push(at + line.len() - trimmed.len());
            waiting = false;
        }
        at += line.len();
    }
    out
}

fn is_table(text: &str) -> bool {
    let mut lines = text.lines().take(3);
    let first = lines.next().unwrap_or("");
    let second = lines.next().unwrap_or("");
    let ruled = |line: &str| {
        let line = line.trim();
        line.len() > 2 && line.chars().all(|c| matches!(c, '-' | '+' | '|' | ' ' | '='))
    };
    ruled(first) || ruled(second) || (first.contains(" | ") && second.contains(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(bytes: &[u8]) -> String {
        match decode(bytes.to_vec()) {
            Decoded::Broken(unreadable) => unreadable.what,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn marks_and_utf16_are_decoded() {
        let text = || Decoded::Text("{\"a\":\"é\"}".to_owned());
        assert_eq!(decode("\u{feff}{\"a\":\"é\"}".as_bytes().to_vec()), text());
        let units: Vec<u16> = "{\"a\":\"é\"}".encode_utf16().collect();
        let le: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let be: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        assert_eq!(decode([&[0xFF, 0xFE], le.as_slice()].concat()), text());
        assert_eq!(decode([&[0xFE, 0xFF], be.as_slice()].concat()), text());
        assert_eq!(decode(le), text());
        assert_eq!(decode(be), text());
    }

    #[test]
    fn toml_is_told_from_json() {
        for toml in ["# x\n[[vpc]]\n", "[vpc]\nid = 1", "version = 1", "a.b = 2"] {
            assert!(matches!(decode(toml.into()), Decoded::Toml(_)), "{toml}");
        }
        for other in ["[1]", "[true]", "[[1]]", "[{\"a\":1}]", "[\"a\"]"] {
            assert!(matches!(decode(other.into()), Decoded::Text(_)), "{other}");
        }
    }

    #[test]
    fn what_is_not_json_is_named() {
        assert_eq!(what(b"{\"a\":\"\xe9\"}"), "not UTF-8: byte 6 cannot be decoded");
        assert_eq!(what(b"<!DOCTYPE html><html>"), "an HTML page, not JSON");
        assert_eq!(what(b"<?xml version='1.0'?>"), "XML, not JSON");
        assert_eq!(what(b"VpcId | Name\n----- | ----\nvpc-1 | x"), "table text, not JSON");
        assert_eq!(what(b"\x7fELF\0\0"), "binary data");
        assert_eq!(what(b"hello {"), "not JSON; the first `{` is at byte 6");
        assert_eq!(what(&[0xFF, 0xFE, 0x7B]), "UTF-16 with an odd number of bytes");
    }

    #[test]
    fn failed_calls_keep_only_their_code() {
        assert_eq!(decode(b" \n".to_vec()), Decoded::Empty);
        let text = b"ERROR: SDK.ServerError\nErrorCode: Forbidden.RAM\nRequestId: X\nMessage: no";
        assert_eq!(decode(text.to_vec()), Decoded::CliError("Forbidden.RAM".to_owned()));
    }

    #[test]
    fn responses_of_a_transcript_are_found() {
        let text = "$ x\n===Request URL===\nhttps://h/?AccessKeyId=1\n=== Got Response ===\n {\n \"a\": 1\n }\n";
        assert!(matches!(decode(text.as_bytes().to_vec()), Decoded::Transcript(_)));
        let at = responses(text);
        assert_eq!(at.len(), 1);
        assert!(text[at[0]..].starts_with("{\n"));
    }
}
