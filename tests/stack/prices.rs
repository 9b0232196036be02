//! The prices, and whether `idle-cost.sh` counts everything of the stack that costs money while nothing is uploaded.

use std::collections::BTreeMap;
use std::process::Command;

use reelgate_signals::fleet;
use serde::Deserialize;
use serde_json::Value;

use crate::templates::{EXISTING, LARGEST, deploy, stack};

#[derive(Deserialize)]
pub struct Prices {
    region: String,
    pub price: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
pub struct Price {
    pub usd: f64,
    unit: String,
    date: String,
    source: String,
    verified: Option<bool>,
}

const UNITS: [&str; 10] = [
    "hour",
    "month",
    "GB-month",
    "GB",
    "1,000 requests",
    "10,000 requests",
    "1,000,000 requests",
    "1,000 objects",
    "1,000 objects and month",
    "100,000 events",
];
const HOURS: f64 = 730.0;
/// Most that the smallest stack may cost in a month in which nothing is uploaded, US dollars.
const SMALLEST_MAX: f64 = 120.0;

/// Types of which the resource itself costs nothing: what they hold, send or watch is paid by use.
const FREE: &[&str] = &[
    "AWS::AccessAnalyzer::Analyzer",
    "AWS::AutoScaling::LifecycleHook",
    "AWS::Budgets::Budget", // two are free, and an account has few
    "AWS::CE::AnomalyMonitor",
    "AWS::CE::AnomalySubscription",
    "AWS::CloudFormation::Stack",
    "AWS::CloudTrail::Trail",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::Events::Rule",
    "AWS::GuardDuty::Detector",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::ImageBuilder::Component", // an image is paid by its snapshot, and a build by its instance
    "AWS::ImageBuilder::DistributionConfiguration",
    "AWS::ImageBuilder::ImagePipeline",
    "AWS::ImageBuilder::ImageRecipe",
    "AWS::ImageBuilder::InfrastructureConfiguration",
    "AWS::KMS::Alias",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBClusterParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::Document",
    "AWS::SSM::Parameter",
];

pub fn prices() -> Prices {
    toml::from_str(&std::fs::read_to_string(deploy().join("prices/us-east-1.toml")).unwrap()).unwrap()
}

/// The parameters of the stack, with their defaults.
pub fn defaults() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(deploy().join("stack/main.yaml")).unwrap();
    let parameters = text.split("\nParameters:").nth(1).unwrap().split("\nConditions:").next().unwrap();
    let named = parameters.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": {"));
    let default = |text: &str| {
        text.split("Default: ").nth(1).map_or("", |rest| rest.split([',', ' ']).next().unwrap()).to_owned()
    };
    named.map(|(name, rest)| (name.to_owned(), default(rest))).collect()
}

#[test]
fn every_price_says_its_unit_date_and_source() {
    let prices = prices();
    assert_eq!(prices.region, "us-east-1");
    for (name, price) in prices.price {
        assert!(price.usd > 0.0, "{name}");
        assert!(UNITS.contains(&price.unit.as_str()), "{name}: {}", price.unit);
        let is_guessed = ["assumed", "from memory"].iter().any(|word| price.source.starts_with(word));
        assert!(price.verified != Some(true) && (!is_guessed || price.verified == Some(false)), "{name}");
        assert!(price.date.parse::<jiff::civil::Date>().is_ok(), "{name}: {}", price.date);
        assert!(price.source.len() > 10, "{name}");
    }
}

