//! Makes outputs visible. S3 cannot rename, so files are copied to their visible place: media first, then the playlists
//! that name it, and `manifest.json` last, on the condition that the manifest did not change since it was checked. That
//! write is the commit. Files that the new manifest does not name are removed after it.
//!
//! While an older publication is replaced, a reader may see files of both; a player keeps the playlist it has read.
//! Every copy names its asset in its metadata, and replaces only the object that the publisher has seen there. Two
//! publishers therefore cannot mix their files unnoticed: the later one starts again and finds the newer manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Verdict;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Owner, Publication, PublishItem};

use super::bucket::{Bucket, Head, Label, Only};
use super::copy::{Copy, copy};
use super::keep_replaced::keep_replaced;
use super::list::Marker;
use super::listed_version::ListedVersion;
use super::move_source::spare_source;
use super::owner::{self, ASSET, TURN};
use super::settings::Areas;
use super::staging::{named, output};
use super::store_context::StoreContext;
use super::turn::{TakenTurn, is_taken_over};
use crate::location::{Area, Location, stays_inside};

const OPERATION: &str = "publish outputs";
/// Tag with the verdict, on the files that readers open first.
const VERDICT_TAG: &str = "reelgate-verdict";
/// Tag with the surfaces that the verdict is made of, beside it.
const SURFACES_TAG: &str = "reelgate-surfaces";
/// Copy requests in flight; S3 copies, and we only wait.
const COPIES: usize = 16;
/// Attempts while other writers interfere; after that, an operator must look.
const ROUNDS_MAX: u32 = 4;

/// Publishes outputs; a repeated call changes nothing.
pub(super) async fn publish(context: Arc<StoreContext>, publication: Publication) -> PortResult<String> {
    let place = PublishedPath::of(&context.areas, &publication)?;
    let owner = Owner::of(&publication);
    let turn = TakenTurn::take(context.clone(), publication.turn.clone()).await?;
    spare_source(&context, &publication.source).await?;
    for _ in 0..ROUNDS_MAX {
        match place.attempt(&context, &turn, &publication, &owner).await {
            Err(error) if is_taken_over(&error) => return Err(error),
            // Another writer interfered: try again.
            Err(error) if error.kind == ErrorKind::Conflict && error.operation != OPERATION => {}
            Err(error) => return Err(PortError { operation: OPERATION, ..error }),
            Ok(()) => return Ok(place.location()),
        }
    }
    let detail = "expected nobody else to write to the output path, found other writers";
    Err(PortError::new(Port::Objects, ErrorKind::Unavailable, OPERATION, detail))
}

/// Reads the manifest of a publication; `None` if there is none.
pub(super) async fn manifest(
    context: &StoreContext,
    location: &str,
    bytes_max: u64,
) -> PortResult<Option<Vec<u8>>> {
    let operation = "read a manifest";
    let at = output(&context.areas, location)?;
    let Some(head) = context.bucket.head(operation, &at, None).await? else { return Ok(None) };
    context.bucket.read(operation, &at, &head, bytes_max).await.map(Some)
}

/// The path of a publication, and the files that it consists of.
struct PublishedPath {
    /// The area of all publications.
    area: Area,
    /// Ends with `/`.
    prefix: Location,
    /// Final key → current location and size.
    files: BTreeMap<String, (Location, u64)>,
}

/// Conditional writes; their `Conflict` means that another writer interfered.
const MOVE: &str = "copy outputs to their place";

impl PublishedPath {
    fn of(areas: &Areas, publication: &Publication) -> PortResult<Self> {
        let prefix = prefix(areas, &publication.path)?;
        let mut files = BTreeMap::new();
        for PublishItem { staged, name } in &publication.items {
            let from = output(areas, &staged.location)?;
            let to = named(&prefix, name)?.key;
            if name == MANIFEST || files.insert(to, (from, staged.size_bytes)).is_some() {
                let detail = "expected a unique name for every output";
                return Err(PortError::new(Port::Objects, ErrorKind::Invalid, OPERATION, detail));
            }
        }
        Ok(Self { area: areas.published.clone(), prefix, files })
    }

