//! Behaviour that is specific to S3: parts, checksums, versions, tags, listings.

use std::io::Read;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, StorageClass, Tag, Tagging,
};
use reelgate_aws::location::Location;
use reelgate_conformance::objects::ObjectsHome;
use reelgate_conformance::samples::next_turn;
use reelgate_flow::asset::{Exit, Verdict};
use reelgate_flow::ids::{AssetId, SourceId};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::{Objects, Publication, PublishItem, SourceLabels};
use reelgate_ports::records::{Fence, KeptSource, SourceRecord, StagedOutput};
use reelgate_stand_ins::{Fault, FaultProxy};

use super::scratch_buckets::ScratchBuckets;

/// Pseudo-random bytes, so that a misplaced piece is detected.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes.div_ceil(8)).flat_map(|_| next()).take(bytes).collect()
}

/// All bytes of a source.
pub async fn read(objects: &dyn Objects, source: &SourceRecord) -> Vec<u8> {
    let opened = objects.open(source).await.unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut opened.file.take(1 << 30), &mut bytes).unwrap();
    bytes
}

pub fn fence(source: &SourceRecord) -> Fence {
    Fence { asset: asset_id(&source.id), task: TaskKey::Audio, attempt: 1 }
}

/// Stages one output of an asset.
pub async fn stage(objects: &dyn Objects, source: &SourceRecord, bytes: &[u8]) -> Vec<StagedOutput> {
    let mut writer = objects.stage(&fence(source)).await.unwrap();
    writer.open("v.m4s").unwrap();
    for some in bytes.chunks(1 << 20) {
        writer.write(some).unwrap();
    }
    writer.close().unwrap();
    writer.finish().unwrap()
}

pub fn publication(source: &SourceRecord, staged: &[StagedOutput]) -> Publication {
    let items = staged.iter().map(|staged| PublishItem { staged: staged.clone(), name: staged.name.clone() });
    Publication {
        turn: next_turn(&asset_id(&source.id)),
        source: source.clone(),
        path: "out".into(),
        items: items.collect(),
        manifest: staged.iter().map(|staged| staged.sha256.as_str()).collect::<String>().into_bytes(),
        verdict: Verdict::Clean,
        surfaces: "analysed=name".into(),
    }
}

/// Uploads in parts with a checksum, like a producer's own tool.
async fn upload_in_parts(
    home: &ScratchBuckets,
    algorithm: ChecksumAlgorithm,
    kind: ChecksumType,
    parts: impl IntoIterator<Item = &[u8]>,
) -> SourceRecord {
    let (s3, bucket, key) = (&home.s3, &home.bucket, "in/parts");
    let begun = s3.create_multipart_upload().bucket(bucket).key(key).checksum_algorithm(algorithm.clone());
    let id = begun.checksum_type(kind).send().await.unwrap().upload_id.unwrap();
    let mut completed = Vec::new();
    for (number, part) in (1..).zip(parts) {
        let request = s3.upload_part().bucket(bucket).key(key).upload_id(&id).part_number(number);
        let request = request.checksum_algorithm(algorithm.clone()).body(ByteStream::from(part.to_vec()));
        let sent = request.send().await.unwrap();
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .set_checksum_crc32_c(sent.checksum_crc32_c)
            .set_checksum_crc64_nvme(sent.checksum_crc64_nvme)
            .set_checksum_sha256(sent.checksum_sha256);
        completed.push(part.build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(completed)).build();
    let request =
        s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(id).multipart_upload(parts);
    request.send().await.unwrap();
    home.source(key).await
}

#[tokio::test]
async fn a_source_with_any_kind_of_checksum_is_read_in_ranges() {
    let home = ScratchBuckets::versioned().await;
    let bytes = noise((11 << 20) + 12_345);
    let kinds = [
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject),
        (ChecksumAlgorithm::Crc32, ChecksumType::Composite),
        (ChecksumAlgorithm::Crc32C, ChecksumType::Composite),
        (ChecksumAlgorithm::Sha256, ChecksumType::Composite),
    ];
    for (algorithm, kind) in kinds {
        let source = upload_in_parts(&home, algorithm.clone(), kind, bytes.chunks(5 << 20)).await;
        assert!(read(&*home.objects, &source).await == bytes, "{algorithm}");
    }
}

