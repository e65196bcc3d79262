//! The program around an application: its command line, and what each command does.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use http::{HeaderName, HeaderValue, Method, Request};
#[cfg(feature = "http")]
use pleach_driver::Http;
use pleach_driver::{Driver, DriverBuilder};
use pleach_router::Head;

use crate::app::{BaseApp, Limits};
use crate::body::BoxError;
use crate::builder::Builder;
use crate::observe::log;
use crate::serve;
use crate::settings::{self, Command, CommandFlag, Invocation, Parsed, Program, Settings};

/// Exit codes. Source: CONTRACT §1.
const FAILED: u8 = 1;
const MISUSED: u8 = 2;

const COMMANDS: [Command; 5] = [
    Command {
        name: "serve",
        arguments: "",
        help: "Serve",
        flags: &[],
    },
    Command {
        name: "routes",
        arguments: "",
        help: "Print the tree of routes",
        flags: &[],
    },
    Command {
        name: "explain",
        arguments: "METHOD URL",
        help: "Tell why a request lands where it does",
        flags: &[CommandFlag {
            name: "-H",
            value: Some("'K: V'"),
            help: "A header of the request",
        }],
    },
    Command {
        name: "url",
        arguments: "NAME [K=V]…",
        help: "Print the URL of a route",
        flags: &[CommandFlag {
            name: "--absolute",
            value: None,
            help: "With scheme and host",
        }],
    },
    Command {
        name: "config",
        arguments: "",
        help: "Print every setting and where it came from",
        flags: &[],
    },
];

/// How a command ends when it does not succeed.
enum Failure {
    Misused(String),
    Failed(String),
}

impl Failure {
    fn misused(what: impl Display) -> Self {
        Self::Misused(what.to_string())
    }

    fn failed(what: impl Display) -> Self {
        Self::Failed(what.to_string())
    }
}

impl Builder {
    /// Runs the application as a program: reads the command line, the environment and the settings file, and does what the command says.
    ///
    /// `serve`, the default, opens the store, listens, and drains on Ctrl-C or SIGTERM; the other commands look at the tree or the
    /// settings and never open the store. `--help` lists them all. Everything that goes wrong is told on standard error.
    ///
    /// Public URL, trusted proxies and limits come from the settings then; an application changes their defaults with
    /// [`Builder::default_setting`].
    ///
    /// Exit codes: 0 done; 2 bad usage or configuration; 1 anything else.
    #[must_use]
    pub fn run(self) -> ExitCode {
        self.run_with(std::env::args_os().skip(1))
    }

    fn run_with(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let name = self.name.clone();
        let rows = self.rows();
        let program = Program {
            name: name.clone(),
            version: self.version,
            commands: COMMANDS.to_vec(),
            rows,
        };
        let done = match program.parse(arguments, |name| std::env::var_os(name)) {
            Ok(Parsed::Print(text)) => print(text),
            Ok(Parsed::Run(invocation)) => self.command(&invocation),
            Err(faults) => Err(Failure::misused(faults)),
        };
        let (message, code) = match done {
            Ok(()) => return ExitCode::SUCCESS,
            Err(Failure::Misused(message)) => (message, MISUSED),
            Err(Failure::Failed(message)) => (message, FAILED),
        };
        for line in message.lines() {
            tell(format_args!("{name}: {line}"));
        }
        ExitCode::from(code)
    }

    fn command(self, invocation: &Invocation) -> Result<(), Failure> {
        let builder = self.configure(invocation)?;
        match invocation.command {
            "routes" => print(builder.look()?.tree()),
            "explain" => explain(&builder.look()?, invocation),
            "url" => url(&builder.look()?, invocation),
            "config" => print(invocation.settings.describe()),
            _ => serve_until_stopped(builder, invocation),
        }
    }

    /// Takes over the settings that the builder has fields for.
    fn configure(self, invocation: &Invocation) -> Result<Self, Failure> {
        let settings = &invocation.settings;
        let url = settings.get(&settings::PUBLIC_URL);
        let url = settings::check_public_url(&url, settings.tier()).map_err(Failure::Misused)?;
        let limits = Limits {
            max_body_bytes: settings.get(&settings::MAX_BODY).bytes(),
            ..Limits::default()
        };
        Ok(self
            .limits(limits)
            .public_url(url)
            .trusted_proxies(settings.get(&settings::TRUSTED_PROXIES))
            .metrics_for_all(settings.get(&settings::METRICS_FOR_ALL))
            .settings(settings.clone()))
    }

    fn look(self) -> Result<BaseApp, Failure> {
        self.build_to_look_at().map_err(Failure::failed)
    }
}

fn explain(app: &BaseApp, invocation: &Invocation) -> Result<(), Failure> {
    let [method, url] = invocation.arguments.as_slice() else {
        return Err(Failure::misused("explain METHOD URL [-H 'K: V']…"));
    };
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Failure::Misused(format!("`{method}` is not a method")))?;
    let mut request = Request::builder().method(method).uri(url);
    for header in invocation.values("-H") {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::Misused(format!("`{header}` is not a header: 'K: V'")))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| Failure::Misused(format!("`{name}` is not a header's name")))?;
        let value = HeaderValue::from_str(value.trim())
            .map_err(|_| Failure::Misused(format!("`{value}` is not a header's value")))?;
        request = request.header(name, value);
    }
    let request = request
        .body(())
        .map_err(|_| Failure::Misused(format!("`{url}` is not a URL")))?;
    let (head, ()) = request.into_parts();
    print(app.tree().explain(&Head::from_parts(&head)))
}

