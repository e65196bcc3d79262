//! What is published to a stream, how it is read, and what limits do.

use std::time::Duration;

use pleach_driver::{
    Driver, MAX_READ, MAX_VALUE_BYTES, Page, Publish, Sequence, Stream, StreamConfig,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::support::{PATIENCE, soon, stream, stream_config};

const SECOND: Duration = Duration::from_secs(1);

/// Publishes `payload` to the subject `token` of the stream.
pub(crate) async fn put(stream: &Stream, token: &str, payload: &str) -> u64 {
    let ack = stream.publish(message(stream, token, payload)).await;
    let ack = ack.unwrap();
    assert!(!ack.duplicate);
    ack.sequence.0
}

pub(crate) fn message(stream: &Stream, token: &str, payload: &str) -> Publish {
    Publish::new(on(stream, token), payload.to_owned())
}

/// The subject or filter `token` of the stream.
pub(crate) fn on(stream: &Stream, token: &str) -> String {
    format!("{}.{token}", stream.name())
}

/// A page in a line: `a=1 b=2`, with `+` behind it when there is more.
pub(crate) fn show(page: &Page) -> String {
    let mut parts: Vec<String> = page
        .messages
        .iter()
        .map(|message| {
            let (_, token) = message.subject.split_once('.').unwrap();
            format!("{token}={}", text(&message.payload))
        })
        .collect();
    parts.extend(page.has_more.then(|| "+".to_owned()));
    parts.join(" ")
}

pub(crate) fn text(payload: &[u8]) -> &str {
    str::from_utf8(payload).unwrap()
}

pub(crate) async fn all(stream: &Stream) -> String {
    show(&stream.read_after(">", Sequence::NONE, 1000).await.unwrap())
}

async fn count(stream: &Stream) -> u64 {
    stream.info().await.unwrap().messages
}

pub(crate) async fn sequences_count_from_one_over_all_subjects(driver: &Driver) {
    let stream = stream(driver).await;
    let info = stream.info().await.unwrap();
    assert_eq!((info.messages, info.bytes), (0, 0));
    assert_eq!((info.first, info.last), (Sequence(1), Sequence(0)));
    for (sequence, token) in (1..).zip(["a", "b", "a", "b.c"]) {
        assert_eq!(put(&stream, token, "x").await, sequence);
    }
    let info = stream.info().await.unwrap();
    assert_eq!((info.first, info.last), (Sequence(1), Sequence(4)));
    assert_eq!(info.messages, 4);
    assert!(info.bytes >= 4);
}

pub(crate) async fn a_message_comes_back_as_it_was_published(driver: &Driver) {
    let stream = stream(driver).await;
    let publish = message(&stream, "a", "text\r\n\u{0}ü")
        .id("client-7")
        .header("Trace-Id", "1: 2")
        .header("Empty", "");
    let ack = stream.publish(publish).await.unwrap();
    let empty = stream.publish(message(&stream, "b", "")).await.unwrap();
    let read = stream.last(&on(&stream, "a")).await.unwrap().unwrap();
    assert_eq!(read.subject, on(&stream, "a"));
    assert_eq!(read.sequence, ack.sequence);
    assert_eq!(text(&read.payload), "text\r\n\u{0}ü");
    assert_eq!(read.id.as_deref(), Some("client-7"));
    assert_eq!(read.header("trace-id"), Some("1: 2"));
    assert_eq!(read.header("empty"), Some(""));
    assert_eq!(read.header("other"), None);
    let age = read.time.elapsed().unwrap_or_default();
    assert!(age < PATIENCE, "it was stored just now, not {age:?} ago");
    let read = stream.last(&on(&stream, "b")).await.unwrap().unwrap();
    assert_eq!(read.sequence, empty.sequence);
    assert!(read.payload.is_empty() && read.id.is_none() && read.headers.is_empty());
    // And so it does by every other way.
    let page = stream.read_after(">", Sequence::NONE, 2).await.unwrap();
    assert_eq!(page.messages[0].header("Trace-Id"), Some("1: 2"));
    assert_eq!(page.messages[0].id.as_deref(), Some("client-7"));
    assert_eq!(page.messages[1], read);
}

pub(crate) async fn values_travel_as_json(driver: &Driver) {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Mail {
        to: String,
        copies: u32,
    }
    let mail = Mail {
        to: "a@b.c".into(),
        copies: 2,
    };
    let stream = stream(driver).await;
    let publish = Publish::json(on(&stream, "a"), &mail).unwrap();
    stream.publish(publish).await.unwrap();
    let read = stream.last(&on(&stream, "a")).await.unwrap().unwrap();
    assert_eq!(read.json::<Mail>().unwrap(), mail);
    assert!(read.json::<u32>().unwrap_err().is_invalid());
}

pub(crate) async fn a_subject_that_is_not_the_stream_s_is_refused(driver: &Driver) {
    let stream = stream(driver).await;
    for subject in ["elsewhere", stream.name(), "a b", "", ">"] {
        let error = stream.publish(Publish::new(subject, "x")).await;
        assert!(error.unwrap_err().is_invalid(), "{subject:?}");
    }
    assert_eq!(count(&stream).await, 0);
}

pub(crate) async fn the_largest_message_is_taken_and_a_larger_one_refused(driver: &Driver) {
    let stream = stream(driver).await;
    let publish = |bytes| {
        let publish = Publish::new(on(&stream, "a"), vec![b'x'; bytes]);
        publish
            .id("x".repeat(256))
            .header("Trace", "y".repeat(1000))
    };
    stream.publish(publish(MAX_VALUE_BYTES)).await.unwrap();
    let read = stream.last(&on(&stream, "a")).await.unwrap().unwrap();
    assert_eq!(read.payload.len(), MAX_VALUE_BYTES);
    let error = stream.publish(publish(MAX_VALUE_BYTES + 1)).await;
    assert!(error.unwrap_err().is_too_large());
}

pub(crate) async fn an_id_within_the_window_is_a_duplicate(driver: &Driver) {
    let stream = stream(driver).await;
    put(&stream, "a", "0").await;
    let publish = |token, payload| message(&stream, token, payload).id("client-7");
    let first = stream.publish(publish("a", "1")).await.unwrap();
    assert!(!first.duplicate);
    for (token, payload) in [("a", "1"), ("a", "2"), ("b", "1")] {
        let again = stream.publish(publish(token, payload)).await.unwrap();
        assert!(again.duplicate);
        assert_eq!(again.sequence, first.sequence);
    }
    assert_eq!(all(&stream).await, "a=0 a=1");
    let other = stream
        .publish(message(&stream, "a", "1").id("client-8"))
        .await;
    assert!(!other.unwrap().duplicate);
}

pub(crate) async fn an_id_is_known_also_when_its_message_has_gone(driver: &Driver) {
    let config = stream_config().max_messages(1);
    let stream = driver.streams().ensure(config).await.unwrap();
    let publish = message(&stream, "a", "1").id("client-7");
    let first = stream.publish(publish.clone()).await.unwrap();
    put(&stream, "a", "2").await;
    let again = stream.publish(publish).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.sequence, first.sequence);
    assert_eq!(all(&stream).await, "a=2");
}

