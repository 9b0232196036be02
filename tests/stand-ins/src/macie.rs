//! An in-process fake of the part of Macie's API that the scanner uses. No emulator has jobs, findings or custom
//! identifiers.
//!
//! It keeps Macie's guarantees (a client token makes one job, a listed identifier can be used) and refuses what Macie
//! refuses (missing members, unknown identifiers). It reads no objects: the test sets how a job ends and what it found.
//! Pages have two items, so that every list is read in pages. Paths and members are those of the Amazon Macie API
//! Reference.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::runtime::single_threaded;

/// Items of a page.
const PAGE: usize = 2;
/// Longest request, bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A private Macie; it ends when this value is dropped.
pub struct Macie {
    endpoint: String,
    state: Arc<Mutex<MacieState>>,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Default)]
struct MacieState {
    paused: bool,
    managed: Vec<String>,
    custom: Vec<Value>,
    jobs: Vec<Value>,
    findings: Vec<Value>,
    refusals: Vec<(u16, &'static str)>,
    calls: Vec<String>,
}

/// Status, error type and body.
type Answer = Result<Value, (u16, &'static str)>;

const INVALID: (u16, &str) = (400, "ValidationException");
const MISSING: (u16, &str) = (404, "ResourceNotFoundException");

impl Macie {
    /// Starts a Macie with these managed identifiers.
    pub fn start(managed: &[&str]) -> Self {
        let managed = managed.iter().map(|id| (*id).to_owned()).collect();
        let state = Arc::new(Mutex::new(MacieState { managed, ..MacieState::default() }));
        let runtime = single_threaded();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = std::net::TcpListener::bind(address).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address");
        runtime.spawn(accept(listener, state.clone()));
        Self { endpoint: format!("http://{address}"), state, runtime: Some(runtime) }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Pauses the account's Macie.
    pub fn pause(&self) {
        self.state().paused = true;
    }

    /// The next call gets this error; several errors are used in turn.
    pub fn refuse(&self, status: u16, code: &'static str) {
        self.state().refusals.push((status, code));
    }

    /// Sets the state of `job`, with or without an error of its run.
    pub fn set(&self, job: &str, state: &str, erred: bool) {
        let code = if erred { "ERROR" } else { "NONE" };
        for known in self.state().jobs.iter_mut().filter(|known| known["jobId"] == job) {
            known["jobStatus"] = json!(state);
            known["lastRunErrorStatus"] = json!({"code": code});
        }
    }

    /// Adds a finding, in the form of an event's detail; it needs an `id`. Without an `updatedAt` it is a second newer than the
    /// one before it, the first one a second after the beginning of 1970.
    pub fn find(&self, mut finding: Value) {
        let mut state = self.state();
        if finding["updatedAt"].is_null() {
            finding["updatedAt"] = json!(moment(1_000 * (state.findings.len() as u64 + 1)));
        }
        state.findings.push(finding);
    }

    /// All jobs: their requests with ids and states.
    pub fn jobs(&self) -> Vec<Value> {
        self.state().jobs.clone()
    }

    /// All custom identifiers: their requests with ids.
    pub fn custom(&self) -> Vec<Value> {
        self.state().custom.clone()
    }

    /// Method and path of every call so far.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, MacieState> {
        lock(&self.state)
    }
}

impl Drop for Macie {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // blocking is not allowed inside a test's own runtime
        }
    }
}

fn lock(state: &Mutex<MacieState>) -> MutexGuard<'_, MacieState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: std::net::TcpListener, state: Arc<Mutex<MacieState>>) {
    let listener = TcpListener::from_std(listener).expect("the runtime accepts the listener");
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| serve(request, state.clone()));
        let mut server = hyper::server::conn::http1::Builder::new();
        server.timer(TokioTimer::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}

async fn serve(
    request: Request<Incoming>,
    state: Arc<Mutex<MacieState>>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let call = format!("{} {}", request.method(), request.uri().path());
    let bytes = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await?.to_bytes();
    let body: Value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
    let answer = lock(&state).answer(call, &body);
    let (status, code, body) = match answer {
        Ok(body) => (200, "", body),
        Err((status, code)) => (status, code, json!({"message": "refused by the test"})),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status)?;
    response.headers_mut().insert(CONTENT_TYPE, "application/json".parse()?);
    if !code.is_empty() {
        response.headers_mut().insert("x-amzn-errortype", code.parse()?);
    }
    Ok(response)
}

impl MacieState {
    fn answer(&mut self, call: String, body: &Value) -> Answer {
        self.calls.push(call.clone());
        if !self.refusals.is_empty() {
            return Err(self.refusals.remove(0));
        }
        match call.as_str() {
            "GET /macie" => Ok(json!({"status": if self.paused { "PAUSED" } else { "ENABLED" }})),
            "POST /managed-data-identifiers/list" => {
                let items: Vec<Value> = self.managed.iter().map(|id| json!({"id": id})).collect();
                page(&items, body, "items")
            }
            "POST /custom-data-identifiers/list" => page(&self.custom, body, "items"),
            "POST /custom-data-identifiers" => self.make_custom(body),
            "POST /jobs" => self.make_job(body),
            "POST /jobs/list" => self.list_jobs(body),
            "POST /findings" => self.list_findings(body),
            "POST /findings/describe" => self.get_findings(body),
            other => {
                let job = other.strip_prefix("GET /jobs/").ok_or(MISSING)?;
                self.jobs.iter().find(|known| known["jobId"] == job).cloned().ok_or(MISSING)
            }
        }
    }

