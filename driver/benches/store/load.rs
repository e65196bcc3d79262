//! What every contestant is asked to do.

use std::pin::Pin;
use std::time::{Duration, Instant};

pub(crate) const KEYS: usize = 10_000;

pub(crate) type Rate<'a> = Pin<Box<dyn Future<Output = f64> + 'a>>;

pub(crate) trait Load {
    fn name(&self) -> &str;

    /// Puts all keys once.
    fn fill(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;

    /// Puts at random keys, `callers` at a time, for `time`; returns puts per second.
    fn puts(&self, callers: usize, time: Duration) -> Rate<'_>;

    /// Gets random keys, `callers` at a time, for `time`; returns gets per second.
    fn gets(&self, callers: usize, time: Duration) -> Rate<'_>;
}

pub(crate) fn key(number: usize) -> String {
    format!("user.{number:08}")
}

/// JSON of 200 bytes.
pub(crate) fn value(number: usize) -> Vec<u8> {
    let mut value = format!(r#"{{"id":{number},"name":"somebody","pad":""#).into_bytes();
    value.resize(198, b'x');
    value.extend(b"\"}");
    value
}

/// Random numbers that are the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Runs `callers` tasks that repeat `call` for `time`; returns calls per second.
pub(crate) async fn run<F>(callers: usize, time: Duration, call: impl Fn(usize) -> F) -> f64
where
    F: Future<Output = u64> + Send + 'static,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| tokio::spawn(call(caller)))
        .collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await.unwrap();
    }
    debug_assert!(begin.elapsed() >= time);
    calls as f64 / begin.elapsed().as_secs_f64()
}
