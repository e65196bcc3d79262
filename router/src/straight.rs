//! The straight way down the trie, which nearly all requests go.

use crate::key::{Key, is_escaped};
use crate::slots::Slots;
use crate::trie::{FAR_HANDLER, NONE, Trie};

/// What the straight way came to.
pub(crate) enum Straight {
    /// This target, which no other can come before, and its handler.
    Hit(u32, u8),
    /// Nothing matches, whatever the way.
    Miss,
    /// Another way may lead to a target, or to one of a lower order; or escapes, conditions or methods have to be looked at.
    Unsure,
}

/// Goes down by literals where there are any, else by variables, and never back. What it passes by is remembered by its lowest order: if
/// the target at the end has a lower one still, it is the answer. `method` is the method's place in tables of handlers.
#[inline(never)] // Alone it lives in registers. Inlined, it shares them with everything that happens once a request.
pub(crate) fn straight(trie: &Trie, path: &[u8], method: usize, slots: &mut Slots) -> Straight {
    if path.first() != Some(&b'/') || is_escaped(path) {
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
    let target = loop {
        let node = &trie.nodes[index as usize];
        let Some(after) = trie.after_lead::<b'/'>(node, path, start) else {
            return astray(passed_by);
        };
        start = after;
        if start > path.len() {
            if node.opens > 0 {
                return Straight::Unsure;
            }
            if node.ends == 0 {
                return astray(passed_by);
            }
            break node.first_target;
        }
        let (key, end) = Key::read::<b'/'>(path, start);
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
            if !trie.tails[next.tail as usize].find::<b'/'>(path, start, slots) {
                return astray(passed_by);
            }
            break next.index;
        }
        index = next.index;
    };
    let Some(found) = trie.targets.get(target as usize) else {
        return Straight::Unsure;
    };
    let handler = found.handlers[method];
    // No handler is a number above all others, too.
    if found.order > passed_by || found.conditional || handler >= FAR_HANDLER {
        return Straight::Unsure;
    }
    Straight::Hit(target, handler)
}
