//! Single values out of a body's rows, for what the loader must know before or beside a reader:
//! parents, zones, resources.

use std::collections::BTreeSet;

use super::fingerprints::ListPrint;
use crate::load::json::{JsonError, Skimmer, scalar_text};

/// All values of a key in the rows of a list, in order and without doubles.
pub(crate) fn values(body: &str, list: &ListPrint, key: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    // a body that breaks off is reported by its reader
    let _ = rows(body, list, |skimmer| {
        each_key(skimmer, |found, raw| {
            if found == key
                && let Some(text) = scalar_text(raw)
            {
                out.insert(text.into_owned());
            }
        })
    });
    out
}

fn rows<'t>(
    body: &'t str,
    list: &ListPrint,
    mut row: impl FnMut(&mut Skimmer<'t>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    let mut skimmer = Skimmer::new(body, 0);
    if !seek(&mut skimmer, list.outer)? {
        return Ok(());
    }
    if let Some(inner) = list.inner
        && (skimmer.peek() != Some(b'{') || !seek(&mut skimmer, inner)?)
    {
        return Ok(());
    }
    match skimmer.peek() {
        Some(b'{') => row(&mut skimmer),
        Some(b'[') => {
            skimmer.enter_array()?;
            let mut first = true;
            while skimmer.next_item(&mut first)? {
                row(&mut skimmer)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Moves to the value of a key of the object at the cursor.
fn seek(skimmer: &mut Skimmer<'_>, key: &str) -> Result<bool, JsonError> {
    skimmer.enter_object()?;
    let mut first = true;
    while let Some(found) = skimmer.next_key(&mut first)? {
        if found.trim() == key {
            return Ok(true);
        }
        skimmer.skip_value()?;
    }
    Ok(false)
}

fn each_key<'t>(
    skimmer: &mut Skimmer<'t>,
    mut entry: impl FnMut(&str, &'t str),
) -> Result<(), JsonError> {
    if skimmer.peek() != Some(b'{') {
        skimmer.skip_value()?;
        return Ok(());
    }
    skimmer.enter_object()?;
    let mut first = true;
    while let Some(key) = skimmer.next_key(&mut first)? {
        let range = skimmer.skip_value()?;
        entry(key.trim(), skimmer.slice(range));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rows_are_found() {
        let wrapped = ListPrint { outer: "A", inner: Some("B"), keys: Vec::new() };
        let flat = ListPrint { outer: "A", inner: None, keys: Vec::new() };
        let found = |body: &str, list: &ListPrint| {
            values(body, list, "K").into_iter().collect::<Vec<_>>().join(",")
        };
        assert_eq!(
            found(r#"{"X":[{"K":"0"}],"A":{"B":[{"K":"2"},{"K":"1"},{"K":""},7]}}"#, &wrapped),
            "1,2"
        );
        assert_eq!(found(r#"{"A":{"B":{"K":1}}}"#, &wrapped), "1");
        assert_eq!(found(r#"{"A":[{"K":"1"}]}"#, &flat), "1");
        assert_eq!(found(r#"{"A":[{"K":"1"}]}"#, &wrapped), "");
        assert_eq!(found("{\"A\":[{", &flat), "");
    }
}
