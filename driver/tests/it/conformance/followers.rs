//! Replay, then live.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use pleach_driver::{Driver, Error, Follow, FollowEvent, FollowFrom, Publish, Sequence, Stream};

use super::streams::{message, on, put, text};
use crate::support::{Wakes, soon, stream, stream_config};

/// The next event in a line; the mark is `--`.
#[track_caller]
fn next(follow: &mut Follow) -> impl Future<Output = Result<String, Error>> {
    let event = soon(follow.next());
    async move {
        match event.await.expect("it goes on")? {
            FollowEvent::Message(message) => {
                let (_, token) = message.subject.split_once('.').unwrap();
                Ok(format!("{token}={}", text(&message.payload)))
            }
            FollowEvent::CaughtUp => Ok("--".to_owned()),
            other => panic!("unknown event {other:?}"),
        }
    }
}

async fn expect(follow: &mut Follow, events: &[&str]) {
    for event in events {
        assert_eq!(&next(follow).await.unwrap(), event);
    }
}

async fn follow(stream: &Stream, token: &str, from: FollowFrom) -> Follow {
    stream.follow(&on(stream, token), from).await.unwrap()
}

/// Publishes numbers from many tasks at once.
async fn publish_many(stream: &Stream, token: &str, count: usize) {
    let writers: Vec<_> = (0..32)
        .map(|writer| {
            let (stream, token) = (stream.clone(), token.to_owned());
            tokio::spawn(async move {
                for number in (writer..count).step_by(32) {
                    put(&stream, &token, &number.to_string()).await;
                }
            })
        })
        .collect();
    for writer in writers {
        soon(writer).await.unwrap();
    }
}

pub(crate) async fn what_is_there_then_one_mark_then_what_comes(driver: &Driver) {
    let stream = stream(driver).await;
    for (token, payload) in [("a", "1"), ("b", "2"), ("a", "3")] {
        put(&stream, token, payload).await;
    }
    let mut whole = stream.follow(">", FollowFrom::Start).await.unwrap();
    let mut one = follow(&stream, "a", FollowFrom::Start).await;
    expect(&mut whole, &["a=1", "b=2", "a=3", "--"]).await;
    expect(&mut one, &["a=1", "a=3", "--"]).await;
    put(&stream, "b", "4").await;
    put(&stream, "a", "5").await;
    expect(&mut whole, &["b=4", "a=5"]).await;
    expect(&mut one, &["a=5"]).await;
    assert_eq!(one.position(), Sequence(5));
}

pub(crate) async fn an_empty_stream_is_caught_up_at_once(driver: &Driver) {
    let stream = stream(driver).await;
    for from in [
        FollowFrom::Start,
        FollowFrom::New,
        FollowFrom::Last(5),
        FollowFrom::After(Sequence::NONE),
    ] {
        let mut follow = follow(&stream, "a", from).await;
        expect(&mut follow, &["--"]).await;
    }
}

pub(crate) async fn new_begins_with_the_mark(driver: &Driver) {
    let stream = stream(driver).await;
    put(&stream, "a", "1").await;
    let mut follow = follow(&stream, "a", FollowFrom::New).await;
    put(&stream, "a", "2").await;
    expect(&mut follow, &["--", "a=2"]).await;
}

pub(crate) async fn last_begins_with_the_last_of_the_filter(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 1..=9 {
        put(&stream, ["a", "b"][number % 2], &number.to_string()).await;
    }
    let mut one = follow(&stream, "a", FollowFrom::Last(2)).await;
    let mut pattern = follow(&stream, "*", FollowFrom::Last(2)).await;
    put(&stream, "a", "10").await;
    expect(&mut one, &["a=6", "a=8", "--", "a=10"]).await;
    expect(&mut pattern, &["a=8", "b=9", "--", "a=10"]).await;
}

pub(crate) async fn after_goes_on_where_another_stopped(driver: &Driver) {
    let stream = stream(driver).await;
    for number in 1..=6 {
        put(&stream, ["a", "b"][number % 2], &number.to_string()).await;
    }
    let mut first = follow(&stream, "a", FollowFrom::Start).await;
    expect(&mut first, &["a=2", "a=4"]).await;
    let position = first.position();
    drop(first);
    put(&stream, "a", "7").await;
    let mut second = follow(&stream, "a", FollowFrom::After(position)).await;
    expect(&mut second, &["a=6", "a=7", "--"]).await;
    put(&stream, "a", "8").await;
    expect(&mut second, &["a=8"]).await;
    // At the mark it is where the stream was, whatever the filter.
    let mut none = follow(&stream, "none", FollowFrom::Start).await;
    expect(&mut none, &["--"]).await;
    assert_eq!(none.position(), Sequence(8));
}

