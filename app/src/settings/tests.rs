//! Facts of settings: what wins, and what a user is told.

use std::ffi::OsString;
use std::time::Duration;

use super::{
    ADDR, ADMINS, Command, CommandFlag, DRAIN, Invocation, MAX_BODY, Opt, PUBLIC_URL, Parsed,
    Program, Retention, Row, STORE, Settings, Size, TIER, base,
};
use crate::tier::Tier;

const GAME_TTL: Opt<Duration> = Opt::new("game-ttl", "1h", "How long a game lives");
const CHAT_RETENTION: Opt<Retention> =
    Opt::new("chat-retention", "30d", "How much of a chat is kept");
const OPEN_DOORS: Opt<bool> = Opt::new("open-doors", "false", "Let everybody in");
const API_KEY: Opt<Option<u32>> = Opt::new("api-key", "", "Key of the service").secret();

fn program() -> Program {
    let mut rows = base::rows();
    let own: [Row; 4] = [
        GAME_TTL.into(),
        CHAT_RETENTION.into(),
        OPEN_DOORS.into(),
        API_KEY.into(),
    ];
    rows.extend(own);
    Program {
        name: "arena".to_owned(),
        version: "1.2.3",
        commands: vec![
            Command {
                name: "serve",
                arguments: "",
                help: "Serve",
                flags: &[],
            },
            Command {
                name: "explain",
                arguments: "METHOD URL",
                help: "Tell why",
                flags: &[CommandFlag {
                    name: "-H",
                    value: Some("'K: V'"),
                    help: "A header",
                }],
            },
            Command {
                name: "url",
                arguments: "NAME",
                help: "Print a URL",
                flags: &[CommandFlag {
                    name: "--absolute",
                    value: None,
                    help: "With the host",
                }],
            },
        ],
        rows,
    }
}

/// A command line with its surroundings: variables as pairs, and a file that holds the text.
#[derive(Default)]
struct Case<'a> {
    line: &'a str,
    env: &'a [(&'a str, &'a str)],
    file: &'a str,
}

impl Case<'_> {
    /// Reads it as a program would. In messages, the file's path is `FILE`.
    fn parse(&self) -> Result<Parsed, String> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), self.file).expect("it takes text");
        let path = file.path().to_str().expect("UTF-8");
        // The file is always named, so that no `pleach.toml` of the working directory can get in.
        let line = format!("--config {path} {}", self.line);
        let env = |name: &str| {
            self.env
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        program()
            .parse(line.split_whitespace().map(OsString::from), env)
            .map_err(|faults| faults.to_string().replace(path, "FILE"))
    }

    #[track_caller]
    fn invocation(&self) -> Invocation {
        match self.parse() {
            Ok(Parsed::Run(invocation)) => invocation,
            other => panic!("{}: {other:?}", self.line),
        }
    }

    #[track_caller]
    fn settings(&self) -> Settings {
        self.invocation().settings
    }

    /// Returns the line of `config` about an option.
    #[track_caller]
    fn described(&self, name: &str) -> String {
        let all = self.settings().describe();
        all.lines()
            .find(|line| line.starts_with(&format!("{name} = ")))
            .expect("every option has its line")
            .to_owned()
    }
}

#[track_caller]
fn assert_refused(case: &Case<'_>, message: &str) {
    match case.parse() {
        Err(faults) => assert_eq!(faults, message),
        Ok(parsed) => panic!("it was taken: {parsed:?}"),
    }
}

#[test]
fn a_flag_is_stronger_than_a_variable_that_than_the_file_and_that_than_the_default() {
    let flag = "--drain 1s";
    let env = [("PLEACH_DRAIN", "2s")];
    let file = "drain = '3s'";
    let strongest = |line, env, file| Case { line, env, file }.described("drain");
    assert_eq!(
        strongest(flag, &env[..], file),
        "drain = 1s  # flag --drain"
    );
    assert_eq!(
        strongest("", &env[..], file),
        "drain = 2s  # env PLEACH_DRAIN"
    );
    assert_eq!(strongest("", &[], ""), "drain = 10s  # default");
    let settings = Case {
        file,
        ..Case::default()
    }
    .settings();
    assert_eq!(settings.get(&DRAIN), Duration::from_secs(3));
}

#[test]
fn the_source_of_a_value_in_a_file_is_the_file_as_it_was_named() {
    let described = Case {
        file: "addr = '127.0.0.1:1'",
        ..Case::default()
    }
    .described("addr");
    let (value, source) = described.split_once("  # file ").expect("a file");
    assert_eq!(value, "addr = 127.0.0.1:1");
    assert!(source.starts_with('/'), "{source}");
}

