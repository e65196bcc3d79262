//! What outlives a close.

use std::time::Duration;

use pleach_driver::{
    ConsumerConfig, FollowEvent, FollowFrom, Operation, Sequence, WatchFrom, WriteOptions,
};

use super::streams::{all, message, on, put, text};
use crate::backends::Backend;
use crate::support::{config, expect, history, soon, stream_config, value};

pub(crate) async fn values_history_and_markers_stay(backend: &impl Backend) {
    let config = config().history(3);
    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config.clone()).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    let revision = bucket.put("a", "2").await.unwrap();
    bucket.put("gone", "1").await.unwrap();
    bucket.delete("gone").await.unwrap();
    let before = bucket.get("a").await.unwrap();
    driver.close().await.unwrap();

    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config).await.unwrap();
    assert_eq!(bucket.get("a").await.unwrap(), before);
    assert_eq!(before.unwrap().revision, revision);
    assert_eq!(history(&bucket, "a").await, ["a=1", "a=2"]);
    assert_eq!(history(&bucket, "gone").await, ["gone=1", "gone deleted"]);
    assert_eq!(bucket.keys(">").await.unwrap(), ["a"]);
    driver.close().await.unwrap();
}

pub(crate) async fn revisions_go_on_growing(backend: &impl Backend) {
    let config = config();
    let mut last = Default::default();
    for _ in 0..3 {
        let driver = backend.open().await;
        let bucket = driver.kv().bucket(config.clone()).await.unwrap();
        for revision in [
            bucket.put("a", "1").await.unwrap(),
            bucket.purge("a").await.unwrap(),
        ] {
            assert!(revision > last, "{revision} after {last}");
            last = revision;
        }
        driver.close().await.unwrap();
    }
}

pub(crate) async fn a_bucket_keeps_its_epoch_and_settings(backend: &impl Backend) {
    let config = config().max_value_bytes(10);
    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config.clone()).await.unwrap();
    let epoch = bucket.epoch().to_owned();
    driver.close().await.unwrap();

    let driver = backend.open().await;
    assert_eq!(driver.kv().buckets().await.unwrap(), [config.name()]);
    let bucket = driver.kv().bucket(config).await.unwrap();
    assert_eq!(bucket.epoch(), epoch);
    assert!(
        bucket
            .put("a", "longer than ten")
            .await
            .unwrap_err()
            .is_too_large()
    );
    driver.close().await.unwrap();
}

pub(crate) async fn a_watcher_resumes_over_a_restart(backend: &impl Backend) {
    let config = config();
    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config.clone()).await.unwrap();
    let seen = bucket.put("seen", "1").await.unwrap();
    bucket.put("a", "1").await.unwrap();
    bucket.put("b", "1").await.unwrap();
    bucket.delete("a").await.unwrap();
    driver.close().await.unwrap();

    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config).await.unwrap();
    let mut watch = bucket.watch(">", WatchFrom::Revision(seen)).await.unwrap();
    expect(&mut watch, &["b=1", "a deleted", "--"]).await;
    bucket.put("c", "1").await.unwrap();
    expect(&mut watch, &["c=1"]).await;
    driver.close().await.unwrap();
}

pub(crate) async fn what_expired_meanwhile_is_seen_as_expired(backend: &impl Backend) {
    let config = config();
    let lifetime = Duration::from_secs(1);
    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config.clone()).await.unwrap();
    let short = WriteOptions::new().ttl(lifetime);
    let revision = bucket.put_with("a", "1", short).await.unwrap();
    bucket.put("b", "1").await.unwrap();
    driver.close().await.unwrap();
    // The store is down, so that there is nothing to wait for but the time itself.
    tokio::time::sleep(lifetime + Duration::from_millis(100)).await;

    let driver = backend.open().await;
    let bucket = driver.kv().bucket(config).await.unwrap();
    assert_eq!(bucket.get("a").await.unwrap(), None);
    assert_eq!(value(&bucket, "b").await.as_deref(), Some("1"));
    let mut watch = bucket
        .watch("a", WatchFrom::Revision(revision))
        .await
        .unwrap();
    let mut events = vec![crate::support::next(&mut watch).await];
    events.push(crate::support::next(&mut watch).await);
    // The mark may come before the purge when the watch is sooner than the timer.
    events.sort_unstable();
    assert_eq!(events, ["--", "a purged"]);
    let entry = bucket.entry("a").await.unwrap().unwrap();
    assert_eq!(entry.operation, Operation::Purge);
    assert!(entry.revision > revision);
    driver.close().await.unwrap();
}

