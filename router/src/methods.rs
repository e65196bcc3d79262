//! Sets of methods, and the handler of each.

use std::fmt;

use http::{HeaderValue, Method};

use crate::trie::{FAR_HANDLER, NO_HANDLER};

/// The standard methods, in the order in which `Allow` lists them.
const STANDARD: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::CONNECT,
    Method::TRACE,
    Method::OPTIONS,
];

const GET: usize = 0;
const HEAD: usize = 1;
const OPTIONS: usize = 8;

/// The place of a method in tables of handlers: the standard ones, then all others together.
#[inline]
pub(crate) fn method_place(method: &Method) -> usize {
    method_index(method).unwrap_or(STANDARD.len())
}

#[inline]
fn method_index(method: &Method) -> Option<usize> {
    Some(match *method {
        Method::GET => GET,
        Method::HEAD => HEAD,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::CONNECT => 6,
        Method::TRACE => 7,
        Method::OPTIONS => OPTIONS,
        _ => return None,
    })
}

/// The methods that a path answers to: what the `Allow` header of a 405 or of an answer to `OPTIONS` says.
///
/// These are the routed methods, `HEAD` where `GET` is, and `OPTIONS`, each once and in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    bits: u16,
    custom: Vec<Method>,
}

impl Allow {
    pub(crate) fn add(&mut self, method: &Method) {
        match method_index(method) {
            Some(GET) => self.bits |= 1 << GET | 1 << HEAD,
            Some(index) => self.bits |= 1 << index,
            None if self.custom.contains(method) => {}
            None => self.custom.push(method.clone()),
        }
        self.bits |= 1 << OPTIONS;
    }

