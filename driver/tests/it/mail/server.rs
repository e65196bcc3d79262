//! A real SMTP server: aiosmtpd, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use tokio::sync::mpsc;

use crate::support::soon;

pub(crate) struct Smtpd {
    child: Child,
    pub(crate) port: u16,
    mails: mpsc::UnboundedReceiver<Taken>,
}

/// A mail that the server took, as Python's own reader of mail sees it.
#[derive(Debug, Deserialize)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) shape: Vec<String>,
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) content: String,
}

impl Taken {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let (_, value) = found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {self:?}"));
        assert!(found.next().is_none(), "{name} twice in {self:?}");
        value
    }

    /// The `Message-ID` without its brackets.
    #[track_caller]
    pub(crate) fn id(&self) -> &str {
        self.header("message-id").trim_matches(['<', '>'])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    StartTls,
    Tls,
}

pub(crate) fn certificate() -> PathBuf {
    file("../app/src/server/tests/localhost.pem")
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Smtpd {
    /// Starts a server that takes mail of `me@example.com` with the password `p:w/`; a plain one takes it of everybody.
    pub(crate) async fn start(mode: Mode) -> Self {
        Self::start_at(mode, 0).await
    }

    pub(crate) async fn start_at(mode: Mode, port: u16) -> Self {
        let python = file("../target/tools/venv/bin/python");
        assert!(
            python.exists(),
            "the tests of mail need an SMTP server: run .ci/tools, which puts aiosmtpd into target/tools/venv"
        );
        let (mode, user, password) = match mode {
            Mode::Plain => ("plain", "", ""),
            Mode::StartTls => ("starttls", "me@example.com", "p:w/"),
            Mode::Tls => ("tls", "me@example.com", "p:w/"),
        };
        let mut child = Command::new(python)
            .arg(file("tests/it/mail/smtpd.py"))
            .arg(port.to_string())
            .arg(certificate())
            .arg(file("../app/src/server/tests/localhost-key.pem"))
            .args([mode, user, password])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send_port, mut told) = mpsc::unbounded_channel();
        let (send_mail, mails) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut lines = out.lines().map_while(Result::ok);
            if let Some(line) = lines.next() {
                let _ = send_port.send(serde_json::from_str::<serde_json::Value>(&line).unwrap());
            }
            for line in lines {
                if send_mail
                    .send(serde_json::from_str(&line).unwrap())
                    .is_err()
                {
                    break;
                }
            }
        });
        let told = soon(told.recv()).await.expect("the server starts");
        Self {
            child,
            port: told["port"].as_u64().unwrap().try_into().unwrap(),
            mails,
        }
    }

    /// The next mail that it took.
    pub(crate) async fn next(&mut self) -> Taken {
        soon(self.mails.recv()).await.expect("the server runs")
    }

    /// Ends it, and returns what it took that nobody asked for.
    pub(crate) async fn end(mut self) -> Vec<Taken> {
        self.child.kill().unwrap();
        let mut rest = Vec::new();
        while let Some(mail) = soon(self.mails.recv()).await {
            rest.push(mail);
        }
        rest
    }
}

impl Drop for Smtpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
