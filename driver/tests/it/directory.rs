//! The embedded store and its directory.

use std::fs;
use std::time::Duration;

use pleach_driver::{BucketConfig, Driver, WatchFrom, WriteOptions};
use tokio::time::Instant;

use crate::backends::{Backend, Directory, Memory};
use crate::support::{bucket, config, expect, value};

#[tokio::test]
async fn a_store_that_is_held_is_locked_until_it_is_closed() {
    let directory = Directory::fresh();
    let driver = directory.open().await;
    let bucket = driver.kv().bucket(BucketConfig::new("b")).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    let error = Driver::open(&directory.url()).await.unwrap_err();
    assert!(error.is_locked(), "{error}");
    assert!(
        error
            .to_string()
            .contains(directory.path().to_str().unwrap()),
        "{error}"
    );
    bucket.put("a", "2").await.unwrap();
    driver.close().await.unwrap();

    // The handles that are left keep nobody out.
    let again = directory.open().await;
    let opened = again.kv().bucket(BucketConfig::new("b")).await.unwrap();
    assert_eq!(value(&opened, "a").await.as_deref(), Some("2"));
    assert!(bucket.get("a").await.unwrap_err().is_closed());
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_directory_is_made_with_those_above_it() {
    let directory = Directory::fresh();
    let url = format!("{}/deep/er", directory.url());
    let driver = Driver::open(&url).await.unwrap();
    assert_eq!(driver.describe(), url);
    driver.close().await.unwrap();
    assert!(directory.path().join("deep/er").is_dir());
}

#[tokio::test]
async fn a_file_in_the_place_of_the_directory_is_named() {
    let directory = Directory::fresh();
    fs::write(directory.path(), "a file").unwrap();
    let error = Driver::open(&directory.url()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains(directory.path().to_str().unwrap()),
        "{error}"
    );
    assert_eq!(fs::read(directory.path()).unwrap(), b"a file");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_as_it_is() {
    let directory = Directory::fresh();
    let driver = directory.open().await;
    bucket(&driver).await.put("a", "1").await.unwrap();
    driver.close().await.unwrap();
    let table = directory.path().join("table.redb");
    let mut bytes = fs::read(&table).unwrap();
    let half = bytes.len() / 2;
    bytes[..half].fill(0x5A);
    fs::write(&table, &bytes).unwrap();
    let error = Driver::open(&directory.url()).await.unwrap_err();
    assert!(error.is_damaged(), "{error}");
    assert!(
        error.to_string().contains(table.to_str().unwrap()),
        "{error}"
    );
    assert!(fs::read(&table).unwrap() == bytes);
    // Nor does the failed attempt keep anyone out.
    let error = Driver::open(&directory.url()).await.unwrap_err();
    assert!(error.is_damaged(), "{error}");
}

#[tokio::test]
async fn a_closed_store_leaves_an_empty_log() {
    let directory = Directory::fresh();
    let driver = directory.open().await;
    let bucket = bucket(&driver).await;
    for number in 0..100 {
        bucket.put(&number.to_string(), "1").await.unwrap();
    }
    driver.close().await.unwrap();
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        let empty = file.metadata().unwrap().len() == 0;
        assert_eq!(empty, file.file_name() != "table.redb", "{file:?}");
    }
}

#[tokio::test]
async fn a_store_that_rests_gives_the_log_s_space_back() {
    let directory = Directory::fresh();
    let driver = directory.open().await;
    bucket(&driver).await.put("a", "1").await.unwrap();
    let log = directory.path().join("log.0");
    assert!(fs::metadata(&log).unwrap().len() > 0);
    let begin = Instant::now();
    while fs::metadata(&log).unwrap().len() > 0 {
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::task::yield_now().await;
    }
    driver.close().await.unwrap();
}

#[tokio::test]
async fn a_lifetime_ends_within_a_tenth_of_a_second() {
    for driver in [Memory.open().await, Directory::fresh().open().await] {
        let bucket = driver.kv().bucket(config()).await.unwrap();
        let mut watch = bucket.watch("a", WatchFrom::New).await.unwrap();
        // The best of several: the machine may be busy with other things.
        let mut best = Duration::MAX;
        for _ in 0..10 {
            let lifetime = Duration::from_millis(30);
            let begin = Instant::now();
            bucket
                .put_with("a", "1", WriteOptions::new().ttl(lifetime))
                .await
                .unwrap();
            expect(&mut watch, &["a=1", "a purged"]).await;
            best = best.min(begin.elapsed().saturating_sub(lifetime));
        }
        assert!(best < Duration::from_millis(100), "{best:?}");
        driver.close().await.unwrap();
    }
}