pub(crate) async fn after_what_was_trimmed_is_too_old(driver: &Driver) {
    let config = stream_config().max_messages(3);
    let stream = driver.streams().ensure(config).await.unwrap();
    for number in 1..=9 {
        put(&stream, "a", &number.to_string()).await;
    }
    for after in [1, 5, 10] {
        let from = FollowFrom::After(Sequence(after));
        let error = stream.follow(">", from).await.unwrap_err();
        assert!(error.is_too_old(), "after {after}: {error}");
    }
    for (after, expected) in [(6, "a=7"), (8, "a=9"), (9, "--")] {
        let mut follow = follow(&stream, "a", FollowFrom::After(Sequence(after))).await;
        expect(&mut follow, &[expected]).await;
    }
    let mut follow = follow(&stream, "a", FollowFrom::Start).await;
    expect(&mut follow, &["a=7", "a=8", "a=9", "--"]).await;
}

pub(crate) async fn a_follower_that_is_overtaken_while_it_catches_up_is_told(driver: &Driver) {
    let config = stream_config().max_messages(1000);
    let stream = driver.streams().ensure(config).await.unwrap();
    publish_many(&stream, "a", 1000).await;
    let mut follow = follow(&stream, "a", FollowFrom::Start).await;
    next(&mut follow).await.unwrap();
    // All that it has yet to read goes.
    publish_many(&stream, "a", 2000).await;
    let (mut last, mut told) = (follow.position(), false);
    while let Some(event) = soon(follow.next()).await {
        match event {
            Ok(FollowEvent::Message(message)) => {
                assert_eq!(message.sequence.0, last.0 + 1, "no gap before it is told");
                last = message.sequence;
            }
            Ok(_) => panic!("it cannot have caught up"),
            Err(error) => {
                assert!(error.is_too_old(), "{error}");
                told = true;
            }
        }
    }
    assert!(told);
}

pub(crate) async fn a_long_replay_among_publishes_misses_and_repeats_nothing(driver: &Driver) {
    const BEFORE: usize = 3000;
    const DURING: usize = 3000;
    let stream = stream(driver).await;
    publish_many(&stream, "a", BEFORE).await;
    for filter in ["a", ">"] {
        let from = stream.info().await.unwrap().last.0;
        let publisher = {
            let stream = stream.clone();
            tokio::spawn(async move { publish_many(&stream, "a", DURING).await })
        };
        let mut follow = follow(&stream, filter, FollowFrom::Start).await;
        let (mut marks, mut last) = (0, 0);
        while last < from + DURING as u64 {
            match soon(follow.next()).await.unwrap() {
                Ok(FollowEvent::Message(message)) => {
                    assert_eq!(message.sequence.0, last + 1);
                    last += 1;
                }
                Ok(_) => marks += 1,
                Err(error) => {
                    // On a busy machine it may lag, and resumes.
                    assert!(error.is_lagged(), "{error}");
                    let from = FollowFrom::After(follow.position());
                    follow = stream.follow(&on(&stream, filter), from).await.unwrap();
                    marks = 0;
                }
            }
        }
        soon(publisher).await.unwrap();
        if marks == 0 {
            expect(&mut follow, &["--"]).await;
        }
        assert!(marks <= 1, "{marks} marks");
    }
}

pub(crate) async fn a_thousand_followers_of_as_many_subjects_hear_their_own(driver: &Driver) {
    let stream = stream(driver).await;
    let mut follows = Vec::new();
    for number in 0..1000 {
        follows.push(follow(&stream, &number.to_string(), FollowFrom::New).await);
    }
    assert_eq!(driver.stats().followers, 1000);
    for number in [999, 0, 500] {
        put(&stream, &number.to_string(), "x").await;
    }
    for number in [0, 500, 999] {
        expect(&mut follows[number], &["--", &format!("{number}=x")]).await;
    }
}

pub(crate) async fn a_follower_of_one_subject_is_not_woken_by_others(driver: &Driver) {
    let stream = stream(driver).await;
    let mut quiet = follow(&stream, "quiet", FollowFrom::New).await;
    let mut all = stream.follow(">", FollowFrom::New).await.unwrap();
    expect(&mut quiet, &["--"]).await;
    expect(&mut all, &["--"]).await;
    let wakes = Arc::new(Wakes::default());
    {
        let mut waiting = std::pin::pin!(quiet.next());
        let waker = wakes.clone().into();
        let poll = waiting.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
        for number in 0..20 {
            put(&stream, "loud", &number.to_string()).await;
            next(&mut all).await.unwrap();
        }
        assert_eq!(wakes.count(), 0);
        put(&stream, "quiet", "x").await;
        next(&mut all).await.unwrap();
        let event = soon(waiting).await;
        assert!(matches!(event, Some(Ok(FollowEvent::Message(_)))));
    }
    assert_eq!(wakes.count(), 1);
}

