//! Who knows a token, and what it is worth.

use super::*;

fn value(cookie: &str) -> &str {
    cookie.split_once('=').expect("a pair").1
}

#[tokio::test]
async fn a_token_that_the_server_did_not_make_is_never_adopted() {
    let driver = memory().await;
    let sessions = instance(&driver).await;
    let planted = format!("session={}", "A".repeat(64));
    let mut browser = Browser {
        sessions,
        cookie: Some(planted.clone()),
    };
    assert!(!browser.exists().await);
    browser.set("a", "a").await.expect("a cookie");
    assert_ne!(browser.cookie.as_deref(), Some(&*planted));
    assert_eq!(browser.get("a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_forged_secret_opens_nothing_and_ends_nothing() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("u1").await;
    let mut forged = browser.cookie.clone().expect("a cookie");
    let last = forged.pop().expect("a character");
    forged.push(if last == 'A' { 'B' } else { 'A' });
    let forger = Browser {
        cookie: Some(forged),
        ..browser.clone()
    };

    let session = forger.request();
    assert!(!session.exists().await.expect("exists"));
    session.destroy().await.expect("destroy");
    assert_eq!(browser.user().await.as_deref(), Some("u1"));
}

#[tokio::test]
async fn a_stolen_store_holds_no_part_of_a_token() {
    let driver = memory().await;
    let mut browser = Browser::new(&instance(&driver).await);
    browser.log_in("u1").await;
    let cookie = browser.cookie.clone().expect("a cookie");
    let token = value(&cookie);
    assert_eq!(token.len(), 64);
    let stolen = stolen(&driver).await;
    assert_eq!(stolen.len(), 2);
    for entry in stolen {
        let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
        for part in token.as_bytes().windows(8) {
            let part = std::str::from_utf8(part).expect("text");
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
}

#[tokio::test]
async fn secrets_show_in_no_debug_form() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.set("pin", "my secret").await;
    let session = browser.request();
    session.get::<String>("pin").await.expect("get");
    let cookie = browser.cookie.clone().expect("a cookie");
    let shown = format!(
        "{session:?} {:?} {:?}",
        browser.sessions,
        session.id().await
    );
    assert!(
        !shown.contains(value(&cookie)) && !shown.contains("my secret"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_cookie_is_sent_once() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    let cookie = browser.set("a", "a").await.expect("a cookie");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"),
        "{cookie}"
    );
    assert_eq!(browser.set("b", "b").await, None);
    assert_eq!(browser.get("a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_planted_token_is_worth_nothing_once_its_victim_logs_in() {
    let mut attacker = Browser::new(&instance(&memory().await).await);
    attacker.set("cart", "a book").await;
    let stream = attacker.request();
    assert!(stream.exists().await.expect("exists"));
    let mut victim = attacker.clone();

    victim.log_in("victim").await.expect("a fresh cookie");
    assert_ne!(victim.cookie, attacker.cookie);
    assert_eq!(victim.user().await.as_deref(), Some("victim"));
    assert_eq!(victim.get("cart").await.as_deref(), Some("a book"));

    assert!(!attacker.exists().await);
    soon(stream.ended()).await;
    // Nor does what it had under way bring anything back.
    stream.set("cart", "a bomb").await.expect("dropped");
    assert_eq!(attacker.receive(&stream).await, None);
    stream.reload().await.expect("reload");
    assert_eq!(stream.user_id().await.expect("none"), None);
    assert_eq!(victim.get("cart").await.as_deref(), Some("a book"));
}

#[tokio::test]
async fn a_renewed_session_keeps_its_data_its_id_and_its_streams() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("u1").await;
    browser.set("a", "a").await;
    let old = browser.clone();
    let session = browser.request();
    let id = session.id().await.expect("id");
    let mut ended = Box::pin(session.ended());
    assert!(is_pending(&mut ended).await);

    session.renew().await.expect("renew");
    browser.receive(&session).await.expect("a fresh cookie");
    assert_ne!(browser.cookie, old.cookie);
    let session = browser.request();
    assert_eq!(
        session.get::<String>("a").await.expect("get").as_deref(),
        Some("a")
    );
    assert_eq!(
        session.user_id().await.expect("user").as_deref(),
        Some("u1")
    );
    assert_eq!(session.id().await.expect("id"), id);
    assert!(!old.exists().await);

    // The stream has heard of the renewal by the time that it hears of the end.
    session.destroy().await.expect("destroy");
    soon(ended).await;
}

#[tokio::test]
async fn a_request_in_flight_writes_into_the_renewed_session() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.set("a", "a").await;
    let in_flight = browser.request();
    assert!(in_flight.exists().await.expect("exists"));

    let renewing = browser.request();
    renewing.renew().await.expect("renew");
    browser.receive(&renewing).await.expect("a fresh cookie");

    in_flight.set("late", "kept").await.expect("set");
    assert_eq!(browser.receive(&in_flight).await, None);
    assert_eq!(browser.get("late").await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_request_that_comes_with_a_token_just_renewed_gets_nothing_and_no_cookie() {
    let driver = memory().await;
    let mut browser = Browser::new(&instance(&driver).await);
    browser.log_in("u1").await;
    let late = browser.request();
    let renewing = browser.request();
    renewing.renew().await.expect("renew");
    browser.receive(&renewing).await.expect("a fresh cookie");
    let before = stolen(&driver).await;

    assert_eq!(late.user_id().await.expect("none"), None);
    late.set("late", "dropped").await.expect("set");
    assert!(!late.exists().await.expect("exists"));
    // A cookie here would push the renewed one out of the browser.
    assert_eq!(browser.receive(&late).await, None);
    assert_eq!(stolen(&driver).await, before);
    assert_eq!(browser.user().await.as_deref(), Some("u1"));
}

#[tokio::test]
async fn a_late_answer_does_not_overwrite_the_cookie_of_a_log_in_or_a_log_out() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.set("a", "a").await;
    let late = browser.request();
    browser.log_in("u1").await.expect("a fresh cookie");
    late.set("a", "b").await.expect("set");
    assert_eq!(browser.receive(&late).await, None);
    assert_eq!(browser.user().await.as_deref(), Some("u1"));

    let (late, leaving) = (browser.request(), browser.request());
    leaving.destroy().await.expect("destroy");
    browser
        .receive(&leaving)
        .await
        .expect("the cookie is cleared");
    late.flash("hello").await.expect("flash");
    assert_eq!(browser.receive(&late).await, None);
    assert_eq!(browser.cookie, None);
}

#[tokio::test]
async fn who_was_revoked_may_begin_again_with_the_dead_cookie() {
    let sessions = instance(&memory().await).await;
    let mut browser = Browser::new(&sessions);
    browser.log_in("u1").await;
    sessions.revoke_all("u1").await.expect("revoke");
    browser
        .set("oauth state", "x")
        .await
        .expect("a fresh cookie");
    assert_eq!(browser.get("oauth state").await.as_deref(), Some("x"));
}

#[tokio::test]
async fn who_logs_out_with_a_token_just_renewed_is_logged_out() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("u1").await;
    let leaving = browser.request();
    let renewing = browser.request();
    renewing.renew().await.expect("renew");
    browser.receive(&renewing).await.expect("a fresh cookie");
    let renewed = browser.clone();

    leaving.destroy().await.expect("destroy");
    browser
        .receive(&leaving)
        .await
        .expect("the cookie is cleared");
    assert_eq!(browser.cookie, None);
    assert!(!renewed.exists().await);
}

#[tokio::test]
async fn of_two_renewals_at_once_one_cookie_counts() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("u1").await;
    let (one, two) = (browser.request(), browser.request());
    one.renew().await.expect("renew");
    two.renew().await.expect("renew");
    two.set("two", "2").await.expect("set");
    assert!(browser.receive(&one).await.is_some());
    assert_eq!(browser.receive(&two).await, None);
    assert_eq!(browser.user().await.as_deref(), Some("u1"));
    assert_eq!(browser.get("two").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn of_a_handler_that_fails_nothing_is_stored() {
    let driver = memory().await;
    let mut browser = Browser::new(&instance(&driver).await);
    browser.set("a", "a").await;
    let before = stolen(&driver).await;
    let session = browser.request();
    session.set("a", "b").await.expect("set");
    session.log_in("u1").await.expect("log in");
    drop(session);
    assert_eq!(stolen(&driver).await, before);
}
