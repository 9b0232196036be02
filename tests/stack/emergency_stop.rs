//! The emergency stop of `guard.yaml`, from a spent budget to the flag. No emulator has budgets' notifications or automations, so each link is
//! compared with the next by name, and the automation's only call is made at ministack with the rights of its role. `roles` has what
//! follows: nodes look at the flag.

use reelgate_stand_ins::Ministack;
use reelgate_stand_ins::ministack::{Auth, ServiceCall};
use serde_json::{Value, json};

use crate::deployment::call;
use crate::templates::stack;

fn guard(parameters: &[&str]) -> Value {
    stack(parameters)["Guard"]["Resources"].clone()
}

#[test]
fn a_spent_budget_leads_to_the_automation_link_by_link() {
    let guard = guard(&["PauseAtUsd=400"]);
    let of = |name: &str| guard[name]["Properties"].clone();
    let budget = of("PauseBudget");
    assert_eq!(budget["Budget"]["BudgetLimit"], json!({"Amount": 400, "Unit": "USD"}));
    assert_eq!(budget["Budget"]["CostFilters"], of("Budget")["Budget"]["CostFilters"]);
    let topic = &of("PauseTopicPolicy")["Topics"][0];
    assert_eq!(budget["NotificationsWithSubscribers"][0]["Subscribers"][0]["Address"], *topic);
    let dimension = json!([{"Name": "TopicName", "Value": "reelgate-test-pause"}]);
    assert_eq!(
        (of("PauseTopic")["TopicName"].as_str(), &of("PauseAlarm")["Dimensions"]),
        (Some("reelgate-test-pause"), &dimension)
    );

    // What CloudWatch sends about alarms, as its user guide shows it.
    let alarm = |name: &str, state: &str| {
        json!({
            "version": "0", "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92", "account": "123456789012",
            "time": "2026-10-02T17:04:40Z", "region": "us-east-1",
            "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
            "resources": [format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}")],
            "detail": {"alarmName": name, "state": {"value": state, "reason": "Threshold Crossed"}}
        })
    };
    let rule = of("PauseRule");
    let server = Ministack::start(Auth::Open);
    for (name, state, expected) in [
        ("reelgate-test-pause", "ALARM", true),
        ("reelgate-test-pause", "OK", false),
        ("other", "ALARM", false),
    ] {
        let question = json!({"EventPattern": rule["EventPattern"].to_string(), "Event": alarm(name, state).to_string()});
        let answer = call(&server, "events", "test_event_pattern", question).unwrap();
        assert_eq!(answer["Result"], expected, "{name} {state}");
    }
    assert_eq!(
        rule["Targets"][0]["Arn"],
        "arn:aws:ssm:us-east-1:123456789012:automation-definition/reelgate-test-pause:$DEFAULT"
    );
    assert_eq!(of("PauseDocument")["Name"], "reelgate-test-pause");
    let (rule_role, role) = (&rule["Targets"][0]["RoleArn"], &of("PauseDocument")["Content"]["assumeRole"]);
    for (role, name) in [(rule_role, "pause-rule"), (role, "pause")] {
        assert_eq!(*role, format!("arn:aws:iam::123456789012:role/reelgate-test-{name}-us-east-1"));
    }
}

#[test]
fn the_automation_sets_the_flag_and_may_do_nothing_else() {
    let guard = guard(&["PauseAtUsd=400"]);
    let steps = guard["PauseDocument"]["Properties"]["Content"]["mainSteps"].as_array().unwrap().clone();
    let [step] = &steps[..] else { panic!("expected one step, found {steps:?}") };
    let mut inputs = step["inputs"].as_object().unwrap().clone();
    let (service, operation) = (inputs.remove("Service").unwrap(), inputs.remove("Api").unwrap());
    assert_eq!((step["action"].as_str(), service.as_str()), (Some("aws:executeAwsApi"), Some("ssm")));
    assert_eq!(operation, "PutParameter");

    let server = Ministack::start(Auth::Enforced);
    let rights = guard["PauseRolePolicy"]["Properties"]["PolicyDocument"].to_string();
    let automation = server.user("automation", &rights);
    let ssm = |operation, parameters| ServiceCall { service: "ssm", operation, parameters };
    let flag = inputs["Name"].clone();
    assert_eq!(flag, "/reelgate/test/flags/pause-heavy");
    let other = json!({"Name": "/reelgate/test/store/url", "Type": "String", "Value": "x"});
    let made = server.call(
        &automation,
        &[
            ssm("put_parameter", Value::Object(inputs.clone())),
            ssm("put_parameter", Value::Object(inputs.clone())), // a second budget month
            ssm("delete_parameter", json!({"Name": flag})),
            ssm("put_parameter", other),
        ],
    );
    assert!(made[0].is_ok() && made[1].is_ok(), "{made:?}");
    assert!(made[2].is_err() && made[3].is_err(), "{made:?}");
    let found = call(&server, "ssm", "get_parameter", json!({"Name": flag})).unwrap();
    let reason = "the budget reelgate-test-us-east-1-pause of 400 US dollars a month is spent";
    assert_eq!(found["Parameter"]["Value"], reason);
}

#[test]
fn without_a_sum_there_is_no_emergency_stop() {
    let guard = guard(&[]);
    assert!(guard.as_object().unwrap().keys().all(|name| !name.starts_with("Pause")), "{guard}");
}
