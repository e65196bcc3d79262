//! Mail over SMTP.

use std::time::Duration;

use pleach_driver::{Attachment, Mail, Mailbox, Mailer};
use tokio::net::TcpListener;

use super::server::{Mode, Smtpd, certificate};
use crate::support::soon;

fn url(mode: Mode, port: u16) -> String {
    let ca = certificate();
    let ca = ca.display();
    match mode {
        Mode::Plain => format!("smtp://127.0.0.1:{port}"),
        Mode::StartTls => {
            format!("smtp://me%40example.com:p%3Aw%2F@localhost:{port}?tls=required&ca={ca}")
        }
        Mode::Tls => format!("smtps://me%40example.com:p%3Aw%2F@localhost:{port}?ca={ca}"),
    }
}

fn mailer(url: String) -> Mailer {
    Mailer::builder(url)
        .deadline(Duration::from_secs(20))
        .build()
        .unwrap()
}

fn mail(to: &str) -> Mail {
    Mail::new()
        .from("arena@example.com")
        .to(to)
        .subject("s")
        .text("t")
}

#[tokio::test]
async fn text_html_and_attachments_arrive_over_starttls() {
    let mut server = Smtpd::start(Mode::StartTls).await;
    let text = "Grüße.\n\n.\nA line with a dot in front, and a very long one: ".to_owned()
        + &"x".repeat(2000);
    let html = "<p>Grüße <img src=\"cid:logo\"></p>";
    let mail = Mail::new()
        .from("Die Aréna <arena@example.com>")
        .to(Mailbox::named("Ann, of X", "ann@example.com").unwrap())
        .cc("carl@example.com")
        .bcc("unseen@example.com")
        .reply_to("answers@example.com")
        .subject(
            "Dein Spiel ♟ ist fertig, und dies ist ein langer Betreff, der umgebrochen werden muss",
        )
        .header("List-Unsubscribe", "<https://example.com/leave?id=1>")
        .text(&text)
        .html(html)
        .attach(Attachment::new(
            "spiel größe.bin",
            "application/octet-stream",
            vec![0, 255, 13, 10, 46, 10],
        ))
        .attach(Attachment::new("logo.png", "image/png", "PNG").inline("logo"));
    let id = mailer(url(Mode::StartTls, server.port))
        .send(mail)
        .await
        .unwrap();

    let taken = server.next().await;
    assert_eq!(taken.from, "arena@example.com");
    assert_eq!(
        taken.to,
        ["ann@example.com", "carl@example.com", "unseen@example.com"]
    );
    assert!(taken.tls);
    assert_eq!(taken.user.as_deref(), Some("me@example.com"));
    assert_eq!(taken.id(), id);
    assert_eq!(taken.header("from"), "Die Aréna <arena@example.com>");
    assert_eq!(taken.header("to"), "\"Ann, of X\" <ann@example.com>");
    assert_eq!(taken.header("cc"), "carl@example.com");
    assert_eq!(taken.header("reply-to"), "answers@example.com");
    assert_eq!(
        taken.header("subject"),
        "Dein Spiel ♟ ist fertig, und dies ist ein langer Betreff, der umgebrochen werden muss"
    );
    assert_eq!(
        taken.header("list-unsubscribe"),
        "<https://example.com/leave?id=1>"
    );
    taken.header("date");
    assert!(
        !format!("{:?}", taken.headers).contains("unseen"),
        "{taken:?}"
    );
    let shape = [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/octet-stream",
    ];
    assert_eq!(taken.shape, shape);
    assert_eq!(
        taken.parts[0].content.trim_end().replace("\r\n", "\n"),
        text
    );
    assert_eq!(taken.parts[1].content.trim_end(), html);
    assert_eq!(
        (
            taken.parts[2].id.as_deref(),
            taken.parts[2].content.as_str()
        ),
        (Some("<logo>"), "PNG")
    );
    let file = &taken.parts[3];
    assert_eq!(
        (file.name.as_deref(), file.content.as_str()),
        (Some("spiel größe.bin"), "\0\u{ff}\r\n.\n")
    );
}

