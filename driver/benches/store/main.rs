//! The embedded store beside a local nats-server: 200-byte JSON values, 10,000 keys, every
//! acknowledged write of ours on disk.
//!
//! ```text
//! NATS_SERVER=/path/to/nats-server cargo bench -p pleach-driver --bench store [-- PART…]
//! ```
//! Parts: `puts`, `gets`, `open`, `disk`, `watch`; all by default. The figures are medians over
//! rounds in which the contestants take turns, and hold as ratios. Without a nats-server the ratios
//! are left out, and it is said so.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod load;
mod nats;
mod ours;

use std::time::Duration;

use crate::load::{Load, median};
use crate::nats::{Nats, Sync};
use crate::ours::Ours;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const WRITERS: [usize; 4] = [1, 16, 64, 256];
const READERS: [usize; 2] = [1, 64];

fn main() {
    // Cargo passes `--bench`; what else stands there names parts.
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if let [mode, path] = &parts[..]
            && mode == "scribble"
        {
            return ours::scribble(path).await;
        }
        if wanted("puts") || wanted("gets") {
            compare(wanted("puts"), wanted("gets")).await;
        }
        if wanted("open") {
            ours::measure_open().await;
        }
        if wanted("disk") {
            ours::measure_disk().await;
        }
        if wanted("watch") {
            ours::measure_watch().await;
        }
    });
}

async fn compare(puts: bool, gets: bool) {
    let mut contestants: Vec<Box<dyn Load>> =
        vec![Box::new(Ours::file().await), Box::new(Ours::memory().await)];
    match nats::find_server() {
        Ok(server) => {
            contestants.push(Box::new(Nats::start(&server, Sync::Always).await));
            contestants.push(Box::new(Nats::start(&server, Sync::Default).await));
        }
        Err(why) => println!("no comparison: {why}"),
    }
    for contestant in &contestants {
        contestant.fill().await;
    }
    if puts {
        for callers in WRITERS {
            round_robin("puts", callers, &contestants, |load| {
                load.puts(callers, ROUND)
            })
            .await;
        }
    }
    if gets {
        for callers in READERS {
            round_robin("gets", callers, &contestants, |load| {
                load.gets(callers, ROUND)
            })
            .await;
        }
    }
}

/// Lets all contestants take turns and prints the median of each, and ours as a multiple of theirs.
async fn round_robin<'a, F: Future<Output = f64>>(
    what: &str,
    callers: usize,
    contestants: &'a [Box<dyn Load>],
    run: impl Fn(&'a dyn Load) -> F,
) {
    let mut rates = vec![Vec::new(); contestants.len()];
    for _ in 0..ROUNDS {
        for (contestant, rates) in contestants.iter().zip(&mut rates) {
            rates.push(run(&**contestant).await);
        }
    }
    let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    println!("\n{what}, {callers} at a time");
    for ((contestant, median), rates) in contestants.iter().zip(&medians).zip(&rates) {
        let (low, high) = (rates[0], rates[rates.len() - 1]);
        let ratio = medians[0] / median;
        println!(
            "  {:<24}{median:>10.0}/s  ({low:.0} to {high:.0})   file: is {ratio:.1} x this",
            contestant.name(),
        );
    }
}
