//! From routes to a tree: everything is parsed and checked, and every fault reported.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use http::HeaderName;

use crate::condition::Condition;
use crate::core::{Core, FullPath, Matcher, Node};
use crate::error::{BuildErrors, Fault, FaultKind};
use crate::grow::grow;
use crate::lint::unreachable;
use crate::methods::{Dispatch, Only};
use crate::pattern::Piece;
use crate::route::{Route, Spec};
use crate::template::{Part, Place, TemplateError, parse};
use crate::tree::RouteId;
use crate::trie::Trie;
use crate::typed::TypeKey;
use crate::vars::{Source, Variable};

/// The most segments that the path of one route may have. It bounds how deep a match recurses, whatever a client sends.
pub const MAX_SEGMENTS: usize = 128;

/// Builds the tree and, beside it, the handlers of each route.
pub(crate) fn build<H>(root: Route<H>) -> Result<(Core, Vec<H>), BuildErrors> {
    let core = Core {
        nodes: Vec::new(),
        targets: Vec::new(),
        trie: Trie::default(),
        lists: Vec::new(),
        list_of: Vec::new(),
        names: HashMap::new(),
        types: HashMap::new(),
    };
    let mut builder = Builder {
        core,
        handlers: Vec::new(),
        faults: Vec::new(),
        lists: HashMap::new(),
        broken: Vec::new(),
    };
    builder.add(root, None, &Inherited::default());
    let Builder {
        mut core,
        handlers,
        mut faults,
        broken,
        lists: _,
    } = builder;
    // A route with a bad template is no ground to judge others by.
    core.targets.retain(|id| !broken.contains(id));
    core.trie = grow(&core.nodes, &core.targets);
    faults.extend(unreachable(&core).into_iter().map(|(id, kind)| {
        (
            id,
            Fault {
                route: core.node(id).title(),
                kind,
            },
        )
    }));
    if faults.is_empty() {
        Ok((core, handlers))
    } else {
        faults.sort_by_key(|(id, _)| id.index());
        Err(BuildErrors(
            faults.into_iter().map(|(_, fault)| fault).collect(),
        ))
    }
}

struct Builder<H> {
    core: Core,
    handlers: Vec<H>,
    faults: Vec<(RouteId, Fault)>,
    /// The places of `core.lists`.
    lists: HashMap<Vec<Variable>, u32>,
    /// Routes with a bad template, and all below them.
    broken: Vec<RouteId>,
}

/// What a route has from those above it.
#[derive(Clone, Default)]
struct Inherited {
    name: String,
    depth: usize,
    path: FullPath,
    only: Vec<Only>,
    conditions: Vec<Arc<Condition>>,
    broken: bool,
}

impl<H> Builder<H> {
    fn fault(&mut self, id: RouteId, kind: FaultKind) {
        let route = self.core.node(id).title();
        self.faults.push((id, Fault { route, kind }));
    }

    fn add(&mut self, route: Route<H>, parent: Option<RouteId>, above: &Inherited) {
        let Route {
            name: own_name,
            graft,
            matchers,
            handlers,
            children,
            types,
        } = route;
        let id = RouteId::new(self.core.nodes.len());
        let mut inherited = above.clone();
        inherited.depth += 1;
        if !own_name.is_empty() {
            inherited.name = if above.name.is_empty() {
                own_name.clone()
            } else {
                format!("{}.{own_name}", above.name)
            };
        }
        let (methods, handlers): (Vec<_>, Vec<_>) = handlers.into_iter().unzip();
        self.core.nodes.push(Node {
            name: inherited.name.clone(),
            own_name,
            parent,
            children: Vec::new(),
            depth: above.depth,
            graft,
            first_handler: self.handlers.len(),
            matchers: Vec::new(),
            handlers: methods,
            dispatch: Dispatch::new(&[], &[]),
            path: FullPath::default(),
            conditions: Vec::new(),
        });
        self.handlers.extend(handlers);
        if let Some(parent) = parent {
            self.core.nodes[parent.index()].children.push(id);
        }
        self.matchers(id, matchers, &mut inherited);
        self.names(id);
        self.variables(id, &inherited);
        self.methods(id, &inherited.only);
        for TypeKey { id: key, .. } in types {
            self.core.types.entry(key).or_default().push(id);
        }
        for child in children {
            self.add(child, Some(id), &inherited);
        }
        if inherited.broken {
            self.broken.push(id);
        }
        if !self.core.node(id).dispatch.is_empty() {
            self.core.targets.push(id);
        }
        let node = &mut self.core.nodes[id.index()];
        node.path = inherited.path;
        node.conditions = inherited.conditions;
    }

