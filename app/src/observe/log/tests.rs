//! What a line looks like, and where it goes.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::{debug, error, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::subscriber::Lines;
use super::writer::Writer;
use super::{Filter, Format};
use crate::observe::with_request_id;
use crate::request_id::RequestIds;

const PRETTY: Format = Format::Pretty { colours: false };

/// Takes what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines that an action writes, for the thread of the test alone.
fn lines(filter: &str, format: Format, action: impl FnOnce()) -> Vec<String> {
    let sink = Sink::default();
    let (writer, flush) = Writer::start(sink.clone());
    let filter: Filter = filter.parse().expect("a filter");
    let subscriber = tracing_subscriber::registry()
        .with(filter.0)
        .with(Lines::new(format, writer));
    tracing::subscriber::with_default(subscriber, action);
    drop(flush);
    let text = sink.0.lock().expect("no panic").clone();
    String::from_utf8(text)
        .expect("UTF-8")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Returns a line without its time.
fn timeless(line: &str) -> &str {
    let (time, rest) = line.split_at("2026-01-02T03:04:05.000000Z ".len());
    assert!(
        time.ends_with("Z ") && time.as_bytes()[10] == b'T',
        "{line}"
    );
    rest
}

#[test]
fn a_pretty_line_has_level_target_message_and_fields() {
    let lines = lines("info", PRETTY, || {
        info!(open = 3, name = "Ann", ratio = 0.5, "draining");
        warn!("beware");
    });
    let target = module_path!();
    assert_eq!(
        lines.iter().map(|line| timeless(line)).collect::<Vec<_>>(),
        [
            format!(" INFO {target} draining open=3 name=Ann ratio=0.5"),
            format!(" WARN {target} beware")
        ]
    );
}

#[test]
fn a_json_line_is_an_object() {
    let lines = lines("info", Format::Json, || {
        let _outer = info_span!("job", number = 7).entered();
        error!(open = 3, is_late = true, error = %"it \"broke\"\n", "oh\nno");
    });
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert!(
        line["timestamp"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    assert_eq!(line["level"], "error");
    assert_eq!(line["target"], module_path!());
    assert_eq!(line["message"], "oh\nno");
    assert_eq!(
        line["fields"],
        serde_json::json!({"open": 3, "is_late": true, "error": "it \"broke\"\n"})
    );
    assert_eq!(
        line["spans"],
        serde_json::json!([{"name": "job", "fields": {"number": 7}}])
    );
    assert!(line.get("request_id").is_none());
}

#[test]
fn spans_are_shown_from_the_outermost_in_with_what_they_learned_later() {
    let lines = lines("info", PRETTY, || {
        let outer = info_span!("outer", user = tracing::field::Empty);
        let _in_outer = outer.enter();
        outer.record("user", "ann");
        let _inner = info_span!("inner", step = 1).entered();
        info!("here");
    });
    assert!(
        lines[0].ends_with(" here outer{user=ann} inner{step=1}"),
        "{}",
        lines[0]
    );
}

#[test]
fn every_line_of_a_request_carries_its_id_and_no_other_line_does() {
    let ids = RequestIds::new(0xabc);
    let (one, other) = (ids.next(), ids.next());
    for format in [PRETTY, Format::Json] {
        let lines = lines("info", format, || {
            let work = |name: &'static str| async move {
                info!(name, "before");
                tokio::task::yield_now().await;
                info!(name, "after");
            };
            let both = futures_util::future::join(
                with_request_id(one, work("one")),
                with_request_id(other, work("other")),
            );
            let mut both = std::pin::pin!(both);
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            while both.as_mut().poll(&mut cx).is_pending() {
                info!("between");
            }
        });
        assert_eq!(lines.len(), 5, "{lines:?}");
        for line in &lines {
            let has = |id: &dyn std::fmt::Display| line.contains(&id.to_string());
            let expected = if line.contains("between") {
                (false, false)
            } else {
                (!line.contains("other"), line.contains("other"))
            };
            assert_eq!((has(&one), has(&other)), expected, "{line}");
        }
    }
}

#[test]
fn user_text_neither_begins_a_line_nor_commands_a_terminal() {
    let hostile = "x\r\n2026-01-01T00:00:00Z ERROR forged\u{1b}[2J\u{7}\u{85}";
    for format in [PRETTY, Format::Pretty { colours: true }, Format::Json] {
        let lines = lines("info", format, || info!(name = hostile, "{hostile}"));
        assert_eq!(lines.len(), 1, "{format:?}");
        assert!(
            !lines[0].contains("\u{1b}[2J")
                && !lines[0].contains('\u{7}')
                && !lines[0].contains('\r'),
            "{:?}",
            lines[0]
        );
    }
}

#[test]
fn the_filter_is_by_level_and_target() {
    let write = || {
        debug!(target: "pleach::live", "live");
        debug!(target: "pleach::server", "server");
        info!(target: "hyper", "hyper");
    };
    assert_eq!(lines("info", PRETTY, write).len(), 1);
    assert_eq!(
        lines("info,pleach::live=debug,hyper=warn", PRETTY, write).len(),
        1
    );
    assert_eq!(lines("debug", PRETTY, write).len(), 3);
    assert_eq!(lines("off", PRETTY, write).len(), 0);
}

#[test]
fn a_bad_filter_says_what_a_good_one_looks_like() {
    let error = "info,pleach=loud"
        .parse::<Filter>()
        .expect_err("loud is no level");
    assert!(
        error.starts_with(
            "`info,pleach=loud` is not a filter such as `info` or `info,pleach::live=debug`: "
        ),
        "{error}"
    );
}

#[test]
fn a_level_that_is_off_costs_no_allocation() {
    let filter: Filter = "info".parse().expect("a filter");
    let (writer, _flush) = Writer::start(io::sink());
    let subscriber = tracing_subscriber::registry()
        .with(filter.0)
        .with(Lines::new(Format::Json, writer));
    tracing::subscriber::with_default(subscriber, || {
        let write = || debug!(name = "Ann", "{}", "never formatted".to_owned());
        write();
        assert_eq!(allocation_counter::measure(write).count_total, 0);
    });
}

/// A terminal that takes nothing until it is told to.
struct Stuck {
    open: Receiver<()>,
    is_open: bool,
    sink: Sink,
}

impl Stuck {
    fn new() -> (Self, Sender<()>, Sink) {
        let (tell, open) = channel();
        let sink = Sink::default();
        (
            Self {
                open,
                is_open: false,
                sink: sink.clone(),
            },
            tell,
            sink,
        )
    }
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_open {
            self.open.recv().map_err(io::Error::other)?;
            self.is_open = true;
        }
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_is_stuck_holds_nobody_up_and_says_how_much_was_lost() {
    let (stuck, open, sink) = Stuck::new();
    let (writer, flush) = Writer::start(stuck);
    let line = vec![b'x'; 999]
        .into_iter()
        .chain(*b"\n")
        .collect::<Vec<_>>();
    let many = 3 * super::writer::QUEUE_LINES;
    for _ in 0..many {
        writer.write(line.clone());
    }
    open.send(()).expect("it waits");
    // The flush finds room as soon as the thread has taken a line.
    drop(flush);
    drop(writer);
    let text = loop {
        let text = String::from_utf8(sink.0.lock().expect("no panic").clone()).expect("UTF-8");
        if text.contains("were lost") {
            break text;
        }
        std::thread::yield_now();
    };
    let written = text.lines().filter(|line| line.starts_with('x')).count();
    let lost: usize = text
        .lines()
        .find_map(|line| {
            line.strip_suffix(" log lines were lost: they came faster than they could be written")?
                .parse()
                .ok()
        })
        .expect("a number");
    assert_eq!(written + lost, many);
    assert!(written >= super::writer::QUEUE_LINES);
}