    pub(crate) fn merge(&mut self, other: &Allow) {
        self.bits |= other.bits;
        for method in &other.custom {
            self.add(method);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// True if the path answers to `method`.
    #[must_use]
    pub fn contains(&self, method: &Method) -> bool {
        match method_index(method) {
            Some(index) => self.bits & 1 << index != 0,
            None => self.custom.contains(method),
        }
    }

    /// The methods, standard ones first and `OPTIONS` last among these.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        let standard = STANDARD
            .iter()
            .enumerate()
            .filter(|(i, _)| self.bits & 1 << i != 0)
            .map(|(_, method)| method);
        standard.chain(&self.custom)
    }

    /// The value of the `Allow` header.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.to_string())
            .expect("methods are tokens, which header values may hold")
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, method) in self.iter().enumerate() {
            write!(f, "{}{method}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// The methods of handlers, as they are printed: `GET, DELETE, any`.
pub(crate) fn methods_text<'m>(methods: impl Iterator<Item = Option<&'m Method>>) -> String {
    methods
        .map(|method| method.map_or("any", Method::as_str))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Which methods a `method` matcher lets through; `None` lets all.
pub(crate) type Only = Option<Vec<Method>>;

/// True if `only` lets a request of this method through. Where `GET` passes, `HEAD` does.
pub(crate) fn lets(only: &Only, method: &Method) -> bool {
    only.as_ref().is_none_or(|only| {
        only.contains(method) || (method == Method::HEAD && only.contains(&Method::GET))
    })
}

/// No handler.
const NONE: u16 = u16::MAX;

/// Finds the handler of a method among those of one route, after all `method` matchers above it.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    standard: [u16; STANDARD.len()],
    custom: Vec<(Method, u16)>,
    any: u16,
    /// What a request of another method is told.
    pub(crate) allow: Allow,
}

impl Dispatch {
    /// `handlers` are the methods of the route's handlers (`None`: any) in their order, `only` the matchers of the route and of all above it.
    pub(crate) fn new(handlers: &[Option<Method>], only: &[Only]) -> Self {
        let passes = |method: &Method| only.iter().all(|only| lets(only, method));
        let mut dispatch = Self {
            standard: [NONE; 9],
            custom: Vec::new(),
            any: NONE,
            allow: Allow::default(),
        };
        let place = |wanted: Option<&Method>| {
            handlers
                .iter()
                .position(|method| method.as_ref() == wanted)
                .map_or(NONE, |at| at as u16)
        };
        let any = place(None);
        for (slot, method) in dispatch.standard.iter_mut().zip(&STANDARD) {
            *slot = match place(Some(method)) {
                NONE if method == Method::HEAD && place(Some(&Method::GET)) != NONE => {
                    place(Some(&Method::GET))
                }
                NONE => any,
                own => own,
            };
            if !passes(method) {
                *slot = NONE;
            }
            if *slot != NONE {
                dispatch.allow.add(method);
            }
        }
        for method in handlers
            .iter()
            .flatten()
            .chain(only.iter().flatten().flatten())
            .filter(|method| method_index(method).is_none())
        {
            let handler = if place(Some(method)) == NONE {
                any
            } else {
                place(Some(method))
            };
            if passes(method) && handler != NONE && !dispatch.allow.contains(method) {
                dispatch.custom.push((method.clone(), handler));
                dispatch.allow.add(method);
            }
        }
        if only.iter().all(Option::is_none) {
            dispatch.any = any;
        }
        dispatch
    }

    /// The index of the handler for `method`.
    #[inline]
    pub(crate) fn handler(&self, method: &Method) -> Option<usize> {
        let handler = match method_index(method) {
            Some(index) => self.standard[index],
            None => self
                .custom
                .iter()
                .find(|(custom, _)| custom == method)
                .map_or(self.any, |(_, handler)| *handler),
        };
        (handler != NONE).then_some(usize::from(handler))
    }

    /// The handlers by [`method_place`], as a trie keeps them.
    pub(crate) fn near(&self) -> [u8; STANDARD.len() + 1] {
        let mut near = [FAR_HANDLER; STANDARD.len() + 1];
        for (near, handler) in near.iter_mut().zip(self.standard) {
            *near = match u8::try_from(handler) {
                _ if handler == NONE => NO_HANDLER,
                Ok(handler) if handler < FAR_HANDLER => handler,
                _ => FAR_HANDLER,
            };
        }
        near
    }

    /// True if no method can reach any handler.
    pub(crate) fn is_empty(&self) -> bool {
        self.allow.is_empty()
    }

    /// The methods that lead to the handler at `index`, as far as they have names; the flag tells whether all others do too.
    pub(crate) fn methods_of(&self, index: usize) -> (Vec<&Method>, bool) {
        let named = self
            .allow
            .iter()
            .filter(|method| self.handler(method) == Some(index))
            .collect();
        (named, usize::from(self.any) == index)
    }

    /// True if methods without a name here lead to a handler.
    pub(crate) fn takes_any(&self) -> bool {
        self.any != NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_brings_head_and_everything_brings_options() {
        let dispatch = Dispatch::new(&[Some(Method::DELETE), Some(Method::GET)], &[]);
        assert_eq!(dispatch.allow.to_string(), "GET, HEAD, DELETE, OPTIONS");
        assert_eq!(dispatch.handler(&Method::HEAD), Some(1));
        assert_eq!(dispatch.handler(&Method::OPTIONS), None);
        assert_eq!(dispatch.handler(&Method::POST), None);
    }

    #[test]
    fn method_matchers_narrow_what_a_route_handles() {
        let brew = Method::from_bytes(b"BREW").unwrap();
        let only = [Some(vec![Method::GET, brew.clone()])];
        let dispatch = Dispatch::new(&[None, Some(Method::POST)], &only);
        assert_eq!(dispatch.allow.to_string(), "GET, HEAD, OPTIONS, BREW");
        assert_eq!(dispatch.handler(&brew), Some(0));
        assert_eq!(dispatch.handler(&Method::POST), None);
        assert!(Dispatch::new(&[Some(Method::PUT)], &only).is_empty());
    }

    #[test]
    fn own_handler_goes_before_any() {
        let brew = Method::from_bytes(b"BREW").unwrap();
        let dispatch = Dispatch::new(&[None, Some(Method::GET)], &[]);
        assert_eq!(
            [&Method::GET, &Method::HEAD, &Method::OPTIONS, &brew].map(|m| dispatch.handler(m)),
            [Some(1), Some(1), Some(0), Some(0)]
        );
    }
}
