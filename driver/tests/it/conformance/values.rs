//! One key: values, guards, markers, history.

use std::task::Poll;
use std::time::{Duration, SystemTime};

use pleach_driver::{Driver, Operation, Revision};

use crate::support::{bucket, config, history, show_all, value};

pub(crate) async fn a_missing_key_has_nothing(driver: &Driver) {
    let bucket = bucket(driver).await;
    assert_eq!(bucket.get("a").await.unwrap(), None);
    assert_eq!(bucket.entry("a").await.unwrap(), None);
    assert!(bucket.history("a").await.unwrap().is_empty());
    assert!(bucket.keys(">").await.unwrap().is_empty());
}

pub(crate) async fn what_was_put_is_there(driver: &Driver) {
    let bucket = bucket(driver).await;
    let revision = bucket.put("a.b", "value").await.unwrap();
    let entry = bucket.get("a.b").await.unwrap().unwrap();
    assert_eq!(
        (entry.key.as_str(), &entry.value[..]),
        ("a.b", &b"value"[..])
    );
    assert_eq!(
        (entry.revision, entry.operation),
        (revision, Operation::Put)
    );
    let age = SystemTime::now()
        .duration_since(entry.created)
        .unwrap_or_default();
    assert!(age < Duration::from_secs(60), "created {age:?} ago");
    assert_eq!(bucket.entry("a.b").await.unwrap().unwrap(), entry);
}

pub(crate) async fn an_empty_value_is_a_value(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "").await.unwrap();
    assert_eq!(value(&bucket, "a").await.as_deref(), Some(""));
    assert!(bucket.create("a", "x").await.unwrap_err().is_exists());
}

pub(crate) async fn revisions_grow_over_all_keys_of_a_bucket(driver: &Driver) {
    let bucket = bucket(driver).await;
    let mut last = Revision::NONE;
    for key in ["a", "b", "a", "c"] {
        let revisions = [
            bucket.put(key, "1").await.unwrap(),
            bucket.delete(key).await.unwrap(),
            bucket.create(key, "2").await.unwrap(),
            bucket.purge(key).await.unwrap(),
        ];
        for revision in revisions {
            assert!(revision > last, "{revision} after {last}");
            last = revision;
        }
    }
}

pub(crate) async fn a_refused_write_changes_nothing(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(9)).await.unwrap();
    let revision = bucket.put("a", "1").await.unwrap();
    let wrong = Revision(revision.0 + 1);
    bucket.create("a", "2").await.unwrap_err();
    bucket.update("a", wrong, "3").await.unwrap_err();
    bucket.delete_if("a", wrong).await.unwrap_err();
    bucket.purge_if("a", wrong).await.unwrap_err();
    assert_eq!(bucket.get("a").await.unwrap().unwrap().revision, revision);
    assert_eq!(history(&bucket, "a").await, ["a=1"]);
}

pub(crate) async fn create_fails_while_the_key_lives(driver: &Driver) {
    let bucket = bucket(driver).await;
    let revision = bucket.create("a", "1").await.unwrap();
    let error = bucket.create("a", "2").await.unwrap_err();
    assert!(error.is_exists(), "{error}");
    assert_eq!(error.actual(), Some(revision));
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("1"));
}

pub(crate) async fn create_works_again_after_delete_and_purge(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.create("a", "1").await.unwrap();
    bucket.delete("a").await.unwrap();
    bucket.create("a", "2").await.unwrap();
    bucket.purge("a").await.unwrap();
    bucket.create("a", "3").await.unwrap();
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("3"));
}

pub(crate) async fn update_replaces_what_is_at_the_expected_revision(driver: &Driver) {
    let bucket = bucket(driver).await;
    let first = bucket.put("a", "1").await.unwrap();
    bucket.put("b", "1").await.unwrap();
    let second = bucket.update("a", first, "2").await.unwrap();
    assert_eq!(bucket.get("a").await.unwrap().unwrap().revision, second);
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("2"));
}

pub(crate) async fn update_fails_with_the_actual_revision(driver: &Driver) {
    let bucket = bucket(driver).await;
    let first = bucket.put("a", "1").await.unwrap();
    let second = bucket.put("a", "2").await.unwrap();
    let error = bucket.update("a", first, "3").await.unwrap_err();
    assert!(error.is_conflict() && !error.is_exists(), "{error}");
    assert_eq!(error.actual(), Some(second));
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("2"));
}

pub(crate) async fn update_of_a_missing_key_expects_none(driver: &Driver) {
    let bucket = bucket(driver).await;
    let error = bucket.update("a", Revision(7), "1").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.actual(), Some(Revision::NONE));
    let revision = bucket.update("a", Revision::NONE, "1").await.unwrap();
    let error = bucket.update("a", Revision::NONE, "2").await.unwrap_err();
    assert_eq!(error.actual(), Some(revision));
}

