//! What lasts: games and users in their buckets.

mod games;
mod scene;
mod users;

use std::time::Duration;

use pleach::{Opt, Value};

pub(crate) use games::{Games, Kept};
pub(crate) use scene::Scene;
pub(crate) use users::{User, Users};

/// How long a game lives after its last change.
pub(crate) const GAME_TTL: Opt<Lifetime> = Opt::new(
    "game-ttl",
    "1h",
    "How long a game lives after its last change",
);

/// A duration above zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime(Duration);

impl Lifetime {
    pub(crate) fn duration(self) -> Duration {
        self.0
    }
}

impl Value for Lifetime {
    const SHAPE: &'static str = Duration::SHAPE;

    fn parse(text: &str) -> Result<Self, String> {
        match Duration::parse(text)? {
            Duration::ZERO => Err(format!("`{text}` is no time to live")),
            lifetime => Ok(Self(lifetime)),
        }
    }
}
