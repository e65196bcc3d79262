//! Time limits of connections: a coarse clock, and the rule by which a sweep ends those that overstay.
//!
//! A timer per connection would have to be set back with every request, and would cost memory in each of tens of thousands of idle
//! streams that need none. Instead every connection notes the tick at which its phase began, and all are looked at once a tick.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long a connection that was refused may go on sending before it is cut. It reads its answer in that time.
const LINGER: Duration = Duration::from_secs(2);

/// How long a connection may be idle while the places for connections are nearly all taken.
const IDLE_UNDER_PRESSURE: Duration = Duration::from_secs(1);

/// A clock that says how many ticks have passed. A tick is a sixteenth of the shortest limit, so that limits hold to about a tenth.
#[derive(Debug)]
pub(super) struct Clock {
    tick: Duration,
    now: AtomicU32,
}

impl Clock {
    pub(super) fn new(limits: &Limits) -> Self {
        let Limits { header, idle } = limits;
        let tick = (*header.min(idle) / 16).clamp(Duration::from_millis(5), Duration::from_secs(1));
        Self {
            tick,
            now: AtomicU32::new(0),
        }
    }

    pub(super) fn tick(&self) -> Duration {
        self.tick
    }

    pub(super) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self) {
        self.now.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many ticks must have begun for a time to have passed.
    fn ticks(&self, time: Duration) -> u32 {
        u32::try_from(time.as_nanos().div_ceil(self.tick.as_nanos())).unwrap_or(u32::MAX)
    }
}

/// The limits as they were set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) header: Duration,
    pub(super) idle: Duration,
}

/// The limits in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    header: u32,
    idle: u32,
    idle_under_pressure: u32,
    linger: u32,
}

impl Rules {
    pub(super) fn new(limits: &Limits, clock: &Clock) -> Self {
        Self {
            header: clock.ticks(limits.header),
            idle: clock.ticks(limits.idle),
            idle_under_pressure: clock.ticks(limits.idle.min(IDLE_UNDER_PRESSURE)),
            linger: clock.ticks(LINGER),
        }
    }
}

/// A connection at one moment. Times are in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) in_flight: u32,
    pub(super) streams: u32,
    /// Since the present phase began.
    pub(super) age: u32,
    /// Since the client takes nothing of what we have for it.
    pub(super) blocked: Option<u32>,
    pub(super) awaits_head: bool,
    pub(super) ends_stream: bool,
    pub(super) is_lingering: bool,
    pub(super) is_upgraded: bool,
    pub(super) is_finishing: bool,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// End in the manner of the protocol.
    Finish,
    /// End at once.
    Cut,
}

/// How a sweep finds the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Ordinary,
    /// Nearly all places are taken.
    Pressed,
    /// A drain has waited long enough for all but requests at work.
    StreamsOver,
}