    fn make_custom(&mut self, body: &Value) -> Answer {
        required(body, &["name", "regex"])?;
        let same =
            |known: &&Value| !body["clientToken"].is_null() && known["clientToken"] == body["clientToken"];
        if let Some(known) = self.custom.iter().find(same) {
            return Ok(json!({"customDataIdentifierId": known["id"]}));
        }
        let mut made = body.clone();
        made["id"] = json!(format!("custom-{}", self.custom.len()));
        self.custom.push(made.clone());
        Ok(json!({"customDataIdentifierId": made["id"]}))
    }

    fn make_job(&mut self, body: &Value) -> Answer {
        required(body, &["clientToken", "jobType", "name", "s3JobDefinition"])?;
        let knows = |ids: &Value, known: &dyn Fn(&str) -> bool| {
            ids.as_array().into_iter().flatten().all(|id| id.as_str().is_some_and(known))
        };
        let managed =
            knows(&body["managedDataIdentifierIds"], &|id| self.managed.iter().any(|one| one == id));
        let custom =
            knows(&body["customDataIdentifierIds"], &|id| self.custom.iter().any(|one| one["id"] == id));
        if !managed || !custom {
            return Err(INVALID);
        }
        if let Some(known) = self.jobs.iter().find(|known| known["clientToken"] == body["clientToken"]) {
            return Ok(json!({"jobId": known["jobId"]}));
        }
        let mut made = body.clone();
        made["jobId"] = json!(format!("job-{}", self.jobs.len()));
        made["jobStatus"] = json!("RUNNING");
        self.jobs.push(made.clone());
        Ok(json!({"jobId": made["jobId"]}))
    }

    fn list_jobs(&self, body: &Value) -> Answer {
        let term = &body["filterCriteria"]["includes"][0];
        if term["key"] != "name" || term["comparator"] != "EQ" {
            return Err(INVALID);
        }
        let named: Vec<Value> =
            self.jobs.iter().filter(|job| job["name"] == term["values"][0]).cloned().collect();
        page(&named, body, "items")
    }

    fn list_findings(&self, body: &Value) -> Answer {
        let criteria = body["findingCriteria"]["criterion"].as_object().ok_or(INVALID)?;
        let mut found: Vec<&Value> = self.findings.iter().collect();
        for (field, wanted) in criteria {
            let value = |one: &Value| field.split('.').fold(one, |inside, name| &inside[name]).clone();
            match (wanted["eq"].as_array(), wanted["gte"].as_u64()) {
                (Some(values), None) if !values.is_empty() => {
                    found.retain(|one| values.contains(&value(one)))
                }
                // Moments are milliseconds in criteria, and text that sorts like them in findings.
                (None, Some(since_ms)) if field == "updatedAt" => {
                    let since = moment(since_ms);
                    found.retain(|one| value(one).as_str().is_some_and(|at| at >= since.as_str()));
                }
                _ => return Err(INVALID),
            }
        }
        if body["sortCriteria"]["attributeName"] == "updatedAt" {
            found.sort_by_key(|one| one["updatedAt"].to_string());
        }
        let ids: Vec<Value> = found.iter().map(|finding| finding["id"].clone()).collect();
        page(&ids, body, "findingIds")
    }

    fn get_findings(&self, body: &Value) -> Answer {
        let ids = body["findingIds"].as_array().filter(|ids| (1..=50).contains(&ids.len())).ok_or(INVALID)?;
        let found: Vec<&Value> = self.findings.iter().filter(|one| ids.contains(&one["id"])).collect();
        Ok(json!({"findings": found}))
    }
}

/// A moment in the form of Macie's findings, by the days of Howard Hinnant's `civil_from_days`.
fn moment(ms: u64) -> String {
    let (days, in_day_ms) = (ms / 86_400_000 + 719_468, ms % 86_400_000);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (in_day_ms / 3_600_000, in_day_ms / 60_000 % 60);
    let (second, rest) = (in_day_ms / 1_000 % 60, in_day_ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z")
}

fn required(body: &Value, members: &[&str]) -> Result<(), (u16, &'static str)> {
    if members.iter().all(|member| !body[*member].is_null()) { Ok(()) } else { Err(INVALID) }
}

/// The next page of `items`; the token is the number of items before it.
fn page(items: &[Value], body: &Value, member: &str) -> Answer {
    let from: usize = match body["nextToken"].as_str() {
        None => 0,
        Some(token) => token.parse().map_err(|_| INVALID)?,
    };
    let rest = items.get(from..).ok_or(INVALID)?;
    let mut answer = json!({member: rest.iter().take(PAGE).collect::<Vec<_>>()});
    if rest.len() > PAGE {
        answer["nextToken"] = json!((from + PAGE).to_string());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_macie_writes_it() {
        assert_eq!(moment(1_000), "1970-01-01T00:00:01.000Z");
        // `date -u -d @1709210096` says 2024-02-29 12:34:56.
        assert_eq!(moment(1_709_210_096_789), "2024-02-29T12:34:56.789Z");
    }
}
