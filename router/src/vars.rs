//! What a match caught, kept for as long as the application likes.

use std::sync::Arc;

use http::HeaderName;

use crate::condition::header;
use crate::head::Head;
use crate::slots::{Caught, Slots};
use crate::tree::RouteId;

/// The variables that a match caught: byte ranges into the request, and a copy of what had to be decoded.
///
/// It borrows nothing, so that it can be kept beside the request it was caught in. [`Tree::values`](crate::Tree::values) reads it.
#[derive(Clone, Debug)]
pub struct Vars {
    slots: Slots,
    route: RouteId,
}

impl Vars {
    #[inline]
    pub(crate) fn new(route: RouteId, slots: Slots) -> Self {
        Self { slots, route }
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
pub struct Values<'a, 'h> {
    variables: &'a [Variable],
    vars: &'a Vars,
    head: &'h Head<'a>,
}

impl<'a, 'h> Values<'a, 'h> {
    #[inline]
    pub(crate) fn new(variables: &'a [Variable], vars: &'a Vars, head: &'h Head<'a>) -> Self {
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
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a, 'h> {
        let values = *self;
        values
            .variables
            .iter()
            .enumerate()
            .filter_map(move |(i, variable)| Some((&*variable.name, values.value(i)?)))
    }

    #[inline]
    fn value(&self, index: usize) -> Option<&'a str> {
        match (self.vars.slots.get(index)?, &self.variables[index].source) {
            // A head other than the one that was matched may be too short: no value then, and no panic.
            (Caught::Raw(range), Source::Path) => self.head.path.get(range),
            (Caught::Raw(range), source) => self.source(source)?.get(range),
            (Caught::Decoded(text), _) => Some(text),
        }
    }

    /// The text that a variable was caught in, other than the path.
    #[inline(never)]
    fn source(&self, source: &Source) -> Option<&'a str> {
        match source {
            Source::Path => Some(self.head.path),
            Source::Host => Some(self.head.host()),
            Source::Header(name) => header(self.head, name),
            Source::Query => self.head.query,
        }
    }
}
