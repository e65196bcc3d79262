//! What the tree promises, fact by fact; each fault of an earlier design of this kind is shown gone.

use allocation_counter::measure;
use http::{HeaderMap, Method};
use pleach_router::{Found, Head, Route, Tree, route};

/// Asks the tree for what handles a request, with the variables that were caught.
#[track_caller]
fn found(tree: &Tree<&'static str>, method: &Method, host: &str, target: &str) -> String {
    let headers = HeaderMap::new();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let head = Head {
        method,
        scheme: "http",
        authority: Some(host),
        path,
        query,
        headers: &headers,
    };
    match tree.find(&head) {
        Found::Match(found) => {
            let values = tree.values(&found.vars, &head);
            let values: Vec<String> = values
                .iter()
                .map(|(name, value)| format!(" {name}={value}"))
                .collect();
            format!("{}{}", found.handler, values.concat())
        }
        Found::MethodNotAllowed { allow, .. } => {
            format!("405 {}", allow.header_value().to_str().expect("methods"))
        }
        Found::Options { allow, .. } => {
            format!(
                "options {}",
                allow.header_value().to_str().expect("methods")
            )
        }
        Found::BadEncoding => "400".to_owned(),
        _ => "404".to_owned(),
    }
}

#[track_caller]
fn check(tree: &Tree<&'static str>, cases: &[(&str, &str)]) {
    for (target, expected) in cases {
        assert_eq!(
            &found(tree, &Method::GET, "a.test", target),
            expected,
            "{target}"
        );
    }
}

