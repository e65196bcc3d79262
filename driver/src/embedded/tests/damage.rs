//! Files that are not what was written: said so, by name, and left as they are.

use super::disk::FakeDisk;
use super::{FakeClock, open};
use crate::Error;
use crate::kv::{BucketConfig, Kv};

const TABLE: &str = "table.redb";

async fn put(kv: &Kv, numbers: std::ops::Range<u32>) {
    let bucket = kv.bucket(BucketConfig::new("b")).await.unwrap();
    for number in numbers {
        bucket
            .put(&format!("key.{number}"), value(number))
            .await
            .unwrap();
    }
}

fn value(number: u32) -> String {
    format!("value {number} ").repeat(9)
}

/// All of these are there, as they were written.
async fn check(kv: &Kv, numbers: std::ops::Range<u32>) {
    let bucket = kv.bucket(BucketConfig::new("b")).await.unwrap();
    for number in numbers.clone() {
        let entry = bucket.get(&format!("key.{number}")).await.unwrap();
        assert_eq!(
            entry.unwrap_or_else(|| panic!("{number} is lost")).value,
            value(number)
        );
    }
    assert_eq!(bucket.scan(">").await.unwrap().len(), numbers.len());
}

/// A store that was closed: all of it is in the table.
async fn closed() -> FakeDisk {
    let disk = FakeDisk::default();
    let kv = open(&disk, &FakeClock::new()).unwrap();
    put(&kv, 0..300).await;
    kv.close().await.unwrap();
    disk
}

/// A store that was killed before its first checkpoint: all of it is in one log file.
async fn killed(count: u32) -> (FakeDisk, &'static str) {
    let disk = FakeDisk::default();
    let kv = open(&disk, &FakeClock::new()).unwrap();
    put(&kv, 0..count).await;
    (disk.after_a_kill(), "log.0")
}

#[track_caller]
fn expect_damage(disk: &FakeDisk, name: &str) -> String {
    let before = disk.contents();
    let Err(fault) = open(disk, &FakeClock::new()) else {
        panic!("damage of {name} is not seen")
    };
    let error = Error::from(fault);
    assert!(error.is_damaged(), "{error}");
    assert!(
        error.to_string().contains(&format!("disk/{name}")),
        "it names the file: {error}"
    );
    assert!(disk.contents() == before, "the files are left as they were");
    error.to_string()
}

#[tokio::test]
async fn a_flipped_bit_of_the_table_is_damage_or_does_no_harm() {
    let whole = closed().await;
    let len = whole.contents()[TABLE].len();
    let mut seen = 0;
    // An odd stride, so that all parts of pages are hit.
    for at in (0..len).step_by((len / 150) | 1).chain(0..64) {
        let disk = whole.after_a_kill();
        disk.tamper(TABLE, |bytes| bytes[at] ^= 0x10);
        let before = disk.contents();
        match open(&disk, &FakeClock::new()) {
            Ok(kv) => {
                check(&kv, 0..300).await;
                kv.close().await.unwrap();
            }
            Err(fault) => {
                let error = Error::from(fault);
                assert!(error.is_damaged(), "at {at}: {error}");
                assert!(error.to_string().contains(TABLE), "at {at}: {error}");
                assert!(
                    disk.contents() == before,
                    "at {at}: the files are left as they were"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "rows were hit {seen} times");
}

#[tokio::test]
async fn a_table_of_another_make_is_damage() {
    let whole = closed().await;
    let len = whole.contents()[TABLE].len();
    let changes: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.clear(),
        |bytes| bytes.fill(0),
        |bytes| bytes.fill(0xA5),
        |bytes| *bytes = b"SQLite format 3\0".repeat(4096),
    ];
    for change in changes {
        let disk = whole.after_a_kill();
        disk.tamper(TABLE, change);
        expect_damage(&disk, TABLE);
    }
    for cut in [1, 100, 4096, len / 2] {
        let disk = whole.after_a_kill();
        disk.tamper(TABLE, |bytes| bytes.truncate(cut));
        expect_damage(&disk, TABLE);
    }
}

#[tokio::test]
async fn a_missing_table_is_damage_when_there_is_a_log() {
    let (disk, _) = killed(3).await;
    disk.lose(TABLE);
    expect_damage(&disk, TABLE);
}

#[tokio::test]
async fn a_broken_record_is_damage_when_another_follows() {
    let (whole, log) = killed(20).await;
    check(
        &open(&whole.after_a_kill(), &FakeClock::new()).unwrap(),
        0..20,
    )
    .await;
    // The last of the records begins with the last of the keys.
    let bytes = &whole.contents()[log];
    let last = bytes
        .windows(6)
        .rposition(|window| window == b"key.19")
        .unwrap();
    for at in (0..last - 400).step_by(13) {
        let disk = whole.after_a_kill();
        disk.tamper(log, |bytes| bytes[at] ^= 1);
        match open(&disk, &FakeClock::new()) {
            // The zeros between two records are nobody's.
            Ok(kv) => check(&kv, 0..20).await,
            Err(_) => drop(expect_damage(&disk, log)),
        }
    }
    let disk = whole.after_a_kill();
    disk.tamper(log, |bytes| bytes[..64].fill(0));
    let said = expect_damage(&disk, log);
    assert!(said.contains("record 1 is missing or broken"), "{said}");
}

#[tokio::test]
async fn the_end_of_a_record_that_was_being_written_is_dropped() {
    let (whole, log) = killed(20).await;
    let bytes = &whole.contents()[log];
    let last = bytes
        .windows(6)
        .rposition(|window| window == b"key.19")
        .unwrap();
    let changes: [fn(&mut Vec<u8>, usize); 3] = [
        |bytes, last| bytes.truncate(last + 10),
        |bytes, last| bytes[last..].fill(0),
        |bytes, last| bytes[last + 20] ^= 1,
    ];
    for change in changes {
        let disk = whole.after_a_kill();
        disk.tamper(log, |bytes| change(bytes, last));
        let kv = open(&disk, &FakeClock::new()).unwrap();
        check(&kv, 0..19).await;
        put(&kv, 19..40).await;
        check(
            &open(&disk.after_a_kill(), &FakeClock::new()).unwrap(),
            0..40,
        )
        .await;
    }
}

#[tokio::test]
async fn a_missing_log_file_is_damage_when_others_go_on_from_it() {
    // Killed again and again before what was replayed is in the table, it lies in several files.
    let disk = FakeDisk::default();
    let clock = FakeClock::new();
    let kv = open(&disk, &clock).unwrap();
    let mut count = 0;
    let two_files = loop {
        put(&kv, count..count + 1).await;
        count += 1;
        let disk = disk.after_a_kill();
        // The log has gone on in a second file, and the table has not got the first one's rows yet.
        let contents = disk.contents();
        let begun = |name: &str| contents[name].iter().any(|byte| *byte != 0);
        if begun("log.0") && begun("log.1") {
            break disk;
        }
        assert!(count < 10_000, "the log never went on in a second file");
    };
    let opened = open(&two_files.after_a_kill(), &clock).unwrap();
    check(&opened, 0..count).await;
    let without = two_files.after_a_kill();
    without.lose("log.0");
    match open(&without.after_a_kill(), &clock) {
        // The checkpoint was quicker: nothing of the first file was needed any more.
        Ok(kv) => check(&kv, 0..count).await,
        Err(_) => drop(expect_damage(&without, "log.1")),
    }
}
