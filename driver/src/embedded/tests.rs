//! The embedded store on disks and clocks that do what a test wants.

mod damage;
mod disk;
mod expiry;
mod full;
mod model;
mod power;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use self::disk::FakeDisk;
use super::Embedded;
use super::clock::Clock;
use super::engine::{Files, Memory};
use super::fault::Fault;
use crate::kv::Kv;

const DEADLINE: Duration = Duration::from_secs(30);

/// Small, so that a short test has checkpoints.
const SEGMENT_BYTES: u64 = 16 * 1024;

/// Opens a store on a disk.
fn open(disk: &FakeDisk, clock: &FakeClock) -> Result<Kv, Fault> {
    let engine = Files::open_with(Arc::new(disk.clone()), SEGMENT_BYTES)?;
    let embedded = Embedded::start(Arc::new(engine), clock.clock(), Path::new("disk"))?;
    Ok(Kv::new(embedded, DEADLINE))
}

fn open_memory(clock: &FakeClock) -> Kv {
    let engine = Arc::new(Memory::default());
    let embedded = Embedded::start(engine, clock.clock(), Path::new("memory:")).unwrap();
    Kv::new(embedded, DEADLINE)
}

/// A clock that goes only when it is told to.
#[derive(Clone)]
struct FakeClock(Arc<Mutex<SystemTime>>);

impl FakeClock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        )))
    }

    fn clock(&self) -> Clock {
        let now = self.0.clone();
        Clock::by(move || *now.lock().unwrap())
    }

    fn advance(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}
