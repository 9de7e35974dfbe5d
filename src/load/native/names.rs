//! Ids and references: every object gets an id, and a reference finds its object by id or name.

use std::collections::BTreeMap;

use super::error::{Fault, closest};
use super::flat::{Flat, Node};
use crate::topology::{Id, Kind};

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ref<'a> {
    /// An object of this file.
    Node(usize),
    /// Nothing in this file; the kind is known when the reference says it (`nat_gateway:ngw-1`).
    Missing(Option<Kind>, &'a str),
}

/// Which objects have which ids and names.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: BTreeMap<(Kind, String), usize>,
    names: BTreeMap<(Kind, String), Vec<usize>>,
}

impl Names {
    /// Gives every node an id: its own, or its name if that is unique, or its name after the
    /// parent's id, or one made from its place.
    pub(super) fn assign(nodes: &mut [Node]) -> Result<Self, Fault> {
        let mut all = Self::default();
        for (n, node) in nodes.iter().enumerate() {
            check_unknown(node)?;
            if let Some(name) = &node.common.name {
                all.names.entry((node.kind, name.clone())).or_default().push(n);
            }
            let Some(id) = &node.common.id else { continue };
            if id.is_empty() {
                return Err(Fault::new(format!("{}/id", node.pointer()), "an id is empty")
                    .help("leave the key out; the name is taken then"));
            }
            if let Some(first) = all.ids.insert((node.kind, id.clone()), n)
                && let Some(first) = nodes.get(first)
            {
                let pointer = format!("{}/id", node.pointer());
                let mut fault = Fault::new(
                    pointer,
                    format!("the id `{id}` is used for more than one {}", node.kind),
                );
                fault.related.push(("first used".to_owned(), format!("{}/id", first.pointer())));
                return Err(fault.help("give one of them another id"));
            }
        }
        for n in 0..nodes.len() {
            let Some(node) = nodes.get(n) else { continue };
            let id = match &node.common.id {
                Some(id) => id.clone(),
                None => all.make_id(node, nodes),
            };
            all.ids.insert((node.kind, id.clone()), n);
            if let Some(node) = nodes.get_mut(n) {
                node.id = Id::from(id);
            }
        }
        Ok(all)
    }

    fn make_id(&self, node: &Node, nodes: &[Node]) -> String {
        let free = |id: &String| !self.ids.contains_key(&(node.kind, id.clone()));
        let parent = node.parent.and_then(|p| nodes.get(p)).map(|p| &p.id);
        if let Some(name) = node.common.name.as_ref().filter(|n| !n.is_empty()) {
            let same = self.names.get(&(node.kind, name.clone())).map_or(0, Vec::len);
            if same == 1 && free(name) {
                return name.clone();
            }
            if let Some(id) = parent.map(|p| format!("{p}/{name}")).filter(free) {
                return id;
            }
        }
        if let (Some(parent), Some(suffix)) = (parent, &node.suffix) {
            let id = format!("{parent}{suffix}");
            if free(&id) {
                return id;
            }
        }
        let mut place = match (parent, &node.region) {
            (Some(parent), _) => format!("{parent}/{}", node.word),
            (None, Some(region)) => format!("{region}/{}", node.word),
            (None, None) => node.word.to_owned(),
        };
        if let Some(index) = node.index {
            place.push_str(&format!("/{index}"));
        }
        if free(&place) {
            return place;
        }
        // more tries than nodes, so one of them is free
        (2..self.ids.len() + 3).map(|n| format!("{place}#{n}")).find(free).unwrap_or(place)
    }

    /// Finds what a text refers to among some kinds. `from` is the object that refers; among several
    /// objects of one name that of its own VPC is meant. `key` is where the reference stands in it.
    pub(super) fn refer<'a>(
        &self,
        flat: &Flat,
        kinds: &[Kind],
        text: &'a str,
        from: usize,
        key: &str,
    ) -> Result<Ref<'a>, Fault> {
        if let Some(found) = self.find(flat, kinds, text, from, key)? {
            return Ok(Ref::Node(found));
        }
        // `kind:id`, unless the whole text is an id
        if let Some((prefix, rest)) = text.split_once(':')
            && let Some(kind) = kinds.iter().find(|k| k.name() == prefix.trim())
        {
            let rest = rest.trim();
            return Ok(match self.find(flat, &[*kind], rest, from, key)? {
                Some(found) => Ref::Node(found),
                None => Ref::Missing(Some(*kind), rest),
            });
        }
        Ok(Ref::Missing(None, text))
    }

    fn find(
        &self,
        flat: &Flat,
        kinds: &[Kind],
        text: &str,
        from: usize,
        key: &str,
    ) -> Result<Option<usize>, Fault> {
        let by_id: Vec<usize> = kinds
            .iter()
            .filter_map(|kind| self.ids.get(&(*kind, text.to_owned())).copied())
            .collect();
        if let [one] = by_id.as_slice() {
            return Ok(Some(*one));
        }
        let candidates = if by_id.is_empty() {
            let named = |kind: &Kind| self.names.get(&(*kind, text.to_owned()));
            kinds.iter().filter_map(named).flatten().copied().collect()
        } else {
            by_id
        };
        let vpc = |n: &usize| flat.nodes.get(*n).and_then(|node| node.vpc);
        let own: Vec<usize> = match vpc(&from) {
            Some(own) => candidates.iter().copied().filter(|n| vpc(n) == Some(own)).collect(),
            None => Vec::new(),
        };
        match (candidates.as_slice(), own.as_slice()) {
            ([], _) => Ok(None),
            ([one], _) | (_, [one]) => Ok(Some(*one)),
            _ => {
                let place = flat.nodes.get(from).map(Node::pointer).unwrap_or_default();
                let mut fault = Fault::new(
                    format!("{place}/{key}"),
                    format!("`{text}` names {} objects", candidates.len()),
                );
                for node in candidates.iter().filter_map(|n| flat.nodes.get(*n)) {
                    fault.related.push((format!("{} {}", node.kind, node.id), node.pointer()));
                }
                Err(fault.help("refer to one of them by its id, or as `kind:id`"))
            }
        }
    }
}

/// The words of `unknown` must be keys of the object.
fn check_unknown(node: &Node) -> Result<(), Fault> {
    let keys = || {
        let common = ["name", "tags", "status", "business_status"];
        node.keys.iter().map(|k| k.trim_start_matches("r#")).chain(common)
    };
    for (n, word) in node.common.unknown.iter().enumerate() {
        // the primary ENI has the words of its instance
        let inherited = node.kind == Kind::Eni && node.index.is_none();
        if inherited || keys().any(|k| k == word) {
            continue;
        }
        let fault = Fault::new(
            format!("{}/unknown/{n}", node.pointer()),
            format!("`{word}` is not a key of this {}", node.kind),
        );
        return Err(match closest(word, keys()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        });
    }
    Ok(())
}