pub(crate) async fn messages_and_sequences_stay(backend: &impl Backend) {
    let config = stream_config().max_messages(3);
    let driver = backend.open().await;
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    for (token, payload) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "4")] {
        put(&stream, token, payload).await;
    }
    stream.delete_message(Sequence(3)).await.unwrap();
    let (epoch, info) = (stream.epoch().to_owned(), stream.info().await.unwrap());
    let last = stream.last(&on(&stream, "b")).await.unwrap();
    driver.close().await.unwrap();

    let driver = backend.open().await;
    assert_eq!(driver.streams().names().await.unwrap(), [config.name()]);
    let stream = driver.streams().ensure(config).await.unwrap();
    assert_eq!(stream.epoch(), epoch);
    assert_eq!(stream.info().await.unwrap(), info);
    assert_eq!(stream.last(&on(&stream, "b")).await.unwrap(), last);
    assert_eq!(all(&stream).await, "b=2 b=4");
    assert_eq!(put(&stream, "a", "5").await, 5);
    assert_eq!(put(&stream, "a", "6").await, 6);
    assert_eq!(all(&stream).await, "b=4 a=5 a=6");
    driver.close().await.unwrap();
}

pub(crate) async fn an_id_is_known_over_a_restart(backend: &impl Backend) {
    let config = stream_config();
    let driver = backend.open().await;
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    put(&stream, "a", "0").await;
    let publish = message(&stream, "a", "1").id("client-7");
    let first = stream.publish(publish.clone()).await.unwrap();
    driver.close().await.unwrap();

    let driver = backend.open().await;
    let stream = driver.streams().ensure(config).await.unwrap();
    let again = stream.publish(publish).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.sequence, first.sequence);
    driver.close().await.unwrap();
}

pub(crate) async fn a_follower_resumes_over_a_restart(backend: &impl Backend) {
    let config = stream_config();
    let driver = backend.open().await;
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    for payload in ["1", "2", "3"] {
        put(&stream, "a", payload).await;
    }
    driver.close().await.unwrap();

    let driver = backend.open().await;
    let stream = driver.streams().ensure(config).await.unwrap();
    let from = FollowFrom::After(Sequence(1));
    let mut follow = stream.follow(&on(&stream, "a"), from).await.unwrap();
    put(&stream, "a", "4").await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        if let FollowEvent::Message(message) = soon(follow.next()).await.unwrap().unwrap() {
            heard.push(text(&message.payload).to_owned());
        }
    }
    assert_eq!(heard, ["2", "3", "4"]);
    driver.close().await.unwrap();
}

pub(crate) async fn messages_that_grew_too_old_meanwhile_are_gone(backend: &impl Backend) {
    let lifetime = Duration::from_secs(1);
    let config = stream_config().max_age(lifetime);
    let driver = backend.open().await;
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    put(&stream, "a", "1").await;
    driver.close().await.unwrap();
    // The store is down, so that there is nothing to wait for but the time itself.
    tokio::time::sleep(lifetime + Duration::from_millis(100)).await;

    let driver = backend.open().await;
    let stream = driver.streams().ensure(config).await.unwrap();
    assert_eq!(all(&stream).await, "");
    assert_eq!(put(&stream, "a", "2").await, 2);
    driver.close().await.unwrap();
}

pub(crate) async fn what_was_out_comes_again_over_a_restart(backend: &impl Backend) {
    let config = stream_config();
    let worker = || ConsumerConfig::durable("worker").ack_wait(Duration::from_secs(1));
    let driver = backend.open().await;
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    for payload in ["1", "2", "3"] {
        put(&stream, "a", payload).await;
    }
    let consumer = stream.consumer(worker()).await.unwrap();
    soon(consumer.next()).await.unwrap().ack().await.unwrap();
    let _out = soon(consumer.next()).await.unwrap();
    driver.close().await.unwrap();

    let driver = backend.open().await;
    let stream = driver.streams().ensure(config).await.unwrap();
    let consumer = stream.consumer(worker()).await.unwrap();
    let mut handed = Vec::new();
    while handed.len() < 2 {
        let delivery = soon(consumer.next()).await.unwrap();
        handed.push((text(&delivery.message.payload).to_owned(), delivery.attempt));
        delivery.ack().await.unwrap();
    }
    handed.sort_unstable();
    assert_eq!(handed, [("2".to_owned(), 2), ("3".to_owned(), 1)]);
    driver.close().await.unwrap();
}
