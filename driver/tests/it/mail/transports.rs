//! Mail into files and memory, and by a transport of one's own.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pleach_driver::backend::{BoxFuture, MailTransport};
use pleach_driver::{Driver, Error, Letter, Mail, Mailer, MemoryMail};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::support::soon;

fn mail() -> Mail {
    Mail::new()
        .to("b@example.com")
        .bcc("unseen@example.com")
        .subject("Süß")
        .text("héllo")
}

#[tokio::test]
async fn each_mail_is_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/mails");
    let mailer = Mailer::builder(format!("file:{}", path.display()));
    let mailer = mailer
        .from("Arena <arena@example.com>".parse().unwrap())
        .build()
        .unwrap();
    let ids = [
        mailer.send(mail()).await.unwrap(),
        mailer.send(mail()).await.unwrap(),
    ];
    let mut names: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    for id in ids {
        let file = names
            .iter()
            .find(|name| name.to_string_lossy().ends_with(&format!("-{id}.eml")))
            .unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        for line in [
            &format!("Message-ID: <{id}>\r\n"),
            "To: b@example.com\r\n",
            "From: Arena <arena@example.com>\r\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(!text.contains("unseen"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mailer = Mailer::builder(format!("file:{}", file.join("sub").display()))
        .build()
        .unwrap();
    let error = mailer.send(mail().from("a@example.com")).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

#[tokio::test]
async fn memory_keeps_letters_and_tells_when_they_come() {
    let memory = MemoryMail::new();
    let driver = Driver::open("memory:")
        .await
        .unwrap()
        .with_mail(Mailer::new(memory.clone()));
    let waiting = tokio::spawn({
        let memory = memory.clone();
        async move { memory.wait_for(2).await }
    });
    for _ in 0..2 {
        driver
            .mail()
            .send(mail().from("a@example.com"))
            .await
            .unwrap();
    }
    let letters = soon(waiting).await.unwrap();
    let letter = &letters[1];
    let recipients: Vec<_> = letter.recipients().map(ToString::to_string).collect();
    assert_eq!(recipients, ["b@example.com", "unseen@example.com"]);
    assert_eq!(
        (letter.subject(), letter.text(), letter.html()),
        ("Süß", Some("héllo"), None)
    );
}

#[tokio::test]
async fn the_default_is_the_log() {
    let driver = Driver::open("memory:").await.unwrap();
    assert_eq!(driver.mail().describe(), "log:");
    driver
        .mail()
        .send(mail().from("a@example.com"))
        .await
        .unwrap();
}

/// Never answers.
struct Silent;

impl MailTransport for Silent {
    fn deliver<'a>(&'a self, _: &'a Letter) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::pending())
    }

    fn describe(&self) -> String {
        "silence".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_has_a_deadline() {
    let begun = tokio::time::Instant::now();
    let error = Mailer::new(Silent)
        .send(mail().from("a@example.com"))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(begun.elapsed().as_secs(), Duration::from_secs(30).as_secs());
}

/// Keeps what is logged, a line each.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn what_a_mail_says_is_logged_in_detail_alone() {
    let lines = Lines::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let id = tracing::subscriber::with_default(lines.clone(), || {
        let mailer = Mailer::builder("log:").build().unwrap();
        let mail = Mail::new()
            .from("a@example.com")
            .to("b@example.com")
            .bcc("c@example.com");
        let mail = mail
            .subject("123456 is your code")
            .text("Enter 123456")
            .html("<b>123456</b>");
        runtime.block_on(mailer.send(mail)).unwrap()
    });
    let lines = lines.0.lock().unwrap();
    let (detail, rest): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.starts_with("DEBUG"));
    assert_eq!(
        *rest,
        [&format!(
            "INFO message=a mail goes to the log id={id:?} to=b@example.com,c@example.com"
        )]
    );
    assert!(
        detail[0].contains("subject=\"123456 is your code\"")
            && detail[0].contains("text=\"Enter 123456\""),
        "{detail:?}"
    );
}
