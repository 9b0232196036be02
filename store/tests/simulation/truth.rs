//! The truth about the uploads of a schedule, which the system under test must find out.

use reelgate_flow::asset::Severity;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;

use crate::rng::Rng;

/// One sequence of bytes; several uploads may have the same content.
pub struct Content {
    pub severity: Severity,
    /// The stage at which every attempt fails, and the code of the fault.
    pub poison: Option<(&'static str, Code)>,
}

/// One version of one key.
pub struct Upload {
    pub key: usize,
    /// Its order among the versions of the key.
    pub sequencer: usize,
    /// When its event is sent first.
    pub uploaded_turn: usize,
    pub content: usize,
    pub name_severity: Severity,
    /// A fault of this upload only, whatever its content; media work meets it.
    pub trouble: Option<Code>,
}

pub struct Truth {
    pub contents: Vec<Content>,
    pub uploads: Vec<Upload>,
}

const POISONS: &[(&str, Code)] = &[
    ("validate", Code::NotMedia),
    ("validate", Code::DecoderCrashed),
    ("transcode", Code::DamagedStream),
    ("transcode", Code::DecoderCrashed),
    ("enrich", Code::BudgetWall),
    ("package", Code::CountMismatch),
    ("transcode", Code::JailViolation),
];

impl Truth {
    /// Draws few keys and few contents, so that most schedules have versions and duplicates.
    pub fn new(rng: &mut Rng, turns: usize) -> Self {
        let contents = 1 + rng.below(2);
        let keys = 1 + rng.below(3);
        let uploads = 1 + rng.below(6);
        Self {
            contents: (0..contents)
                .map(|_| Content {
                    severity: severity(rng),
                    poison: rng.percent(20).then(|| rng.pick(POISONS)),
                })
                .collect(),
            uploads: (0..uploads)
                .map(|sequencer| Upload {
                    key: rng.below(keys),
                    uploaded_turn: rng.below(turns),
                    sequencer,
                    content: rng.below(contents),
                    name_severity: severity(rng),
                    trouble: rng.percent(10).then(|| {
                        rng.pick(&[Code::SourceMissing, Code::SourceChanged, Code::ChecksumMismatch])
                    }),
                })
                .collect(),
        }
    }

    pub fn content_of(&self, upload: usize) -> &Content {
        &self.contents[self.uploads[upload].content]
    }

    /// The fault that ends every attempt at this task of this upload, if there is one.
    pub fn fault_at(&self, upload: usize, task: TaskKey) -> Option<Code> {
        let trouble = self.uploads[upload].trouble;
        let early = trouble == Some(Code::ChecksumMismatch);
        let troubled = match task {
            TaskKey::Validate => early,
            TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Enrich => !early,
            _ => false,
        };
        let poison = self.content_of(upload).poison.filter(|(stage, _)| *stage == task.stage());
        trouble.filter(|_| troubled).or(poison.map(|(_, code)| code))
    }

    /// Whether only the external scanner finds what is in the content.
    pub fn is_left_to_scanner(&self, upload: usize) -> bool {
        self.uploads[upload].content % 3 == 1
    }

    /// The severity that a complete screening of this upload finds.
    pub fn severity_of(&self, upload: usize) -> Severity {
        self.content_of(upload).severity.max(self.uploads[upload].name_severity)
    }
}

fn severity(rng: &mut Rng) -> Severity {
    use Severity::{High, Low, Medium, None};
    rng.pick(&[None, None, None, None, Low, Medium, High])
}
