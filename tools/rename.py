#!/usr/bin/env python3
"""Renames of words.md over the tracked files of one worktree: rename.py ROOT. Safe to run twice, and on any branch."""
import os, re, subprocess, sys

ROOT = os.path.abspath(sys.argv[1])
os.chdir(ROOT)

def git(*args):
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout

# ---- (a) files: old -> new; a folder moves with all it holds ------------------------------------------------------
MOVES = [
    ("actors/src/board.rs", "actors/src/progress_board.rs"),
    ("actors/src/duty.rs", "actors/src/availability.rs"),
    ("actors/src/fitness.rs", "actors/src/node_health.rs"),
    ("actors/src/house.rs", "actors/src/engine_context.rs"),
    ("actors/src/scan_desk.rs", "actors/src/scan_batcher.rs"),
    ("actors/src/steward.rs", "actors/src/node_maintenance.rs"),
    ("actors/src..rs", "actors/src._text.rs"),
    ("actors/src..rs", "actors/src._scan.rs"),
    ("actors/src..rs", "actors/src._sources.rs"),
    ("backends/aws/src/events/kinesis/keeper.rs", "backends/aws/src/events/kinesis/lease_coordinator.rs"),
    ("backends/aws/src/events/kinesis/pace.rs", "backends/aws/src/events/kinesis/rate_limit.rs"),
    ("backends/aws/src/events/kinesis/reading.rs", "backends/aws/src/events/kinesis/shard_reader.rs"),
    ("backends/aws/src/events/kinesis/shelf.rs", "backends/aws/src/events/kinesis/shard_buffer.rs"),
    ("backends/aws/src/events/object.rs", "backends/aws/src/events/object_fields.rs"),
    ("backends/aws/src/macie/found.rs", "backends/aws/src/macie/job_findings.rs"),
    ("backends/aws/src/objects/closing.rs", "backends/aws/src/objects/withdrawal_record.rs"),
    ("backends/aws/tests/objects/home.rs", "backends/aws/tests/objects/scratch_buckets.rs"),
    ("backends/aws/tests/telling", "backends/aws/tests/notices"),
    ("backends/embedded/src/directory/closing.rs", "backends/embedded/src/directory/withdrawal_record.rs"),
    ("backends/embedded/src/sqlite/beside.rs", "backends/embedded/src/sqlite/scans_and_refused_events.rs"),
    ("backends/embedded/src/sqlite/places.rs", "backends/embedded/src/sqlite/queue_position.rs"),
    ("backends/embedded/src/sqlite/twins.rs", "backends/embedded/src/sqlite/duplicates.rs"),
    ("backends/embedded/src/watch/scan.rs", "backends/embedded/src/watch/listing.rs"),
    ("backends/postgres/src/beside.rs", "backends/postgres/src/scans_and_refused_events.rs"),
    ("backends/postgres/src/lend.rs", "backends/postgres/src/pooled_connection.rs"),
    ("backends/postgres/src/pace.rs", "backends/postgres/src/rate_limit.rs"),
    ("backends/postgres/src/tend.rs", "backends/postgres/src/maintenance.rs"),
    ("backends/postgres/tests/home.rs", "backends/postgres/tests/temp_database.rs"),
    ("flow/src/asset/doors.rs", "flow/src/asset/exits.rs"),
    ("flow/src/asset/marks.rs", "flow/src/asset/flags.rs"),
    ("flow/src/asset/twins.rs", "flow/src/asset/duplicates.rs"),
    ("flow/src/asset/tests/doors.rs", "flow/src/asset/tests/exits.rs"),
    ("flow/src/asset/tests/scanning.rs", "flow/src/asset/tests/external_scan.rs"),
    ("flow/src/asset/tests/twins.rs", "flow/src/asset/tests/duplicates.rs"),
    ("pipelines/src/bin/reelgate-jail-probe/manners.rs", "pipelines/src/bin/reelgate-jail-probe/misbehaviours.rs"),
    ("pipelines/src/client/talk.rs", "pipelines/src/client/conversation.rs"),
    ("pipelines/worker/src/enrich/witness_tests.rs", "pipelines/worker/src/enrich/text_source_tests.rs"),
    ("pipelines/worker/src/outlet.rs", "pipelines/worker/src/progress_sink.rs"),
    ("pipelines/worker/src/pipe_outlet.rs", "pipelines/worker/src/pipe_sink.rs"),
    ("pipelines/src/recipes/redact/places.rs", "pipelines/src/recipes/redact/sightings.rs"),
    ("ports/src/telling.rs", "ports/src/history_lines.rs"),
    ("ports/src/scanner", "ports/src/external_scanner"),
    ("src/output/talk.rs", "src/output/stderr.rs"),
    ("src/telemetry/outlet.rs", "src/telemetry/span_queue.rs"),
    ("src/wiring/scanner.rs", "src/wiring/external_scanner.rs"),
    ("src/wiring/aws/scanner.rs", "src/wiring/aws/external_scanner.rs"),
    ("tests/crash/closing.rs", "tests/crash/withdrawal.rs"),
    ("tests/fleet/world.rs", "tests/fleet/fixture.rs"),
    ("tests/stand-ins/src/keeper.sh", "tests/stand-ins/src/watchdog.sh"),
    ("tests/stand-ins/tests/keeper.rs", "tests/stand-ins/tests/watchdog.rs"),
]
for base in ("ports/src/conformance", "conformance/src"):
    MOVES += [
        (f"{base}/objects/closing.rs", f"{base}/objects/withdrawal_record.rs"),
        (f"{base}/objects/world.rs", f"{base}/objects/fixture.rs"),
        (f"{base}/store/world.rs", f"{base}/store/fixture.rs"),
        (f"{base}/store/twins.rs", f"{base}/store/duplicates.rs"),
        (f"{base}/store/scanning.rs", f"{base}/store/external_scan.rs"),
    ]
