//! What the policies of buckets, keys, queues, topics, endpoints and roles of the stack decide, request by request; and that each of
//! their statements is needed: without it, some request is decided otherwise. `deploy/policies` has the same in
//! `tests/stand-ins/tests/policies`, and `documents` for those of nodes and of who deploys.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_stand_ins::ministack::{Case, Decision, decisions, without_each_statement};
use serde_json::Value;

use crate::templates::{LARGEST, rendered, stack};
use Decision::{Allow, Deny, Silent};

/// A policy of a resource: where it stands, the resource's ARN, and the document.
struct Policy {
    place: String,
    arn: String,
    document: Value,
}

/// Every policy of a resource, in the form with a stream and in the largest, and that of the bucket of artifacts.
fn policies() -> Vec<Policy> {
    let mut found = BTreeMap::new();
    let forms = [stack(&[]), stack(&LARGEST), rendered("artifacts.yaml", &["Environment=test"])];
    for (path, template) in forms.into_iter().flatten() {
        for (name, resource) in template["Resources"].as_object().unwrap() {
            let properties = &resource["Properties"];
            let (document, arn) = match resource["Type"].as_str().unwrap() {
                "AWS::S3::BucketPolicy" => {
                    ("PolicyDocument", format!("arn:aws:s3:::{}", properties["Bucket"].as_str().unwrap()))
                }
                "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy" => ("PolicyDocument", String::new()),
                "AWS::EC2::VPCEndpoint" => ("PolicyDocument", "*".to_owned()),
                "AWS::KMS::Key" => ("KeyPolicy", "*".to_owned()),
                "AWS::IAM::Role" => ("AssumeRolePolicyDocument", "*".to_owned()),
                // Those of the documents are tested with the documents.
                "AWS::IAM::ManagedPolicy" if path != "Policies" => ("PolicyDocument", "*".to_owned()),
                _ => continue,
            };
            let document = properties[document].clone();
            // A role's policy names no resource, those of queues and topics name theirs.
            let arn = match document["Statement"][0]["Resource"].as_str() {
                Some(named) if arn.is_empty() => named.to_owned(),
                _ => arn,
            };
            let place = format!("{path}/{name}");
            found.insert(place.clone(), Policy { place, arn, document });
        }
    }
    found.into_values().collect()
}

/// Who asks, what, below the policy's resource or instead of it, with which keys, and what must come of it.
struct Expected {
    principal: &'static str,
    action: &'static str,
    below: &'static str,
    context: &'static [(&'static str, &'static str)],
    decision: Decision,
}

const fn expected(
    principal: &'static str,
    action: &'static str,
    below: &'static str,
    context: &'static [(&'static str, &'static str)],
    decision: Decision,
) -> Expected {
    Expected { principal, action, below, context, decision }
}

const LIGHT: &str = "arn:aws:iam::123456789012:role/reelgate-test-light-us-east-1";
const HEAVY: &str = "arn:aws:iam::123456789012:role/reelgate-test-heavy-us-east-1";
const OFFICERS: &str = "arn:aws:iam::123456789012:role/officers";
const STRANGER: &str = "arn:aws:iam::999999999999:role/stranger";
const MACIE: &str =
    "arn:aws:iam::123456789012:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie";
const MEDIA_KEY: (&str, &str) = (
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "arn:aws:kms:us-east-1:123456789012:key/Keys-MediaKey",
);
const PLATFORM_KEY: (&str, &str) = (
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "arn:aws:kms:us-east-1:123456789012:key/Keys-PlatformKey",
);
const OTHER_KEY: (&str, &str) =
    ("s3:x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:us-east-1:123456789012:key/other");
