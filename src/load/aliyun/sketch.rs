//! The outline of a document: its top-level keys and, for the first elements of its lists, theirs.
//!
//! Enough to recognise the API, to read page counts and to find region and parents, without a tree.

use std::borrow::Cow;
use std::ops::Range;

use crate::load::json::{JsonError, Skimmer, scalar_text};

/// How many elements of a list are looked at.
const SAMPLES: usize = 3;

/// Keys of an object; scalars with their raw text.
pub(crate) type Keys<'t> = Vec<(Cow<'t, str>, Option<&'t str>)>;

/// The beginning of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elements<'t> {
    /// Keys of the first elements that are objects.
    pub(crate) samples: Vec<Keys<'t>>,
    /// True when there is no element at all.
    pub(crate) empty: bool,
}

/// What stands under a key of a wrapper.
#[derive(Debug, Clone)]
pub(crate) enum Inner<'t> {
    /// A scalar with its raw text.
    Scalar(&'t str),
    /// A list.
    List(Elements<'t>),
    /// An object: nested data, or the one element of a collapsed list (F10).
    Object(Keys<'t>),
}

/// What stands under a top-level key.
#[derive(Debug, Clone)]
pub(crate) enum Shape<'t> {
    /// A scalar with its raw text.
    Scalar(&'t str),
    /// A flat list.
    List(Elements<'t>),
    /// An object.
    Object(Vec<(Cow<'t, str>, Inner<'t>)>),
}

/// A top-level entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'t> {
    /// Key without blanks around it.
    pub(crate) key: Cow<'t, str>,
    /// Its value's shape.
    pub(crate) shape: Shape<'t>,
    /// Its value's place in the text.
    pub(crate) range: Range<usize>,
}

/// The outline of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline<'t> {
    /// Its entries.
    pub(crate) entries: Vec<Entry<'t>>,
    /// A key has blanks around it (doc samples, F10).
    pub(crate) blank_keys: bool,
}

impl<'t> Outline<'t> {
    /// The entry of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry<'t>> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// True when the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A scalar as text; `None` when missing or empty.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match &self.get(key)?.shape {
            Shape::Scalar(raw) => scalar_text(raw).map(Cow::into_owned),
            Shape::List(_) | Shape::Object(_) => None,
        }
    }

    /// A scalar inside one of the objects at the top.
    pub(crate) fn inner_text(&self, key: &str) -> Option<String> {
        self.entries.iter().find_map(|entry| {
            let Shape::Object(inner) = &entry.shape else { return None };
            match inner.iter().find(|(k, _)| k == key)? {
                (_, Inner::Scalar(raw)) => scalar_text(raw).map(Cow::into_owned),
                _ => None,
            }
        })
    }

    /// A scalar as a number.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    /// Elements of all lists, for hints such as region ids.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Keys<'t>> {
        self.entries.iter().flat_map(|e| match &e.shape {
            Shape::List(elements) => elements.samples.iter().collect::<Vec<_>>(),
            Shape::Object(inner) => inner
                .iter()
                .flat_map(|(_, inner)| match inner {
                    Inner::List(elements) => elements.samples.iter().collect::<Vec<_>>(),
                    Inner::Object(keys) => vec![keys],
                    Inner::Scalar(_) => Vec::new(),
                })
                .collect(),
            Shape::Scalar(_) => Vec::new(),
        })
    }
}

/// The outline of a document.
#[derive(Debug, Clone)]
pub(crate) enum Sketch<'t> {
    /// An object.
    Object(Outline<'t>),
    /// A bare list (F4).
    List(Elements<'t>),
    /// Anything else.
    Scalar,
}

/// Text of a sampled scalar.
pub(crate) fn sample_text(keys: &Keys<'_>, key: &str) -> Option<String> {
    let (_, raw) = keys.iter().find(|(k, _)| k == key)?;
    scalar_text((*raw)?).map(Cow::into_owned)
}

/// Outlines the value that starts at `at` and returns its range.
pub(crate) fn sketch(text: &str, at: usize) -> Result<(Sketch<'_>, Range<usize>), JsonError> {
    let mut skimmer = Skimmer::new(text, at);
    let first = skimmer.peek();
    let start = skimmer.at();
    let sketch = match first {
        Some(b'{') => Sketch::Object(outline(&mut skimmer)?),
        Some(b'[') => Sketch::List(elements(&mut skimmer)?),
        _ => {
            skimmer.skip_value()?;
            Sketch::Scalar
        }
    };
    Ok((sketch, start..skimmer.at()))
}

fn trimmed<'t>(key: Cow<'t, str>, blank: &mut bool) -> Cow<'t, str> {
    if key.trim().len() == key.len() {
        return key;
    }
    *blank = true;
    Cow::Owned(key.trim().to_owned())
}