for old, new in MOVES:
    if os.path.exists(old) and not os.path.exists(new):
        os.makedirs(os.path.dirname(new), exist_ok=True)
        git("mv", old, new)

# ---- (b) words ---------------------------------------------------------------------------------------------------
# A rule: scope (regular expression on the path), then pairs old -> new at word boundaries, or `re:` patterns.
RULES = []
# In a comment a name of two words is written as two words, and some read better otherwise.
PROSE = {"progress_board": "board", "context": "engine", "not_producers_fault": "not the producer's fault", "node_health": "health", "withdrawal_record": "withdrawal record"}
CAMEL = re.compile(r"^[A-Z]\w*[a-z]\w*$")
def words(scope, *pairs, but=None):
    compiled = []
    for old, new in pairs:
        pattern = old[3:] if old.startswith("re:") else r"\b" + re.escape(old) + r"\b"
        plain = not callable(new) and not old.startswith("re:") and old.islower() and "_" in new
        compiled.append((re.compile(pattern), new, None if callable(new) else PROSE.get(new, new.replace("_", " ")) if plain or new in PROSE else None if not CAMEL.match(new) else False))
    RULES.append((re.compile(scope), re.compile(but) if but else None, compiled))

RS = r"\.rs$"
# SQL keeps its columns (door, marks, excused, blameless, what, why, place) until a migration renames them.
SQL = r"^backends/(embedded/src/sqlite|embedded/tests/sqlite|postgres/src|postgres/tests|postgres/benches)|/migrations/|\.sqlx"
CORE = r"^(flow|ports|store|conformance|simulation|actors|src|tests/(e2e|fleet|crash)|benches|backends/(aws|embedded/src/directory))/.*\.rs$"

# Actors
words(r"^actors/src.\.rs$", ("re:\\bmod reading;", "mod gathered_text;"))
words(r"^(actors|src|tests)/.*\.rs$", ("re:\\b(crate::|mod |reelgate_actors::)house\\b", r"\1engine_context"))
words(RS,
    ("House", "EngineContext"), ("FitnessDoubted", "NodeSuspected"), ("Fitness", "NodeHealth"),
    ("Steward", "NodeMaintenance"), ("StewardReplaced", "NodeMaintenanceReplaced"),
    ("build_steward", "build_node_maintenance"),
    ("Board", "ProgressBoard"),
    ("ScanDesk", "ScanBatcher"), ("ScanSettings", "ExternalScanSettings"),
    ("scan_desk", "scan_batcher"),
    ("re:\\bScan(Event|Finding|Answer|Report|Line)\\b", r"ExternalScan\1"),
    ("re:\\bTaskKey::Scan\\b", "TaskKey::ExternalScan"),
    ("re:\\b(Outcome|Success)::Scanned\\b", r"\1::ExternallyScanned"),
    ("re:\\bStale(Sca)nned\\b", r"Stale\1nned"),
)
words(r"^actors/.*\.rs$",
    ("house", "context"), ("board", "progress_board"), ("fitness", "node_health"), ("steward", "node_maintenance"),
    ("duty", "availability"), ("Duty", "Availability"), ("Hold", "DrainReason"),
    ("Tell", "Recipients"), ("desk", "batcher"), ("Question", "AnswerRequest"), ("Learned", "AttemptFacts"),
    ("tend_decisions", "maintain_decisions"), ("doubted", "suspected"),
    ("re:\\bscan::tie\\b", "external_scan::link_to_asset"), ("re:\\bfn tie\\b", "fn link_to_asset"), ("re:(?<![.\\w])tie\\((?=&context)", "link_to_asset("),
    ("re:\\bscan::(scan|deliver|take_back)\\b", r"external_scan::\1"),
    ("re:\\bmod scan;", "mod external_scan;"), ("re:work::scan\\b", "work::external_scan"),
    ("re:\\bcontext\\.scan\\b", "context.external_scan"), ("re:pub scan: Option", "pub external_scan: Option"),
    ("re:use crate::work::\\{joined, scan, ", "use crate::work::{external_scan, joined, "),
    ("witnesses", "text_sources"),
    ("re:\"steward\"", '"node_maintenance"'),
    ("re:PrivacySignals::set_apart\\b", "PrivacySignals::quarantined"), ("re:fn set_apart\\b", "fn quarantined"),
    ("re:area: \"scan\"", 'area: "external_scan"'),
)
words(r"^(src|tests|benches)/.*\.rs$",
    ("re:reelgate_actors::board\\b", "reelgate_actors::progress_board"),
    ("re:reelgate_actors::duty\\b", "reelgate_actors::availability"),
    ("re:work::reading\\b", "work::gathered_text"),
    ("re:\\bhouse\\b(?! number)", "context"),
)
words(r"^(src/(wiring|output|verbs|http)|tests/e2e/panics).*\.rs$",
    ("board", "progress_board"),
    ("re:availability::\\{Duty as Switch, Hold\\}", "availability::{Availability, DrainReason}"),
    ("Switch", "Availability"), ("Hold::Unfit", "DrainReason::Unfit"), ("Hold::Ordered", "DrainReason::Ordered"),
    ("Hold::Leaving", "DrainReason::Leaving"),
    ("re:\\bscan: external_scanner::", "external_scan: external_scanner::"), ("re:\\bscan: None\\b", "external_scan: None"),
    ("re:\\bscan: scanner::desk\\b", "external_scan: external_scanner::batcher"),
    ("re:\\bscanner::(open|desk|area|check)\\b", r"external_scanner::\1"),
    ("re:\\bmod scanner;", "mod external_scanner;"),
    ("re:\\bfn desk\\b", "fn scan_batcher"), ("re:aws::desk\\b", "aws::scan_batcher"), ("re:scanner::\\{desk, open as open_scanner\\}", "external_scanner::{open as open_scanner, scan_batcher}"),
    ("re:\\bscan: aws::", "external_scan: aws::"), ("re:\\bno desk\\b", "no batcher"), ("re:The desk of", "The batcher of"),
    ("re:(?<![\\w_])scanner::CustomIdentifier", "external_scanner::CustomIdentifier"), ("re:external_scanner::desk\\b", "external_scanner::batcher"),
)
words(r"^(src/wiring/mod|src/verbs/(run|serve))\.rs$", ("Duty", "EnginePurpose"))
words(r"^(src/wiring/mod|tests/e2e/panics)\.rs$", ("re:\\bduty(?=[:,.])", "availability"))
words(r"^tests/e2e/panics\.rs$", ("Duty", "Availability"))
words(r"^actors/src/(messages|persister|spans|stage)\.rs$", ("Place", "TraceParent"), ("place", "trace_parent"))
words(r"^(actors/src._text|src/verbs/scan|src/verbs/scan/report)\.rs$",
    ("Reading", "GatheredText"))