/// Decides on one connection.
pub(super) fn judge(connection: &Snapshot, rules: &Rules, times: Times) -> Verdict {
    let Snapshot {
        in_flight,
        streams,
        age,
        blocked,
        awaits_head,
        ends_stream,
        is_lingering,
        is_upgraded,
        is_finishing,
    } = *connection;
    if is_upgraded {
        // Whoever asked for the upgrade keeps its time.
        return Verdict::Keep;
    }
    if blocked.is_some_and(|blocked| blocked > rules.idle) {
        return Verdict::Cut;
    }
    if in_flight > streams {
        return Verdict::Keep;
    }
    let answer_is_under_way = blocked.is_some() && !ends_stream && streams == 0;
    if times == Times::StreamsOver && !answer_is_under_way {
        return Verdict::Cut;
    }
    if streams > 0 || answer_is_under_way {
        return Verdict::Keep;
    }
    if is_lingering {
        return if age > rules.linger {
            Verdict::Cut
        } else {
            Verdict::Keep
        };
    }
    if awaits_head {
        return if age > rules.header {
            Verdict::Cut
        } else {
            Verdict::Keep
        };
    }
    let idle = if times == Times::Pressed {
        rules.idle_under_pressure
    } else {
        rules.idle
    };
    match (age > idle, is_finishing) {
        (false, _) => Verdict::Keep,
        (true, false) => Verdict::Finish,
        (true, true) => Verdict::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        header: Duration::from_secs(10),
        idle: Duration::from_secs(60),
    };

    fn rules() -> (Clock, Rules) {
        let clock = Clock::new(&LIMITS);
        let rules = Rules::new(&LIMITS, &clock);
        (clock, rules)
    }

    #[test]
    fn a_limit_is_never_cut_short_and_kept_within_two_ticks() {
        let (clock, rules) = rules();
        let silent = |age| Snapshot {
            age,
            awaits_head: true,
            ..Snapshot::default()
        };
        let age = (0..)
            .find(|age| judge(&silent(*age), &rules, Times::Ordinary) == Verdict::Cut)
            .expect("it is cut");
        // The phase may have begun at the very end of its first tick.
        assert!(clock.tick() * (age - 1) >= LIMITS.header);
        assert!(clock.tick() * (age - 1) < LIMITS.header + 2 * clock.tick());
    }

    #[test]
    fn what_becomes_of_a_connection() {
        use Times::{Ordinary, Pressed, StreamsOver};
        use Verdict::{Cut, Finish, Keep};
        let (_, rules) = rules();
        let (short, header, idle) = (1, rules.header + 1, rules.idle + 1);
        let new = Snapshot::default();
        for (name, connection, expected) in [
            (
                "just idle",
                Snapshot { age: short, ..new },
                [Keep, Keep, Cut],
            ),
            (
                "idle for seconds",
                Snapshot { age: header, ..new },
                [Keep, Finish, Cut],
            ),
            (
                "idle too long",
                Snapshot { age: idle, ..new },
                [Finish, Finish, Cut],
            ),
            (
                "asked and still idle",
                Snapshot {
                    age: idle,
                    is_finishing: true,
                    ..new
                },
                [Cut, Cut, Cut],
            ),
            (
                "with half a head",
                Snapshot {
                    age: short,
                    awaits_head: true,
                    ..new
                },
                [Keep, Keep, Cut],
            ),
            (
                "with half a head for long",
                Snapshot {
                    age: header,
                    awaits_head: true,
                    ..new
                },
                [Cut, Cut, Cut],
            ),
            (
                "at work",
                Snapshot {
                    age: idle,
                    in_flight: 1,
                    ..new
                },
                [Keep, Keep, Keep],
            ),
            (
                "a stream",
                Snapshot {
                    age: idle,
                    in_flight: 1,
                    streams: 1,
                    ..new
                },
                [Keep, Keep, Cut],
            ),
            (
                "a stream beside work",
                Snapshot {
                    age: idle,
                    in_flight: 2,
                    streams: 1,
                    ..new
                },
                [Keep, Keep, Keep],
            ),
            (
                "a stream not taken for a moment",
                Snapshot {
                    in_flight: 1,
                    streams: 1,
                    blocked: Some(short),
                    ..new
                },
                [Keep, Keep, Cut],
            ),
            (
                "a stream not taken",
                Snapshot {
                    in_flight: 1,
                    streams: 1,
                    blocked: Some(idle),
                    ..new
                },
                [Cut, Cut, Cut],
            ),
            (
                "the last of a stream not taken",
                Snapshot {
                    ends_stream: true,
                    blocked: Some(short),
                    ..new
                },
                [Keep, Keep, Cut],
            ),
            (
                "an answer on its way",
                Snapshot {
                    age: idle,
                    blocked: Some(short),
                    ..new
                },
                [Keep, Keep, Keep],
            ),
            (
                "an answer not taken",
                Snapshot {
                    blocked: Some(idle),
                    ..new
                },
                [Cut, Cut, Cut],
            ),
            (
                "refused and still sending",
                Snapshot {
                    age: short,
                    is_lingering: true,
                    ..new
                },
                [Keep, Keep, Cut],
            ),
            (
                "refused and sending on",
                Snapshot {
                    age: header,
                    is_lingering: true,
                    ..new
                },
                [Cut, Cut, Cut],
            ),
            (
                "upgraded",
                Snapshot {
                    age: idle,
                    is_upgraded: true,
                    blocked: Some(idle),
                    ..new
                },
                [Keep, Keep, Keep],
            ),
        ] {
            let judged =
                [Ordinary, Pressed, StreamsOver].map(|times| judge(&connection, &rules, times));
            assert_eq!(judged, expected, "{name}");
        }
    }
}
