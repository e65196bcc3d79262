//! Finds the route of a request.

use crate::condition::Answer;
use crate::core::Core;
use crate::encode::{SEPARATOR, decode_path};
use crate::head::Head;
use crate::key::{Key, end_of, is_escaped};
use crate::methods::{Allow, method_place};
use crate::slots::Slots;
use crate::tree::RouteId;
use crate::trie::{End, FAR_HANDLER, NO_HANDLER, NONE, Next, Node, Places, Step, Target};

/// The target that handles a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) route: RouteId,
    /// An index among all handlers of the tree.
    pub(crate) handler: usize,
}

/// Why no target handles a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// Targets match but for the method: see [`Core::refusal`].
    Refused,
    BadEncoding,
    NotFound,
}

/// Paths up to this length are decoded on the stack.
const STACK_BYTES: usize = 512;

impl Core {
    /// Finds the target of the lowest order that matches and handles the method, and fills `caught` with what it caught.
    ///
    /// The walk over the tree offers a request to one target after another, in a fixed order, and each is judged on its own. So the first
    /// that would handle it is the lowest of all that would, and the trie may be searched in any order: what is below a child whose lowest
    /// order is no better than what was found is not looked at.
    #[inline]
    pub(crate) fn find(&self, head: &Head<'_>, caught: &mut Slots) -> Result<Hit, Miss> {
        if is_escaped(head.path.as_bytes()) {
            return self.find_decoded(head, caught, None);
        }
        let mut search = Search::<b'/'>::new(self, head, head.path.as_bytes(), caught, None);
        search.run();
        search.finish()
    }

    /// The methods of all routes that match but for the method, and the first of these routes: told after [`Miss::Refused`].
    #[cold]
    pub(crate) fn refusal(&self, head: &Head<'_>) -> (Allow, RouteId) {
        let mut refused = Vec::new();
        // To nobody's surprise there is no hit: the search is the same as before, but remembers.
        let _ = self.find_decoded(head, &mut Slots::default(), Some(&mut refused));
        refused.sort();
        let mut allow = Allow::default();
        refused
            .iter()
            .for_each(|(_, route)| allow.merge(&self.node(*route).dispatch.allow));
        (
            allow,
            refused.first().map_or(RouteId::ROOT, |(_, route)| *route),
        )
    }

    /// Decodes the path before it is searched. Variables then refer to a copy of the decoded path.
    #[cold]
    fn find_decoded(
        &self,
        head: &Head<'_>,
        caught: &mut Slots,
        refused: Option<&mut Vec<(u32, RouteId)>>,
    ) -> Result<Hit, Miss> {
        let mut on_stack = [0; STACK_BYTES];
        let mut on_heap = Vec::new();
        let buffer = match on_stack.get_mut(..head.path.len()) {
            Some(buffer) => buffer,
            None => {
                on_heap.resize(head.path.len(), 0);
                &mut on_heap
            }
        };
        let Ok(len) = decode_path(head.path, buffer) else {
            return Err(Miss::BadEncoding);
        };
        let mut search = Search::<SEPARATOR>::new(self, head, &buffer[..len], caught, refused);
        search.run();
        let in_path = search.caught_in_path;
        let hit = search.finish()?;
        if in_path > 0 {
            let text: Vec<u8> = buffer[..len]
                .iter()
                .map(|byte| if *byte == SEPARATOR { b'/' } else { *byte })
                .collect();
            let text = String::from_utf8(text).expect("decoding a path checks that it is UTF-8");
            caught.keep_decoded(0..in_path, &text);
        }
        Ok(hit)
    }
}

struct Search<'s, const SEPARATOR: u8> {
    core: &'s Core,
    head: &'s Head<'s>,
    path: &'s [u8],
    /// The place of the method in tables of handlers.
    method: usize,
    /// What the variables on the present way caught; after a target was accepted, what that caught, until the search goes another way.
    slots: &'s mut Slots,
    /// The target of the lowest order so far, and its order, or [`NONE`].
    order: u32,
    hit: Hit,
    /// How many variables it caught, and how many of them in the path.
    caught: usize,
    caught_in_path: usize,
    /// What it caught, once the search has gone another way.
    kept: Option<Slots>,
    is_badly_encoded: bool,
    /// Whether some matched but for the method, and which, for those who ask.
    is_refused: bool,
    refused: Option<&'s mut Vec<(u32, RouteId)>>,
}

