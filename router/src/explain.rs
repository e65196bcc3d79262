//! Why a request lands where it lands: the walk through the tree, matcher by matcher.

use std::fmt;

use http::Method;

use crate::condition::Answer;
use crate::core::{Core, FullPath, Matcher, Node};
use crate::encode::{SEPARATOR, decode_path};
use crate::head::Head;
use crate::methods::{Allow, lets};
use crate::pattern::Piece;
use crate::slots::Slots;
use crate::tree::{RouteId, Tree};
use crate::vars::{Values, Vars};

/// The walk of one request through the tree, as data and, by `Display`, as text. Made by [`Tree::explain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// Method and URL of the request.
    pub request: String,
    /// The routes that were looked at, in the sequence of the walk, every branch before its children.
    pub steps: Vec<Step>,
    /// Where the request landed.
    pub verdict: Verdict,
}

/// A look at one route.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The route.
    pub route: RouteId,
    /// Its full name, or what stands for it.
    pub title: String,
    /// How many routes are above it.
    pub depth: usize,
    /// Its matchers, up to the first that failed.
    pub checks: Vec<Check>,
    /// What came of it.
    pub end: StepEnd,
}

/// One matcher, held against the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The matcher as text: `prefix /game`.
    pub matcher: String,
    /// What it failed on; `None` if it matched.
    pub failure: Option<String>,
}

/// What came of a look at a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepEnd {
    /// A matcher failed: the last of the checks.
    Failed,
    /// It matches, and a route below it handles the request.
    Branch,
    /// It matches, no route below it handles the request, and it has no handlers itself.
    NoHandler,
    /// It matches as a branch, but could not handle the request itself: of the path, something is left or missing.
    Path(String),
    /// All matches but the method: it answers to these.
    Method(Allow),
    /// All matches, but a query parameter that decides is not percent-encoded UTF-8.
    BadEncoding,
    /// It handles the request.
    Handles,
}

/// Where a request lands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// At a route.
    Match {
        /// The route.
        route: RouteId,
        /// Its full name.
        name: String,
        /// Its path from the root.
        pattern: String,
        /// What it caught.
        values: Vec<(String, String)>,
    },
    /// Nowhere, for the method alone: 405.
    MethodNotAllowed(Allow),
    /// At the tree's own answer to `OPTIONS`.
    Options(Allow),
    /// Nowhere, for the path or a parameter is not percent-encoded UTF-8: 400.
    BadEncoding,
    /// Nowhere.
    NotFound,
}

impl<H> Tree<H> {
    /// Explains where a request lands, and why.
    ///
    /// ```
    /// use pleach_router::{Head, Route, Tree};
    ///
    /// let toggle = Route::new("toggle").path("/{id}/toggle/{cell:[0-8]}").post("toggle");
    /// let tree: Tree<&str> = Tree::build(Route::root().child(Route::new("game").prefix("/game").child(toggle))).unwrap();
    ///
    /// let (parts, ()) = http::Request::post("/game/42/toggle/9").body(()).unwrap().into_parts();
    /// assert_eq!(tree.explain(&Head::from_parts(&parts)).to_string(), "\
    /// POST /game/42/toggle/9
    ///   (root): yes; no handler
    ///     game: yes (prefix /game); no handler
    ///       game.toggle: no, path /{id}/toggle/{cell:[0-8]} fails at `9`
    /// notfound
    /// ");
    /// ```
    #[must_use]
    pub fn explain(&self, head: &Head<'_>) -> Explanation {
        explain(&self.core, head)
    }
}

fn explain(core: &Core, head: &Head<'_>) -> Explanation {
    let mut walk = Walk {
        core,
        head,
        segments: Vec::new(),
        steps: Vec::new(),
        allow: Allow::default(),
        bad: false,
        handled: None,
    };
    let mut decoded = vec![0; head.path.len()];
    if let Ok(len) = decode_path(head.path, &mut decoded) {
        let segments = decoded[..len].split(|b| *b == SEPARATOR).skip(1);
        walk.segments = segments
            .map(|segment| String::from_utf8_lossy(segment).into_owned())
            .collect();
        walk.visit(RouteId::ROOT, false);
    } else {
        walk.bad = true;
    }
    let verdict = match walk.handled {
        Some(route) => {
            let node = core.node(route);
            let values = {
                let mut slots = Slots::default();
                let _ = core.find(head, &mut slots);
                let vars = Vars::new(route, slots);
                let values = Values::new(core.variables(route), &vars, head);
                values
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            };
            Verdict::Match {
                route,
                name: node.name.clone(),
                pattern: node.path.shown(),
                values,
            }
        }
        None if walk.bad => Verdict::BadEncoding,
        None if walk.allow.is_empty() => Verdict::NotFound,
        None if head.method == Method::OPTIONS => Verdict::Options(walk.allow),
        None => Verdict::MethodNotAllowed(walk.allow),
    };
    let query = head
        .query
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let origin = match head.host() {
        "" => String::new(),
        host => format!("{}://{host}", head.scheme),
    };
    Explanation {
        request: format!("{} {origin}{}{query}", head.method, head.path),
        steps: walk.steps,
        verdict,
    }
}

struct Walk<'a> {
    core: &'a Core,
    head: &'a Head<'a>,
    /// The path, decoded and split.
    segments: Vec<String>,
    steps: Vec<Step>,
    allow: Allow,
    bad: bool,
    handled: Option<RouteId>,
}

