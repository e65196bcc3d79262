//! Trees and requests that collide as often as can be: few words, many shapes.

use http::{HeaderMap, Method};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::{Matcher, Node, Part, Request, Segment};

fn literal() -> impl Strategy<Value = Part> {
    select(
        &[
            "a",
            "b",
            "ab",
            "é",
            "long-literal-text",
            "long-literal-texts",
            "eight-by",
            "a-literal-of-sixteen-and-some",
        ][..],
    )
    .prop_map(Part::Literal)
}

fn variable() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => Just(Part::Any(String::new())),
        1 => Just(Part::Class(String::new(), "ab", "[ab]+")),
        1 => Just(Part::Class(String::new(), "a.", "[a.]+")),
        1 => Just(Part::Class(String::new(), "01/", "[01/]+")),
    ]
}

/// A segment, label or value: a literal, a variable, or several parts.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    prop_oneof![
        4 => literal().prop_map(|part| vec![part]),
        4 => variable().prop_map(|part| vec![part]),
        1 => variable().prop_map(|part| vec![Part::Literal("a"), part]),
        1 => variable().prop_map(|part| vec![part, Part::Literal(".a")]),
        1 => (variable(), variable()).prop_map(|(a, b)| vec![a, Part::Literal("."), b]),
        1 => (variable(), variable()).prop_map(|(a, b)| vec![Part::Literal("a"), a, Part::Literal("aa"), b, Part::Literal("b")]),
    ]
}

fn segments(min: usize) -> impl Strategy<Value = Vec<Segment>> {
    vec(parts().prop_map(Segment::Parts), min..3)
}

fn path() -> impl Strategy<Value = Matcher> {
    prop_oneof![
        5 => segments(0).prop_map(Matcher::Path),
        1 => segments(0).prop_map(|mut path| {
            path.push(Segment::Parts(Vec::new()));
            Matcher::Path(path)
        }),
        1 => segments(0).prop_map(|mut path| {
            path.push(Segment::Rest(String::new()));
            Matcher::Path(path)
        }),
    ]
}

fn condition() -> impl Strategy<Value = Matcher> {
    prop_oneof![
        Just(Matcher::Host(vec![
            vec![Part::Any(String::new())],
            vec![Part::Literal("test")]
        ])),
        Just(Matcher::Host(vec![
            vec![Part::Literal("a")],
            vec![Part::Literal("test")]
        ])),
        Just(Matcher::Host(vec![
            vec![
                Part::Literal("a"),
                Part::Class(String::new(), "ab", "[ab]+")
            ],
            vec![Part::Literal("test")]
        ])),
        select(&["http", "https"][..]).prop_map(Matcher::Scheme),
        select(&[Method::GET, Method::POST][..]).prop_map(Matcher::Method),
        parts()
            .prop_filter("headers are ASCII", |parts| !matches!(
                parts[..],
                [Part::Literal("é")]
            ))
            .prop_map(Matcher::Header),
        select(&["q", "r"][..]).prop_map(Matcher::QueryPresent),
        select(&["a", "a b"][..]).prop_map(|value| Matcher::QueryIs("q", value)),
        parts().prop_map(|parts| Matcher::Query("q", parts)),
        Just(Matcher::When),
    ]
}

fn handlers() -> impl Strategy<Value = Vec<(Option<Method>, usize)>> {
    let some = |methods: &[Method]| {
        methods
            .iter()
            .map(|method| (Some(method.clone()), 0))
            .collect::<Vec<_>>()
    };
    prop_oneof![
        4 => Just(some(&[Method::GET])),
        1 => Just(some(&[Method::POST])),
        1 => Just(some(&[Method::DELETE, Method::GET])),
        1 => Just(some(&[Method::HEAD])),
        1 => Just(some(&[Method::OPTIONS])),
        1 => Just(vec![(None, 0), (Some(Method::POST), 0)]),
    ]
}

fn matchers(path: impl Strategy<Value = Option<Matcher>>) -> impl Strategy<Value = Vec<Matcher>> {
    (
        path,
        prop_oneof![4 => Just(Vec::new()), 2 => vec(condition(), 1), 1 => vec(condition(), 2)],
    )
        .prop_map(|(path, conditions)| path.into_iter().chain(conditions).collect())
}

