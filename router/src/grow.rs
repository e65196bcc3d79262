//! Grows the trie from the paths of all routes that handle something.

use std::collections::HashMap;
use std::sync::Arc;

use crate::core::{FullPath, Node as RouteNode};
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tree::RouteId;
use crate::trie::{Branch, Literal, NONE, Node, Target, Trie};

/// Makes the trie of `targets`, which are given in the order of the walk.
pub(crate) fn grow(nodes: &[RouteNode], targets: &[RouteId]) -> Trie {
    let mut root = Growing::default();
    for (order, id) in targets.iter().enumerate() {
        let node = &nodes[id.index()];
        let target = Target {
            order: order as u32,
            route: *id,
            first_handler: node.first_handler as u32,
            handlers: node.dispatch.near(),
            conditional: !node.conditions.is_empty(),
        };
        root.insert(&node.path, target);
    }
    let mut trie = Trie::default();
    root.freeze(&mut trie);
    trie
}

/// A node that still grows.
#[derive(Default)]
struct Growing {
    literals: Vec<(Arc<str>, Growing)>,
    /// Places in `literals`.
    by_text: HashMap<Arc<str>, usize>,
    branches: Vec<(Pattern, Growing)>,
    any: Option<Box<Growing>>,
    ends: Vec<Target>,
    opens: Vec<Target>,
    rests: Vec<Target>,
}

impl Growing {
    /// Targets are inserted in their order, so every list is sorted by it.
    fn insert(&mut self, path: &FullPath, target: Target) {
        let node = path
            .segments
            .iter()
            .fold(self, |node, piece| node.child(&piece.pattern));
        match (&path.rest, path.exact) {
            (Some(_), _) => node.rests.push(target),
            (None, true) => node.ends.push(target),
            (None, false) => node.opens.push(target),
        }
    }

    fn child(&mut self, pattern: &Pattern) -> &mut Growing {
        match pattern {
            Pattern::Any => self.any.get_or_insert_default(),
            Pattern::Literal(text) => {
                let place = *self
                    .by_text
                    .entry(Arc::clone(text))
                    .or_insert(self.literals.len());
                if place == self.literals.len() {
                    self.literals.push((Arc::clone(text), Growing::default()));
                }
                &mut self.literals[place].1
            }
            Pattern::Mixed(_) => {
                let known = self.branches.iter().position(|(known, _)| known == pattern);
                let place = known.unwrap_or(self.branches.len());
                if known.is_none() {
                    self.branches.push((pattern.clone(), Growing::default()));
                }
                &mut self.branches[place].1
            }
        }
    }

    /// The lowest order at or below this node.
    fn order(&self) -> u32 {
        let own = [&self.ends, &self.opens, &self.rests]
            .into_iter()
            .filter_map(|targets| targets.first())
            .map(|target| target.order);
        let literals = self.literals.iter().map(|(_, child)| child.order());
        let branches = self.branches.iter().map(|(_, child)| child.order());
        own.chain(literals)
            .chain(branches)
            .chain(self.any.iter().map(|child| child.order()))
            .min()
            .unwrap_or(NONE)
    }

    /// Lays the node and all below it down in `trie`, and returns its index.
    fn freeze(self, trie: &mut Trie) -> u32 {
        let Self {
            literals,
            by_text: _,
            branches,
            any,
            ends,
            opens,
            rests,
        } = self;
        let index = trie.nodes.len();
        trie.nodes.push(Node {
            literal: Literal::ABSENT,
            table: NONE,
            mask: 0,
            any: NONE,
            any_order: NONE,
            first_branch: trie.branches.len() as u32,
            branches: branches.len() as u16,
            ends: ends.len() as u16,
            opens: opens.len() as u16,
            rests: rests.len() as u16,
            first_target: trie.targets.len() as u32,
        });
        trie.targets
            .extend(ends.into_iter().chain(opens).chain(rests));
        let first_branch = trie.branches.len();
        let orders: Vec<u32> = branches.iter().map(|(_, child)| child.order()).collect();
        let mut children = Vec::new();
        for ((pattern, child), order) in branches.into_iter().zip(orders) {
            trie.branches.push(Branch {
                pattern,
                child: NONE,
                order,
            });
            children.push(child);
        }
        let (table, mask) = freeze_literals(literals, index, trie);
        for (i, child) in children.into_iter().enumerate() {
            trie.branches[first_branch + i].child = child.freeze(trie);
        }
        let any_order = any.as_ref().map_or(NONE, |any| any.order());
        let any = any.map_or(NONE, |any| any.freeze(trie));
        let node = &mut trie.nodes[index];
        (node.table, node.mask, node.any, node.any_order) = (table, mask, any, any_order);
        index as u32
    }
}

/// Lays down literal children: a single one in its parent, several in a table, whose place and mask are returned.
fn freeze_literals(
    literals: Vec<(Arc<str>, Growing)>,
    parent: usize,
    trie: &mut Trie,
) -> (u32, u32) {
    let first = trie.tables.len();
    let places = if literals.len() < 2 {
        0
    } else {
        (2 * literals.len()).next_power_of_two()
    };
    trie.tables.resize(first + places, Literal::ABSENT);
    for (text, child) in literals {
        let key = Key::of(text.as_bytes());
        let text = if key.is_whole() {
            NONE
        } else {
            trie.texts.push(text);
            trie.texts.len() as u32 - 1
        };
        let literal = Literal {
            key,
            child: child.freeze(trie),
            text,
        };
        if places == 0 {
            trie.nodes[parent].literal = literal;
            continue;
        }
        let mut place = key.hash() as usize & (places - 1);
        while trie.tables[first + place].child != NONE {
            place = (place + 1) & (places - 1);
        }
        trie.tables[first + place] = literal;
    }
    if places == 0 {
        (NONE, 0)
    } else {
        (first as u32, places as u32 - 1)
    }
}
