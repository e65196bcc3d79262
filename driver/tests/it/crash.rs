//! A writer is killed in the middle of its work, over and over, and nothing that it was told is written
//! is lost.
//!
//! `PLEACH_CRASH_ROUNDS=200 cargo test -p pleach-driver --test it crash` makes more rounds of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use pleach_driver::{Bucket, BucketConfig, Driver};

const WRITERS: usize = 32;
const DIRECTORY: &str = "PLEACH_CRASH_DIRECTORY";

async fn open(path: &Path) -> (Driver, Bucket) {
    let driver = Driver::open(&format!("file:{}", path.display()))
        .await
        .unwrap();
    let bucket = driver
        .kv()
        .bucket(BucketConfig::new("crash").history(2))
        .await
        .unwrap();
    (driver, bucket)
}

fn key(writer: usize) -> String {
    format!("writer.{writer}")
}

/// Some are small, some do not fit into a page.
fn value(count: u64) -> String {
    format!("{count};").repeat(1 + (count % 7 * 200) as usize)
}

fn count_in(value: &[u8]) -> u64 {
    let text = str::from_utf8(value).unwrap();
    let count = text.split(';').next().unwrap().parse().unwrap();
    assert_eq!(text, self::value(count), "a value is whole");
    count
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_to_a_kill() {
    let rounds = std::env::var("PLEACH_CRASH_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..rounds {
        // Killed early, before the first checkpoint, or late, in the midst of one.
        write_and_be_killed(dir.path(), 20 + round * 7919 % 9000, &mut acknowledged);
        let (driver, bucket) = open(dir.path()).await;
        let mut last = Default::default();
        for (writer, count) in &acknowledged {
            let entry = bucket.get(&key(*writer)).await.unwrap();
            let entry = entry.unwrap_or_else(|| panic!("round {round}: writer {writer} is lost"));
            let found = count_in(&entry.value);
            assert!(
                found >= *count,
                "round {round}, writer {writer}: {found}, not {count}"
            );
            last = entry.revision.max(last);
        }
        let revision = bucket.put("round", round.to_string()).await.unwrap();
        assert!(revision > last, "round {round}: revisions only rise");
        // Every other time the next writer finds a log to replay.
        if round % 2 == 0 {
            driver.close().await.unwrap();
        } else {
            drop((driver, bucket));
            wait_until_let_go(dir.path()).await;
        }
    }
    assert_eq!(acknowledged.len(), WRITERS);
}

/// A driver that is dropped lets go of its store a moment later.
async fn wait_until_let_go(dir: &Path) {
    let lock = std::fs::File::open(dir.join("lock")).unwrap();
    tokio::task::spawn_blocking(move || lock.lock().unwrap())
        .await
        .unwrap();
}

/// Runs a writer until it has told of `count` writes, kills it, and notes all that it told of.
fn write_and_be_killed(dir: &Path, count: usize, acknowledged: &mut BTreeMap<usize, u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "crash::writes_until_it_is_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The last line may be cut off by the kill; the harness prints lines of its own.
        let line = line.unwrap();
        let Some((writer, count_told)) = line.strip_prefix("wrote ").and_then(parse) else {
            continue;
        };
        let known = acknowledged.entry(writer).or_default();
        *known = count_told.max(*known);
        told += 1;
        if told == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(told >= count, "the writer ended by itself");
}

fn parse(line: &str) -> Option<(usize, u64)> {
    let (writer, count) = line.strip_suffix(" .")?.split_once(' ')?;
    Some((writer.parse().ok()?, count.parse().ok()?))
}

/// The other process.
#[tokio::test]
#[ignore = "the crash test starts it as a process of its own"]
async fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let (_driver, bucket) = open(Path::new(&dir)).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                let before = bucket.get(&key(writer)).await.unwrap();
                let first = before.map_or(0, |entry| count_in(&entry.value)) + 1;
                for count in first.. {
                    bucket.put(&key(writer), value(count)).await.unwrap();
                    let mut stdout = std::io::stdout().lock();
                    writeln!(stdout, "wrote {writer} {count} .").unwrap();
                    stdout.flush().unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}
