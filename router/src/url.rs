//! URLs and requests made from a route: the way back.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};

use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use crate::condition::{Condition, is_host_text, lower_host};
use crate::core::{Core, Node};
use crate::encode::{encode_query, encode_rest, encode_segment};
use crate::find::Hit;
use crate::head::{Head, bare_host};
use crate::pattern::Piece;
use crate::slots::Slots;
use crate::tree::RouteId;
use crate::vars::{Values, Vars};

/// Makes the URL of a route. Ends in [`relative`](Self::relative), [`absolute`](Self::absolute) or [`href`](Self::href).
///
/// What it makes matches the route that it was made from, with the same variables; what can't be written so is refused:
/// - The value of `{id}` is not empty, and satisfies its regex.
/// - A segment is not `.` or `..`, nor is one of a rest: clients remove these before they ask, escaped or not.
/// - Values that share a segment are read back as they were written. `v{major}.{minor}` refuses a `major` of `1.2`; see
///   the rule at [`Route`](crate::Route#templates).
/// - A label of a host is made of letters, digits, `-` and `_`; it is written in lower case.
/// - No earlier route takes the URL: `/chat/{id}` refuses an `id` of `new` where `/chat/new` comes first.
///
/// Everything else is escaped where it has to be: a `/` in `{id}` becomes `%2F`.
#[derive(Clone, Debug)]
#[must_use]
pub struct UrlBuilder<'a> {
    core: &'a Core,
    route: Result<RouteId, UrlError>,
    given: Vec<(&'a str, String)>,
    inherited: Vec<(&'a str, &'a str)>,
    query: Vec<(&'a str, String)>,
}

impl<'a> UrlBuilder<'a> {
    pub(crate) fn new(core: &'a Core, route: Result<RouteId, UrlError>) -> Self {
        Self {
            core,
            route,
            given: Vec::new(),
            inherited: Vec::new(),
            query: Vec::new(),
        }
    }

    /// Gives the variable `name` a value. Given twice, the last one counts.
    pub fn var(mut self, name: &'a str, value: impl Display) -> Self {
        self.set(name, value.to_string());
        self
    }

    pub(crate) fn set(&mut self, name: &'a str, value: String) {
        self.given.retain(|(given, _)| *given != name);
        self.given.push((name, value));
    }

    /// Gives all variables that a match caught.
    pub fn vars(self, values: Values<'a, '_>) -> Self {
        values
            .iter()
            .fold(self, |url, (name, value)| url.var(name, value))
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &'a str, value: impl Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Takes variables from the request at hand unless they are given: those of the routes that both hang under, such as the host and the prefix
    /// of a graft. A route's own variables are never inherited by a link to itself.
    pub fn inherit(self, vars: &'a Vars, head: &Head<'a>) -> Self {
        let from = vars.route();
        if from.index() >= self.core.nodes.len() {
            return self;
        }
        let values = Values::new(self.core.variables(from), vars, head);
        self.inherit_from(from, |name| values.get(name))
    }

    /// As [`inherit`](Self::inherit), from a request whose variables are kept elsewhere: `value` finds one that `from` caught.
    pub fn inherit_from(mut self, from: RouteId, value: impl Fn(&str) -> Option<&'a str>) -> Self {
        let Ok(route) = self.route else { return self };
        let to: Vec<RouteId> = self.core.upwards(route).collect();
        let shared = self
            .core
            .upwards(from)
            .find(|id| to.contains(id) && (*id != route || from != route));
        let names = shared.into_iter().flat_map(|id| self.core.variables(id));
        self.inherited
            .extend(names.filter_map(|variable| Some((&*variable.name, value(&variable.name)?))));
        self
    }

    /// Path and query: `/game/42`. Right on a page of the same host and scheme.
    ///
    /// # Errors
    /// An unknown route, a variable that is missing, unknown or ill-formed, or a URL that another route takes.
    pub fn relative(self) -> Result<String, UrlError> {
        let (route, target) = self.target()?;
        self.check_taken(route, &target, "", None)?;
        Ok(target)
    }

    /// The whole URL: `https://t.example.com/game/42`. Scheme, host and port are those of `base` where the route does not name its own.
    ///
    /// # Errors
    /// As [`relative`](Self::relative); and a `base` that is not of the form `https://example.com`.
    pub fn absolute(self, base: &str) -> Result<String, UrlError> {
        let (route, target) = self.target()?;
        let (scheme, authority) = self.origin(route, base)?;
        self.check_taken(route, &target, &scheme, Some(&authority))?;
        Ok(format!("{scheme}://{authority}{target}"))
    }

    /// The shortest form that is right on a page of `base`: relative if scheme and host are the same, else absolute.
    ///
    /// # Errors
    /// As [`absolute`](Self::absolute).
    pub fn href(self, base: &str) -> Result<String, UrlError> {
        let (route, target) = self.target()?;
        let (scheme, authority) = self.origin(route, base)?;
        self.check_taken(route, &target, &scheme, Some(&authority))?;
        let origin = format!("{scheme}://{authority}");
        let same = base.trim_end_matches('/').eq_ignore_ascii_case(&origin);
        Ok(if same { target } else { origin + &target })
    }

    fn value(&self, name: &str) -> Option<&str> {
        let given = self
            .given
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str());
        given.or_else(|| {
            self.inherited
                .iter()
                .find(|(inherited, _)| *inherited == name)
                .map(|(_, value)| *value)
        })
    }

    /// Writes one piece, and names the variable that it can't be written with.
    fn write(&self, node: &Node, piece: &Piece) -> Result<String, UrlError> {
        let error = |kind| UrlError {
            route: node.name.clone(),
            kind,
        };
        let values: Result<Vec<&str>, UrlError> = piece
            .names
            .iter()
            .map(|name| {
                self.value(name)
                    .ok_or_else(|| error(Kind::Missing(name.to_string())))
            })
            .collect();
        let values = values?;
        piece.write(&values).map_err(|refused| {
            let reason = if values[refused].is_empty() {
                "it is empty"
            } else {
                "the template would not read it back"
            };
            error(Kind::ill_formed(
                &piece.names[refused],
                values[refused],
                reason,
            ))
        })
    }

    /// Path and query.
    fn target(&self) -> Result<(RouteId, String), UrlError> {
        let route = self.route.clone()?;
        let node = self.core.node(route);
        let error = |kind| UrlError {
            route: node.name.clone(),
            kind,
        };
        if let Some((unknown, _)) = self.given.iter().find(|(name, _)| {
            self.core
                .variables(route)
                .iter()
                .all(|variable| *variable.name != **name)
        }) {
            return Err(error(Kind::Unknown((*unknown).to_owned())));
        }
        let dots = |text: &str| text == "." || text == "..";
        let mut url = String::new();
        for piece in &node.path.segments {
            let text = self.write(node, piece)?;
            if dots(&text) {
                return Err(error(Kind::ill_formed(
                    &piece.names[0],
                    &text,
                    "clients remove such a segment",
                )));
            }
            url.push('/');
            encode_segment(&text, &mut url);
        }
        if let Some(name) = &node.path.rest {
            let text = self
                .value(name)
                .ok_or_else(|| error(Kind::Missing(name.to_string())))?;
            if text.split('/').any(dots) {
                return Err(error(Kind::ill_formed(
                    name,
                    text,
                    "clients remove segments of dots",
                )));
            }
            url.push('/');
            // A URL that begins with two slashes names another host.
            let after_slash = if url.len() == 1 {
                text.strip_prefix('/')
            } else {
                None
            };
            url.push_str(if after_slash.is_some() { "%2F" } else { "" });
            encode_rest(after_slash.unwrap_or(text), &mut url);
        }
        if url.is_empty() {
            url.push('/');
        }
        self.write_query(node, &mut url)?;
        Ok((route, url))
    }

    /// What the matchers of the query demand comes first, so that it is the first of its name.
    fn write_query(&self, node: &Node, url: &mut String) -> Result<(), UrlError> {
        let mut pairs: Vec<(&str, Option<Cow<'_, str>>)> = Vec::new();
        for condition in &node.conditions {
            match &**condition {
                Condition::QueryIs(name, value) => pairs.push((name, Some(value.into()))),
                Condition::Query { name, piece, .. } => {
                    pairs.push((name, Some(self.write(node, piece)?.into())))
                }
                _ => {}
            }
        }
        if let Some((name, _)) = self
            .query
            .iter()
            .find(|(name, _)| pairs.iter().any(|(demanded, _)| demanded == name))
        {
            return Err(UrlError {
                route: node.name.clone(),
                kind: Kind::Demanded((*name).to_owned()),
            });
        }
        pairs.extend(
            self.query
                .iter()
                .map(|(name, value)| (*name, Some(value.into()))),
        );
        for condition in &node.conditions {
            match &**condition {
                Condition::QueryPresent(name)
                    if pairs.iter().all(|(present, _)| present != name) =>
                {
                    pairs.push((name, None))
                }
                _ => {}
            }
        }
        for (i, (name, value)) in pairs.into_iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            encode_query(name, url);
            if let Some(value) = value {
                url.push('=');
                encode_query(&value, url);
            }
        }
        Ok(())
    }

    /// Scheme and authority.
    fn origin(&self, route: RouteId, base: &str) -> Result<(String, String), UrlError> {
        let node = self.core.node(route);
        let error = |kind| UrlError {
            route: node.name.clone(),
            kind,
        };
        let parsed = base
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.path() == "/" && uri.query().is_none());
        let parts = parsed
            .as_ref()
            .and_then(|uri| Some((uri.scheme_str()?, uri.authority()?.as_str())));
        let (base_scheme, base_authority) =
            parts.ok_or_else(|| error(Kind::Base(base.to_owned())))?;
        let scheme = node.conditions.iter().rev().find_map(|c| {
            if let Condition::Scheme(scheme) = &**c {
                Some(scheme.as_str())
            } else {
                None
            }
        });
        let scheme = scheme.unwrap_or(base_scheme);
        let labels = node.conditions.iter().rev().find_map(|c| {
            if let Condition::Host { labels, .. } = &**c {
                Some(labels)
            } else {
                None
            }
        });
        let base_host = bare_host(base_authority);
        let host = match labels {
            Some(labels) => self.host(node, labels)?,
            None => base_host.to_owned(),
        };
        // The port of the base belongs to its scheme.
        let after_host = base_authority.rfind(base_host).map_or("", |at| {
            base_authority[at + base_host.len()..].trim_start_matches('.')
        });
        let port = if scheme == base_scheme {
            after_host
        } else {
            ""
        };
        Ok((scheme.to_owned(), host + port))
    }

    fn host(&self, node: &Node, labels: &[Piece]) -> Result<String, UrlError> {
        let mut host = String::new();
        for label in labels {
            for name in &label.names {
                if let Some(value) = self.value(name).filter(|value| !is_host_text(value)) {
                    let reason = if value.is_empty() {
                        "it is empty"
                    } else {
                        "a host label holds letters, digits, `-` and `_`"
                    };
                    return Err(UrlError {
                        route: node.name.clone(),
                        kind: Kind::ill_formed(name, value, reason),
                    });
                }
            }
            host.push_str(if host.is_empty() { "" } else { "." });
            host.push_str(&self.write(node, label)?);
        }
        Ok(lower_host(&host).into_owned())
    }

    /// Refuses a URL that an earlier route takes. A closure over the head may say anything, so a route that has one is not asked.
    fn check_taken(
        &self,
        route: RouteId,
        target: &str,
        scheme: &str,
        authority: Option<&str>,
    ) -> Result<(), UrlError> {
        let node = self.core.node(route);
        let headers = HeaderMap::new();
        let (path, query) = target
            .split_once('?')
            .map_or((target, None), |(path, query)| (path, Some(query)));
        let method = self.core.method_of(route);
        let head = Head {
            method: &method,
            scheme,
            authority,
            path,
            query,
            headers: &headers,
        };
        let Ok(Hit { route: by, .. }) = self.core.find(&head, &mut Slots::default()) else {
            return Ok(());
        };
        let taker = self.core.node(by);
        let sure = !taker
            .conditions
            .iter()
            .any(|condition| matches!(&**condition, Condition::When(..)));
        if sure && self.core.comes_before(by, route) {
            return Err(UrlError {
                route: node.name.clone(),
                kind: Kind::Taken {
                    url: target.to_owned(),
                    by: taker.name.clone(),
                },
            });
        }
        Ok(())
    }
}

