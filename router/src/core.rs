//! The built tree without the handlers: what matching, reversing and explaining read.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::condition::Condition;
use crate::methods::{Dispatch, Only};
use crate::pattern::Piece;
use crate::tail::End;
use crate::template::Place;
use crate::tree::RouteId;
use crate::trie::Trie;
use crate::typed::TypeKey;
use crate::url::UrlError;
use crate::vars::Variable;

/// All routes and what was made of them.
#[derive(Debug)]
pub(crate) struct Core {
    /// In the sequence in which they were added, every route before its children. A `RouteId` is an index.
    pub(crate) nodes: Vec<Node>,
    /// Routes with handlers, children before their branch: the order in which the walk offers them a request.
    pub(crate) targets: Vec<RouteId>,
    /// The paths of `targets`.
    pub(crate) trie: Trie,
    /// Lists of variables, each once, and for every route the place of its own: those of the path first, then those of the conditions. Apart
    /// from the nodes, so that a match reads little memory.
    pub(crate) lists: Vec<Vec<Variable>>,
    pub(crate) list_of: Vec<u32>,
    /// By full name.
    pub(crate) names: HashMap<String, RouteId>,
    /// Where typed routes are mounted.
    pub(crate) types: HashMap<TypeId, Vec<RouteId>>,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Node {
    /// The full name; that of the nearest named route above if it has none of its own.
    pub(crate) name: String,
    /// The name within the parent.
    pub(crate) own_name: String,
    pub(crate) parent: Option<RouteId>,
    pub(crate) children: Vec<RouteId>,
    pub(crate) depth: usize,
    /// True for the route that a library hangs in.
    pub(crate) graft: bool,
    /// Its own matchers, in sequence.
    pub(crate) matchers: Vec<Matcher>,
    /// Where its handlers begin among those of the tree.
    pub(crate) first_handler: usize,
    /// The methods of its handlers; `None` for `any`.
    pub(crate) handlers: Vec<Option<Method>>,
    /// What its handlers handle after all `method` matchers on the way.
    pub(crate) dispatch: Dispatch,
    /// The whole path from the root.
    pub(crate) path: FullPath,
    /// All conditions on the way from the root, in sequence.
    pub(crate) conditions: Vec<Arc<Condition>>,
}

/// One matcher of a route, parsed.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Path { place: Place, text: String },
    Method(Only),
    Condition(Arc<Condition>),
}

/// The path templates on the way to a route, joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct FullPath {
    /// As it is shown.
    pub(crate) text: String,
    pub(crate) segments: Vec<Piece>,
    /// The name of the variable that takes what is left.
    pub(crate) rest: Option<Arc<str>>,
    /// True if nothing may be left: the last template was a `path`, not a `prefix`.
    pub(crate) exact: bool,
}

impl FullPath {
    /// The names of the variables, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.segments
            .iter()
            .flat_map(|piece| &piece.names)
            .chain(&self.rest)
    }

    pub(crate) fn end(&self) -> End {
        match (&self.rest, self.exact) {
            (Some(_), _) => End::Rest,
            (None, true) => End::Exact,
            (None, false) => End::Open,
        }
    }

    /// The segments that children go on from: a final slash is not one, `/` and `/x` make `/x`.
    pub(crate) fn trunk(&self) -> &[Piece] {
        match self.segments.split_last() {
            Some((last, trunk)) if last.pattern.is_empty_literal() => trunk,
            _ => &self.segments,
        }
    }

    /// The pattern as it is shown: `/**` for whatever may be left.
    pub(crate) fn shown(&self) -> String {
        if self.exact {
            self.text.clone()
        } else {
            format!("{}/**", self.text)
        }
    }
}

impl Node {
    /// What stands for the route in printed trees: its full name, which a nameless route that handles shares, or a word.
    pub(crate) fn title(&self) -> String {
        match (&*self.own_name, self.parent) {
            ("", None) => "(root)".to_owned(),
            ("", Some(_)) if self.graft => "(graft)".to_owned(),
            ("", Some(_)) if self.handlers.is_empty() || self.name.is_empty() => {
                "(group)".to_owned()
            }
            _ => self.name.clone(),
        }
    }
}

impl Core {
    pub(crate) fn node(&self, id: RouteId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All variables on the way from the root to the route.
    #[inline]
    pub(crate) fn variables(&self, id: RouteId) -> &[Variable] {
        self.list_of
            .get(id.index())
            .map_or(&[], |list| &self.lists[*list as usize])
    }

    /// The route and all above it, upwards.
    pub(crate) fn upwards(&self, id: RouteId) -> impl Iterator<Item = RouteId> {
        std::iter::successors(Some(id), |id| self.node(*id).parent)
    }

    /// The method of a route's first handler; `GET` for `any` and where there is none.
    pub(crate) fn method_of(&self, id: RouteId) -> Method {
        let node = self.node(id);
        node.handlers.first().cloned().flatten().unwrap_or_default()
    }

    /// True if the walk offers requests to the route `first` before it offers them to `second`.
    pub(crate) fn comes_before(&self, first: RouteId, second: RouteId) -> bool {
        let place = |id| self.targets.iter().position(|target| *target == id);
        place(first).is_some_and(|first| place(second).is_some_and(|second| first < second))
    }

    /// The mount of a typed route that is nearest to `from`: the one that shares most of the way from the root with it.
    pub(crate) fn mount(&self, from: Option<RouteId>, key: TypeKey) -> Result<RouteId, UrlError> {
        let mounts = self
            .types
            .get(&key.id)
            .ok_or_else(|| UrlError::not_mounted(key.name))?;
        let way: Vec<RouteId> = from
            .into_iter()
            .flat_map(|from| self.upwards(from))
            .collect();
        let shared = |id: RouteId| self.upwards(id).filter(|id| way.contains(id)).count();
        let most = mounts
            .iter()
            .map(|id| shared(*id))
            .max()
            .unwrap_or_default();
        let mut nearest = mounts.iter().filter(|id| shared(**id) == most);
        match (nearest.next(), nearest.next()) {
            (Some(only), None) => Ok(*only),
            _ => Err(UrlError::ambiguous(key.name)),
        }
    }

    /// Finds the route that `name` means on a page of `from`: looked up in the innermost graft first, then outwards.
    pub(crate) fn resolve(&self, from: Option<RouteId>, name: &str) -> Option<RouteId> {
        let grafts = from
            .into_iter()
            .flat_map(|from| self.upwards(from))
            .map(|id| self.node(id))
            .filter(|node| node.graft);
        let inside = grafts
            .filter(|graft| !graft.name.is_empty())
            .find_map(|graft| self.names.get(&format!("{}.{name}", graft.name)));
        inside.or_else(|| self.names.get(name)).copied()
    }
}

/// As it is shown in printed trees and explanations.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Matcher::Path {
                place: Place::Prefix,
                text,
            } => write!(f, "prefix {text}"),
            Matcher::Path { text, .. } => write!(f, "path {text}"),
            Matcher::Condition(condition) => fmt::Display::fmt(condition, f),
            Matcher::Method(only) => {
                f.write_str("method ")?;
                let methods = only
                    .iter()
                    .flatten()
                    .map(Method::as_str)
                    .collect::<Vec<_>>();
                f.write_str(&methods.join(" or "))
            }
        }
    }
}
