//! Publish, subscribe, request.

use std::time::Duration;

use pleach_driver::{Driver, MAX_VALUE_BYTES, Message, Subscription};
use tokio::time::Instant;

use crate::support::{PATIENCE, config, soon};

/// The first token of subjects that no other test uses.
fn root() -> String {
    config().name().to_owned()
}

async fn next(subscription: &mut Subscription) -> Message {
    soon(subscription.next())
        .await
        .expect("the subscription goes on")
        .unwrap()
}

fn text(message: &Message) -> &str {
    str::from_utf8(&message.payload).unwrap()
}

pub(crate) async fn subscribers_hear_what_is_published_in_order(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub(), root());
    pubsub.publish(&subject, "too early").await.unwrap();
    let mut one = pubsub.subscribe(&subject).await.unwrap();
    let mut two = pubsub.subscribe(&subject).await.unwrap();
    for number in 0..100 {
        pubsub.publish(&subject, number.to_string()).await.unwrap();
    }
    for subscription in [&mut one, &mut two] {
        for number in 0..100 {
            let message = next(subscription).await;
            assert_eq!(
                (message.subject.as_str(), text(&message)),
                (&*subject, &*number.to_string())
            );
            assert!(!message.wants_reply());
        }
    }
}

pub(crate) async fn wildcards_are_heard(driver: &Driver) {
    let (pubsub, root) = (driver.pubsub(), root());
    let mut token = pubsub.subscribe(&format!("{root}.*.s")).await.unwrap();
    let mut rest = pubsub.subscribe(&format!("{root}.>")).await.unwrap();
    for tail in ["1.t", "1.s", "1.s.x", "2.s"] {
        pubsub
            .publish(&format!("{root}.{tail}"), tail)
            .await
            .unwrap();
    }
    pubsub.publish(&root, "root").await.unwrap();
    pubsub
        .publish(&format!("{root}.3.s"), "last")
        .await
        .unwrap();
    for expected in ["1.s", "2.s", "last"] {
        assert_eq!(text(&next(&mut token).await), expected);
    }
    for expected in ["1.t", "1.s", "1.s.x", "2.s", "last"] {
        assert_eq!(text(&next(&mut rest).await), expected);
    }
}

pub(crate) async fn nobody_listening_is_no_error(driver: &Driver) {
    driver
        .pubsub()
        .publish(&root(), "into the void")
        .await
        .unwrap();
}

pub(crate) async fn a_queue_group_hears_each_message_once(driver: &Driver) {
    let (pubsub, root) = (driver.pubsub(), root());
    let mut alone = pubsub.subscribe(&format!("{root}.*")).await.unwrap();
    let mut heard = Vec::new();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut members = Vec::new();
    for member in 0..3 {
        let subject = format!("{root}.{}", ["jobs", "*"][member % 2]);
        let mut member = pubsub.queue_subscribe(&subject, "workers").await.unwrap();
        let sender = sender.clone();
        members.push(tokio::spawn(async move {
            while let Some(message) = member.next().await {
                sender.send(text(&message.unwrap()).to_owned()).unwrap();
            }
        }));
    }
    for number in 0..100 {
        pubsub
            .publish(&format!("{root}.jobs"), number.to_string())
            .await
            .unwrap();
    }
    for number in 0..100 {
        assert_eq!(text(&next(&mut alone).await), number.to_string());
        heard.push(soon(receiver.recv()).await.unwrap());
    }
    // Whoever hears this last one hears it after all else that was to be heard.
    heard.sort_unstable_by_key(|number| number.parse::<u32>().unwrap());
    heard.dedup();
    assert_eq!(heard.len(), 100);
    assert!(receiver.try_recv().is_err(), "a message came twice");
    members.iter().for_each(tokio::task::JoinHandle::abort);
}

pub(crate) async fn a_request_is_answered(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub().clone(), root());
    let mut service = pubsub.subscribe(&subject).await.unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let request = next(&mut service).await;
            assert!(request.wants_reply());
            request
                .respond(format!("{}!", text(&request)))
                .await
                .unwrap();
            request
                .respond("a second answer goes nowhere")
                .await
                .unwrap();
        }
    });
    for question in ["one", "two"] {
        let answer = pubsub.request(&subject, question, PATIENCE).await.unwrap();
        assert_eq!(text(&answer), format!("{question}!"));
    }
    server.await.unwrap();
}

pub(crate) async fn a_request_without_a_listener_fails_at_once(driver: &Driver) {
    let begin = Instant::now();
    let error = driver
        .pubsub()
        .request(&root(), "anyone?", PATIENCE)
        .await
        .unwrap_err();
    assert!(error.is_no_responders(), "{error}");
    assert!(begin.elapsed() < PATIENCE / 2);
}

