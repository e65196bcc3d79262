//! The power fails at any point, and no acknowledged write is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::disk::FakeDisk;
use super::{FakeClock, open};
use crate::kv::{Bucket, BucketConfig, Kv};

/// Points at which the power fails, in each of the two lives of a store.
const POINTS: usize = 100;

const WRITERS: usize = 8;
const PUTS: usize = 200;

/// What was acknowledged, in order: how much had been done to the disk by then, and by which put.
type Acknowledged = Vec<(usize, Put)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Put {
    key: usize,
    count: usize,
}

impl Put {
    fn key(self) -> String {
        format!("key.{}", self.key)
    }

    /// A value that takes some room and cannot be mistaken for another.
    fn value(self) -> String {
        format!("{}:", self.count).repeat(40 + self.count % 60)
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(limit)) as u32
    }
}

async fn bucket(kv: &Kv) -> Bucket {
    kv.bucket(BucketConfig::new("b").history(2)).await.unwrap()
}

/// Has some writers write, each its own keys, over and over.
async fn write(disk: &FakeDisk, kv: &Kv, counts: std::ops::Range<usize>) -> Acknowledged {
    let bucket = bucket(kv).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (disk, bucket, acknowledged) = (disk.clone(), bucket.clone(), acknowledged.clone());
            let counts = counts.clone();
            tokio::spawn(async move {
                for count in counts {
                    let put = Put {
                        key: writer * 4 + count % 4,
                        count,
                    };
                    bucket.put(&put.key(), put.value()).await.unwrap();
                    acknowledged.lock().unwrap().push((disk.done(), put));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    Arc::into_inner(acknowledged).unwrap().into_inner().unwrap()
}

/// Each key has its last acknowledged put or a later one.
async fn check(kv: &Kv, acknowledged: impl Iterator<Item = Put>, point: usize) {
    let mut last = BTreeMap::new();
    for put in acknowledged {
        let known = last.entry(put.key).or_insert(put.count);
        *known = put.count.max(*known);
    }
    let bucket = bucket(kv).await;
    for (key, count) in last {
        let put = Put { key, count };
        let entry = bucket.get(&put.key()).await.unwrap();
        let entry = entry.unwrap_or_else(|| panic!("point {point}: {put:?} is lost"));
        let value = str::from_utf8(&entry.value).unwrap();
        let found = value.split(':').next().unwrap().parse().unwrap();
        assert!(
            found >= count,
            "point {point}: {put:?} is lost, {found} is there"
        );
        assert_eq!(value, Put { key, count: found }.value(), "point {point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_the_power_fails() {
    let (disk, clock) = (FakeDisk::default(), FakeClock::new());
    let kv = open(&disk, &clock).unwrap();
    let first_life = write(&disk, &kv, 0..PUTS).await;
    kv.close().await.unwrap();
    let done = disk.done();
    assert!(done > 10 * POINTS, "the points must be apart: {done} steps");

    let mut random = Random(0x5EED);
    for point in 0..POINTS {
        let cut = (done * point + random.below(done as u32) as usize) / POINTS;
        let left = disk.without_power(cut, |below| random.below(below));
        let kv = open(&left, &clock).unwrap_or_else(|fault| panic!("point {point}: {fault}"));
        let survivors = first_life
            .iter()
            .filter(|(done, _)| *done <= cut)
            .map(|(_, put)| *put);
        check(&kv, survivors.clone(), point).await;

        // It goes on, and the power fails again.
        let second_life = write(&left, &kv, PUTS..PUTS + 6).await;
        let cut = random.below(left.done() as u32 + 1) as usize;
        let left = left.without_power(cut, |below| random.below(below));
        let kv = open(&left, &clock).unwrap_or_else(|fault| panic!("point {point}: {fault}"));
        let later = second_life
            .iter()
            .filter(|(done, _)| *done <= cut)
            .map(|(_, put)| *put);
        check(&kv, survivors.chain(later), point).await;
    }
}
