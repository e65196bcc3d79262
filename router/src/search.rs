//! The search through the trie, by all ways that can lead to the target of the lowest order.

use crate::condition::Answer;
use crate::core::Core;
use crate::find::{Hit, Miss};
use crate::head::Head;
use crate::key::Key;
use crate::methods::method_place;
use crate::slots::Slots;
use crate::tree::RouteId;
use crate::trie::{FAR_HANDLER, NO_HANDLER, NONE, Next, Target};

/// A search for one request. What is below a child whose lowest order is no better than what was found is not looked at.
pub(crate) struct Search<'s, const SEPARATOR: u8> {
    core: &'s Core,
    head: &'s Head<'s>,
    path: &'s [u8],
    /// The place of the method in tables of handlers.
    method: usize,
    /// What the variables on the present way caught; after a target was accepted, what that caught, until the search goes another way.
    slots: &'s mut Slots,
    /// The target of the lowest order so far, and its order, or [`NONE`].
    found: Option<Found>,
    order: u32,
    /// What it caught, once the search has gone another way.
    kept: Option<Slots>,
    is_badly_encoded: bool,
    /// Whether some matched but for the method, and which, with their orders, for those who ask.
    is_refused: bool,
    refused: Option<&'s mut Vec<(u32, RouteId)>>,
}

#[derive(Clone, Copy)]
struct Found {
    hit: Hit,
    /// How many variables it caught, and how many of them in the path.
    caught: usize,
    caught_in_path: usize,
}

impl<'s, const SEPARATOR: u8> Search<'s, SEPARATOR> {
    /// Searches with `path`, which is that of `head`, decoded if need be.
    pub(crate) fn new(
        core: &'s Core,
        head: &'s Head<'s>,
        path: &'s [u8],
        slots: &'s mut Slots,
        refused: Option<&'s mut Vec<(u32, RouteId)>>,
    ) -> Self {
        Self {
            core,
            head,
            path,
            method: method_place(head.method),
            slots,
            found: None,
            order: NONE,
            kept: None,
            is_badly_encoded: false,
            is_refused: false,
            refused,
        }
    }

    /// Finds the target, and how many of its variables it caught in the path.
    pub(crate) fn run(mut self) -> Result<(Hit, usize), Miss> {
        // A path that does not begin with a slash has no segments: the `*` of `OPTIONS`.
        let start = if self.path.first() == Some(&SEPARATOR) {
            1
        } else {
            self.path.len() + 1
        };
        self.visit(0, start);
        match self.found {
            Some(Found {
                hit,
                caught,
                caught_in_path,
            }) => {
                if let Some(kept) = self.kept {
                    *self.slots = kept;
                }
                self.slots.truncate(caught);
                Ok((hit, caught_in_path))
            }
            None if self.is_badly_encoded => Err(Miss::BadEncoding),
            None if self.is_refused => Err(Miss::Refused),
            None => Err(Miss::NotFound),
        }
    }

    /// Goes back to where so many variables had been caught, to go another way.
    fn back(&mut self, caught: usize) {
        if self.found.is_some() && self.kept.is_none() {
            self.kept = Some(self.slots.clone());
        }
        self.slots.truncate(caught);
    }

    /// Searches what follows a segment, from `start` on.
    fn follow(&mut self, next: Next, start: usize) {
        let trie = &self.core.trie;
        if next.tail == NONE {
            self.visit(next.index, start);
        } else if trie.tails[next.tail as usize].find::<SEPARATOR>(self.path, start, self.slots) {
            self.offer(&trie.targets[next.index as usize..]);
        }
    }

    /// Searches below a node of the trie, with the segments that begin at `start`; beyond the end of the path there are none. What was caught on
    /// the way is left for the caller to go back from.
    fn visit(&mut self, index: u32, start: usize) {
        let trie = &self.core.trie;
        let node = &trie.nodes[index as usize];
        let Some(start) = trie.after_lead::<SEPARATOR>(node, self.path, start) else {
            return;
        };
        let caught = self.slots.len();
        if start > self.path.len() {
            self.offer(trie.ends(node));
            self.back(caught);
            return self.offer(trie.opens(node));
        }
        let (key, end) = Key::read::<SEPARATOR>(self.path, start);
        let literal = trie.literal(node, key, self.path, start);
        if !literal.is_nothing() {
            self.follow(literal, end + 1);
        }
        if node.other_order >= self.order {
            return;
        }
        self.back(caught);
        for branch in trie.branches(node) {
            if branch.order < self.order {
                if branch
                    .pattern
                    .find_bytes(&self.path[start..end], start, self.slots)
                {
                    self.follow(branch.next, end + 1);
                }
                self.back(caught);
            }
        }
        if node.any_order < self.order && end > start {
            self.slots.push(start, end);
            self.follow(node.any, end + 1);
            self.back(caught);
        }
        if node.rests > 0 {
            self.slots.push(start, self.path.len());
            self.offer(trie.rests(node));
            self.back(caught);
        }
        self.offer(trie.opens(node));
    }

    /// Offers the request to targets whose path matches, by their order, up to one that is marked as the last.
    fn offer(&mut self, targets: &'s [Target]) {
        for target in targets {
            if target.order >= self.order {
                return;
            }
            let caught_in_path = self.slots.len();
            match (self.check(target), self.handler(target)) {
                (Answer::Yes, Some(handler)) => {
                    let hit = Hit {
                        route: target.route,
                        handler,
                    };
                    self.found = Some(Found {
                        hit,
                        caught: self.slots.len(),
                        caught_in_path,
                    });
                    self.order = target.order;
                    self.kept = None;
                    return;
                }
                (Answer::Yes, None) => {
                    self.is_refused = true;
                    self.refused
                        .iter_mut()
                        .for_each(|refused| refused.push((target.order, target.route)));
                }
                (Answer::BadEncoding, _) => self.is_badly_encoded = true,
                (Answer::No, _) => {}
            }
            self.slots.truncate(caught_in_path);
            if target.last {
                return;
            }
        }
    }

    /// Checks the conditions of a target and catches their variables.
    fn check(&mut self, target: &Target) -> Answer {
        let mut all = Answer::Yes;
        if target.conditional {
            for condition in &self.core.node(target.route).conditions {
                match condition.check(self.head, self.slots) {
                    Answer::Yes => {}
                    Answer::No => return Answer::No,
                    Answer::BadEncoding => all = Answer::BadEncoding,
                }
            }
        }
        all
    }

    /// The handler for the method, as an index among those of the tree.
    fn handler(&self, target: &Target) -> Option<usize> {
        let handler = match target.handlers[self.method] {
            NO_HANDLER => return None,
            FAR_HANDLER => self
                .core
                .node(target.route)
                .dispatch
                .handler(self.head.method)?,
            near => usize::from(near),
        };
        Some(target.first_handler as usize + handler)
    }
}
