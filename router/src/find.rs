//! Finds the route of a request.

use crate::condition::Answer;
use crate::core::Core;
use crate::encode::{SEPARATOR, decode_path};
use crate::head::Head;
use crate::key::{Key, end_of};
use crate::methods::{Allow, method_place};
use crate::slots::Slots;
use crate::tree::RouteId;
use crate::trie::{End, FAR_HANDLER, NO_HANDLER, NONE, Next, Step, Target};

/// What came of matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The route, and its handler as an index among all of the tree.
    Hit {
        route: RouteId,
        handler: usize,
    },
    /// Routes match but for the method: see [`Core::refusal`].
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
    pub(crate) fn find(&self, head: &Head<'_>, caught: &mut Slots) -> Outcome {
        // Without an early exit, which makes it a few wide comparisons.
        if head
            .path
            .bytes()
            .fold(false, |escaped, byte| escaped | (byte == b'%'))
        {
            return self.find_escaped(head, caught, None);
        }
        let mut search = Search::new(self, head, head.path.as_bytes(), b'/', caught, None);
        search.run();
        search.outcome()
    }

    /// The methods of all routes that match but for the method, and the first of these routes: told after [`Outcome::Refused`].
    #[cold]
    pub(crate) fn refusal(&self, head: &Head<'_>) -> (Allow, RouteId) {
        let mut refused = Vec::new();
        self.find_escaped(head, &mut Slots::default(), Some(&mut refused));
        refused.sort();
        let mut allow = Allow::default();
        refused
            .iter()
            .for_each(|(_, route)| allow.merge(&self.node(*route).dispatch.allow));
        (
            allow,
            refused.first().expect("a route refused the method").1,
        )
    }

    /// Decodes the path before it is searched. Variables then refer to a copy of the decoded path.
    #[cold]
    fn find_escaped(
        &self,
        head: &Head<'_>,
        caught: &mut Slots,
        refused: Option<&mut Vec<(u32, RouteId)>>,
    ) -> Outcome {
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
            return Outcome::BadEncoding;
        };
        let mut search = Search::new(self, head, &buffer[..len], SEPARATOR, caught, refused);
        search.run();
        search.keep_path();
        search.outcome()
    }
}

struct Search<'s> {
    core: &'s Core,
    head: &'s Head<'s>,
    path: &'s [u8],
    separator: u8,
    /// The place of the method in tables of handlers.
    method: usize,
    /// What the variables on the present way caught.
    slots: Slots,
    /// The lowest order found so far, its route and handler, what it caught, and how many of that in the path.
    order: u32,
    route: RouteId,
    handler: usize,
    caught: &'s mut Slots,
    caught_in_path: usize,
    /// Whether some matched but for the method, and which, for those who ask.
    is_refused: bool,
    refused: Option<&'s mut Vec<(u32, RouteId)>>,
    is_badly_encoded: bool,
}

impl<'s> Search<'s> {
    #[inline]
    fn new(
        core: &'s Core,
        head: &'s Head<'s>,
        path: &'s [u8],
        separator: u8,
        caught: &'s mut Slots,
        refused: Option<&'s mut Vec<(u32, RouteId)>>,
    ) -> Self {
        Self {
            core,
            head,
            path,
            separator,
            method: method_place(head.method),
            slots: Slots::default(),
            order: NONE,
            route: RouteId::new(0),
            handler: 0,
            caught,
            caught_in_path: 0,
            is_refused: false,
            refused,
            is_badly_encoded: false,
        }
    }

    #[inline]
    fn run(&mut self) {
        // A path that does not begin with a slash has no segments: the `*` of `OPTIONS`.
        let start = if self.path.first() == Some(&self.separator) {
            1
        } else {
            self.path.len() + 1
        };
        self.visit(0, start);
    }