#[tokio::test]
async fn a_checksum_of_parts_is_verified_whatever_their_sizes() {
    let home = ScratchBuckets::versioned().await;
    let bytes = noise(23 << 20);
    // Equal ones, another number than equal ones would be, and as many as those.
    for sizes in [vec![6, 6, 6, 5], vec![5, 6, 6, 6], vec![6, 5, 7, 5]] {
        let kind = ChecksumType::Composite;
        let mut rest = &bytes[..];
        let parts = sizes.iter().map(|mib: &usize| {
            let (part, after) = rest.split_at(mib << 20);
            rest = after;
            part
        });
        let source = upload_in_parts(&home, ChecksumAlgorithm::Sha256, kind, parts).await;
        assert!(read(&*home.objects, &source).await == bytes);
        let proxy = FaultProxy::before(home.endpoint());
        let objects = home.with(Some(proxy.endpoint()), |_| {});
        proxy.next(1_000, Fault::Flipped { at: 77 }, |asked| asked.method == "GET");
        let error = objects.open(&source).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::ChecksumMismatch, "{error}");
        assert!(error.detail.contains("SHA256") && error.detail.contains("-4, found "), "{error}");
    }
}

#[tokio::test]
async fn labels_of_an_upload_are_those_of_its_recorded_version_and_move_with_it() {
    let home = ScratchBuckets::versioned().await;
    let put = async |value: &str| {
        let put = home.s3.put_object().bucket(&home.bucket).key("in/a").body(noise(10).into());
        put.metadata("Reelgate-SHA256", value)
            .metadata("unit", "7")
            .tagging(format!("case={value}"))
            .send()
            .await
            .unwrap();
        home.source("in/a").await
    };
    let older = put("old").await;
    let newer = put("new").await;
    let expected = [("reelgate-sha256", "new"), ("unit", "7")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let tags = [("case".to_owned(), "new".to_owned())].into();
    let labels = SourceLabels { metadata: expected.into(), tags };
    assert_eq!(home.objects.labels(&newer).await.unwrap(), labels);
    assert_eq!(home.objects.labels(&older).await.unwrap_err().kind, ErrorKind::Superseded);
    let turn = next_turn(&asset_id(&newer.id));
    let withdrawn = home.objects.withdraw(&turn, None, &newer, Exit::Reject, true).await.unwrap();
    let moved = SourceRecord { location: withdrawn.source_location, ..newer };
    let mut kept = home.objects.labels(&moved).await.unwrap();
    kept.tags.remove("reelgate-exit").unwrap();
    assert_eq!(kept, labels);
}

#[tokio::test]
async fn an_output_larger_than_a_part_is_staged_and_published_whole() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    let bytes = noise((10 << 20) + 7);
    let staged = stage(&*home.objects, &source, &bytes).await;
    assert_eq!(staged[0].size_bytes, bytes.len() as u64);
    assert!(home.objects.read_staged(&staged[0], 1 << 30).await.unwrap() == bytes);
    // Copied in parts, like an object above 5 GiB.
    let objects = home.with(None, |settings| {
        settings.transfer.copy_bytes_max = 5 << 20;
        settings.transfer.copy_part_bytes = 5 << 20;
    });
    objects.publish(&publication(&source, &staged)).await.unwrap();
    assert!(home.get("published/out/v.m4s").await.unwrap() == bytes);
    assert_eq!(home.unfinished().await, 0);
}

#[tokio::test]
async fn an_attempt_dropped_in_the_middle_of_a_large_output_leaves_no_parts() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    let mut writer = home.objects.stage(&fence(&source)).await.unwrap();
    writer.open("v.m4s").unwrap();
    writer.write(&noise(12 << 20)).unwrap();
    drop(writer);
    assert_eq!(home.unfinished().await, 0);
    assert_eq!(home.versions("work/").await, Vec::<String>::new());
}

