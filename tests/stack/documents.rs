//! The documents of `deploy/policies` that the program does not use itself: what the machine of a node, who deploys and who audits may
//! do, request by request; and that each of their statements is needed. `tests/stand-ins/tests/policies` has the program's own.

use reelgate_stand_ins::ministack::{Case, Decision, decisions, without_each_statement};
use reelgate_stand_ins::{ACCOUNT, REGION};
use serde_json::Value;

use crate::templates::deploy;

/// Variables of the documents, and their values here.
const VARIABLES: [(&str, &str); 8] = [
    ("AWS::Partition", "aws"),
    ("AWS::Region", REGION),
    ("AWS::AccountId", ACCOUNT),
    ("Environment", "test"),
    ("DatabaseSecretArn", "arn:aws:secretsmanager:us-east-1:123456789012:secret:database"),
    ("ParameterKeyArn", "arn:aws:kms:us-east-1:123456789012:key/platform"),
    ("PackageArea", "reelgate-test-artifacts/packages"),
    ("NodeGroups", "reelgate-test-*"),
];

/// A document for this account and environment.
pub fn document(name: &str) -> String {
    let text = std::fs::read_to_string(deploy().join(format!("policies/{name}.json"))).unwrap();
    let filled =
        VARIABLES.iter().fold(text, |text, (name, value)| text.replace(&format!("${{{name}}}"), value));
    assert!(!filled.contains("${"), "{filled}");
    filled
}

/// Action, resource and keys of a request.
type Request = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const HERE: &[(&str, &str)] = &[("aws:RequestedRegion", REGION)];
const ELSEWHERE: &[(&str, &str)] = &[("aws:RequestedRegion", "eu-west-1")];
const BY_SECRETS: &[(&str, &str)] = &[("kms:ViaService", "secretsmanager.us-east-1.amazonaws.com")];

/// A document, what it allows, and what it does not.
const DOCUMENTS: [(&str, &[Request], &[Request]); 3] = [
    ("node", NODE_MAY, NODE_MAY_NOT),
    ("deployer", DEPLOYER_MAY, DEPLOYER_MAY_NOT),
    ("auditor", AUDITOR_MAY, AUDITOR_MAY_NOT),
];

const NODE_MAY: &[Request] = &[
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:database", &[]),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/platform", BY_SECRETS),
    ("s3:GetObject", "arn:aws:s3:::reelgate-test-artifacts/packages/reelgate.deb", &[]),
    (
        "autoscaling:CompleteLifecycleAction",
        "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/reelgate-test-light",
        &[],
    ),
    (
        "logs:PutLogEvents",
        "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/test/nodes:log-stream:ip-10-0-0-1",
        &[],
    ),
    (
        "logs:CreateLogStream",
        "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/test/nodes:log-stream:ip-10-0-0-1",
        &[],
    ),
    ("ssm:UpdateInstanceInformation", "*", HERE),
    ("ssmmessages:OpenDataChannel", "*", HERE),
];
const NODE_MAY_NOT: &[Request] = &[
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:other", &[]),
    ("secretsmanager:PutSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:database", &[]),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/platform", &[]),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/media", BY_SECRETS),
    ("s3:GetObject", "arn:aws:s3:::reelgate-test-artifacts/stack/1/main.yaml", &[]),
    ("s3:PutObject", "arn:aws:s3:::reelgate-test-artifacts/packages/reelgate.deb", &[]),
    (
        "autoscaling:CompleteLifecycleAction",
        "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/other",
        &[],
    ),
    (
        "logs:PutLogEvents",
        "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/test/trail:log-stream:x",
        &[],
    ),
    ("ssm:UpdateInstanceInformation", "*", ELSEWHERE),
    ("ssm:SendCommand", "*", HERE),
];

