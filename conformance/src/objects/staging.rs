//! Staged outputs of attempts.

use super::ObjectsHome;
use super::fixture::{fence, id, publication, stage};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::OutputRange;
use reelgate_ports::records::StagedOutput;

/// SHA-256 of `abc`: FIPS 180-4's first example.
const SHA256_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

pub async fn staged_outputs_are_listed_in_order_with_size_and_hash(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged =
        stage(home, &source, &[("720p/2.m4s", b"abc"), ("720p/10.m4s", b""), ("init ü.mp4", b"i")]).await;
    let names: Vec<&str> = staged.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["720p/2.m4s", "720p/10.m4s", "init ü.mp4"]);
    assert_eq!((staged[0].size_bytes, staged[0].sha256.as_str()), (3, SHA256_ABC));
    assert_eq!(home.objects().read_staged(&staged[0], 3).await.unwrap(), b"abc");
    assert_eq!(home.objects().read_staged(&staged[1], 3).await.unwrap(), b"");
}

pub async fn a_dropped_writer_leaves_nothing(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let objects = home.objects();
    let mut writer = objects.stage(&fence(&source, 2)).await.unwrap();
    writer.open("720p/1.m4s").unwrap();
    writer.write(b"abc").unwrap();
    writer.close().unwrap();
    writer.open("720p/2.m4s").unwrap();
    drop(writer);
    let staged = stage(home, &source, &[("720p/1.m4s", b"abc")]).await;
    let other = StagedOutput { location: staged[0].location.replace("-1/", "-2/"), ..staged[0].clone() };
    assert_ne!(other.location, staged[0].location);
    assert_eq!(objects.read_staged(&other, 3).await.unwrap_err().kind, ErrorKind::Missing);
}

pub async fn attempts_do_not_see_each_other(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let objects = home.objects();
    let mut first = objects.stage(&fence(&source, 1)).await.unwrap();
    let mut second = objects.stage(&fence(&source, 2)).await.unwrap();
    for (writer, bytes) in [(&mut first, b"one"), (&mut second, b"two")] {
        writer.open("1.m4s").unwrap();
        writer.write(bytes).unwrap();
        writer.close().unwrap();
    }
    let (first, second) = (first.finish().unwrap(), second.finish().unwrap());
    assert_eq!(objects.read_staged(&first[0], 3).await.unwrap(), b"one");
    assert_eq!(objects.read_staged(&second[0], 3).await.unwrap(), b"two");
}

pub async fn a_damaged_or_oversized_output_is_refused(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("1.m4s", b"abc")]).await;
    let objects = home.objects();
    assert_eq!(objects.read_staged(&staged[0], 2).await.unwrap_err().kind, ErrorKind::Invalid);
    let other = StagedOutput { sha256: SHA256_ABC.replace('b', "c"), ..staged[0].clone() };
    assert_eq!(objects.read_staged(&other, 3).await.unwrap_err().kind, ErrorKind::Corrupt);
}

pub async fn parts_of_staged_and_visible_files_are_read_and_verified(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("720p/track.mp4", b"xxabcyyy")]).await;
    let objects = home.objects();
    let location = objects.publish(&publication(&source, "out", &staged)).await.unwrap();
    for location in [staged[0].location.clone(), objects.visible(&location, "720p/track.mp4")] {
        let part = OutputRange { location, offset: 2, size_bytes: 3, sha256: SHA256_ABC.to_owned() };
        assert_eq!(objects.read_range(&part).await.unwrap(), b"abc");
        let kind = async |range: OutputRange| objects.read_range(&range).await.unwrap_err().kind;
        for (offset, size_bytes) in [(1, 3), (2, 2), (6, 3), (7, 3), (8, 3), (80, 3), (u64::MAX, 3), (2, 0)] {
            let other = OutputRange { offset, size_bytes, ..part.clone() };
            assert_eq!(kind(other).await, ErrorKind::Corrupt, "{size_bytes} bytes from {offset} on");
        }
        let gone = OutputRange { location: part.location.replace("track", "trick"), ..part };
        assert_eq!(kind(gone).await, ErrorKind::Missing);
    }
}

pub async fn names_that_leave_the_staging_area_are_refused(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let mut writer = home.objects().stage(&fence(&source, 1)).await.unwrap();
    for name in ["../1.m4s", "/1.m4s", "a/../../1.m4s", "", "a//b", "a/"] {
        assert_eq!(writer.open(name).unwrap_err().kind, ErrorKind::Invalid, "{name}");
    }
}

pub async fn a_misused_writer_returns_an_error(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let mut writer = home.objects().stage(&fence(&source, 1)).await.unwrap();
    assert_eq!(writer.write(b"x").unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(writer.close().unwrap_err().kind, ErrorKind::Invalid);
    writer.open("1.m4s").unwrap();
    assert_eq!(writer.open("2.m4s").unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(writer.finish().unwrap_err().kind, ErrorKind::Invalid);
}

pub async fn discarding_removes_all_attempts_of_one_asset_only(home: &dyn ObjectsHome) {
    let (first, second) = (home.put("a", b"x").await, home.put("b", b"x").await);
    let gone = stage(home, &first, &[("1.m4s", b"abc")]).await;
    let kept = stage(home, &second, &[("1.m4s", b"abc")]).await;
    let objects = home.objects();
    let mut all = vec![id(&first), id(&second)];
    all.sort();
    assert_eq!(objects.staged_assets().await.unwrap(), all);
    objects.discard_staging(&id(&first)).await.unwrap();
    objects.discard_staging(&id(&first)).await.unwrap();
    assert_eq!(objects.staged_assets().await.unwrap(), [id(&second)]);
    assert_eq!(objects.read_staged(&gone[0], 3).await.unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(objects.read_staged(&kept[0], 3).await.unwrap(), b"abc");
}
