//! The command line: low-level arguments only; each verb turns them into what it needs.

mod cost;
mod fleet;
#[cfg(test)]
mod pages;
mod signals;
mod sim;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use reelgate_ports::audit::Seal;

pub use cost::{AnomaliesArgs, CostVerb, DayRange, EstimateArgs, ExportArgs, ReportArgs, ReportBy};
pub use fleet::{FleetVerb, PauseArgs};
pub use signals::SignalsVerb;
pub use sim::SimArgs;

/// The gate through which video enters a company: validates, transcodes, screens, and publishes,
/// quarantines or rejects, with a reason.
#[derive(Parser)]
#[command(name = "reelgate", version, propagate_version = true, max_term_width = 110, after_help = EXIT_STATUS)]
pub struct Cli {
    /// Home and configuration
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines
    #[arg(long, global = true, value_name = "FILTER", env = "REELGATE_LOG")]
    pub log: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_STATUS: &str = "Exit status: 0 done (run: all published), 1 internal fault, 2 usage or configuration, \
3 at least one asset was rejected, quarantined or failed (run), something differs (verify), is out of reach (check), \
or something at Medium or above was found, or not all could be read (scan)";

/// Arguments of every verb.
#[derive(Args, Clone)]
pub struct GlobalArgs {
    /// Directory that holds everything Reelgate keeps: database, work, published, quarantine
    #[arg(long, global = true, value_name = "DIR", default_value = ".reelgate")]
    pub home: PathBuf,
    /// Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The verbs, one file each in `src/verbs`.
#[derive(Subcommand)]
pub enum Verb {
    /// Process files or directories and wait until each asset has ended
    Run(RunArgs),
    /// Watch HOME/ingest and process what arrives, until SIGTERM
    Serve(ServeArgs),
    /// Inspect one file without processing it
    Probe(ProbeArgs),
    /// Look for personal data in text and media files; keeps nothing, prints no value
    Scan(ScanArgs),
    /// List assets
    List(ListArgs),
    /// Show one asset: facts, stages, renditions, findings
    Show(AssetArgs),
    /// Show an asset's history: every event, decision and attempt, in order
    Why(WhyArgs),
    /// Give failed or rejected assets another try
    Redrive(RedriveArgs),
    /// Make part of a published asset again; the current publication stays until then
    Redo(RedoArgs),
    /// Quarantine an asset by hand, with its copies and older versions
    Quarantine(DecisionArgs),
    /// Release a quarantined asset: source and outputs are restored unchanged
    Release(ReleaseArgs),
    /// Remove everything of an asset that has ended, the source too
    Erase(EraseArgs),
    /// Approve another person's proposal to release or erase an asset, as `show` names it
    Approve(ApproveArgs),
    /// Remove something from picture and sound of a published asset
    Redact(RedactArgs),
    /// Keep an asset from being erased
    Hold(HoldArgs),
    /// Report that a finding was a false positive
    Feedback(FeedbackArgs),
    /// The audit log: export it, or verify an export
    #[command(subcommand)]
    Audit(AuditVerb),
    /// The nodes that work here, and orders to them
    #[command(subcommand)]
    Fleet(FleetVerb),
    /// What work cost
    #[command(subcommand)]
    Cost(CostVerb),
    /// Show waiting tasks by lane, stage, priority and producer
    Queue(QueueArgs),
    /// Events of uploads that could not be delivered
    #[command(subcommand)]
    Events(EventsVerb),
    /// Find uploads whose event was lost: compare the bucket with the store
    Sweep(SweepArgs),
    /// Ingest a back-catalogue at a limited rate
    Import(ImportArgs),
    /// Upload files to the ingest bucket; an interrupted upload continues
    Upload(UploadArgs),
    /// Print a link that allows one upload under one key
    Presign(PresignArgs),
    /// Migrate the database to this version; nothing else migrates PostgreSQL
    Migrate,
    /// Compare published outputs with the hashes of their proof manifest
    Verify(VerifyArgs),
    /// Check the configuration and the access to every service; changes nothing
    Check(CheckArgs),
    /// Write dashboards, rules and alarms as files for Grafana, Prometheus and CloudWatch
    #[command(subcommand)]
    Signals(SignalsVerb),
    /// Simulate a fleet in virtual time: waits, losses, load of the database
    Sim(SimArgs),
}

/// Arguments of `run`.
#[derive(Args)]
pub struct RunArgs {
    /// Files or directories; read in place, never changed
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// One JSON object per asset and line on standard output, when the asset ends (schema: docs/reference/run-output.schema.json)
    #[arg(long)]
    pub json: bool,
    /// Process content again even if it was processed under another name
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// Address of /healthz, /readyz and /metrics; overrides the configuration
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<std::net::SocketAddr>,
}

/// Arguments of `probe`.
#[derive(Args)]
pub struct ProbeArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Plan with the settings of this profile instead of that of the file's path
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `scan`.
#[derive(Args)]
pub struct ScanArgs {
    /// Text or media files
    #[arg(required_unless_present = "types", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object per file and line, or per identifier with --types
    #[arg(long)]
    pub json: bool,
    /// List everything that is looked for, and stop
    #[arg(long, conflicts_with_all = ["files", "spans"])]
    pub types: bool,
    /// Print the places of findings in one text file as JSON lines, in characters from its beginning
    #[arg(long, conflicts_with = "json")]
    pub spans: bool,
}

/// Arguments of `list`.
#[derive(Args)]
pub struct ListArgs {
    /// Only this state, such as `published` or `quarantined`; may be repeated
    #[arg(long, value_name = "STATE")]
    pub state: Vec<String>,
    /// Only assets whose producer gave this metadata, or this tag (`tag:NAME=VALUE`); may be repeated, all must hold
    #[arg(long, value_name = "NAME=VALUE")]
    pub r#where: Vec<String>,
    /// At most this many, newest first
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub limit: u32,
    /// Only assets that came before this one: the next page begins after the last asset of this page
    #[arg(long, value_name = "ASSET")]
    pub before: Option<String>,
    /// One JSON object per asset and line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `show`.
#[derive(Args)]
pub struct AssetArgs {
    /// Asset id, or its first characters
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `why`.
#[derive(Args)]
pub struct WhyArgs {
    #[command(flatten)]
    pub asset: AssetArgs,
    /// One line for each stage instead of one for each attempt and event of it
    #[arg(long, conflicts_with_all = ["follow", "json"])]
    pub summary: bool,
    /// Print further lines as they come, until the asset has ended
    #[arg(long)]
    pub follow: bool,
}

/// Arguments of `redrive`.
#[derive(Args)]
pub struct RedriveArgs {
    /// Asset id, or its first characters
    #[arg(value_name = "ASSET", required_unless_present = "all_failed", conflicts_with = "all_failed")]
    pub asset: Option<String>,
    /// Every failed asset
    #[arg(long)]
    pub all_failed: bool,
}

/// Arguments of `redo`.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("part").required(true))]
pub struct RedoArgs {
    /// Asset id, or its first characters
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// First stage to repeat; the stages after it are repeated too
    #[arg(long, value_name = "STAGE", group = "part",
          value_parser = ["validate", "transcode", "enrich", "screen", "package", "publish"])]
    pub stage: Option<String>,
    /// A rendition to encode again, as `show` names it; the rungs of a video are encoded together
    #[arg(long, value_name = "NAME", group = "part")]
    pub rendition: Option<String>,
}

/// Arguments of every decision.
#[derive(Args)]
pub struct DecisionArgs {
    /// Asset id, or its first characters
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// Why; kept with the decision for as long as the record is, so without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who decides; the name of the system's user where not given
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `release`.
#[derive(Args)]
pub struct ReleaseArgs {
    /// The decision
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// Quarantined again after this many days
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
}

/// Arguments of `erase`.
#[derive(Args)]
pub struct EraseArgs {
    /// The decision
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// Print what was removed, as JSON, and change nothing
    #[arg(long)]
    pub certificate: bool,
}

/// Arguments of `approve`.
#[derive(Args)]
pub struct ApproveArgs {
    /// Asset id, or its first characters
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// The proposal, as `release`, `erase` and `show` name it
    #[arg(value_name = "PROPOSAL")]
    pub proposal: String,
    /// Who approves; the name of the system's user where not given
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `redact`.
#[derive(Args)]
pub struct RedactArgs {
    /// The decision
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// Part of the picture to cover, in pixels of the source as displayed, while it is shown: X,Y,WIDTH,HEIGHT@FROM-TO
    /// with times in seconds, such as 40,300,220,48@12.5-15; may be repeated
    #[arg(long = "box", value_name = "BOX")]
    pub boxes: Vec<String>,
    /// Time to silence, in seconds, such as 12.5-15; may be repeated
    #[arg(long, value_name = "FROM-TO")]
    pub mute: Vec<String>,
    /// Cover with a gradient of the colours around each area instead of a black box. Not for text: a blur may be reversible.
    /// This one contains no pixel of the area, but shows its size, and whatever sticks out of the area tints it
    #[arg(long)]
    pub blur: bool,
}

/// Arguments of `hold`.
#[derive(Args)]
pub struct HoldArgs {
    /// The decision
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// End the hold
    #[arg(long)]
    pub off: bool,
}

/// Arguments of `feedback`.
#[derive(Args)]
pub struct FeedbackArgs {
    /// ASSET/KIND, such as abcd/CREDIT_CARD_NUMBER
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// The finding is a false positive
    #[arg(long, required = true)]
    pub false_positive: bool,
    /// Why, without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who reports it; the name of the system's user where not given
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// What `audit` does.
#[derive(Subcommand)]
pub enum AuditVerb {
    /// Write the whole log to a file, sealed at its end
    Export {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check that the log is complete and unchanged, and not older than the seal that is kept outside of the database
    Verify {
        /// An export, which is checked instead of the database
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// A seal that a receiver of notices got: the log must hold it too. Can be repeated
        #[arg(long, value_name = "RECORDS:HEAD")]
        seal: Vec<Seal>,
    },
}

/// The verbs of `events`.
#[derive(Subcommand)]
pub enum EventsVerb {
    /// Send the events of the dead-letter queue again, to the stream or queue that the fleet reads
    RedriveDlq {
        /// One JSON object on standard output
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `queue`.
#[derive(Args)]
pub struct QueueArgs {
    /// The assets that have not ended, oldest first, how far each is, and how long it will take
    #[arg(long)]
    pub assets: bool,
    /// At most this many lines, oldest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sweep`.
#[derive(Args)]
pub struct SweepArgs {
    /// Only uploads whose key begins with this
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,
    /// Count and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `import`.
#[derive(Args)]
pub struct ImportArgs {
    /// Part of the ingest area: `s3://BUCKET/PREFIX`, or a prefix of keys
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// Uploads ingested per time: 500/h, 10/m, 2/s
    #[arg(long, value_name = "N/UNIT", default_value = "1000/h")]
    pub rate: String,
    /// `high`, `normal` or `low`
    #[arg(long, value_name = "PRIORITY", default_value = "low")]
    pub priority: String,
    /// Stop after this many
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub limit: u64,
    /// Ingest nothing: count the uploads, and say roughly what they would cost
    #[arg(long)]
    pub dry_run: bool,
    /// One JSON object at the end
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `upload`.
#[derive(Args)]
pub struct UploadArgs {
    /// Files; an interrupted upload of the same file to the same target continues
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// `s3://BUCKET/PREFIX/` for files under their own names, or `s3://BUCKET/KEY` for one file
    #[arg(value_name = "TARGET")]
    pub to: String,
    /// One JSON object per file and line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `presign`.
#[derive(Args)]
pub struct PresignArgs {
    /// `s3://BUCKET/KEY`
    #[arg(value_name = "TARGET")]
    pub to: String,
    /// How long the link is valid, such as 90s, 15m, 12h; at most 7d, and never longer than the signer's credentials
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub expires: String,
    /// Exactly this many bytes, at most 5 GiB
    #[arg(long, value_name = "BYTES")]
    pub size: Option<u64>,
    /// Exactly this media type, such as `video/mp4`
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// Only if no object has this key yet
    #[arg(long)]
    pub new_only: bool,
    /// One JSON object: method, URL and headers
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `verify`.
#[derive(Args)]
pub struct VerifyArgs {
    /// Asset id (or its first characters), a directory that holds a manifest.json, or the address of a publication in S3
    #[arg(value_name = "ASSET|DIR|s3://BUCKET/PATH")]
    pub target: String,
    /// One JSON object per problem and line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// Print the configuration in effect as TOML and stop
    #[arg(long)]
    pub print_config: bool,
}