words(r"^actors/src/progress_board\.rs$|^src/output/progress\.rs$", ("Work", "AssetProgress"))
words(r"^actors/src/(stage|work/.*)\.rs$", ("re:\\bWork\\b", "StageTask"))
words(r"^actors/src._scan\.rs$", ("Place", "TextPlace"))
words(r"^actors/src.\.rs$", ("Place", "Sighting"))

# The external scanner's port
words(RS, ("re:reelgate_ports::scanner\\b", "reelgate_ports::external_scanner"),
    ("re:\\b(crate|super)::scanner::(findings|sidecar|report|window|custom)\\b", r"\1::external_scanner::\2"))
words(r"^ports/src/lib\.rs$", ("re:pub mod scanner;", "pub mod external_scanner;"))
words(r"^(ports|store|conformance)/.*\.rs$", ("re:\\b(crate|reelgate_ports)::scanner\\b", r"\1::external_scanner"))
words(r"^(ports|store|conformance|actors|backends/aws|src/wiring)/.*\.rs$", ("Scanner", "ExternalScanner"))
words(r"^(ports/src/external_scanner|backends/aws/tests/macie)/.*\.rs$", ("Place", "TextPlace"))
words(r"^src/.*\.rs$|^actors/.*\.rs$", ("re:\\bexternal_scanner::\\{self, Scanner\\}", "external_scanner::{self, ExternalScanner}"))
words(r"^flow/src/task\.rs$", ("re:\\bScan,", "ExternalScan,"), ("re:Self::Scan\\b", "Self::ExternalScan"),
    ("re:\"scan\"", '"external_scan"'))
words(r"^(flow|simulation|store|ports)/.*\.rs$",
    ("re:^(\\s+)Scanned\\(Screening\\),", r"\1ExternallyScanned(Screening),"),
    ("re:^(\\s+)Scanned \\{", r"\1ExternallyScanned {"))
words(r"^ports/src/records\.rs$", ("re:/// Scan: ", "/// External scan: "))
words(r"^src/output/json\.rs$|^docs/.*run-output\.schema\.json$|^tests/.*/run-output\.schema\.json$",
    ("re:(?<=\"screen\", )\"scan\"", '"external_scan"'), ("re:^(\\s+)\"scan\",$", r'\1"external_scan",'))

# flow: exits, flags, duplicates, quarantine
words(RS, ("Door", "Exit"), ("Marks", "Flags"), but=r"^src/exit\.rs$")
words(r"^src/.*\.rs$", ("re:(?<!process::)\\bExit(?=::(Done|Internal|Usage|NotAll|Reconfigured)\\b)", "ExitStatus"),
    ("re:\\bpub enum Exit\\b", "pub enum ExitStatus"), ("re:\\bResult<Exit\\b", "Result<ExitStatus"),
    ("re:-> Exit\\b", "-> ExitStatus"), ("re:(?<=exit::)Exit\\b", "ExitStatus"),
    ("re:(?<=exit::\\{)Exit\\b", "ExitStatus"), ("re:(?<=: )Exit\\b(?=[,;)])", "ExitStatus"),
    ("re:\\bimpl (\\w+ for )?Exit\\b", r"impl \1ExitStatus"), ("re:<Exit>", "<ExitStatus>"))
words(CORE, ("door", "exit"), ("doors", "exits"), ("check_doors", "check_exits"), ("marks", "flags"),
    ("excused", "uncounted"), ("EXCUSED_MAX", "UNCOUNTED_MAX"), ("blameless", "not_producers_fault"))
words(RS, ("EXCUSED_MAX", "UNCOUNTED_MAX"))
words(SQL, ("re:\\bcore\\.door\\b", "core.exit"), ("re:\\bcore\\.marks\\b", "core.flags"),
    ("re:\\brecord\\.excused\\b", "record.uncounted"), ("re:\\brecord\\.blameless\\b", "record.not_producers_fault"),
    ("re:\\bmarks: word\\(", "flags: word("), ("re:\\bexcused: small\\(", "uncounted: small("),
    ("re:\\bblameless: small\\(", "not_producers_fault: small("),
    ("re:\\bdoor: get::", "exit: get::"), ("re:\\bdoor: self\\.door", "exit: self.door"),
    ("re:linked, door([ ,}])", r"linked, exit\1"), ("re:linked, door$", "linked, exit"),
    ("re:\\blet door\\b", "let exit"), ("re:= door\\.filter", "= exit.filter"),
    ("re:map\\(\\|door\\| (\\w+)\\(Exit::parse, &door", r"map(|exit| \1(Exit::parse, &exit"),
    ("re:map\\(\\|door\\| door\\.as_str\\(\\)\\)", "map(|exit| exit.as_str())"),
    ("re:\"a door\"", '"an exit"'), ("re:linked: row\\.core\\.linked, door,", "linked: row.core.linked, exit,"),
    ("re:\"marks\"\\)\\?,", '"flags")?,'), but=r"/migrations/|\.sqlx")
