//! Reasons why an asset was refused or failed: a stable code, a class, a sentence and advice.

use alloc::string::String;

use crate::plain::is_plain;

/// Whose fault it is; decides whether a retry can help and who must act.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Class {
    /// The upload itself; never retried for long, never counted against a worker's health.
    BadMedia,
    /// A rule of the operator's policy.
    Policy,
    /// Our configuration.
    Config,
    /// A limit of capacity or cost.
    Quota,
    /// Disk, database, network, process table.
    Infrastructure,
    /// Our mistake.
    Bug,
}

impl Class {
    /// The word used in rows, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadMedia => "bad_media",
            Self::Policy => "policy",
            Self::Config => "config",
            Self::Quota => "quota",
            Self::Infrastructure => "infrastructure",
            Self::Bug => "bug",
        }
    }

    /// Whether exhausting the attempts refuses the asset (the producer must act) or fails it (we must).
    pub fn is_producers(self) -> bool {
        matches!(self, Self::BadMedia | Self::Policy)
    }
}

macro_rules! codes {
    ($($variant:ident, $text:literal, $class:ident, $attempts:literal, $message:literal, $advice:literal;)*) => {
        /// A stable code; the text form is part of the public interface and never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum Code {
            $(#[doc = $message] #[cfg_attr(feature = "serde", serde(rename = $text))] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
            /// Parses the text of [`Code::as_str`].
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
            /// Whose fault it is.
            pub fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }
            /// How often a task that ends with this code is started in all.
            pub fn attempts_max(self) -> u32 {
                match self { $(Self::$variant => $attempts,)* }
            }
            /// One sentence for the producer.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
            /// What to do next.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

codes! {
    EmptyUpload, "empty_upload", BadMedia, 1, "The upload holds no bytes.", "Upload the file again and check that the transfer finished.";
    NotMedia, "not_media", BadMedia, 1, "The content is not a video or audio file that Reelgate knows, whatever its name.", "Upload the video or audio itself, as MP4, MOV, MKV, WebM, MPEG-TS or another listed container; subtitles belong inside of it.";
    PlaylistRefused, "playlist_refused", BadMedia, 1, "The upload is a playlist, manifest or link list, not media.", "Upload the media itself; references to other files or addresses are never followed.";
    UnsupportedContainer, "unsupported_container", BadMedia, 1, "The container format is recognised but not accepted.", "Re-wrap as MP4 or MKV and upload again.";
    UnsupportedCodec, "unsupported_codec", BadMedia, 1, "A track uses a codec for which no decoder is allowed here.", "Export with H.264, H.265, VP9 or AV1 video and AAC, Opus or PCM audio.";
    NoMediaTrack, "no_media_track", BadMedia, 1, "The file opens but holds no video or audio track.", "Check the export settings; at least one video or audio track is needed.";
    Truncated, "truncated", BadMedia, 1, "The file ends before its own index says it should.", "The transfer was probably cut off: upload the file again.";
    DamagedIndex, "damaged_index", BadMedia, 1, "The file's index is missing or contradicts itself.", "Repair with a re-mux, or export again from the source.";
    DamagedStream, "damaged_stream", BadMedia, 1, "Too much of the stream does not decode.", "Export again from the source; the stored data is damaged.";
    NoFrameDecodes, "no_frame_decodes", BadMedia, 1, "The file lists frames but none of the sample decodes.", "Export again from the source; check the codec's private data.";
    Encrypted, "encrypted", BadMedia, 1, "The media is encrypted and Reelgate holds no key.", "Upload an unencrypted copy.";
    ExternalReference, "external_reference", BadMedia, 1, "The file points to media outside itself.", "Export as a self-contained file.";
    ChecksumMismatch, "checksum_mismatch", BadMedia, 1, "The content does not match the checksum given with it.", "Upload again; if it fails again, recompute the checksum.";
    ChecksumUnreadable, "checksum_unreadable", BadMedia, 1, "The checksum given with the upload is not a SHA-256.", "Write a checksum file with `sha256sum FILE > FILE.sha256`; metadata holds 64 hexadecimal digits or base64.";
    BadMetadata, "bad_metadata", BadMedia, 1, "The metadata or a tag given with the upload is beyond a limit, or cannot be read.", "Use at most 64 entries, names up to 128 bytes and values up to 2,048 bytes of UTF-8, without control characters.";
    JobFileInvalid, "job_file_invalid", BadMedia, 1, "The job file beside the upload cannot be used.", "Correct the line that it names, upload the job file, then the film again; keys and limits are in the guide about uploads.";
    FilmMissing, "film_missing", BadMedia, 1, "A caption file came without a film of its name.", "Upload the film first or soon after, into the same folder and with the same name before the extension; then upload the caption file again.";
    CaptionEncoding, "caption_encoding", BadMedia, 1, "A caption file is not encoded in UTF-8, or in UTF-16 with a byte-order mark.", "Save it as UTF-8 and upload it again.";
    CaptionFormat, "caption_format", BadMedia, 1, "A caption file is not in the format that its name says, or holds no caption.", "Export it as SubRip, WebVTT, TTML or SubStation Alpha, and upload it again.";
    CaptionSize, "caption_size", BadMedia, 1, "A caption file is larger than the limit.", "Split the film, or remove what is no caption; a file has at most 8 MiB and 50,000 captions.";
    DurationMismatch, "duration_mismatch", BadMedia, 1, "The declared duration is far from the media that is really there.", "Export again; the file is cut short or its header is wrong.";
    TimestampsBroken, "timestamps_broken", BadMedia, 1, "The timestamps are missing, jump or run backwards.", "Re-mux or export again so that timestamps rise steadily.";
    BudgetPixels, "budget_pixels", BadMedia, 1, "The picture is larger, or its shape more extreme, than the limit.", "Scale the video below the configured limit.";
    BudgetTracks, "budget_tracks", BadMedia, 1, "The file has more tracks than the limit.", "Remove tracks that are not needed.";
    BudgetSamples, "budget_samples", BadMedia, 1, "The index lists more samples than the file's size can hold or the limit allows.", "Export again; the index is implausible.";
    BudgetNesting, "budget_nesting", BadMedia, 1, "The file's structure is nested deeper than the limit.", "Export again with an ordinary tool.";
    BudgetDuration, "budget_duration", BadMedia, 1, "The duration is beyond the limit.", "Split the recording into shorter files.";
    BudgetOutput, "budget_output", BadMedia, 1, "The file expands to more output than the limit for its size.", "Check the file; a short upload should not expand this far.";
    BudgetCpu, "budget_cpu", BadMedia, 1, "Processing used up the CPU time allowed for a file of this kind.", "Export with ordinary settings; ask the operator to raise the limit if the file is legitimate.";
    BudgetMemory, "budget_memory", BadMedia, 1, "Processing used up the memory allowed for a file of this kind.", "Export with ordinary settings; ask the operator to raise the limit if the file is legitimate.";
    BudgetWall, "budget_wall", BadMedia, 2, "Processing made no progress within the time allowed.", "Export again; ask the operator to look if the file plays elsewhere.";
    DecoderCrashed, "decoder_crashed", BadMedia, 2, "The jailed media worker crashed on this file, more than once.", "Export again from the source; nothing outside the jail was touched.";
    PersonalData, "personal_data", Policy, 1, "Personal data of high severity was found.", "See the findings; remove the data or ask a security officer.";
    ScreeningIncomplete, "screening_incomplete", Policy, 1, "A part of the upload that must be searched for personal data could not be searched.", "Look at the surfaces it names; upload a file in which they can be read, or ask a security officer.";
    Erased, "erased", Policy, 1, "Everything of the upload was removed by decision of a security officer.", "Nothing to do; the certificate lists what was removed.";
    Superseded, "superseded", Policy, 1, "A newer version of the same key was uploaded.", "Nothing to do; the newer version is processed.";
    SourceChanged, "source_changed", Policy, 1, "The file changed while it was being processed.", "Upload after writing has finished; a new version becomes its own asset.";
    SourceMissing, "source_missing", Policy, 2, "The source is no longer where it was uploaded.", "Upload it again.";
    SourceArchived, "source_archived", Config, 1, "The upload is in an archive storage class, from which it cannot be read.", "Operator: restore it (`aws s3api restore-object`); it begins again by itself where events of restorations arrive, otherwise redrive it. Producer: upload to a storage class that can be read at once.";
    SourceCustomerKey, "source_customer_key", Config, 1, "The upload is encrypted with a key of its uploader (SSE-C), which Reelgate does not have.", "Producer: upload it again without SSE-C, for example with SSE-KMS.";
    ConfigInvalid, "config_invalid", Config, 1, "The settings do not allow this work to be done.", "Operator: run `reelgate check` and correct what it names.";
    AccessDenied, "access_denied", Config, 4, "A service or a file denied Reelgate the access that it needs.", "Operator: run `reelgate check`, grant what the detail names, then redrive.";
    UnderHold, "under_hold", Config, 1, "The outputs are under hold and must not be replaced.", "Operator: nothing while the hold lasts; after it has ended, redrive.";
    PluginMissing, "plugin_missing", Config, 2, "A media plugin that the recipe needs is not installed.", "Operator: run `reelgate check`; install the package it names; redrive.";
    QuotaDisk, "quota_disk", Quota, 4, "The disk is full.", "Operator: free space below the home directory; the work goes on by itself.";
    BudgetExceeded, "budget_exceeded", Quota, 1, "The work on the upload may cost more than a cap on spending leaves.", "Operator: nothing, if the cap is right: it goes on by itself once there is money again, as the next day or after the cap was raised. To spend more than the cap, redrive it.";
    ObjectUnavailable, "object_unavailable", Infrastructure, 4, "The object store did not answer as it should.", "Operator: check the store; the work goes on by itself once it answers.";
    StoreUnavailable, "store_unavailable", Infrastructure, 4, "The database did not answer as it should.", "Operator: check the database; the work goes on by itself once it answers.";
    StorageInconsistent, "storage_inconsistent", Infrastructure, 4, "The object store or the database holds something else than Reelgate put there.", "Operator: see the detail, find out who changed it, then redrive.";
    EventsUnavailable, "events_unavailable", Infrastructure, 4, "The source of upload events did not answer as it should.", "Operator: run `reelgate check`, look at the stream, queue or directory it names, then redrive.";
    NoticesUnavailable, "notices_unavailable", Infrastructure, 4, "The receiver of notices did not answer as it should.", "Operator: run `reelgate check` and look at the receiver it names; undelivered notices are sent again.";
    MachineUnavailable, "machine_unavailable", Infrastructure, 4, "The services of the machine under the node did not answer as they should.", "Operator: run `reelgate check` on the node, then redrive.";
    WorkerUnavailable, "worker_unavailable", Infrastructure, 4, "The media worker could not be started or its jail could not be closed.", "Operator: run `reelgate check`; the kernel must offer landlock and seccomp.";
    ScannerUnavailable, "scanner_unavailable", Infrastructure, 4, "The external scanner or its bucket did not answer as it should.", "Operator: check the scanner and its bucket; the work goes on by itself once they answer.";
    ScannerUnanswered, "scanner_unanswered", Infrastructure, 4, "The external scanner did not answer in time.", "Operator: check the scanner's job, then redrive; the text is delivered again.";
    WorkerLost, "worker_lost", Infrastructure, 12, "The work was interrupted before it finished.", "Operator: redrive; if it repeats, look at the node's log.";
    JailViolation, "jail_violation", Bug, 2, "The media worker asked the kernel for something the jail forbids.", "Operator: keep the file for analysis and report the system call's number.";
    WorkerProtocol, "worker_protocol", Bug, 2, "The media worker's reply broke the agreed form or its ranges.", "Operator: keep the file for analysis and report it.";
    CountMismatch, "count_mismatch", Bug, 2, "Frames, segments or durations of the outputs do not add up to the source.", "Operator: keep the file for analysis and report it.";
    Internal, "internal", Bug, 2, "A fault inside Reelgate.", "Operator: report it with the output of `reelgate why`.";
}

impl Code {
    /// Whether the fault is one of a service that will answer again, or of a disk that will have room again. Such attempts do not
    /// count: the task waits until the service is back, for days if it must.
    pub fn is_waited_out(self) -> bool {
        matches!(
            self,
            Self::QuotaDisk | Self::ObjectUnavailable | Self::StoreUnavailable | Self::ScannerUnavailable
        )
    }

    /// Whether the code is about the bytes themselves, so that it holds for every upload with the same content. A missing
    /// source, a wrong checksum or bad metadata concerns one upload only.
    pub fn is_of_content(self) -> bool {
        let is_of_upload = matches!(
            self,
            Self::ChecksumMismatch
                | Self::ChecksumUnreadable
                | Self::BadMetadata
                | Self::JobFileInvalid
                | Self::FilmMissing
        );
        self.class() == Class::BadMedia && !is_of_upload
    }
}

/// What went wrong in one attempt. `detail` names numbers and formats, never user text.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(from = "RawFault"))]
pub struct Fault {
    /// The stable code.
    pub code: Code,
    /// Expected and found, in numbers and format names; at most 500 bytes of plain characters; no personal data.
    pub detail: String,
}

impl Fault {
    /// Longest detail kept, in bytes.
    pub const DETAIL_BYTES_MAX: usize = 500;

    /// A fault with its detail, cut at a character border. A question mark replaces each character that is not plain,
    /// because the detail goes into logs, tables and notices.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let given: String = detail.into();
        let mut detail = String::with_capacity(given.len().min(Self::DETAIL_BYTES_MAX));
        for c in given.chars().map(|c| if is_plain(c) { c } else { '?' }) {
            if detail.len() + c.len_utf8() > Self::DETAIL_BYTES_MAX {
                break;
            }
            detail.push(c);
        }
        Self { code, detail }
    }
}

/// A fault as it is read from a row or a message: its detail may hold anything.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct RawFault {
    code: Code,
    detail: String,
}

#[cfg(feature = "serde")]
impl From<RawFault> for Fault {
    fn from(raw: RawFault) -> Self {
        Self::new(raw.code, raw.detail)
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.detail.is_empty() {
            return f.write_str(self.code.as_str());
        }
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl core::error::Error for Fault {}

#[cfg(test)]
mod tests;