#[tokio::test]
async fn parts_left_by_a_crash_are_found_and_removed() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    let key = format!("work/{}/audio-1/v.m4s", asset_id(&source.id));
    home.s3.create_multipart_upload().bucket(&home.bucket).key(key).send().await.unwrap();
    assert_eq!(home.objects.staged_assets().await.unwrap(), [asset_id(&source.id)]);
    home.objects.discard_staging(&asset_id(&source.id)).await.unwrap();
    assert_eq!(home.unfinished().await, 0);
    assert_eq!(home.objects.staged_assets().await.unwrap(), []);
}

#[tokio::test]
async fn a_quarantined_asset_leaves_no_version_of_any_output() {
    let home = ScratchBuckets::versioned().await;
    let older = home.put("a", b"old").await;
    let staged = stage(&*home.objects, &older, b"old").await;
    home.objects.publish(&publication(&older, &staged)).await.unwrap();
    let newer = home.put("a", b"newer").await;
    let staged = stage(&*home.objects, &newer, b"newer").await;
    home.objects.publish(&publication(&newer, &staged)).await.unwrap();
    assert_eq!(home.versions("published/").await.len(), 2, "no version of the older publication is left");
    home.objects
        .withdraw(&next_turn(&asset_id(&newer.id)), Some("out"), &newer, Exit::Quarantine, true)
        .await
        .unwrap();
    assert_eq!(home.versions("published/").await, Vec::<String>::new());
    assert_eq!(home.versions("work/").await.len(), 1, "the staged file of the older asset stays");
    assert_eq!(home.versions("in/").await, ["in/a"], "the older upload is not withdrawn");
}

#[tokio::test]
async fn an_older_version_is_quarantined_even_if_there_is_a_newer_one() {
    let home = ScratchBuckets::versioned().await;
    let older = home.put("a", b"old").await;
    home.put("a", b"newer").await;
    let location = home
        .objects
        .withdraw(&next_turn(&asset_id(&older.id)), None, &older, Exit::Quarantine, true)
        .await
        .unwrap()
        .source_location;
    assert_eq!(home.moved_source(&location).await.as_deref(), Some(&b"old"[..]));
    assert_eq!(home.versions("in/").await, ["in/a"]);
    assert_eq!(home.get("in/a").await.as_deref(), Some(&b"newer"[..]));
}

#[tokio::test]
async fn a_moved_source_of_any_size_keeps_its_metadata_and_tags() {
    let home = ScratchBuckets::versioned().await;
    for (key, bytes) in [("small", 10), ("large", 6 << 20)] {
        let put =
            home.s3.put_object().bucket(&home.bucket).key(format!("in/{key}")).body(noise(bytes).into());
        let put = put.content_type("video/mp4").metadata("producer", "unit 7").tagging("case=a%20b&keep=1");
        put.send().await.unwrap();
        let source = home.source(&format!("in/{key}")).await;
        let objects = home.with(None, |settings| {
            settings.transfer.copy_bytes_max = 5 << 20;
            settings.transfer.copy_part_bytes = 5 << 20;
        });
        let asset = asset_id(&source.id);
        let location = objects
            .withdraw(&next_turn(&asset), None, &source, Exit::Reject, false)
            .await
            .unwrap()
            .source_location;
        assert!(home.moved_source(&location).await.unwrap() == noise(bytes));
        let apart = format!("rejected/{asset}/source");
        let head = home.s3.head_object().bucket(&home.bucket).key(&apart).send().await.unwrap();
        assert_eq!(head.content_type(), Some("video/mp4"), "{key}");
        assert_eq!(head.metadata().unwrap()["producer"], "unit 7");
        let tags = home.s3.get_object_tagging().bucket(&home.bucket).key(&apart).send().await.unwrap();
        let mut tags: Vec<_> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
        tags.sort_unstable();
        assert_eq!(tags, [("case", "a b"), ("keep", "1"), ("reelgate-exit", "rejected")], "{key}");
    }
}