words(r"^backends/postgres/src/rows\.rs$", ("re:/// A door's word", "/// An exit's word"),
    ("re:fn door\\(", "fn exit("), ("re:map\\(door\\)", "map(exit)"))
words(r"^backends/postgres/src/claim\.rs$", ("re:^use crate::rows::\\{(.*)\\bdoor\\b", r"use crate::rows::{\1exit"), ("re:map\\(door\\)", "map(exit)"))
TWINS = [
    ("TwinEnd", "OriginalEnd"), ("TwinEnded", "OriginalEnded"), ("TellFollowers", "NotifyDuplicates"),
    ("tell_followers", "notify_duplicates"), ("twin_of", "duplicate_of"),
    ("re:FollowerOutlivedTwin", "DuplicateOutlivedOriginal"),
    ("re:Followers", "Duplicates"), ("re:Follower", "Duplicate"), ("re:followers", "duplicates"), ("re:follower", "duplicate"),
    ("re:Twins", "Originals"), ("re:Twin(?![a-z])", "Original"), ("re:(?<![a-z])twins", "originals"), ("re:(?<![a-z])twin(?![a-z])", "original"),
    ("re:TWINS(?=[^a-z]|$)", "ORIGINALS"), ("re:TWIN(?=[^a-z]|$)", "ORIGINAL"),
    ("re:\\b([Aa]) original\\b", r"\1n original"), ("re:([\\s_])a_original\\b", r"\1an_original"), ("re:\\ba_original(?=_)", "an_original"), ("re:_a_original(?=_|\\b)", "_an_original"),
]
words(r"^(flow|ports|store|conformance|simulation|actors|src|tests|benches|backends)/.*\.rs$", *TWINS,
    but=r"^tests/tidy/|^flow/src/asset/mod\.rs$|^flow/tests/simulation/oracle\.rs$")
words(r"^flow/src/asset/mod\.rs$|^flow/tests/simulation/oracle\.rs$", *TWINS)
words(r"^flow/src/asset/(tests/)?mod\.rs$", ("re:\\bmod originals;", "mod duplicates;"), ("re:\\bmod scanning;", "mod external_scan;"))
words(r"^(ports/src/conformance|conformance/src|backends/embedded/src/sqlite)/.*\.rs$",
    ("re:^(\\s+)originals: \\{", r"\1duplicates: {"), ("re:^(\\s+)scanning: \\{", r"\1external_scan: {"),
    ("re:\\bmod originals;", "mod duplicates;"), ("re:\\boriginals::", "duplicates::"), ("re:super::originals\\b", "super::duplicates"),
    ("re:\\{([^{}]*)\\boriginals\\}", r"{\1duplicates}"))
words(RS, ("re:Input::SetApart\\b", "Input::Quarantine"), ("re:Hit::SetApart\\b", "Hit::Quarantine"),
    ("StaleSetApart", "StaleQuarantine"), ("NoteSetApart", "NoteQuarantining"), ("re:Redo SetApart Release", "Redo Quarantine Release"),
    ("re:(Note|HistoryEvent)::SetApart\\b", r"\1::Quarantining"), ("re:^(\\s+)SetApart = ", r"\1Quarantining = "), ("re:\"set_apart\"", '"quarantining"'),
    ("re:\\bplace\\(\"set_apart\"", 'place("quarantining"'),
    ("sets_apart", "quarantines"), ("is_set_apart", "is_quarantined"), but=r"^backends/")
words(r"^flow/src/asset/decisions\.rs$|^flow/src/asset/mod\.rs$", ("set_apart", "quarantine"))
OBJECTS = r"^(backends/(aws|embedded)/(src|tests)|ports/src/conformance|conformance/src)/.*\.rs$"
words(OBJECTS, ("re:SourcePlace::SetApart\\b|Place::SetApart\\b", "SourceLocation::Moved"), ("re:Self::SetApart\\b", "Self::Moved"),
    ("re:^(\\s+)SetApart\\(Location\\),", r"\1Moved(Location),"), ("apart_name", "moved_name"),
    ("re:\\bset_apart\\b(?=\\()", "move_source"), ("re:::set_apart;", "::move_source;"), ("SET_APART", "MOVE_SOURCE"),
    ("re:set the source apart", "move the source to its area"), ("re:\"set_apart\"", '"moved"'),
    ("leaves_nothing_and_sets_apart", "leaves_nothing_and_moves_the_source"),
    ("re:home\\.move_source\\(", "home.moved_source("), ("re:async fn move_source\\(&self, location", "async fn moved_source(&self, location"))
words(r"^(backends/aws/src/objects/(closing|withdrawal_record|restore|source|withdraw)|backends/embedded/src/directory/.*)\.rs$",
    ("Place", "SourceLocation"))
words(RS, ("Closing", "WithdrawalRecord"), ("CLOSING_GRACE", "WITHDRAWAL_RECORD_GRACE"), ("closing_line", "withdrawal_line"),
    but=r"^pipelines/|^(ports/src/unit|store|backends/(embedded/src/sqlite|postgres/src)|flow)/.*|^tests/tidy/")
