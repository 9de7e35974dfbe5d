//! Resources of one kind, sorted and found by id.

use rustc_hash::FxHashMap;

use super::resource::{Join, Typed};
use super::{Conflict, Id};

/// All resources of one kind, in the order of their ids.
#[derive(Debug, Clone)]
pub struct Collection<T> {
    items: Vec<T>,
    by_id: FxHashMap<Id, u32>,
}

impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self { items: Vec::new(), by_id: FxHashMap::default() }
    }
}

impl<T: Typed + Join> Collection<T> {
    /// Sorts the items and joins those with the same id; the sort is stable, so the later statement
    /// in input order wins where two disagree.
    pub(super) fn new(mut items: Vec<T>, conflicts: &mut Vec<Conflict>) -> Self {
        items.sort_by(|a, b| a.id().cmp(b.id()));
        let mut out: Vec<T> = Vec::with_capacity(items.len());
        for item in items {
            match out.last_mut() {
                Some(previous) if previous.id() == item.id() => {
                    let later = item.meta().source.clone();
                    let earlier = previous.meta().source.clone();
                    let fields = previous.join(item);
                    if !fields.is_empty() {
                        conflicts.push(Conflict {
                            resource: previous.to_ref(),
                            fields,
                            earlier,
                            later,
                        });
                    }
                }
                _ => out.push(item),
            }
        }
        let by_id = out
            .iter()
            .enumerate()
            .filter_map(|(n, item)| Some((item.id().clone(), u32::try_from(n).ok()?)))
            .collect();
        Self { items: out, by_id }
    }
}

impl<T> Collection<T> {
    /// The resource with this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.items.get(self.position(id)?)
    }

    /// Position of the resource with this id in [`Collection::as_slice`].
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).map(|n| *n as usize)
    }

    /// Resources in the order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Resources in the order of their ids.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// Number of resources.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<'a, T> IntoIterator for &'a Collection<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
