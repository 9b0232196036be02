//! The truth about the uploads of a schedule, which the system under test must find out.

use reelgate_flow::asset::{Response, Severity};
use reelgate_flow::place::TextPlace;
use reelgate_flow::policy::{Policy, Rule};
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;
use reelgate_ports::judgement::severity as severity_of;
use reelgate_ports::records::{Finder, FindingLocation, FindingRecord};

use crate::rng::Rng;

/// One sequence of bytes; several uploads may have the same content.
pub struct Content {
    pub severity: Severity,
    /// What only a later version of the classifier finds.
    pub later: Severity,
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
    /// It is processed even if another asset has the same content.
    pub forced: bool,
    /// A fault of this upload only, whatever its content; media work meets it.
    pub trouble: Option<Code>,
    /// It is a caption file of the film with this key.
    pub film: Option<usize>,
}

pub struct Truth {
    pub contents: Vec<Content>,
    pub uploads: Vec<Upload>,
    /// The rules, and from which turn they are in force; the first ones from the beginning.
    pub rules: Vec<(usize, Policy)>,
    /// The turn from which on the classifier finds more.
    pub upgrade_turn: usize,
}

/// The kind of what every look finds in a content, of what a later one finds, of what only the scanner finds, and of what is in
/// the name of an upload.
const KINDS: [&str; 4] = ["CONTENT", "LATER", "SCANNED", "NAMED"];

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
                    later: severity(rng),
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
                    forced: rng.percent(20),
                    trouble: rng.percent(10).then(|| {
                        rng.pick(&[Code::SourceMissing, Code::SourceChanged, Code::ChecksumMismatch])
                    }),
                    film: None,
                })
                .collect(),
            rules: (0..1 + rng.below(4))
                .map(|number| (if number == 0 { 0 } else { rng.below(turns) }, rules(rng, keys)))
                .collect(),
            upgrade_turn: rng.below(2 * turns),
        }
    }

    /// Adds one or two versions of the caption file of a film to some schedules. They have a generator of their own, so that other
    /// schedules stay as they are.
    pub fn with_caption_files(mut self, rng: &mut Rng, turns: usize) -> Self {
        let film = self.uploads[0].key;
        let key = 1 + self.uploads.iter().map(|upload| upload.key).max().unwrap_or(0);
        let versions = if rng.percent(40) { 1 + rng.below(2) } else { 0 };
        for sequencer in 0..versions {
            self.contents.push(Content { severity: Severity::None, later: Severity::None, poison: None });
            self.uploads.push(Upload {
                key,
                sequencer,
                uploaded_turn: rng.below(turns),
                content: self.contents.len() - 1,
                name_severity: Severity::None,
                forced: false,
                trouble: None,
                film: Some(film),
            });
        }
        self
    }

    /// The key of an upload.
    pub fn key(&self, upload: usize) -> String {
        match self.uploads[upload].film {
            Some(film) => format!("key-{film}.de.srt"),
            None => format!("key-{}", self.uploads[upload].key),
        }
    }

    /// What a look finds in the content of an upload.
    pub fn findings(&self, upload: usize, upgraded: bool) -> Vec<FindingRecord> {
        let Content { severity, later, .. } = *self.content_of(upload);
        let severity = if self.is_left_to_scanner(upload) { Severity::None } else { severity };
        let later = if upgraded { later } else { Severity::None };
        let found = [(KINDS[0], severity), (KINDS[1], later)];
        found
            .into_iter()
            .filter_map(|(kind, severity)| finding(Finder::Local, kind, severity, "tag"))
            .collect()
    }

    /// What only the external scanner finds in the content of an upload.
    pub fn scanned(&self, upload: usize) -> Vec<FindingRecord> {
        let severity = self.content_of(upload).severity;
        let severity = if self.is_left_to_scanner(upload) { severity } else { Severity::None };
        finding(Finder::Macie, KINDS[2], severity, "tag").into_iter().collect()
    }

    /// What is in the name of an upload.
    pub fn named(&self, upload: usize) -> Vec<FindingRecord> {
        let severity = self.uploads[upload].name_severity;
        finding(Finder::Local, KINDS[3], severity, "file_name").into_iter().collect()
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
            TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions | TaskKey::Enrich => !early,
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
    pub fn severity_of(&self, upload: usize, upgraded: bool) -> Severity {
        let (content, scanned) = (self.findings(upload, upgraded), self.scanned(upload));
        severity_of(content.iter().chain(&scanned).chain(&self.named(upload)))
    }
}

/// A finding on a surface; `None` without severity.
pub fn finding(source: Finder, kind: &str, severity: Severity, surface: &str) -> Option<FindingRecord> {
    let place = TextPlace::untimed(surface, "text", None);
    let locations = vec![FindingLocation { place, value: None }];
    (severity > Severity::None).then(|| FindingRecord {
        source,
        kind: kind.into(),
        severity,
        count: 1,
        locations,
    })
}

/// Each key has its own rule, or none.
fn rules(rng: &mut Rng, keys: usize) -> Policy {
    use Response::{Log, PublishTagged, Quarantine, RedactThenPublish};
    let mut rules = Vec::new();
    for key in 0..keys {
        if rng.percent(60) {
            rules.push(Rule {
                severity: rng.pick(&[Severity::Low, Severity::Medium, Severity::High]),
                kinds: if rng.percent(30) { vec![rng.pick(&KINDS).to_owned()] } else { Vec::new() },
                prefix: format!("key-{key}"),
                action: rng.pick(&[Log, PublishTagged, RedactThenPublish, RedactThenPublish, Quarantine]),
            });
        }
    }
    Policy { rules, ..Policy::default() }
}

fn severity(rng: &mut Rng) -> Severity {
    use Severity::{High, Low, Medium, None};
    rng.pick(&[None, None, None, None, Low, Medium, High])
}
