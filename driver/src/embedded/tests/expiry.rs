//! Lifetimes by a clock that goes as the test wants.

use std::time::Duration;

use super::disk::FakeDisk;
use super::{FakeClock, open, open_memory};
use crate::kv::{Bucket, BucketConfig, Kv, Operation, WatchEvent, WatchFrom, WriteOptions};

const SECOND: Duration = Duration::from_secs(1);

fn config() -> BucketConfig {
    BucketConfig::new("b").history(3)
}

/// Opens the bucket, at which the writer looks at its timers.
async fn sweep(kv: &Kv) -> Bucket {
    kv.bucket(config()).await.unwrap()
}

fn living(lifetime: Duration) -> WriteOptions {
    WriteOptions::new().ttl(lifetime)
}

/// What a watch yields up to its mark: keys and what happened to them.
async fn missed(bucket: &Bucket, from: WatchFrom) -> Vec<(String, Operation)> {
    let mut watch = bucket.watch(">", from).await.unwrap();
    let mut missed = Vec::new();
    while let WatchEvent::Entry(entry) = watch.next().await.unwrap().unwrap() {
        missed.push((entry.key.clone(), entry.operation));
    }
    missed
}

#[tokio::test]
async fn what_has_expired_is_not_read_even_before_the_timer_goes_off() {
    let clock = FakeClock::new();
    let kv = open_memory(&clock);
    let bucket = sweep(&kv).await;
    let revision = bucket.put_with("a", "1", living(SECOND)).await.unwrap();
    clock.advance(SECOND);
    assert_eq!(bucket.get("a").await.unwrap(), None);
    assert!(bucket.keys(">").await.unwrap().is_empty());
    assert!(bucket.scan(">").await.unwrap().is_empty());
    // A guarded write finds the purge that is due.
    let error = bucket.update("a", revision, "2").await.unwrap_err();
    assert!(
        error.is_conflict() && error.actual() > Some(revision),
        "{error}"
    );
    bucket.create("a", "2").await.unwrap();
}

#[tokio::test]
async fn what_expired_while_the_store_was_down_is_purged_when_it_opens() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let bucket = sweep(&kv).await;
    bucket.put("stays", "1").await.unwrap();
    bucket
        .put_with("late", "1", living(20 * SECOND))
        .await
        .unwrap();
    let seen = bucket
        .put_with("soon", "1", living(10 * SECOND))
        .await
        .unwrap();
    kv.close().await.unwrap();

    clock.advance(10 * SECOND);
    let kv = open(&disk, &clock).unwrap();
    let bucket = sweep(&kv).await;
    let after = WatchFrom::Revision(seen);
    assert_eq!(
        missed(&bucket, after).await,
        [("soon".to_owned(), Operation::Purge)]
    );
    clock.advance(10 * SECOND);
    let bucket = sweep(&kv).await;
    let purged = |key: &str| (key.to_owned(), Operation::Purge);
    assert_eq!(
        missed(&bucket, after).await,
        [purged("soon"), purged("late")]
    );
}

#[tokio::test]
async fn markers_go_in_time_and_then_nobody_resumes_from_before_them() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let config = config().marker_ttl(60 * SECOND);
    let bucket = kv.bucket(config.clone()).await.unwrap();
    let before = bucket.put("a", "1").await.unwrap();
    let marker = bucket.delete("a").await.unwrap();
    let later = bucket.put("b", "1").await.unwrap();

    clock.advance(59 * SECOND);
    kv.bucket(config.clone()).await.unwrap();
    let deleted = ("a".to_owned(), Operation::Delete);
    let put = ("b".to_owned(), Operation::Put);
    assert_eq!(
        missed(&bucket, WatchFrom::Revision(before)).await,
        [deleted, put.clone()]
    );

    clock.advance(SECOND);
    kv.bucket(config.clone()).await.unwrap();
    assert_eq!(bucket.entry("a").await.unwrap(), None);
    assert!(bucket.history("a").await.unwrap().is_empty());
    kv.close().await.unwrap();

    let kv = open(&disk, &clock).unwrap();
    let bucket = kv.bucket(config).await.unwrap();
    let error = bucket
        .watch(">", WatchFrom::Revision(before))
        .await
        .unwrap_err();
    assert!(error.is_too_old(), "{error}");
    assert_eq!(missed(&bucket, WatchFrom::Revision(marker)).await, [put]);
    assert_eq!(missed(&bucket, WatchFrom::Revision(later)).await, []);
}

#[tokio::test]
async fn revisions_go_on_when_the_last_one_is_nobody_s_any_more() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let config = config().marker_ttl(SECOND);
    let marker = kv
        .bucket(config.clone())
        .await
        .unwrap()
        .delete("a")
        .await
        .unwrap();
    clock.advance(SECOND);
    kv.bucket(config.clone()).await.unwrap();
    kv.close().await.unwrap();
    let kv = open(&disk, &clock).unwrap();
    assert!(
        kv.bucket(config)
            .await
            .unwrap()
            .put("a", "1")
            .await
            .unwrap()
            > marker
    );
}

#[tokio::test]
async fn a_key_that_lives_on_leaves_one_timer_however_often_it_is_written() {
    let clock = FakeClock::new();
    let kv = open_memory(&clock);
    let bucket = sweep(&kv).await;
    for _ in 0..100 {
        bucket
            .put_with("a", "1", living(10 * SECOND))
            .await
            .unwrap();
        clock.advance(SECOND);
        sweep(&kv).await;
    }
    assert!(bucket.get("a").await.unwrap().is_some());
    clock.advance(9 * SECOND);
    sweep(&kv).await;
    assert_eq!(
        bucket.entry("a").await.unwrap().unwrap().operation,
        Operation::Purge
    );
}

#[tokio::test]
async fn a_shorter_lifetime_of_the_bucket_holds_for_what_is_there() {
    let clock = FakeClock::new();
    let kv = open_memory(&clock);
    let bucket = sweep(&kv).await;
    bucket.put("a", "1").await.unwrap();
    clock.advance(5 * SECOND);
    bucket.put("b", "1").await.unwrap();
    let mut watch = bucket.watch(">", WatchFrom::New).await.unwrap();
    let config = config().ttl(10 * SECOND);
    kv.bucket(config.clone()).await.unwrap();
    clock.advance(5 * SECOND);
    assert_eq!(bucket.keys(">").await.unwrap(), ["b"]);
    kv.bucket(config.clone().ttl(None)).await.unwrap();
    let Some(Ok(WatchEvent::Entry(purged))) = watch.next().await else {
        panic!("a is purged")
    };
    assert_eq!(
        (purged.key.as_str(), purged.operation),
        ("a", Operation::Purge)
    );
    clock.advance(100 * SECOND);
    kv.bucket(config.ttl(None)).await.unwrap();
    assert_eq!(bucket.keys(">").await.unwrap(), ["b"]);
}
