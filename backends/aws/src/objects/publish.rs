//! Making outputs visible. S3 renames nothing, so files are copied to where they will be seen, media first, then the
//! playlists that name it, and `manifest.json` last, on the condition that nobody else's has come to stand there since
//! it was looked at: that write is the commit. What the new manifest does not name is removed after it.
//!
//! While an older publication is replaced, a reader may see files of both; a player keeps the playlist it has read.
//! Every copy says whose it is in its metadata, and replaces only what was there when the publisher looked, so that two
//! publishers cannot mix their files unnoticed: the one that comes too late starts again, and finds the newer manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Verdict;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Publication, PublishItem};

use super::Inner;
use super::bucket::{Bucket, Head, Label, Only};
use super::copy::{Copy, copy};
use super::list::{ListedVersion, Marker};
use super::owner::{ASSET, Owner};
use super::settings::Areas;
use super::staging::{named, output};
use crate::location::{Area, Location, stays_inside};

pub(super) const WHAT: &str = "publish outputs";
/// Tag of what is published with a verdict that somebody should know of.
const VERDICT_TAG: &str = "reelgate-verdict";
/// Requests at once while copying: S3 copies, we only wait.
const COPIES: usize = 16;
/// How often others may come in between before somebody must look.
const ROUNDS_MAX: u32 = 4;

/// Publishes; doing it again changes nothing.
pub(super) async fn publish(inner: Arc<Inner>, publication: Publication) -> PortResult<String> {
    let bucket = &inner.bucket;
    let place = PublishedPath::of(&inner.areas, &publication)?;
    let owner = Owner::of(&publication);
    for _ in 0..ROUNDS_MAX {
        match place.round(bucket, &publication, &owner).await {
            // Somebody came in between.
            Err(error) if error.kind == ErrorKind::Conflict && error.operation != WHAT => {}
            Err(error) => return Err(PortError { operation: WHAT, ..error }),
            Ok(()) => return Ok(place.location()),
        }
    }
    let detail = "expected the output path to stay as it is, found others writing there";
    Err(PortError::new(Port::Objects, ErrorKind::Unavailable, WHAT, detail))
}

