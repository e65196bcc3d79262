//! What a mail may be.

use pleach_driver::{Attachment, Error, Mail, Mailbox, Mailer, MemoryMail};

async fn send(mail: Mail) -> Result<String, Error> {
    Mailer::new(MemoryMail::new()).send(mail).await
}

fn mail() -> Mail {
    Mail::new()
        .from("a@example.com")
        .to("b@example.com")
        .subject("s")
        .text("t")
}

#[tokio::test]
async fn a_mail_has_a_sender_a_recipient_and_something_to_say() {
    for (mail, what) in [
        (Mail::new().to("b@example.com").text("t"), "who writes"),
        (Mail::new().from("a@example.com").text("t"), "who gets"),
        (
            Mail::new().from("a@example.com").to("b@example.com"),
            "neither text nor HTML",
        ),
        (
            Mail::new().from("a@example.com").to("nobody").text("t"),
            "\"nobody\" is not one address",
        ),
    ] {
        let error = send(mail).await.unwrap_err();
        assert!(
            error.is_invalid() && error.to_string().contains(what),
            "{error}"
        );
    }
    let copies = Mail::new()
        .from("a@example.com")
        .bcc("b@example.com")
        .text("t");
    send(copies).await.unwrap();
}

#[tokio::test]
async fn nothing_can_become_a_header_of_its_own() {
    let evil = "x\r\nBcc: eve@evil.test";
    let cases = [
        mail().subject(evil),
        mail().subject("x\nBcc: eve@evil.test"),
        mail().subject("x\0"),
        mail().header("X-Test", evil),
        mail().header("X-Test\r\nBcc", "eve@evil.test"),
        mail().header("X Test", "1"),
        mail().header("X-Test:", "1"),
        mail().header("", "1"),
        mail().cc(evil),
        mail().reply_to(format!("{evil} <a@example.com>")),
        mail().from(format!("\"{evil}\" <a@example.com>")),
        mail().attach(Attachment::new(evil, "text/plain", "")),
        mail().attach(Attachment::new("x", format!("text/plain{evil}"), "")),
        mail().attach(Attachment::new("x", "text/plain", "").inline("x>\r\nBcc: eve@evil.test")),
    ];
    for mail in cases {
        let shown = format!("{mail:?}");
        let error = send(mail).await.err().unwrap_or_else(|| panic!("{shown}"));
        assert!(error.is_invalid(), "{error}");
    }
    assert!(
        Mailbox::named(evil, "a@example.com")
            .unwrap_err()
            .is_invalid()
    );
}

#[tokio::test]
async fn headers_that_a_mail_has_by_itself_are_refused() {
    for name in [
        "From",
        "TO",
        "bcc",
        "Subject",
        "Message-ID",
        "Date",
        "MIME-Version",
        "Content-Type",
        "content-transfer-encoding",
        "Resent-To",
    ] {
        let error = send(mail().header(name, "x")).await.unwrap_err();
        assert!(error.is_invalid(), "{name}: {error}");
    }
}

#[tokio::test]
async fn limits_are_told() {
    let large = Attachment::new("x", "application/octet-stream", vec![0; 10 * 1024 * 1024]);
    assert!(send(mail().attach(large)).await.unwrap_err().is_too_large());
    let mut many = mail();
    for number in 0..100 {
        many = many.bcc(format!("b{number}@example.com"));
    }
    assert!(send(many).await.unwrap_err().is_invalid());
}

#[tokio::test]
async fn every_mail_has_an_id_of_its_own_at_the_domain_of_its_sender() {
    let (first, second) = (send(mail()).await.unwrap(), send(mail()).await.unwrap());
    assert_ne!(first, second);
    for id in [first, second] {
        let (random, domain) = id.split_once('@').unwrap();
        assert_eq!((random.len(), domain), (32, "example.com"));
    }
}
