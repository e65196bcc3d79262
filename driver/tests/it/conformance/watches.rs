//! Watching: start, order, lag, resume.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use pleach_driver::{
    Bucket, Driver, Entry, Error, Filter, Operation, Revision, Watch, WatchEvent, WatchFrom,
};

use crate::support::{Wakes, bucket, config, expect, next, next_entry, soon};

pub(crate) async fn current_values_then_one_mark_then_changes(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(5)).await.unwrap();
    for (key, value) in [("b", "1"), ("a", "1"), ("c", "1"), ("b", "2")] {
        bucket.put(key, value).await.unwrap();
    }
    bucket.delete("c").await.unwrap();
    let mut watch = bucket.watch(">", WatchFrom::Current).await.unwrap();
    expect(&mut watch, &["a=1", "b=2", "--"]).await;
    bucket.put("a", "2").await.unwrap();
    bucket.put("a", "3").await.unwrap();
    bucket.put("d", "1").await.unwrap();
    expect(&mut watch, &["a=2", "a=3", "d=1"]).await;
}

pub(crate) async fn an_empty_bucket_is_caught_up_at_once(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut watch = bucket.watch(">", WatchFrom::Current).await.unwrap();
    expect(&mut watch, &["--"]).await;
    bucket.put("a", "1").await.unwrap();
    expect(&mut watch, &["a=1"]).await;
}

pub(crate) async fn a_filter_without_a_match_is_caught_up_at_once(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    for filter in ["b", "b.>", "*.*"] {
        let mut watch = bucket.watch(filter, WatchFrom::Current).await.unwrap();
        expect(&mut watch, &["--"]).await;
    }
}

pub(crate) async fn one_key_is_watched_alone(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    bucket.put("ab", "1").await.unwrap();
    let mut watch = bucket.watch("a", WatchFrom::Current).await.unwrap();
    expect(&mut watch, &["a=1", "--"]).await;
    for key in ["ab", "a.b", "a"] {
        bucket.put(key, "2").await.unwrap();
    }
    expect(&mut watch, &["a=2"]).await;
}

