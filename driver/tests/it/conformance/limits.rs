//! Sizes.

use pleach_driver::{Driver, MAX_VALUE_BYTES, key};

use crate::support::{bucket, config};

pub(crate) async fn a_value_above_the_limit_is_refused_by_name(driver: &Driver) {
    let bucket = driver
        .kv()
        .bucket(config().max_value_bytes(100))
        .await
        .unwrap();
    let revision = bucket.put("a", "1").await.unwrap();
    for result in [
        bucket.put("a", vec![0; 101]).await,
        bucket.create("b", vec![0; 101]).await,
        bucket.update("a", revision, vec![0; 101]).await,
    ] {
        let error = result.unwrap_err();
        assert!(error.is_too_large(), "{error}");
        assert_eq!(
            error.to_string(),
            "value of 101 bytes is above the limit of 100"
        );
    }
    assert_eq!(bucket.get("a").await.unwrap().unwrap().revision, revision);
}

pub(crate) async fn a_value_at_the_limit_is_taken_by_every_kind_of_write(driver: &Driver) {
    let bucket = driver
        .kv()
        .bucket(config().max_value_bytes(100))
        .await
        .unwrap();
    let revision = bucket.create("a", vec![1; 100]).await.unwrap();
    let revision = bucket.update("a", revision, vec![2; 100]).await.unwrap();
    assert!(bucket.put("a", vec![3; 100]).await.unwrap() > revision);
}

pub(crate) async fn the_largest_value_of_all_is_taken(driver: &Driver) {
    let bucket = bucket(driver).await;
    let value: Vec<u8> = (0..MAX_VALUE_BYTES).map(|index| index as u8).collect();
    let revision = bucket.create("a", value.clone()).await.unwrap();
    bucket.update("a", revision, value.clone()).await.unwrap();
    assert_eq!(bucket.get("a").await.unwrap().unwrap().value, value);
}

pub(crate) async fn a_key_above_the_limit_is_refused_by_name(driver: &Driver) {
    let bucket = bucket(driver).await;
    let long = "k".repeat(key::MAX_BYTES + 1);
    for error in [
        bucket.put(&long, "1").await.unwrap_err(),
        bucket.get(&long).await.unwrap_err(),
        bucket.delete(&long).await.unwrap_err(),
        bucket.history(&long).await.unwrap_err(),
    ] {
        assert!(error.is_too_large(), "{error}");
        assert!(error.to_string().contains("limit of 1024"), "{error}");
    }
}

pub(crate) async fn the_longest_key_is_taken(driver: &Driver) {
    let bucket = bucket(driver).await;
    // The longest in the store's spelling too: every byte of it is escaped.
    let long = "ü".repeat(key::MAX_BYTES / 2);
    bucket.put(&long, "1").await.unwrap();
    assert_eq!(bucket.get(&long).await.unwrap().unwrap().key, long);
    assert_eq!(bucket.keys(">").await.unwrap(), [long]);
}