pub(crate) async fn an_id_is_forgotten_after_the_window(driver: &Driver) {
    let config = stream_config().duplicate_window(SECOND);
    let stream = driver.streams().ensure(config).await.unwrap();
    let publish = message(&stream, "a", "1").id("client-7");
    let begin = Instant::now();
    let first = stream.publish(publish.clone()).await.unwrap();
    let again = soon(async {
        loop {
            let again = stream.publish(publish.clone()).await.unwrap();
            if !again.duplicate {
                return again;
            }
            assert_eq!(again.sequence, first.sequence);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(begin.elapsed() >= SECOND - Duration::from_millis(50));
    assert!(again.sequence > first.sequence);
}

pub(crate) async fn fifty_clients_repeat_one_message_and_one_is_stored(driver: &Driver) {
    let stream = stream(driver).await;
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let stream = stream.clone();
            let publish = message(&stream, "a", "1").id("client-7");
            tokio::spawn(async move { stream.publish(publish).await.unwrap() })
        })
        .collect();
    let mut stored = 0;
    for client in clients {
        let ack = soon(client).await.unwrap();
        assert_eq!(ack.sequence, Sequence(1));
        stored += usize::from(!ack.duplicate);
    }
    assert_eq!(stored, 1);
    assert_eq!(count(&stream).await, 1);
}

pub(crate) async fn what_is_expected_of_the_stream_must_hold(driver: &Driver) {
    let stream = stream(driver).await;
    let publish = |expected| message(&stream, "a", "x").expect_last(Sequence(expected));
    stream.publish(publish(0)).await.unwrap();
    let error = stream.publish(publish(0)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.actual_sequence(), Some(Sequence(1)));
    put(&stream, "b", "x").await;
    assert!(stream.publish(publish(1)).await.unwrap_err().is_conflict());
    stream.publish(publish(2)).await.unwrap();
    assert_eq!(count(&stream).await, 3);
}

pub(crate) async fn what_is_expected_of_the_subject_must_hold(driver: &Driver) {
    let stream = stream(driver).await;
    let publish = |expected| message(&stream, "a", "x").expect_last_of_subject(Sequence(expected));
    stream.publish(publish(0)).await.unwrap();
    put(&stream, "b", "x").await;
    let error = stream.publish(publish(0)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.actual_sequence(), Some(Sequence(1)));
    let ack = stream.publish(publish(1)).await.unwrap();
    assert_eq!(ack.sequence, Sequence(3));
    stream.purge(&on(&stream, "a")).await.unwrap();
    stream.publish(publish(0)).await.unwrap();
}

pub(crate) async fn a_duplicate_is_one_whatever_it_expects(driver: &Driver) {
    let stream = stream(driver).await;
    let publish = message(&stream, "a", "x")
        .id("once")
        .expect_last_of_subject(Sequence::NONE);
    let first = stream.publish(publish.clone()).await.unwrap();
    let again = stream.publish(publish).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.sequence, first.sequence);
}

