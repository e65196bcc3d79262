//! What outlives a close.

use std::time::Duration;

use pleach_driver::{Operation, WatchFrom, WriteOptions};

use crate::backends::Backend;
use crate::support::{config, expect, history, value};

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