#[tokio::test]
async fn the_mark_of_a_refused_source_goes_when_a_hold_begins() {
    let home = ScratchBuckets::versioned().await;
    let mark = async |asset: &AssetId| {
        let apart = format!("rejected/{asset}/source");
        let tags = home.s3.get_object_tagging().bucket(&home.bucket).key(apart).send().await.unwrap();
        let [tag] = tags.tag_set() else { panic!("expected one tag, found {tags:?}") };
        assert_eq!(tag.key(), "reelgate-exit");
        tag.value().to_owned()
    };
    // Refused first, then under hold.
    let source = home.put("a", b"x").await;
    let asset = asset_id(&source.id);
    let turn = next_turn(&asset);
    let withdrawn = home.objects.withdraw(&turn, None, &source, Exit::Reject, false).await.unwrap();
    assert_eq!(mark(&asset).await, "rejected");
    let refused = SourceRecord { location: withdrawn.source_location, ..source };
    assert_eq!(home.objects.keep_source(&asset, &refused).await.unwrap(), KeptSource::Already);
    assert_eq!(mark(&asset).await, "held");

    // Under hold first, and refused while it lasts: from where its producer puts it, and from the quarantine.
    let source = home.put("b", b"x").await;
    let asset = asset_id(&source.id);
    home.objects.withdraw(&next_turn(&asset), None, &source, Exit::Reject, true).await.unwrap();
    assert_eq!(mark(&asset).await, "held");
    let source = home.put("c", b"x").await;
    let asset = asset_id(&source.id);
    let withdrawn = home.objects.withdraw(&next_turn(&asset), None, &source, Exit::Quarantine, true).await;
    let quarantined = SourceRecord { location: withdrawn.unwrap().source_location, ..source };
    home.objects.withdraw(&next_turn(&asset), None, &quarantined, Exit::Reject, true).await.unwrap();
    assert_eq!(mark(&asset).await, "held");

    // Refused, then published after all.
    let source = home.put("e", b"x").await;
    let asset = asset_id(&source.id);
    let withdrawn =
        home.objects.withdraw(&next_turn(&asset), None, &source, Exit::Reject, false).await.unwrap();
    let again = SourceRecord { location: withdrawn.source_location, ..source };
    let staged = stage(&*home.objects, &again, b"output").await;
    home.objects.publish(&publication(&again, &staged)).await.unwrap();
    assert_eq!(mark(&asset).await, "released");

    // What a rule has removed before the hold began is said to be gone.
    let gone = home.put("d", b"x").await;
    let asset = asset_id(&gone.id);
    let withdrawn =
        home.objects.withdraw(&next_turn(&asset), None, &gone, Exit::Reject, false).await.unwrap();
    let apart = format!("rejected/{asset}/source");
    home.s3.delete_object().bucket(&home.bucket).key(apart).send().await.unwrap();
    let gone = SourceRecord { location: withdrawn.source_location, ..gone };
    assert_eq!(home.objects.keep_source(&asset, &gone).await.unwrap(), KeptSource::Gone);
}

#[tokio::test]
async fn an_object_with_the_most_tags_is_not_tagged() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    let tags = (0..10).map(|n| Tag::builder().key(format!("k{n}")).value("v").build().unwrap());
    let tagging = Tagging::builder().set_tag_set(Some(tags.collect())).build().unwrap();
    let request = home.s3.put_object_tagging().bucket(&home.bucket).key("in/a").tagging(tagging);
    request.send().await.unwrap();
    let asset = asset_id(&source.id);
    home.objects.withdraw(&next_turn(&asset), None, &source, Exit::Reject, false).await.unwrap();
    let apart = format!("rejected/{asset}/source");
    let tags = home.s3.get_object_tagging().bucket(&home.bucket).key(apart).send().await.unwrap();
    assert_eq!(tags.tag_set().len(), 10);
}

/// Stages outputs with these names.
async fn stage_named(home: &ScratchBuckets, source: &SourceRecord, names: &[&str]) -> Vec<StagedOutput> {
    let mut writer = home.objects.stage(&fence(source)).await.unwrap();
    for name in names {
        writer.open(name).unwrap();
        writer.write(b"#EXTM3U").unwrap();
        writer.close().unwrap();
    }
    writer.finish().unwrap()
}

