//! One match with everything it caught read, beside other routers: `cargo bench -p pleach-router`.
//!
//! Every router is given the same paths and the same requests, in the same random order. Rounds are interleaved, so that whatever else the machine
//! does hits all alike; a figure is the median of all rounds. A miss is a request that no route matches: one that differs at
//! its first segment, and one that goes on too far, by turns.

#![allow(clippy::print_stdout)]

mod paths;

use std::hint::black_box;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method};
use pleach_router::{Found, Head, Route, Tree};

const ROUNDS: usize = 41;
const ROUND: Duration = Duration::from_millis(4);

/// A router that was given all paths of a set.
trait Router {
    /// Matches each request and reads what it caught; returns how many matched and how many bytes were caught.
    fn run(&self, requests: &[String]) -> (usize, usize);
}

impl Router for Tree<usize> {
    fn run(&self, requests: &[String]) -> (usize, usize) {
        let headers = HeaderMap::new();
        let (mut matched, mut bytes) = (0, 0);
        for path in requests {
            let head = Head {
                method: &Method::GET,
                scheme: "http",
                authority: None,
                path: black_box(path),
                query: None,
                headers: &headers,
            };
            if let Found::Match(found) = self.find(&head) {
                matched += usize::from(black_box(*found.handler) != usize::MAX);
                bytes += self
                    .values(&found.vars, &head)
                    .iter()
                    .map(|(name, value)| black_box((name, value)).1.len())
                    .sum::<usize>();
            }
        }
        (matched, bytes)
    }
}

impl Router for matchit::Router<usize> {
    fn run(&self, requests: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for path in requests {
            if let Ok(found) = self.at(black_box(path)) {
                matched += usize::from(black_box(*found.value) != usize::MAX);
                bytes += found
                    .params
                    .iter()
                    .map(|(name, value)| black_box((name, value)).1.len())
                    .sum::<usize>();
            }
        }
        (matched, bytes)
    }
}

impl Router for wayfind::Router<usize> {
    fn run(&self, requests: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for path in requests {
            if let Some(found) = self.search(black_box(path)) {
                matched += usize::from(black_box(*found.data()) != usize::MAX);
                bytes += found
                    .parameters()
                    .iter()
                    .map(|(name, value)| black_box((name, value)).1.len())
                    .sum::<usize>();
            }
        }
        (matched, bytes)
    }
}

impl Router for path_tree::PathTree<usize> {
    fn run(&self, requests: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for path in requests {
            if let Some((value, found)) = self.find(black_box(path)) {
                matched += usize::from(black_box(*value) != usize::MAX);
                bytes += found
                    .params_iter()
                    .map(|(name, value)| black_box((name, value)).1.len())
                    .sum::<usize>();
            }
        }
        (matched, bytes)
    }
}

const NAMES: [&str; 4] = ["pleach", "matchit", "wayfind", "path-tree"];

fn routers(paths: &[String]) -> [Box<dyn Router>; 4] {
    let routes = paths
        .iter()
        .enumerate()
        .map(|(i, path)| Route::new(format!("r{i}")).path(path).get(i));
    let ours =
        Tree::build(Route::root().children(routes)).unwrap_or_else(|errors| panic!("{errors}"));
    let mut matchit = matchit::Router::new();
    let mut wayfind = wayfind::RouterBuilder::new();
    let mut path_tree = path_tree::PathTree::new();
    for (i, path) in paths.iter().enumerate() {
        matchit.insert(path, i).expect("matchit takes the path");
        wayfind
            .insert(&path.replace('{', "<").replace('}', ">"), i)
            .expect("wayfind takes the path");
        let _ = path_tree.insert(&path.replace('{', ":").replace('}', ""), i);
    }
    [
        Box::new(ours),
        Box::new(matchit),
        Box::new(wayfind.build()),
        Box::new(path_tree),
    ]
}

/// A number generator that gives every run the same order of requests.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// Nanoseconds for one request, of each router.
fn measure(routers: &[Box<dyn Router>; 4], requests: &[String], hits: bool) -> [f64; 4] {
    let answers = routers.each_ref().map(|router| router.run(requests));
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "the routers disagree: {answers:?}"
    );
    assert_eq!(answers[0].0, if hits { requests.len() } else { 0 });
    let mut figures: [Vec<f64>; 4] = Default::default();
    for round in 0..ROUNDS {
        for turn in 0..routers.len() {
            let which = (round + turn) % routers.len();
            let (start, mut passes) = (Instant::now(), 0);
            while passes == 0 || start.elapsed() < ROUND {
                black_box(routers[which].run(requests));
                passes += 1;
            }
            figures[which]
                .push(start.elapsed().as_secs_f64() * 1e9 / (passes * requests.len()) as f64);
        }
    }
    figures.map(|mut rounds| {
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    })
}

fn main() {
    let mut sets = vec![("github", paths::GITHUB.map(str::to_owned).to_vec())];
    for count in [10, 100, 1_000, 10_000] {
        sets.push(("areas", paths::areas(count)));
        sets.push(("flat", paths::flat(count)));
    }
    println!(
        "{:<8}{:>7}{:>6}{:>9}{:>17}{:>17}{:>17}   ns, and how many times ours",
        "set", "routes", "", NAMES[0], NAMES[1], NAMES[2], NAMES[3]
    );
    let mut behind = 0;
    for (name, paths) in sets {
        let routers = routers(&paths);
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut hits: Vec<String> = paths
            .iter()
            .enumerate()
            .map(|(i, path)| paths::fill(path, i))
            .collect();
        random.shuffle(&mut hits);
        // Copied in the order in which they are sent: a request comes fresh from a socket, so reading it is not what is measured.
        let hits: Vec<String> = hits.iter().map(|path| path.as_str().to_owned()).collect();
        let miss = |(i, path): (usize, &String)| {
            if i % 2 == 0 {
                format!("/x{}", &path[1..])
            } else {
                format!("{path}/missing/page/of/it")
            }
        };
        let misses: Vec<String> = hits.iter().enumerate().map(miss).collect();
        for (kind, requests) in [("hit", &hits), ("miss", &misses)] {
            let [ours, others @ ..] = measure(&routers, requests, kind == "hit");
            behind += others.iter().filter(|other| **other < ours).count();
            let others = others.map(|other| format!("{other:>9.1} ({:>4.2})", other / ours));
            println!(
                "{name:<8}{:>7}{kind:>6}{ours:>9.1}{:>17}{:>17}{:>17}",
                paths.len(),
                others[0],
                others[1],
                others[2]
            );
        }
    }
    println!(
        "{}",
        if behind == 0 {
            "ahead on every set".to_owned()
        } else {
            format!("behind {behind} times")
        }
    );
}