pub(crate) async fn one_key_s_watcher_is_not_woken_by_others(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut one = bucket.watch("a", WatchFrom::Current).await.unwrap();
    let mut all = bucket.watch(">", WatchFrom::New).await.unwrap();
    expect(&mut one, &["--"]).await;
    let wakes = Arc::new(Wakes::default());
    {
        let mut next = std::pin::pin!(one.next());
        let waker = wakes.clone().into();
        assert!(
            next.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        for key in ["b", "a.b", "ab"] {
            bucket.put(key, "1").await.unwrap();
        }
        expect(&mut all, &["b=1", "a.b=1", "ab=1"]).await;
        assert_eq!(wakes.count(), 0);
        bucket.put("a", "1").await.unwrap();
        expect(&mut all, &["a=1"]).await;
        assert!(matches!(soon(next).await, Some(Ok(WatchEvent::Entry(_)))));
    }
    assert_eq!(wakes.count(), 1);
}

pub(crate) async fn a_pattern_is_watched(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("g.1.s", "1").await.unwrap();
    bucket.put("g.1.t", "1").await.unwrap();
    let mut one = bucket.watch("g.*.s", WatchFrom::Current).await.unwrap();
    let mut all = bucket.watch("g.>", WatchFrom::New).await.unwrap();
    expect(&mut one, &["g.1.s=1", "--"]).await;
    for key in ["g.2.s", "g.2.t", "h.2.s", "g", "g.3.s"] {
        bucket.put(key, "2").await.unwrap();
    }
    expect(&mut one, &["g.2.s=2", "g.3.s=2"]).await;
    expect(&mut all, &["g.2.s=2", "g.2.t=2", "g.3.s=2"]).await;
}

pub(crate) async fn a_key_is_watched_whatever_its_characters(driver: &Driver) {
    let bucket = bucket(driver).await;
    for key in ["a.*", "", "ü b", "a..c"] {
        bucket.put(key, "1").await.unwrap();
        let mut watch = bucket
            .watch(Filter::key(key), WatchFrom::Current)
            .await
            .unwrap();
        expect(&mut watch, &[&format!("{key}=1"), "--"]).await;
        bucket.put("a.b", "1").await.unwrap();
        bucket.put(key, "2").await.unwrap();
        expect(&mut watch, &[&format!("{key}=2")]).await;
    }
}

pub(crate) async fn deletes_and_purges_are_told_apart(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut watch = bucket.watch("a", WatchFrom::New).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    bucket.delete("a").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    bucket.purge("a").await.unwrap();
    expect(&mut watch, &["a=1", "a deleted", "a=2", "a purged"]).await;
}

pub(crate) async fn new_skips_what_is_there(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    let mut watch = bucket.watch(">", WatchFrom::New).await.unwrap();
    bucket.put("a", "2").await.unwrap();
    expect(&mut watch, &["a=2"]).await;
}

pub(crate) async fn resume_yields_what_was_missed_with_markers(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    let after = bucket.put("b", "1").await.unwrap();
    bucket.put("c", "1").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    bucket.delete("b").await.unwrap();
    bucket.put("a", "3").await.unwrap();
    bucket.purge("c").await.unwrap();
    let mut watch = bucket.watch(">", WatchFrom::Revision(after)).await.unwrap();
    expect(&mut watch, &["b deleted", "a=3", "c purged", "--"]).await;
    let mut watch = bucket.watch("b", WatchFrom::Revision(after)).await.unwrap();
    expect(&mut watch, &["b deleted", "--"]).await;
    bucket.put("b", "2").await.unwrap();
    expect(&mut watch, &["b=2"]).await;
}

pub(crate) async fn resume_at_the_head_yields_the_mark_alone(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    let head = bucket.put("b", "1").await.unwrap();
    for filter in [">", "a", "b"] {
        let mut watch = bucket
            .watch(filter, WatchFrom::Revision(head))
            .await
            .unwrap();
        expect(&mut watch, &["--"]).await;
        assert_eq!(watch.position(), head);
    }
}

pub(crate) async fn resume_keeps_the_history_that_there_is(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(3)).await.unwrap();
    let after = bucket.put("a", "0").await.unwrap();
    for value in ["1", "2", "3", "4"] {
        bucket.put("a", value).await.unwrap();
    }
    bucket.put("b", "1").await.unwrap();
    let mut watch = bucket.watch(">", WatchFrom::Revision(after)).await.unwrap();
    expect(&mut watch, &["a=2", "a=3", "a=4", "b=1", "--"]).await;
}

pub(crate) async fn a_revision_from_elsewhere_cannot_be_resumed_from(driver: &Driver) {
    let bucket = bucket(driver).await;
    let head = bucket.put("a", "1").await.unwrap();
    let beyond = WatchFrom::Revision(Revision(head.0 + 1000));
    for filter in [">", "a"] {
        let error = bucket.watch(filter, beyond).await.unwrap_err();
        assert!(error.is_too_old(), "{error}");
    }
}

pub(crate) async fn position_can_be_resumed_from_before_the_first_change(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("other", "1").await.unwrap();
    let mut watch = bucket.watch("a", WatchFrom::Current).await.unwrap();
    expect(&mut watch, &["--"]).await;
    let position = watch.position();
    drop(watch);
    bucket.put("a", "1").await.unwrap();
    let mut watch = bucket
        .watch("a", WatchFrom::Revision(position))
        .await
        .unwrap();
    expect(&mut watch, &["a=1", "--"]).await;
}

pub(crate) async fn a_malformed_filter_is_refused(driver: &Driver) {
    let bucket = bucket(driver).await;
    assert!(
        bucket
            .watch("a.>.b", WatchFrom::New)
            .await
            .unwrap_err()
            .is_invalid()
    );
    assert!(bucket.keys("a.>.b").await.unwrap_err().is_invalid());
}

pub(crate) async fn two_hundred_watchers_see_the_same(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut watchers = Vec::new();
    for number in 0..200 {
        let filter = ["a", ">", "*"][number % 3];
        let mut watch = bucket.watch(filter, WatchFrom::Current).await.unwrap();
        watchers.push(tokio::spawn(async move {
            expect(&mut watch, &["--", "a=1", "a=2", "a deleted"]).await;
        }));
    }
    bucket.put("a", "1").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    bucket.delete("a").await.unwrap();
    for watcher in watchers {
        watcher.await.unwrap();
    }
}

