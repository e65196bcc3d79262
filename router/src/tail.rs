//! What is left of a path where it shares the trie with no other.

use std::sync::Arc;

use crate::key::{Key, end_of};
use crate::pattern::Pattern;
use crate::slots::Slots;

/// The steps to the end of a path. Paths that go on alike share one, so that ten thousand routes need little more memory than ten thousand entries
/// of hash tables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tail {
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
}

/// One segment of a tail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Any,
    Literal(Key, Arc<str>),
    Pattern(Pattern),
}

/// How a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing may be left.
    Exact,
    /// Anything may be left.
    Open,
    /// A variable takes what is left, which has to begin with a separator.
    Rest,
}

impl Tail {
    /// Matches the segments of `path` from `start` on, and pushes what variables catch. On a failure the caller cuts that off.
    #[inline]
    pub(crate) fn find<const SEPARATOR: u8>(
        &self,
        path: &[u8],
        mut start: usize,
        slots: &mut Slots,
    ) -> bool {
        for step in &self.steps {
            if start > path.len() {
                return false;
            }
            let end = match step {
                Step::Any => {
                    let end = end_of::<SEPARATOR>(path, start);
                    if end == start {
                        return false;
                    }
                    slots.push(start, end);
                    end
                }
                Step::Literal(wanted, text) => {
                    let (key, end) = Key::read::<SEPARATOR>(path, start);
                    if key != *wanted || !(key.is_whole() || text.as_bytes() == &path[start..end]) {
                        return false;
                    }
                    end
                }
                Step::Pattern(pattern) => {
                    let end = end_of::<SEPARATOR>(path, start);
                    if !pattern.find_bytes(&path[start..end], start, slots) {
                        return false;
                    }
                    end
                }
            };
            start = end + 1;
        }
        match self.end {
            End::Open => true,
            End::Exact => start > path.len(),
            End::Rest if start > path.len() => false,
            End::Rest => {
                slots.push(start, path.len());
                true
            }
        }
    }
}
