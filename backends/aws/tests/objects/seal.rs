//! The seal of the audit log as an object.

use aws_sdk_s3::primitives::ByteStream;
use reelgate_aws::location::Location;
use reelgate_aws::seal_object::SealObject;
use reelgate_ports::audit::Seal;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::seal_keeper::SealKeeper;

use super::scratch_buckets::{ScratchBuckets, config};

fn seal(records: u64) -> Seal {
    Seal { records, head: "ab".repeat(32) }
}

fn keeper(home: &ScratchBuckets) -> SealObject {
    let at = Location::new(&home.bucket, "audit-seal.json");
    SealObject::new(&config(home.endpoint()), home.settings.transfer.clone(), at).unwrap()
}

#[tokio::test]
async fn the_latest_seal_of_all_nodes_is_kept_and_every_version_stays() {
    let home = ScratchBuckets::versioned().await;
    let (one, other) = (keeper(&home), keeper(&home));
    assert_eq!(one.kept().await.unwrap(), None);
    one.keep(&seal(1)).await.unwrap();
    other.keep(&seal(7)).await.unwrap();
    one.keep(&seal(5)).await.unwrap();
    assert_eq!(one.kept().await.unwrap(), Some(seal(7)), "an earlier seal takes the place of no later one");
    let versions = home.s3.list_object_versions().bucket(&home.bucket).send().await.unwrap();
    assert_eq!(versions.versions().len(), 2);
}

#[tokio::test]
async fn nodes_that_keep_seals_at_once_leave_the_latest() {
    let home = ScratchBuckets::unversioned().await;
    let keepers: Vec<SealObject> = (0..4).map(|_| keeper(&home)).collect();
    let seals: Vec<Seal> = (1..5).map(seal).collect();
    let kept = keepers.iter().zip(&seals).map(|(keeper, seal)| keeper.keep(seal));
    for kept in futures_util::future::join_all(kept).await {
        kept.unwrap();
    }
    assert_eq!(keepers[0].kept().await.unwrap(), Some(seal(4)));
}

#[tokio::test]
async fn other_content_is_no_missing_seal() {
    let home = ScratchBuckets::unversioned().await;
    let request = home.s3.put_object().bucket(&home.bucket).key("audit-seal.json");
    request.body(ByteStream::from_static(b"{}")).send().await.unwrap();
    let keeper = keeper(&home);
    for error in [keeper.kept().await.unwrap_err(), keeper.keep(&seal(1)).await.unwrap_err()] {
        assert_eq!(error.kind, ErrorKind::Corrupt, "{error}");
    }
}
