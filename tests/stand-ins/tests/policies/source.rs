//! The actions that a document allows, and those that the code names. Every call of the backend names its action, so that
//! the error of a denial can name the missing permission.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

const SERVICES: [&str; 11] =
    ["autoscaling", "cloudwatch", "events", "kinesis", "kms", "macie2", "s3", "sns", "sqs", "ssm", "sts"];
/// Names of S3's events, which look like actions.
const EVENTS: [&str; 2] = ["s3:TestEvent", "s3:ObjectCreated"];
/// The action that S3 needs on the key when it writes to an encrypted bucket on our behalf.
const BY_S3: &str = "kms:GenerateDataKey";
/// The action that Macie needs when a job is created with a tag.
const BY_MACIE: &str = "macie2:TagResource";

/// Anyone may ask who they are: "No permissions are required to perform this operation" (AWS Security Token Service API Reference,
/// GetCallerIdentity).
const WITHOUT_PERMISSION: &str = "sts:GetCallerIdentity";

/// Actions that a document allows.
pub fn allowed(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap();
    let statements = document["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    });
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Actions that the backend names and that need a permission.
pub fn asked_for() -> BTreeSet<String> {
    let mut found = BTreeSet::from([BY_S3, BY_MACIE].map(str::to_owned));
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../backends/aws/src"), &mut found);
    assert!(found.remove(WITHOUT_PERMISSION), "no code asks for it");
    found
}

fn read(place: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':');
        let is_action = |word: &&str| {
            let (service, name) = word.split_once(':').unwrap_or_default();
            SERVICES.contains(&service) && name.starts_with(|c: char| c.is_ascii_uppercase())
        };
        let is_event = |word: &str| EVENTS.iter().any(|event| word.starts_with(event));
        found.extend(words.filter(is_action).filter(|word| !is_event(word)).map(str::to_owned));
    }
}
