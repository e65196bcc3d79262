//! The text is read back by a parser that is stricter than Prometheus.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use http::{Method, StatusCode};

use super::{BUCKETS, Metrics};

/// A sample: name, labels in order, value.
type Sample = (String, Vec<(String, String)>, f64);

/// Reads the text format 0.0.4.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/. It insists on a HELP and a TYPE before each family, on families
/// that are not torn apart, on sums that follow their buckets, and on a line feed at the end.
struct Exposition {
    types: HashMap<String, String>,
    samples: Vec<Sample>,
}

impl Exposition {
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut types = HashMap::new();
        let mut helps = HashSet::new();
        let mut samples = Vec::new();
        let mut family = String::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("a name and a help");
                assert!(is_name(name) && !words.is_empty(), "{line}");
                assert!(helps.insert(name.to_owned()), "a second HELP: {line}");
                name.clone_into(&mut family);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a type");
                assert!(
                    name == family && matches!(kind, "counter" | "gauge" | "histogram"),
                    "{line}"
                );
                assert!(
                    types.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "a second TYPE: {line}"
                );
            } else {
                let sample = parse_sample(line);
                let kind = types
                    .get(&family)
                    .unwrap_or_else(|| panic!("a sample before its TYPE: {line}"));
                let of_family = match kind.as_str() {
                    "histogram" => ["_bucket", "_sum", "_count"]
                        .iter()
                        .any(|end| sample.0 == format!("{family}{end}")),
                    _ => sample.0 == family,
                };
                assert!(of_family, "{line} in the family {family}");
                samples.push(sample);
            }
        }
        let distinct: HashSet<_> = samples
            .iter()
            .map(|(name, labels, _)| (name, labels))
            .collect();
        assert_eq!(distinct.len(), samples.len(), "a sample comes twice");
        let parsed = Self { types, samples };
        parsed.check_histograms();
        parsed
    }

    /// Buckets never fall, end with `+Inf`, and that is the count.
    fn check_histograms(&self) {
        for family in self
            .types
            .iter()
            .filter(|(_, kind)| *kind == "histogram")
            .map(|(name, _)| name)
        {
            let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for (name, labels, value) in &self.samples {
                if *name == format!("{family}_bucket") {
                    let (le, rest): (Vec<_>, Vec<_>) =
                        labels.iter().partition(|(label, _)| label == "le");
                    let end = if le[0].1 == "+Inf" {
                        f64::INFINITY
                    } else {
                        le[0].1.parse().expect("a number")
                    };
                    buckets
                        .entry(format!("{rest:?}"))
                        .or_default()
                        .push((end, *value));
                }
            }
            for (labels, buckets) in buckets {
                assert!(
                    buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                    "{labels}: {buckets:?}"
                );
                let (last, count) = buckets[buckets.len() - 1];
                assert!(last.is_infinite());
                let counts = self.samples.iter().filter(|(name, rest, _)| {
                    *name == format!("{family}_count")
                        && format!("{:?}", rest.iter().collect::<Vec<_>>()) == labels
                });
                assert_eq!(
                    counts.map(|(_, _, value)| *value).collect::<Vec<_>>(),
                    [count],
                    "{labels}"
                );
            }
        }
    }

    #[track_caller]
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<(String, String)> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let found = self
            .samples
            .iter()
            .find(|(known, labels, _)| known == name && *labels == wanted);
        found
            .unwrap_or_else(|| panic!("no sample {name} {labels:?}"))
            .2
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().enumerate().all(|(place, byte)| {
            byte == b'_'
                || byte == b':'
                || byte.is_ascii_alphabetic()
                || place > 0 && byte.is_ascii_digit()
        })
}

fn parse_sample(line: &str) -> Sample {
    let (name, mut rest) = line.split_at(line.find(['{', ' ']).expect("a value"));
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let (value, after) = parse_label_value(after);
            labels.push((label.to_owned(), value));
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = after.strip_prefix('}').expect("the end of the labels");
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    (
        name.to_owned(),
        labels,
        value
            .parse()
            .unwrap_or_else(|_| panic!("not a number: {line}")),
    )
}

fn parse_label_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().expect("something escaped").1 {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                other => panic!("an unknown escape: {other}"),
            }),
            other => value.push(other),
        }
    }
    panic!("a label's value does not end: {text}");
}

const HOSTILE: &str = "a\"b\\c\nd{e=\"f\"} 1";

