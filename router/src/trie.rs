//! All paths of a tree in one trie, a segment at a time.
//!
//! A walk down the trie visits a node at most once, because exactly one way leads to it: however many patterns overlap and whatever a client
//! sends, a match costs at most one visit for each node, and at most [`MAX_SEGMENTS`](crate::MAX_SEGMENTS) of them lie on one way.

use std::sync::Arc;

use crate::key::Key;
use crate::pattern::Pattern;
use crate::tree::RouteId;

/// Nothing there: more than any index or order.
pub(crate) const NONE: u32 = u32::MAX;

/// The trie. Nodes and targets lie in the order in which a walk meets them, so that one way down is few cache lines.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    pub(crate) nodes: Vec<Node>,
    /// Literal children of nodes that have several: for each a hash table with open addressing, at most half full.
    pub(crate) tables: Vec<Literal>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) targets: Vec<Target>,
    /// The texts of literals that are longer than their keys.
    pub(crate) texts: Vec<Arc<str>>,
}

/// What can follow one beginning of paths.
#[derive(Debug)]
pub(crate) struct Node {
    /// The literal child, if there is just one.
    pub(crate) literal: Literal,
    /// Where the table of literal children begins, and its length less one. [`NONE`] if there is no more than one.
    pub(crate) table: u32,
    pub(crate) mask: u32,
    /// The child for any segment, and the lowest order below it.
    pub(crate) any: u32,
    pub(crate) any_order: u32,
    /// The children for segments of a pattern.
    pub(crate) first_branch: u32,
    pub(crate) branches: u16,
    /// The targets of paths that end here, then of those that are open here, then of those that take the rest from here; each by order.
    pub(crate) ends: u16,
    pub(crate) opens: u16,
    pub(crate) rests: u16,
    pub(crate) first_target: u32,
}

/// A child for one literal segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    pub(crate) key: Key,
    pub(crate) child: u32,
    pub(crate) text: u32,
}

/// A child for segments of a pattern.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pattern: Pattern,
    pub(crate) child: u32,
    /// The lowest order below it.
    pub(crate) order: u32,
}

/// A route that can handle a request whose path led to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its place in the sequence of the walk: of all targets that match, the lowest handles.
    pub(crate) order: u32,
    pub(crate) route: RouteId,
    /// Where its handlers begin among those of the tree.
    pub(crate) first_handler: u32,
    /// The handler of each standard method, or [`NO_HANDLER`] or [`FAR_HANDLER`].
    pub(crate) handlers: [u8; 9],
    /// True if conditions have to be checked besides the path.
    pub(crate) conditional: bool,
}

/// The route does not handle the method.
pub(crate) const NO_HANDLER: u8 = u8::MAX;

/// The number of the handler does not fit: the route's [`Dispatch`](crate::methods::Dispatch) knows it.
pub(crate) const FAR_HANDLER: u8 = u8::MAX - 1;

impl Node {
    #[inline]
    pub(crate) fn has_literals(&self) -> bool {
        self.table != NONE || self.literal.child != NONE
    }

    /// The child for any segment.
    pub(crate) fn any(&self) -> Option<u32> {
        (self.any != NONE).then_some(self.any)
    }
}

impl Literal {
    /// No child.
    pub(crate) const ABSENT: Self = Self {
        key: Key::IMPOSSIBLE,
        child: NONE,
        text: NONE,
    };
}

impl Trie {
    /// The child of `node` for the literal `segment`, of which `key` is the key.
    #[inline]
    pub(crate) fn literal(&self, node: &Node, key: Key, segment: &[u8]) -> Option<u32> {
        if node.table == NONE {
            return self
                .is_literal(&node.literal, key, segment)
                .then_some(node.literal.child);
        }
        let table = self.tables.get(node.table as usize..)?;
        let mut place = key.hash() as u32;
        loop {
            place &= node.mask;
            let literal = table.get(place as usize)?;
            if self.is_literal(literal, key, segment) {
                return Some(literal.child);
            }
            if literal.child == NONE {
                return None;
            }
            place += 1;
        }
    }

    #[inline]
    fn is_literal(&self, literal: &Literal, key: Key, segment: &[u8]) -> bool {
        literal.key == key
            && (key.is_whole() || self.texts[literal.text as usize].as_bytes() == segment)
    }

    #[inline]
    pub(crate) fn branches(&self, node: &Node) -> &[Branch] {
        let first = node.first_branch as usize;
        &self.branches[first..first + usize::from(node.branches)]
    }

    /// Targets of paths that end at `node`.
    #[inline]
    pub(crate) fn ends(&self, node: &Node) -> &[Target] {
        let first = node.first_target as usize;
        &self.targets[first..first + usize::from(node.ends)]
    }

    /// Targets of prefixes that end at `node` and leave the rest open.
    #[inline]
    pub(crate) fn opens(&self, node: &Node) -> &[Target] {
        let first = node.first_target as usize + usize::from(node.ends);
        &self.targets[first..first + usize::from(node.opens)]
    }

    /// Targets of paths whose rest begins after `node`.
    #[inline]
    pub(crate) fn rests(&self, node: &Node) -> &[Target] {
        let first = node.first_target as usize + usize::from(node.ends) + usize::from(node.opens);
        &self.targets[first..first + usize::from(node.rests)]
    }
}
