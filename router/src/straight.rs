//! The straight way down the trie, which nearly all requests go.

use crate::find::Hit;
use crate::key::Key;
use crate::slots::Slots;
use crate::trie::{FAR_HANDLER, NONE, Trie};

/// What the straight way came to.
pub(crate) enum Straight {
    /// This target, and no other can come before it.
    Hit(Hit),
    /// Nothing matches, whatever the way.
    Miss,
    /// Another way may lead to a target, or to one of a lower order; or conditions or methods have to be looked at.
    Unsure,
}

/// Goes down by literals where there are any, else by variables, and never back. What it passes by is remembered by its lowest order: if
/// the target at the end has a lower one still, it is the answer.
///
/// It lives in a few registers, and costs half of what a search does. `method` is the method's place in tables of handlers.
#[inline]
pub(crate) fn straight<const SEPARATOR: u8>(
    trie: &Trie,
    path: &[u8],
    method: usize,
    slots: &mut Slots,
) -> Straight {
    if path.first() != Some(&SEPARATOR) {
        return Straight::Unsure;
    }
    let (mut index, mut start) = (0, 1);
    let mut passed_by = NONE;
    let astray = |passed_by| {
        if passed_by == NONE {
            Straight::Miss
        } else {
            Straight::Unsure
        }
    };
    let first_target = loop {
        let node = &trie.nodes[index as usize];
        if start > path.len() {
            if node.opens > 0 {
                return Straight::Unsure;
            }
            if node.ends == 0 {
                return astray(passed_by);
            }
            break node.first_target;
        }
        let (key, end) = Key::read::<SEPARATOR>(path, start);
        let mut next = trie.literal(node, key, path, start);
        if !next.is_nothing() {
            passed_by = passed_by.min(node.other_order);
        } else if !node.plain {
            return Straight::Unsure;
        } else if node.any.is_nothing() || end == start {
            return astray(passed_by);
        } else {
            slots.push(start, end);
            next = node.any;
        }
        start = end + 1;
        if next.tail != NONE {
            if !trie.tails[next.tail as usize].find::<SEPARATOR>(path, start, slots) {
                return astray(passed_by);
            }
            break next.index;
        }
        index = next.index;
    };
    let target = &trie.targets[first_target as usize];
    let handler = target.handlers[method];
    // No handler is a number above all others, too.
    if target.order > passed_by || target.conditional || handler >= FAR_HANDLER {
        return Straight::Unsure;
    }
    Straight::Hit(Hit {
        route: target.route,
        handler: target.first_handler as usize + usize::from(handler),
    })
}