const HTTP: (&str, &str) = ("aws:SecureTransport", "false");
const OURS: (&str, &str) = ("aws:SourceAccount", "123456789012");
const THEIRS: (&str, &str) = ("aws:SourceAccount", "999999999999");
const BUCKET: (&str, &str) = ("aws:SourceArn", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-ingest");
const FLOW: (&str, &str) = ("aws:SourceArn", "arn:aws:logs:us-east-1:123456789012:log-group:flow");
const TRAIL: (&str, &str) =
    ("aws:SourceArn", "arn:aws:cloudtrail:us-east-1:123456789012:trail/reelgate-test");
const OTHER_TRAIL: (&str, &str) = ("aws:SourceArn", "arn:aws:cloudtrail:us-east-1:123456789012:trail/other");
const RULE: (&str, &str) =
    ("aws:SourceArn", "arn:aws:events:us-east-1:123456789012:rule/reelgate-test-uploads");
const OTHER_RULE: (&str, &str) = ("aws:SourceArn", "arn:aws:events:us-east-1:123456789012:rule/others");

/// By the name of a statement, in every policy that has it.
fn by_statement(sid: &str, place: &str) -> Option<Vec<Expected>> {
    let of_queue = place.starts_with("Events/") && place.contains("Queue");
    let of_topic = place.contains("Topic");
    let logs = |service, action, below, keys, other| {
        vec![expected(service, action, below, keys, Allow), expected(service, action, below, other, Silent)]
    };
    Some(match sid {
        "OnlyByTls" if of_queue => vec![expected(LIGHT, "sqs:SendMessage", "", &[HTTP], Deny)],
        "OnlyByTls" if of_topic => vec![expected(LIGHT, "sns:Publish", "", &[HTTP], Deny)],
        "OnlyByTls" => vec![
            expected(LIGHT, "s3:GetObject", "/studio/film.mp4", &[HTTP], Deny),
            expected(LIGHT, "s3:ListBucket", "", &[HTTP], Deny),
            expected(LIGHT, "s3:ListBucket", "", &[], Silent),
        ],
        "OnlyByTls12OrNewer" => vec![
            expected(LIGHT, "s3:GetObject", "/studio/film.mp4", &[("s3:TlsVersion", "1.1")], Deny),
            expected(LIGHT, "s3:ListBucket", "", &[("s3:TlsVersion", "1.1")], Deny),
            expected(LIGHT, "s3:ListBucket", "", &[("s3:TlsVersion", "1.2")], Silent),
        ],
        "OnlyWithTheKeyOfMedia" => vec![
            expected(LIGHT, "s3:PutObject", "/film.mp4", &[OTHER_KEY], Deny),
            expected(LIGHT, "s3:PutObject", "/film.mp4", &[MEDIA_KEY], Silent),
            expected(LIGHT, "s3:PutObject", "/film.mp4", &[], Silent),
        ],
        "OnlyWithTheKeyOfTheAuditLog" => vec![
            expected(LIGHT, "s3:PutObject", "/audit-seal.json", &[MEDIA_KEY], Deny),
            expected(LIGHT, "s3:PutObject", "/audit-seal.json", &[PLATFORM_KEY], Silent),
        ],
        "OnlyEncryptedByAKey" => vec![
            expected(
                LIGHT,
                "s3:PutObject",
                "/film.mp4",
                &[("s3:x-amz-server-side-encryption", "AES256")],
                Deny,
            ),
            expected(
                LIGHT,
                "s3:PutObject",
                "/film.mp4",
                &[("s3:x-amz-server-side-encryption", "aws:kms")],
                Silent,
            ),
        ],
        "OnlyWhoMovesItReadsIt" => vec![
            expected(HEAVY, "s3:GetObject", "/film.mp4", &[], Deny),
            expected("arn:aws:iam::123456789012:user/admin", "s3:GetObjectVersion", "/film.mp4", &[], Deny),
            expected(LIGHT, "s3:GetObject", "/film.mp4", &[], Silent),
            expected(OFFICERS, "s3:GetObject", "/film.mp4", &[], Silent),
            expected(HEAVY, "s3:PutBucketPolicy", "", &[], Silent),
        ],
        "BucketsWriteTheirAccessLogs" => logs(
            "logging.s3.amazonaws.com",
            "s3:PutObject",
            "/s3/ingest/log",
            &[OURS, BUCKET],
            &[THEIRS, BUCKET],
        ),
        "FlowLogsLookWhoseBucketItIs" => {
            logs("delivery.logs.amazonaws.com", "s3:GetBucketAcl", "", &[OURS, FLOW], &[THEIRS, FLOW])
        }
        "FlowLogsAreWritten" => logs(
            "delivery.logs.amazonaws.com",
            "s3:PutObject",
            "/flow/AWSLogs/123456789012/vpcflowlogs/x",
            &[OURS, FLOW],
            &[THEIRS, FLOW],
        ),
        "TheTrailLooksWhoseBucketItIs" => {
            logs("cloudtrail.amazonaws.com", "s3:GetBucketAcl", "", &[TRAIL], &[OTHER_TRAIL])
        }
        "TheTrailIsWritten" => logs(
            "cloudtrail.amazonaws.com",
            "s3:PutObject",
            "/trail/AWSLogs/123456789012/CloudTrail/x",
            &[TRAIL],
            &[OTHER_TRAIL],
        ),
        "LetTheAccountsPoliciesDecide" => vec![
            expected("arn:aws:iam::123456789012:root", "kms:PutKeyPolicy", "", &[], Allow),
            expected(STRANGER, "kms:Decrypt", "", &[], Silent),
        ],
        "GrantsOnlyForServices" => vec![
            expected(
                LIGHT,
                "kms:CreateGrant",
                "",
                &[("kms:GrantIsForAWSResource", "false"), ("aws:PrincipalIsAWSService", "false")],
                Deny,
            ),
            expected(
                LIGHT,
                "kms:CreateGrant",
                "",
                &[("kms:GrantIsForAWSResource", "true"), ("aws:PrincipalIsAWSService", "false")],
                Allow,
            ),
        ],
        "MacieReadsTheTextOfUploads" => vec![
            expected(MACIE, "kms:Decrypt", "", &[("kms:CallerAccount", "123456789012")], Allow),
            expected(HEAVY, "kms:Decrypt", "", &[("kms:CallerAccount", "123456789012")], Silent),
        ],
        "ServicesSendMessages" => {
            let mut all = Vec::new();
            for service in [
                "events.amazonaws.com",
                "cloudwatch.amazonaws.com",
                "budgets.amazonaws.com",
                "costalerts.amazonaws.com",
            ] {
                all.push(expected(service, "kms:GenerateDataKey", "", &[OURS], Allow));
                all.push(expected(service, "kms:GenerateDataKey", "", &[THEIRS], Silent));
            }
            all
        }
        "LogGroupsAreEncrypted" => {
            const GROUP: (&str, &str) = (
                "kms:EncryptionContext:aws:logs:arn",
                "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/test/nodes",
            );
            const OTHER: (&str, &str) = (
                "kms:EncryptionContext:aws:logs:arn",
                "arn:aws:logs:us-east-1:123456789012:log-group:/others",
            );
            logs("logs.us-east-1.amazonaws.com", "kms:GenerateDataKey", "", &[GROUP], &[OTHER])
        }
        "TheTrailIsEncrypted" => {
            logs("cloudtrail.amazonaws.com", "kms:GenerateDataKey", "", &[TRAIL], &[OTHER_TRAIL])
        }
        "RulesSendEvents" | "RulesSendWhatTheyCouldNotDeliver" => {
            logs("events.amazonaws.com", "sqs:SendMessage", "", &[RULE], &[OTHER_RULE])
        }
        "TheAccountsPoliciesDecide" => vec![
            expected(LIGHT, "sns:Publish", "", &[], Allow),
            expected(STRANGER, "sns:Subscribe", "", &[], Silent),
            expected(LIGHT, "sns:DeleteTopic", "", &[], Silent),
        ],
        "AlarmsAndBudgetsOfThisAccount" => {
            let mut all = Vec::new();
            for service in ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com"] {
                all.extend(logs(service, "sns:Publish", "", &[OURS], &[THEIRS]));
            }
            all
        }
        // The evaluator takes a bucket's account from its ARN, which names none in AWS.
        "OnlyBucketsOfThisAccount" => vec![
            expected(LIGHT, "s3:PutObject", "arn:aws:s3:::mine/film.mp4", &[], Allow),
            expected(LIGHT, "s3:PutObject", "arn:aws:s3::999999999999:theirs/film.mp4", &[], Silent),
            expected(LIGHT, "s3:PutBucketPolicy", "arn:aws:s3:::mine", &[], Silent),
        ],
        "PackagesOfTheSystemsAgent" => vec![
            expected(STRANGER, "s3:PutObject", "arn:aws:s3:::aws-ssm-us-east-1/x", &[], Silent),
            expected(STRANGER, "s3:GetObject", "arn:aws:s3:::aws-ssm-us-east-1/x", &[], Allow),
        ],
        "ProgramsOfImageBuilder" => vec![
            expected(
                STRANGER,
                "s3:GetObject",
                "arn:aws:s3:::ec2imagebuilder-toe-us-east-1-prod/x",
                &[],
                Allow,
            ),
            expected(STRANGER, "s3:GetObject", "arn:aws:s3:::ec2imagebuilder-other/x", &[], Silent),
        ],
        "OnlyThisAccount" => vec![
            expected(LIGHT, "logs:PutLogEvents", "", &[], Allow),
            expected(STRANGER, "logs:PutLogEvents", "", &[], Silent),
        ],
        "PutEvents" => vec![
            expected(
                "",
                "kinesis:PutRecord",
                "arn:aws:kinesis:us-east-1:123456789012:stream/reelgate-test-events",
                &[],
                Allow,
            ),
            expected(
                "",
                "kinesis:PutRecord",
                "arn:aws:kinesis:us-east-1:123456789012:stream/other",
                &[],
                Silent,
            ),
        ],
        "UseTheKeyOfTheStream" => {
            const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/Keys-EventKey";
            let by = |keys, decision| expected("", "kms:GenerateDataKey", KEY, keys, decision);
            vec![by(&[("kms:ViaService", "kinesis.us-east-1.amazonaws.com")], Allow), by(&[], Silent)]
        }
        "BudgetsOfThisAccount" => logs("budgets.amazonaws.com", "sns:Publish", "", &[OURS], &[THEIRS]),
        "SetTheFlag" => {
            const FLAG: &str = "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test/flags/pause-heavy";
            const SETTING: &str = "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test/store/url";
            vec![
                expected("", "ssm:PutParameter", FLAG, &[], Allow),
                expected("", "ssm:DeleteParameter", FLAG, &[], Silent),
                expected("", "ssm:PutParameter", SETTING, &[], Silent),
            ]
        }
        "StartTheAutomation" => {
            const OWN: &str =
                "arn:aws:ssm:us-east-1:123456789012:automation-definition/reelgate-test-pause:$DEFAULT";
            const OTHER: &str =
                "arn:aws:ssm:us-east-1:123456789012:automation-definition/AWS-StopEC2Instance:$DEFAULT";
            let start =
                |document, decision| expected("", "ssm:StartAutomationExecution", document, &[], decision);
            vec![start(OWN, Allow), start(OTHER, Silent)]
        }
        "GiveItItsRole" => {
            const ROLE: &str = "arn:aws:iam::123456789012:role/reelgate-test-pause-us-east-1";
            let give = |role, service, decision| expected("", "iam:PassRole", role, service, decision);
            vec![
                give(ROLE, &[("iam:PassedToService", "ssm.amazonaws.com")], Allow),
                give(ROLE, &[("iam:PassedToService", "ec2.amazonaws.com")], Silent),
                give(LIGHT, &[("iam:PassedToService", "ssm.amazonaws.com")], Silent),
            ]
        }
        "WriteTheTrail" => {
            let group = "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/test/trail";
            vec![expected("", "logs:PutLogEvents", group, &[], Allow)]
        }
        "FetchWhatIsInstalled" => {
            let file = "arn:aws:s3:::reelgate-test-123456789012-us-east-1-artifacts/image/reelgate.deb";
            vec![expected("", "s3:GetObject", file, &[], Allow)]
        }
        _ => return None,
    })
}

