//! Buckets and their settings.

use pleach_driver::{BucketConfig, Driver};

use crate::support::{bucket, config, history, value};

pub(crate) async fn opened_twice_it_is_the_same_bucket(driver: &Driver) {
    let config = config();
    let one = driver.kv().bucket(config.clone()).await.unwrap();
    let two = driver.kv().bucket(config).await.unwrap();
    assert_eq!((one.name(), one.epoch()), (two.name(), two.epoch()));
    one.put("a", "1").await.unwrap();
    assert_eq!(value(&two, "a").await.as_deref(), Some("1"));
}

pub(crate) async fn buckets_do_not_share_keys(driver: &Driver) {
    let (one, two) = (bucket(driver).await, bucket(driver).await);
    assert_ne!(one.epoch(), two.epoch());
    one.put("a", "1").await.unwrap();
    assert_eq!(two.get("a").await.unwrap(), None);
    two.create("a", "2").await.unwrap();
    assert_eq!(value(&one, "a").await.as_deref(), Some("1"));
}

pub(crate) async fn every_bucket_is_listed(driver: &Driver) {
    let (one, two) = (bucket(driver).await, bucket(driver).await);
    let names = driver.kv().buckets().await.unwrap();
    assert!(names.is_sorted());
    assert!(names.iter().any(|name| name == one.name()));
    assert!(names.iter().any(|name| name == two.name()));
}

pub(crate) async fn a_bad_name_is_refused(driver: &Driver) {
    for name in ["", "dot.ted", "sp ace", "ü", "star*"] {
        let error = driver
            .kv()
            .bucket(BucketConfig::new(name))
            .await
            .unwrap_err();
        assert!(error.is_invalid(), "{name:?}: {error}");
    }
}

pub(crate) async fn more_history_is_kept_once_it_is_asked_for(driver: &Driver) {
    let config = config();
    let bucket = driver.kv().bucket(config.clone()).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    driver.kv().bucket(config.history(3)).await.unwrap();
    for value in ["3", "4", "5"] {
        bucket.put("a", value).await.unwrap();
    }
    assert_eq!(history(&bucket, "a").await, ["a=3", "a=4", "a=5"]);
}

pub(crate) async fn less_history_is_trimmed(driver: &Driver) {
    let config = config();
    let bucket = driver.kv().bucket(config.clone().history(5)).await.unwrap();
    for value in ["1", "2", "3", "4"] {
        bucket.put("a", value).await.unwrap();
    }
    driver.kv().bucket(config.history(2)).await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a=3", "a=4"]);
    bucket.put("a", "5").await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a=4", "a=5"]);
}

pub(crate) async fn a_closed_driver_says_so(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    driver.ready().await.unwrap();
    driver.close().await.unwrap();
    driver.close().await.unwrap();
    assert!(bucket.get("a").await.unwrap_err().is_closed());
    assert!(bucket.put("a", "2").await.unwrap_err().is_closed());
    assert!(bucket.keys(">").await.unwrap_err().is_closed());
    assert!(driver.kv().bucket(config()).await.unwrap_err().is_closed());
    assert!(driver.ready().await.unwrap_err().is_closed());
}
