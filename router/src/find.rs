//! Finds the route of a request.

use crate::core::Core;
use crate::encode::{BadEncoding, SEPARATOR, decode_path};
use crate::head::Head;
use crate::key::is_escaped;
use crate::methods::{Allow, method_place};
use crate::search::Search;
use crate::slots::Slots;
use crate::straight::{Straight, straight};
use crate::tree::RouteId;

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
    /// Finds the target of the lowest order that matches and handles the method, and fills `slots`, which is empty, with what it caught.
    ///
    /// The walk over the tree offers a request to one target after another, in a fixed order, and each is judged on its own. So the first that
    /// would handle it is the lowest of all that would, and the trie may be searched in any order. Nearly always the straight way down
    /// is the answer; a search follows where it is not sure.
    #[inline]
    pub(crate) fn find(&self, head: &Head<'_>, slots: &mut Slots) -> Result<Hit, Miss> {
        match straight(
            &self.trie,
            head.path.as_bytes(),
            method_place(head.method),
            slots,
        ) {
            Straight::Hit(target, handler) => Ok(self.trie.targets[target as usize].hit(handler)),
            Straight::Miss => Err(Miss::NotFound),
            Straight::Unsure => self.search(head, slots),
        }
    }

    #[inline(never)]
    fn search(&self, head: &Head<'_>, slots: &mut Slots) -> Result<Hit, Miss> {
        slots.truncate(0);
        let path = head.path.as_bytes();
        if is_escaped(path) {
            return self.find_decoded(head, slots);
        }
        Search::<b'/'>::new(self, head, path, slots, None)
            .run()
            .map(|(hit, _)| hit)
    }

    /// Searches with the decoded path. Variables then refer to a copy of it.
    #[cold]
    fn find_decoded(&self, head: &Head<'_>, slots: &mut Slots) -> Result<Hit, Miss> {
        with_decoded(head.path, |path| {
            let (hit, caught) = Search::<SEPARATOR>::new(self, head, path, slots, None).run()?;
            if caught > 0 {
                let text = path
                    .iter()
                    .map(|byte| if *byte == SEPARATOR { b'/' } else { *byte })
                    .collect();
                let text =
                    String::from_utf8(text).expect("decoding a path checks that it is UTF-8");
                slots.keep_decoded(0..caught, &text);
            }
            Ok(hit)
        })
    }

    /// The methods of all routes that match but for the method, and the first of these routes: told after [`Miss::Refused`].
    #[cold]
    pub(crate) fn refusal(&self, head: &Head<'_>) -> (Allow, RouteId) {
        let mut refused = Vec::new();
        // The same search as before, which came to nothing; but now it remembers.
        let _ = with_decoded(head.path, |path| {
            Search::<SEPARATOR>::new(self, head, path, &mut Slots::default(), Some(&mut refused))
                .run()
                .map(|(hit, _)| hit)
        });
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
}

fn with_decoded(path: &str, search: impl FnOnce(&[u8]) -> Result<Hit, Miss>) -> Result<Hit, Miss> {
    let mut on_stack = [0; STACK_BYTES];
    let mut on_heap = Vec::new();
    let buffer = match on_stack.get_mut(..path.len()) {
        Some(buffer) => buffer,
        None => {
            on_heap.resize(path.len(), 0);
            &mut on_heap
        }
    };
    match decode_path(path, buffer) {
        Ok(len) => search(&buffer[..len]),
        Err(BadEncoding) => Err(Miss::BadEncoding),
    }
}
