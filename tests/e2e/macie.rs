//! Macie reads the text of assets: publishing waits for its answer, and its findings are linked to their places. The sidecars are
//! in an emulator's S3. An imitation of Macie answers as each test says.

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use reelgate_stand_ins::ministack::{Auth, ROOT_KEY, ROOT_SECRET};
use reelgate_stand_ins::{ACCOUNT, Macie, Ministack, REGION};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::service::{states, until};
use crate::support::{TempHome, code, lines, talk, tool, undocumented};

const BUCKET: &str = "sidecars";
const PATIENCE: Duration = Duration::from_secs(120);
/// An invented name: the built-in classifier does not search for names.
const NAME: &str = "Maria Beispielmann";
const SECOND: u64 = 1_000_000_000;

/// A home whose configuration asks Macie, and everything behind it.
struct MacieFixture {
    home: TempHome,
    config: PathBuf,
    macie: Macie,
    s3: Client,
    ministack: Ministack,
    runtime: Runtime,
}

impl MacieFixture {
    fn new(required: &str) -> Self {
        let (home, ministack) = (TempHome::encoding_quickly(), Ministack::start(Auth::Open));
        let config = home.file("reelgate.toml");
        let text = format!(
            "[node]\nself_test = false\n[privacy]\nrequired = \"{required}\"\n[aws]\npath_style = true\nregion = \"{REGION}\"\n\
             [aws.macie]\narea = \"s3://{BUCKET}/text\"\naccount = \"{ACCOUNT}\"\nwindow_s = 2\nsweep_s = 1\n\
             [[privacy.custom_identifiers]]\nname = \"badge\"\nregex = \"B-[0-9]{{4}}\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let settings = aws_sdk_s3::Config::builder()
            .http_client(reelgate_aws::clients::https_client())
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(ministack.endpoint())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(ROOT_KEY, ROOT_SECRET, None, None, "test"))
            .force_path_style(true)
            .build();
        let fixture = Self {
            home,
            config,
            macie: Macie::start(&["CREDIT_CARD_NUMBER", "NAME"]),
            s3: Client::from_conf(settings),
            ministack,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        };
        fixture.make_bucket();
        fixture
    }

    fn make_bucket(&self) {
        self.runtime.block_on(async {
            self.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
            let kept = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
            let request = self.s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(kept);
            request.send().await.unwrap();
        });
    }

    /// `reelgate ARGUMENTS`, started.
    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.home.command(arguments);
        command.arg("--config").arg(&self.config);
        command.env("AWS_ENDPOINT_URL_S3", self.ministack.endpoint());
        command.env("AWS_ENDPOINT_URL_MACIE2", self.macie.endpoint());
        command.env("AWS_ACCESS_KEY_ID", ROOT_KEY).env("AWS_SECRET_ACCESS_KEY", ROOT_SECRET);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn run(&self, file: &Path) -> Child {
        self.start(&["run", "--json", file.to_str().unwrap()])
    }