/// What the resources of the stack cost in a month, counted from the templates. Nothing here is shared with `idle-cost.sh`.
fn counted(parameters: &[&str]) -> f64 {
    let prices = prices();
    let month = |name: &str| {
        let price = &prices.price[name];
        price.usd * if price.unit == "hour" { HOURS } else { 1.0 }
    };
    let number = |value: &Value| value.as_f64().unwrap();
    let stacks = stack(parameters);
    let buckets = stacks["Storage"]["Resources"].as_object().unwrap().values();
    let buckets = buckets.filter(|resource| resource["Type"] == "AWS::S3::Bucket").count();
    let mut sum = 0.0;
    for (path, stack) in &stacks {
        for (name, resource) in stack["Resources"].as_object().unwrap() {
            let properties = &resource["Properties"];
            sum += match resource["Type"].as_str().unwrap() {
                "AWS::RDS::DBCluster" => month("aurora-storage"),
                "AWS::RDS::DBInstance" => {
                    let cluster = &stack["Resources"]["Cluster"]["Properties"];
                    number(&cluster["ServerlessV2ScalingConfiguration"]["MinCapacity"]) * month("aurora-acu")
                        + if name == "Writer" && cluster["ManageMasterUserPassword"] == true {
                            month("secret")
                        } else {
                            0.0
                        }
                }
                "AWS::Kinesis::Stream" => number(&properties["ShardCount"]) * month("kinesis-shard"),
                "AWS::EC2::NatGateway" => month("nat-gateway"),
                "AWS::EC2::EIP" => month("public-address"),
                "AWS::EC2::VPCEndpoint" if properties["VpcEndpointType"] == "Gateway" => 0.0,
                "AWS::EC2::VPCEndpoint" => {
                    properties["SubnetIds"].as_array().unwrap().len() as f64 * month("interface-endpoint")
                }
                "AWS::AutoScaling::AutoScalingGroup" => {
                    let data = &stack["Resources"]["Template"]["Properties"]["LaunchTemplateData"];
                    let kind = data["InstanceType"].as_str().unwrap().replace('.', "-");
                    let disk = number(&data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"]);
                    let each = month(&kind) + disk * month("disk-gp3") + 7.0 * month("metric");
                    number(&properties["MinSize"]) * each
                }
                // Target tracking makes two alarms and reads a metric of its own.
                "AWS::AutoScaling::ScalingPolicy" if properties["PolicyType"] == "TargetTrackingScaling" => {
                    2.0 * month("alarm") + month("metric")
                }
                "AWS::AutoScaling::ScalingPolicy" => 0.0,
                "AWS::CloudWatch::Alarm" => {
                    let metrics = properties["Metrics"].as_array().into_iter().flatten();
                    let read = metrics.filter(|metric| metric["MetricStat"].is_object()).count();
                    read.max(1) as f64 * month("alarm")
                }
                "AWS::Logs::MetricFilter" => month("metric"),
                "AWS::SSM::Parameter"
                    if properties["Name"].as_str().unwrap().ends_with("/cloudwatch_metrics") =>
                {
                    let is_reported = |(metric, of): &(fleet::FleetMetric, Option<&str>)| {
                        properties["Value"] == "full" || metric.is_basic(*of)
                    };
                    // Target tracking, above, counts the two that it reads.
                    (fleet::all().iter().filter(|one| is_reported(one)).count() - 2) as f64 * month("metric")
                }
                "AWS::CloudWatch::Dashboard" => month("dashboard"),
                "AWS::KMS::Key" => month("kms-key"),
                "AWS::Macie::Session" => buckets as f64 * month("macie-bucket"),
                other => {
                    assert!(FREE.contains(&other), "{path}/{name}: what does a {other} cost?");
                    0.0
                }
            };
        }
    }
    sum
}

/// What `idle-cost.sh` prints as the sum.
fn printed(parameters: &[&str]) -> f64 {
    let output = Command::new(deploy().join("idle-cost.sh")).args(parameters).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<(f64, &str)> = text
        .lines()
        .map(|line| line.trim_start().split_once("  ").unwrap())
        .map(|(cost, name)| (cost.parse().unwrap(), name))
        .collect();
    let (sum, lines) = lines.split_last().unwrap();
    let added: f64 = lines.iter().map(|(cost, _)| cost).sum();
    assert!((added - sum.0).abs() < 0.005 * (lines.len() + 1) as f64, "{text}");
    sum.0
}

#[test]
fn idle_cost_is_what_the_resources_of_the_templates_cost() {
    let forms: [&[&str]; 6] = [
        &[],
        &LARGEST,
        &EXISTING,
        &["Nat=none", "InterfaceEndpoints=one-zone", "StreamShards=3", "CapacityMin=2"],
        &[
            "ExistingVpcId=vpc-1",
            "ExistingSubnetIds=subnet-1,subnet-2",
            "HeavyMin=2",
            "LightMin=3",
            "DiskGiB=200",
        ],
        &[
            "ExistingMediaKeyArn=arn:aws:kms:us-east-1:123456789012:key/1",
            "ExistingDatabaseSecretArn=arn:aws:x",
        ],
    ];
    for form in forms {
        let (counted, printed) = (counted(form), printed(form));
        assert!((counted - printed).abs() < 0.01, "{form:?}: counted {counted}, printed {printed}");
    }
}

#[test]
fn the_smallest_stack_costs_at_most_120_dollars_in_a_month_without_uploads() {
    let cost = printed(&[]);
    assert!(cost <= SMALLEST_MAX, "{cost}");
}