    fn matchers(&mut self, id: RouteId, specs: Vec<Spec>, inherited: &mut Inherited) {
        let mut only: Only = None;
        for spec in specs {
            let parsed = match spec {
                Spec::Method(method) => {
                    only.get_or_insert_default().push(method);
                    continue;
                }
                Spec::Path(text) => self.path(id, Place::Path, text, inherited),
                Spec::Prefix(text) => self.path(id, Place::Prefix, text, inherited),
                spec => self.condition(id, spec).map(|condition| {
                    let condition = Arc::new(condition);
                    inherited.conditions.push(Arc::clone(&condition));
                    Matcher::Condition(condition)
                }),
            };
            match parsed {
                Some(matcher) => self.core.nodes[id.index()].matchers.push(matcher),
                None => inherited.broken = true,
            }
        }
        if only.is_some() {
            inherited.only.push(only.clone());
            self.core.nodes[id.index()]
                .matchers
                .push(Matcher::Method(only));
        }
    }

    /// Goes on with the path of the routes above.
    fn path(
        &mut self,
        id: RouteId,
        place: Place,
        text: String,
        inherited: &mut Inherited,
    ) -> Option<Matcher> {
        let matcher = if place == Place::Path {
            "path"
        } else {
            "prefix"
        };
        let parts = self.parsed(id, matcher, &text, parse(&text, place))?;
        let mut path = std::mem::take(&mut inherited.path);
        if !parts.is_empty() {
            if path.rest.is_some() {
                self.fault(id, FaultKind::BelowRest);
                return None;
            }
            path.segments.truncate(path.trunk().len());
            path.text.truncate(path.text.trim_end_matches('/').len());
        }
        for part in parts {
            if let [Part::Rest { name, .. }] = part.as_slice() {
                path.rest = Some(name.as_str().into());
            } else {
                path.segments
                    .push(self.parsed(id, matcher, &text, Piece::compile(&part))?);
            }
        }
        path.text.push_str(if place == Place::Prefix {
            text.trim_end_matches('/')
        } else {
            &text
        });
        path.exact = place == Place::Path;
        if path.segments.len() > MAX_SEGMENTS {
            self.fault(id, FaultKind::TooDeep);
            return None;
        }
        inherited.path = path;
        Some(Matcher::Path { place, text })
    }