words(r"^(ports/src/unit|store|backends/(embedded/src/sqlite|postgres/src))/.*\.rs$",
    ("closing_line", "withdrawal_line"), ("re:FollowUp::Closing\\b", "FollowUp::SameKey"), ("re:^(\\s+)Closing \\{(?=$| id)", r"\1SameKey {"),
    ("re:(?<!FollowUp::)\\bClosing\\b", "WithdrawalRecord"))
words(r"^(actors|backends|ports|store|conformance|tests|src)/.*\.rs$", ("closings", "withdrawal_records"),
    ("re:\\bclosing\\b(?=[:.,; ]|$)(?! it gives)", "withdrawal_record"), ("re:\\bmod closing\\b", "mod withdrawal_record"),
    ("re:\\bclosing(?=\\)| \\}|\\})", "withdrawal_record"), ("re:\\b([Aa]) withdrawal_record\\b(?=[^(:.]*$)", r"\1 withdrawal record"),
    but=r"^backends/postgres/src/load\.rs|^tests/tidy/")
words(r"^tests/crash/main\.rs$", ("re:mod withdrawal_record;", "mod withdrawal;"))

# Histories
words(RS, ("re:\\btelling::", "history_lines::"), ("re:ports::telling\\b", "ports::history_lines"), ("re:\\bmod telling;", "mod history_lines;"),
    ("re:crate::telling\\b", "crate::history_lines"), but=r"^backends/aws/tests/")
words(r"^backends/aws/tests/main\.rs$", ("re:mod telling;", "mod notices;"))
words(r"^(ports|store|actors)/.*\.rs$", ("By", "Attribution"), but=r"ports/src/external_scanner/")
words(r"^(ports|store|backends)/.*\.rs$", ("re:\\bLearned\\b", "LearnedFact"))
words(r"^(ports/src/unit|store|backends/(embedded/src/sqlite|postgres/src))/.*\.rs$",
    ("re:(?<!/// )(?<!//! )\\bWork\\b(?! )", "UnitOfWork"), ("re:\\bWork \\{", "UnitOfWork {"), ("re:\\bWork for\\b", "UnitOfWork for"))

# AWS
words(r"^backends/aws/src/.*\.rs$|^backends/aws/tests/.*\.rs$", ("Heard", "ParsedMessage"), ("Happening", "S3EventKind"), ("happening", "change"),
    ("re:\\bhear\\b(?=[(;])", "parse_message"), ("re:object::\\{Happening, Told, Why\\}", "object_fields::{RejectReason, S3EventKind, S3ObjectFields}"),
    ("re:Lacking::Told\\b", "Lacking::Named"), ("re:Self::Told\\b", "Self::Named"), ("re:^(\\s+)Told\\(&'a str\\)", r"\1Named(&'a str)"),
    ("Told", "S3ObjectFields"), ("re:\\bWhy\\b(?=[>;, }=])", "RejectReason"), ("re:type Why\\b", "type RejectReason"),
    ("re:\\bheard\\b", "parsed"), ("abandoned_by_its_caller", "poll_timed_out"), ("re:\\bCall\\b(?=[:;,{ }])(?! of)", "ApiCall"), ("re:\\bCall\\b(?=>|\\))", "ApiCall"))
words(r"^backends/aws/src/events/.*\.rs$", ("re:\\bmod object;", "mod object_fields;"), ("re:super::object::", "super::object_fields::"),
    ("re:(?<=\\s)object::", "object_fields::"), ("re:events::object::", "events::object_fields::"))
words(r"^backends/aws/src/macie/.*\.rs$", ("re:\\bmod found;", "mod job_findings;"), ("re:(?<![.\\w])found::", "job_findings::"))
words(r"^backends/aws/src/events/kinesis/.*\.rs$", ("Keeper", "LeaseCoordinator"), ("keeper", "lease_coordinator"),
    ("Shelf", "ShardBuffer"), ("shelf", "shard_buffer"), ("Pace", "RateLimit"), ("pace", "rate_limit"),
    ("re:\\bmod reading;", "mod shard_reader;"), ("re:super::reading\\b", "super::shard_reader"), ("re:(?<![.\\w])reading::", "shard_reader::"),
    ("re:^use super::\\{([^}]*)\\breading\\b", r"use super::{\1shard_reader"))
words(r"^backends/aws/src/events/kinesis/tests/fleet\.rs$", ("World", "StreamFleet"), ("world", "fleet"))
words(r"^backends/aws/src/objects/.*\.rs$", ("Found", "ListedVersion"))
words(r"^backends/aws/src/objects/publish\.rs$", ("Place", "PublishedPath"))
words(r"^backends/aws/src/objects/read\.rs$", ("Reading", "RangedRead"))
words(r"^backends/aws/src/objects/scratch\.rs$", ("World", "ScratchFixture"), ("world", "fixture"))
words(r"^backends/aws/tests/events/.*\.rs$", ("Home", "StreamUnderTest"))
words(r"^backends/aws/tests/macie/.*\.rs$", ("Home", "MacieUnderTest"))
words(r"^backends/aws/tests/objects/.*\.rs$", ("Home", "ScratchBuckets"), ("re:\\bmod home;", "mod scratch_buckets;"), ("re:\\bhome::", "scratch_buckets::"))

# Embedded
words(r"^backends/embedded/src/watch/.*\.rs$", ("re:super::scan::\\{Found, Scan\\}", "super::listing::{DirectoryListing, ListedFile}"),
    ("re:\\bmod scan;", "mod listing;"), ("re:(?<![.\\w])scan::", "listing::"), ("re:\\bfn scan\\b", "fn list"), ("re:\\bscan\\(&?self|\\blisting::scan\\b", "listing::list"),
    ("Found", "ListedFile"), ("Scan", "DirectoryListing"), ("scan", "listing"), ("Seen", "SeenFile"))