pub(crate) async fn no_message_is_lost_among_fifty_clients_that_expect(driver: &Driver) {
    const CLIENTS: usize = 50;
    let stream = stream(driver).await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let stream = stream.clone();
            tokio::spawn(async move {
                let mut last = Sequence::NONE;
                loop {
                    let publish = message(&stream, "a", &number.to_string());
                    match stream.publish(publish.expect_last_of_subject(last)).await {
                        Ok(_) => return,
                        Err(error) => last = error.actual_sequence().expect("a conflict"),
                    }
                }
            })
        })
        .collect();
    for client in clients {
        soon(client).await.unwrap();
    }
    let page = stream.replay(&on(&stream, "a"), 100).await.unwrap();
    let mut seen: Vec<usize> = page
        .messages
        .iter()
        .map(|message| text(&message.payload).parse().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..CLIENTS).collect::<Vec<_>>());
}

pub(crate) async fn the_last_of_a_subject_is_found(driver: &Driver) {
    let stream = stream(driver).await;
    assert_eq!(stream.last(&on(&stream, "a")).await.unwrap(), None);
    for (token, payload) in [("a", "1"), ("b", "2"), ("a", "3"), ("a.b", "4")] {
        put(&stream, token, payload).await;
    }
    let last = stream.last(&on(&stream, "a")).await.unwrap().unwrap();
    assert_eq!((last.sequence, text(&last.payload)), (Sequence(3), "3"));
    assert!(
        stream
            .last(&on(&stream, "*"))
            .await
            .unwrap_err()
            .is_invalid()
    );
}

pub(crate) async fn replay_returns_the_last_of_a_filter_oldest_first(driver: &Driver) {
    let stream = stream(driver).await;
    let empty = stream.replay(&on(&stream, "a"), 3).await.unwrap();
    assert_eq!((show(&empty).as_str(), empty.last), ("", Sequence(0)));
    for number in 1..=9 {
        put(&stream, ["a", "b", "a.x"][number % 3], &number.to_string()).await;
    }
    for (filter, most, expected) in [
        ("a", 2, "a=6 a=9 +"),
        ("a", 3, "a=3 a=6 a=9"),
        ("a", 50, "a=3 a=6 a=9"),
        ("*", 3, "a=6 b=7 a=9 +"),
        (">", 3, "b=7 a.x=8 a=9 +"),
        ("a.>", 1, "a.x=8 +"),
        ("*.x", 2, "a.x=5 a.x=8 +"),
        ("none", 5, ""),
    ] {
        let filter = on(&stream, filter);
        let page = stream.replay(&filter, most).await.unwrap();
        assert_eq!(show(&page), expected, "{filter} {most}");
        assert_eq!((page.first, page.last), (Sequence(1), Sequence(9)));
    }
}