    fn condition(&mut self, id: RouteId, spec: Spec) -> Option<Condition> {
        Some(match spec {
            Spec::Host(text) => {
                let parts = self.parsed(id, "host", &text, parse(&text, Place::Host))?;
                let labels: Option<Vec<Piece>> = parts
                    .iter()
                    .map(|part| self.parsed(id, "host", &text, Piece::compile(part)))
                    .collect();
                Condition::Host {
                    labels: labels?,
                    text,
                }
            }
            Spec::Header(name, text) => {
                let piece = self.value(id, &format!("header {name}"), &text)?;
                let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                    self.fault(id, FaultKind::HeaderName(name));
                    return None;
                };
                Condition::Header { name, text, piece }
            }
            Spec::Query(name, text) => Condition::Query {
                piece: self.value(id, &format!("query {name}"), &text)?,
                name,
                text,
            },
            Spec::QueryPresent(name) => Condition::QueryPresent(name),
            Spec::QueryIs(name, value) => Condition::QueryIs(name, value),
            Spec::Scheme(scheme) => Condition::Scheme(scheme),
            Spec::When(label, predicate) => Condition::When(label, predicate),
            Spec::Path(_) | Spec::Prefix(_) | Spec::Method(_) => return None,
        })
    }

    fn value(&mut self, id: RouteId, matcher: &str, text: &str) -> Option<Piece> {
        let parts = self.parsed(id, matcher, text, parse(text, Place::Value))?;
        self.parsed(id, matcher, text, Piece::compile(&parts[0]))
    }

    /// Reports the error of a template, if it is one.
    fn parsed<T>(
        &mut self,
        id: RouteId,
        matcher: &str,
        template: &str,
        result: Result<T, TemplateError>,
    ) -> Option<T> {
        match result {
            Ok(parsed) => Some(parsed),
            Err(TemplateError { column, reason }) => {
                self.fault(
                    id,
                    FaultKind::Template {
                        matcher: matcher.to_owned(),
                        template: template.to_owned(),
                        column,
                        reason,
                    },
                );
                None
            }
        }
    }

    /// Enters the route under its full name. A nameless route that handles goes by the name of the route that it is in, unless that handles itself.
    fn names(&mut self, id: RouteId) {
        let node = self.core.node(id);
        let named = !node.own_name.is_empty();
        if named
            && (node.own_name.split('.').any(str::is_empty)
                || node
                    .own_name
                    .contains(|c: char| c.is_whitespace() || c.is_control()))
        {
            self.fault(id, FaultKind::Name);
            return;
        }
        let is_bare_group = !named && node.handlers.is_empty();
        if node.name.is_empty() || is_bare_group {
            return;
        }
        let name = node.name.clone();
        let taken = match self.core.names.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(id);
                false
            }
            Entry::Occupied(mut entry) => {
                let owner = *entry.get();
                let stands_in = !named && self.core.nodes[owner.index()].handlers.is_empty();
                if stands_in {
                    entry.insert(id);
                }
                !stands_in
            }
        };
        if taken {
            self.fault(id, FaultKind::DuplicateName);
        }
    }

    fn variables(&mut self, id: RouteId, inherited: &Inherited) {
        let of_path = inherited.path.names().map(|name| Variable {
            name: Arc::clone(name),
            source: Source::Path,
        });
        let of_conditions = inherited.conditions.iter().flat_map(|condition| {
            let source = match &**condition {
                Condition::Host { .. } => Source::Host,
                Condition::Header { name, .. } => Source::Header(name.clone()),
                _ => Source::Query,
            };
            condition.names().map(move |name| Variable {
                name: Arc::clone(name),
                source: source.clone(),
            })
        });
        let variables: Vec<Variable> = of_path.chain(of_conditions).collect();
        let mut twice: Vec<&str> = variables
            .iter()
            .enumerate()
            .filter(|(i, v)| variables[..*i].iter().any(|w| w.name == v.name))
            .map(|(_, v)| &*v.name)
            .collect();
        twice.dedup();
        // Those below inherit the fault; it is told once, where it arises.
        let above = self
            .core
            .node(id)
            .parent
            .map_or(&[][..], |parent| self.core.variables(parent));
        let known = |name: &str| {
            above
                .iter()
                .filter(|variable| *variable.name == *name)
                .count()
                > 1
        };
        let faults: Vec<FaultKind> = twice
            .into_iter()
            .filter(|name| !known(name))
            .map(|name| FaultKind::DuplicateVariable(name.to_owned()))
            .collect();
        faults.into_iter().for_each(|fault| self.fault(id, fault));
        let lists = &mut self.core.lists;
        let list = *self.lists.entry(variables).or_insert_with_key(|variables| {
            lists.push(variables.clone());
            lists.len() as u32 - 1
        });
        self.core.list_of.push(list);
    }

    fn methods(&mut self, id: RouteId, only: &[Only]) {
        let handlers = self.core.node(id).handlers.clone();
        for (i, method) in handlers.iter().enumerate() {
            if handlers[..i]
                .iter()
                .filter(|earlier| *earlier == method)
                .count()
                == 1
            {
                self.fault(id, FaultKind::DuplicateHandler(method.clone()));
            }
        }
        let dispatch = Dispatch::new(&handlers, only);
        self.core.nodes[id.index()].dispatch = dispatch;
    }
}