/// Reads the manifest of a publication; `None` where none stands there.
pub(super) async fn manifest(inner: &Inner, location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>> {
    let what = "read a manifest";
    let at = output(&inner.areas, location)?;
    let Some(head) = inner.bucket.head(what, &at, None).await? else { return Ok(None) };
    inner.bucket.read(what, &at, &head, bytes_max).await.map(Some)
}

/// Where a publication stands, and what it is made of.
struct PublishedPath {
    /// All publications.
    area: Area,
    /// Ends with `/`.
    prefix: Location,
    /// Final place → where it lies now, and its size.
    files: BTreeMap<String, (Location, u64)>,
}

/// What is done on a condition; its `Conflict` means that somebody came in between.
const MOVE: &str = "copy outputs to their place";

impl PublishedPath {
    fn of(areas: &Areas, publication: &Publication) -> PortResult<Self> {
        let prefix = prefix(areas, &publication.path)?;
        let mut files = BTreeMap::new();
        for PublishItem { staged, name } in &publication.items {
            let from = output(areas, &staged.location)?;
            let to = named(&prefix, name)?.key;
            if name == MANIFEST || files.insert(to, (from, staged.size_bytes)).is_some() {
                let detail = "expected every output under a name of its own";
                return Err(PortError::new(Port::Objects, ErrorKind::Invalid, WHAT, detail));
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

    /// One try. A `Conflict` under [`WHAT`] is final; under another name it is worth looking again.
    async fn round(&self, bucket: &Arc<Bucket>, publication: &Publication, owner: &Owner) -> PortResult<()> {
        let manifest = self.manifest();
        let standing = bucket.head(WHAT, &manifest, None).await?;
        let standing_owner = standing.as_ref().map(Owner::read).transpose()?.flatten();
        if standing_owner.as_ref() == Some(owner) {
            match self.settle(bucket, None).await {
                // It was published, but is not whole any more.
                Err(error) if error.kind == ErrorKind::Conflict => {}
                Ok(()) => {
                    let stood = self.files.keys().cloned().chain([manifest.key]).collect();
                    return self.mark(bucket, publication.flagged, &stood).await;
                }
                failed => return failed,
            }
        }
        self.may_stand(bucket, standing.as_ref(), standing_owner.as_ref(), owner).await?;
        let there = self.there(bucket, standing.is_some()).await?;
        let sources = self.sources(bucket).await?;
        // What a redo keeps stands where it is to stand already.
        let stands =
            |(key, from, _): &(String, Location, Head)| from.bucket == self.prefix.bucket && from.key == *key;
        let (kept, moved): (Vec<_>, Vec<_>) = sources.into_iter().partition(stands);
        let stood = kept.iter().map(|(key, ..)| key.clone()).collect();
        let (lists, media): (Vec<_>, Vec<_>) = moved.into_iter().partition(|(key, _, _)| is_list(key));
        let mut copied: BTreeMap<String, String> =
            kept.into_iter().map(|(key, _, head)| (key, head.etag)).collect();
        for files in [media, lists] {
            copied.extend(self.copy_all(bucket, files, &there, &publication.asset).await?);
        }
        let only = standing.map_or(Only::Absent, |standing| Only::Over(standing.etag));
        bucket.put(MOVE, &manifest, publication.manifest.clone(), &owner.label(), only).await?;
        self.settle(bucket, Some(&copied)).await?;
        self.mark(bucket, publication.flagged, &stood).await
    }

    /// Marks what readers begin with; other tags stay as they are. What is new has no mark, so only that of an earlier
    /// publication is ever taken back.
    async fn mark(&self, bucket: &Bucket, flagged: bool, stood: &BTreeSet<String>) -> PortResult<()> {
        let manifest = self.manifest().key;
        let begins = self.files.keys().filter(|key| is_list(key)).chain([&manifest]);
        let verdict = if flagged { Verdict::Flagged } else { Verdict::Clean };
        for key in begins.filter(|key| flagged || stood.contains(*key)) {
            let at = Location::new(&self.prefix.bucket, key);
            bucket.add_tag(WHAT, &at, VERDICT_TAG, verdict.as_str()).await?;
        }
        Ok(())
    }

    /// A publication may take an empty place or its own key's older version's.
    async fn may_stand(
        &self,
        bucket: &Bucket,
        standing: Option<&Head>,
        standing_owner: Option<&Owner>,
        owner: &Owner,
    ) -> PortResult<()> {
        let conflict = |found: &str| Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, found));
        let area = &self.area;
        let path = self.prefix.key.strip_prefix(&area.prefix).unwrap_or_default().trim_end_matches('/');
        for (end, _) in path.match_indices('/') {
            let above = area.at(&format!("{}/{MANIFEST}", &path[..end]));
            let above = bucket.head(WHAT, &above, None).await?;
            if above.as_ref().map(Owner::read).transpose()?.flatten().is_some() {
                return conflict("expected a free output path, found it inside another upload's outputs");
            }
        }
        match (standing, standing_owner) {
            (_, Some(other)) if other.key_sha256 != owner.key_sha256 => conflict(
                "expected a free output path, found another upload's; let the path template tell keys apart",
            ),
            (_, Some(other)) if other.asset != owner.asset && other.sequencer > owner.sequencer => {
                conflict("expected an older version at the output path, found a newer one")
            }
            (Some(_), None) => conflict("expected a free output path, found a manifest that is not ours"),
            _ => Ok(()),
        }
    }

    /// What is below the path now: key → entity tag. Without a manifest of ours there may only be what a publisher that
    /// was cut short has left; and no other publication may stand deeper.
    async fn there(&self, bucket: &Bucket, published: bool) -> PortResult<BTreeMap<String, String>> {
        let mut there = BTreeMap::new();
        let mut from = Some(Marker::default());
        while let Some(marker) = from {
            let page = bucket.page(WHAT, &self.prefix.bucket, &self.prefix.key, marker).await?;
            for found in page.found.into_iter().filter(|found| found.latest) {
                if !published || self.is_deeper_manifest(&found) {
                    self.left_over(bucket, &found).await?;
                }
                there.insert(found.key, found.etag);
            }
            from = page.next;
        }
        Ok(there)
    }

    fn is_deeper_manifest(&self, found: &ListedVersion) -> bool {
        found.key.ends_with(&format!("/{MANIFEST}")) && found.key != self.manifest().key
    }

    /// `Conflict` where an object below a path without a manifest is not what a publisher left there.
    async fn left_over(&self, bucket: &Bucket, found: &ListedVersion) -> PortResult<()> {
        let at = Location::new(&self.prefix.bucket, &found.key);
        let Some(head) = bucket.head(WHAT, &at, None).await? else { return Ok(()) };
        if Owner::read(&head)?.is_none() && head.metadata.contains_key(ASSET) {
            return Ok(());
        }
        let detail = "expected a free output path, found a prefix with others' outputs";
        Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, detail))
    }

    /// Looks at every output before the first one is copied.
    async fn sources(&self, bucket: &Bucket) -> PortResult<Vec<(String, Location, Head)>> {
        let look = |(key, (from, size_bytes)): (String, (Location, u64))| async move {
            let missing = || {
                PortError::new(
                    Port::Objects,
                    ErrorKind::Missing,
                    WHAT,
                    "expected a staged output, found nothing",
                )
            };
            let head = bucket.head(WHAT, &from, None).await?.ok_or_else(missing)?;
            if head.size_bytes != size_bytes {
                let detail = format!("expected {size_bytes} bytes, found {}", head.size_bytes);
                return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, WHAT, detail));
            }
            Ok((key, from, head))
        };
        stream::iter(self.files.clone()).map(look).buffer_unordered(COPIES).try_collect().await
    }

    /// Copies files to their place; key → entity tag of the copy.
    async fn copy_all(
        &self,
        bucket: &Arc<Bucket>,
        files: Vec<(String, Location, Head)>,
        there: &BTreeMap<String, String>,
        asset: &AssetId,
    ) -> PortResult<Vec<(String, String)>> {
        let one = |(key, from, head): (String, Location, Head)| async move {
            let metadata = [(ASSET, asset.to_string())].into();
            let label = Label { content_type: Some(content_type(&key)), metadata };
            let only = there.get(&key).map_or(Only::Absent, |etag| Only::Over(etag.clone()));
            let to = Location::new(&self.prefix.bucket, &key);
            let order = Copy { what: MOVE, from, head, to, label: Some(label), only };
            copy(bucket, &order).await.map(|etag| (key, etag))
        };
        stream::iter(files).map(one).buffer_unordered(COPIES).try_collect().await
    }

    /// After the commit: every file is the one that was copied, and nothing else is there, not even as an older
    /// version that would come back when the newer one is removed.
    async fn settle(&self, bucket: &Bucket, copied: Option<&BTreeMap<String, String>>) -> PortResult<()> {
        let found = bucket.versions(WHAT, &self.prefix.bucket, &self.prefix.key).await?;
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
                // Somebody else's copy came last; this one starts again, over what is there now.
                return Err(PortError::new(
                    Port::Objects,
                    ErrorKind::Conflict,
                    MOVE,
                    "an output was replaced meanwhile",
                ));
            }
        }
        bucket.delete_all(WHAT, &self.prefix.bucket, &old).await
    }
}

/// The prefix of a publication's path.
pub(super) fn prefix(areas: &Areas, path: &str) -> PortResult<Location> {
    let invalid =
        || PortError::new(Port::Objects, ErrorKind::Invalid, WHAT, "expected a relative path of plain names");
    if stays_inside(path) { Ok(areas.published.at(&format!("{path}/"))) } else { Err(invalid()) }
}

fn is_list(key: &str) -> bool {
    key.ends_with(".m3u8") || key.ends_with(".mpd")
}

/// What players and browsers are told; the registry of IANA, RFC 8216 for playlists, ISO/IEC 23009-1 for the MPD.
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