#[test]
fn flags_stand_before_or_after_the_command_with_a_space_or_an_equals_sign() {
    for line in [
        "--drain 1s serve --max-body 2MiB",
        "--drain=1s --max-body=2MiB serve",
        "serve --max-body 2MiB --drain=1s",
        "--drain 9s --drain 1s --max-body 2MiB",
    ] {
        let invocation = Case {
            line,
            ..Case::default()
        }
        .invocation();
        assert_eq!(invocation.command, "serve");
        assert_eq!(
            invocation.settings.get(&DRAIN),
            Duration::from_secs(1),
            "{line}"
        );
        assert_eq!(
            invocation.settings.get(&MAX_BODY),
            Size::of_bytes(2 << 20),
            "{line}"
        );
    }
}

#[test]
fn commands_have_arguments_and_flags_of_their_own() {
    let invocation = Case {
        line: "explain GET /game/42?x=1 -H Accept:text/html -H Host:test --drain 1s",
        ..Case::default()
    }
    .invocation();
    assert_eq!(
        (invocation.command, invocation.arguments.join(" ").as_str()),
        ("explain", "GET /game/42?x=1")
    );
    assert_eq!(
        invocation.values("-H").collect::<Vec<_>>(),
        ["Accept:text/html", "Host:test"]
    );
    let invocation = Case {
        line: "--absolute url game id=1 -- --odd",
        ..Case::default()
    }
    .invocation();
    assert!(invocation.has("--absolute"));
    assert_eq!(invocation.arguments, ["game", "id=1", "--odd"]);
}

#[test]
fn a_switch_alone_means_true() {
    for (line, expected) in [
        ("", false),
        ("--open-doors", true),
        ("--open-doors serve", true),
        ("--open-doors=false", false),
        ("--open-doors=yes", true),
    ] {
        assert_eq!(
            Case {
                line,
                ..Case::default()
            }
            .settings()
            .get(&OPEN_DOORS),
            expected,
            "{line}"
        );
    }
}

#[test]
fn a_file_spells_values_in_its_own_types() {
    let file = "max-connections = 1_000\nopen-doors = true\nadmins = ['a', 'b@example.com']\ntier = \"staging\"";
    let settings = Case {
        file,
        ..Case::default()
    }
    .settings();
    assert_eq!(settings.get(&super::MAX_CONNECTIONS), 1000);
    assert!(settings.get(&OPEN_DOORS));
    assert_eq!(settings.get(&ADMINS), ["a", "b@example.com"]);
    assert_eq!(settings.get(&TIER), Tier::Staging);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let case = Case {
        env: &[("PLEACH_ADDR", "")],
        ..Case::default()
    };
    assert_eq!(case.described("addr"), "addr = 127.0.0.1:8080  # default");
}

#[test]
fn unknown_names_are_refused_with_what_may_have_been_meant() {
    for (line, message) in [
        (
            "--adr 127.0.0.1:1",
            "there is no flag `--adr`; did you mean `--addr`?",
        ),
        (
            "--max_body=1",
            "there is no flag `--max_body`; did you mean `--max-body`?",
        ),
        ("--bogus=1", "there is no flag `--bogus`"),
        ("-x", "there is no flag `-x`"),
        (
            "-addr=1",
            "there is no flag `-addr=1`; did you mean `--addr`?",
        ),
        (
            "sreve",
            "there is no command `sreve`; did you mean `serve`?",
        ),
        ("dance", "there is no command `dance`"),
        ("serve --absolute", "`serve` takes no flag `--absolute`"),
        ("serve now", "`serve` takes no argument: `now`"),
    ] {
        assert_refused(
            &Case {
                line,
                ..Case::default()
            },
            message,
        );
    }
    let file = "drain = '1s'\n\nmax-bdy = '1MiB'\nzzz = 1";
    assert_refused(
        &Case {
            file,
            ..Case::default()
        },
        "FILE:3: there is no option `max-bdy`; did you mean `max-body`?\nFILE:4: there is no option `zzz`",
    );
}

