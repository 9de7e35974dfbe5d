//! The drifting shapes of the cloud's JSON, absorbed at the border (formats-api.md §5).
//!
//! - [`Scalar`]: text, number and boolean in one; absent, empty and stated are kept apart (Q3, Q4).
//! - [`List`]: both list shapes, one-element lists collapsed to an object, and "absent" (Q1, Q2, F10).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::topology::{Id, Text};

/// A scalar of a body: text, number or boolean, as the cloud happens to print it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    /// The key is missing.
    #[default]
    Absent,
    /// `""`, `null`, `{}` or `[]`: the cloud says that there is no value.
    Empty,
    /// A value; blanks around it are cut off (doc samples contain tabs).
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The value, if there is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Empty => None,
        }
    }

    /// True unless the key is missing.
    pub(crate) fn is_stated(&self) -> bool {
        *self != Self::Absent
    }

    /// The value as an id.
    pub(crate) fn id(&self) -> Option<Id> {
        self.as_str().map(Id::from)
    }

    /// For references that the cloud states as "none": missing, stated as none, stated.
    pub(crate) fn stated_id(&self) -> Option<Option<Id>> {
        self.is_stated().then(|| self.id())
    }

    /// The value as a text.
    pub(crate) fn text(&self) -> Option<Text> {
        self.as_str().map(Text::from)
    }

    /// For texts that the cloud states as "none": missing, stated as none, stated.
    pub(crate) fn stated_text(&self) -> Option<Option<Text>> {
        self.is_stated().then(|| self.text())
    }

    /// The value as a whole number; decimal text and numbers alike.
    pub(crate) fn number<N: std::str::FromStr>(&self) -> Option<N> {
        self.as_str()?.parse().ok()
    }

    /// The value as a truth value: `true`, `"True"`, `1`.
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.as_str()?.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "enable" | "enabled" | "yes" => Some(true),
            "false" | "0" | "off" | "disable" | "disabled" | "no" => Some(false),
            _ => None,
        }
    }

    /// The parts of a comma-joined list, trimmed, empty parts dropped; `None` when the key is
    /// missing (formats-api.md Q5).
    pub(crate) fn split(&self) -> Option<Vec<&str>> {
        self.is_stated().then(|| {
            let text = self.as_str().unwrap_or_default();
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a boolean")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                let text = text.trim();
                Ok(if text.is_empty() { Scalar::Empty } else { Scalar::Text(Cow::Borrowed(text)) })
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                let text = text.trim();
                Ok(if text.is_empty() {
                    Scalar::Empty
                } else {
                    Scalar::Text(Cow::Owned(text.to_owned()))
                })
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(if value { "true" } else { "false" })))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_string())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_string())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_string())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Empty)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // `{}` stands for "none"; an object with content is not a scalar and is passed over
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Empty)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let first = seq.next_element::<Scalar<'de>>()?.unwrap_or(Scalar::Empty);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first)
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A list of a body, in any of its shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<T> {
    items: Vec<T>,
    /// Key inside the wrapper (`Vpc` in `{"Vpcs":{"Vpc":[…]}}`).
    inner: Option<Box<str>>,
    /// The one element stands without brackets (F10), so its pointer has no index.
    collapsed: bool,
    stated: bool,
}

impl<T> Default for List<T> {
    /// The list of a body that lacks the key.
    fn default() -> Self {
        Self { items: Vec::new(), inner: None, collapsed: false, stated: false }
    }
}

impl<T> List<T> {
    /// True unless the key is missing.
    pub(crate) fn is_stated(&self) -> bool {
        self.stated
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The elements.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The elements, mapped; `None` when the key is missing.
    pub(crate) fn stated<U>(&self, map: impl FnMut(&T) -> U) -> Option<Vec<U>> {
        self.stated.then(|| self.items.iter().map(map).collect())
    }

    /// The elements for which `map` has a value; `None` when the key is missing.
    pub(crate) fn stated_some<U>(&self, map: impl FnMut(&T) -> Option<U>) -> Option<Vec<U>> {
        self.stated.then(|| self.items.iter().filter_map(map).collect())
    }

    /// JSON pointer of the array, given the key under which the list stands.
    pub(crate) fn pointer(&self, outer: &str) -> String {
        match &self.inner {
            Some(inner) => format!("{outer}/{inner}"),
            None => outer.to_owned(),
        }
    }

    /// True when the one element stands without brackets.
    pub(crate) fn is_collapsed(&self) -> bool {
        self.collapsed
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or an object that wraps a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List { stated: true, ..List::default() })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.trim().is_empty() {
                    self.visit_unit()
                } else {
                    Err(E::invalid_type(de::Unexpected::Str(text), &self))
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(List { items, inner: None, collapsed: false, stated: true })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = List { stated: true, ..List::default() };
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    if out.inner.is_some() {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let OneOrMany { items, collapsed } = map.next_value()?;
                    out.items = items;
                    out.collapsed = collapsed;
                    out.inner = Some(key.trim().into());
                }
                Ok(out)
            }
        }

        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// What stands inside a wrapper: an array, or one element without brackets (F10).
struct OneOrMany<T> {
    items: Vec<T>,
    collapsed: bool,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InnerVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InnerVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or one element")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(OneOrMany { items: Vec::new(), collapsed: false })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(OneOrMany { items, collapsed: false })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let item = T::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(OneOrMany { items: vec![item], collapsed: true })
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                if text.trim().is_empty() {
                    return self.visit_unit();
                }
                let item = T::deserialize(de::value::BorrowedStrDeserializer::new(text))?;
                Ok(OneOrMany { items: vec![item], collapsed: true })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.trim().is_empty() {
                    return self.visit_unit();
                }
                let item = T::deserialize(de::value::StrDeserializer::new(text))?;
                Ok(OneOrMany { items: vec![item], collapsed: true })
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                let item = T::deserialize(de::value::I64Deserializer::new(value))?;
                Ok(OneOrMany { items: vec![item], collapsed: true })
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                let item = T::deserialize(de::value::U64Deserializer::new(value))?;
                Ok(OneOrMany { items: vec![item], collapsed: true })
            }
        }

        deserializer.deserialize_any(InnerVisitor(PhantomData))
    }
}

