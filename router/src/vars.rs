//! What a match caught, kept for as long as the application likes.

use std::ops::Range;
use std::sync::Arc;

use http::HeaderName;

use crate::head::Head;
use crate::pattern::Pattern;
use crate::slots::Slots;
use crate::tree::RouteId;

/// The variables that a match caught: byte ranges into the request, and a copy of what had to be decoded.
///
/// It borrows nothing, so that it can be kept beside the request it was caught in. [`Tree::values`](crate::Tree::values) reads it.
#[derive(Clone, Debug)]
pub struct Vars {
    route: RouteId,
    pub(crate) slots: Slots,
    /// Decoded text, which ranges with [`DECODED`] refer to.
    pub(crate) decoded: String,
}

/// Marks ranges into [`Vars::decoded`].
const DECODED: u32 = 1 << 31;

impl Vars {
    pub(crate) fn new(route: RouteId, slots: Slots) -> Self {
        Self {
            route,
            slots,
            decoded: String::new(),
        }
    }

    /// The route that matched.
    #[must_use]
    pub fn route(&self) -> RouteId {
        self.route
    }

    /// The number of variables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True when the route has no variables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.len() == 0
    }

    /// Matches `pattern` on text that had to be decoded, which is kept if variables refer to it.
    pub(crate) fn find_decoded(&mut self, pattern: &Pattern, text: &str) -> bool {
        let first = self.slots.len();
        let found = pattern.find(text, 0, &mut self.slots);
        if found {
            self.keep_decoded(first..self.slots.len(), text);
        }
        found
    }

    /// Keeps `text`, which the slots of these indices refer to, if there are any.
    pub(crate) fn keep_decoded(&mut self, slots: Range<usize>, text: &str) {
        if !slots.is_empty() {
            let base = self.decoded.len() as u32;
            self.slots
                .change(slots, |(from, to)| ((from + base) | DECODED, to + base));
            self.decoded.push_str(text);
        }
    }
}

/// Where a variable was caught.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Path,
    Host,
    Header(HeaderName),
    Query,
}

/// A variable of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variable {
    pub(crate) name: Arc<str>,
    pub(crate) source: Source,
}

/// The variables of a match by name, decoded. Made by [`Tree::values`](crate::Tree::values).
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    variables: &'a [Variable],
    vars: &'a Vars,
    head: Head<'a>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(variables: &'a [Variable], vars: &'a Vars, head: Head<'a>) -> Self {
        Self {
            variables,
            vars,
            head,
        }
    }

    /// The value of the variable `name`, or `None` if the route that matched has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let index = self
            .variables
            .iter()
            .position(|variable| *variable.name == *name)?;
        self.value(index)
    }

    /// Names and values, those of the path first.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let values = *self;
        values
            .variables
            .iter()
            .enumerate()
            .filter_map(move |(i, variable)| Some((&*variable.name, values.value(i)?)))
    }

    fn value(&self, index: usize) -> Option<&'a str> {
        let (from, to) = self.vars.slots.get(index)?;
        let source = if from & DECODED != 0 {
            &self.vars.decoded
        } else {
            match &self.variables[index].source {
                Source::Path => self.head.path,
                Source::Host => self.head.host(),
                Source::Header(name) => crate::condition::header(&self.head, name)?,
                Source::Query => self.head.query?,
            }
        };
        // A head other than the one that was matched may be too short: no value then, and no panic.
        source.get((from & !DECODED) as usize..to as usize)
    }
}