/// More than a watcher may fall behind.
const FLOOD: usize = 3000;

async fn flood(bucket: &Bucket, key: impl Fn(usize) -> String) {
    let writers = (0..30).map(|writer| {
        let keys: Vec<_> = (0..FLOOD / 30)
            .map(|number| key(writer * FLOOD / 30 + number))
            .collect();
        let bucket = bucket.clone();
        tokio::spawn(async move {
            for key in keys {
                bucket.put(&key, key.clone()).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

pub(crate) async fn a_slow_watcher_is_ended_and_resumes_without_gap_or_repeat(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut watch = bucket.watch("k.*", WatchFrom::Current).await.unwrap();
    bucket.put("k.first", "1").await.unwrap();
    expect(&mut watch, &["--", "k.first=1"]).await;
    flood(&bucket, |number| format!("k.{number}")).await;
    bucket.put("k.last", "1").await.unwrap();

    // What it was not too slow for, if anything, comes before the error.
    let mut seen = Vec::new();
    let error = loop {
        match next_entry(&mut watch).await {
            Ok(entry) => seen.push(entry),
            Err(error) => break error,
        }
    };
    assert!(error.is_lagged(), "{error}");
    assert!(
        soon(watch.next()).await.is_none(),
        "an error is the last that a watch yields"
    );

    let mut watch = bucket
        .watch("k.*", WatchFrom::Revision(watch.position()))
        .await
        .unwrap();
    while seen.last().is_none_or(|(entry, _)| entry != "k.last=1") {
        seen.push(next_entry(&mut watch).await.unwrap());
    }
    assert!(seen.is_sorted_by(|a, b| a.1 < b.1), "revisions only rise");
    assert_eq!(seen.len(), FLOOD + 1);
}

pub(crate) async fn a_slow_watcher_does_not_slow_the_others(driver: &Driver) {
    let bucket = bucket(driver).await;
    let _slow = bucket.watch(">", WatchFrom::Current).await.unwrap();
    let mut other = bucket.watch("other", WatchFrom::New).await.unwrap();
    flood(&bucket, |number| format!("k.{number}")).await;
    bucket.put("other", "1").await.unwrap();
    expect(&mut other, &["other=1"]).await;
}

/// Follows a watch, resuming when it lags, until `last` is put.
async fn follow(bucket: Bucket, mut watch: Watch, last: &str) -> Vec<Entry> {
    let mut seen = Vec::new();
    loop {
        match soon(watch.next()).await.expect("the watch goes on") {
            Ok(WatchEvent::Entry(entry)) => {
                let done = entry.key == last;
                seen.push((*entry).clone());
                if done {
                    return seen;
                }
            }
            Ok(_) => {}
            Err(error) if error.is_lagged() => {
                watch = bucket
                    .watch(">", WatchFrom::Revision(watch.position()))
                    .await
                    .unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn a_watch_that_starts_among_writes_misses_and_repeats_nothing(driver: &Driver) {
    let bucket = bucket(driver).await;
    let writer = tokio::spawn({
        let bucket = bucket.clone();
        async move { flood(&bucket, |number| format!("k.{number}")).await }
    });
    let mut followers = Vec::new();
    while !writer.is_finished() && followers.len() < 100 {
        let watch = bucket.watch(">", WatchFrom::Current).await.unwrap();
        followers.push(tokio::spawn(follow(bucket.clone(), watch, "last")));
    }
    writer.await.unwrap();
    bucket.put("last", "1").await.unwrap();
    let all: BTreeMap<_, _> = bucket
        .scan(">")
        .await
        .unwrap()
        .into_iter()
        .map(|e| (e.key, e.revision))
        .collect();
    assert_eq!(all.len(), FLOOD + 1);
    for follower in followers {
        let seen = follower.await.unwrap();
        assert!(
            seen.is_sorted_by(|a, b| a.revision < b.revision),
            "revisions only rise"
        );
        let seen: BTreeMap<_, _> = seen.into_iter().map(|e| (e.key, e.revision)).collect();
        assert!(seen == all, "{} of {}", seen.len(), all.len());
    }
}

pub(crate) async fn a_watch_of_one_key_that_starts_among_writes_sees_the_last(driver: &Driver) {
    let bucket = bucket(driver).await;
    let writer = tokio::spawn({
        let bucket = bucket.clone();
        async move {
            for number in 0..500 {
                match number % 5 {
                    4 => bucket.delete("a").await.unwrap(),
                    _ => bucket.put("a", number.to_string()).await.unwrap(),
                };
            }
            bucket.put("a", "last").await.unwrap()
        }
    });
    let mut watchers = Vec::new();
    while !writer.is_finished() && watchers.len() < 200 {
        let mut watch = bucket.watch("a", WatchFrom::Current).await.unwrap();
        watchers.push(tokio::spawn(async move {
            let mut revisions = Vec::new();
            loop {
                let (entry, revision) = next_entry(&mut watch).await.unwrap();
                revisions.push(revision);
                if entry == "a=last" {
                    return revisions;
                }
            }
        }));
    }
    let last = writer.await.unwrap();
    for watcher in watchers {
        let revisions = watcher.await.unwrap();
        assert!(
            revisions.is_sorted_by(|a, b| a < b),
            "revisions only rise: {revisions:?}"
        );
        assert_eq!(revisions.last(), Some(&last));
    }
}

pub(crate) async fn dropped_watches_are_not_counted(driver: &Driver) {
    let bucket = bucket(driver).await;
    let watches = [
        bucket.watch(">", WatchFrom::Current).await.unwrap(),
        bucket.watch("a", WatchFrom::Current).await.unwrap(),
        bucket.watch("a", WatchFrom::New).await.unwrap(),
    ];
    assert_eq!(driver.stats().watchers, 3);
    drop(watches);
    assert_eq!(driver.stats().watchers, 0);
}

pub(crate) async fn a_watch_outlives_the_handle_it_came_from(driver: &Driver) {
    let config = config();
    let bucket = driver.kv().bucket(config.clone()).await.unwrap();
    let mut watch = bucket.watch("a", WatchFrom::Current).await.unwrap();
    drop(bucket);
    let bucket = driver.kv().bucket(config).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    expect(&mut watch, &["--", "a=1"]).await;
}

pub(crate) async fn closing_ends_the_watches(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut watch = bucket.watch(">", WatchFrom::Current).await.unwrap();
    let put = bucket.put("a", "1").await.unwrap();
    assert_eq!(next(&mut watch).await, "--");
    driver.close().await.unwrap();
    let end: Result<Revision, Error> = loop {
        match soon(watch.next())
            .await
            .expect("an error comes before the end")
        {
            Ok(WatchEvent::Entry(entry)) => {
                assert_eq!((entry.revision, entry.operation), (put, Operation::Put));
            }
            Ok(event) => panic!("{event:?}"),
            Err(error) => break Err(error),
        }
    };
    assert!(end.unwrap_err().is_closed());
    assert!(soon(watch.next()).await.is_none());
    assert!(
        bucket
            .watch(">", WatchFrom::Current)
            .await
            .unwrap_err()
            .is_closed()
    );
}

pub(crate) async fn a_dropped_next_loses_no_event(driver: &Driver) {
    let bucket = bucket(driver).await;
    for number in 0..20 {
        bucket.put(&format!("k.{number}"), "old").await.unwrap();
    }
    let mut watch = bucket.watch(">", WatchFrom::Current).await.unwrap();
    let writer = tokio::spawn({
        let bucket = bucket.clone();
        async move { flood(&bucket, |number| format!("k.{}", number % 500)).await }
    });
    let (mut entries, mut marks, mut position) = (0, 0, Revision::NONE);
    while entries < 20 + FLOOD {
        // Given up at once, again and again, unless an event is there.
        match soon(async { tokio::time::timeout(Duration::ZERO, watch.next()).await }).await {
            Err(_) => tokio::task::yield_now().await,
            Ok(Some(Ok(WatchEvent::Entry(entry)))) => {
                assert!(entry.revision > position, "revisions only rise");
                position = entry.revision;
                entries += 1;
            }
            Ok(Some(Ok(_))) => marks += 1,
            Ok(other) => panic!("the watch ended: {other:?}"),
        }
    }
    assert_eq!(marks, 1);
    writer.await.unwrap();
}
