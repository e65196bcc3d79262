//! Finds the route of a request.

use crate::condition::Answer;
use crate::core::Core;
use crate::encode::{SEPARATOR, decode_path};
use crate::head::Head;
use crate::key::{Key, end_of};
use crate::methods::{Allow, method_index};
use crate::slots::Slots;
use crate::tree::RouteId;
use crate::trie::{FAR_HANDLER, NO_HANDLER, NONE, Node, Target};
use crate::vars::Vars;

/// What came of matching, with the handler as an index among those of the tree.
#[derive(Debug)]
pub(crate) enum Outcome {
    Hit { handler: usize, vars: Vars },
    Refused { allow: Allow, route: RouteId },
    BadEncoding,
    NotFound,
}

/// Paths up to this length are decoded on the stack.
const STACK_BYTES: usize = 512;

impl Core {
    /// Finds the target of the lowest order that matches and handles the method.
    ///
    /// The walk over the tree offers a request to one target after another, in a fixed order; each is judged on its own. So the first
    /// that would handle it is the lowest of all that would, and the trie may be searched in any order: what is below a child whose lowest
    /// order is no better than what was found is not looked at.
    pub(crate) fn find(&self, head: &Head<'_>) -> Outcome {
        // Without an early exit, which makes it a few wide comparisons.
        if head
            .path
            .bytes()
            .fold(false, |escaped, byte| escaped | (byte == b'%'))
        {
            return self.find_escaped(head);
        }
        Search::new(self, head, head.path.as_bytes(), b'/')
            .run()
            .outcome()
    }

    /// Decodes the path before it is searched. Variables then refer to a copy of the decoded path.
    #[cold]
    fn find_escaped(&self, head: &Head<'_>) -> Outcome {
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
        let mut search = Search::new(self, head, &buffer[..len], SEPARATOR).run();
        search.keep_path();
        search.outcome()
    }
}

struct Search<'s> {
    core: &'s Core,
    head: &'s Head<'s>,
    path: &'s [u8],
    separator: u8,
    method: Option<usize>,
    /// What the variables on the present way caught.
    slots: Slots,
    /// The lowest order found so far, its handler, what it caught, and how much of this in the path.
    order: u32,
    handler: usize,
    vars: Vars,
    caught_in_path: usize,
    /// Those that match but for the method, and the first of them.
    allow: Allow,
    refused: Option<(u32, RouteId)>,
    bad_encoding: bool,
}

impl<'s> Search<'s> {
    #[inline]
    fn new(core: &'s Core, head: &'s Head<'s>, path: &'s [u8], separator: u8) -> Self {
        Self {
            core,
            head,
            path,
            separator,
            method: method_index(head.method),
            slots: Slots::default(),
            order: NONE,
            handler: 0,
            vars: Vars::new(RouteId::new(0), Slots::default()),
            caught_in_path: 0,
            allow: Allow::default(),
            refused: None,
            bad_encoding: false,
        }
    }

    #[inline]
    fn run(mut self) -> Self {
        // A path that does not begin with a slash has no segments: the `*` of `OPTIONS`.
        let start = if self.path.first() == Some(&self.separator) {
            1
        } else {
            self.path.len() + 1
        };
        self.visit(0, start);
        self
    }

    fn outcome(self) -> Outcome {
        match self.refused {
            _ if self.order != NONE => Outcome::Hit {
                handler: self.handler,
                vars: self.vars,
            },
            _ if self.bad_encoding => Outcome::BadEncoding,
            Some((_, route)) => Outcome::Refused {
                allow: self.allow,
                route,
            },
            None => Outcome::NotFound,
        }
    }

    /// Searches below a node of the trie, with the segments that begin at `start`; beyond the end of the path there are none.
    fn visit(&mut self, index: u32, start: usize) {
        let trie = &self.core.trie;
        let node: &'s Node = &trie.nodes[index as usize];
        if start > self.path.len() {
            self.offer(trie.ends(node));
            self.offer(trie.opens(node));
            return;
        }
        let caught = self.slots.len();
        let end;
        if node.has_literals() {
            let key;
            (key, end) = Key::read(self.path, start, self.separator);
            if let Some(child) = trie.literal(node, key, &self.path[start..end]) {
                self.visit(child, end + 1);
                self.slots.truncate(caught);
            }
        } else {
            end = end_of(self.path, start, self.separator);
        }
        for branch in trie.branches(node) {
            if branch.order < self.order {
                let segment = std::str::from_utf8(&self.path[start..end]).unwrap_or_default();
                if branch.pattern.find(segment, start, &mut self.slots) {
                    self.visit(branch.child, end + 1);
                }
                self.slots.truncate(caught);
            }
        }
        if node.any_order < self.order && end > start {
            self.slots.push(start, end);
            self.visit(node.any, end + 1);
            self.slots.truncate(caught);
        }
        if node.rests > 0 {
            self.slots.push(start, self.path.len());
            self.offer(trie.rests(node));
            self.slots.truncate(caught);
        }
        self.offer(trie.opens(node));
    }

    /// Offers the request to targets whose path matches.
    fn offer(&mut self, targets: &'s [Target]) {
        for target in targets {
            if target.order >= self.order {
                return;
            }
            if target.conditional {
                self.offer_conditional(target);
                continue;
            }
            match self.handler_of(target) {
                Some(handler) => {
                    self.vars = Vars::new(target.route, self.slots.clone());
                    self.accept(target, handler);
                }
                None => self.refuse(target),
            }
        }
    }

    fn offer_conditional(&mut self, target: &Target) {
        let mut vars = Vars::new(target.route, self.slots.clone());
        let mut bad_encoding = false;
        for condition in &self.core.node(target.route).conditions {
            match condition.check(self.head, &mut vars) {
                Answer::Yes => {}
                Answer::No => return,
                Answer::BadEncoding => bad_encoding = true,
            }
        }
        if bad_encoding {
            self.bad_encoding = true;
        } else if let Some(handler) = self.handler_of(target) {
            self.vars = vars;
            self.accept(target, handler);
        } else {
            self.refuse(target);
        }
    }

    fn accept(&mut self, target: &Target, handler: usize) {
        self.order = target.order;
        self.handler = handler;
        self.caught_in_path = self.slots.len();
    }

    #[cold]
    fn refuse(&mut self, target: &Target) {
        self.allow
            .merge(&self.core.node(target.route).dispatch.allow);
        if self.refused.is_none_or(|(order, _)| target.order < order) {
            self.refused = Some((target.order, target.route));
        }
    }

    fn handler_of(&self, target: &Target) -> Option<usize> {
        let near = self
            .method
            .map_or(FAR_HANDLER, |method| target.handlers[method]);
        let handler = match near {
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
                .map(|byte| if *byte == SEPARATOR { b'/' } else { *byte })
                .collect();
            let text = String::from_utf8(text).expect("decoding a path checks that it is UTF-8");
            self.vars.keep_decoded(0..self.caught_in_path, &text);
        }
    }
}