impl<'s, const SEPARATOR: u8> Search<'s, SEPARATOR> {
    #[inline]
    fn new(
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
            order: NONE,
            hit: Hit {
                route: RouteId::ROOT,
                handler: 0,
            },
            caught: 0,
            caught_in_path: 0,
            kept: None,
            is_badly_encoded: false,
            is_refused: false,
            refused,
        }
    }

    #[inline]
    fn run(&mut self) {
        // A path that does not begin with a slash has no segments: the `*` of `OPTIONS`.
        let start = if self.path.first() == Some(&SEPARATOR) {
            1
        } else {
            self.path.len() + 1
        };
        self.visit(0, start);
    }

    #[inline]
    fn finish(self) -> Result<Hit, Miss> {
        if self.order != NONE {
            if let Some(kept) = self.kept {
                *self.slots = kept;
            }
            self.slots.truncate(self.caught);
            return Ok(self.hit);
        }
        Err(match (self.is_badly_encoded, self.is_refused) {
            (true, _) => Miss::BadEncoding,
            (_, true) => Miss::Refused,
            _ => Miss::NotFound,
        })
    }

    /// Goes back to where so many variables had been caught, to go another way.
    #[inline]
    fn back(&mut self, caught: usize) {
        if self.order != NONE && self.kept.is_none() {
            self.kept = Some(self.slots.clone());
        }
        self.slots.truncate(caught);
    }

    /// Searches what follows a segment, from `start` on.
    #[inline]
    fn follow(&mut self, next: Next, start: usize) {
        if next.tail == NONE {
            self.visit(next.index, start);
        } else {
            self.tail(next, start);
        }
    }

    /// Searches below a node of the trie, with the segments that begin at `start`; beyond the end of the path there are none. What was caught on
    /// the way is left for the caller to cut off.
    fn visit(&mut self, mut index: u32, mut start: usize) {
        let trie = &self.core.trie;
        loop {
            let node = &trie.nodes[index as usize];
            if start > self.path.len() {
                let caught = self.slots.len();
                self.offer(trie.ends(node));
                if node.opens > 0 {
                    self.back(caught);
                    self.offer(trie.opens(node));
                }
                return;
            }
            let (literal, end) = if node.places != Places::None {
                let (key, end) = Key::read::<SEPARATOR>(self.path, start);
                (trie.literal(node, key, self.path, start), end)
            } else {
                (Next::NOTHING, end_of::<SEPARATOR>(self.path, start))
            };
            if !node.plain {
                return self.visit_any_kind(node, literal, start, end);
            }
            let mut next = literal;
            // Only where both can match is there something to come back for.
            if node.any_order < self.order && end > start {
                if literal != Next::NOTHING {
                    let caught = self.slots.len();
                    self.follow(literal, end + 1);
                    if node.any_order >= self.order {
                        return;
                    }
                    self.back(caught);
                }
                self.slots.push(start, end);
                next = node.any;
            }
            if next.tail != NONE {
                return self.tail(next, end + 1);
            }
            if next == Next::NOTHING {
                return;
            }
            (index, start) = (next.index, end + 1);
        }
    }

    /// Searches below a node where anything can follow: the segment from `start` to `end` leads to `literal`, if to any.
    fn visit_any_kind(&mut self, node: &'s Node, literal: Next, start: usize, end: usize) {
        let trie = &self.core.trie;
        let caught = self.slots.len();
        if literal != Next::NOTHING {
            self.follow(literal, end + 1);
            self.back(caught);
        }
        for branch in trie.branches(node) {
            if branch.order < self.order {
                let segment = std::str::from_utf8(&self.path[start..end]).unwrap_or_default();
                if branch.pattern.find(segment, start, self.slots) {
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

    /// Matches the segments from `start` on with the only path that is left.
    fn tail(&mut self, next: Next, mut start: usize) {
        let trie = &self.core.trie;
        let tail = &trie.tails[next.tail as usize];
        for step in &tail.steps {
            if start > self.path.len() {
                return;
            }
            let end = match step {
                Step::Any => {
                    let end = end_of::<SEPARATOR>(self.path, start);
                    if end == start {
                        return;
                    }
                    self.slots.push(start, end);
                    end
                }
                Step::Literal(wanted, text) => {
                    let (key, end) = Key::read::<SEPARATOR>(self.path, start);
                    if key != *wanted
                        || !(key.is_whole() || text.as_bytes() == &self.path[start..end])
                    {
                        return;
                    }
                    end
                }
                Step::Pattern(pattern) => {
                    let end = end_of::<SEPARATOR>(self.path, start);
                    let segment = std::str::from_utf8(&self.path[start..end]).unwrap_or_default();
                    if !pattern.find(segment, start, self.slots) {
                        return;
                    }
                    end
                }
            };
            start = end + 1;
        }
        match tail.end {
            End::Exact if start <= self.path.len() => return,
            End::Rest if start > self.path.len() => return,
            End::Rest => self.slots.push(start, self.path.len()),
            End::Exact | End::Open => {}
        }
        self.offer(&trie.targets[next.index as usize..]);
    }

    /// Offers the request to targets whose path matches, by their order, up to one that is marked as the last.
    #[inline]
    fn offer(&mut self, targets: &'s [Target]) {
        for target in targets {
            if target.order >= self.order {
                return;
            }
            let in_path = self.slots.len();
            let answer = if target.conditional {
                self.check(target)
            } else {
                Answer::Yes
            };
            match answer {
                Answer::Yes => match self.handler_of(target) {
                    Some(handler) => return self.accept(target, handler, in_path),
                    None => self.refuse(target),
                },
                Answer::BadEncoding => self.is_badly_encoded = true,
                Answer::No => {}
            }
            if target.conditional {
                self.slots.truncate(in_path);
            }
            if target.last {
                return;
            }
        }
    }

    /// Checks the conditions of a target and catches their variables.
    #[inline(never)]
    fn check(&mut self, target: &Target) -> Answer {
        let mut all = Answer::Yes;
        for condition in &self.core.node(target.route).conditions {
            match condition.check(self.head, self.slots) {
                Answer::Yes => {}
                Answer::No => return Answer::No,
                Answer::BadEncoding => all = Answer::BadEncoding,
            }
        }
        all
    }

    #[inline]
    fn accept(&mut self, target: &Target, handler: usize, in_path: usize) {
        self.order = target.order;
        self.hit = Hit {
            route: target.route,
            handler,
        };
        self.caught = self.slots.len();
        self.caught_in_path = in_path;
        self.kept = None;
    }

    #[inline(never)]
    fn refuse(&mut self, target: &Target) {
        self.is_refused = true;
        if let Some(refused) = &mut self.refused {
            refused.push((target.order, target.route));
        }
    }

    #[inline]
    fn handler_of(&self, target: &Target) -> Option<usize> {
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