/// Who may take a role. These statements have no names.
fn by_role(place: &str) -> Option<Vec<Expected>> {
    let take = |principal, keys, decision| expected(principal, "sts:AssumeRole", "", keys, decision);
    let of_account = |service| {
        vec![take(service, &[OURS], Allow), take(service, &[THEIRS], Silent), take(LIGHT, &[], Silent)]
    };
    let of_person = |arn| vec![take(arn, &[], Allow), take(HEAVY, &[], Silent), take(STRANGER, &[], Silent)];
    Some(match place {
        "Fleet/LightRole" | "Fleet/HeavyRole" | "Fleet/IntakeRole" | "Image/BuilderRole" => {
            vec![take("ec2.amazonaws.com", &[], Allow), take(LIGHT, &[], Silent)]
        }
        "Fleet/ViewerRole" => {
            let mut both = of_person("arn:aws:iam::123456789012:role/viewers");
            both.extend(of_person(LIGHT));
            both
        }
        "Fleet/ProducerRole" => of_person("arn:aws:iam::123456789012:role/producers"),
        "Events/RuleRole" => of_account("events.amazonaws.com"),
        "Database/MonitoringRole" => of_account("monitoring.rds.amazonaws.com"),
        "Guard/PauseRole" => of_account("ssm.amazonaws.com"),
        "Guard/PauseRuleRole" => of_account("events.amazonaws.com"),
        "Guard/TrailLogRole" => of_account("cloudtrail.amazonaws.com"),
        _ => return None,
    })
}