/// An object inside a row; the cloud also prints `{}`, `""` or `null` where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) enum Object<T> {
    /// The key is missing.
    #[default]
    Absent,
    /// Stated to be none.
    Empty,
    /// The object.
    Stated(T),
}

impl<T> Object<T> {
    /// The object, if there is one.
    pub(crate) fn get(&self) -> Option<&T> {
        match self {
            Self::Stated(object) => Some(object),
            Self::Absent | Self::Empty => None,
        }
    }

    /// True unless the key is missing.
    pub(crate) fn is_stated(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Object::Empty)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.trim().is_empty() {
                    self.visit_unit()
                } else {
                    Err(E::invalid_type(de::Unexpected::Str(text), &self))
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let first = seq.next_element::<T>()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first.map_or(Object::Empty, Object::Stated))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object::Stated)
            }
        }

        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(rename = "Id", default, borrow)]
        id: Scalar<'a>,
    }

    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(rename = "Rows", default, borrow)]
        rows: List<Row<'a>>,
    }

    fn ids(text: &str) -> (Vec<String>, String) {
        let body: Body<'_> = serde_json::from_str(text).unwrap();
        let ids = body.rows.iter().map(|r| r.id.as_str().unwrap().to_owned()).collect();
        (ids, body.rows.pointer("/Rows"))
    }

    #[test]
    fn every_list_shape_reads_the_same() {
        let expected = vec!["a".to_owned()];
        assert_eq!(ids(r#"{"Rows":[{"Id":"a"}]}"#), (expected.clone(), "/Rows".into()));
        assert_eq!(ids(r#"{"Rows":{"Row":[{"Id":"a"}]}}"#), (expected.clone(), "/Rows/Row".into()));
        assert_eq!(ids(r#"{"Rows":{"Row":{"Id":"a"}}}"#), (expected, "/Rows/Row".into()));
        for empty in
            [r#"{"Rows":""}"#, r#"{"Rows":null}"#, r#"{"Rows":{}}"#, r#"{"Rows":{"Row":""}}"#]
        {
            assert_eq!(ids(empty).0, Vec::<String>::new(), "{empty}");
        }
        let absent: Body<'_> = serde_json::from_str("{}").unwrap();
        assert!(!absent.rows.is_stated());
    }

    #[test]
    fn scalars_keep_absent_empty_and_stated_apart() {
        let read = |text: &'static str| serde_json::from_str::<Row<'_>>(text).unwrap().id;
        assert_eq!(read("{}"), Scalar::Absent);
        assert_eq!(read(r#"{"Id":""}"#), Scalar::Empty);
        assert_eq!(read(r#"{"Id":null}"#), Scalar::Empty);
        assert_eq!(read(r#"{"Id":{}}"#), Scalar::Empty);
        assert_eq!(read(r#"{"Id":" x\t"}"#).as_str(), Some("x"));
        assert_eq!(read(r#"{"Id":253460731706911258}"#).as_str(), Some("253460731706911258"));
        assert_eq!(read(r#"{"Id":"0"}"#).bool(), Some(false));
        assert_eq!(read(r#"{"Id":true}"#).bool(), Some(true));
        assert_eq!(read(r#"{"Id":"1.1.1.1, 2.2.2.2,"}"#).split().unwrap(), ["1.1.1.1", "2.2.2.2"]);
    }

    #[test]
    fn objects_may_be_missing_in_many_ways() {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Row<'a> {
            #[serde(borrow)]
            inner: Object<Inner<'a>>,
        }
        #[derive(Deserialize)]
        struct Inner<'a> {
            #[serde(borrow)]
            id: Scalar<'a>,
        }
        for none in [r#"{}"#, r#"{"inner":null}"#, r#"{"inner":""}"#, r#"{"inner":[]}"#] {
            assert!(serde_json::from_str::<Row<'_>>(none).unwrap().inner.get().is_none(), "{none}");
        }
        let row: Row<'_> = serde_json::from_str(r#"{"inner":{"id":"x"}}"#).unwrap();
        assert_eq!(row.inner.get().unwrap().id.as_str(), Some("x"));
    }
}