words(r"^backends/embedded/src/watch/tests\.rs$", ("World", "WatchFixture"), ("world", "fixture"))
words(r"^backends/embedded/src/notices/file\.rs$", ("World", "NoticesFixture"), ("world", "fixture"), ("Told", "RecentIds"), ("TOLD_MAX", "RECENT_IDS_MAX"), ("told", "recent_ids"))
words(r"^backends/embedded/src/sqlite/.*\.rs$", ("re:\\bmod beside;", "mod scans_and_refused_events;"), ("re:\\bbeside::", "scans_and_refused_events::"),
    ("re:\\bmod places;", "mod queue_position;"), ("re:(?<![.\\w])places::", "queue_position::"),
    ("re:\\{beside, deletions, nodes, places, shards, duplicates\\}", "{deletions, duplicates, nodes, queue_position, scans_and_refused_events, shards}"))
words(r"^backends/embedded/tests/directory/.*\.rs$", ("Home", "TempDirectories"))
words(r"^backends/embedded/tests/sqlite/.*\.rs$", ("Home", "TempDatabase"))
words(r"^backends/embedded/tests/watch\.rs$", ("Home", "WatchedDirectory"))

# PostgreSQL
words(r"^backends/postgres/.*\.rs$", ("Bell", "NotifyListener"), ("re:\\bbell\\b", "notify_listener"), ("Lent", "PooledConnection"),
    ("re:\\bmod lend;", "mod pooled_connection;"), ("re:\\blend::", "pooled_connection::"), ("re:\\{claim, lend\\}", "{claim, pooled_connection}"), ("re:crate::lend\\b", "crate::pooled_connection"),
    ("re:\\bmod beside;", "mod scans_and_refused_events;"), ("re:(?<![.\\w])beside::", "scans_and_refused_events::"), ("re:\\{beside, ", "{scans_and_refused_events, "),
    ("re:\\bmod pace;", "mod rate_limit;"), ("re:crate::pace\\b", "crate::rate_limit"), ("Pace", "RateLimit"), ("pace", "rate_limit"), ("re:(?<![.\\w])pace::", "rate_limit::"),
    ("re:\\bmod tend;", "mod maintenance;"), ("tend_history", "maintain_history"), ("TEND_EVERY", "MAINTENANCE_EVERY"), ("tended", "maintained"),
    ("Home", "TempDatabase"), ("re:\\bmod home;", "mod temp_database;"), ("re:\\bhome::", "temp_database::"),
    ("re:\\bfn hear\\b", "fn listen_once"), ("re:= hear\\(", "= listen_once("), ("re:(?<=\\{)lend\\b(?=[,}])", "pooled_connection"), ("re:crate::tend\\b", "crate::maintenance"), ("re:(?<![.\\w])tend::", "maintenance::"), ("re:\\bfn tend\\b", "fn maintain"), ("re:self\\.tend\\(", "self.maintain("),
    ("re:SELECT original\\.arrival", "SELECT twin.arrival"), ("re:AS original\"#", "AS twin\"#"))
words(r"^backends/postgres/src/(transact|audit|complete|decisions|ingest|leases|outbox|store|nodes)\.rs$|^store/.*\.rs$",
    ("Ended", "CommittedCall"), ("Call", "WriteCall"))
words(r"^backends/postgres/src/cursor\.rs$", ("Seen", "ClaimFloor"))

# Pipelines
words(r"^pipelines/.*\.rs$", ("SPEECHLESS", "REPLY_PIPE_BROKEN"), ("PipeOutlet", "PipeSink"), ("MemoryOutlet", "MemorySink"), ("Outlet", "ProgressSink"),
    ("pipe_outlet", "pipe_sink"), ("outlet_cut", "sink_cut"), ("open_outlet", "open_sink"), ("outlet", "progress_sink"),
    ("may_hear", "may_read_stderr"), ("hear_stderr", "read_stderr"), ("Shot", "SampledFrame"), ("witness_tests", "text_source_tests"))
words(r"^pipelines/src/client(/.*)?\.rs$|^pipelines/src/client\.rs$", ("Talk", "WorkerConversation"), ("re:\\bmod talk;", "mod conversation;"),
    ("re:\\btalk::", "conversation::"), ("talk", "conversation"), ("re:conversation\\.hear\\(", "conversation.read("), ("re:pub fn hear\\(", "pub fn read("))
words(r"^pipelines/src/client/(process|ending)\.rs$|^pipelines/src/client\.rs$", ("Ended", "ProcessExit"))
words(r"^pipelines/src/jail/calls\.rs$", ("re:\\bCall\\b", "SystemCall"))
words(r"^pipelines/src/bin/.*\.rs$", ("manners", "misbehaviours"))
words(r"^pipelines/src/recipes/redact/.*\.rs$", ("World", "EncodedVideo"), ("world", "video"), ("Place", "Sighting"), ("PLACES_MAX", "SIGHTINGS_MAX"),
    ("re:\\bmod places;", "mod sightings;"), ("re:\\bplaces::", "sightings::"))
