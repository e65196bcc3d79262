//! Disks that are full, broken or read-only.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::engine::{Batch, Engine, Files, Rest};
use super::disk::{FakeDisk, Trouble};
use super::{FakeClock, open};
use crate::Error;
use crate::kv::{Bucket, BucketConfig, Kv};

async fn bucket(kv: &Kv) -> Bucket {
    kv.bucket(BucketConfig::new("b")).await.unwrap()
}

/// Puts until the store refuses; returns what was acknowledged, and why it was the last.
async fn put_until_refused(bucket: &Bucket) -> (BTreeMap<String, Vec<u8>>, Error) {
    let mut acknowledged = BTreeMap::new();
    for number in 0..10_000 {
        let key = format!("key.{number}");
        let value = vec![number as u8; 500];
        match bucket.put(&key, value.clone()).await {
            Ok(_) => drop(acknowledged.insert(key, value)),
            Err(error) => return (acknowledged, error),
        }
    }
    panic!("the store was never refused anything");
}

async fn check(bucket: &Bucket, acknowledged: &BTreeMap<String, Vec<u8>>) {
    for (key, value) in acknowledged {
        assert_eq!(
            bucket.get(key).await.unwrap().unwrap().value,
            value,
            "{key}"
        );
    }
    assert_eq!(bucket.scan(">").await.unwrap().len(), acknowledged.len());
}

#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_all_and_recovers() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let bucket = bucket(&kv).await;
    // Some rows are in the table by then, some are only in the log.
    for number in 0..200 {
        bucket
            .put(&format!("before.{number}"), vec![1; 500])
            .await
            .unwrap();
        bucket.purge(&format!("before.{number}")).await.unwrap();
    }
    disk.set_trouble(Trouble::Full);
    let (mut acknowledged, error) = put_until_refused(&bucket).await;
    assert!(error.is_full() && error.is_retryable(), "{error}");
    assert!(
        error.to_string().contains("disk/"),
        "it names the file: {error}"
    );
    check(&bucket, &acknowledged).await;
    assert!(kv.ready().await.unwrap_err().is_full());
    assert!(bucket.put("more", "1").await.unwrap_err().is_full());
    check(&bucket, &acknowledged).await;

    disk.set_trouble(Trouble::None);
    for number in 0..100 {
        let key = format!("after.{number}");
        bucket.put(&key, vec![2; 500]).await.unwrap();
        acknowledged.insert(key, vec![2; 500]);
    }
    kv.ready().await.unwrap();
    check(&bucket, &acknowledged).await;

    let killed = open(&disk.after_a_kill(), &clock).unwrap();
    check(&self::bucket(&killed).await, &acknowledged).await;
    kv.close().await.unwrap();
    let closed = open(&disk, &clock).unwrap();
    check(&self::bucket(&closed).await, &acknowledged).await;
}

#[tokio::test]
async fn a_full_disk_is_noticed_to_have_space_again_without_a_write() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let bucket = bucket(&kv).await;
    disk.set_trouble(Trouble::Full);
    put_until_refused(&bucket).await;
    disk.set_trouble(Trouble::None);
    // The store tries by itself, about every second.
    let ready = async {
        while kv.ready().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), ready)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_can_be_closed_and_killed() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let bucket = bucket(&kv).await;
    disk.set_trouble(Trouble::Full);
    let (acknowledged, _) = put_until_refused(&bucket).await;
    let killed = disk.after_a_kill();
    // Whether that works is one thing, what is on the disk another.
    let _ = kv.close().await;
    for left in [killed, disk.after_a_kill()] {
        let kv = open(&left, &clock).unwrap();
        check(&self::bucket(&kv).await, &acknowledged).await;
    }
}

/// Asks a store whose disk answers again. A checkpoint that met the trouble may still fail what is asked, as long as the store has not
/// tried again.
async fn until_it_answers<T>(mut ask: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let answer = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), answer)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_failed_sync_fails_the_write_and_not_what_was_acknowledged() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let bucket = bucket(&kv).await;
    let mut expected = BTreeMap::new();
    for round in 0..20_u8 {
        for number in 0..40 {
            let (key, value) = (format!("key.{}", number + round), vec![round; 300]);
            until_it_answers(async || bucket.put(&key, value.clone()).await).await;
            expected.insert(key, value);
        }
        disk.set_trouble(Trouble::NoSync);
        let error = bucket.put("never", "1").await.unwrap_err();
        assert!(error.is_unavailable() && error.is_retryable(), "{error}");
        disk.set_trouble(Trouble::None);
    }
    until_it_answers(async || kv.ready().await).await;
    until_it_answers(async || bucket.scan(">").await).await;
    check(&bucket, &expected).await;
    kv.close().await.unwrap();
    let kv = open(&disk, &clock).unwrap();
    check(&self::bucket(&kv).await, &expected).await;
}

#[tokio::test]
async fn a_write_that_failed_does_not_come_back_in_the_place_of_another() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let bucket = bucket(&kv).await;
    bucket.put("a", "1").await.unwrap();
    // It reaches the file, and the store does not know.
    disk.set_trouble(Trouble::NoSync);
    bucket.put("a", "failed").await.unwrap_err();
    disk.set_trouble(Trouble::None);
    bucket.put("b", "2").await.unwrap();
    let kv = open(&disk.after_a_kill(), &clock).unwrap();
    let bucket = self::bucket(&kv).await;
    assert_eq!(bucket.get("a").await.unwrap().unwrap().value, "1");
    assert_eq!(bucket.get("b").await.unwrap().unwrap().value, "2");
}

#[test]
fn a_disk_that_cannot_be_written_is_said_to_be_so() {
    let disk = FakeDisk::default();
    disk.set_trouble(Trouble::ReadOnly);
    let error = Error::from(open(&disk, &FakeClock::new()).unwrap_err());
    assert!(error.is_read_only(), "{error}");
    assert!(
        error.to_string().contains("disk/"),
        "it names the file: {error}"
    );
}

#[test]
fn a_store_is_not_made_on_a_full_disk_and_is_made_later() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    disk.set_trouble(Trouble::Full);
    let error = Error::from(open(&disk, &clock).unwrap_err());
    assert!(error.is_full(), "{error}");
    disk.set_trouble(Trouble::None);
    open(&disk, &clock).unwrap();
}

#[test]
fn a_record_that_failed_is_wiped_before_the_log_goes_on_elsewhere() {
    let disk = FakeDisk::default();
    let rows = |value: &'static str| Batch::from([("k".into(), Some(value.into()))]);
    let files = Files::open(Arc::new(disk.clone())).unwrap();
    files.apply(rows("1")).unwrap();
    disk.set_trouble(Trouble::NoSync);
    files.apply(rows("failed")).unwrap_err();
    disk.set_trouble(Trouble::None);
    assert_eq!(files.rest().unwrap(), Rest::Again);
    files.apply(rows("2")).unwrap();
    let files = Files::open(Arc::new(disk.after_a_kill())).unwrap();
    assert_eq!(files.get(b"k").unwrap(), Some("2".into()));
}