fn url(app: &BaseApp, invocation: &Invocation) -> Result<(), Failure> {
    let [name, vars @ ..] = invocation.arguments.as_slice() else {
        return Err(Failure::misused("url NAME [K=V]… [--absolute]"));
    };
    let mut url = app.tree().url(name);
    for var in vars {
        let (name, value) = var
            .split_once('=')
            .ok_or_else(|| Failure::Misused(format!("`{var}` is not K=V")))?;
        url = url.var(name, value);
    }
    let made = if invocation.has("--absolute") {
        url.absolute(&invocation.settings.get(&settings::PUBLIC_URL))
    } else {
        url.relative()
    };
    print(format_args!("{}\n", made.map_err(Failure::misused)?))
}

fn serve_until_stopped(builder: Builder, invocation: &Invocation) -> Result<(), Failure> {
    let settings = &invocation.settings;
    // What is wrong with the settings is told before anything is opened.
    let driver = driver(&builder, settings).map_err(Failure::Misused)?;
    let format = log::Format::of(settings.tier());
    // Kept to the end, so that the last lines are written. A second subscriber in this process is an embedding program's business.
    let _log = log::install(settings.get(&settings::LOG), format).ok();
    let runtime = serve::runtime(settings).map_err(Failure::failed)?;
    runtime.block_on(async {
        let driver = driver
            .open()
            .await
            .map_err(|error| Failure::Failed(chain(&error)))?;
        let app = match builder.driver(driver.clone()).build() {
            Ok(app) => app,
            Err(faults) => {
                let _ = driver.close().await;
                return Err(Failure::failed(faults));
            }
        };
        serve::until_stopped(&app, settings)
            .await
            .map_err(|error: BoxError| Failure::Failed(chain(&*error)))
    })
}

/// Puts together the driver that the settings ask for.
fn driver(builder: &Builder, settings: &Settings) -> Result<DriverBuilder, String> {
    let driver = Driver::builder(settings.get(&settings::STORE));
    let mail = settings.get(&settings::MAIL);
    #[cfg(feature = "mail")]
    let driver = {
        let public_url = settings.get(&settings::PUBLIC_URL);
        driver.mail(crate::mail::mailer(&mail, &builder.name, &public_url)?)
    };
    #[cfg(not(feature = "mail"))]
    if mail != "log:" {
        let scheme = mail.split_once(':').map_or("", |(scheme, _)| scheme);
        return Err(format!(
            "mail: this program was built without the feature `mail`, so that there is log: alone, not {scheme}:"
        ));
    }
    #[cfg(feature = "http")]
    let driver = {
        let name = format!("{}/{}", builder.name, builder.version);
        let http = match settings.get(&settings::HTTP_PROXY).as_deref() {
            None => Http::builder(),
            Some("environment") => Http::builder().proxy_from_environment(),
            Some(url) => Http::builder().proxy(url),
        };
        let http = http.user_agent(name).build();
        driver.http(http.map_err(|error| format!("http-proxy: {error}"))?)
    };
    let _ = builder;
    Ok(driver)
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no failure.
fn print(text: impl Display) -> Result<(), Failure> {
    let _ = write!(std::io::stdout().lock(), "{text}");
    Ok(())
}

/// Writes a line to standard error, past the log: it is meant for whoever started the program.
pub(crate) fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a driver of these flags, if anything.
    fn fault(flags: &[&str]) -> Option<String> {
        let builder = BaseApp::builder("arcade");
        let program = Program {
            name: "arcade".to_owned(),
            version: "1",
            commands: COMMANDS.to_vec(),
            rows: builder.rows(),
        };
        let arguments = flags.iter().map(OsString::from);
        match program.parse(arguments, |_| None) {
            Ok(Parsed::Run(invocation)) => driver(&builder, &invocation.settings).err(),
            other => panic!("{other:?}"),
        }
    }

    #[cfg(not(feature = "mail"))]
    #[test]
    fn mail_that_this_build_lacks_is_told() {
        assert_eq!(fault(&["--mail", "log:"]), None);
        assert_eq!(
            fault(&["--mail", "smtp://u:secret@h"]).unwrap(),
            "mail: this program was built without the feature `mail`, so that there is log: alone, not smtp:"
        );
    }

    #[cfg(feature = "mail")]
    #[test]
    fn mail_goes_where_the_setting_says_or_it_is_told() {
        for url in [
            "log:",
            "file:./mails",
            "smtp://localhost:25",
            "smtps://u:p@mail.example.com",
        ] {
            assert_eq!(fault(&["--mail", url]), None, "{url}");
        }
        for url in [
            "",
            "mail.example.com",
            "smtp://u:secret@h?tls=maybe",
            "pigeon://u:secret@h",
        ] {
            let fault = fault(&["--mail", url]).unwrap();
            assert!(
                fault.starts_with("mail: ") && !fault.contains("secret"),
                "{url}: {fault}"
            );
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_proxy_is_a_url_or_the_environment() {
        for proxy in ["", "environment", "http://u:p@proxy:3128"] {
            assert_eq!(fault(&["--http-proxy", proxy]), None, "{proxy}");
        }
        let fault = fault(&["--http-proxy", "socks5://u:secret@proxy"]).unwrap();
        assert!(
            fault.starts_with("http-proxy: ") && !fault.contains("secret"),
            "{fault}"
        );
    }
}
