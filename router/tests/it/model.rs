//! A tree that can be generated, and the naive walk over it: the oracle that the compiled tree has to equal.
//!
//! Nothing here is shared with the crate but its public builder. Templates are matched character by character with backtracking, paths are
//! split and decoded anew at every route, and captures are built up and thrown away with the walk.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use pleach_router::{Head, Route};

/// A part of a segment.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Literal(&'static str),
    Any(String),
    /// A variable, the characters that it may be made of, and the regex that says the same.
    Class(String, &'static str, &'static str),
}

#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Parts(Vec<Part>),
    Rest(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Path(Vec<Segment>),
    Prefix(Vec<Segment>),
    Host(Vec<Vec<Part>>),
    Scheme(&'static str),
    Method(Method),
    Header(Vec<Part>),
    QueryPresent(&'static str),
    QueryIs(&'static str, &'static str),
    Query(&'static str, Vec<Part>),
    /// Asks whether the request has a header `x-flag`.
    When,
}

/// A route; handlers are numbered over the whole tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) handlers: Vec<(Option<Method>, usize)>,
    pub(crate) children: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
}

/// What the walk came to; values are those that the route caught, by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Match(usize, Vec<(String, String)>),
    Refused(Vec<Method>),
    BadEncoding,
    NotFound,
}

impl Request {
    pub(crate) fn head(&self) -> Head<'_> {
        let Self {
            method,
            scheme,
            host,
            path,
            query,
            headers,
        } = self;
        Head {
            method,
            scheme,
            authority: Some(host),
            path,
            query: query.as_deref(),
            headers,
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
        self
    }
}

pub(crate) fn text_of_parts(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Literal(text) => (*text).to_owned(),
        Part::Any(name) => format!("{{{name}}}"),
        Part::Class(name, _, regex) => format!("{{{name}:{regex}}}"),
    };
    parts.iter().map(text).collect()
}

fn text_of_path(segments: &[Segment]) -> String {
    let text = |segment: &Segment| match segment {
        Segment::Parts(parts) => format!("/{}", text_of_parts(parts)),
        Segment::Rest(name) => format!("/{{*{name}}}"),
    };
    segments.iter().map(text).collect()
}

impl Node {
    /// The route that the crate is given.
    pub(crate) fn route(&self) -> Route<usize> {
        let mut route = Route::new(&*self.name);
        for matcher in &self.matchers {
            route = match matcher {
                Matcher::Path(segments) => route.path(text_of_path(segments)),
                Matcher::Prefix(segments) => route.prefix(text_of_path(segments)),
                Matcher::Host(labels) => {
                    let labels: Vec<String> =
                        labels.iter().map(|label| text_of_parts(label)).collect();
                    route.host(labels.join("."))
                }
                Matcher::Scheme(scheme) => route.scheme(*scheme),
                Matcher::Method(method) => route.method(method.clone()),
                Matcher::Header(parts) => route.header("x-key", text_of_parts(parts)),
                Matcher::QueryPresent(name) => route.query_present(*name),
                Matcher::QueryIs(name, value) => route.query_is(*name, *value),
                Matcher::Query(name, parts) => route.query(*name, text_of_parts(parts)),
                Matcher::When => route.when("flag", |head| head.headers.contains_key("x-flag")),
            };
        }
        for (method, handler) in &self.handlers {
            route = match method {
                Some(method) => route.on(method.clone(), *handler),
                None => route.any(*handler),
            };
        }
        route.children(self.children.iter().map(Node::route))
    }

    /// Walks the tree with a request.
    pub(crate) fn walk(&self, request: &Request) -> Outcome {
        let mut walk = Walk {
            request,
            segments: Vec::new(),
            allow: Vec::new(),
            bad: false,
        };
        let Some(segments) = decode_segments(&request.path) else {
            return Outcome::BadEncoding;
        };
        walk.segments = segments;
        if let Some((handler, values)) = walk.visit(self, &State::default()) {
            return Outcome::Match(handler, values);
        }
        match (walk.bad, walk.allow.is_empty()) {
            (true, _) => Outcome::BadEncoding,
            (false, true) => Outcome::NotFound,
            (false, false) => Outcome::Refused(walk.allow),
        }
    }
}

/// What has been established on the way to a route.
#[derive(Clone, Default)]
struct State {
    /// Path templates so far, joined.
    path: Vec<Segment>,
    exact: bool,
    /// Variables of everything but the path.
    values: Vec<(String, String)>,
    only: Vec<Vec<Method>>,
    bad: bool,
}

struct Walk<'a> {
    request: &'a Request,
    segments: Vec<String>,
    allow: Vec<Method>,
    bad: bool,
}

type Hit = (usize, Vec<(String, String)>);