fn outline<'t>(skimmer: &mut Skimmer<'t>) -> Result<Outline<'t>, JsonError> {
    let mut out = Outline::default();
    skimmer.enter_object()?;
    let mut first = true;
    while let Some(key) = skimmer.next_key(&mut first)? {
        let key = trimmed(key, &mut out.blank_keys);
        let start = skimmer.at();
        let shape = match skimmer.peek() {
            Some(b'{') => Shape::Object(wrapper(skimmer, &mut out.blank_keys)?),
            Some(b'[') => Shape::List(elements(skimmer)?),
            _ => {
                let range = skimmer.skip_value()?;
                Shape::Scalar(skimmer.slice(range))
            }
        };
        out.entries.push(Entry { key, shape, range: start..skimmer.at() });
    }
    Ok(out)
}

fn wrapper<'t>(
    skimmer: &mut Skimmer<'t>,
    blank: &mut bool,
) -> Result<Vec<(Cow<'t, str>, Inner<'t>)>, JsonError> {
    let mut out = Vec::new();
    skimmer.enter_object()?;
    let mut first = true;
    while let Some(key) = skimmer.next_key(&mut first)? {
        let key = trimmed(key, blank);
        let inner = match skimmer.peek() {
            Some(b'{') => Inner::Object(keys(skimmer)?),
            Some(b'[') => Inner::List(elements(skimmer)?),
            _ => {
                let range = skimmer.skip_value()?;
                Inner::Scalar(skimmer.slice(range))
            }
        };
        out.push((key, inner));
    }
    Ok(out)
}

fn elements<'t>(skimmer: &mut Skimmer<'t>) -> Result<Elements<'t>, JsonError> {
    let mut out = Elements { samples: Vec::new(), empty: true };
    skimmer.enter_array()?;
    let mut first = true;
    while skimmer.next_item(&mut first)? {
        out.empty = false;
        if out.samples.len() < SAMPLES && skimmer.peek() == Some(b'{') {
            out.samples.push(keys(skimmer)?);
        } else {
            skimmer.skip_value()?;
        }
    }
    Ok(out)
}

fn keys<'t>(skimmer: &mut Skimmer<'t>) -> Result<Keys<'t>, JsonError> {
    let mut out = Keys::new();
    skimmer.enter_object()?;
    let mut first = true;
    while let Some(key) = skimmer.next_key(&mut first)? {
        let scalar = !matches!(skimmer.peek(), Some(b'{' | b'['));
        let range = skimmer.skip_value()?;
        let key = trimmed(key, &mut false);
        out.push((key, scalar.then(|| skimmer.slice(range))));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_keys_and_samples() {
        let text = r#" {"Vpcs":{"Vpc":[{"VpcId":"v","Tags":{}},{"VpcId":"w"}]},"TotalCount":"2","X ":{}} "#;
        let (sketch, range) = sketch(text, 0).unwrap();
        assert_eq!(range.end, text.len() - 1);
        let Sketch::Object(outline) = sketch else { panic!("an object") };
        assert_eq!(outline.number("TotalCount"), Some(2));
        assert!(outline.has("X") && outline.blank_keys);
        let samples: Vec<_> = outline.samples().collect();
        assert_eq!(samples.len(), 2);
        assert_eq!(sample_text(samples[0], "VpcId").unwrap(), "v");
    }

    #[test]
    fn a_bare_list_is_sampled() {
        let (sketch, _) = sketch(r#"[{"a":1},{"b":2},3,{"c":3},{"d":4}]"#, 0).unwrap();
        let Sketch::List(elements) = sketch else { panic!("a list") };
        assert_eq!(elements.samples.len(), 3);
    }
}