/// Makes a request that matches a route: method, URL and the headers that its matchers ask for.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestBuilder<'a> {
    url: UrlBuilder<'a>,
    method: Option<Method>,
}

impl<'a> RequestBuilder<'a> {
    pub(crate) fn new(url: UrlBuilder<'a>) -> Self {
        Self { url, method: None }
    }

    /// Sets the method. Default: that of the route's first handler, `GET` for `any`.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// As [`UrlBuilder::var`]; the variables of headers are given in the same way.
    pub fn var(self, name: &'a str, value: impl Display) -> Self {
        Self {
            url: self.url.var(name, value),
            ..self
        }
    }

    /// As [`UrlBuilder::vars`].
    pub fn vars(self, values: Values<'a, '_>) -> Self {
        Self {
            url: self.url.vars(values),
            ..self
        }
    }

    /// As [`UrlBuilder::query`].
    pub fn query(self, name: &'a str, value: impl Display) -> Self {
        Self {
            url: self.url.query(name, value),
            ..self
        }
    }

    /// As [`UrlBuilder::inherit`].
    pub fn inherit(self, vars: &'a Vars, head: &Head<'a>) -> Self {
        Self {
            url: self.url.inherit(vars, head),
            ..self
        }
    }

    /// A request whose URI is path and query.
    ///
    /// # Errors
    /// As [`UrlBuilder::relative`], for the variables of headers too.
    pub fn relative(self) -> Result<Request<()>, UrlError> {
        let uri = self.url.clone().relative()?;
        self.request(uri)
    }