#[test]
fn a_bad_value_is_told_with_the_place_it_came_from() {
    for (case, message) in [
        (
            Case {
                line: "--drain soon",
                ..Case::default()
            },
            "flag --drain: `soon` is not a duration such as 500ms, 30s, 10m, 1h or 30d: a number is missing",
        ),
        (
            Case {
                line: "--drain 10",
                ..Case::default()
            },
            "flag --drain: `10` is not a duration such as 500ms, 30s, 10m, 1h or 30d: the unit is missing",
        ),
        (
            Case {
                line: "--drain",
                ..Case::default()
            },
            "flag --drain needs a value: --drain DURATION",
        ),
        (
            Case {
                line: "--drain --open-doors",
                ..Case::default()
            },
            "flag --drain needs a value: --drain DURATION",
        ),
        (
            Case {
                env: &[("PLEACH_MAX_BODY", "1MB")],
                ..Case::default()
            },
            "env PLEACH_MAX_BODY: `1MB` is not a size such as 512B, 64KiB or 1MiB: the units are B, KiB, MiB and GiB",
        ),
        (
            Case {
                file: "\ntier = 'live'",
                ..Case::default()
            },
            "FILE:2: tier: `live` is not a tier: development, staging or production",
        ),
        (
            Case {
                file: "max-connections = -1",
                ..Case::default()
            },
            "FILE:1: max-connections: `-1` is not a whole number from 0 to 18446744073709551615",
        ),
        (
            Case {
                file: "[server]\naddr = ''",
                ..Case::default()
            },
            "FILE:1: `server` is a table; every key stands at the top",
        ),
        (
            Case {
                file: "admins = ['a,b']",
                ..Case::default()
            },
            "FILE:1: `admins` holds a comma in an item of its list",
        ),
        (
            Case {
                file: "drain = 1979-05-27",
                ..Case::default()
            },
            "FILE:1: `drain` is a date; no option takes one",
        ),
        (
            Case {
                file: "max-connections = 0x10",
                ..Case::default()
            },
            "FILE:1: `max-connections` is a number in another base than ten",
        ),
        (
            Case {
                line: "--addr 8080",
                ..Case::default()
            },
            "flag --addr: `8080` is not an address such as 127.0.0.1:8080, localhost:8080 or [::1]:8080",
        ),
        (
            Case {
                line: "--addr ::1:8080",
                ..Case::default()
            },
            "flag --addr: `::1:8080` is not an address such as 127.0.0.1:8080, localhost:8080 or [::1]:8080",
        ),
        (
            Case {
                line: "--addr host:99999",
                ..Case::default()
            },
            "flag --addr: `host:99999` is not an address such as 127.0.0.1:8080, localhost:8080 or [::1]:8080",
        ),
        (
            Case {
                line: "--open-doors=maybe",
                ..Case::default()
            },
            "flag --open-doors: `maybe` is neither true nor false",
        ),
        (
            Case {
                line: "--layout wide",
                ..Case::default()
            },
            "flag --layout: `wide` is not a layout: shared or per-core",
        ),
    ] {
        assert_refused(&case, message);
    }
}