    /// The job of this number, once it has been created.
    fn job(&self, number: usize) -> Value {
        let since = Instant::now();
        loop {
            if let Some(job) = self.macie.jobs().get(number) {
                return job.clone();
            }
            assert!(since.elapsed() < PATIENCE, "no job was created: {:?}", self.macie.calls());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Keys of all versions in the bucket.
    fn keys(&self) -> Vec<String> {
        let listed = self.runtime.block_on(self.s3.list_object_versions().bucket(BUCKET).send()).unwrap();
        let versions = listed.versions().iter().filter_map(|one| one.key());
        versions
            .chain(listed.delete_markers().iter().filter_map(|one| one.key()))
            .map(str::to_owned)
            .collect()
    }

    /// The one sidecar in the scope of a job, and its lines.
    fn sidecar(&self, job: &Value) -> (String, Vec<String>) {
        let scope = &job["s3JobDefinition"]["scoping"]["includes"]["and"][0]["simpleScopeTerm"]["values"][0];
        let scope = scope.as_str().unwrap();
        let keys: Vec<String> = self.keys().into_iter().filter(|key| key.starts_with(scope)).collect();
        let [key] = &keys[..] else { panic!("expected one sidecar below {scope}, found {keys:?}") };
        let text = self.runtime.block_on(async {
            let object = self.s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
            String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap()
        });
        (key.clone(), text.lines().map(str::to_owned).collect())
    }

    /// Macie reports the name in the line of a job's text that holds it.
    fn find_name(&self, job: &Value, severity: &str) {
        let (key, lines) = self.sidecar(job);
        let record = lines.iter().position(|line| line.contains(NAME)).expect("the name is in the text");
        self.macie.find(json!({
            "id": "finding-1", "type": "SensitiveData:S3Object/Personal", "category": "CLASSIFICATION",
            "severity": {"description": severity}, "count": 1, "sample": false,
            "resourcesAffected": {
                "s3Bucket": {"name": BUCKET}, "s3Object": {"key": key, "eTag": "e", "versionId": "v"}
            },
            "classificationDetails": {"jobId": job["jobId"], "result": {
                "status": {"code": "COMPLETE"}, "additionalOccurrences": false,
                "sensitiveData": [{"category": "PERSONAL_INFORMATION", "detections": [
                    {"type": "NAME", "count": 1, "occurrences": {"records": [{"recordIndex": record}]}}
                ]}]
            }}
        }));
    }

    fn end(&self, job: &Value, state: &str) {
        self.macie.set(job["jobId"].as_str().unwrap(), state, false);
    }

    /// A video whose second cue holds the name.
    fn talk_with_a_name(&self) -> PathBuf {
        let subtitles = self.home.file("talk.srt");
        let text = format!(
            "1\n00:00:00,500 --> 00:00:01,000\nhello\n\n2\n00:00:02,000 --> 00:00:03,000\nI am {NAME}\n"
        );
        std::fs::write(&subtitles, text).unwrap();
        let path = self.home.file("talk.mkv");
        let pictures = ["-v", "error", "-y", "-f", "lavfi", "-i", "smptebars=s=640x360:r=25:d=4"];
        let tail = ["-i", subtitles.to_str().unwrap(), "-c:s", "srt", path.to_str().unwrap()];
        tool("ffmpeg", &[&pictures[..], &tail].concat());
        path
    }
}

fn ended(child: Child) -> (Output, Value) {
    let output = child.wait_with_output().unwrap();
    let line = lines(&output.stdout, &talk(&output)).remove(0);
    for part in [NAME, "Beispielmann"] {
        assert!(!talk(&output).contains(part) && !line.to_string().contains(part), "the value is printed");
    }
    (output, line)
}

fn found_by_macie(line: &Value) -> &Value {
    let findings = line["findings"].as_array().unwrap();
    findings.iter().find(|one| one["source"] == "macie").unwrap_or_else(|| panic!("nothing of Macie: {line}"))
}

#[test]
fn an_asset_waits_for_macie_and_shows_where_its_findings_are() {
    let fixture = MacieFixture::new("both");
    let running = fixture.run(&fixture.talk_with_a_name());
    let job = fixture.job(0);
    assert_eq!(job["managedDataIdentifierIds"], json!(["CREDIT_CARD_NUMBER", "NAME"]));
    assert_eq!(
        fixture.macie.custom()[0]["regex"],
        "B-[0-9]{4}",
        "our own identifiers are looked for there too"
    );
    let (status, shown) = (fixture.home.reelgate(&["list", "--json"]), "processing");
    assert!(String::from_utf8_lossy(&status.stdout).contains(shown), "published without an answer");
    fixture.find_name(&job, "Medium");
    fixture.end(&job, "COMPLETE");
    let (_, line) = ended(running);
    assert_eq!((&line["state"], &line["verdict"]), (&json!("published"), &json!("flagged")), "{line}");
    let finding = found_by_macie(&line);
    assert_eq!((&finding["kind"], &finding["severity"]), (&json!("NAME"), &json!("medium")));
    assert_eq!(undocumented(&line), Vec::<String>::new());
    let place = &finding["locations"][0];
    assert_eq!(place["surface"], "subtitle");
    assert_eq!((&place["start_ns"], &place["end_ns"]), (&json!(2 * SECOND), &json!(3 * SECOND)));
    assert_eq!(fixture.keys(), Vec::<String>::new(), "text and map are removed once Macie has answered");
}

#[test]
fn a_finding_of_macie_alone_quarantines_an_asset() {
    let fixture = MacieFixture::new("macie");
    let running = fixture.run(&fixture.talk_with_a_name());
    let job = fixture.job(0);
    fixture.find_name(&job, "High");
    fixture.end(&job, "COMPLETE");
    let (output, line) = ended(running);
    assert_eq!((output.status.code(), code(&line)), (Some(3), "personal_data"), "{line}");
    assert_eq!(line["state"], "quarantined");
    assert_eq!(found_by_macie(&line)["kind"], "NAME");
    let published = fixture.home.path().join("published");
    let left = std::fs::read_dir(published).map_or(0, |found| found.filter_map(Result::ok).count());
    assert_eq!((left, fixture.keys()), (0, Vec::new()));
}

#[test]
fn an_asset_that_macie_did_not_read_is_unscanned_until_it_is_redriven() {
    let fixture = MacieFixture::new("both");
    let file = fixture.talk_with_a_name();
    let running = fixture.run(&file);
    fixture.end(&fixture.job(0), "CANCELLED");
    let (output, line) = ended(running);
    assert_eq!((output.status.code(), code(&line)), (Some(3), "scanner_unanswered"), "{line}");
    assert_eq!((&line["state"], &line["verdict"]), (&json!("failed"), &json!("unscanned")));
    let asset = line["asset_id"].as_str().unwrap();
    assert_eq!(fixture.home.reelgate(&["redrive", asset]).status.code(), Some(0));
    let running = fixture.run(&file);
    let job = fixture.job(1);
    assert!(fixture.sidecar(&job).1.iter().any(|line| line.contains(NAME)), "the text is given anew");
    fixture.end(&job, "COMPLETE");
    let (_, line) = ended(running);
    assert_eq!((&line["state"], &line["verdict"]), (&json!("published"), &json!("clean")), "{line}");
}

#[test]
fn where_macies_answer_is_not_required_publishing_waits_for_its_job_alone() {
    let fixture = MacieFixture::new("local");
    let file = fixture.talk_with_a_name();
    let (output, line) = ended(fixture.run(&file));
    assert_eq!((output.status.code(), &line["state"]), (Some(0), &json!("published")), "{line}");
    let (_, text) = fixture.sidecar(&fixture.job(0));
    assert!(text.iter().any(|line| line.contains(NAME)), "Macie is still to read it");
    let asset = line["asset_id"].as_str().unwrap();
    let decided = fixture.start(&["quarantine", asset, "--reason", "ticket 7", "--by", "ann"]);
    let decided = decided.wait_with_output().unwrap();
    assert_eq!(decided.status.code(), Some(0), "{}", talk(&decided));
    assert_eq!(ended(fixture.run(&file)).1["state"], "quarantined");
    assert_eq!(fixture.keys(), Vec::<String>::new(), "a quarantine takes the text out of Macie's bucket too");
}

#[test]
fn a_finding_whose_event_never_came_quarantines_a_published_asset() {
    let fixture = MacieFixture::new("local");
    let file = fixture.talk_with_a_name();
    assert_eq!(ended(fixture.run(&file)).1["state"], "published");
    fixture.find_name(&fixture.job(0), "High");
    let mut serving = fixture.start(&["serve", "--listen", "127.0.0.1:0"]);
    let is_quarantined =
        |states: &Vec<(String, String)>| states.iter().all(|(_, state)| state == "quarantined");
    until("the sweep has found it", || states(&fixture.home), is_quarantined);
    serving.kill().unwrap();
    serving.wait().unwrap();
    let listed = lines(&fixture.home.reelgate(&["list", "--json"]).stdout, "");
    let shown = fixture.home.reelgate(&["show", listed[0]["asset_id"].as_str().unwrap(), "--json"]);
    let finding = found_by_macie(&lines(&shown.stdout, "")[0]).clone();
    assert_eq!((&finding["kind"], &finding["locations"][0]["surface"]), (&json!("NAME"), &json!("subtitle")));
}

#[test]
fn where_macies_answer_is_not_required_its_errors_stop_no_publication() {
    let fixture = MacieFixture::new("local");
    for _ in 0..50 {
        fixture.macie.refuse(403, "AccessDeniedException");
    }
    let file = fixture.talk_with_a_name();
    let running = fixture.start(&["run", "--json", "--log", "warn", file.to_str().unwrap()]);
    let (output, line) = ended(running);
    assert_eq!((output.status.code(), &line["state"]), (Some(0), &json!("published")), "{line}");
    assert!(talk(&output).contains("without the external scanner's answer"), "{}", talk(&output));
    assert_eq!(fixture.macie.jobs().len(), 0);
}

#[test]
fn check_reports_the_state_of_macie_and_a_wait_without_macie_is_refused() {
    let fixture = MacieFixture::new("both");
    std::fs::create_dir_all(fixture.home.path()).unwrap();
    let check = fixture.start(&["check"]).wait_with_output().unwrap();
    let lines = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(lines.contains("✓ scanner: Macie is enabled; 2 of "), "{lines}{}", talk(&check));
    fixture.macie.pause();
    let check = fixture.start(&["check"]).wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&check.stdout).contains("✗ scanner: "));
    assert_eq!(check.status.code(), Some(3));
    std::fs::write(&fixture.config, "[privacy]\nrequired = \"macie\"\n").unwrap();
    let refused = fixture.start(&["check"]).wait_with_output().unwrap();
    assert!(talk(&refused).contains("privacy.required: expected `local` without aws.macie.area"));
    assert_eq!(refused.status.code(), Some(2));
}
