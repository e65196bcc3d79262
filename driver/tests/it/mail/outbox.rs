//! The queue of mail.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pleach_driver::backend::{BoxFuture, MailTransport};
use pleach_driver::{
    Driver, Error, FailedMail, Letter, Mail, Mailer, MailerBuilder, MemoryMail, StreamConfig,
};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

use super::server::{Mode, Smtpd};
use crate::backends::{Backend, Directory};
use crate::support::soon;

fn mail(to: &str) -> Mail {
    Mail::new()
        .from("arena@example.com")
        .to(to)
        .subject("s")
        .text("t")
}

fn quick(builder: MailerBuilder) -> Mailer {
    builder
        .backoff(Duration::from_millis(50), Duration::from_millis(100))
        .attempt_deadline(Duration::from_secs(20))
        .build()
        .unwrap()
}

fn smtp(port: u16) -> Mailer {
    quick(Mailer::builder(format!("smtp://127.0.0.1:{port}")))
}

async fn driver(mailer: Mailer) -> Driver {
    Driver::open("memory:").await.unwrap().with_mail(mailer)
}

/// Works until it is told to stop.
struct Worker {
    stop: Arc<Notify>,
    task: JoinHandle<Result<(), Error>>,
}

impl Worker {
    fn start(driver: &Driver) -> Self {
        let stop = Arc::new(Notify::new());
        let (mailer, stopped) = (driver.mail().clone(), Arc::clone(&stop));
        let task = tokio::spawn(async move { mailer.work(stopped.notified()).await });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.notify_one();
        soon(self.task).await.unwrap().unwrap();
    }
}

/// How many messages the queue holds, sent ones that were not removed and failed ones included.
async fn kept(driver: &Driver) -> u64 {
    let config = StreamConfig::new("mail")
        .subjects(["mail.queued", "mail.failed"])
        .max_age(Duration::from_secs(30 * 24 * 3600));
    driver
        .streams()
        .ensure(config)
        .await
        .unwrap()
        .info()
        .await
        .unwrap()
        .messages
}

/// Waits for the one mail that is put aside.
async fn put_aside(driver: &Driver) -> FailedMail {
    soon(async {
        loop {
            if let [failed] = driver.mail().failed(10).await.unwrap().as_slice() {
                break failed.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// Tries are let through by `gate`, counted, and fail with what `outcome` says to their number.
struct Double {
    gate: Semaphore,
    tries: watch::Sender<usize>,
    ids: Mutex<Vec<String>>,
    outcome: Box<dyn Fn(usize) -> Result<(), Error> + Send + Sync>,
}

struct Handle(Arc<Double>);

impl Double {
    fn new(
        permits: usize,
        outcome: impl Fn(usize) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(permits),
            tries: watch::Sender::new(0),
            ids: Mutex::default(),
            outcome: Box::new(outcome),
        })
    }

    async fn tried(&self, times: usize) {
        soon(self.tries.subscribe().wait_for(|tries| *tries >= times))
            .await
            .unwrap();
    }

    fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap().clone()
    }
}

impl MailTransport for Handle {
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut number = 0;
            self.0.tries.send_modify(|tries| {
                *tries += 1;
                number = *tries;
            });
            self.0.ids.lock().unwrap().push(letter.id().to_owned());
            self.0.gate.acquire().await.unwrap().forget();
            (self.0.outcome)(number)
        })
    }

    fn describe(&self) -> String {
        "a double".to_owned()
    }
}

const MANY: usize = 1000;

#[tokio::test]
async fn what_is_queued_is_sent_and_then_gone() {
    let memory = MemoryMail::new();
    let driver = driver(Mailer::new(memory.clone())).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(
            driver
                .mail()
                .queue(mail(&format!("b{number}@example.com")))
                .await
                .unwrap(),
        );
    }
    assert_eq!((memory.letters().len(), kept(&driver).await), (0, 20));
    let worker = Worker::start(&driver);
    let mut sent: Vec<_> = soon(memory.wait_for(20))
        .await
        .iter()
        .map(|letter| letter.id().to_owned())
        .collect();
    worker.stop().await;
    sent.sort();
    ids.sort();
    assert_eq!(sent, ids);
    assert_eq!(kept(&driver).await, 0, "mail holds secrets");
}