    #[inline]
    fn outcome(&self) -> Outcome {
        if self.order != NONE {
            Outcome::Hit {
                route: self.route,
                handler: self.handler,
            }
        } else if self.is_badly_encoded {
            Outcome::BadEncoding
        } else if self.is_refused {
            Outcome::Refused
        } else {
            Outcome::NotFound
        }
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

    /// Searches below a node of the trie, with the segments that begin at `start`; beyond the end of the path there are none.
    fn visit(&mut self, index: u32, start: usize) {
        let trie = &self.core.trie;
        let node = &trie.nodes[index as usize];
        if start > self.path.len() {
            self.offer(trie.ends(node));
            self.offer(trie.opens(node));
            return;
        }
        let caught = self.slots.len();
        let end;
        if node.places > 0 {
            let key;
            (key, end) = Key::read(self.path, start, self.separator);
            if let Some(next) = trie.literal(node, key, &self.path[start..end]) {
                self.follow(next, end + 1);
                self.slots.truncate(caught);
            }
        } else {
            end = end_of(self.path, start, self.separator);
        }
        for branch in trie.branches(node) {
            if branch.order < self.order {
                let segment = std::str::from_utf8(&self.path[start..end]).unwrap_or_default();
                if branch.pattern.find(segment, start, &mut self.slots) {
                    self.follow(branch.next, end + 1);
                }
                self.slots.truncate(caught);
            }
        }
        if node.any_order < self.order && end > start {
            self.slots.push(start, end);
            self.follow(node.any, end + 1);
            self.slots.truncate(caught);
        }
        if node.rests > 0 {
            self.slots.push(start, self.path.len());
            self.offer(trie.rests(node));
            self.slots.truncate(caught);
        }
        self.offer(trie.opens(node));
    }

    /// Matches the segments from `start` on with the only path that is left. The caller cuts off what was caught.
    fn tail(&mut self, next: Next, mut start: usize) {
        let trie = &self.core.trie;
        let tail = &trie.tails[next.tail as usize];
        for step in &tail.steps {
            if start > self.path.len() {
                return;
            }
            let end = match step {
                Step::Any => {
                    let end = end_of(self.path, start, self.separator);
                    self.slots.push(start, end);
                    if end == start {
                        return;
                    }
                    end
                }
                Step::Literal(wanted, text) => {
                    let (key, end) = Key::read(self.path, start, self.separator);
                    if key != *wanted
                        || !(key.is_whole() || text.as_bytes() == &self.path[start..end])
                    {
                        return;
                    }
                    end
                }
                Step::Pattern(pattern) => {
                    let end = end_of(self.path, start, self.separator);
                    let segment = std::str::from_utf8(&self.path[start..end]).unwrap_or_default();
                    if !pattern.find(segment, start, &mut self.slots) {
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
            if target.conditional {
                self.offer_conditional(target);
            } else {
                match self.handler_of(target) {
                    Some(handler) => {
                        self.caught.clone_from(&self.slots);
                        return self.accept(target, handler);
                    }
                    None => self.refuse(target),
                }
            }
            if target.last {
                return;
            }
        }
    }

    fn offer_conditional(&mut self, target: &Target) {
        let mut slots = self.slots.clone();
        let mut badly_encoded = false;
        for condition in &self.core.node(target.route).conditions {
            match condition.check(self.head, &mut slots) {
                Answer::Yes => {}
                Answer::No => return,
                Answer::BadEncoding => badly_encoded = true,
            }
        }
        if badly_encoded {
            self.is_badly_encoded = true;
        } else if let Some(handler) = self.handler_of(target) {
            *self.caught = slots;
            self.accept(target, handler);
        } else {
            self.refuse(target);
        }
    }

    #[inline]
    fn accept(&mut self, target: &Target, handler: usize) {
        self.order = target.order;
        self.route = target.route;
        self.handler = handler;
        self.caught_in_path = self.slots.len();
    }

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

    /// Keeps the decoded path if variables refer to it.
    fn keep_path(&mut self) {
        if self.order != NONE && self.caught_in_path > 0 {
            let text: Vec<u8> = self
                .path
                .iter()
                .map(|byte| if *byte == self.separator { b'/' } else { *byte })
                .collect();
            let text = String::from_utf8(text).expect("decoding a path checks that it is UTF-8");
            self.caught.keep_decoded(0..self.caught_in_path, &text);
        }
    }
}