#[tokio::test]
async fn a_flagged_publication_is_tagged_and_keeps_its_other_tags() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", b"x").await;
    let staged = stage_named(&home, &source, &["v.m4s", "master.m3u8"]).await;
    let flags = async |name: &str| {
        let key = format!("published/out/{name}");
        let tags = home.s3.get_object_tagging().bucket(&home.bucket).key(key).send().await.unwrap();
        let tags = tags.tag_set().iter().map(|tag| format!("{}={}", tag.key(), tag.value()));
        let mut tags: Vec<String> = tags.collect();
        tags.sort();
        tags
    };
    let clean = publication(&source, &staged);
    home.objects.publish(&clean).await.unwrap();
    assert_eq!(flags("master.m3u8").await, Vec::<String>::new());
    let surfaces = "reelgate-surfaces=analysed=name";
    assert_eq!(flags("manifest.json").await, [surfaces, "reelgate-verdict=clean"]);
    let tag = Tag::builder().key("case").value("7").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    let request = home.s3.put_object_tagging().bucket(&home.bucket).key("published/out/master.m3u8");
    request.tagging(tagging).send().await.unwrap();

    // A redo that does not create playlists keeps them in place.
    let flagged = || {
        let mut wanted = publication(&source, &staged);
        for item in &mut wanted.items {
            item.staged.location = format!("s3://{}/published/out/{}", home.bucket, item.name);
        }
        wanted.manifest = b"{\"verdict\": 1}".to_vec();
        Publication { verdict: Verdict::Flagged, ..wanted }
    };
    for _ in 0..2 {
        home.objects.publish(&flagged()).await.unwrap();
        assert_eq!(flags("master.m3u8").await, ["case=7", surfaces, "reelgate-verdict=flagged"]);
        assert_eq!(flags("manifest.json").await, [surfaces, "reelgate-verdict=flagged"]);
        assert_eq!(flags("v.m4s").await, Vec::<String>::new());
    }
    assert!(home.get("published/out/master.m3u8").await.is_some());
}

#[tokio::test]
async fn a_publication_that_lost_a_file_is_completed_by_publishing_again() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", b"x").await;
    let wanted = publication(&source, &stage(&*home.objects, &source, b"abc").await);
    home.objects.publish(&wanted).await.unwrap();
    home.s3.delete_object().bucket(&home.bucket).key("published/out/v.m4s").send().await.unwrap();
    home.objects.publish(&wanted).await.unwrap();
    assert_eq!(home.get("published/out/v.m4s").await.as_deref(), Some(&b"abc"[..]));
}

#[tokio::test]
async fn files_that_reelgate_did_not_publish_are_not_replaced() {
    let home = ScratchBuckets::unversioned().await;
    let body = ByteStream::from_static(b"mine");
    home.s3.put_object().bucket(&home.bucket).key("published/out/v.m4s").body(body).send().await.unwrap();
    let source = home.put("a", b"x").await;
    let wanted = publication(&source, &stage(&*home.objects, &source, b"abc").await);
    assert_eq!(home.objects.publish(&wanted).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(home.get("published/out/v.m4s").await.as_deref(), Some(&b"mine"[..]));
}

#[tokio::test]
async fn published_files_have_the_media_type_that_a_player_needs() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    home.objects.publish(&publication(&source, &stage(&*home.objects, &source, b"abc").await)).await.unwrap();
    for (name, expected) in [("v.m4s", "video/mp4"), ("manifest.json", "application/json")] {
        let key = format!("published/out/{name}");
        let head = home.s3.head_object().bucket(&home.bucket).key(key).send().await.unwrap();
        assert_eq!(head.content_type(), Some(expected));
    }
}