pub(crate) async fn pages_walk_both_ways_without_gap_or_repeat(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 1..=25 {
        put(&stream, ["a", "b"][number % 2], &number.to_string()).await;
    }
    for filter in ["b", "*", ">"] {
        let filter = on(&stream, filter);
        let whole = stream.read_after(&filter, Sequence::NONE, 1000).await;
        let whole = whole.unwrap().messages;
        let (mut forward, mut after) = (Vec::new(), Sequence::NONE);
        loop {
            let page = stream.read_after(&filter, after, 4).await.unwrap();
            assert!(page.messages.len() == 4 || !page.has_more);
            after = page.messages.last().map_or(after, |last| last.sequence);
            forward.extend(page.messages);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(forward, whole, "{filter}");
        let mut backward = stream.replay(&filter, 4).await.unwrap();
        while backward.has_more {
            let before = backward.messages[0].sequence;
            let page = stream.read_before(&filter, before, 4).await.unwrap();
            backward.has_more = page.has_more;
            backward.messages.splice(0..0, page.messages);
        }
        assert_eq!(backward.messages, whole, "{filter}");
    }
}

pub(crate) async fn a_few_among_many_others_are_found(driver: &Driver) {
    const OTHERS: usize = 6000;
    let stream = stream(driver).await;
    for number in 0..3 {
        put(&stream, &format!("rare.{number}"), &number.to_string()).await;
    }
    let writers: Vec<_> = (0..64)
        .map(|writer| {
            let stream = stream.clone();
            tokio::spawn(async move {
                for _ in (writer..OTHERS).step_by(64) {
                    put(&stream, "common", "x").await;
                }
            })
        })
        .collect();
    for writer in writers {
        soon(writer).await.unwrap();
    }
    put(&stream, "rare.3", "3").await;
    let filter = on(&stream, "rare.*");
    let page = stream.replay(&filter, 3).await.unwrap();
    assert_eq!(show(&page), "rare.1=1 rare.2=2 rare.3=3 +");
    let page = stream.read_after(&filter, Sequence(1), 2).await.unwrap();
    assert_eq!(show(&page), "rare.1=1 rare.2=2 +");
    let page = stream.read_after(&filter, Sequence(2), 5).await.unwrap();
    assert_eq!(show(&page), "rare.2=2 rare.3=3");
    let page = stream
        .read_before(&filter, Sequence(6000), 5)
        .await
        .unwrap();
    assert_eq!(show(&page), "rare.0=0 rare.1=1 rare.2=2");
}

pub(crate) async fn a_page_of_large_messages_ends_sooner(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 0..20 {
        let payload = format!("{number};").repeat(MAX_VALUE_BYTES / 8);
        stream
            .publish(message(&stream, "a", &payload))
            .await
            .unwrap();
    }
    for filter in ["a", ">"] {
        let (mut read, mut after) = (0, Sequence::NONE);
        loop {
            let page = stream.read_after(&on(&stream, filter), after, 1000).await;
            let page = page.unwrap();
            for message in &page.messages {
                assert_eq!(message.sequence, Sequence(read + 1));
                read += 1;
            }
            after = Sequence(read);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(read, 20, "{filter}");
    }
}

pub(crate) async fn a_read_of_nothing_or_of_too_much_is_refused(driver: &Driver) {
    let stream = stream(driver).await;
    for most in [0, MAX_READ + 1] {
        assert!(stream.replay(">", most).await.unwrap_err().is_invalid());
    }
    assert!(stream.replay("a..b", 1).await.unwrap_err().is_invalid());
    stream.replay(">", MAX_READ).await.unwrap();
}

pub(crate) async fn the_oldest_go_when_there_are_too_many(driver: &Driver) {
    let config = stream_config().max_messages(3);
    let stream = driver.streams().ensure(config).await.unwrap();
    for number in 1..=7 {
        put(&stream, ["a", "b"][number % 2], &number.to_string()).await;
    }
    assert_eq!(all(&stream).await, "b=5 a=6 b=7");
    let info = stream.info().await.unwrap();
    assert_eq!((info.messages, info.first), (3, Sequence(5)));
    assert_eq!(info.last, Sequence(7));
}

pub(crate) async fn the_oldest_of_a_subject_go_when_it_has_too_many(driver: &Driver) {
    let config = stream_config().max_per_subject(2);
    let stream = driver.streams().ensure(config).await.unwrap();
    put(&stream, "quiet", "0").await;
    for number in 1..=4 {
        put(&stream, "a", &number.to_string()).await;
        put(&stream, "b", &number.to_string()).await;
    }
    assert_eq!(all(&stream).await, "quiet=0 a=3 b=3 a=4 b=4");
    let page = stream.replay(&on(&stream, "a"), 5).await.unwrap();
    assert_eq!(show(&page), "a=3 a=4");
    assert_eq!(count(&stream).await, 5);
}

pub(crate) async fn the_oldest_go_when_they_take_too_many_bytes(driver: &Driver) {
    let config = stream_config().max_bytes(10_000);
    let stream = driver.streams().ensure(config).await.unwrap();
    for number in 0..50 {
        let payload = format!("{number}:{}", "x".repeat(900));
        put(&stream, "a", &payload).await;
    }
    let info = stream.info().await.unwrap();
    assert!(info.bytes <= 10_000, "{info:?}");
    assert!((8..=11).contains(&info.messages), "{info:?}");
    let last = stream.last(&on(&stream, "a")).await.unwrap().unwrap();
    assert!(text(&last.payload).starts_with("49:"));
}

pub(crate) async fn what_is_too_old_goes(driver: &Driver) {
    let config = stream_config().max_age(SECOND);
    let stream = driver.streams().ensure(config).await.unwrap();
    put(&stream, "a", "1").await;
    put(&stream, "b", "2").await;
    assert_eq!(all(&stream).await, "a=1 b=2");
    soon(async {
        while count(&stream).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(all(&stream).await, "");
    assert_eq!(stream.last(&on(&stream, "a")).await.unwrap(), None);
    let info = stream.info().await.unwrap();
    assert_eq!((info.first, info.last), (Sequence(3), Sequence(2)));
    assert_eq!(put(&stream, "a", "3").await, 3);
}

pub(crate) async fn new_limits_trim_what_is_there(driver: &Driver) {
    let config = stream_config();
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    for number in 1..=6 {
        put(&stream, ["a", "b"][number % 2], &number.to_string()).await;
    }
    let streams = driver.streams();
    streams
        .ensure(config.clone().max_per_subject(2))
        .await
        .unwrap();
    assert_eq!(all(&stream).await, "b=3 a=4 b=5 a=6");
    streams
        .ensure(config.clone().max_messages(3))
        .await
        .unwrap();
    assert_eq!(all(&stream).await, "a=4 b=5 a=6");
    // A limit that was lifted is.
    streams.ensure(config).await.unwrap();
    for number in 7..=9 {
        put(&stream, "b", &number.to_string()).await;
    }
    assert_eq!(all(&stream).await, "a=4 b=5 a=6 b=7 b=8 b=9");
}

pub(crate) async fn a_page_after_what_was_trimmed_is_too_old(driver: &Driver) {
    let config = stream_config().max_messages(3);
    let stream = driver.streams().ensure(config).await.unwrap();
    for number in 1..=9 {
        put(&stream, "a", &number.to_string()).await;
    }
    for filter in [">", "a"] {
        let filter = if filter == "a" {
            on(&stream, "a")
        } else {
            filter.to_owned()
        };
        for (after, expected) in [(6, "a=7 a=8 a=9"), (8, "a=9"), (9, ""), (0, "a=7 a=8 a=9")] {
            let page = stream
                .read_after(&filter, Sequence(after), 5)
                .await
                .unwrap();
            assert_eq!(show(&page), expected, "{filter} after {after}");
        }
        for after in [1, 5, 10] {
            let page = stream.read_after(&filter, Sequence(after), 5).await;
            assert!(page.unwrap_err().is_too_old(), "{filter} after {after}");
        }
        // Backwards there is nothing to be missed.
        let page = stream.read_before(&filter, Sequence(8), 5).await.unwrap();
        assert_eq!(show(&page), "a=7");
        let page = stream.read_before(&filter, Sequence(2), 5).await.unwrap();
        assert_eq!(show(&page), "");
    }
}

pub(crate) async fn purge_removes_what_it_matches(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 1..=6 {
        put(&stream, ["a", "b", "c.d"][number % 3], &number.to_string()).await;
    }
    assert_eq!(stream.purge(&on(&stream, "none")).await.unwrap(), 0);
    assert_eq!(stream.purge(&on(&stream, "b")).await.unwrap(), 2);
    assert_eq!(all(&stream).await, "c.d=2 a=3 c.d=5 a=6");
    assert_eq!(stream.purge(&on(&stream, "c.*")).await.unwrap(), 2);
    assert_eq!(all(&stream).await, "a=3 a=6");
    assert_eq!(stream.purge(">").await.unwrap(), 2);
    let info = stream.info().await.unwrap();
    assert_eq!(
        (info.messages, info.first, info.last),
        (0, Sequence(7), Sequence(6))
    );
    assert_eq!(put(&stream, "a", "7").await, 7);
}

pub(crate) async fn one_message_is_deleted(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 1..=4 {
        put(&stream, "a", &number.to_string()).await;
    }
    for (sequence, expected) in [(2, true), (2, false), (4, true), (9, false), (0, false)] {
        let deleted = stream.delete_message(Sequence(sequence)).await.unwrap();
        assert_eq!(deleted, expected, "{sequence}");
    }
    assert_eq!(all(&stream).await, "a=1 a=3");
    let last = stream.last(&on(&stream, "a")).await.unwrap().unwrap();
    assert_eq!(last.sequence, Sequence(3));
    assert_eq!(put(&stream, "a", "5").await, 5);
}

pub(crate) async fn ensured_twice_it_is_the_same_stream(driver: &Driver) {
    let config = stream_config();
    let one = driver.streams().ensure(config.clone()).await.unwrap();
    put(&one, "a", "1").await;
    let wider = [
        format!("{}.>", config.name()),
        format!("{}-more", config.name()),
    ];
    let config = config.subjects(wider.clone());
    let two = driver.streams().ensure(config).await.unwrap();
    assert_eq!(one.epoch(), two.epoch());
    assert_eq!(all(&two).await, "a=1");
    // What the settings now allow, both handles do.
    one.publish(Publish::new(wider[1].as_str(), "2"))
        .await
        .unwrap();
    assert_eq!(count(&two).await, 2);
}

pub(crate) async fn no_subject_belongs_to_two_streams(driver: &Driver) {
    let one = stream(driver).await;
    let config = stream_config().subjects([on(&one, "a.*")]);
    let error = driver.streams().ensure(config).await.unwrap_err();
    assert!(error.is_invalid(), "{error}");
    let names = driver.streams().names().await.unwrap();
    assert!(names.iter().any(|name| name == one.name()));
}

pub(crate) async fn a_deleted_stream_is_gone(driver: &Driver) {
    let config = stream_config();
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    let publish = message(&stream, "a", "1").id("client-7");
    stream.publish(publish.clone()).await.unwrap();
    let epoch = stream.epoch().to_owned();
    let streams = driver.streams();
    assert!(streams.delete(config.name()).await.unwrap());
    assert!(!streams.delete(config.name()).await.unwrap());
    let error = stream.publish(publish.clone()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(
        stream
            .last(&on(&stream, "a"))
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(stream.replay(">", 1).await.unwrap_err().is_not_found());
    let names = streams.names().await.unwrap();
    assert!(!names.iter().any(|name| name == config.name()));

    let stream = streams.ensure(config).await.unwrap();
    assert_ne!(stream.epoch(), epoch);
    assert_eq!(all(&stream).await, "");
    let ack = stream.publish(publish).await.unwrap();
    assert!(!ack.duplicate);
    assert_eq!(ack.sequence, Sequence(1));
}

pub(crate) async fn bad_settings_are_refused(driver: &Driver) {
    for config in [
        StreamConfig::new("dot.ted"),
        StreamConfig::new("KV_games"),
        stream_config().subjects(["a..b"]),
        stream_config().max_messages(0),
    ] {
        let error = driver.streams().ensure(config).await.unwrap_err();
        assert!(error.is_invalid(), "{error}");
    }
}

pub(crate) async fn a_dropped_publish_is_made_whole_or_not_at_all(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 0..50_u64 {
        let publish = message(&stream, "a", &number.to_string()).id(format!("id-{number}"));
        // Dropped at once, or a little later.
        let limit = Duration::from_micros(number * 20);
        let _ = tokio::time::timeout(limit, stream.publish(publish.clone())).await;
        stream.publish(publish).await.unwrap();
    }
    let page = stream.replay(&on(&stream, "a"), 100).await.unwrap();
    let found: Vec<_> = page.messages.iter().map(|m| text(&m.payload)).collect();
    let expected: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    assert_eq!(found, expected);
}

pub(crate) async fn a_closed_driver_says_so(driver: &Driver) {
    let stream = stream(driver).await;
    driver.close().await.unwrap();
    let publish = message(&stream, "a", "1");
    assert!(stream.publish(publish).await.unwrap_err().is_closed());
    assert!(stream.replay(">", 1).await.unwrap_err().is_closed());
    assert!(stream.info().await.unwrap_err().is_closed());
    let error = driver.streams().ensure(stream_config()).await.unwrap_err();
    assert!(error.is_closed());
}