pub(crate) async fn after_a_delete_the_marker_is_what_is_expected(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    let marker = bucket.delete("a").await.unwrap();
    let error = bucket.update("a", Revision::NONE, "2").await.unwrap_err();
    assert_eq!(error.actual(), Some(marker));
    bucket.update("a", marker, "2").await.unwrap();
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("2"));
}

pub(crate) async fn delete_leaves_a_marker_above_the_history(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(9)).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    let marker = bucket.delete("a").await.unwrap();
    assert_eq!(bucket.get("a").await.unwrap(), None);
    let entry = bucket.entry("a").await.unwrap().unwrap();
    assert_eq!(
        (entry.operation, entry.revision),
        (Operation::Delete, marker)
    );
    assert!(entry.value.is_empty() && !entry.is_live());
    assert_eq!(history(&bucket, "a").await, ["a=1", "a deleted"]);
}

pub(crate) async fn delete_if_deletes_only_what_was_seen(driver: &Driver) {
    let bucket = bucket(driver).await;
    let first = bucket.put("a", "1").await.unwrap();
    let second = bucket.put("a", "2").await.unwrap();
    let error = bucket.delete_if("a", first).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.actual(), Some(second));
    bucket.delete_if("a", second).await.unwrap();
    assert_eq!(bucket.get("a").await.unwrap(), None);
}

pub(crate) async fn deleting_nothing_leaves_a_marker(driver: &Driver) {
    let bucket = bucket(driver).await;
    let marker = bucket.delete("a").await.unwrap();
    let entry = bucket.entry("a").await.unwrap().unwrap();
    assert_eq!(
        (entry.operation, entry.revision),
        (Operation::Delete, marker)
    );
}

pub(crate) async fn purge_drops_the_history(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(9)).await.unwrap();
    bucket.put("a", "1").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    bucket.purge("a").await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a purged"]);
    bucket.create("a", "3").await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a purged", "a=3"]);
}

pub(crate) async fn purge_if_purges_only_what_was_seen(driver: &Driver) {
    let bucket = bucket(driver).await;
    let first = bucket.put("a", "1").await.unwrap();
    let second = bucket.put("a", "2").await.unwrap();
    assert_eq!(
        bucket.purge_if("a", first).await.unwrap_err().actual(),
        Some(second)
    );
    bucket.purge_if("a", second).await.unwrap();
    assert_eq!(
        bucket.entry("a").await.unwrap().unwrap().operation,
        Operation::Purge
    );
}

pub(crate) async fn history_is_oldest_first_and_capped(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(3)).await.unwrap();
    for value in ["1", "2", "3", "4"] {
        bucket.put("a", value).await.unwrap();
        bucket.put("ab", value).await.unwrap();
    }
    assert_eq!(history(&bucket, "a").await, ["a=2", "a=3", "a=4"]);
    bucket.delete("a").await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a=3", "a=4", "a deleted"]);
    assert_eq!(history(&bucket, "ab").await, ["ab=2", "ab=3", "ab=4"]);
}

pub(crate) async fn without_history_only_the_last_entry_is_kept(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    bucket.put("a", "2").await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a=2"]);
    bucket.delete("a").await.unwrap();
    assert_eq!(history(&bucket, "a").await, ["a deleted"]);
}

pub(crate) async fn keys_are_filtered_and_skip_the_deleted(driver: &Driver) {
    let bucket = bucket(driver).await;
    for key in ["g.2.s", "g.1.s", "g.1.t", "h.1.s", "g", "gone.1"] {
        bucket.put(key, "v").await.unwrap();
    }
    bucket.delete("gone.1").await.unwrap();
    bucket.purge("h.1.s").await.unwrap();
    for (filter, expected) in [
        (">", vec!["g", "g.1.s", "g.1.t", "g.2.s"]),
        ("g.>", vec!["g.1.s", "g.1.t", "g.2.s"]),
        ("g.*.s", vec!["g.1.s", "g.2.s"]),
        ("*", vec!["g"]),
        ("g.1.t", vec!["g.1.t"]),
        ("gone.*", vec![]),
        ("nothing", vec![]),
    ] {
        assert_eq!(bucket.keys(filter).await.unwrap(), expected, "{filter}");
    }
}

pub(crate) async fn scan_returns_living_values_by_key(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(5)).await.unwrap();
    bucket.put("g.b", "1").await.unwrap();
    bucket.put("g.a", "2").await.unwrap();
    bucket.put("g.b", "3").await.unwrap();
    bucket.put("g.c", "4").await.unwrap();
    bucket.put("h", "5").await.unwrap();
    bucket.delete("g.c").await.unwrap();
    let entries = bucket.scan("g.>").await.unwrap();
    assert_eq!(show_all(&entries), ["g.a=2", "g.b=3"]);
    assert_eq!(show_all(&bucket.scan("h").await.unwrap()), ["h=5"]);
}

