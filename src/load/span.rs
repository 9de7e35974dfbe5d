//! From JSON pointers to places in the text: one pass per file, however many pointers.

use std::collections::BTreeMap;
use std::ops::Range;

use super::json::{JsonError, Skimmer};

/// A place in a text. Lines and columns count from 1, columns in Unicode scalar values; the end is
/// exclusive (decisions.md 26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line of the first character.
    pub(crate) line: u32,
    /// Column of the first character.
    pub(crate) column: u32,
}

#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<String, Self>,
    wanted: Vec<usize>,
}

/// Byte ranges of the values that pointers name; `None` where there is none.
///
/// `roots` are the documents of the text. With several of them a pointer begins with the index of
/// its document.
pub(crate) fn ranges(
    text: &str,
    roots: &[Range<usize>],
    pointers: &[String],
) -> Vec<Option<Range<usize>>> {
    let mut tree = Node::default();
    for (n, pointer) in pointers.iter().enumerate() {
        let mut node = &mut tree;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            node = node.children.entry(part).or_default();
        }
        node.wanted.push(n);
    }
    let mut out = vec![None; pointers.len()];
    match roots {
        [root] => walk_from(text, root, &tree, &mut out),
        _ => {
            for (n, root) in roots.iter().enumerate() {
                if let Some(node) = tree.children.get(&n.to_string()) {
                    walk_from(text, root, node, &mut out);
                }
            }
        }
    }
    out
}

fn walk_from(text: &str, root: &Range<usize>, node: &Node, out: &mut [Option<Range<usize>>]) {
    let mut skimmer = Skimmer::new(text, root.start);
    // a file that changed since it was read gives no places; that is all a caller can use
    let _ = walk(&mut skimmer, node, out);
}

fn walk(
    skimmer: &mut Skimmer<'_>,
    node: &Node,
    out: &mut [Option<Range<usize>>],
) -> Result<(), JsonError> {
    let kind = skimmer.peek();
    let start = skimmer.at();
    match kind {
        Some(b'{') if !node.children.is_empty() => {
            skimmer.enter_object()?;
            let mut first = true;
            while let Some(key) = skimmer.next_key(&mut first)? {
                match node.children.get(key.trim()) {
                    Some(child) => walk(skimmer, child, out)?,
                    None => {
                        skimmer.skip_value()?;
                    }
                }
            }
        }
        Some(b'[') if !node.children.is_empty() => {
            skimmer.enter_array()?;
            let mut first = true;
            let mut n = 0usize;
            while skimmer.next_item(&mut first)? {
                match node.children.get(&n.to_string()) {
                    Some(child) => walk(skimmer, child, out)?,
                    None => {
                        skimmer.skip_value()?;
                    }
                }
                n += 1;
            }
        }
        _ => {
            skimmer.skip_value()?;
        }
    }
    for n in &node.wanted {
        if let Some(slot) = out.get_mut(*n) {
            *slot = Some(start..skimmer.at());
        }
    }
    Ok(())
}

/// Range of the value under a path of keys inside the object at `object`.
pub(crate) fn field(text: &str, object: &Range<usize>, path: &str) -> Option<Range<usize>> {
    let mut range = object.clone();
    for part in path.split('/') {
        range = child(text, range.start, part)?;
    }
    Some(range)
}

fn child(text: &str, at: usize, key: &str) -> Option<Range<usize>> {
    let mut skimmer = Skimmer::new(text, at);
    skimmer.enter_object().ok()?;
    let mut first = true;
    while let Some(found) = skimmer.next_key(&mut first).ok()? {
        let range = skimmer.skip_value().ok()?;
        if found.trim() == key {
            return Some(range);
        }
    }
    None
}

/// Lines and columns of byte offsets, in one pass over the text.
pub(crate) fn places(text: &str, offsets: &[usize]) -> Vec<Place> {
    let mut order: Vec<(usize, usize)> =
        offsets.iter().copied().enumerate().map(|(n, o)| (o, n)).collect();
    order.sort_unstable();
    let mut out = vec![Place { line: 1, column: 1 }; offsets.len()];
    let bytes = text.as_bytes();
    let mut at = 0usize;
    let mut place = Place { line: 1, column: 1 };
    for (offset, n) in order {
        for byte in bytes.get(at..offset.min(bytes.len())).unwrap_or(&[]) {
            if *byte == b'\n' {
                place.line = place.line.saturating_add(1);
                place.column = 1;
            } else if byte & 0xC0 != 0x80 {
                place.column = place.column.saturating_add(1);
            }
        }
        at = at.max(offset.min(bytes.len()));
        if let Some(slot) = out.get_mut(n) {
            *slot = place;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::json::documents;

    fn find(text: &str, pointers: &[&str]) -> Vec<Option<String>> {
        let roots = documents(text).unwrap();
        let pointers: Vec<String> = pointers.iter().map(|p| (*p).to_owned()).collect();
        ranges(text, &roots, &pointers).into_iter().map(|r| r.map(|r| text[r].to_owned())).collect()
    }

    #[test]
    fn pointers_find_values() {
        let text = r#"{"A":{"B":[{"C":1},{"C ":"é"}]},"D":[]}"#;
        let found = find(text, &["/A/B/1/C", "/A/B/0", "/D", "", "/A/X", "/A/B/9"]);
        assert_eq!(found[0].as_deref(), Some("\"é\""));
        assert_eq!(found[1].as_deref(), Some(r#"{"C":1}"#));
        assert_eq!(found[2].as_deref(), Some("[]"));
        assert_eq!(found[3].as_deref(), Some(text));
        assert_eq!(found[4..], [None, None]);
    }

    #[test]
    fn several_documents_are_counted() {
        let found = find("{\"a\":1}\n{\"a\":2}", &["/1/a", "/0", "/2"]);
        assert_eq!(found, [Some("2".to_owned()), Some("{\"a\":1}".to_owned()), None]);
    }

    #[test]
    fn columns_count_characters() {
        let text = "é\tx\n  y";
        let at = |c: char| text.find(c).unwrap();
        let found = places(text, &[at('y'), at('x')]);
        assert_eq!(found, [Place { line: 2, column: 3 }, Place { line: 1, column: 3 }]);
    }

    #[test]
    fn fields_are_found_in_an_object() {
        let text = r#"{"P":{"V":"vsw"},"X":0}"#;
        let range = field(text, &(0..text.len()), "P/V").unwrap();
        assert_eq!(&text[range], "\"vsw\"");
        assert_eq!(field(text, &(0..text.len()), "P/W"), None);
    }
}