    /// A request whose URI is absolute.
    ///
    /// # Errors
    /// As [`UrlBuilder::absolute`], for the variables of headers too.
    pub fn absolute(self, base: &str) -> Result<Request<()>, UrlError> {
        let uri = self.url.clone().absolute(base)?;
        self.request(uri)
    }

    fn request(self, uri: String) -> Result<Request<()>, UrlError> {
        let route = self.url.route.clone()?;
        let node = self.url.core.node(route);
        let error = |kind| UrlError {
            route: node.name.clone(),
            kind,
        };
        let method = self
            .method
            .clone()
            .unwrap_or_else(|| self.url.core.method_of(route));
        let mut request = Request::new(());
        for condition in &node.conditions {
            if let Condition::Header { name, piece, .. } = &**condition {
                let value = self.url.write(node, piece)?;
                let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                    let variable = piece.names.first().map_or("", |name| name);
                    error(Kind::ill_formed(variable, &value, "a header can't hold it"))
                })?;
                request.headers_mut().insert(name, value);
            }
        }
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().map_err(|_| error(Kind::TooLong))?;
        Ok(request)
    }
}

/// A URL that can't be made. The message names the route and the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    route: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    UnknownRoute,
    NotMounted,
    Ambiguous,
    Missing(String),
    Unknown(String),
    IllFormed {
        name: String,
        value: String,
        reason: &'static str,
    },
    Demanded(String),
    Taken {
        url: String,
        by: String,
    },
    Base(String),
    TooLong,
}