    fn location(&self) -> String {
        self.prefix.to_string().trim_end_matches('/').to_owned()
    }

    fn manifest(&self) -> Location {
        Location::new(&self.prefix.bucket, format!("{}{MANIFEST}", self.prefix.key))
    }

    /// One attempt. A `Conflict` of the operation [`OPERATION`] is final; after that of another operation, try again.
    async fn attempt(
        &self,
        context: &Arc<StoreContext>,
        turn: &TakenTurn,
        publication: &Publication,
        owner: &Owner,
    ) -> PortResult<()> {
        turn.check().await?;
        let bucket = &context.bucket;
        let manifest = self.manifest();
        let current = bucket.head(OPERATION, &manifest, None).await?;
        let current_owner = current.as_ref().map(|head| owner::read(OPERATION, head)).transpose()?.flatten();
        if current_owner.as_ref() == Some(owner) {
            match self.settle(bucket, turn, None).await {
                // It was published, but some of its files have changed since.
                Err(error) if error.kind == ErrorKind::Conflict => {}
                Ok(()) => {
                    self.adopt(bucket, turn, publication, owner, current.as_ref()).await?;
                    let present = self.files.keys().cloned().chain([manifest.key]).collect();
                    return self.tag_verdict(bucket, publication, &present).await;
                }
                failed => return failed,
            }
        }
        self.check_path(bucket, current.as_ref(), current_owner.as_ref(), owner).await?;
        let existing = self.existing(bucket, current.is_some()).await?;
        let sources = self.sources(bucket).await?;
        if let Some(replaced) = current_owner.filter(|current| current.asset != owner.asset) {
            keep_replaced(context, turn, &replaced, &self.prefix).await?;
        }
        turn.check().await?;
        // The files that a redo keeps are already at their final key.
        let in_place =
            |(key, from, _): &(String, Location, Head)| from.bucket == self.prefix.bucket && from.key == *key;
        let (kept, moved): (Vec<_>, Vec<_>) = sources.into_iter().partition(in_place);
        let present = kept.iter().map(|(key, ..)| key.clone()).collect();
        let (lists, media): (Vec<_>, Vec<_>) = moved.into_iter().partition(|(key, _, _)| is_list(key));
        let mut copied: BTreeMap<String, String> =
            kept.into_iter().map(|(key, _, head)| (key, head.etag)).collect();
        let only = current.map_or(Only::Absent, |current| Only::Over(current.etag));
        let before: BTreeSet<String> = existing.keys().cloned().collect();
        let shown = async {
            for files in [media, lists] {
                copied.extend(self.copy_all(bucket, turn, files, &existing).await?);
                turn.check().await?;
            }
            let (text, label) = (publication.manifest.clone(), owner::label(owner, turn.stamp()));
            bucket.put(MOVE, &manifest, text, &label, only).await?;
            turn.check().await
        };
        let shown = shown.await;
        turn.settle(shown, &self.prefix, &before).await?;
        self.settle(bucket, turn, Some(&copied)).await?;
        self.tag_verdict(bucket, publication, &present).await
    }

    /// Puts this turn's stamp on a manifest that an earlier attempt has written, because what has that attempt's stamp may be
    /// removed when it wakes.
    async fn adopt(
        &self,
        bucket: &Bucket,
        turn: &TakenTurn,
        publication: &Publication,
        owner: &Owner,
        current: Option<&Head>,
    ) -> PortResult<()> {
        let Some(current) = current.filter(|current| current.metadata.get(TURN) != Some(&turn.stamp()))
        else {
            return Ok(());
        };
        let (text, label) = (publication.manifest.clone(), owner::label(owner, turn.stamp()));
        bucket.put(MOVE, &self.manifest(), text, &label, Only::Over(current.etag.clone())).await?;
        self.settle(bucket, turn, None).await
    }