pub(crate) async fn a_request_without_an_answer_times_out(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub(), root());
    let mut silent = pubsub.subscribe(&subject).await.unwrap();
    let error = pubsub
        .request(&subject, "?", Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // An answer that comes too late does no harm.
    next(&mut silent).await.respond("late").await.unwrap();
}

pub(crate) async fn a_message_that_asks_for_no_answer_takes_none(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub(), root());
    let mut subscription = pubsub.subscribe(&subject).await.unwrap();
    pubsub.publish(&subject, "statement").await.unwrap();
    let error = next(&mut subscription)
        .await
        .respond("answer")
        .await
        .unwrap_err();
    assert!(error.is_invalid(), "{error}");
}

pub(crate) async fn a_slow_subscriber_is_told_what_it_missed(driver: &Driver) {
    let (pubsub, root) = (driver.pubsub(), root());
    let mut slow = pubsub.subscribe(&format!("{root}.>")).await.unwrap();
    let mut quick = pubsub.subscribe(&format!("{root}.last")).await.unwrap();
    for number in 0..5000 {
        pubsub
            .publish(&format!("{root}.flood"), number.to_string())
            .await
            .unwrap();
    }
    pubsub
        .publish(&format!("{root}.last"), "last")
        .await
        .unwrap();
    assert_eq!(text(&next(&mut quick).await), "last");

    let (mut told, mut numbers) = (0, Vec::new());
    loop {
        match soon(slow.next()).await.unwrap() {
            Ok(message) if text(&message) == "last" => break,
            Ok(message) => numbers.push(text(&message).parse::<u32>().unwrap()),
            Err(error) => {
                assert!(error.is_lagged(), "{error}");
                told += 1;
            }
        }
    }
    assert!(told > 0, "a loss is never silent");
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "what is left keeps its order"
    );
    assert!(numbers.len() < 5000);
}

pub(crate) async fn dropped_subscriptions_are_not_counted(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub(), root());
    let one = pubsub.subscribe(&subject).await.unwrap();
    let two = pubsub.queue_subscribe(&subject, "group").await.unwrap();
    assert_eq!(driver.stats().subscriptions, 2);
    drop((one, two));
    assert_eq!(driver.stats().subscriptions, 0);
    let error = pubsub
        .request(&subject, "anyone left?", PATIENCE)
        .await
        .unwrap_err();
    assert!(error.is_no_responders(), "{error}");
}

pub(crate) async fn malformed_subjects_are_refused(driver: &Driver) {
    let pubsub = driver.pubsub();
    for subject in ["", "a..b", ".a", "a b", "a\r\nPUB x"] {
        assert!(
            pubsub.publish(subject, "").await.unwrap_err().is_invalid(),
            "{subject:?}"
        );
        assert!(
            pubsub.subscribe(subject).await.unwrap_err().is_invalid(),
            "{subject:?}"
        );
    }
    assert!(pubsub.publish("a.*", "").await.unwrap_err().is_invalid());
    assert!(pubsub.subscribe("a.>.b").await.unwrap_err().is_invalid());
    assert!(
        pubsub
            .queue_subscribe("a", "two words")
            .await
            .unwrap_err()
            .is_invalid()
    );
}

pub(crate) async fn a_message_above_the_limit_is_refused(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub(), root());
    let mut subscription = pubsub.subscribe(&subject).await.unwrap();
    let error = pubsub
        .publish(&subject, vec![0; MAX_VALUE_BYTES + 1])
        .await
        .unwrap_err();
    assert!(error.is_too_large(), "{error}");
    pubsub
        .publish(&subject, vec![1; MAX_VALUE_BYTES])
        .await
        .unwrap();
    assert_eq!(next(&mut subscription).await.payload.len(), MAX_VALUE_BYTES);
}

pub(crate) async fn closing_ends_the_subscriptions(driver: &Driver) {
    let (pubsub, subject) = (driver.pubsub(), root());
    let mut subscription = pubsub.subscribe(&subject).await.unwrap();
    pubsub.publish(&subject, "last").await.unwrap();
    driver.close().await.unwrap();
    assert_eq!(text(&next(&mut subscription).await), "last");
    assert!(soon(subscription.next()).await.is_none());
    assert!(pubsub.publish(&subject, "").await.unwrap_err().is_closed());
    assert!(pubsub.subscribe(&subject).await.unwrap_err().is_closed());
}
