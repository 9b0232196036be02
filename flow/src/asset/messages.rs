//! The inputs and the effects of a step, as values.

use alloc::string::String;
use alloc::vec::Vec;

use super::cause::Cause;
use super::parts::Parts;
use super::words::{NoticeKind, Phase, Redo, Response, Severity, TaskState, Verdict};
use crate::reason::Fault;
use crate::surface::{Surface, SurfaceReport};
use crate::task::TaskKey;

/// How the asset with the same content ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginalEnd {
    /// Its final phase.
    pub phase: Phase,
    /// A person released it from quarantine. That decision covers no other upload.
    pub released: bool,
    /// Its outputs leave out what the content contains.
    pub redacted: bool,
    /// Its reason, where it has one.
    pub reason: Option<Fault>,
}

/// The earlier asset with the same content, as validation found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Original {
    /// There is none to which an asset can be linked.
    None,
    /// It has not ended yet.
    Running {
        /// Its outputs will leave out what the content contains.
        redacted: bool,
    },
    /// It has ended.
    Ended(OriginalEnd),
    /// Its outputs hold captions of its own, so they are not shared. What they leave out of the content is left out here too.
    Redacted,
}

/// The findings of a screening, and what policy asks for because of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screening {
    /// Highest severity among the findings.
    pub severity: Severity,
    /// The strictest response of policy to any finding.
    pub response: Response,
    /// The strictest response of policy to a finding that a release of this asset does not cover. The store fills it in,
    /// because only the store knows what was found before.
    pub uncovered: Response,
    /// What is encoded again if the response is [`Response::RedactThenPublish`]; `None` if a new encode would not remove it.
    pub parts: Option<Parts>,
    /// How far each surface was analysed.
    pub surfaces: Vec<SurfaceReport>,
    /// The surfaces that policy requires and that were not analysed whole. With any of them the verdict is not `clean`.
    pub incomplete: Vec<SurfaceReport>,
    /// An external scanner reads the text too, and publishing waits for [`TaskKey::ExternalScan`].
    pub scan: bool,
}

impl Screening {
    /// A screening of the whole content with this severity and the response of the default policy.
    pub fn of(severity: Severity) -> Self {
        let response = match severity {
            Severity::None | Severity::Low => Response::Log,
            Severity::Medium => Response::PublishTagged,
            Severity::High => Response::Quarantine,
        };
        let surfaces = Surface::ALL.iter().map(|surface| SurfaceReport::analysed(*surface)).collect();
        let incomplete = Vec::new();
        let uncovered = Response::Log;
        Self { severity, response, uncovered, parts: None, surfaces, incomplete, scan: false }
    }
}

/// The result of a successful attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Validate: the plan's size.
    Validated {
        /// Chunks of video, 0 for audio-only.
        video_chunks: u16,
        /// Whether there is audio to encode.
        audio: bool,
        /// Whether there are subtitles or captions to publish.
        captions: bool,
        /// Whether there are caption files beside it. The store fills it in, because only the store knows other assets.
        files: bool,
        /// The store fills it in, because only the store knows other assets.
        original: Original,
    },
    /// Validate of a caption file: its film is there.
    Attached,
    /// Screen: the findings.
    Screened(Screening),
    /// Screen of a linked asset: what looked at the original is less than what is asked today, so the content is searched for
    /// this asset too.
    LooksAgain,
    /// External scan: additional findings. They cannot be redacted, because they name no characters.
    ExternallyScanned(Screening),
    /// External scan: no answer yet; validate of a caption file: no film yet. The task is due again after the delay, and the start
    /// is uncounted.
    Waiting {
        /// Milliseconds from now.
        delay_ms: u64,
    },
    /// Restore: the source is restored.
    Restored {
        /// Whether the outputs are visible again too.
        outputs: bool,
    },
    /// Any other task is finished.
    Finished,
}

