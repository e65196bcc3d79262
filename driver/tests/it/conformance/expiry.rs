//! Lifetimes. They are whole seconds here, which every backend can honour.

use std::time::Duration;

use pleach_driver::{Bucket, BucketConfig, Driver, Watch, WatchFrom, WriteOptions};
use tokio::time::Instant;

use crate::support::{bucket, config, expect, value};

const SECOND: Duration = Duration::from_secs(1);

/// How early a lifetime may seem to end, to a clock that was read a little after the write was
/// stamped.
const SKEW: Duration = Duration::from_millis(50);

fn living(lifetime: Duration) -> WriteOptions {
    WriteOptions::new().ttl(lifetime)
}

async fn expiring(driver: &Driver, config: BucketConfig) -> (Bucket, Watch) {
    let bucket = driver.kv().bucket(config).await.unwrap();
    let watch = bucket.watch(">", WatchFrom::New).await.unwrap();
    (bucket, watch)
}

pub(crate) async fn a_value_with_a_lifetime_ends_and_watchers_see_it(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config()).await;
    let begin = Instant::now();
    bucket.put("stays", "1").await.unwrap();
    bucket.put_with("a", "1", living(SECOND)).await.unwrap();
    expect(&mut watch, &["stays=1", "a=1"]).await;
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("1"));
    expect(&mut watch, &["a purged"]).await;
    assert!(
        begin.elapsed() >= SECOND - SKEW,
        "after {:?}",
        begin.elapsed()
    );
    assert_eq!(bucket.get("a").await.unwrap(), None);
    assert_eq!(bucket.keys(">").await.unwrap(), ["stays"]);
}

pub(crate) async fn a_bucket_with_a_lifetime_ends_its_values(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config().ttl(SECOND).history(3)).await;
    bucket.put("a", "1").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    expect(&mut watch, &["a=1", "a=2", "a purged"]).await;
    assert_eq!(bucket.get("a").await.unwrap(), None);
    assert!(bucket.scan(">").await.unwrap().is_empty());
}

pub(crate) async fn a_new_write_gives_a_new_lifetime(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config().ttl(2 * SECOND)).await;
    bucket.put("a", "1").await.unwrap();
    // Something else ends in the middle of that life, which is the moment to write again.
    bucket.put_with("b", "1", living(SECOND)).await.unwrap();
    expect(&mut watch, &["a=1", "b=1", "b purged"]).await;
    let again = Instant::now();
    bucket.put("a", "2").await.unwrap();
    expect(&mut watch, &["a=2", "a purged"]).await;
    assert!(
        again.elapsed() >= 2 * SECOND - SKEW,
        "after {:?}",
        again.elapsed()
    );
}

pub(crate) async fn a_put_without_a_lifetime_stays(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config()).await;
    bucket.put_with("a", "1", living(SECOND)).await.unwrap();
    bucket.put("a", "2").await.unwrap();
    bucket.put_with("b", "1", living(2 * SECOND)).await.unwrap();
    expect(&mut watch, &["a=1", "a=2", "b=1", "b purged"]).await;
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("2"));
}

pub(crate) async fn what_has_expired_can_be_created_again(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config()).await;
    bucket.create_with("a", "1", living(SECOND)).await.unwrap();
    expect(&mut watch, &["a=1", "a purged"]).await;
    bucket.create("a", "2").await.unwrap();
    expect(&mut watch, &["a=2"]).await;
}

pub(crate) async fn a_lifetime_holds_over_a_deleted_key_too(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config()).await;
    bucket.put("a", "1").await.unwrap();
    bucket.delete("a").await.unwrap();
    bucket.create_with("a", "2", living(SECOND)).await.unwrap();
    expect(&mut watch, &["a=1", "a deleted", "a=2", "a purged"]).await;
    let revision = bucket.put("a", "3").await.unwrap();
    bucket
        .update_with("a", revision, "4", living(SECOND))
        .await
        .unwrap();
    expect(&mut watch, &["a=3", "a=4", "a purged"]).await;
}

pub(crate) async fn the_shorter_lifetime_counts(driver: &Driver) {
    let (bucket, mut watch) = expiring(driver, config().ttl(2 * SECOND)).await;
    bucket
        .put_with("long", "1", living(1000 * SECOND))
        .await
        .unwrap();
    bucket.put_with("short", "1", living(SECOND)).await.unwrap();
    expect(
        &mut watch,
        &["long=1", "short=1", "short purged", "long purged"],
    )
    .await;
}

pub(crate) async fn a_lifetime_of_zero_is_refused(driver: &Driver) {
    let bucket = bucket(driver).await;
    let error = bucket
        .put_with("a", "1", living(Duration::ZERO))
        .await
        .unwrap_err();
    assert!(error.is_invalid(), "{error}");
    let error = driver
        .kv()
        .bucket(config().ttl(Duration::ZERO))
        .await
        .unwrap_err();
    assert!(error.is_invalid(), "{error}");
}
