//! Prometheus as packaged by Debian: it reads the metrics of real nodes and evaluates real rules.

use std::fs;

use tempfile::TempDir;

use crate::server::{Recipe, Running, Stop, answers, free_port};

/// A private Prometheus that reads every second.
pub struct Prometheus {
    endpoint: String,
    _running: Running,
    _dir: TempDir,
}

impl Prometheus {
    /// Reads `/metrics` of these addresses and evaluates a file of rules.
    pub fn start(targets: &[&str], rules: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             scrape_configs:\n  - job_name: reelgate\n    static_configs:\n      - targets: {targets:?}\n"
        );
        for (name, text) in [("prometheus.yml", config.as_str()), ("rules.yml", rules)] {
            fs::write(dir.path().join(name), text).expect("the server's directory is writable");
        }
        let port = free_port();
        let listen = format!("--web.listen-address=127.0.0.1:{port}");
        let recipe = Recipe {
            name: "Prometheus (Debian's package prometheus; deploy/local/setup.sh --with-tests)",
            program: "prometheus".into(),
            args: [listen.as_str(), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
                .map(Into::into)
                .into(),
            envs: Vec::new(),
            dir: dir.path().to_owned(),
            never_root: false,
            stop: Stop::Kill,
        };
        let endpoint = format!("http://127.0.0.1:{port}");
        let running = Running::start(&recipe, || answers(&format!("{endpoint}/-/ready")));
        Self { endpoint, _running: running, _dir: dir }
    }

    /// The values of an expression now, without their labels.
    pub fn values(&self, expression: &str) -> Vec<f64> {
        let answer = self.get("query", &[("query", expression)]);
        let result = answer["data"]["result"].as_array().expect("a vector").clone();
        let value = |one: &serde_json::Value| one["value"][1].as_str().and_then(|text| text.parse().ok());
        result.iter().map(|one| value(one).expect("a number")).collect()
    }

    /// Names of the alerts that fire now.
    pub fn firing(&self) -> Vec<String> {
        let answer = self.get("alerts", &[]);
        let alerts = answer["data"]["alerts"].as_array().expect("a list").clone();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        firing.filter_map(|alert| Some(alert["labels"]["alertname"].as_str()?.to_owned())).collect()
    }

    fn get(&self, what: &str, query: &[(&str, &str)]) -> serde_json::Value {
        let mut request = ureq::get(format!("{}/api/v1/{what}", self.endpoint));
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        let text = request.call().and_then(|mut answer| answer.body_mut().read_to_string());
        let text = text.unwrap_or_else(|error| panic!("Prometheus: {what} {query:?}: {error}"));
        serde_json::from_str(&text).expect("Prometheus answers with JSON")
    }
}