const DEPLOYER_MAY: &[Request] = &[
    (
        "cloudformation:CreateChangeSet",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/reelgate-test/1",
        &[],
    ),
    (
        "cloudformation:DeleteStack",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/reelgate-test-artifacts/1",
        &[],
    ),
    ("s3:CreateBucket", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-ingest", &[]),
    ("s3:PutObject", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-artifacts/stack/1/main.yaml", &[]),
    ("kinesis:CreateStream", "arn:aws:kinesis:us-east-1:123456789012:stream/reelgate-test-events", &[]),
    ("sqs:CreateQueue", "arn:aws:sqs:us-east-1:123456789012:reelgate-test-dead-letters", &[]),
    ("sns:CreateTopic", "arn:aws:sns:us-east-1:123456789012:reelgate-test-notices", &[]),
    ("events:PutRule", "arn:aws:events:us-east-1:123456789012:rule/reelgate-test-uploads", &[]),
    ("ssm:PutParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/test/store/url", &[]),
    ("ssm:CreateDocument", "arn:aws:ssm:us-east-1:123456789012:document/reelgate-test-pause", &[]),
    ("logs:CreateLogGroup", "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/test/nodes", &[]),
    (
        "cloudwatch:PutMetricAlarm",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:reelgate-test-silent",
        &[],
    ),
    ("cloudwatch:PutDashboard", "arn:aws:cloudwatch::123456789012:dashboard/reelgate-test-operations", &[]),
    ("rds:CreateDBCluster", "arn:aws:rds:us-east-1:123456789012:cluster:reelgate-test", &[]),
    ("rds:CreateDBInstance", "arn:aws:rds:us-east-1:123456789012:db:reelgate-test-1", &[]),
    ("rds:CreateDBClusterParameterGroup", "arn:aws:rds:us-east-1:123456789012:cluster-pg:database-1", &[]),
    ("cloudtrail:CreateTrail", "arn:aws:cloudtrail:us-east-1:123456789012:trail/reelgate-test", &[]),
    ("budgets:ModifyBudget", "arn:aws:budgets::123456789012:budget/reelgate-test-us-east-1", &[]),
    (
        "access-analyzer:CreateAnalyzer",
        "arn:aws:access-analyzer:us-east-1:123456789012:analyzer/reelgate-test",
        &[],
    ),
    (
        "imagebuilder:CreateImagePipeline",
        "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/reelgate-test",
        &[],
    ),
    (
        "imagebuilder:CreateImageRecipe",
        "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/reelgate-test-ami-2/1.0.0",
        &[],
    ),
    ("iam:CreateRole", "arn:aws:iam::123456789012:role/reelgate-test-light-us-east-1", &[]),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/reelgate-test-light-us-east-1", &[]),
    (
        "iam:CreateServiceLinkedRole",
        "arn:aws:iam::123456789012:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
        &[("iam:AWSServiceName", "rds.amazonaws.com")],
    ),
    ("ec2:CreateVpc", "*", HERE),
    ("autoscaling:CreateAutoScalingGroup", "*", HERE),
    ("kms:CreateKey", "*", HERE),
    ("macie2:EnableMacie", "*", HERE),
    ("guardduty:CreateDetector", "*", HERE),
    ("ssm:SendCommand", "*", HERE),
    ("servicequotas:GetServiceQuota", "*", HERE),
    ("kinesis:DescribeLimits", "*", HERE),
    (
        "ssm:GetParameter",
        "arn:aws:ssm:us-east-1::parameter/aws/service/global-infrastructure/regions/us-east-1/services/macie2",
        &[],
    ),
    ("ce:CreateAnomalyMonitor", "*", &[]),
    ("iam:SimulatePrincipalPolicy", "arn:aws:iam::123456789012:role/deployers", &[]),
];
const DEPLOYER_MAY_NOT: &[Request] = &[
    ("cloudformation:DeleteStack", "arn:aws:cloudformation:us-east-1:123456789012:stack/of-others/1", &[]),
    (
        "cloudformation:CreateStack",
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/reelgate-test/1",
        &[],
    ),
    ("s3:GetObject", "arn:aws:s3:::reelgate-prod-123456789012-us-east-1-quarantine/film.mp4", &[]),
    ("s3:DeleteBucket", "arn:aws:s3:::of-others", &[]),
    ("sqs:PurgeQueue", "arn:aws:sqs:us-east-1:123456789012:reelgate-prod-dead-letters", &[]),
    ("ssm:PutParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/reelgate/prod/store/url", &[]),
    ("ssm:UpdateDocument", "arn:aws:ssm:us-east-1:123456789012:document/reelgate-prod-pause", &[]),
    ("logs:DeleteLogGroup", "arn:aws:logs:us-east-1:123456789012:log-group:/reelgate/prod/nodes", &[]),
    ("rds:DeleteDBCluster", "arn:aws:rds:us-east-1:123456789012:cluster:reelgate-prod", &[]),
    ("cloudtrail:DeleteTrail", "arn:aws:cloudtrail:us-east-1:123456789012:trail/of-the-company", &[]),
    ("iam:CreateRole", "arn:aws:iam::123456789012:role/admin", &[]),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/admin", &[]),
    ("iam:CreateUser", "arn:aws:iam::123456789012:user/reelgate-test-x", &[]),
    (
        "iam:CreateServiceLinkedRole",
        "arn:aws:iam::123456789012:role/aws-service-role/lambda.amazonaws.com/x",
        &[("iam:AWSServiceName", "lambda.amazonaws.com")],
    ),
    ("ec2:CreateVpc", "*", ELSEWHERE),
    ("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/secret", &[]),
];

const AUDITOR_MAY: &[Request] = &[
    (
        "cloudformation:DescribeStacks",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/reelgate-test/1",
        &[],
    ),
    ("s3:GetBucketPolicy", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-quarantine", &[]),
    ("kms:GetKeyPolicy", "arn:aws:kms:us-east-1:123456789012:key/1", &[]),
    ("sqs:GetQueueAttributes", "arn:aws:sqs:us-east-1:123456789012:reelgate-test-dead-letters", &[]),
    ("iam:SimulatePrincipalPolicy", "arn:aws:iam::123456789012:role/reelgate-test-viewer-us-east-1", &[]),
    ("iam:GetPolicyVersion", "arn:aws:iam::123456789012:policy/others", &[]),
    ("ec2:DescribeSecurityGroups", "*", HERE),
];
const AUDITOR_MAY_NOT: &[Request] = &[
    ("s3:GetObject", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-quarantine/film.mp4", &[]),
    ("s3:GetObject", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-logs/s3/x", &[]),
    ("s3:PutBucketPolicy", "arn:aws:s3:::reelgate-test-123456789012-us-east-1-quarantine", &[]),
    ("s3:GetBucketPolicy", "arn:aws:s3:::of-others", &[]),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1", &[]),
    ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:123456789012:reelgate-test-dead-letters", &[]),
    ("secretsmanager:GetSecretValue", "*", HERE),
    ("ssm:GetParametersByPath", "*", HERE),
    ("ec2:DescribeSecurityGroups", "*", ELSEWHERE),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/reelgate-test-light-us-east-1", &[]),
];

fn cases(requests: &'static [Request]) -> Vec<Case<'static>> {
    let case =
        |&(action, resource, context): &'static Request| Case { principal: "", action, resource, context };
    requests.iter().map(case).collect()
}

#[test]
fn nodes_deployers_and_auditors_may_do_their_work_and_nothing_else() {
    for (name, may, may_not) in DOCUMENTS {
        let policy = document(name);
        let decided = decisions(&[(policy.clone(), cases(may)), (policy, cases(may_not))]);
        for (request, found) in may.iter().zip(&decided[0]) {
            assert_eq!(*found, Decision::Allow, "{name}: {request:?}");
        }
        for (request, found) in may_not.iter().zip(&decided[1]) {
            assert_ne!(*found, Decision::Allow, "{name}: {request:?}");
        }
    }
}

#[test]
fn a_statement_that_is_removed_from_a_document_is_missed() {
    let (mut unheld, mut count) = (Vec::new(), 0);
    for (name, may, _) in DOCUMENTS {
        let whole: Value = serde_json::from_str(&document(name)).unwrap();
        let removals = without_each_statement(&whole);
        let asked: Vec<_> = removals.iter().map(|(_, less)| (less.to_string(), cases(may))).collect();
        count += removals.len();
        for ((statement, _), decided) in removals.iter().zip(decisions(&asked)) {
            if decided.iter().all(|decision| *decision == Decision::Allow) {
                unheld.push(format!("{name} {statement}"));
            }
        }
    }
    println!("{} of {count} statements are held", count - unheld.len());
    assert!(unheld.is_empty(), "{unheld:#?}");
}
