//! All paths of a tree in one trie, a segment at a time.
//!
//! A walk down the trie visits a node at most once, because exactly one way leads to it: however many patterns overlap and whatever a client
//! sends, a match costs at most one visit for each node, and at most [`MAX_SEGMENTS`](crate::MAX_SEGMENTS) of them lie on one way.
//!
//! Where only one path is left, there are no more nodes: what remains of it is its [tail](Tail).

use std::sync::Arc;

use crate::find::Hit;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tail::Tail;
use crate::tree::RouteId;

/// Nothing there: more than any index or order.
pub(crate) const NONE: u32 = u32::MAX;

/// The trie.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    /// The root first.
    pub(crate) nodes: Vec<Node>,
    /// Literal children: for each node a hash table with open addressing, at most half full.
    pub(crate) tables: Vec<Literal>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) tails: Vec<Tail>,
    /// The targets of each node and of each tail lie together, by order.
    pub(crate) targets: Vec<Target>,
    /// The leads of nodes, each segment with a slash after it.
    pub(crate) leads: Vec<String>,
    /// The texts of literals that are longer than their keys.
    pub(crate) texts: Vec<Arc<str>>,
}

/// What can follow one beginning of paths. One cache line.
///
/// A chain of literals that nothing branches off from, such as `/api/v1` in many a tree, is no chain of nodes but the *lead* of the node after it.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Node {
    /// The literals that have to come first, or [`NONE`].
    pub(crate) lead: u32,
    /// Where the table of literal children begins, its last place, and how many bits of a hash to shift out to get a place.
    pub(crate) table: u32,
    pub(crate) last_place: u32,
    pub(crate) shift: u8,
    /// True if all that can follow is literals and any segment: no branches, nothing open, no rests.
    pub(crate) plain: bool,
    /// What follows any segment, and the lowest order in it.
    pub(crate) any: Next,
    pub(crate) any_order: u32,
    /// The lowest order in all that can follow, but for literals.
    pub(crate) other_order: u32,
    /// What follows segments of a pattern.
    pub(crate) first_branch: u32,
    pub(crate) branches: u32,
    /// The targets of paths that end here, then of those that are open here, then of those that take the rest from here.
    pub(crate) first_target: u32,
    pub(crate) ends: u32,
    pub(crate) opens: u32,
    pub(crate) rests: u32,
}

/// What follows a segment: nothing, a node, or the targets of a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// The tail, or [`NONE`] before a node.
    pub(crate) tail: u32,
    /// The node, or the first target of the tail.
    pub(crate) index: u32,
}

/// A literal segment, and what follows it. Half a cache line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    pub(crate) key: Key,
    pub(crate) text: u32,
    pub(crate) next: Next,
}

/// Segments of a pattern, and what follows them.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pattern: Pattern,
    pub(crate) next: Next,
    /// The lowest order in what follows.
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
    /// The handler of each standard method and of all others, or [`NO_HANDLER`] or [`FAR_HANDLER`].
    pub(crate) handlers: [u8; 10],
    /// True if conditions have to be checked besides the path.
    pub(crate) conditional: bool,
    /// True for the last target of a node's ends, opens or rests, or of a tail.
    pub(crate) last: bool,
}

/// The route does not handle the method.
pub(crate) const NO_HANDLER: u8 = u8::MAX;

/// The number of the handler does not fit, or depends on the name of the method: the route's `Dispatch` knows.
pub(crate) const FAR_HANDLER: u8 = u8::MAX - 1;

impl Target {
    #[inline]
    pub(crate) fn hit(&self, handler: u8) -> Hit {
        Hit {
            route: self.route,
            handler: self.first_handler as usize + usize::from(handler),
        }
    }
}

impl Next {
    pub(crate) const NOTHING: Self = Self {
        tail: NONE,
        index: NONE,
    };

    #[inline]
    pub(crate) fn is_nothing(self) -> bool {
        self.index == NONE
    }
}

impl Literal {
    /// An empty place in a table.
    pub(crate) const ABSENT: Self = Self {
        key: Key { head: 0, tail: 0 },
        text: NONE,
        next: Next::NOTHING,
    };
}

impl Trie {
    /// Where the segment after the lead of `node` begins, if the lead is what comes first in `path` from `start` on.
    #[inline]
    pub(crate) fn after_lead<const SEPARATOR: u8>(
        &self,
        node: &Node,
        path: &[u8],
        start: usize,
    ) -> Option<usize> {
        if node.lead == NONE {
            return Some(start);
        }
        let lead = self.leads[node.lead as usize].as_bytes();
        let given = path.get(start..start + lead.len())?;
        let same = if SEPARATOR == b'/' {
            given == lead
        } else {
            given
                .iter()
                .zip(lead)
                .all(|(given, lead)| given == if *lead == b'/' { &SEPARATOR } else { lead })
        };
        same.then_some(start + lead.len())
    }

    /// What follows the literal segment of `path` that begins at `start`, after `node`. `key` is the segment's.
    #[inline(always)]
    pub(crate) fn literal(&self, node: &Node, key: Key, path: &[u8], start: usize) -> Next {
        let mut place = (key.hash() >> node.shift) as u32;
        loop {
            let literal = &self.tables[(node.table + place) as usize];
            if literal.next.is_nothing()
                || literal.key == key && (key.is_whole() || self.is_text(literal, path, start))
            {
                return literal.next;
            }
            place = (place + 1) & node.last_place;
        }
    }

    #[inline(never)]
    fn is_text(&self, literal: &Literal, path: &[u8], start: usize) -> bool {
        path[start..].starts_with(self.texts[literal.text as usize].as_bytes())
    }

    #[inline]
    pub(crate) fn branches(&self, node: &Node) -> &[Branch] {
        &self.branches[node.first_branch as usize..][..node.branches as usize]
    }

    /// Targets of paths that end at `node`.
    #[inline]
    pub(crate) fn ends(&self, node: &Node) -> &[Target] {
        &self.targets[node.first_target as usize..][..node.ends as usize]
    }

    /// Targets of prefixes that end at `node` and leave the rest open.
    #[inline]
    pub(crate) fn opens(&self, node: &Node) -> &[Target] {
        &self.targets[(node.first_target + node.ends) as usize..][..node.opens as usize]
    }

    /// Targets of paths whose rest begins after `node`.
    #[inline]
    pub(crate) fn rests(&self, node: &Node) -> &[Target] {
        &self.targets[(node.first_target + node.ends + node.opens) as usize..]
            [..node.rests as usize]
    }

    /// The targets from `first` to the last that lies with it.
    pub(crate) fn targets_from(&self, first: u32) -> &[Target] {
        let targets = &self.targets[first as usize..];
        let last = targets
            .iter()
            .position(|target| target.last)
            .unwrap_or_default();
        &targets[..=last]
    }
}