fn metrics() -> Metrics {
    Metrics::new(["game.show", HOSTILE, "unused"].map(str::to_owned))
}

#[test]
fn the_text_is_what_prometheus_reads() {
    let metrics = metrics();
    metrics.observe(
        Some(0),
        &Method::GET,
        StatusCode::OK,
        Duration::from_micros(300),
    );
    metrics.observe(
        Some(0),
        &Method::GET,
        StatusCode::NO_CONTENT,
        Duration::from_millis(3),
    );
    metrics.observe(
        Some(0),
        &Method::from_bytes(b"BREW").expect("a method"),
        StatusCode::IM_A_TEAPOT,
        Duration::from_secs(60),
    );
    metrics.observe(
        Some(1),
        &Method::POST,
        StatusCode::SEE_OTHER,
        Duration::ZERO,
    );
    metrics.observe(
        None,
        &Method::GET,
        StatusCode::NOT_FOUND,
        Duration::from_micros(10),
    );
    metrics.gauges().streams.add(7);
    let text = Exposition::parse(&metrics.render());

    let requests = |route, method, status| {
        text.value(
            "pleach_requests_total",
            &[("route", route), ("method", method), ("status", status)],
        )
    };
    assert_eq!(requests("game.show", "GET", "2xx"), 2.0);
    assert_eq!(requests("game.show", "other", "4xx"), 1.0);
    assert_eq!(requests(HOSTILE, "POST", "3xx"), 1.0);
    assert_eq!(requests("(none)", "GET", "4xx"), 1.0);

    let below = |end| {
        text.value(
            "pleach_request_seconds_bucket",
            &[("route", "game.show"), ("le", end)],
        )
    };
    assert_eq!(
        [
            below("0.0005"),
            below("0.0025"),
            below("0.005"),
            below("10"),
            below("+Inf")
        ],
        [1.0, 1.0, 2.0, 2.0, 3.0]
    );
    assert!(
        (text.value("pleach_request_seconds_sum", &[("route", "game.show")]) - 60.0033).abs()
            < 1e-9
    );
    assert_eq!(text.value("pleach_streams", &[]), 7.0);
}

#[test]
fn all_gauges_of_the_contract_are_there_from_the_start() {
    let text = Exposition::parse(&metrics().render());
    for name in [
        "pleach_connections",
        "pleach_streams",
        "pleach_sockets",
        "pleach_subscriptions",
        "pleach_watchers",
        "pleach_tasks",
    ] {
        assert_eq!(text.value(name, &[]), 0.0);
        assert_eq!(text.types[name], "gauge");
    }
}

#[test]
fn a_time_at_the_end_of_a_bucket_is_in_it() {
    for (place, (end, _)) in BUCKETS.iter().enumerate() {
        let metrics = metrics();
        metrics.observe(
            Some(0),
            &Method::GET,
            StatusCode::OK,
            Duration::from_nanos(*end),
        );
        metrics.observe(
            Some(0),
            &Method::GET,
            StatusCode::OK,
            Duration::from_nanos(end + 1),
        );
        let totals = metrics.totals(0);
        assert_eq!(
            (totals.durations[place], totals.durations[place + 1]),
            (1, 1),
            "{end}"
        );
    }
}

#[test]
fn buckets_are_written_as_their_nanoseconds_are_compared() {
    for (nanos, text) in BUCKETS {
        assert_eq!(
            Duration::from_secs_f64(text.parse().expect("a number")),
            Duration::from_nanos(nanos)
        );
    }
}

#[test]
fn requests_of_many_threads_are_all_counted() {
    let metrics = metrics();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    metrics.observe(
                        Some(0),
                        &Method::GET,
                        StatusCode::OK,
                        Duration::from_nanos(1),
                    );
                }
            });
        }
    });
    let text = Exposition::parse(&metrics.render());
    assert_eq!(
        text.value("pleach_request_seconds_count", &[("route", "game.show")]),
        80_000.0
    );
}

#[test]
fn counting_a_request_allocates_nothing() {
    let metrics = metrics();
    let observe = || {
        metrics.observe(
            Some(0),
            &Method::GET,
            StatusCode::OK,
            Duration::from_micros(300),
        )
    };
    // The first of a thread finds out which copy is its own.
    observe();
    assert_eq!(allocation_counter::measure(observe).count_total, 0);
}