impl Walk<'_> {
    /// Looks at a route and all below it; true if one of them handles the request. `bad` tells that a matcher above could not be decided.
    fn visit(&mut self, id: RouteId, bad: bool) -> bool {
        let node = self.core.node(id);
        let place = self.steps.len();
        let title = node.title();
        self.steps.push(Step {
            route: id,
            title,
            depth: node.depth,
            checks: Vec::new(),
            end: StepEnd::Failed,
        });
        let mut bad_here = bad;
        for matcher in &node.matchers {
            let failure = self.check(node, matcher, &mut bad_here);
            // A wrong method alone is 405: the walk goes on, to learn what is allowed.
            let failed = failure.is_some() && !matches!(matcher, Matcher::Method(_));
            self.steps[place].checks.push(Check {
                matcher: matcher.to_string(),
                failure,
            });
            if failed {
                return false;
            }
        }
        let below = node
            .children
            .iter()
            .any(|child| self.visit(*child, bad_here));
        let end = if below {
            StepEnd::Branch
        } else {
            self.own(node, bad_here)
        };
        let handled = end == StepEnd::Handles;
        match &end {
            StepEnd::Handles => self.handled = Some(id),
            StepEnd::Method(allow) => self.allow.merge(allow),
            StepEnd::BadEncoding => self.bad = true,
            _ => {}
        }
        self.steps[place].end = end;
        below || handled
    }

    /// What the route itself can do with the request, when none below it can.
    fn own(&self, node: &Node, bad: bool) -> StepEnd {
        if node.dispatch.is_empty() {
            return StepEnd::NoHandler;
        }
        if let Err(reason) = self.whole_path(&node.path) {
            return StepEnd::Path(reason);
        }
        match node.dispatch.handler(self.head.method) {
            _ if bad => StepEnd::BadEncoding,
            Some(_) => StepEnd::Handles,
            None => StepEnd::Method(node.dispatch.allow.clone()),
        }
    }

    /// Holds one matcher against the request, and says what it failed on.
    fn check(&self, node: &Node, matcher: &Matcher, bad: &mut bool) -> Option<String> {
        match matcher {
            Matcher::Path { .. } => self.pieces(node.path.trunk()).err(),
            Matcher::Method(only) if lets(only, self.head.method) => None,
            Matcher::Method(_) => Some(format!("on {}", self.head.method)),
            Matcher::Condition(condition) => {
                match condition.check(self.head, &mut Slots::default()) {
                    Answer::Yes => None,
                    Answer::No => Some(format!("on {}", condition.shortfall(self.head))),
                    Answer::BadEncoding => {
                        *bad = true;
                        None
                    }
                }
            }
        }
    }

    /// Matches the first segments of the path, and says where they differ.
    fn pieces(&self, pieces: &[Piece]) -> Result<(), String> {
        for (i, piece) in pieces.iter().enumerate() {
            match self.segments.get(i) {
                None => return Err("where the path ends".to_owned()),
                Some(segment) if !piece.pattern.find(segment, 0, &mut Slots::default()) => {
                    return Err(format!("at `{segment}`"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn whole_path(&self, path: &FullPath) -> Result<(), String> {
        if self.pieces(&path.segments).is_err() {
            return Err("the path ends before the route's".to_owned());
        }
        let left = &self.segments[path.segments.len()..];
        match (&path.rest, left) {
            (Some(_), []) => Err("the path ends before the route's".to_owned()),
            (None, [_, ..]) if path.exact => Err(format!("`/{}` is left over", left.join("/"))),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.request)?;
        for step in &self.steps {
            writeln!(f, "{:indent$}{step}", "", indent = 2 * step.depth + 2)?;
        }
        writeln!(f, "{}", self.verdict)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.title)?;
        if let (
            StepEnd::Failed,
            Some(Check {
                matcher,
                failure: Some(failure),
            }),
        ) = (&self.end, self.checks.last())
        {
            return write!(f, "no, {matcher} fails {failure}");
        }
        f.write_str("yes")?;
        for (i, Check { matcher, failure }) in self.checks.iter().enumerate() {
            let failure = failure
                .as_ref()
                .map(|failure| format!(" fails {failure}"))
                .unwrap_or_default();
            write!(f, "{}{matcher}{failure}", if i == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.checks.is_empty() { "" } else { ")" })?;
        match &self.end {
            StepEnd::Failed => Ok(()),
            StepEnd::Branch => f.write_str(", as a branch"),
            StepEnd::NoHandler => f.write_str("; no handler"),
            StepEnd::Path(reason) => write!(f, "; no, {reason}"),
            StepEnd::Method(allow) => write!(f, "; no, it answers to {allow}"),
            StepEnd::BadEncoding => {
                f.write_str("; no, a query parameter is not percent-encoded UTF-8")
            }
            StepEnd::Handles => f.write_str("; handles it"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Match {
                name,
                pattern,
                values,
                ..
            } => {
                write!(
                    f,
                    "match {} {pattern}",
                    if name.is_empty() { "(root)" } else { name }
                )?;
                values
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {name}={value:?}"))
            }
            Verdict::MethodNotAllowed(allow) => write!(f, "405, allowed: {allow}"),
            Verdict::Options(allow) => write!(f, "answered by the tree, allowed: {allow}"),
            Verdict::BadEncoding => f.write_str("400, not percent-encoded UTF-8"),
            Verdict::NotFound => f.write_str("notfound"),
        }
    }
}