words(r"^pipelines/worker/src/video/spliced_tests\.rs$", ("Place", "Sighting"))
words(r"^src/verbs/redact\.rs$", ("re:redact::places\\b", "redact::sightings"))
words(r"^pipelines/worker/src/audio/.*\.rs$", ("Place", "RunPlacement"))
words(r"^pipelines/worker/src/enrich/.*\.rs$", ("re:\\bPlace\\b(?! )|\\bPlace\\b(?= \\{|\\s*$)", "TextPlace"))
words(r"^pipelines/(worker/src/enrich|src/messages)/.*\.rs$", ("re:\\bWhy\\b(?=[:,;}>)])|\\bWhy\\b(?= \\{)", "NotSearched"))
words(r"^pipelines/worker/src/enrich/on_screen/(memory|reader|mod)\.rs$", ("Seen", "ReadItem"))
words(r"^pipelines/worker/src/enrich/on_screen/mod\.rs$", ("Work", "TextRecognition"))
words(r"^pipelines/worker/src/enrich/on_screen/(tesseract|reader)\.rs$", ("Reading", "OcrReading"))
words(r"^pipelines/worker/src/enrich/telemetry/klv\.rs$", ("Reading", "KlvReader"))
words(r"^pipelines/worker/src/enrich/(decode|sampler)\.rs$", ("Ended", "PassEnd"))
words(r"^pipelines/worker/src/inspect/bmff\.rs$", ("Found", "BoxTotals"))
words(r"^pipelines/worker/src/video/mod\.rs$", ("re:\\bHold\\b", "FirstPacketHold"))

# Privacy
words(r"^privacy/src/(candidate|custom|overlap|reader|families/card)\.rs$", ("re:\\bReading\\b(?=[ {<>,;:(}\\]])", "CandidateReading"))
words(r"^privacy/src/scanner\.rs$", ("Found", "PendingValue"))
words(r"^privacy/src/table\.rs$", ("Place", "GroupedSigns"))

# Roof
words(r"^src/verbs/redact\.rs$", ("re:redact::(Place|GlobalArgs) as Sighting", "redact::Sighting"))
words(r"^src/.*\.rs$", ("re:availability::Hold\\b", "availability::DrainReason"), ("re:context\\.duty\\b", "context.availability"),
    ("re:fn place\\(dir", "fn global(dir"), ("re:= place\\(dir", "= global(dir"))
words(r"^src/wiring/mod\.rs$", ("re:\\b(duty|availability)(?=: EnginePurpose)", "purpose"), ("re:\\bduty(?= ==)", "purpose"))
words(r"^src/verbs/scan\.rs$", ("re:map\\(global\\)", "map(place)"))
words(r"^src/(cli|config/mod|main|verbs/.*)\.rs$", ("re:\\bPlace\\b(?! of| where)", "GlobalArgs"))
words(r"^src/(main|config/mod)\.rs$|^src/verbs/[a-z]+\.rs$", ("re:\\bplace(?=: &?(cli::)?GlobalArgs)", "global"), ("re:&place\\b", "&global"), ("re:(?<!map)\\(place\\)", "(global)"), ("re:\\(place,", "(global,"), ("re:\\bplace\\.(home|config|store|overrides)\\b", r"global.\1"))
words(r"^src/verbs/scan(/report)?\.rs$", ("Seen", "ReadAs"))
words(r"^src/output/.*\.rs$|^src/.*\.rs$", ("re:\\bmod talk;", "mod stderr;"), ("re:\\btalk::", "stderr::"), ("re:output::talk\\b", "output::stderr"), ("re:output::\\{([^}]*)\\btalk\\b", r"output::{\1stderr"))
words(r"^src/telemetry/.*\.rs$", ("Outlet", "SpanQueue"), ("re:\\bmod outlet;", "mod span_queue;"), ("re:\\boutlet::", "span_queue::"), ("outlet", "span_queue"))

words(r"^src/wiring/mod\.rs$", ("hear", "keep_version"))
words(r"^backends/aws/tests/objects/uploading\.rs$", ("hear", "observe"))
words(r"^privacy/src/families/phone/shape\.rs$", ("follower", "next"))

# Simulations
words(r"^simulation/.*\.rs$", ("Said", "AttemptOutcome"), ("said", "outcome"), ("re:\\bfn hear\\b", "fn deliver_events"), ("re:self\\.hear\\(\\)", "self.deliver_events()"))
words(r"^simulation/src/(life|fleet|report|run|store|turns)\.rs$", ("re:(?<!Original::)\\bEnded\\b", "EndedAsset"), ("re:(Original|AttemptOutcome|News)::EndedAsset\\b", r"\1::Ended"), ("re:^    EndedAsset(\\(Ending\\),| \\{ phase)", r"    Ended\1"))
words(r"^simulation/src/(media|run|store|report)\.rs$", ("World", "Workload"), ("world", "workload"))
words(r"^(flow|store)/tests/simulation/.*\.rs$", ("World", "SimulatedFleet"))

# Tests
words(r"^(ports/src/conformance|conformance/src)/.*\.rs$", ("re:\\bWorld\\b", "StoreFixture"), ("world", "fixture"), ("re:\\bmod scanning;", "mod external_scan;"), ("re:(?<![.\\w])scanning::", "external_scan::"))
words(r"^tests/crash/.*\.rs$", ("World", "CrashFixture"), ("world", "fixture"))
words(r"^tests/e2e/macie\.rs$", ("World", "MacieFixture"), ("world", "fixture"))
words(r"^tests/fleet/.*\.rs$", ("World", "FleetFixture"), ("world", "fixture"))
words(r"^tests/stand-ins/src/macie\.rs$", ("World", "MacieState"), ("world", "state"))
words(r"^tests/stand-ins/src/proxy/(http|tcp)\.rs$", ("World", "ProxyState"), ("world", "state"))
words(r"^tests/stand-ins/(src/ministack|tests/policies/.*)\.rs$", ("re:\\bCall\\b", "ServiceCall"))
words(r"^tests/stand-ins/.*\.(rs|sh)$", ("keeper", "watchdog"), ("start_keeper", "start_watchdog"), ("re:keeper\\.sh", "watchdog.sh"))
words(r"^tests/e2e/.*\.rs$", ("Home", "TempHome"))

