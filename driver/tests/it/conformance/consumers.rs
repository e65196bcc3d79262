//! Work that is handed out until it is acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pleach_driver::{Consumer, ConsumerConfig, Delivery, Driver, Sequence, Stream};
use tokio::time::Instant;

use super::streams::{on, put, text};
use crate::support::{soon, stream, stream_config};

const SECOND: Duration = Duration::from_secs(1);

/// How early a time may seem to end, to a clock that was read a little after it began.
const SKEW: Duration = Duration::from_millis(50);

async fn consumer(stream: &Stream, config: ConsumerConfig) -> Consumer {
    stream.consumer(config).await.unwrap()
}

fn durable() -> ConsumerConfig {
    ConsumerConfig::durable("worker")
}

async fn next(consumer: &Consumer) -> Delivery {
    soon(consumer.next()).await.unwrap()
}

/// Expects this message, for this time.
#[track_caller]
fn check(delivery: &Delivery, payload: &str, attempt: u64) {
    assert_eq!(text(&delivery.message.payload), payload);
    assert_eq!(delivery.attempt, attempt, "{payload}");
}

async fn nothing_for(consumer: &Consumer, time: Duration) {
    if let Ok(delivery) = tokio::time::timeout(time, consumer.next()).await {
        panic!("{delivery:?}");
    }
}

pub(crate) async fn messages_are_handed_out_in_order(driver: &Driver) {
    let stream = stream(driver).await;
    put(&stream, "a", "1").await;
    let consumer = consumer(&stream, durable()).await;
    put(&stream, "b", "2").await;
    put(&stream, "a", "3").await;
    for (sequence, payload) in (1..).zip(["1", "2", "3"]) {
        let delivery = next(&consumer).await;
        check(&delivery, payload, 1);
        assert_eq!(delivery.message.sequence, Sequence(sequence));
        delivery.ack().await.unwrap();
        delivery.ack().await.unwrap();
    }
}

pub(crate) async fn one_that_waits_gets_what_comes(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable()).await;
    let waiting = {
        let consumer = consumer.clone();
        tokio::spawn(async move { next(&consumer).await })
    };
    tokio::task::yield_now().await;
    put(&stream, "a", "1").await;
    check(&soon(waiting).await.unwrap(), "1", 1);
}

pub(crate) async fn a_filter_leaves_out_the_others(driver: &Driver) {
    let stream = stream(driver).await;
    let one = durable().filter(on(&stream, "a"));
    let one = consumer(&stream, one).await;
    let pattern = ConsumerConfig::durable("pattern").filter(on(&stream, "*.x"));
    let pattern = consumer(&stream, pattern).await;
    for (token, payload) in [
        ("b", "1"),
        ("a", "2"),
        ("b.x", "3"),
        ("a", "4"),
        ("c.x", "5"),
    ] {
        put(&stream, token, payload).await;
    }
    for (consumer, payloads) in [(one, ["2", "4"]), (pattern, ["3", "5"])] {
        for payload in payloads {
            let delivery = next(&consumer).await;
            check(&delivery, payload, 1);
            delivery.ack().await.unwrap();
        }
    }
}

pub(crate) async fn each_message_goes_to_one_of_many(driver: &Driver) {
    const MESSAGES: usize = 200;
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable()).await;
    let seen = Arc::new(Mutex::new(BTreeMap::<u64, usize>::new()));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (consumer, seen) = (consumer.clone(), seen.clone());
            tokio::spawn(async move {
                loop {
                    let delivery = consumer.next().await.unwrap();
                    let sequence = delivery.message.sequence.0;
                    *seen.lock().unwrap().entry(sequence).or_default() += 1;
                    delivery.ack().await.unwrap();
                }
            })
        })
        .collect();
    for number in 0..MESSAGES {
        put(&stream, "a", &number.to_string()).await;
    }
    soon(async {
        while seen.lock().unwrap().len() < MESSAGES {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    let seen = seen.lock().unwrap();
    assert!(seen.values().all(|&times| times == 1), "{seen:?}");
}

pub(crate) async fn what_is_not_acknowledged_in_time_comes_again(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable().ack_wait(SECOND)).await;
    put(&stream, "a", "1").await;
    let begin = Instant::now();
    check(&next(&consumer).await, "1", 1);
    let again = next(&consumer).await;
    check(&again, "1", 2);
    assert!(begin.elapsed() >= SECOND - SKEW, "{:?}", begin.elapsed());
    again.ack().await.unwrap();
    nothing_for(&consumer, SECOND + SECOND / 2).await;
}

pub(crate) async fn what_failed_comes_again_after_its_delay(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable()).await;
    put(&stream, "a", "1").await;
    let delivery = next(&consumer).await;
    delivery.nak(Duration::ZERO).await.unwrap();
    let delivery = next(&consumer).await;
    check(&delivery, "1", 2);
    let begin = Instant::now();
    delivery.nak(SECOND).await.unwrap();
    put(&stream, "a", "2").await;
    let other = next(&consumer).await;
    check(&other, "2", 1);
    other.ack().await.unwrap();
    let delivery = next(&consumer).await;
    check(&delivery, "1", 3);
    assert!(begin.elapsed() >= SECOND - SKEW, "{:?}", begin.elapsed());
    delivery.ack().await.unwrap();
}

