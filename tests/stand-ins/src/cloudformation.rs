//! Stacks on the stand-ins for AWS.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sdk::{Keys, ServiceCall, call_at};

/// Longest time that a stack of a test takes; most take seconds.
const MADE_WITHIN: Duration = Duration::from_secs(120);

/// An account on a stand-in, for stacks.
#[derive(Clone, Debug)]
pub struct CloudFormation {
    endpoint: String,
    keys: Keys,
}

impl CloudFormation {
    pub(crate) fn new(endpoint: &str, keys: Keys) -> Self {
        Self { endpoint: endpoint.to_owned(), keys }
    }

    /// Creates a stack and waits; returns its outputs.
    ///
    /// # Panics
    /// If it is not created; the message has the events that say why.
    pub fn create(
        &self,
        name: &str,
        template: &Path,
        parameters: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let body = std::fs::read_to_string(template).expect("the template can be read");
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|(name, value)| json!({"ParameterKey": name, "ParameterValue": value}))
            .collect();
        let asked = json!({
            "StackName": name, "TemplateBody": body, "Parameters": parameters, "Capabilities": ["CAPABILITY_NAMED_IAM"]
        });
        self.call("create_stack", asked);
        let stack = self.ended(name);
        let status = stack["StackStatus"].as_str().unwrap_or_default();
        assert!(status == "CREATE_COMPLETE", "{name}: {status}: {}", self.failures(name));
        outputs(&stack)
    }

    /// Waits until nothing is in progress; returns the description.
    fn ended(&self, name: &str) -> Value {
        let deadline = Instant::now() + MADE_WITHIN;
        loop {
            let mut found = self.call("describe_stacks", json!({"StackName": name}));
            let stack = found["Stacks"][0].take();
            if !stack["StackStatus"].as_str().unwrap_or_default().ends_with("IN_PROGRESS") {
                return stack;
            }
            assert!(Instant::now() < deadline, "{name}: still in progress after {MADE_WITHIN:?}");
        }
    }

    fn failures(&self, name: &str) -> String {
        let events = self.call("describe_stack_events", json!({"StackName": name}));
        let failed = events["StackEvents"].as_array().into_iter().flatten();
        let failed = failed.filter(|event| event["ResourceStatus"].to_string().contains("FAILED"));
        let lines: Vec<String> = failed
            .map(|event| format!("{}: {}", event["LogicalResourceId"], event["ResourceStatusReason"]))
            .collect();
        lines.join("\n")
    }

    fn call(&self, operation: &str, parameters: Value) -> Value {
        let call = ServiceCall { service: "cloudformation", operation, parameters };
        let answer = call_at(&self.endpoint, &self.keys, &[call]).remove(0);
        answer.unwrap_or_else(|code| panic!("{operation}: {code}"))
    }
}

fn outputs(stack: &Value) -> BTreeMap<String, String> {
    let outputs = stack["Outputs"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    outputs.map(|output| (text(&output["OutputKey"]), text(&output["OutputValue"]))).collect()
}