#[tokio::test]
async fn tls_from_the_start_and_plain_text_on_loopback_work_too() {
    for mode in [Mode::Tls, Mode::Plain] {
        let mut server = Smtpd::start(mode).await;
        mailer(url(mode, server.port))
            .send(mail("ann@example.com"))
            .await
            .unwrap();
        let taken = server.next().await;
        assert_eq!(
            (taken.tls, taken.user.is_some()),
            (mode == Mode::Tls, mode == Mode::Tls)
        );
        assert_eq!(
            (taken.shape.as_slice(), taken.parts[0].kind.as_str()),
            (["text/plain".to_owned()].as_slice(), "text/plain")
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_and_repeated_nowhere() {
    let server = Smtpd::start(Mode::StartTls).await;
    let wrong = url(Mode::StartTls, server.port).replace("p%3Aw%2F", "secret");
    let error = mailer(wrong)
        .send(mail("ann@example.com"))
        .await
        .unwrap_err();
    assert!(error.is_unavailable() && !error.is_refused(), "{error:?}");
    assert!(
        error.to_string().contains("name and password (535)"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    assert!(server.end().await.is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_trusted_learns_nothing() {
    for mode in [Mode::StartTls, Mode::Tls] {
        let server = Smtpd::start(mode).await;
        let good = url(mode, server.port);
        // Without its certificate, and by a name that it has none for.
        let strange = good
            .split_once("ca=")
            .unwrap()
            .0
            .trim_end_matches(['&', '?'])
            .to_owned();
        for url in [strange, good.replace("localhost:", "127.0.0.1:")] {
            let error = mailer(url).send(mail("ann@example.com")).await.unwrap_err();
            assert!(error.is_unavailable(), "{error:?}");
        }
        assert!(server.end().await.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_sent_where_starttls_is_due_and_not_offered() {
    let server = Smtpd::start(Mode::Plain).await;
    let url = format!("smtp://me:secret@localhost:{}?tls=required", server.port);
    let error = mailer(url).send(mail("ann@example.com")).await.unwrap_err();
    assert!(
        error.is_unavailable() && error.to_string().contains("does not offer STARTTLS"),
        "{error}"
    );
    assert!(server.end().await.is_empty());
}

#[tokio::test]
async fn refusals_for_good_and_for_now_are_told_apart() {
    let server = Smtpd::start(Mode::Plain).await;
    let mailer = mailer(url(Mode::Plain, server.port));
    let error = mailer
        .send(mail("permanent@example.com"))
        .await
        .unwrap_err();
    assert!(error.is_refused() && !error.is_retryable(), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert!(
        format!("{source:?}").contains("nobody of that name"),
        "{source:?}"
    );
    let error = mailer.send(mail("later@example.com")).await.unwrap_err();
    assert!(error.is_unavailable() && error.is_retryable(), "{error:?}");
    // One who is refused keeps the mail from all.
    let both = mail("ann@example.com").to("permanent@example.com");
    assert!(mailer.send(both).await.unwrap_err().is_refused());
    assert!(server.end().await.is_empty());
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_deadline() {
    let limit = Duration::from_millis(400);
    let server = Smtpd::start(Mode::Plain).await;
    // A port that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (port, to) in [
        (server.port, "hang@example.com"),
        (silent.local_addr().unwrap().port(), "ann@example.com"),
    ] {
        let mailer = Mailer::builder(url(Mode::Plain, port))
            .deadline(limit)
            .build()
            .unwrap();
        let error = soon(mailer.send(mail(to))).await.unwrap_err();
        assert!(error.is_timeout() && error.is_retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let server = Smtpd::start(Mode::Plain).await;
    let url = url(Mode::Plain, server.port);
    server.end().await;
    let error = mailer(url).send(mail("ann@example.com")).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}
