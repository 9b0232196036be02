//! Least privilege: users with the documents of `deploy/policies` can do what their role needs, and nothing else.
//!
//! The stand-in checks real calls by action and resource. For some calls it sees neither the resource (a path of parameters,
//! a stream's consumer, all resources of Macie) nor the condition (a metric's namespace, an event's source, the service that
//! uses a key). For these, the test calls its evaluator with the same documents, and gives resource and condition.

mod account;
mod calls;
mod removals;
mod source;

use std::collections::BTreeSet;

use reelgate_stand_ins::ministack::{Case, would_allow};

use account::{Account, ROLES, Role, VARIABLES};
use calls::{Listed, event_calls, object_calls};

/// Makes every call with every role; returns the unexpected results.
fn complaints(account: &Account, listed: &[Listed]) -> Vec<String> {
    let calls: Vec<_> = listed.iter().map(|listed| listed.call.clone()).collect();
    let mut complaints = Vec::new();
    for role in ROLES {
        let outcomes = account.server.call(&account.user(role), &calls);
        assert_eq!(outcomes.len(), listed.len());
        for (listed, outcome) in listed.iter().zip(outcomes) {
            let allowed = listed.allowed.contains(&role);
            // The named resource need not exist: any other error shows that the call was allowed.
            let denied = outcome.as_ref().is_err_and(|code| calls::is_denial(code));
            if allowed == denied {
                let expected = if allowed { "allowed" } else { "denied" };
                complaints.push(format!("{role:?}: {}: expected {expected}, found {outcome:?}", listed.what));
            }
        }
    }
    complaints
}

#[test]
fn a_role_reads_and_writes_its_own_objects_and_no_others() {
    let found = complaints(&Account::new(), &object_calls());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_role_reaches_its_own_streams_queues_and_topics_and_no_others() {
    let account = Account::new();
    let found = complaints(&account, &event_calls(&account));
    assert!(found.is_empty(), "{found:#?}");
}

/// Action, resource, context, and the allowed roles.
type Judged = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [Role]);

const CONFIGURED: &[Role] = &[
    Role::Intake,
    Role::Worker,
    Role::Publisher,
    Role::Sweeper,
    Role::Scanner,
    Role::Redriver,
    Role::Checker,
];
const READING: &[Role] = &[Role::Worker, Role::Publisher, Role::Scanner, Role::Producer, Role::Viewer];
const WRITING: &[Role] = &[Role::Worker, Role::Publisher, Role::Scanner, Role::Checker, Role::Producer];
const BUCKET_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/buckets";
const PARAMETER_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/parameters";
const EVENT_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/events";
const AUDIT_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/audit";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/default";
const RULE: &str = "arn:aws:events:us-east-1:123456789012:rule/uploads";
const BY_S3: &[(&str, &str)] = &[("kms:ViaService", "s3.us-east-1.amazonaws.com")];
const BY_KINESIS: &[(&str, &str)] = &[("kms:ViaService", "kinesis.us-east-1.amazonaws.com")];
const BY_SQS: &[(&str, &str)] = &[("kms:ViaService", "sqs.us-east-1.amazonaws.com")];
const BY_SNS: &[(&str, &str)] = &[("kms:ViaService", "sns.us-east-1.amazonaws.com")];
const BY_SSM: &[(&str, &str)] = &[("kms:ViaService", "ssm.us-east-1.amazonaws.com")];

const CONSUMER: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/uploads/consumer/reelgate:1";
const OTHERS_CONSUMER: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/other/consumer/reelgate:1";

const JOB: &str = "arn:aws:macie2:us-east-1:123456789012:classification-job/3ce05dbb";
const OTHERS_JOB: &str = "arn:aws:macie2:us-east-1:210987654321:classification-job/3ce05dbb";
const IDENTIFIER: &str = "arn:aws:macie2:us-east-1:123456789012:custom-data-identifier/fb3b6e6f";
const HERE: &[(&str, &str)] = &[("aws:RequestedRegion", "us-east-1")];
const ELSEWHERE: &[(&str, &str)] = &[("aws:RequestedRegion", "eu-west-1")];

