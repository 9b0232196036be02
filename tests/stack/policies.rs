//! `deploy/stack/policies.json` is the documents of `deploy/policies` as a template, so that what nodes get is what tests enforce.
//!
//! The variables of the documents are the parameters of the template. Where a parameter is empty, the stack has no such thing, and
//! what names it is left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::templates::deploy;

/// Documents of the stack, and what must be there for one to be made at all.
const DOCUMENTS: [(&str, Option<&str>); 10] = [
    ("checker", None),
    ("intake", None),
    ("node", None),
    ("producer", None),
    ("publisher", None),
    ("redriver", None),
    ("scanner", Some("ScanBucket")),
    ("sweeper", None),
    ("viewer", None),
    ("worker", None),
];
/// Parameters that may be empty: what they name is optional.
const OPTIONAL: [&str; 5] = ["EventQueue", "EventStream", "NoticeBus", "ScalingGroup", "ScanBucket"];
/// Statements that name no variable of the optional thing that they are about.
const ABOUT: [(&str, &str); 3] =
    [("AskMacieForFindings", "ScanBucket"), ("FindOwnGroup", "ScalingGroup"), ("ReachMacie", "ScanBucket")];
/// A variable that is there only together with another one.
const PART_OF: [(&str, &str); 1] = [("ScanArea", "ScanBucket")];
/// Most characters of a managed policy, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
const CHARACTERS_MAX: usize = 6_144;

fn document(name: &str) -> Value {
    let text = std::fs::read_to_string(deploy().join(format!("policies/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Variables in a text, `${…}`.
fn variables(text: &str) -> Vec<&str> {
    text.split("${").skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
}

/// The optional thing that a text names.
fn optional(text: &str) -> Option<&'static str> {
    variables(text).into_iter().find_map(|name| {
        let name = PART_OF.iter().find(|(part, _)| *part == name).map_or(name, |(_, whole)| *whole);
        OPTIONAL.into_iter().find(|optional| *optional == name)
    })
}

fn only_with(thing: &str, value: Value) -> Value {
    json!({"Fn::If": [format!("Has{thing}"), value, {"Ref": "AWS::NoValue"}]})
}

/// A value of a document, with CloudFormation's functions where it has variables. It is there only `with` a thing.
fn converted(value: &Value, with: Option<&str>) -> Value {
    match value {
        Value::String(text) if text.contains("${") => json!({"Fn::Sub": text}),
        Value::Array(items) => {
            let kept = |item: &Value| match item.as_str().and_then(optional) {
                Some(thing) if with != Some(thing) => only_with(thing, converted(item, with)),
                _ => converted(item, with),
            };
            items.iter().map(kept).collect()
        }
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), converted(value, with))).collect()
        }
        other => other.clone(),
    }
}

/// A statement of a document that is there only `with` a thing.
fn statement(statement: &Value, with: Option<&str>) -> Value {
    let about = ABOUT.iter().find(|(sid, _)| statement["Sid"] == *sid).map(|(_, thing)| *thing);
    let resources: Vec<&str> = match &statement["Resource"] {
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    };
    // A statement goes where all that it is about is missing.
    let things: BTreeSet<_> = resources.iter().map(|resource| optional(resource)).collect();
    let about = about.or_else(|| if things.len() == 1 { things.first().copied().flatten() } else { None });
    let about = about.filter(|thing| with != Some(thing));
    match about {
        Some(thing) => only_with(thing, converted(statement, Some(thing))),
        None => converted(statement, with),
    }
}

/// The template of all documents.
fn template() -> Value {
    let mut resources = Map::new();
    let mut outputs = Map::new();
    let mut parameters = BTreeSet::from(OPTIONAL.map(str::to_owned));
    for (name, needs) in DOCUMENTS {
        let document = document(name);
        let used = document.to_string();
        parameters.extend(
            variables(&used).into_iter().filter(|name| !name.starts_with("AWS::")).map(str::to_owned),
        );
        let statements: Vec<Value> =
            document["Statement"].as_array().unwrap().iter().map(|one| statement(one, needs)).collect();
        let id = format!("{}{}Policy", name[..1].to_uppercase(), &name[1..]);
        let mut policy = json!({
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": format!("deploy/policies/{name}.json"),
                "PolicyDocument": {"Version": document["Version"], "Statement": statements},
            },
        });
        let mut arn = json!({"Ref": id});
        if let Some(thing) = needs {
            policy["Condition"] = format!("Has{thing}").into();
            arn = json!({"Fn::If": [format!("Has{thing}"), arn, ""]});
        }
        resources.insert(id.clone(), policy);
        outputs.insert(format!("{id}Arn"), json!({"Value": arn}));
    }
    let parameters: Map<String, Value> = parameters
        .into_iter()
        .map(|name| {
            let is_optional = OPTIONAL.contains(&name.as_str());
            let about = "docs/reference/security-policies.md explains it";
            let mut parameter = json!({"Type": "String", "Description": about});
            if is_optional {
                parameter["Default"] = "".into();
                parameter["Description"] = format!("{about}; empty: there is none").into();
            }
            (name, parameter)
        })
        .collect();
    let conditions: Map<String, Value> = OPTIONAL
        .into_iter()
        .map(|name| (format!("Has{name}"), json!({"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]})))
        .collect();
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Reelgate: one managed policy for each document of deploy/policies. Made from them by a test; do not edit.",
        "Parameters": parameters,
        "Conditions": conditions,
        "Resources": resources,
        "Outputs": outputs,
    })
}

/// Write it anew with `REELGATE_BLESS=1`.
#[test]
fn the_template_of_policies_is_made_from_the_documents() {
    let path = deploy().join("stack/policies.json");
    let made = format!("{:#}\n", template());
    if std::env::var_os("REELGATE_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "{}: not made from deploy/policies; REELGATE_BLESS=1 makes it", path.display());
}

#[test]
fn every_document_is_in_the_template_but_those_of_people() {
    let mut found: BTreeSet<String> = std::fs::read_dir(deploy().join("policies"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    for person in ["auditor", "deployer"] {
        assert!(found.remove(person), "{person}");
    }
    assert_eq!(found, DOCUMENTS.map(|(name, _)| name.to_owned()).into());
}

/// With the longest names that the stack makes.
#[test]
fn every_document_fits_a_managed_policy() {
    let bucket = format!("reelgate-{}-{}-ap-southeast-2-quarantine", "e".repeat(12), "1".repeat(12));
    for (name, _) in DOCUMENTS {
        let mut text: String =
            document(name).to_string().chars().filter(|letter| !letter.is_whitespace()).collect();
        let used: Vec<String> = variables(&text).into_iter().map(str::to_owned).collect();
        for variable in used {
            let value = match variable.as_str() {
                "AWS::Partition" => "aws".to_owned(),
                "AWS::Region" => "ap-southeast-2".to_owned(),
                "AWS::AccountId" => "1".repeat(12),
                name if name.ends_with("Arn") => "a".repeat(110),
                name if name.ends_with("Bucket") || name.ends_with("Area") => bucket.clone(),
                _ => "n".repeat(48),
            };
            text = text.replace(&format!("${{{variable}}}"), &value);
        }
        assert!(text.len() <= CHARACTERS_MAX, "{name}: {} characters of {CHARACTERS_MAX}", text.len());
    }
}
