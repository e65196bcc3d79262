//! The embedded store.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pleach_driver::{Bucket, BucketConfig, Driver, WatchEvent, WatchFrom};
use tempfile::TempDir;

use crate::load::{KEYS, Load, Random, Rate, key, median, run, value};

pub(crate) struct Ours {
    name: &'static str,
    driver: Driver,
    bucket: Bucket,
    _dir: Option<TempDir>,
}

/// Long enough for a machine that does other things too.
const DEADLINE: Duration = Duration::from_secs(60);

async fn open(url: &str) -> (Driver, Bucket) {
    let driver = Driver::builder(url)
        .deadline(DEADLINE)
        .open()
        .await
        .unwrap();
    let bucket = driver
        .kv()
        .bucket(BucketConfig::new("bench"))
        .await
        .unwrap();
    (driver, bucket)
}

impl Ours {
    pub(crate) async fn file() -> Self {
        let dir = TempDir::new().unwrap();
        let (driver, bucket) = open(&url(dir.path())).await;
        Self {
            name: "file: (every put synced)",
            driver,
            bucket,
            _dir: Some(dir),
        }
    }

    pub(crate) async fn memory() -> Self {
        let (driver, bucket) = open("memory:").await;
        Self {
            name: "memory:",
            driver,
            bucket,
            _dir: None,
        }
    }
}

fn url(path: &Path) -> String {
    format!("file:{}", path.display())
}

impl Load for Ours {
    fn name(&self) -> &str {
        self.name
    }

    fn fill(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(fill(&self.bucket, KEYS))
    }

    fn puts(&self, callers: usize, time: Duration) -> Rate<'_> {
        Box::pin(run(callers, time, move |caller| {
            let bucket = self.bucket.clone();
            async move {
                let (begin, mut random, mut calls) =
                    (Instant::now(), Random::new(caller as u64 + 1), 0);
                while begin.elapsed() < time {
                    let number = random.below(KEYS);
                    bucket.put(&key(number), value(number)).await.unwrap();
                    calls += 1;
                }
                calls
            }
        }))
    }

    fn gets(&self, callers: usize, time: Duration) -> Rate<'_> {
        Box::pin(run(callers, time, move |caller| {
            let bucket = self.bucket.clone();
            async move {
                let (begin, mut random, mut calls) =
                    (Instant::now(), Random::new(caller as u64 + 1), 0);
                while begin.elapsed() < time {
                    // The callers share the machine: each lets the others in now and then.
                    for _ in 0..32 {
                        let entry = bucket.get(&key(random.below(KEYS))).await.unwrap();
                        assert_eq!(entry.unwrap().value.len(), 200);
                        calls += 1;
                    }
                    tokio::task::yield_now().await;
                }
                calls
            }
        }))
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // The directory goes with it; there is nothing to keep.
        let _ = &self.driver;
    }
}

async fn fill(bucket: &Bucket, keys: usize) {
    const WRITERS: usize = 256;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                for number in (writer..keys).step_by(WRITERS) {
                    bucket.put(&key(number), value(number)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

const MANY: usize = 1_000_000;

/// How long a store with a million keys takes to open: after a close, and after a crash.
pub(crate) async fn measure_open() {
    let closed = TempDir::new().unwrap();
    let (driver, bucket) = open(&url(closed.path())).await;
    fill(&bucket, MANY).await;
    driver.close().await.unwrap();

    let crashed = TempDir::new().unwrap();
    copy(closed.path(), crashed.path());
    crash(crashed.path());

    println!("\nopen, {MANY} keys");
    for (how, path) in [
        ("after a close", closed.path()),
        ("after a crash", crashed.path()),
    ] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let copied = TempDir::new().unwrap();
            copy(path, copied.path());
            let begin = Instant::now();
            let (driver, bucket) = open(&url(copied.path())).await;
            assert!(bucket.get(&key(MANY - 1)).await.unwrap().is_some());
            times.push(begin.elapsed().as_secs_f64() * 1000.0);
            driver.close().await.unwrap();
        }
        println!(
            "  {how:<24}{:>10.0} ms   ({:.0} MB)",
            median(&mut times),
            megabytes(path)
        );
    }
}

/// Has another process write to the store at random, and kills it in the middle.
fn crash(path: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["scribble", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "scribbling\n");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The other process: writes until it is killed, and says so when it has written for a while.
pub(crate) async fn scribble(path: &str) {
    let (_driver, bucket) = open(&url(Path::new(path))).await;
    let scribblers: Vec<_> = (0..64)
        .map(|scribbler| {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                let mut random = Random::new(scribbler + 1);
                for count in 0.. {
                    let number = random.below(MANY);
                    bucket.put(&key(number), value(number)).await.unwrap();
                    if scribbler == 0 && count == 1000 {
                        println!("scribbling");
                    }
                }
            })
        })
        .collect();
    for scribbler in scribblers {
        scribbler.await.unwrap();
    }
}

/// How much disk is taken after a million overwrites of ten thousand keys.
pub(crate) async fn measure_disk() {
    const PUTS: usize = 1_000_000;
    let dir = TempDir::new().unwrap();
    let (driver, bucket) = open(&url(dir.path())).await;
    let mut most = 0.0_f64;
    for _ in 0..PUTS / KEYS {
        fill(&bucket, KEYS).await;
        most = most.max(megabytes(dir.path()));
    }
    let live: usize = (0..KEYS)
        .map(|number| key(number).len() + value(number).len())
        .sum();
    let live = live as f64 / 1e6;
    let in_use = megabytes(dir.path());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let rested = megabytes(dir.path());
    driver.close().await.unwrap();
    let closed = megabytes(dir.path());
    println!("\ndisk, {PUTS} overwrites of {KEYS} keys: {live:.1} MB live");
    for (when, size) in [
        ("at most", most),
        ("at the end", in_use),
        ("after a rest", rested),
        ("closed", closed),
    ] {
        println!("  {when:<24}{size:>10.1} MB   {:.1} x", size / live);
    }
}

/// How long a change takes to reach watchers.
pub(crate) async fn measure_watch() {
    let (_driver, bucket) = open("memory:").await;
    println!("\nwatch, from the call of put to the last watcher");
    for watchers in [1, 2000] {
        let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for _ in 0..watchers {
            let mut watch = bucket.watch(">", WatchFrom::New).await.unwrap();
            let told = told.clone();
            tasks.push(tokio::spawn(async move {
                while let Some(Ok(WatchEvent::Entry(_))) = watch.next().await {
                    told.send(()).unwrap();
                }
            }));
        }
        let mut times = Vec::new();
        for number in 0..200 {
            let begin = Instant::now();
            bucket.put(&key(number), value(number)).await.unwrap();
            for _ in 0..watchers {
                tells.recv().await.unwrap();
            }
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        println!("  {watchers:>5} watchers{:>21.0} us", median(&mut times));
    }
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// What the directory takes on the disk.
fn megabytes(path: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    let files = std::fs::read_dir(path).unwrap();
    let blocks: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().blocks())
        .sum();
    blocks as f64 * 512.0 / 1e6
}
