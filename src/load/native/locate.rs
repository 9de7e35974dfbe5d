//! From a JSON pointer to the bytes of the text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The byte span of the value that a JSON pointer (RFC 6901) names in a TOML text; a table is found
/// at its header. `None` when the text is not TOML or has no such value.
pub fn locate_toml(text: &str, pointer: &str) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut steps = steps(pointer)?;
    let Some(first) = steps.next() else { return Some(root.span()) };
    let mut value: &Spanned<DeValue<'_>> = root.get_ref().get(first.as_ref())?;
    for step in steps {
        value = match value.get_ref() {
            DeValue::Table(table) => table.get(step.as_ref())?,
            DeValue::Array(array) => array.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value.span())
}

/// The byte span of the value that a JSON pointer names in a JSON text.
pub(super) fn locate_json(text: &str, pointer: &str) -> Option<Range<usize>> {
    let mut value: &str = serde_json::from_str::<&RawValue>(text).ok()?.get();
    for step in steps(pointer)? {
        value = if value.starts_with('[') {
            let list: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            list.get(step.parse::<usize>().ok()?)?.get()
        } else {
            let map: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value).ok()?;
            map.get(step.as_ref())?.get()
        };
    }
    // raw values borrow from the text, so their place is the difference of the addresses
    let start = (value.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(start..start + value.len())
}

/// The steps of a pointer, unescaped.
fn steps(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let rest = if pointer.is_empty() { None } else { Some(pointer.strip_prefix('/')?) };
    Some(rest.into_iter().flat_map(|r| r.split('/')).map(|step| {
        if step.contains('~') {
            Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
        } else {
            Cow::Borrowed(step)
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
[[vpc]]
name = "one"
[[vpc.vswitch]]
cidr = "10.0.0.0/24"
[[vpc.vswitch]]
cidr = "10.0.1.0/24"
tags = { "a/b" = "c" }
[[vpc.vswitch.instance]]
ip = ["10.0.1.10", "10.0.1.11"]
"#;

    fn toml(pointer: &str) -> &'static str {
        locate_toml(TOML, pointer).map(|span| &TOML[span]).unwrap_or("-")
    }

    #[test]
    fn pointers_into_toml() {
        assert_eq!(toml("/vpc/0/vswitch/1/cidr"), "\"10.0.1.0/24\"");
        assert_eq!(toml("/vpc/0/vswitch/1"), "[[vpc.vswitch]]");
        let second = TOML.match_indices("[[vpc.vswitch]]").nth(1).map(|(at, _)| at);
        assert_eq!(locate_toml(TOML, "/vpc/0/vswitch/1").map(|span| span.start), second);
        assert_eq!(toml("/vpc/0/vswitch/1/instance/0/ip/1"), "\"10.0.1.11\"");
        assert_eq!(toml("/vpc/0/vswitch/1/tags/a~1b"), "\"c\"");
        assert_eq!(toml("/vpc/0/vswitch/7"), "-");
        assert_eq!(toml("/vpc/0/name/x"), "-");
        assert_eq!(toml("vpc"), "-");
        assert_eq!(locate_toml("a = ", "/a"), None);
    }

    #[test]
    fn pointers_into_json() {
        let text = r#" {"vpc": [{"name": "one", "vs\u0077itch": [ {"cidr": "10.0.0.0/24"} ]}]}"#;
        let at = |pointer| locate_json(text, pointer).map(|span| &text[span]);
        assert_eq!(at("/vpc/0/vswitch/0/cidr"), Some("\"10.0.0.0/24\""));
        assert_eq!(at("/vpc/0/vswitch/0"), Some("{\"cidr\": \"10.0.0.0/24\"}"));
        assert_eq!(at("/vpc/1"), None);
        assert_eq!(at(""), Some(text.trim()));
    }
}
