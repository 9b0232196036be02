//! The lifecycle rules of the stack: what they do to an object of each kind, whatever its age, and whether what they move is worth its fee at
//! the prices of `deploy/prices`. The stand-ins for AWS keep no rules, so a few lines here decide as S3 does.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::prices::prices;
use crate::templates::{deploy, stack};

const BUCKETS: [&str; 8] = [
    "IngestBucket",
    "WorkBucket",
    "PublishedBucket",
    "QuarantineBucket",
    "RejectedBucket",
    "TextBucket",
    "AuditBucket",
    "LogBucket",
];
const FILM: u64 = 2_000_000_000;
const SEGMENT: u64 = 700_000;
const OLD: i64 = 36_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Stays,
    Moves,
    Goes,
}

fn rules<'a>(storage: &'a Value, bucket: &str) -> &'a [Value] {
    storage[bucket]["Properties"]["LifecycleConfiguration"]["Rules"].as_array().unwrap()
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// What becomes of a current version with at most one tag, by every rule that it falls under.
fn fate(storage: &Value, bucket: &str, tag: Option<(&str, &str)>, size: u64, age_days: i64) -> Fate {
    let size = i64::try_from(size).unwrap();
    let mut fate = Fate::Stays;
    for rule in rules(storage, bucket) {
        assert_eq!(rule["Status"], "Enabled");
        let tagged = rule["TagFilters"].as_array().is_none_or(|filters| {
            filters.iter().all(|filter| {
                tag == Some((filter["Key"].as_str().unwrap(), filter["Value"].as_str().unwrap()))
            })
        });
        if !tagged || number(&rule["ObjectSizeGreaterThan"]).is_some_and(|least| size <= least) {
            continue;
        }
        if number(&rule["ExpirationInDays"]).is_some_and(|days| age_days >= days) {
            return Fate::Goes;
        }
        let moves = rule["Transitions"].as_array().into_iter().flatten();
        for one in moves {
            if number(&one["TransitionInDays"]).unwrap() <= age_days {
                fate = Fate::Moves;
            }
        }
    }
    fate
}

#[test]
fn each_kind_of_object_is_kept_as_long_as_it_is_needed() {
    let stacks = stack(&["TierOutputsDays=100", "RejectedDays=40", "LogDays=90", "WorkDays=10"]);
    let storage = &stacks["Storage"]["Resources"];
    let cases: &[(&str, Option<&str>, u64, i64, Fate)] = &[
        ("IngestBucket", None, FILM, OLD, Fate::Moves),
        ("IngestBucket", None, FILM, 0, Fate::Moves),
        ("IngestBucket", None, SEGMENT, OLD, Fate::Stays),
        ("PublishedBucket", None, FILM, 99, Fate::Stays),
        ("PublishedBucket", None, FILM, 100, Fate::Moves),
        ("PublishedBucket", None, FILM, OLD, Fate::Moves),
        ("PublishedBucket", None, SEGMENT, OLD, Fate::Stays),
        ("QuarantineBucket", Some("quarantined"), FILM, OLD, Fate::Moves),
        ("QuarantineBucket", None, SEGMENT, OLD, Fate::Stays),
        ("RejectedBucket", Some("rejected"), FILM, 39, Fate::Stays),
        ("RejectedBucket", Some("rejected"), FILM, 40, Fate::Goes),
        ("RejectedBucket", Some("rejected"), 1, 40, Fate::Goes),
        // A hold lasts for years, and a released upload is published.
        ("RejectedBucket", Some("held"), FILM, OLD, Fate::Moves),
        ("RejectedBucket", Some("held"), SEGMENT, OLD, Fate::Stays),
        ("RejectedBucket", Some("released"), FILM, OLD, Fate::Stays),
        ("RejectedBucket", None, FILM, OLD, Fate::Stays),
        ("WorkBucket", None, SEGMENT, 9, Fate::Stays),
        ("WorkBucket", None, FILM, 10, Fate::Goes),
        ("TextBucket", None, 50_000, 3, Fate::Goes),
        ("AuditBucket", None, 100, OLD, Fate::Stays),
        ("LogBucket", None, 5_000, 89, Fate::Stays),
        ("LogBucket", None, 5_000, 90, Fate::Goes),
    ];
    for (bucket, exit, size, age, expected) in cases {
        let tag = exit.map(|exit| ("reelgate-exit", exit));
        assert_eq!(fate(storage, bucket, tag, *size, *age), *expected, "{bucket} {exit:?} {size} {age}");
    }
    // Versions that were replaced may be the last of what is in quarantine or of the audit log.
    for (bucket, of_versions) in BUCKETS.map(|bucket| (bucket, rules(storage, bucket))) {
        let removes = of_versions.iter().any(|rule| rule["NoncurrentVersionExpiration"].is_object());
        assert_eq!(removes, !["QuarantineBucket", "AuditBucket"].contains(&bucket), "{bucket}");
    }
}

