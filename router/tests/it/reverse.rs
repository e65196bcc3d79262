//! The law of reversing: what a match caught makes a request that matches the same.

use std::cell::Cell;

use pleach_router::{Found, Head};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::generate::{request, tree};
use crate::laws::build;

#[test]
fn what_a_match_caught_reverses_to_a_request_that_matches_the_same() {
    let mut runner = TestRunner::new(Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    });
    let reversed = Cell::new(0);
    let cases = (tree(), vec(request(), 200));
    let result = runner.run(&cases, |(mut model, requests)| {
        let tree = build(&mut model).expect("what is left can be built");
        for request in &requests {
            // An absolute URL needs a host.
            if request.host.is_empty() {
                continue;
            }
            let head = request.head();
            let Found::Match(found) = tree.find(&head) else {
                continue;
            };
            let route = tree.route(found.route);
            // What a prefix leaves over is no variable, so that no URL can hold it.
            if route.name().is_empty() || route.pattern().ends_with("/**") {
                continue;
            }
            let name = route.name();
            let base = format!("{}://{}", request.scheme, request.host);
            let made = tree
                .request(name)
                .method(request.method.clone())
                .vars(tree.values(&found.vars, &head))
                .absolute(&base);
            let made = match made {
                Ok(made) => made,
                // Refused rather than misled: an earlier route takes the URL for another method.
                Err(error) if error.is_taken() => continue,
                Err(error) => {
                    return Err(TestCaseError::fail(format!("{error}: {request:?}\n{tree}")));
                }
            };
            reversed.set(reversed.get() + 1);
            let (mut parts, ()) = made.into_parts();
            // What a closure looks at, only its author could make.
            for (name, value) in &request.headers {
                parts.headers.entry(name).or_insert(value.clone());
            }
            let again = Head::from_parts(&parts);
            let Found::Match(matched) = tree.find(&again) else {
                return Err(TestCaseError::fail(format!(
                    "{} does not match\n{tree}",
                    parts.uri
                )));
            };
            prop_assert_eq!(matched.route, found.route, "{}\n{}", parts.uri, tree);
            let before: Vec<_> = tree.values(&found.vars, &head).iter().collect();
            let after: Vec<_> = tree.values(&matched.vars, &again).iter().collect();
            prop_assert_eq!(after, before, "{}\n{}", parts.uri, tree);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        reversed.get() > 1000,
        "only {} were reversed",
        reversed.get()
    );
}
