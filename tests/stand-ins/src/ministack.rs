//! ministack: the emulator that evaluates IAM policies with resource ARNs and conditions, and a fast Kinesis. Its
//! resharding is wrong (the parent's records vanish), and its EventBridge does not deliver to Kinesis.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::account::{ACCOUNT, REGION};
use crate::cloudformation::CloudFormation;
use crate::home;
pub use crate::sdk::{Keys, ROOT_KEY, ROOT_SECRET, ServiceCall};
use crate::sdk::{ROOT, call_at, run_script};
use crate::server::{Recipe, Running, Stop, answers, free_port, listens};

/// Whether requests are authorised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Auth {
    /// All requests are allowed, with any credentials.
    Open,
    /// Signatures are checked, and every action is checked against the caller's policies. [`ROOT_KEY`] may do anything.
    Enforced,
}

/// A private ministack, which starts in about a second.
pub struct Ministack {
    endpoint: String,
    certificate: Option<PathBuf>,
    _running: Running,
    _dir: TempDir,
}

impl Ministack {
    pub fn start(auth: Auth) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary directory"), auth, None)
    }

    /// A server that answers by TLS and authorises every request, those to buckets also by the buckets' policies.
    ///
    /// # Panics
    /// If openssl cannot make a certificate.
    pub fn start_with_tls() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (certificate, key) = (dir.path().join("certificate.pem"), dir.path().join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        openssl.args([
            "-subj",
            "/CN=ministack",
            "-days",
            "3650",
            "-addext",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
        ]);
        // A client takes it as it is: as that of a server, not of who signs others.
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        let made = openssl.arg("-out").arg(&certificate).arg("-keyout").arg(&key).output();
        let made = made.expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self::start_in(dir, Auth::Enforced, Some((certificate, key)))
    }

    fn start_in(dir: TempDir, auth: Auth, tls: Option<(PathBuf, PathBuf)>) -> Self {
        let number = free_port();
        let port = number.to_string();
        let enforced = if auth == Auth::Enforced { "true" } else { "false" };
        let envs = [
            ("BIND_HOST", "127.0.0.1"), // by default it listens on every interface
            ("GATEWAY_PORT", &port),
            ("MINISTACK_ACCOUNT_ID", ACCOUNT),
            ("MINISTACK_REGION", REGION),
            ("IOT_MTLS_ENABLED", "0"),
            ("SFTP_ENABLED", "0"),
            ("AUTH", enforced),
            ("AWS_ACCESS_KEY_ID", ROOT_KEY),
            ("AWS_SECRET_ACCESS_KEY", ROOT_SECRET),
        ];
        let mut envs: Vec<(String, OsString)> =
            envs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        if let Some((certificate, key)) = &tls {
            envs.push(("USE_SSL".to_owned(), "1".into()));
            envs.push(("MINISTACK_SSL_CERT".to_owned(), certificate.into()));
            envs.push(("MINISTACK_SSL_KEY".to_owned(), key.into()));
        }
        let recipe = Recipe {
            name: "ministack",
            program: home::of("ministack", "--with-tests").join("bin/python"),
            args: ["-m", "ministack"].map(Into::into).into(),
            envs,
            dir: dir.path().to_owned(),
            never_root: false,
            stop: Stop::Terminate,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let endpoint = format!("{scheme}://127.0.0.1:{port}");
        let running = Running::start(&recipe, || match &tls {
            // It listens when it is ready.
            Some(_) => listens(number),
            None => answers(&format!("{endpoint}/")),
        });
        Self { endpoint, certificate: tls.map(|(certificate, _)| certificate), _running: running, _dir: dir }
    }

    /// The certificate that clients must trust, where the server answers by TLS.
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The folder of a Python with botocore and PyYAML, which scripts of `deploy` need.
    pub fn python() -> PathBuf {
        home::of("ministack", "--with-tests").join("bin")
    }

    /// Creates a user whose only policy is this document.
    ///
    /// # Panics
    /// If the document is refused.
    pub fn user(&self, name: &str, policy: &str) -> Keys {
        let answer = run_script(&self.endpoint, ROOT, &["user", name], policy);
        let (key, secret) = answer.trim_end().split_once(' ').expect("the script prints both");
        Keys { access: key.to_owned(), secret: secret.to_owned() }
    }

    /// Makes each call with these keys; returns each response, or the error's code.
    pub fn call(&self, keys: &Keys, calls: &[ServiceCall<'_>]) -> Vec<Result<serde_json::Value, String>> {
        call_at(&self.endpoint, keys, calls)
    }

    /// The account's stacks, made by its root user.
    pub fn cloudformation(&self) -> CloudFormation {
        CloudFormation::new(&self.endpoint, Keys::root())
    }
}

/// Whether a policy alone would allow each case, by the stand-in's evaluator. For resources and conditions that the
/// stand-in does not see in a real call.
pub fn would_allow(policy: &str, cases: &[Case<'_>]) -> Vec<bool> {
    let decided = decisions(&[(policy.to_owned(), cases.to_vec())]).remove(0);
    decided.into_iter().map(|decision| decision == Decision::Allow).collect()
}

/// What each document alone decides about each of its cases, by the stand-in's evaluator.
pub fn decisions(documents: &[(String, Vec<Case<'_>>)]) -> Vec<Vec<Decision>> {
    let asked: Vec<_> = documents
        .iter()
        .map(|(policy, cases)| {
            let cases: Vec<_> = cases.iter().map(Case::as_json).collect();
            serde_json::json!({"policy": policy, "cases": cases})
        })
        .collect();
    let answer = run_script("", ROOT, &["judge"], &serde_json::Value::from(asked).to_string());
    let mut lines = answer.lines().map(|line| match line {
        "Allow" => Decision::Allow,
        "Deny" => Decision::Deny,
        _ => Decision::Silent,
    });
    documents.iter().map(|(_, cases)| lines.by_ref().take(cases.len()).collect()).collect()
}

/// A document, each time without one of its statements, and that statement's name (`Sid`) or number.
///
/// # Panics
/// If it is no document of a policy.
pub fn without_each_statement(document: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let statements = document["Statement"].as_array().expect("a list of statements");
    let without = |at: usize| {
        let mut less = document.clone();
        let name =
            statements[at]["Sid"].as_str().map_or_else(|| format!("statement {}", at + 1), str::to_owned);
        less["Statement"].as_array_mut().expect("a list of statements").remove(at);
        (name, less)
    };
    (0..statements.len()).map(without).collect()
}

/// What a document says about a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    Allow,
    Deny,
    /// Neither: other documents decide.
    Silent,
}

/// One request for [`would_allow`] and [`decisions`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case<'a> {
    /// Who asks, where the document is that of a resource: an ARN, or a service such as `events.amazonaws.com`. Empty where it is
    /// one of the caller's own.
    pub principal: &'a str,
    /// `cloudwatch:PutMetricData`.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// Condition keys of the request and their values.
    pub context: &'a [(&'a str, &'a str)],
}

impl Case<'_> {
    fn as_json(&self) -> serde_json::Value {
        let context: serde_json::Map<_, _> =
            self.context.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        serde_json::json!({
            "principal": self.principal, "action": self.action, "resource": self.resource, "context": context
        })
    }
}