fn build(routes: impl IntoIterator<Item = Route<&'static str>>) -> Tree<&'static str> {
    Tree::build(Route::root().children(routes)).expect("a tree without faults")
}

#[test]
fn the_first_in_sequence_wins_and_the_deepest_that_can_handle() {
    let tree = build([
        Route::new("new").path("/chat/new").get("new"),
        Route::new("game")
            .prefix("/game")
            .get("game")
            .child(Route::new("show").path("/{id}").get("show"))
            .child(Route::new("late").path("/{id}/late").get("late")),
        Route::new("chat").path("/chat/{id}").get("chat"),
        Route::new("rest").path("/{*rest}").get("rest"),
    ]);
    check(
        &tree,
        &[
            ("/chat/new", "new"),
            ("/chat/newer", "chat id=newer"),
            ("/game", "game"),
            ("/game/7", "show id=7"),
            ("/game/7/late", "late id=7"),
            // No child can: the branch handles what its prefix leaves over.
            ("/game/7/never/ever", "game"),
            ("/else/where", "rest rest=else/where"),
        ],
    );
}

#[test]
fn templates_are_anchored_and_their_literals_are_literal() {
    let tree = build([
        Route::new("dot").path("/d.t").get("dot"),
        Route::new("v").path("/v/{name}").get("v"),
        Route::new("cell").path("/cell/{cell:[0-8]}").get("cell"),
        Route::new("version")
            .path("/v{major}.{minor}")
            .get("version"),
        Route::new("json").path("/{name}.json").get("json"),
        Route::new("braces").path("/{{x}}").get("braces"),
    ]);
    check(
        &tree,
        &[
            ("/d.t", "dot"),
            ("/dXt", "404"),
            ("/v/bob", "v name=bob"),
            ("/zzz/v/bob/more", "404"),
            ("/v/bob/more", "404"),
            ("/v/", "404"),
            ("/cell/8", "cell cell=8"),
            ("/cell/9", "404"),
            ("/cell/88", "404"),
            ("/v1.2", "version major=1 minor=2"),
            ("/a.json", "json name=a"),
            ("/{x}", "braces"),
        ],
    );
}

#[test]
fn variables_are_decoded_once_and_an_escaped_slash_never_splits() {
    let tree = build([
        Route::new("one").path("/one/{id}").get("one"),
        Route::new("rest").path("/rest/{*path}").get("rest"),
    ]);
    check(
        &tree,
        &[
            ("/one/a%2Fb", "one id=a/b"),
            ("/one/a%252Fb", "one id=a%2Fb"),
            ("/one/%c3%bc", "one id=ü"),
            ("/one/%ff", "400"),
            ("/one/%", "400"),
            ("/rest/a/b%2Fc", "rest path=a/b/c"),
        ],
    );
}

#[test]
fn a_known_path_with_another_method_is_405_with_exactly_its_methods() {
    let tree = build([
        Route::new("game")
            .path("/game/{id}")
            .get("show")
            .delete("delete"),
        Route::new("move").path("/game/{id}").post("move"),
    ]);
    let ask = |method| found(&tree, &method, "a.test", "/game/7");
    assert_eq!(ask(Method::HEAD), "show id=7");
    assert_eq!(ask(Method::POST), "move id=7");
    let allow = "DELETE, GET, HEAD, OPTIONS, POST";
    let sorted = |text: String| {
        let (kind, methods) = text.split_once(' ').expect("methods");
        let mut methods: Vec<&str> = methods.split(", ").collect();
        methods.sort_unstable();
        format!("{kind} {}", methods.join(", "))
    };
    assert_eq!(sorted(ask(Method::PUT)), format!("405 {allow}"));
    assert_eq!(sorted(ask(Method::OPTIONS)), format!("options {allow}"));
}

#[test]
fn hosts_match_without_case_and_port() {
    let tree = build([Route::new("team")
        .host("{team}.a.test")
        .path("/")
        .get("team")]);
    for host in ["red.a.test", "RED.A.test:8080", "red.a.test."] {
        assert_eq!(
            found(&tree, &Method::GET, host, "/"),
            "team team=red",
            "{host}"
        );
    }
    for host in ["a.test", "x.red.a.test", "red.b.test", ""] {
        assert_eq!(found(&tree, &Method::GET, host, "/"), "404", "{host}");
    }
}

#[test]
fn what_a_failed_branch_caught_does_not_leak() {
    let tree = build([
        Route::new("a")
            .prefix("/{a}")
            .child(Route::new("x").path("/x").get("x")),
        Route::new("b").path("/{b}/y").get("y"),
    ]);
    check(&tree, &[("/1/x", "x a=1"), ("/1/y", "y b=1")]);
}

#[test]
fn a_route_without_a_matcher_is_reached() {
    let tree = build([
        Route::new("home").path("/").get("home"),
        Route::new("fallback").get("fallback"),
    ]);
    check(&tree, &[("/", "home"), ("/else", "fallback")]);
}

#[test]
fn a_url_names_what_is_wrong_with_it() {
    let tree = build([
        Route::new("game").path("/game/{id}").get("game"),
        Route::new("cell").path("/cell/{cell:[0-8]}").get("cell"),
        Route::new("team")
            .host("{team}.a.test")
            .path("/")
            .get("team"),
    ]);
    let error =
        |url: Result<String, pleach_router::UrlError>| url.expect_err("a fault").to_string();
    assert!(
        tree.url("nope")
            .relative()
            .expect_err("unknown")
            .is_unknown_route()
    );
    assert!(error(tree.url("nope").relative()).contains("nope"));
    let missing = tree.url("game").relative().expect_err("missing");
    assert!(missing.is_missing() && missing.route() == "game" && missing.variable() == Some("id"));
    assert!(
        tree.url("game")
            .var("id", 1)
            .var("x", 2)
            .relative()
            .expect_err("unknown")
            .is_unknown_variable()
    );
    assert!(
        tree.url("cell")
            .var("cell", 9)
            .relative()
            .expect_err("ill-formed")
            .is_ill_formed()
    );
    assert!(
        tree.url("game")
            .var("id", "")
            .relative()
            .expect_err("empty")
            .is_ill_formed()
    );
    for label in ["a/b", "a.b", "a b"] {
        assert!(
            tree.url("team")
                .var("team", label)
                .absolute("http://a.test")
                .is_err(),
            "{label}"
        );
    }
    assert_eq!(
        tree.url("game").var("id", "a/b").relative().expect("a URL"),
        "/game/a%2Fb"
    );
    let absolute = tree
        .url("team")
        .var("team", "red")
        .absolute("https://a.test:8443");
    assert_eq!(absolute.expect("a URL"), "https://red.a.test:8443/");
}

route! {
    /// A game of a team.
    struct Game = "/game/{id}" { id: u32 }
}

#[test]
fn a_typed_route_links_from_the_graft_that_it_is_seen_from() {
    let part = |prefix: &str| {
        Route::new("")
            .prefix(prefix)
            .child(Route::new("game").typed::<Game>().get("game"))
    };
    let tree = build([
        Route::root().graft("left", part("/l")),
        Route::root().graft("right", part("/r")),
    ]);
    for (name, url) in [("left.game", "/l/game/7"), ("right.game", "/r/game/7")] {
        let from = tree.id(name);
        assert_eq!(
            tree.link_from(from, &Game { id: 7 })
                .relative()
                .expect("a URL"),
            url
        );
        assert_eq!(
            tree.url_from(from, "game")
                .var("id", 7)
                .relative()
                .expect("a URL"),
            url
        );
    }
    assert!(
        tree.link(&Game { id: 7 }).relative().is_err(),
        "from nowhere it is either of two"
    );
}

#[test]
fn a_rejected_build_reports_all_its_faults() {
    let faults = Tree::<&str>::build(Route::root().children([
        Route::new("a").path("/{").get("a"),
        Route::new("b").path("/b/{x").get("b"),
        Route::new("all").path("/{*rest}").get("all"),
        Route::new("late").path("/late").get("late"),
        Route::new("all").path("/other").get("other"),
    ]));
    let faults = faults.map(drop).expect_err("faults").to_string();
    for part in ["`a`", "`b`", "all"] {
        assert!(faults.contains(part), "{part} in {faults}");
    }
    let unreachable = Tree::<&str>::build(Route::root().children([
        Route::new("all").path("/{*rest}").get("all"),
        Route::new("late").path("/late").get("late"),
    ]));
    let unreachable = unreachable
        .map(drop)
        .expect_err("an unreachable route")
        .to_string();
    assert!(
        unreachable.contains("all") && unreachable.contains("late"),
        "{unreachable}"
    );
}

#[test]
fn a_match_allocates_only_to_decode() {
    let tree = build([
        Route::new("plain").path("/plain/text").get("plain"),
        Route::new("post")
            .path("/user/{id}/posts/{post}")
            .get("post"),
        Route::new("cell").path("/cell/{cell:[0-8]}").get("cell"),
        Route::new("version")
            .path("/v{major}.{minor}")
            .get("version"),
        Route::new("rest").path("/rest/{*path}").get("rest"),
    ]);
    let headers = HeaderMap::new();
    let allocations = |method: &Method, path: &str| {
        let head = Head {
            method,
            scheme: "http",
            authority: Some("a.test"),
            path,
            query: Some("a=b"),
            headers: &headers,
        };
        let find = || {
            if let Found::Match(found) = tree.find(&head) {
                assert!(
                    tree.values(&found.vars, &head)
                        .iter()
                        .all(|(_, value)| !value.is_empty())
                );
            }
        };
        // The first run of a regex fills its cache.
        find();
        measure(find).count_total
    };
    for path in [
        "/plain/text",
        "/user/7/posts/42",
        "/cell/3",
        "/v1.2",
        "/rest/a/b",
        "/nope",
        "/cell/9",
    ] {
        assert_eq!(allocations(&Method::GET, path), 0, "{path}");
    }
    assert!(allocations(&Method::GET, "/user/a%2Fb/posts/1") > 0);
}
