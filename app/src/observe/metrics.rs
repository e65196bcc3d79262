//! The counters of one application, and their text for Prometheus.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::shards::Shards;

/// Upper ends of the histogram's buckets, in nanoseconds, and as Prometheus writes them in seconds.
const BUCKETS: [(u64, &str); 14] = [
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5"),
    (10_000_000_000, "10"),
];

/// The methods that are told apart; a client may send any word, so the rest are one.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The route of requests that none took.
const NO_ROUTE: &str = "(none)";

/// Requests by route, and how much of everything is open right now.
pub(crate) struct Metrics {
    routes: Box<[String]>,
    shards: Shards<Box<[Series]>>,
    gauges: Gauges,
}

/// What is counted of one route.
#[derive(Default)]
struct Series {
    requests: [[AtomicU64; CLASSES.len()]; METHODS.len()],
    /// By bucket, not yet cumulative; the last is for what took longer than all.
    durations: [AtomicU64; BUCKETS.len() + 1],
    total_nanos: AtomicU64,
}

impl Metrics {
    /// Prepares a series for each route; [`Metrics::observe`] takes its place in this order.
    pub(crate) fn new(routes: impl IntoIterator<Item = String>) -> Self {
        let mut routes: Vec<String> = routes.into_iter().collect();
        routes.push(NO_ROUTE.to_owned());
        let shards = Shards::new(|| routes.iter().map(|_| Series::default()).collect());
        Self {
            routes: routes.into(),
            shards,
            gauges: Gauges::default(),
        }
    }

    /// Returns the gauges.
    pub(crate) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Counts a request: the place of its route (none: nothing matched), and the time until its answer was ready.
    ///
    /// Allocates nothing, waits for nothing: three additions to memory that this thread keeps to itself.
    pub(crate) fn observe(
        &self,
        route: Option<usize>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let mine = self.shards.mine();
        let series = &mine.shard[route.unwrap_or(mine.shard.len() - 1)];
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BUCKETS
            .iter()
            .position(|(end, _)| nanos <= *end)
            .unwrap_or(BUCKETS.len());
        mine.add(&series.requests[place_of(method)][class_of(status)], 1);
        mine.add(&series.durations[bucket], 1);
        mine.add(&series.total_nanos, nanos);
    }

    /// Returns everything in Prometheus's text format, version 0.0.4. Routes that no request has reached are left out.
    pub(crate) fn render(&self) -> String {
        let mut text = String::with_capacity(4096);
        self.gauges.render(&mut text);
        let totals: Vec<(&str, Totals)> = self
            .routes
            .iter()
            .enumerate()
            .map(|(place, name)| (name.as_str(), self.totals(place)))
            .filter(|(_, totals)| totals.count() > 0)
            .collect();
        head(
            &mut text,
            "pleach_requests_total",
            "counter",
            "Requests answered.",
        );
        for (route, totals) in &totals {
            totals.render_requests(&mut text, route);
        }
        head(
            &mut text,
            "pleach_request_seconds",
            "histogram",
            "Time from a request's head to the head of its answer.",
        );
        for (route, totals) in &totals {
            totals.render_durations(&mut text, route);
        }
        text
    }

    fn totals(&self, place: usize) -> Totals {
        let mut totals = Totals::default();
        for series in self.shards.iter() {
            totals.add(&series[place]);
        }
        totals
    }
}

fn place_of(method: &Method) -> usize {
    METHODS
        .iter()
        .position(|name| method == name)
        .unwrap_or(METHODS.len() - 1)
}

fn class_of(status: StatusCode) -> usize {
    (usize::from(status.as_u16() / 100)).clamp(1, CLASSES.len()) - 1
}

/// The sum of all shards of a route's series.
#[derive(Default)]
struct Totals {
    requests: [[u64; CLASSES.len()]; METHODS.len()],
    durations: [u64; BUCKETS.len() + 1],
    nanos: u64,
}

impl Totals {
    fn add(&mut self, series: &Series) {
        let Series {
            requests,
            durations,
            total_nanos,
        } = series;
        for (sum, cell) in self
            .requests
            .iter_mut()
            .flatten()
            .zip(requests.iter().flatten())
        {
            *sum += cell.load(Ordering::Relaxed);
        }
        for (sum, cell) in self.durations.iter_mut().zip(durations) {
            *sum += cell.load(Ordering::Relaxed);
        }
        self.nanos = self
            .nanos
            .saturating_add(total_nanos.load(Ordering::Relaxed));
    }

    fn count(&self) -> u64 {
        self.durations.iter().sum()
    }

    fn render_requests(&self, text: &mut String, route: &str) {
        let route = Label(route);
        for (method, classes) in METHODS.iter().zip(&self.requests) {
            for (class, count) in CLASSES.iter().zip(classes).filter(|(_, count)| **count > 0) {
                line(
                    text,
                    format_args!(
                        "pleach_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{class}\"}} {count}"
                    ),
                );
            }
        }
    }

    fn render_durations(&self, text: &mut String, route: &str) {
        let route = Label(route);
        let mut below = 0;
        for ((_, end), count) in BUCKETS.iter().zip(&self.durations) {
            below += count;
            line(
                text,
                format_args!(
                    "pleach_request_seconds_bucket{{route=\"{route}\",le=\"{end}\"}} {below}"
                ),
            );
        }
        let count = self.count();
        line(
            text,
            format_args!("pleach_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}"),
        );
        line(
            text,
            format_args!(
                "pleach_request_seconds_sum{{route=\"{route}\"}} {}",
                Duration::from_nanos(self.nanos).as_secs_f64()
            ),
        );
        line(
            text,
            format_args!("pleach_request_seconds_count{{route=\"{route}\"}} {count}"),
        );
    }
}

/// How many of something there are right now. A clone counts the same thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicI64>);

impl Gauge {
    pub(crate) fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much of everything is open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    /// Open connections of clients, whatever they carry.
    pub(crate) connections: Gauge,
    /// Answers that are event streams.
    pub(crate) streams: Gauge,
    /// WebSockets.
    pub(crate) sockets: Gauge,
    /// Subscriptions to the driver's subjects.
    pub(crate) subscriptions: Gauge,
    /// Watchers of the driver's buckets.
    pub(crate) watchers: Gauge,
    /// Tasks beside the requests.
    pub(crate) tasks: Gauge,
}

impl Gauges {
    fn render(&self, text: &mut String) {
        let Self {
            connections,
            streams,
            sockets,
            subscriptions,
            watchers,
            tasks,
        } = self;
        for (name, help, gauge) in [
            (
                "pleach_connections",
                "Open connections of clients.",
                connections,
            ),
            ("pleach_streams", "Open event streams.", streams),
            ("pleach_sockets", "Open WebSockets.", sockets),
            (
                "pleach_subscriptions",
                "Open subscriptions to subjects of the driver.",
                subscriptions,
            ),
            (
                "pleach_watchers",
                "Open watchers of buckets of the driver.",
                watchers,
            ),
            ("pleach_tasks", "Tasks that run beside the requests.", tasks),
        ] {
            head(text, name, "gauge", help);
            line(text, format_args!("{name} {}", gauge.get()));
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    line(
        text,
        format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"),
    );
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes everything");
}

/// A label's value, escaped as the text format asks.
#[derive(Clone, Copy)]
struct Label<'a>(&'a str);

impl std::fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