impl Kind {
    fn ill_formed(name: &str, value: &str, reason: &'static str) -> Self {
        Self::IllFormed {
            name: name.to_owned(),
            value: value.to_owned(),
            reason,
        }
    }
}

impl UrlError {
    pub(crate) fn unknown_route(name: &str) -> Self {
        Self {
            route: name.to_owned(),
            kind: Kind::UnknownRoute,
        }
    }

    pub(crate) fn not_mounted(type_name: &str) -> Self {
        Self {
            route: type_name.to_owned(),
            kind: Kind::NotMounted,
        }
    }

    pub(crate) fn ambiguous(type_name: &str) -> Self {
        Self {
            route: type_name.to_owned(),
            kind: Kind::Ambiguous,
        }
    }

    /// The name of the route, as far as it is known; of a typed route that is not mounted, the name of its type.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The variable that is missing, unknown or ill-formed.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match &self.kind {
            Kind::Missing(name) | Kind::Unknown(name) | Kind::IllFormed { name, .. } => Some(name),
            _ => None,
        }
    }

    /// True if no route of the tree has the name, or the type.
    #[must_use]
    pub fn is_unknown_route(&self) -> bool {
        matches!(self.kind, Kind::UnknownRoute | Kind::NotMounted)
    }

    /// True if a variable of the route was not given.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.kind, Kind::Missing(_))
    }

    /// True if a variable was given that the route does not have.
    #[must_use]
    pub fn is_unknown_variable(&self) -> bool {
        matches!(self.kind, Kind::Unknown(_))
    }

    /// True if the value of a variable does not fit.
    #[must_use]
    pub fn is_ill_formed(&self) -> bool {
        matches!(self.kind, Kind::IllFormed { .. })
    }

    /// True if an earlier route would get the request for this URL.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.kind, Kind::Taken { .. })
    }
}

impl Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = &self.route;
        match &self.kind {
            Kind::UnknownRoute => write!(f, "there is no route `{route}`"),
            Kind::NotMounted => write!(f, "no route is mounted for the type `{route}`"),
            Kind::Ambiguous => write!(
                f,
                "the type `{route}` is mounted more than once, and none of its routes is nearest"
            ),
            Kind::Missing(name) => write!(f, "route `{route}`: the variable `{name}` is missing"),
            Kind::Unknown(name) => write!(f, "route `{route}` has no variable `{name}`"),
            Kind::IllFormed {
                name,
                value,
                reason,
            } => write!(
                f,
                "route `{route}`: the variable `{name}` can't be {value:?}: {reason}"
            ),
            Kind::Demanded(name) => write!(
                f,
                "route `{route}`: its matchers already say what the query parameter `{name}` is"
            ),
            Kind::Taken { url, by } => write!(
                f,
                "route `{route}`: `{url}` leads to the earlier route `{by}`"
            ),
            Kind::Base(base) => write!(
                f,
                "route `{route}`: `{base}` is not of the form `https://example.com`"
            ),
            Kind::TooLong => write!(f, "route `{route}`: the URL is too long"),
        }
    }
}

impl Error for UrlError {}