pub(crate) async fn a_slow_follower_is_ended_and_resumes_without_gap_or_repeat(driver: &Driver) {
    const MANY: usize = 3000;
    let stream = stream(driver).await;
    let mut slow = follow(&stream, "a", FollowFrom::New).await;
    expect(&mut slow, &["--"]).await;
    let mut quick = follow(&stream, "a", FollowFrom::New).await;
    let reader = tokio::spawn(async move {
        let mut last = 0;
        while last < MANY as u64 {
            match soon(quick.next()).await.unwrap() {
                Ok(FollowEvent::Message(message)) => last = message.sequence.0,
                Ok(_) => {}
                // On a busy machine it may be slow as well.
                Err(error) => return assert!(error.is_lagged(), "{error}"),
            }
        }
    });
    publish_many(&stream, "a", MANY).await;
    soon(reader).await.unwrap();
    // The last message has reached the hub when a follower that has caught up hears of one more.
    let mut last = follow(&stream, "a", FollowFrom::New).await;
    put(&stream, "a", "end").await;
    expect(&mut last, &["--", "a=end"]).await;

    let error = loop {
        match soon(slow.next()).await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.is_lagged(), "{error}");
    assert!(slow.next().await.is_none());
    let from = FollowFrom::After(slow.position());
    let mut sequence = slow.position().0;
    let mut resumed = follow(&stream, "a", from).await;
    while sequence < MANY as u64 + 1 {
        match soon(resumed.next()).await.unwrap().unwrap() {
            FollowEvent::Message(message) => {
                assert_eq!(message.sequence.0, sequence + 1);
                sequence += 1;
            }
            _ => panic!("the mark comes last"),
        }
    }
    expect(&mut resumed, &["--"]).await;
}

pub(crate) async fn a_dropped_next_loses_no_message(driver: &Driver) {
    let stream = stream(driver).await;
    put(&stream, "a", "0").await;
    let mut follow = follow(&stream, "a", FollowFrom::Start).await;
    let mut heard = Vec::new();
    let mut number = 1;
    while heard.len() < 51 {
        let short = tokio::time::timeout(Duration::from_micros(50), follow.next());
        match short.await {
            Ok(Some(Ok(FollowEvent::Message(message)))) => heard.push(message.sequence.0),
            Ok(Some(Ok(_))) => {}
            Ok(other) => panic!("it ended: {other:?}"),
            Err(_) if number <= 50 => {
                put(&stream, "a", &number.to_string()).await;
                number += 1;
            }
            Err(_) => {}
        }
    }
    assert_eq!(heard, (1..=51).collect::<Vec<_>>());
}

pub(crate) async fn dropped_followers_are_not_counted(driver: &Driver) {
    let stream = stream(driver).await;
    let one = follow(&stream, "a", FollowFrom::New).await;
    let two = follow(&stream, "*", FollowFrom::New).await;
    assert_eq!(driver.stats().followers, 2);
    drop(one);
    assert_eq!(driver.stats().followers, 1);
    drop(two);
    assert_eq!(driver.stats().followers, 0);
}

pub(crate) async fn a_follower_outlives_the_handle_it_came_from(driver: &Driver) {
    let config = stream_config();
    let stream = driver.streams().ensure(config.clone()).await.unwrap();
    let mut follow = follow(&stream, "a", FollowFrom::New).await;
    drop(stream);
    let stream = driver.streams().ensure(config).await.unwrap();
    put(&stream, "a", "1").await;
    expect(&mut follow, &["--", "a=1"]).await;
}

pub(crate) async fn deleting_the_stream_ends_its_followers(driver: &Driver) {
    let stream = stream(driver).await;
    let mut follow = follow(&stream, "a", FollowFrom::New).await;
    expect(&mut follow, &["--"]).await;
    driver.streams().delete(stream.name()).await.unwrap();
    let error = next(&mut follow).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(follow.next().await.is_none());
}

pub(crate) async fn closing_ends_the_followers(driver: &Driver) {
    let stream = stream(driver).await;
    let mut follow = follow(&stream, "a", FollowFrom::New).await;
    expect(&mut follow, &["--"]).await;
    driver.close().await.unwrap();
    assert!(next(&mut follow).await.unwrap_err().is_closed());
}

pub(crate) async fn what_was_refused_or_is_a_duplicate_is_not_heard(driver: &Driver) {
    let stream = stream(driver).await;
    let mut follow = follow(&stream, "a", FollowFrom::New).await;
    let publish: Publish = message(&stream, "a", "1").id("once");
    stream.publish(publish.clone()).await.unwrap();
    stream.publish(publish).await.unwrap();
    let stale = message(&stream, "a", "no").expect_last(Sequence::NONE);
    stream.publish(stale).await.unwrap_err();
    put(&stream, "a", "2").await;
    expect(&mut follow, &["--", "a=1", "a=2"]).await;
}