/// What happened to an asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The upload was ingested.
    Arrived,
    /// An attempt succeeded.
    Done {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
        /// Its result.
        outcome: Outcome,
    },
    /// An attempt failed, or its lease expired (`worker_lost`).
    Failed {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
        /// What went wrong.
        fault: Fault,
    },
    /// A claimed task was given back unfinished (drain); the start is uncounted.
    GivenBack {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
    },
    /// The asset with the same content ended.
    OriginalEnded(OriginalEnd),
    /// A newer version of the key arrived or was published. It also follows directly after [`Input::Arrived`] and
    /// [`Input::Redrive`] if a newer version exists already.
    Superseded,
    /// An operator redrives it.
    Redrive {
        /// Whether outputs of it are visible whose publication was committed.
        published: bool,
    },
    /// An operator has part of a published asset made again.
    Redo(Redo),
    /// It must be quarantined, whatever its phase.
    Quarantine(Cause),
    /// Something was found in it after its own screening, or before it. If a person released the asset, the finding is one
    /// that the release does not cover.
    Found {
        /// The severity of the finding.
        severity: Severity,
        /// The response of policy to it.
        response: Response,
        /// Who found it: [`Cause::Scanner`] or [`Cause::FoundInContent`].
        cause: Cause,
    },
    /// A security officer releases a quarantined asset.
    Release,
    /// Everything of it must be removed, including the source.
    Erase,
    /// It is put under hold, so that nothing of it is removed or replaced (true), or the hold ends (false).
    Hold(bool),
    /// Parts of a published asset must be encoded again without what was found in them.
    Redact(Parts),
    /// A person has another asset with the same content redacted. The store gives this one the same redaction.
    ContentRedacted,
    /// A caption file beside the film has come.
    CaptionFileCame,
    /// What was planned may cost more than there is money for, and none of it was begun.
    OverBudget {
        /// What there is, and what is needed.
        detail: String,
    },
}

/// What the store must do in the same transaction as it writes the new state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Make the task claimable after the delay, without its lease.
    Start {
        /// Which task.
        task: TaskKey,
        /// Milliseconds from now.
        delay_ms: u64,
    },
    /// Write the task's new state, without its lease; a node that works on it is fenced.
    Settle {
        /// Which task.
        task: TaskKey,
        /// Its new state.
        state: TaskState,
    },
    /// Put a notice into the outbox.
    Owe(NoticeKind),
    /// Step every asset that is linked to this one with [`Input::OriginalEnded`]; for some it is stale. A redo reports a failed
    /// original, because the outputs to share are about to change.
    NotifyDuplicates(OriginalEnd),
    /// Step the older versions of this asset's key and, if a person decided about the content, every asset with the same
    /// content, with [`Input::Quarantine`]; for some it is stale. Findings close no other upload: policy answers them for each
    /// upload by itself.
    CloseOver {
        /// The decision holds for the content.
        same_content: bool,
    },
    /// Step every other asset with the same content with [`Input::ContentRedacted`]; for some it is stale.
    RedactSameContent,
    /// Step the film to which this caption file belongs, with [`Input::CaptionFileCame`].
    ReadByFilm,
    /// Step the film to which this caption file belongs, with [`Input::Quarantine`].
    QuarantineFilm,
    /// Step the caption files of this film; for some it is stale.
    StepCaptionFiles(WithFilm),
    /// Add a line to the asset's history.
    Note(Note),
}

/// What happens to the caption files of a film, because it happens to the film.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WithFilm {
    /// They are quarantined.
    Quarantine,
    /// They are released.
    Release,
    /// Everything of them is removed.
    Erase,
    /// They are put under hold, or the hold ends.
    Hold(bool),
}

/// A line of the asset's history: what `reelgate why` prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The phase changed.
    Entered(Phase),
    /// A task is due.
    Due(TaskKey),
    /// An attempt of a task succeeded.
    Finished(TaskKey, u32),
    /// An attempt failed; the next one starts after the delay, milliseconds.
    Retrying(TaskKey, u32, Fault, u64),
    /// An attempt failed and was the last one.
    GaveUp(TaskKey, u32, Fault),
    /// An attempt was given back unfinished.
    GivenBack(TaskKey, u32),
    /// The result of screening.
    Judged(Verdict, Severity),
    /// Linked to an earlier asset with the same content.
    LinkedToOriginal,
    /// The content of a linked asset is searched again.
    LookingAgain,
    /// An operator redrove the asset; how often it has begun again.
    Redriven(u32),
    /// An operator had this part made again; how often the asset has begun again.
    Redone(Redo, u32),
    /// Quarantined for another reason than its own screening.
    Quarantining(Cause),
    /// Put under hold (true), or the hold ended (false).
    Held(bool),
    /// These parts are encoded again without what was found.
    Redacting(Parts),
    /// Everything is encoded again without what was found.
    RedactingAnew,
    /// Its outputs are replaced by a copy of those of an original that is redacted.
    RedactingCopy,
    /// The caption files beside it are read and searched anew.
    ReadingCaptionFiles,
    /// Its work waits for money.
    OverBudget(Fault),
}

/// The input does not apply to the asset's current state; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale;