pub(crate) async fn get_many_keeps_the_order_asked_for(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("a", "1").await.unwrap();
    bucket.put("b", "2").await.unwrap();
    let entries = bucket.get_many(&["b", "missing", "a"]).await.unwrap();
    let values: Vec<_> = entries
        .iter()
        .map(|entry| entry.as_ref().map(|e| &e.value[..]))
        .collect();
    assert_eq!(values, [Some(&b"2"[..]), None, Some(b"1")]);
}

const STRANGE: [&str; 14] = [
    "",
    ".",
    "..",
    ".a",
    "a.",
    "a..b",
    "a b",
    "ü",
    "💡.x",
    "a=b",
    "=3D",
    "\t\r\n\u{0}",
    "a@b:c$d",
    "\u{FFFF}",
];

pub(crate) async fn keys_are_any_text(driver: &Driver) {
    let bucket = bucket(driver).await;
    for key in STRANGE {
        bucket.put(key, key).await.unwrap();
    }
    for key in STRANGE {
        assert_eq!(value(&bucket, key).await.as_deref(), Some(key));
        assert_eq!(bucket.history(key).await.unwrap().len(), 1, "{key:?}");
    }
    let mut expected = STRANGE.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(bucket.keys(">").await.unwrap(), expected);
}

pub(crate) async fn wildcards_in_a_key_mean_nothing(driver: &Driver) {
    let bucket = bucket(driver).await;
    for key in ["a.*", "a.>", "*", ">", "a.b"] {
        bucket.put(key, key).await.unwrap();
    }
    bucket.delete("a.*").await.unwrap();
    bucket.purge(">").await.unwrap();
    assert_eq!(bucket.keys(">").await.unwrap(), ["*", "a.>", "a.b"]);
    assert_eq!(value(&bucket, "a.>").await.as_deref(), Some("a.>"));
}

pub(crate) async fn fifty_clients_race_for_one_create(driver: &Driver) {
    let bucket = bucket(driver).await;
    let clients: Vec<_> = (0..50)
        .map(|client| {
            let bucket = bucket.clone();
            tokio::spawn(async move { bucket.create("seat", client.to_string()).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (number, client) in clients.into_iter().enumerate() {
        match client.await.unwrap() {
            Ok(revision) => winners.push((number, revision)),
            Err(error) => assert!(error.is_exists(), "{error}"),
        }
    }
    let [(winner, revision)] = winners[..] else {
        panic!("winners: {winners:?}")
    };
    let entry = bucket.get("seat").await.unwrap().unwrap();
    assert_eq!(
        (entry.revision, &entry.value[..]),
        (revision, winner.to_string().as_bytes())
    );
}

pub(crate) async fn no_update_is_lost_among_fifty_clients(driver: &Driver) {
    let bucket = bucket(driver).await;
    bucket.put("count", "0").await.unwrap();
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                loop {
                    let entry = bucket.get("count").await.unwrap().unwrap();
                    let count: u32 = str::from_utf8(&entry.value).unwrap().parse().unwrap();
                    match bucket
                        .update("count", entry.revision, (count + 1).to_string())
                        .await
                    {
                        Ok(_) => return,
                        Err(error) => assert!(error.is_conflict(), "{error}"),
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(value(&bucket, "count").await.as_deref(), Some("50"));
}

pub(crate) async fn a_dropped_write_is_made_whole_or_not_at_all(driver: &Driver) {
    let bucket = driver.kv().bucket(config().history(64)).await.unwrap();
    let mut tried = vec!["first".to_owned()];
    bucket.put("a", "first").await.unwrap();
    for number in 0..40 {
        let value = number.to_string().repeat(number + 1);
        tried.push(value.clone());
        // It is given up after so many polls, at whatever point it is then.
        let mut polls = 0;
        let mut put = std::pin::pin!(bucket.put("a", value));
        let _: Option<_> = std::future::poll_fn(|context| {
            polls += 1;
            match put.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if polls > number % 3 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
    }
    bucket.put("a", "last").await.unwrap();
    tried.push("last".to_owned());
    let history = bucket.history("a").await.unwrap();
    assert!(history.is_sorted_by(|a, b| a.revision < b.revision));
    let mut places = history.iter().map(|entry| {
        let value = str::from_utf8(&entry.value).unwrap();
        tried
            .iter()
            .position(|tried| tried == value)
            .expect("a value that was tried, whole")
    });
    assert!(
        places.by_ref().is_sorted_by(|a, b| a < b),
        "in the order in which they were tried"
    );
    assert_eq!(value(&bucket, "a").await.as_deref(), Some("last"));
}