#[tokio::test]
async fn a_worker_waits_for_what_comes() {
    let memory = MemoryMail::new();
    let driver = driver(Mailer::new(memory.clone())).await;
    let worker = Worker::start(&driver);
    for number in 1..4 {
        driver.mail().queue(mail("b@example.com")).await.unwrap();
        soon(memory.wait_for(number)).await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_mail_is_told_when_it_is_queued() {
    let driver = driver(Mailer::new(MemoryMail::new())).await;
    assert!(
        driver
            .mail()
            .queue(mail("nobody"))
            .await
            .unwrap_err()
            .is_invalid()
    );
    let large = mail("b@example.com").text("x".repeat(1024 * 1024));
    assert!(driver.mail().queue(large).await.unwrap_err().is_too_large());
    let lone = Mailer::new(MemoryMail::new());
    assert!(
        lone.queue(mail("b@example.com"))
            .await
            .unwrap_err()
            .is_unsupported()
    );
    assert!(lone.work(pending()).await.unwrap_err().is_unsupported());
}

#[tokio::test]
async fn a_mail_is_tried_until_it_is_taken_and_keeps_its_id() {
    let double = Double::new(MANY, |number| {
        if number < 4 {
            Err(Error::unavailable("away"))
        } else {
            Ok(())
        }
    });
    let driver = driver(quick(Mailer::builder_on(Handle(double.clone())))).await;
    let id = driver.mail().queue(mail("b@example.com")).await.unwrap();
    let worker = Worker::start(&driver);
    double.tried(4).await;
    worker.stop().await;
    assert_eq!(double.ids(), vec![id; 4]);
    assert_eq!(kept(&driver).await, 0);
}

#[tokio::test]
async fn after_its_last_try_a_mail_is_put_aside_and_can_be_queued_again() {
    let double = Double::new(MANY, |number| {
        if number <= 3 {
            Err(Error::unavailable("away\r\nfor long"))
        } else {
            Ok(())
        }
    });
    let mailer = quick(Mailer::builder_on(Handle(double.clone())).attempts(3));
    let driver = driver(mailer).await;
    let id = driver.mail().queue(mail("b@example.com")).await.unwrap();
    let worker = Worker::start(&driver);
    double.tried(3).await;
    let failed = put_aside(&driver).await;
    assert_eq!(
        (failed.letter.id(), failed.reason.as_str(), failed.attempts),
        (id.as_str(), "away  for long", 3)
    );
    driver.mail().requeue(&failed).await.unwrap();
    double.tried(4).await;
    worker.stop().await;
    assert_eq!(double.ids(), vec![id; 4]);
    assert_eq!(kept(&driver).await, 0);
}

#[tokio::test]
async fn a_stop_waits_for_the_tries_under_way_and_begins_no_other() {
    let double = Double::new(0, |_| Ok(()));
    let driver = driver(quick(
        Mailer::builder_on(Handle(double.clone())).concurrency(3),
    ))
    .await;
    for _ in 0..5 {
        driver.mail().queue(mail("b@example.com")).await.unwrap();
    }
    let mut worker = Worker::start(&driver);
    double.tried(3).await;
    worker.stop.notify_one();
    let ended = tokio::time::timeout(Duration::from_millis(50), &mut worker.task).await;
    assert!(ended.is_err(), "three are under way");
    double.gate.add_permits(MANY);
    soon(worker.task).await.unwrap().unwrap();
    assert_eq!((double.ids().len(), kept(&driver).await), (3, 2));
}

#[tokio::test]
async fn a_driver_that_is_closed_ends_its_worker() {
    let driver = driver(Mailer::new(MemoryMail::new())).await;
    let worker = Worker::start(&driver);
    driver.close().await.unwrap();
    assert!(soon(worker.task).await.unwrap().unwrap_err().is_closed());
}

#[tokio::test]
async fn a_mail_outlives_its_process_and_a_server_that_is_away() {
    let directory = Directory::fresh();
    // A server that hangs up on everybody.
    let broken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = broken.local_addr().unwrap().port();
    let driver = directory.open().await.with_mail(smtp(port));
    let id = driver.mail().queue(mail("ann@example.com")).await.unwrap();
    let worker = Worker::start(&driver);
    for _ in 0..2 {
        drop(soon(broken.accept()).await.unwrap());
    }
    worker.stop().await;
    driver.close().await.unwrap();
    drop((driver, broken));

    let mut server = Smtpd::start_at(Mode::Plain, port).await;
    let driver = directory.open().await.with_mail(smtp(port));
    let worker = Worker::start(&driver);
    assert_eq!(server.next().await.id(), id);
    worker.stop().await;
    assert_eq!(kept(&driver).await, 0);
    assert!(server.end().await.is_empty(), "it came once");
}

#[tokio::test]
async fn a_try_that_was_cut_off_is_made_again() {
    let directory = Directory::fresh();
    let double = Double::new(0, |_| Ok(()));
    let driver = directory
        .open()
        .await
        .with_mail(quick(Mailer::builder_on(Handle(double.clone()))));
    let id = driver.mail().queue(mail("ann@example.com")).await.unwrap();
    let worker = Worker::start(&driver);
    double.tried(1).await;
    // As a process that dies would leave it.
    worker.task.abort();
    let _ = worker.task.await;
    driver.close().await.unwrap();
    drop(driver);

    let memory = MemoryMail::new();
    let driver = directory
        .open()
        .await
        .with_mail(Mailer::new(memory.clone()));
    let worker = Worker::start(&driver);
    // The store waits for half a minute for the worker that is gone.
    let letters = tokio::time::timeout(Duration::from_secs(90), memory.wait_for(1))
        .await
        .unwrap();
    assert_eq!(letters[0].id(), id);
    worker.stop().await;
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated() {
    let server = Smtpd::start(Mode::Plain).await;
    let driver = driver(smtp(server.port)).await;
    let id = driver
        .mail()
        .queue(mail("permanent@example.com"))
        .await
        .unwrap();
    let worker = Worker::start(&driver);
    let failed = put_aside(&driver).await;
    worker.stop().await;
    assert_eq!((failed.letter.id(), failed.attempts), (id.as_str(), 1));
    assert!(
        failed.reason.contains("550") && failed.reason.contains("nobody of that name"),
        "{}",
        failed.reason
    );
    assert!(server.end().await.is_empty());
}

#[tokio::test]
async fn a_lost_answer_makes_a_repeat_that_can_be_recognised() {
    let mut server = Smtpd::start(Mode::Plain).await;
    let driver = driver(smtp(server.port)).await;
    let id = driver.mail().queue(mail("once@example.com")).await.unwrap();
    let worker = Worker::start(&driver);
    assert_eq!(server.next().await.id(), id);
    assert_eq!(server.next().await.id(), id);
    worker.stop().await;
    assert!(server.end().await.is_empty());
}

#[tokio::test]
async fn a_server_that_hangs_keeps_nobody_waiting_but_the_worker() {
    let server = Smtpd::start(Mode::Plain).await;
    let mailer = Mailer::builder(format!("smtp://127.0.0.1:{}", server.port))
        .backoff(Duration::from_millis(50), Duration::from_millis(100))
        .attempt_deadline(Duration::from_millis(300))
        .attempts(2)
        .build()
        .unwrap();
    let driver = driver(mailer).await;
    let worker = Worker::start(&driver);
    driver.mail().queue(mail("hang@example.com")).await.unwrap();
    let failed = put_aside(&driver).await;
    assert_eq!(failed.attempts, 2);
    assert!(
        failed.reason.contains("longer than 300ms"),
        "{}",
        failed.reason
    );
    worker.stop().await;
}
