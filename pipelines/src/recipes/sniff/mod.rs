//! Recognises the container of an upload by its first bytes.
//!
//! Attackers choose the name and the declared type of an upload, so only its content decides, by an allow list: what is
//! not recognised is refused. Text that points to other media (playlists, manifests, link lists) is refused with its
//! own code before any code could follow the links. Bytes are only compared: no allocation grows with a number found in
//! them.

mod boxes;
mod ebml;
mod frames;
mod magic;
mod text;

use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};

/// Bytes at the beginning of the upload that [`sniff`] reads. Pass all of them if the upload has as many. As long as
/// the longest run-in an MXF file may have (SMPTE ST 377-1, 6.5).
pub const PREFIX_BYTES_MAX: usize = 65_536;

/// The container of an upload of `size_bytes` bytes that begins with `prefix`.
///
/// # Errors
/// `empty_upload`, `playlist_refused`, `unsupported_container` for media in a container that is not accepted, and
/// `not_media` for everything else.
pub fn sniff(prefix: &[u8], size_bytes: u64) -> Result<Container, Fault> {
    if size_bytes == 0 {
        return Err(Fault::new(Code::EmptyUpload, ""));
    }
    let prefix = prefix.get(..PREFIX_BYTES_MAX).unwrap_or(prefix);
    // References come first: a file that is both a reference and media must not reach a demuxer.
    if let Some(kind) = text::reference(prefix) {
        return Err(Fault::new(Code::PlaylistRefused, kind));
    }
    if let Some(container) = by_signature(prefix, size_bytes)? {
        return Ok(container);
    }
    if let Some(refused) = magic::refused(prefix) {
        return Err(refused);
    }
    // Sync bytes and run-ins are weak evidence, so they come after every signature at a fixed place.
    if let Some(container) = by_repetition(prefix, size_bytes) {
        return Ok(container);
    }
    Err(Fault::new(Code::NotMedia, text::kind(prefix).unwrap_or("no known signature in the first 64 KiB")))
}

fn by_signature(prefix: &[u8], size_bytes: u64) -> Result<Option<Container>, Fault> {
    if boxes::matches(prefix, size_bytes)? {
        return Ok(Some(Container::IsoBmff));
    }
    if ebml::matches(prefix)? {
        return Ok(Some(Container::Matroska));
    }
    Ok(magic::accepted(prefix))
}

fn by_repetition(prefix: &[u8], size_bytes: u64) -> Option<Container> {
    if frames::transport_stream(prefix) {
        return Some(Container::MpegTs);
    }
    if let Some(container) = frames::audio(prefix, size_bytes) {
        return Some(container);
    }
    magic::mxf_after_run_in(prefix).then_some(Container::Mxf)
}

#[cfg(test)]
mod tests;
