//! The sessions of a user.

use super::*;

#[tokio::test]
async fn a_user_sees_all_sessions_and_which_one_is_at_hand() {
    let sessions = instance(&memory().await).await;
    let (mut phone, mut desktop, mut other) = (
        Browser::new(&sessions),
        Browser::new(&sessions),
        Browser::new(&sessions),
    );
    phone.log_in("ann@example.com").await;
    desktop.log_in("ann@example.com").await;
    other.log_in("ann").await;

    let session = desktop.request();
    let list = session.list("ann@example.com").await.expect("list");
    assert_eq!(list.len(), 2);
    let current: Vec<_> = list
        .iter()
        .filter(|info| info.current)
        .map(|info| Some(info.id))
        .collect();
    assert_eq!(current, [session.id().await.expect("id")]);
    assert!(list.iter().all(|info| info.created <= info.last_seen));
    assert_eq!(sessions.list("ann").await.expect("list").len(), 1);
    assert!(sessions.list("an*").await.expect("list").is_empty());
    assert!(sessions.list("").await.expect("list").is_empty());
}

#[tokio::test]
async fn a_revoked_session_ends_and_the_others_stay() {
    let sessions = instance(&memory().await).await;
    let (mut phone, mut desktop) = (Browser::new(&sessions), Browser::new(&sessions));
    phone.log_in("ann").await;
    desktop.log_in("ann").await;
    let stream = phone.request();
    let id = stream.id().await.expect("id").expect("a session");

    desktop.request().revoke("ann", &id).await.expect("revoke");
    soon(stream.ended()).await;
    assert_eq!(phone.user().await, None);
    assert_eq!(desktop.user().await.as_deref(), Some("ann"));
    assert_eq!(sessions.list("ann").await.expect("list").len(), 1);
    assert_eq!(
        sessions
            .revoke("ann", &id)
            .await
            .expect_err("no such session")
            .status(),
        404
    );
}

#[tokio::test]
async fn nobody_revokes_the_session_of_another() {
    let sessions = instance(&memory().await).await;
    let mut ann = Browser::new(&sessions);
    ann.log_in("ann").await;
    let id = ann.request().id().await.expect("id").expect("a session");
    assert_eq!(
        sessions
            .revoke("bob", &id)
            .await
            .expect_err("not theirs")
            .status(),
        404
    );
    assert_eq!(ann.user().await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn revoking_all_logs_a_user_out_everywhere() {
    let driver = memory().await;
    let sessions = instance(&driver).await;
    let mut browsers = vec![Browser::new(&sessions); 20];
    for browser in &mut browsers {
        browser.log_in("ann").await;
    }
    let mut bob = Browser::new(&sessions);
    bob.log_in("bob").await;

    let session = browsers[0].request();
    session.revoke_all("ann").await.expect("revoke");
    assert!(
        browsers[0]
            .receive(&session)
            .await
            .expect("the cookie is cleared")
            .contains("Max-Age=0")
    );
    for browser in &browsers[1..] {
        assert!(!browser.exists().await);
    }
    assert_eq!(bob.user().await.as_deref(), Some("bob"));
    assert!(sessions.list("ann").await.expect("list").is_empty());
    assert_eq!(
        stolen(&driver).await.len(),
        2,
        "bob's record and his entry in the index"
    );
}

#[tokio::test]
async fn the_index_forgets_what_has_expired() {
    let driver = memory().await;
    let options = SessionOptions::new().idle(SECOND / 2);
    let sessions = instance_with(&driver, options).await;
    let mut browser = Browser::new(&sessions);
    browser.log_in("ann").await;
    soon(browser.request().ended()).await;
    assert_eq!(stolen(&driver).await.len(), 1, "the entry in the index");
    assert!(sessions.list("ann").await.expect("list").is_empty());
    assert!(stolen(&driver).await.is_empty());
}

#[tokio::test]
async fn another_user_gets_nothing_that_the_last_one_left() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("ann").await;
    browser.set("private", "ann's").await;
    let stream = browser.request();
    assert!(stream.exists().await.expect("exists"));

    let session = browser.request();
    session.log_in("bob").await.expect("log in");
    assert_eq!(
        session.user_id().await.expect("user").as_deref(),
        Some("bob")
    );
    assert_eq!(session.get::<String>("private").await.expect("get"), None);
    session.set("own", "bob's").await.expect("set");
    browser.receive(&session).await.expect("a fresh cookie");

    soon(stream.ended()).await;
    assert_eq!(browser.request().keys().await.expect("keys"), ["own"]);
    assert!(browser.sessions.list("ann").await.expect("list").is_empty());
    assert_eq!(browser.sessions.list("bob").await.expect("list").len(), 1);
}

#[tokio::test]
async fn logging_in_again_renews_and_keeps_everything() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("ann").await;
    browser.set("a", "a").await;
    let old = browser.clone();
    let id = browser.request().id().await.expect("id");
    browser.log_in("ann").await.expect("a fresh cookie");
    assert!(!old.exists().await);
    assert_eq!(browser.request().id().await.expect("id"), id);
    assert_eq!(browser.get("a").await.as_deref(), Some("a"));
    assert_eq!(browser.sessions.list("ann").await.expect("list").len(), 1);
}

#[tokio::test]
async fn a_write_at_the_moment_of_logging_in_is_kept_if_it_was_stored_before() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.set("first", "1").await;
    let logging_in = browser.request();
    logging_in.log_in("ann").await.expect("log in");
    browser.set("second", "2").await;
    browser.receive(&logging_in).await.expect("a fresh cookie");
    assert_eq!(
        browser.request().keys().await.expect("keys"),
        ["first", "second"]
    );
}

#[tokio::test]
async fn users_of_any_name_are_kept_apart() {
    let sessions = instance(&memory().await).await;
    let names = [
        "a",
        "a.b",
        "a.*",
        ">",
        "*",
        "",
        " ",
        "ü",
        &"long ".repeat(1000),
    ];
    for name in names {
        Browser::new(&sessions).log_in(name).await;
    }
    for name in names {
        assert_eq!(sessions.list(name).await.expect("list").len(), 1, "{name}");
    }
}