# Set apart: an asset is quarantined; a source is moved, for a rejected one is moved too
APART = [
    ("re:\\bthe source is set apart\\b", "the source is moved"), ("re:whether the source is set apart, and where", "whether the source is moved, and where to"),
    ("re:\\bsets the source apart\\b", "moves the source"), ("re:\\bset the source apart\\b", "move the source"), ("re:\\bsetting (its source|sources) apart\\b", r"moving \\1"),
    ("re:cannot be set apart; the outputs", "cannot be moved; the outputs"), ("re:name of a source set apart", "name of a source that was moved"),
    ("re:Tag of a source set apart", "Tag of a source that was moved"), ("re:nothing to set apart", "nothing to move"), ("re:of this version to set apart", "of this version to move"),
    ("re:A copy set apart has", "A copy that was moved has"), ("re:version of the source set apart", "version of the moved source"), ("re:what a withdrawal set apart", "what a withdrawal moved"),
    ("re:sets the older one apart", "moves the older one"), ("re:\\(not set apart\\)", "(not moved)"), ("re:refused and set apart", "refused and moved"), ("re:rejected upload is set apart", "rejected upload is moved"),
    ("re:a copy of it was set apart", "a copy of it was moved"), ("re:sets uploads apart", "moves uploads"), ("re:\\| where they are set apart \\|", "| where they are moved |"),
    ("re:source and outputs are set apart", "source and outputs are moved to quarantine"), ("re:Source and outputs are set apart", "Source and outputs are moved to quarantine"),
    ("re:\\b([Ss])ets (an asset|the asset|it) apart\\b", lambda m: ("Q" if m[1] == "S" else "q") + "uarantines " + m[2]), ("re:\\b([Ss])et (an asset|the asset|it) apart\\b", lambda m: ("Q" if m[1] == "S" else "q") + "uarantine " + m[2]),
    ("re:\\b([Ss])ets apart\\b", lambda m: ("Q" if m[1] == "S" else "q") + "uarantines"), ("re:\\b([Ss])etting apart\\b", lambda m: ("Q" if m[1] == "S" else "q") + "uarantining"),
    ("re:\\b([Ss])et apart\\b", lambda m: ("Q" if m[1] == "S" else "q") + "uarantined"),
]
APART = [(old, new.replace("\\\\1", "\\1") if isinstance(new, str) else new) for old, new in APART]
words(r"\.(rs|md)$", *APART)
# Documents
words(r"^(docs/.*|README|CHANGELOG|CONTRIBUTING)\.md$|^docs/.*\.md$", *TWINS, ("door", "exit"), ("doors", "exits"), ("Doors", "Exits"),
    ("re:\\b([Aa]) exit\\b(?! code)", r"\1n exit"), ("re:and `scan` where", "and `external_scan` where"), ("re:in the stage `scan`", "in the stage `external_scan`"),
    ("re:under a small keeper", "under a small watchdog"), ("re:\\bthe keeper\\b", "the watchdog"), ("re:small keeper$", "small watchdog"))
PATHS = [(re.compile(r"(?<![\w/])" + re.escape(old) + r"(?![\w-])"), new) for old, new in MOVES]
RULES.append((re.compile(r"\.(md|toml|sh|rs|yml)$|Makefile$"), re.compile(r"^tests/tidy/words"), [(pattern, new, None) for pattern, new in PATHS]))

# What word-by-word renaming leaves wrong in sentences
words(RS, ("re:\\b([Aa]) (exit|original|external|engine|attempt|uncounted)\\b(?! code)", r"\1n \2"), ("re:\\b([Aa])nn \\b", r"\1n "),
    ("re:starts are not_producers_fault than count", "starts are not the producer's fault than count"),
    ("re:/// Scan: ", "/// External scan: "), ("re:node_maintenance is busy", "node maintenance is busy"),
    ("re:the next node_maintenance\"", "the next node maintenance\""), ("re:the lease_coordinator of the shards' leases", "the coordinator of the shards' leases"))

def main():
    paths = [p for p in git("ls-files").splitlines() if os.path.isfile(p) and not os.path.islink(p)]
    changed = 0
    for path in paths:
        if path.startswith("tests/tidy/") or path == "Cargo.lock":
            continue
        rules = [(but, pairs) for scope, but, pairs in RULES if scope.search(path) and not (but and but.search(path))]
        if not rules:
            continue
        try:
            text = open(path, encoding="utf-8", newline="").read()
        except UnicodeDecodeError:
            continue
        new = "\n".join(one_line(line, rules) for line in text.split("\n"))
        if path == "flow/src/asset/messages.rs":
            # The input that orders it comes first, the note that tells of it second.
            new = new.replace("    SetApart(Cause),", "    Quarantine(Cause),", 1).replace("    SetApart(Cause),", "    Quarantining(Cause),", 1)
        if new != text:
            open(path, "w", encoding="utf-8", newline="").write(new)
            changed += 1
    print(f"{changed} files changed")

def one_line(line, rules):
    for _, pairs in rules:
        for pattern, new, prose in pairs:
            # A capital in a sentence is no type, unless it is marked as code.
            if prose is False and line.lstrip().startswith("//"):
                parts = line.split("`")
                parts[1::2] = [pattern.sub(new, part) for part in parts[1::2]]
                line = "`".join(parts)
            elif prose and line.lstrip().startswith("//"):
                parts = line.split("`")
                parts[::2] = [pattern.sub(prose, part) for part in parts[::2]]
                parts[1::2] = [pattern.sub(new, part) for part in parts[1::2]]
                line = "`".join(parts)
            else:
                line = pattern.sub(new, line)
    return line

main()