#[test]
fn no_rule_moves_an_object_that_costs_more_to_move_than_it_saves() {
    let prices = prices().price;
    let price = |name: &str| prices[name].usd;
    let stacks = stack(&[]);
    let storage = &stacks["Storage"]["Resources"];
    let mut named = BTreeSet::new();
    let mut moving = 0;
    for bucket in BUCKETS {
        for rule in rules(storage, bucket) {
            let id = rule["Id"].as_str().unwrap();
            named.insert((bucket.trim_end_matches("Bucket").to_lowercase(), id.to_owned()));
            let Some([one]) = rule["Transitions"].as_array().map(Vec::as_slice) else { continue };
            // Another class has other prices, a least duration and a fee for reading.
            assert_eq!(one["StorageClass"], "INTELLIGENT_TIERING", "{bucket} {id}");
            let thousand_gb = number(&rule["ObjectSizeGreaterThan"]).unwrap() as f64 / 1e6;
            let saved = thousand_gb * (price("s3-standard") - price("s3-infrequent"));
            let paid = price("s3-transition") + 2.0 * price("s3-monitoring");
            assert!(paid < saved, "{bucket} {id}: 1,000 objects cost {paid} in two months and save {saved}");
            moving += 1;
        }
    }
    assert_eq!(moving, 4);

    let printed = Command::new(deploy().join("lifecycle.sh")).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let text = String::from_utf8(printed.stdout).unwrap();
    let lines = text.lines().map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    });
    assert_eq!(lines.collect::<BTreeSet<_>>(), named);
    let sums = "above 2.00 MB move after 90 days; 1,000 of that size cost 0.0150 to move and watch for two months, \
                which saves 0.0210, then 0.0210 a month for 0.0025; it pays from 1.43 MB on";
    assert!(text.contains(sums), "{text}");
    assert!(text.contains("objects with the tag reelgate-exit=rejected go after 30 days"), "{text}");
    let others = Command::new(deploy().join("lifecycle.sh")).arg("RejectedDays=9").output().unwrap();
    assert!(String::from_utf8_lossy(&others.stdout).contains("reelgate-exit=rejected go after 9 days"));
}

#[test]
fn a_rule_that_costs_more_than_it_saves_is_named_with_a_status() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["stack/storage.yaml", "stack/main.yaml", "prices/us-east-1.toml", "lifecycle.sh"] {
        let copy = dir.path().join(name);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(deploy().join(name), copy).unwrap();
    }
    let storage = dir.path().join("stack/storage.yaml");
    let template = std::fs::read_to_string(&storage).unwrap();
    let status = || Command::new(dir.path().join("lifecycle.sh")).output().unwrap().status.code();
    assert_eq!(status(), Some(0));
    std::fs::write(
        &storage,
        template.replace("ObjectSizeGreaterThan: 2000000", "ObjectSizeGreaterThan: 1400000"),
    )
    .unwrap();
    assert_eq!(status(), Some(1));
    std::fs::write(&storage, template.replace("INTELLIGENT_TIERING", "GLACIER")).unwrap();
    assert_eq!(status(), Some(2), "there are no prices of that class");
}