    /// Tags manifest and playlists, which readers open first, with the verdict and the surfaces that it is made of; other
    /// tags stay. New playlists have no tag, so of a clean publication only the manifest is tagged, and the files in
    /// `present`, which an earlier publication may have flagged.
    async fn tag_verdict(
        &self,
        bucket: &Bucket,
        publication: &Publication,
        present: &BTreeSet<String>,
    ) -> PortResult<()> {
        let manifest = self.manifest().key;
        let Publication { verdict, surfaces, .. } = publication;
        let lists = self.files.keys().filter(|key| is_list(key));
        let lists = lists.filter(|key| *verdict != Verdict::Clean || present.contains(*key));
        let tags = [(VERDICT_TAG, verdict.as_str()), (SURFACES_TAG, surfaces.as_str())];
        for key in lists.chain([&manifest]) {
            let at = Location::new(&self.prefix.bucket, key);
            bucket.add_tags(OPERATION, &at, &tags).await?;
        }
        Ok(())
    }

    /// Checks that the path is free, or has an older version of the same key.
    async fn check_path(
        &self,
        bucket: &Bucket,
        current: Option<&Head>,
        current_owner: Option<&Owner>,
        owner: &Owner,
    ) -> PortResult<()> {
        let conflict =
            |found: &str| Err(PortError::new(Port::Objects, ErrorKind::Conflict, OPERATION, found));
        let area = &self.area;
        let path = self.prefix.key.strip_prefix(&area.prefix).unwrap_or_default().trim_end_matches('/');
        for (end, _) in path.match_indices('/') {
            let above = area.at(&format!("{}/{MANIFEST}", &path[..end]));
            let above = bucket.head(OPERATION, &above, None).await?;
            if above.as_ref().map(|head| owner::read(OPERATION, head)).transpose()?.flatten().is_some() {
                return conflict("expected a free output path, found it inside another upload's outputs");
            }
        }
        match (current, current_owner) {
            (_, Some(other)) if other.key_sha256 != owner.key_sha256 => conflict(
                "expected a free output path, found another upload's; the path template must give every key its own path",
            ),
            (_, Some(other)) if other.asset != owner.asset && other.sequencer > owner.sequencer => {
                conflict("expected an older version at the output path, found a newer one")
            }
            (Some(_), None) => conflict("expected a free output path, found a manifest that is not ours"),
            _ => Ok(()),
        }
    }

    /// Objects below the path now: key → entity tag. Without a manifest of ours, there may only be files that an interrupted
    /// publisher has left. No other publication may be below the path.
    async fn existing(&self, bucket: &Bucket, published: bool) -> PortResult<BTreeMap<String, String>> {
        let mut existing = BTreeMap::new();
        let mut from = Some(Marker::default());
        while let Some(marker) = from {
            let page = bucket.page(OPERATION, &self.prefix.bucket, &self.prefix.key, marker).await?;
            for found in page.found.into_iter().filter(|found| found.latest) {
                if !published || self.is_deeper_manifest(&found) {
                    self.check_leftover(bucket, &found).await?;
                }
                existing.insert(found.key, found.etag);
            }
            from = page.next;
        }
        Ok(existing)
    }

    fn is_deeper_manifest(&self, found: &ListedVersion) -> bool {
        found.key.ends_with(&format!("/{MANIFEST}")) && found.key != self.manifest().key
    }

    /// `Conflict` if an object below a path without a manifest was not left by an interrupted publisher.
    async fn check_leftover(&self, bucket: &Bucket, found: &ListedVersion) -> PortResult<()> {
        let at = Location::new(&self.prefix.bucket, &found.key);
        let Some(head) = bucket.head(OPERATION, &at, None).await? else { return Ok(()) };
        if owner::read(OPERATION, &head)?.is_none() && head.metadata.contains_key(ASSET) {
            return Ok(());
        }
        let detail = "expected a free output path, found other objects below it";
        Err(PortError::new(Port::Objects, ErrorKind::Conflict, OPERATION, detail))
    }