#[test]
fn a_bad_secret_is_not_told() {
    assert_refused(
        &Case {
            line: "--api-key hunter2",
            ..Case::default()
        },
        "flag --api-key: the value is not valid",
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let case = Case {
        line: "--drain x --bogus serve",
        env: &[("PLEACH_TIER", "live")],
        file: "zzz = 1",
    };
    let Err(faults) = case.parse() else {
        panic!("it was taken")
    };
    assert_eq!(faults.lines().count(), 4, "{faults}");
}

#[test]
fn a_broken_file_is_told_with_its_line_and_a_missing_one_only_if_it_was_named() {
    let Err(faults) = (Case {
        file: "drain = '1s'\naddr = =",
        ..Case::default()
    })
    .parse() else {
        panic!("it was taken")
    };
    assert!(faults.starts_with("FILE:2: "), "{faults}");
    let parse = |line: &[&str]| program().parse(line.iter().map(OsString::from), |_| None);
    let faults = parse(&["--config", "/nowhere/arena.toml"])
        .expect_err("it is missing")
        .to_string();
    assert!(faults.starts_with("/nowhere/arena.toml: "), "{faults}");
    // Tests run in the folder of their crate, where there is no `pleach.toml`.
    assert!(!std::path::Path::new("pleach.toml").exists());
    assert!(matches!(parse(&[]), Ok(Parsed::Run(_))));
}

#[test]
fn secrets_are_masked() {
    for (store, shown) in [
        ("nats://h1:4222,h2:4222", "nats://h1:4222,h2:4222"),
        (
            "nats://user:pass@h1:4222,h2:4222?replicas=3",
            "nats://user:***@h1:4222,h2:4222?replicas=3",
        ),
        (
            "nats://user:pass@h1,user:p@s/s,word@h2",
            "nats://user:***@h2",
        ),
        ("nats://token@h1/", "nats://***@h1/"),
        (
            "smtps://me%40example.com:x@mail.example.com:465",
            "smtps://me%40example.com:***@mail.example.com:465",
        ),
        (
            "nats://h1?creds=/etc/x.creds&token=abc",
            "nats://h1?creds=/etc/x.creds&token=***",
        ),
        ("file:./pleach-data", "file:./pleach-data"),
        ("file:./a@b", "file:./a@b"),
    ] {
        let line = format!("--store {store}");
        let case = Case {
            line: &line,
            ..Case::default()
        };
        assert_eq!(
            case.described("store"),
            format!("store = {shown}  # flag --store")
        );
        assert_eq!(
            case.settings().get(&STORE),
            store,
            "only what is shown is masked"
        );
    }
    assert_eq!(
        Case {
            env: &[("PLEACH_API_KEY", "42")],
            ..Case::default()
        }
        .described("api-key"),
        "api-key = ***  # env PLEACH_API_KEY"
    );
    assert_eq!(
        Case::default().described("api-key"),
        "api-key =   # default"
    );
}

#[test]
fn a_value_stays_on_its_line() {
    let case = Case {
        file: "store = \"file:a\\nadmins = x  # default\"",
        ..Case::default()
    };
    assert_eq!(
        case.settings().describe().lines().count(),
        Settings::default().describe().lines().count() + 4
    );
}

#[test]
fn the_public_url_follows_the_address() {
    for (line, url) in [
        ("", "http://127.0.0.1:8080"),
        ("--addr 0.0.0.0:80", "http://127.0.0.1:80"),
        ("--addr [::]:81", "http://[::1]:81"),
        ("--addr arena.local:82", "http://arena.local:82"),
        (
            "--addr 0.0.0.0:80 --public-url https://arena.example.com",
            "https://arena.example.com",
        ),
    ] {
        assert_eq!(
            Case {
                line,
                ..Case::default()
            }
            .settings()
            .get(&PUBLIC_URL),
            url,
            "{line}"
        );
    }
}

#[test]
fn options_of_an_application_have_their_defaults_even_where_nobody_registered_them() {
    assert_eq!(
        Settings::default().get(&GAME_TTL),
        Duration::from_secs(3600)
    );
    assert_eq!(Settings::default().get(&ADDR).as_str(), "127.0.0.1:8080");
    assert_eq!(
        Case {
            line: "--chat-retention 10000",
            ..Case::default()
        }
        .settings()
        .get(&CHAT_RETENTION),
        Retention::Count(10_000)
    );
    let thirty_days = Duration::from_secs(30 * 24 * 3600);
    assert_eq!(
        Case::default().settings().get(&CHAT_RETENTION),
        Retention::Age(thirty_days)
    );
}

#[test]
fn settings_can_be_given_by_a_program() {
    let settings = Settings::default()
        .with(&GAME_TTL, "2s")
        .expect("a duration");
    assert_eq!(settings.get(&GAME_TTL), Duration::from_secs(2));
    assert!(settings.describe().contains("game-ttl = 2s  # program\n"));
    assert!(settings.with(&DRAIN, "soon").is_err());
}

#[test]
fn help_and_version_are_printed_whatever_else_is_wrong() {
    for line in ["--help", "-h", "--bogus --help", "dance --drain x -h"] {
        let Ok(Parsed::Print(help)) = (Case {
            line,
            ..Case::default()
        })
        .parse() else {
            panic!("{line}")
        };
        for part in [
            "arena 1.2.3\n\nUsage: arena [OPTION]… [COMMAND] [ARGUMENT]…\n",
            "  serve               Serve (default)\n",
            "  url --absolute",
            "  --addr HOST:PORT",
            "[default: 127.0.0.1:8080]",
            "  --open-doors ",
            "  --config FILE",
        ] {
            assert!(help.contains(part), "{part:?} in\n{help}");
        }
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(130), "{widest:?}");
    }
    for line in ["--version", "-V"] {
        let Ok(Parsed::Print(version)) = (Case {
            line,
            ..Case::default()
        })
        .parse() else {
            panic!("{line}")
        };
        assert_eq!(version, "arena 1.2.3\n");
    }
}

#[test]
fn an_option_is_defined_once() {
    let mut program = program();
    program.rows.push(GAME_TTL.into());
    let faults = program
        .parse([], |_| None)
        .expect_err("it is defined twice")
        .to_string();
    assert_eq!(faults, "the program defines the option `game-ttl` twice");
}