const JUDGED: &[Judged] = &[
    ("macie2:CreateClassificationJob", JOB, &[], &[Role::Scanner]),
    ("macie2:DescribeClassificationJob", JOB, &[], &[Role::Scanner]),
    ("macie2:DescribeClassificationJob", OTHERS_JOB, &[], &[]),
    ("macie2:UpdateClassificationJob", JOB, &[], &[]),
    ("macie2:CreateCustomDataIdentifier", IDENTIFIER, &[], &[Role::Scanner]),
    ("macie2:DeleteCustomDataIdentifier", IDENTIFIER, &[], &[]),
    ("macie2:ListManagedDataIdentifiers", "*", HERE, &[Role::Scanner, Role::Checker]),
    ("macie2:ListFindings", "*", HERE, &[Role::Intake, Role::Scanner]),
    ("macie2:GetFindings", "*", HERE, &[Role::Intake, Role::Scanner]),
    ("macie2:GetFindings", "*", ELSEWHERE, &[]),
    ("macie2:GetMacieSession", "*", HERE, &[Role::Checker]),
    ("macie2:DisableMacie", "*", HERE, &[]),
    ("kinesis:DescribeStreamConsumer", CONSUMER, &[], &[Role::Intake]),
    ("kinesis:SubscribeToShard", CONSUMER, &[], &[Role::Intake]),
    ("kinesis:SubscribeToShard", OTHERS_CONSUMER, &[], &[]),
    ("kinesis:DeregisterStreamConsumer", CONSUMER, &[], &[]),
    (
        "ssm:GetParametersByPath",
        "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test",
        &[],
        CONFIGURED,
    ),
    (
        "ssm:GetParametersByPath",
        "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test/flags",
        &[],
        CONFIGURED,
    ),
    (
        "ssm:PutParameter",
        "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test/flags/pause-heavy",
        &[],
        &[],
    ),
    (
        "ssm:DeleteParameter",
        "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test/flags/pause-heavy",
        &[],
        &[],
    ),
    ("ssm:GetParametersByPath", "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/testing", &[], &[]),
    ("ssm:GetParametersByPath", "arn:aws:ssm:us-east-1:123456789012:parameter/others", &[], &[]),
    ("cloudwatch:PutMetricData", "*", &[("cloudwatch:namespace", "Reelgate")], &[Role::Intake]),
    ("cloudwatch:PutMetricData", "*", &[("cloudwatch:namespace", "AWS/EC2")], &[]),
    ("events:ListRuleNamesByTarget", RULE, &[], &[Role::Checker]),
    ("events:DescribeRule", RULE, &[], &[Role::Checker]),
    ("events:TestEventPattern", "*", HERE, &[Role::Checker]),
    ("events:TestEventPattern", "*", ELSEWHERE, &[]),
    ("events:PutRule", RULE, &[], &[]),
    ("events:PutEvents", BUS, &[("events:source", "reelgate")], &[Role::Publisher]),
    ("events:PutEvents", BUS, &[("events:source", "aws.s3")], &[]),
    ("events:DescribeEventBus", BUS, &[], &[Role::Checker]),
    ("kms:GenerateDataKey", BUCKET_KEY, BY_S3, WRITING),
    ("kms:Decrypt", BUCKET_KEY, BY_S3, READING),
    ("kms:Decrypt", BUCKET_KEY, &[], &[]),
    ("kms:Decrypt", BUCKET_KEY, BY_SSM, &[]),
    ("kms:Decrypt", PARAMETER_KEY, BY_SSM, CONFIGURED),
    ("kms:Encrypt", PARAMETER_KEY, BY_SSM, &[]),
    ("kms:Decrypt", EVENT_KEY, BY_KINESIS, &[Role::Intake, Role::Redriver]),
    ("kms:Decrypt", EVENT_KEY, BY_SQS, &[Role::Intake, Role::Redriver]),
    ("kms:GenerateDataKey", EVENT_KEY, BY_SQS, &[Role::Redriver]),
    ("kms:GenerateDataKey", EVENT_KEY, BY_SNS, &[Role::Publisher]),
    ("kms:Decrypt", EVENT_KEY, BY_SNS, &[Role::Publisher]),
    ("kms:Decrypt", EVENT_KEY, BY_S3, &[]),
    ("kms:Decrypt", AUDIT_KEY, BY_S3, &[Role::Intake, Role::Checker]),
    ("kms:GenerateDataKey", AUDIT_KEY, BY_S3, &[Role::Intake]),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/viewer", &[], &[Role::Publisher]),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/admin", &[], &[]),
    ("iam:PassRole", "*", &[], &[]),
];

#[test]
fn consumers_parameters_metrics_events_and_keys_are_limited_to_the_fleet_s_use() {
    let cases: Vec<Case<'_>> = JUDGED
        .iter()
        .map(|(action, resource, context, _)| Case { principal: "", action, resource, context })
        .collect();
    for role in ROLES {
        let allowed = would_allow(&role.policy(), &cases);
        assert_eq!(allowed.len(), JUDGED.len());
        for (case, allowed) in JUDGED.iter().zip(allowed) {
            assert_eq!(allowed, case.3.contains(&role), "{role:?}: {} on {} in {:?}", case.0, case.1, case.2);
        }
    }
}

#[test]
fn no_document_allows_a_whole_service_or_every_resource_without_a_condition() {
    for role in ROLES {
        let document: serde_json::Value = serde_json::from_str(&role.document()).unwrap();
        let statements = document["Statement"].as_array().unwrap();
        assert!(statements.len() >= 2, "{role:?}");
        for statement in statements {
            let sid = &statement["Sid"];
            assert!(
                !statement["Action"].to_string().contains('*'),
                "{role:?} {sid}: a wildcard in an action"
            );
            // The action to describe instances has no resource-level permissions.
            let everywhere = statement["Resource"] == "*" && sid != "FindOwnGroup";
            assert!(!everywhere || statement["Condition"].is_object(), "{role:?} {sid}: on everything");
        }
    }
}

#[test]
fn every_variable_of_the_documents_is_explained() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/security-policies.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let documents: String = ROLES.map(Role::document).concat();
    for (name, _) in VARIABLES {
        assert!(documents.contains(&format!("${{{name}}}")), "{name}: no document uses it");
        let row = format!("| `{name}` |");
        assert!(name.starts_with("AWS::") || guide.contains(&row), "{name}: not explained");
    }
}

#[test]
fn the_documents_allow_the_actions_that_the_code_names_and_no_others() {
    let allowed: BTreeSet<String> = ROLES.iter().flat_map(|role| source::allowed(&role.document())).collect();
    assert_eq!(allowed, source::asked_for());
}