pub(crate) async fn what_can_never_succeed_does_not_come_again(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable().ack_wait(SECOND)).await;
    put(&stream, "a", "1").await;
    next(&consumer).await.term().await.unwrap();
    nothing_for(&consumer, SECOND + SECOND / 2).await;
    assert_eq!(stream.info().await.unwrap().messages, 1);
}

pub(crate) async fn work_in_progress_is_not_handed_out_again(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable().ack_wait(2 * SECOND)).await;
    put(&stream, "a", "1").await;
    let delivery = next(&consumer).await;
    for _ in 0..3 {
        nothing_for(&consumer, SECOND).await;
        delivery.in_progress().await.unwrap();
    }
    delivery.ack().await.unwrap();
    nothing_for(&consumer, 2 * SECOND + SECOND / 2).await;
}

pub(crate) async fn a_message_is_given_up_after_its_deliveries(driver: &Driver) {
    let stream = stream(driver).await;
    let config = durable().ack_wait(SECOND).max_deliveries(2);
    let consumer = consumer(&stream, config).await;
    put(&stream, "a", "1").await;
    check(&next(&consumer).await, "1", 1);
    check(&next(&consumer).await, "1", 2);
    nothing_for(&consumer, 2 * SECOND).await;
    // It stays in the stream, and holds nothing up.
    assert!(stream.last(&on(&stream, "a")).await.unwrap().is_some());
    put(&stream, "a", "2").await;
    check(&next(&consumer).await, "2", 1);
}

pub(crate) async fn no_more_are_out_than_allowed(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable().max_pending(2)).await;
    for payload in ["1", "2", "3"] {
        put(&stream, "a", payload).await;
    }
    let one = next(&consumer).await;
    let _two = next(&consumer).await;
    nothing_for(&consumer, SECOND / 2).await;
    let waiting = {
        let consumer = consumer.clone();
        tokio::spawn(async move { next(&consumer).await })
    };
    one.ack().await.unwrap();
    check(&soon(waiting).await.unwrap(), "3", 1);
}

pub(crate) async fn opened_twice_it_is_the_same_consumer(driver: &Driver) {
    let stream = stream(driver).await;
    let first = consumer(&stream, durable()).await;
    for payload in ["1", "2"] {
        put(&stream, "a", payload).await;
    }
    next(&first).await.ack().await.unwrap();
    let second = consumer(&stream, durable().max_pending(5)).await;
    check(&next(&second).await, "2", 1);
    let other = durable().filter(on(&stream, "a"));
    assert!(stream.consumer(other).await.unwrap_err().is_invalid());
}

pub(crate) async fn consumers_do_not_share_messages(driver: &Driver) {
    let stream = stream(driver).await;
    let one = consumer(&stream, durable()).await;
    let two = consumer(&stream, ConsumerConfig::durable("other")).await;
    put(&stream, "a", "1").await;
    for consumer in [one, two] {
        next(&consumer).await.ack().await.unwrap();
    }
}

pub(crate) async fn what_was_trimmed_is_not_handed_out(driver: &Driver) {
    let config = stream_config().max_messages(2);
    let stream = driver.streams().ensure(config).await.unwrap();
    let consumer = consumer(&stream, durable().ack_wait(SECOND)).await;
    put(&stream, "a", "1").await;
    let _out = next(&consumer).await;
    for payload in ["2", "3", "4"] {
        put(&stream, "a", payload).await;
    }
    for payload in ["3", "4"] {
        let delivery = next(&consumer).await;
        check(&delivery, payload, 1);
        delivery.ack().await.unwrap();
    }
    nothing_for(&consumer, SECOND + SECOND / 2).await;
}

pub(crate) async fn a_deleted_consumer_is_gone(driver: &Driver) {
    let stream = stream(driver).await;
    let worker = consumer(&stream, durable()).await;
    put(&stream, "a", "1").await;
    let _out = next(&worker).await;
    let waiting = {
        let consumer = worker.clone();
        tokio::spawn(async move { consumer.next().await })
    };
    assert!(stream.delete_consumer("worker").await.unwrap());
    assert!(!stream.delete_consumer("worker").await.unwrap());
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert!(error.is_not_found(), "{error}");
    // Made again, it begins anew.
    let worker = consumer(&stream, durable()).await;
    check(&next(&worker).await, "1", 1);
}

pub(crate) async fn bad_settings_are_refused(driver: &Driver) {
    let stream = stream(driver).await;
    for config in [
        ConsumerConfig::durable("dot.ted"),
        durable().filter("a..b"),
        durable().max_pending(0),
        durable().max_deliveries(0),
        durable().ack_wait(Duration::ZERO),
    ] {
        let error = stream.consumer(config).await.unwrap_err();
        assert!(error.is_invalid(), "{error}");
    }
}

pub(crate) async fn closing_ends_those_who_wait(driver: &Driver) {
    let stream = stream(driver).await;
    let consumer = consumer(&stream, durable()).await;
    let waiting = tokio::spawn(async move { consumer.next().await });
    tokio::task::yield_now().await;
    driver.close().await.unwrap();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert!(error.is_closed(), "{error}");
}
