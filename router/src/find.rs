//! Finds the route of a request.

use crate::condition::Answer;
use crate::core::Core;
use crate::encode::{SEPARATOR, decode_path};
use crate::head::Head;
use crate::methods::Allow;
use crate::slots::Slots;
use crate::tree::RouteId;
use crate::vars::Vars;

/// What came of matching, with the handler as an index among those of its route.
pub(crate) enum Outcome {
    Hit { handler: usize, vars: Vars },
    Refused { allow: Allow, route: RouteId },
    BadEncoding,
    NotFound,
}

impl Core {
    pub(crate) fn find(&self, head: &Head<'_>) -> Outcome {
        let mut decoded = Vec::new();
        let (path, separator) = if head.path.contains('%') {
            if decode_path(head.path, &mut decoded).is_err() {
                return Outcome::BadEncoding;
            }
            (decoded.as_slice(), SEPARATOR)
        } else {
            (head.path.as_bytes(), b'/')
        };
        let mut allow = Allow::default();
        let mut refused = None;
        let mut bad = false;
        for id in &self.targets {
            let node = self.node(*id);
            let mut slots = Slots::default();
            if !self.path_matches(*id, path, separator, &mut slots) {
                continue;
            }
            let mut vars = Vars::new(*id, slots);
            if separator == SEPARATOR {
                let text: Vec<u8> = path
                    .iter()
                    .map(|b| if *b == SEPARATOR { b'/' } else { *b })
                    .collect();
                vars.keep_decoded(0, &String::from_utf8(text).unwrap_or_default());
            }
            let mut answer = Answer::Yes;
            for condition in &node.conditions {
                match condition.check(head, &mut vars) {
                    Answer::Yes => {}
                    Answer::No => {
                        answer = Answer::No;
                        break;
                    }
                    Answer::BadEncoding => answer = Answer::BadEncoding,
                }
            }
            match answer {
                Answer::No => {}
                Answer::BadEncoding => bad = true,
                Answer::Yes => match node.dispatch.handler(head.method) {
                    Some(handler) => return Outcome::Hit { handler, vars },
                    None => {
                        allow.merge(&node.dispatch.allow);
                        refused.get_or_insert(*id);
                    }
                },
            }
        }
        match refused {
            _ if bad => Outcome::BadEncoding,
            Some(route) => Outcome::Refused { allow, route },
            None => Outcome::NotFound,
        }
    }

    fn path_matches(&self, id: RouteId, path: &[u8], separator: u8, slots: &mut Slots) -> bool {
        let full = &self.node(id).path;
        let Some(rest) = path.strip_prefix(&[separator]) else {
            return full.segments.is_empty() && !full.exact;
        };
        let mut given = rest.split(|b| *b == separator);
        let mut at = 1;
        for piece in &full.segments {
            let Some(segment) = given.next() else {
                return false;
            };
            let Ok(text) = std::str::from_utf8(segment) else {
                return false;
            };
            if !piece.pattern.find(text, at, slots) {
                return false;
            }
            at += segment.len() + 1;
        }
        if full.rest.is_some() {
            let found = at <= path.len();
            if found {
                slots.push(at, path.len());
            }
            return found;
        }
        !full.exact || given.next().is_none()
    }
}
