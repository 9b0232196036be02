//! Each call that a script of `deploy` makes is allowed by the document of whoever runs it: `deployer` for deploy.sh, teardown.sh and
//! apply-policies.sh, `auditor` for validate-security.sh. And `auditor` allows nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::documents::document;
use crate::templates::deploy;

/// Calls whose action has another name than the call, in lower case without separators.
const RENAMED: [(&str, &[&str]); 13] = [
    ("s3:headbucket", &["s3:listbucket"]),
    ("s3:listobjectsv2", &["s3:listbucket"]),
    ("s3:headobject", &["s3:getobject"]),
    ("s3:listbuckets", &["s3:listallmybuckets"]),
    ("s3:listobjectversions", &["s3:listbucketversions"]),
    ("s3:deleteobjects", &["s3:deleteobject", "s3:deleteobjectversion", "s3:bypassgovernanceretention"]),
    ("s3:cp", &["s3:putobject"]),
    ("s3:getbucketencryption", &["s3:getencryptionconfiguration"]),
    ("s3:getpublicaccessblock", &["s3:getbucketpublicaccessblock"]),
    ("cloudformation:deploy", &["cloudformation:createchangeset", "cloudformation:executechangeset"]),
    ("sts:getcalleridentity", &[]),                     // anybody may
    ("servicequotas:requestservicequotaincrease", &[]), // only told to people
    ("servicequotas:listservicequotas", &[]),
];
/// Calls of scripts that only people make, because a message says so.
const TOLD: [&str; 1] = ["cloudformation:continueupdaterollback"];

/// The actions of a call.
fn actions(service: &str, operation: &str) -> Vec<String> {
    let service = match service {
        "s3api" => "s3",
        "service-quotas" => "servicequotas",
        "accessanalyzer" => "access-analyzer",
        other => other,
    };
    let plain = format!("{service}:{}", operation.replace(['-', '_'], ""));
    match RENAMED.iter().find(|(call, _)| *call == plain) {
        Some((_, actions)) => actions.iter().map(|action| (*action).to_owned()).collect(),
        None => vec![plain],
    }
}

/// What shell scripts call: `aws SERVICE OPERATION`, and the same by `count`.
fn of_scripts(names: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in names {
        let text = std::fs::read_to_string(deploy().join(name)).unwrap();
        for program in ["aws ", "count "] {
            for (at, _) in text.match_indices(program) {
                let mut words = text[at + program.len()..].split([' ', '\n', ')', '`', '"']);
                let (Some(service), Some(operation)) = (words.next(), words.next()) else { continue };
                let name = |word: &str| {
                    !word.is_empty()
                        && word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '3' || c == '2')
                };
                if name(service)
                    && name(operation)
                    && (operation.contains('-') || ["cp", "deploy"].contains(&operation))
                {
                    found.extend(actions(service, operation));
                }
            }
        }
    }
    found
}

/// What the programs of `deploy/security` call: `"SERVICE", "OPERATION"`. Those that change something belong to apply.py.
fn of_programs(changing: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(deploy().join("security")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "py") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let of_vpc = text.split("of_vpc(account, \"").skip(1).filter(|_| !changing);
        found.extend(of_vpc.flat_map(|rest| actions("ec2", rest.split('"').next().unwrap())));
        let quoted: Vec<&str> = text.split('"').collect();
        for three in quoted.windows(3) {
            let [service, between, operation] = three else { continue };
            let names = service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                && operation.contains('_');
            let verb = operation.split('_').next().unwrap_or_default();
            let changes = ["put", "delete"].contains(&verb);
            if names
                && between.trim() == ","
                && changes == changing
                && (changes || ["get", "list", "describe", "head", "simulate"].contains(&verb))
            {
                found.extend(actions(service, operation));
            }
        }
    }
    found
}

/// The actions of a document, in lower case.
fn allowed(name: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(&document(name)).unwrap();
    let statements = document["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    });
    actions.map(|action| action.as_str().unwrap().to_lowercase()).collect()
}

/// Whether a pattern with stars covers an action.
fn covers(pattern: &str, action: &str) -> bool {
    let mut rest = action;
    let mut pieces = pattern.split('*');
    let Some(first) = pieces.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn each_call_of_a_script_is_allowed_to_whoever_runs_it() {
    let mut deploying =
        of_scripts(&["deploy.sh", "common.sh", "quotas.sh", "teardown.sh", "apply-policies.sh"]);
    deploying.extend(of_programs(true));
    assert!(deploying.len() > 35, "{deploying:?}");
    let rights = allowed("deployer");
    let missing: Vec<_> = deploying
        .iter()
        .filter(|action| {
            !TOLD.contains(&action.as_str()) && !rights.iter().any(|right| covers(right, action))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn who_audits_may_do_what_the_controls_ask_for_and_nothing_else() {
    let mut asking = of_programs(false);
    asking.insert("ec2:describeregions".to_owned()); // check_region of common.sh
    assert!(asking.len() > 35, "{asking:?}");
    assert_eq!(allowed("auditor").into_iter().collect::<BTreeSet<_>>(), asking);
}
