//! Laws, held against generated trees and requests.

use http::Method;
use pleach_router::{FaultKind, Found, Tree, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::generate::{request, tree};
use crate::model::{Node, Outcome, Request};

const TREES: u32 = 600;
const REQUESTS: usize = 200;

/// What the compiled tree says, in the words of the oracle.
fn found(tree: &Tree<usize>, request: &Request) -> Outcome {
    let head = request.head();
    match tree.find(&head) {
        Found::Match(found) => {
            let values = tree.values(&found.vars, &head);
            Outcome::Match(
                *found.handler,
                values
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            )
        }
        Found::MethodNotAllowed { allow, .. } => {
            assert_ne!(request.method, Method::OPTIONS, "the tree answers OPTIONS");
            Outcome::Refused(allow.iter().cloned().collect())
        }
        Found::Options { allow, .. } => {
            assert_eq!(request.method, Method::OPTIONS);
            Outcome::Refused(allow.iter().cloned().collect())
        }
        Found::BadEncoding => Outcome::BadEncoding,
        Found::NotFound => Outcome::NotFound,
        other => panic!("unknown to the oracle: {other:?}"),
    }
}

/// Builds the tree, and takes out of the model what the lint says can never be reached.
fn build(model: &mut Node) -> Option<Tree<usize>> {
    loop {
        let errors = match Tree::build(model.route()) {
            Ok(tree) => return Some(tree),
            Err(errors) => errors,
        };
        for fault in errors.iter() {
            match fault.kind() {
                FaultKind::Unreachable { methods, .. } => clear(model, fault.route(), methods),
                _ => panic!("{errors}"),
            }
        }
    }
}

fn clear(node: &mut Node, name: &str, methods: &str) {
    if node.name == name || (node.name.is_empty() && name == "(root)") {
        node.handlers
            .retain(|(method, _)| method.as_ref().map_or("any", Method::as_str) != methods);
    }
    for child in &mut node.children {
        let inner = if node.name.is_empty() {
            Some(name)
        } else {
            name.strip_prefix(&*node.name)
                .and_then(|name| name.strip_prefix('.'))
        };
        if let Some(inner) = inner {
            clear(child, inner, methods);
        }
    }
}

#[test]
fn compiled_tree_equals_the_naive_walk() {
    let mut runner = TestRunner::new(Config {
        cases: TREES,
        failure_persistence: None,
        ..Config::default()
    });
    let cases = (tree(), vec(request(), REQUESTS));
    let result = runner.run(&cases, |(mut model, requests)| {
        let whole = model.clone();
        let tree = build(&mut model).expect("what is left can be built");
        for request in &requests {
            let expected = model.walk(request);
            prop_assert_eq!(&found(&tree, request), &expected, "{:?}\n{}", request, tree);
            // What the lint had taken out never handled anything.
            let with = whole.walk(request);
            if [&with, &expected].iter().any(|outcome| matches!(outcome, Outcome::Match(..))) {
                prop_assert_eq!(&with, &expected, "{:?}", request);
            }
            let verdict = tree.explain(&request.head()).verdict;
            let same = match &expected {
                Outcome::Match(_, values) => matches!(&verdict, Verdict::Match { values: explained, .. } if explained == values),
                Outcome::Refused(_) => matches!(verdict, Verdict::MethodNotAllowed(_) | Verdict::Options(_)),
                Outcome::BadEncoding => verdict == Verdict::BadEncoding,
                Outcome::NotFound => verdict == Verdict::NotFound,
            };
            prop_assert!(same, "{:?}\n{}", request, tree.explain(&request.head()));
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