/// A tree of up to some forty routes. Names, variables and handlers are numbered, so that none is there twice.
pub(crate) fn tree() -> impl Strategy<Value = Node> {
    let leaf = (matchers(option::weighted(0.9, path())), handlers());
    let leaf = leaf.prop_map(|(matchers, handlers)| Node {
        name: String::new(),
        matchers,
        handlers,
        children: Vec::new(),
    });
    let branch = |inner: BoxedStrategy<Node>| {
        let path = prop_oneof![3 => segments(1).prop_map(|path| Some(Matcher::Prefix(path))), 2 => path().prop_map(Some), 1 => Just(None)];
        let handlers = prop_oneof![2 => Just(Vec::new()), 1 => handlers()];
        (matchers(path), handlers, vec(inner, 1..6)).prop_map(|(matchers, handlers, children)| {
            Node {
                name: String::new(),
                matchers,
                handlers,
                children,
            }
        })
    };
    let children = vec(
        leaf.prop_recursive(3, 40, 6, move |inner| branch(inner.boxed())),
        1..8,
    );
    children.prop_map(|children| {
        let mut root = Node {
            name: String::new(),
            matchers: Vec::new(),
            handlers: Vec::new(),
            children,
        };
        number(&mut root, false, &mut Numbers::default());
        root
    })
}

#[derive(Default)]
struct Numbers {
    route: usize,
    variable: usize,
    handler: usize,
}

/// Names everything, and drops what could not be built: paths below a rest.
fn number(node: &mut Node, mut below_rest: bool, next: &mut Numbers) {
    node.name = if next.route == 0 {
        String::new()
    } else {
        format!("r{}", next.route)
    };
    next.route += 1;
    node.handlers.iter_mut().for_each(|(_, handler)| {
        *handler = next.handler;
        next.handler += 1;
    });
    if below_rest {
        node.matchers
            .retain(|matcher| !matches!(matcher, Matcher::Path(_) | Matcher::Prefix(_)));
    }
    let mut name = |slot: &mut String| {
        *slot = format!("v{}", next.variable);
        next.variable += 1;
    };
    let mut name_parts = |parts: &mut Vec<Part>| {
        for part in parts {
            match part {
                Part::Any(slot) | Part::Class(slot, ..) => name(slot),
                Part::Literal(_) => {}
            }
        }
    };
    for matcher in &mut node.matchers {
        match matcher {
            Matcher::Path(segments) | Matcher::Prefix(segments) => {
                for segment in segments {
                    match segment {
                        Segment::Parts(parts) => name_parts(parts),
                        Segment::Rest(slot) => {
                            *slot = "rest".to_owned();
                            below_rest = true;
                        }
                    }
                }
            }
            Matcher::Host(labels) => labels.iter_mut().for_each(&mut name_parts),
            Matcher::Header(parts) | Matcher::Query(_, parts) => name_parts(parts),
            _ => {}
        }
    }
    node.children
        .iter_mut()
        .for_each(|child| number(child, below_rest, next));
}

/// A segment as it is sent, now and then escaped without need or wrongly.
fn segment() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "a",
            "a",
            "a",
            "b",
            "b",
            "ab",
            "aab",
            "abb",
            "a.b",
            "a.a",
            "b.a",
            "a.b.a",
            "aaaab",
            "aabaaab",
            "abaab",
            "a0",
            "a01",
            "0",
            "01.1",
            ".a",
            "",
            "%C3%A9",
            "%61",
            "a%2Fb",
            "0%2F1",
            "a%2Ea",
            "long-literal-text",
            "long-literal-texts",
            "long-literal-textX",
            "eight-by",
            "eight-bye",
            "a-literal-of-sixteen-and-some",
            "a-literal-of-sixteen-and-more",
            "%",
            "%c3",
        ][..],
    )
}

fn query() -> impl Strategy<Value = Option<String>> {
    let value = prop_oneof![6 => segment(), 1 => Just("a+b"), 1 => Just("a%20b")];
    let pair = (
        select(&["q", "q", "r", "%71"][..]),
        option::weighted(0.9, value),
    )
        .prop_map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_owned(),
        });
    option::weighted(0.4, vec(pair, 0..3).prop_map(|pairs| pairs.join("&")))
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let method = select(
        &[
            Method::GET,
            Method::GET,
            Method::GET,
            Method::POST,
            Method::HEAD,
            Method::OPTIONS,
            Method::DELETE,
            Method::PUT,
        ][..],
    );
    let path = vec(segment(), 1..6).prop_map(|segments| {
        segments
            .iter()
            .map(|segment| format!("/{segment}"))
            .collect()
    });
    let host = select(
        &[
            "a.test",
            "A.test:8080",
            "ab.test",
            "b.TEST",
            "a.b.test",
            "test",
            "",
        ][..],
    );
    let key = option::weighted(
        0.4,
        segment().prop_filter("no escapes in headers", |key| !key.is_empty()),
    );
    (
        method,
        select(&["http", "https"][..]),
        host,
        path,
        query(),
        key,
        any::<bool>(),
    )
        .prop_map(|(method, scheme, host, path, query, key, flag)| {
            let mut request = Request {
                method,
                scheme,
                host: host.to_owned(),
                path,
                query,
                headers: HeaderMap::new(),
            };
            if let Some(key) = key {
                request = request.with_header("x-key", key);
            }
            if flag {
                request.with_header("x-flag", "1")
            } else {
                request
            }
        })
}