impl Walk<'_> {
    fn visit(&mut self, node: &Node, above: &State) -> Option<Hit> {
        let mut state = above.clone();
        let mut only = Vec::new();
        for matcher in &node.matchers {
            match matcher {
                Matcher::Path(segments) => state.join(segments, true),
                Matcher::Prefix(segments) => state.join(segments, false),
                Matcher::Method(method) => only.push(method.clone()),
                other => match self.holds(other, &mut state.values) {
                    Some(true) => {}
                    Some(false) => return None,
                    None => state.bad = true,
                },
            }
        }
        if !only.is_empty() {
            state.only.push(only);
        }
        node.children
            .iter()
            .find_map(|child| self.visit(child, &state))
            .or_else(|| self.own(node, state))
    }

    fn own(&mut self, node: &Node, state: State) -> Option<Hit> {
        let lets = |method: &Method| {
            let head = *method == Method::HEAD;
            state
                .only
                .iter()
                .all(|only| only.contains(method) || (head && only.contains(&Method::GET)))
        };
        let handler = |method: &Method| {
            let of = |wanted: Option<&Method>| {
                node.handlers
                    .iter()
                    .find(|(m, _)| m.as_ref() == wanted)
                    .map(|(_, h)| *h)
            };
            let by_get = || {
                if *method == Method::HEAD {
                    of(Some(&Method::GET))
                } else {
                    None
                }
            };
            of(Some(method))
                .or_else(by_get)
                .or_else(|| of(None))
                .filter(|_| lets(method))
        };
        let mut values = self.path(&state)?;
        values.extend(state.values.iter().cloned());
        let mut allow: Vec<Method> = METHODS
            .iter()
            .filter(|method| handler(method).is_some())
            .cloned()
            .collect();
        if allow.is_empty() {
            return None;
        }
        if state.bad {
            self.bad = true;
            return None;
        }
        if let Some(handler) = handler(&self.request.method) {
            return Some((handler, values));
        }
        allow.push(Method::OPTIONS);
        self.allow.extend(allow);
        self.allow
            .sort_by_key(|method| METHODS.iter().position(|m| m == method));
        self.allow.dedup();
        None
    }

    /// Matches the joined path against all of the request's.
    fn path(&self, state: &State) -> Option<Vec<(String, String)>> {
        let mut values = Vec::new();
        for (i, segment) in state.path.iter().enumerate() {
            match segment {
                Segment::Parts(parts) => values.extend(match_parts(parts, self.segments.get(i)?)?),
                Segment::Rest(name) => {
                    self.segments.get(i)?;
                    values.push((name.clone(), self.segments[i..].join("/")));
                    return Some(values);
                }
            }
        }
        (!state.exact || self.segments.len() == state.path.len()).then_some(values)
    }

    /// Whether a matcher holds; `None` if the query value in question is badly encoded.
    fn holds(&self, matcher: &Matcher, values: &mut Vec<(String, String)>) -> Option<bool> {
        let request = self.request;
        let mut matches = |parts: &[Part], text: &str| match match_parts(parts, text) {
            Some(caught) => {
                values.extend(caught);
                true
            }
            None => false,
        };
        Some(match matcher {
            Matcher::Scheme(scheme) => request.scheme == *scheme,
            Matcher::When => request.headers.contains_key("x-flag"),
            Matcher::Header(parts) => request
                .headers
                .get("x-key")
                .is_some_and(|value| matches(parts, value.to_str().unwrap())),
            Matcher::Host(labels) => {
                let host = request.host.to_lowercase();
                let host = host.split(':').next().unwrap();
                let given: Vec<&str> = host.split('.').collect();
                let before = given.len() == labels.len();
                before && {
                    let caught: Option<Vec<_>> = labels
                        .iter()
                        .zip(&given)
                        .map(|(label, text)| match_parts(label, text))
                        .collect();
                    match caught {
                        Some(caught) => {
                            values.extend(caught.into_iter().flatten());
                            true
                        }
                        None => false,
                    }
                }
            }
            Matcher::QueryPresent(name) => self.query(name).is_some(),
            Matcher::QueryIs(name, wanted) => match self.query(name) {
                Some(value) => value? == *wanted,
                None => false,
            },
            Matcher::Query(name, parts) => match self.query(name) {
                Some(value) => matches(parts, &value?),
                None => false,
            },
            Matcher::Path(_) | Matcher::Prefix(_) | Matcher::Method(_) => {
                unreachable!("taken by the caller")
            }
        })
    }

    /// The first parameter of this name, decoded if it can be.
    fn query(&self, wanted: &str) -> Option<Option<String>> {
        let query = self.request.query.as_deref()?;
        let mut pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .find(|(name, _)| decode(&name.replace('+', " ")).as_deref() == Some(wanted))
            .map(|(_, value)| decode(&value.replace('+', " ")))
    }
}

impl State {
    fn join(&mut self, more: &[Segment], exact: bool) {
        if !more.is_empty()
            && matches!(self.path.last(), Some(Segment::Parts(parts)) if parts.is_empty())
        {
            self.path.pop();
        }
        self.path.extend(more.iter().cloned());
        self.exact = exact;
    }
}

/// All methods that generated routes and requests use, in the order of `Allow`.
pub(crate) const METHODS: [Method; 9] = [
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

fn decode_segments(path: &str) -> Option<Vec<String>> {
    path.split('/').skip(1).map(decode).collect()
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let digits = std::str::from_utf8(bytes.get(i + 1..i + 3)?).ok()?;
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            out.push(u8::from_str_radix(digits, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}

/// Matches parts against the whole of a text: free variables as short as can be, constrained ones as long as can be.
pub(crate) fn match_parts(parts: &[Part], text: &str) -> Option<Vec<(String, String)>> {
    let Some((first, others)) = parts.split_first() else {
        return text.is_empty().then(Vec::new);
    };
    let ends = || text.char_indices().map(|(i, c)| i + c.len_utf8());
    let take = |name: &String, end: usize| {
        let caught = match_parts(others, &text[end..])?;
        Some([vec![(name.clone(), text[..end].to_owned())], caught].concat())
    };
    match first {
        Part::Literal(literal) => match_parts(others, text.strip_prefix(literal)?),
        Part::Any(name) => ends().find_map(|end| take(name, end)),
        Part::Class(name, class, _) => {
            let fitting: Vec<usize> = ends()
                .take_while(|end| text[..*end].chars().all(|c| class.contains(c)))
                .collect();
            fitting.into_iter().rev().find_map(|end| take(name, end))
        }
    }
}