#[tokio::test]
async fn each_upload_is_listed_once_in_order_of_key_with_the_version_of_its_event() {
    for home in [ScratchBuckets::versioned().await, ScratchBuckets::unversioned().await] {
        home.put("b/1", b"old").await;
        let mut expected = Vec::new();
        for key in ["a b+ü%2F.mp4", "b/1", "b/2\n.mp4", "c"] {
            expected.push(home.put(key, key.as_bytes()).await);
        }
        home.put("folder/", b"").await;
        home.put("gone", b"x").await;
        home.remove("gone").await;
        let listed = home.objects.list("", None, 100).await.unwrap();
        let seen: Vec<_> =
            listed.iter().map(|event| (&event.source, event.size_bytes, &event.location)).collect();
        let wanted: Vec<_> =
            expected.iter().map(|source| (&source.id, source.size_bytes, &source.location)).collect();
        assert_eq!(seen, wanted);
        let keys = async |prefix: &str, after: Option<&str>, most: usize| {
            let listed = home.objects.list(prefix, after, most).await.unwrap();
            listed.into_iter().map(|event| event.source.key).collect::<Vec<_>>()
        };
        assert_eq!(keys("in/b/", None, 100).await, ["in/b/1", "in/b/2\n.mp4"]);
        assert_eq!(keys("", Some("in/b/1"), 1).await, ["in/b/2\n.mp4"]);
        assert_eq!(keys("elsewhere/", None, 100).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn tasks_of_one_asset_share_one_download() {
    let home = ScratchBuckets::versioned().await;
    let proxy = reelgate_stand_ins::FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    let source = home.put("a", &noise(3 << 20)).await;
    let (first, second) = tokio::join!(read(&objects, &source), read(&objects, &source));
    assert!(first == second);
    read(&objects, &source).await;
    assert_eq!(proxy.asked(), 3 + 3, "three ranges once, and a version check for each open");
}

#[tokio::test]
async fn an_archived_upload_and_one_of_a_customer_s_key_are_named_as_such() {
    let home = ScratchBuckets::versioned().await;
    let put =
        |key: &str| home.s3.put_object().bucket(&home.bucket).key(key).body(ByteStream::from_static(b"x"));
    put("in/archived").storage_class(StorageClass::Glacier).send().await.unwrap();
    let archived = home.source("in/archived").await;
    let opened = home.objects.open(&archived).await.map(drop);
    assert_eq!(opened.unwrap_err().kind, ErrorKind::Archived);

    let key = [7_u8; 32];
    let locked = put("in/locked").sse_customer_algorithm("AES256");
    let locked = locked.sse_customer_key(data_encoding::BASE64.encode(&key));
    let md5 = "y4HAEFCYWuvAXWFTtA1Qpg==";
    let stored = locked.sse_customer_key_md5(md5).send().await.unwrap();
    let locked = SourceRecord {
        id: SourceId { version: stored.version_id.unwrap(), key: "in/locked".into(), ..archived.id.clone() },
        location: Location::new(&home.bucket, "in/locked").to_string(),
        ..archived
    };
    let opened = home.objects.open(&locked).await.map(drop);
    assert_eq!(opened.unwrap_err().kind, ErrorKind::CustomerKey);
    assert_eq!(home.objects.check_current(&locked).await.unwrap_err().kind, ErrorKind::CustomerKey);
}

#[tokio::test]
async fn a_source_is_fetched_once_for_all_tasks_that_read_it_whatever_its_size() {
    let home = ScratchBuckets::versioned().await;
    let objects = home.with(None, |settings| settings.scratch_bytes_max = 1_000);
    for (key, bytes, is_kept) in [("small", 1_000, true), ("large", 1_001, false)] {
        let source = home.put(key, &noise(bytes)).await;
        let (first, second) = tokio::join!(objects.open(&source), objects.open(&source));
        let (first, second) = (first.unwrap(), second.unwrap());
        let third = objects.open(&source).await.unwrap();
        assert_eq!(first.fetched_bytes + second.fetched_bytes, bytes as u64, "{key}");
        assert_eq!((third.fetched_bytes, third.is_kept), (0, is_kept), "{key}: others still read it");
    }
    let small = home.source("in/small").await;
    assert_eq!(objects.open(&small).await.unwrap().fetched_bytes, 0, "{}", small.id.key);
    let large = home.source("in/large").await;
    assert_eq!(objects.open(&large).await.unwrap().fetched_bytes, 1_001, "evicted when another was opened");
}