    /// Checks every output before the first one is copied.
    async fn sources(&self, bucket: &Bucket) -> PortResult<Vec<(String, Location, Head)>> {
        let look = |(key, (from, size_bytes)): (String, (Location, u64))| async move {
            let missing = || {
                PortError::new(
                    Port::Objects,
                    ErrorKind::Missing,
                    OPERATION,
                    "expected a staged output, found nothing",
                )
            };
            let head = bucket.head(OPERATION, &from, None).await?.ok_or_else(missing)?;
            if head.size_bytes != size_bytes {
                let detail = format!("expected {size_bytes} bytes, found {}", head.size_bytes);
                return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, OPERATION, detail));
            }
            Ok((key, from, head))
        };
        stream::iter(self.files.clone()).map(look).buffer_unordered(COPIES).try_collect().await
    }

    /// Copies files to their final keys; key → entity tag of the copy.
    async fn copy_all(
        &self,
        bucket: &Arc<Bucket>,
        turn: &TakenTurn,
        files: Vec<(String, Location, Head)>,
        existing: &BTreeMap<String, String>,
    ) -> PortResult<Vec<(String, String)>> {
        let one = |(key, from, head): (String, Location, Head)| async move {
            let metadata = [(ASSET, turn.turn.asset.to_string()), (TURN, turn.stamp())].into();
            let label = Label { content_type: Some(content_type(&key)), metadata };
            let only = existing.get(&key).map_or(Only::Absent, |etag| Only::Over(etag.clone()));
            let to = Location::new(&self.prefix.bucket, &key);
            let order = Copy { operation: MOVE, from, head, to, label: Some(label), stamp: None, only };
            copy(bucket, &order).await.map(|etag| (key, etag))
        };
        stream::iter(files).map(one).buffer_unordered(COPIES).try_collect().await
    }

    /// After the commit: checks that every file is the one that was copied, and removes everything else below the path.
    /// Older versions are removed too. Otherwise they would reappear when the newer version is removed.
    async fn settle(
        &self,
        bucket: &Bucket,
        turn: &TakenTurn,
        copied: Option<&BTreeMap<String, String>>,
    ) -> PortResult<()> {
        let found = bucket.versions(OPERATION, &self.prefix.bucket, &self.prefix.key).await?;
        let manifest = self.manifest().key;
        let (kept, old): (Vec<ListedVersion>, Vec<ListedVersion>) = found.into_iter().partition(|found| {
            found.latest && (found.key == manifest || self.files.contains_key(&found.key))
        });
        let kept: BTreeMap<&str, &str> =
            kept.iter().map(|found| (found.key.as_str(), found.etag.as_str())).collect();
        let wanted: BTreeSet<&str> = self.files.keys().map(String::as_str).collect();
        for key in wanted {
            let expected = copied.and_then(|copied| copied.get(key)).map(String::as_str);
            let intact = kept.get(key).is_some_and(|etag| expected.is_none_or(|expected| expected == *etag));
            if !intact {
                // Another writer's copy came last. This publisher starts again over the current objects.
                return Err(PortError::new(
                    Port::Objects,
                    ErrorKind::Conflict,
                    MOVE,
                    "another writer replaced an output",
                ));
            }
        }
        turn.check().await?;
        bucket.delete_all(OPERATION, &self.prefix.bucket, &old).await
    }
}

/// The prefix of a publication's path.
pub(super) fn prefix(areas: &Areas, path: &str) -> PortResult<Location> {
    let invalid = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Invalid,
            OPERATION,
            "expected a relative path of plain names",
        )
    };
    if stays_inside(path) { Ok(areas.published.at(&format!("{path}/"))) } else { Err(invalid()) }
}

fn is_list(key: &str) -> bool {
    key.ends_with(".m3u8") || key.ends_with(".mpd")
}

/// The content type of a file: IANA registry, RFC 8216 for playlists, ISO/IEC 23009-1 for the MPD.
fn content_type(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("mpd") => "application/dash+xml",
        Some("m4s" | "mp4" | "cmfv") => "video/mp4",
        Some("m4a" | "cmfa") => "audio/mp4",
        Some("vtt") => "text/vtt",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