/// What is asked of a policy because of one of its statements.
fn expectations(policy: &Policy, statement: &str) -> Vec<Expected> {
    by_statement(statement, &policy.place)
        .or_else(|| by_role(&policy.place))
        .unwrap_or_else(|| panic!("{}: nothing is expected of {statement}", policy.place))
}

/// The stand-in takes the account's root for each of its roles. AWS does so only where a role's own policy allows it as well, which
/// that of Macie's role does not.
fn without_the_account(document: &Value) -> Value {
    let removed = without_each_statement(document).into_iter();
    let account = "LetTheAccountsPoliciesDecide";
    removed.filter(|(name, _)| name == account).map(|(_, less)| less).next().unwrap()
}

#[test]
fn each_statement_of_a_policy_of_the_stack_decides_what_it_must_and_is_needed() {
    let policies = policies();
    // Each statement: with it, and without it.
    let mut documents = Vec::new();
    let mut asked = Vec::new();
    for policy in &policies {
        for (statement, less) in without_each_statement(&policy.document) {
            let expected = expectations(policy, &statement);
            let (mut whole, mut less) = (policy.document.clone(), less);
            if statement == "MacieReadsTheTextOfUploads" {
                (whole, less) = (without_the_account(&whole), without_the_account(&less));
            }
            documents.extend([whole.to_string(), less.to_string()]);
            asked.push((format!("{} {statement}", policy.place), policy.arn.clone(), expected));
        }
    }
    let resources: Vec<Vec<String>> = asked
        .iter()
        .map(|(_, arn, expected)| {
            let named = |one: &Expected| {
                if one.below.starts_with("arn:") {
                    one.below.to_owned()
                } else {
                    format!("{arn}{}", one.below)
                }
            };
            expected.iter().map(named).collect()
        })
        .collect();
    let cases = asked.iter().zip(&resources).flat_map(|((_, _, expected), resources)| {
        let cases: Vec<Case<'_>> = expected
            .iter()
            .zip(resources)
            .map(|(one, resource)| Case {
                principal: one.principal,
                action: one.action,
                resource,
                context: one.context,
            })
            .collect();
        [cases.clone(), cases]
    });
    let decided = decisions(&documents.into_iter().zip(cases).collect::<Vec<_>>());
    let (mut wrong, mut unheld, mut kinds) = (Vec::new(), Vec::new(), BTreeSet::new());
    for ((name, _, expected), both) in asked.iter().zip(decided.chunks(2)) {
        for (one, found) in expected.iter().zip(&both[0]) {
            if one.decision != *found {
                wrong.push(format!(
                    "{name}: {} by {:?}: {found:?}, {:?}",
                    one.action, one.principal, one.context
                ));
            }
        }
        if expected.iter().zip(&both[1]).all(|(one, found)| one.decision == *found) {
            unheld.push(name);
        }
        kinds.insert(name.rsplit(' ').next().unwrap());
    }
    println!("{} of {} statements are held", asked.len() - unheld.len(), asked.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(unheld.is_empty(), "{unheld:#?}");
    assert!(asked.len() > 80 && kinds.len() > 25, "{} statements, {} kinds", asked.len(), kinds.len());
}
