//! The configuration as written: every field with unit, default and reason. `docs/reference/configuration.md` shows the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reelgate_pipelines::recipes::settings::Settings;
use serde::{Deserialize, Serialize};

use super::cost::CostRaw;
use super::fleet::{AwsRaw, EventsRaw, NodeRaw, ObjectsRaw, StoreRaw};
use super::network::NetworkRaw;
use super::privacy::PrivacyRaw;
use super::profiles::ProfileRaw;
use super::secret::{Secret, SecretUrl};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    pub engine: EngineRaw,
    pub node: NodeRaw,
    pub store: StoreRaw,
    pub objects: ObjectsRaw,
    pub events: EventsRaw,
    pub aws: AwsRaw,
    pub network: NetworkRaw,
    pub publish: PublishRaw,
    pub notices: NoticesRaw,
    pub privacy: PrivacyRaw,
    pub serve: ServeRaw,
    pub telemetry: TelemetryRaw,
    pub cost: CostRaw,
    /// Ladder, encoder, limits and budgets.
    pub media: Settings,
    /// What differs for some uploads, by the name of the profile.
    pub profiles: BTreeMap<String, ProfileRaw>,
}

/// How many tasks run at once, and how long a claim lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineRaw {
    /// Light tasks claimed at once, 1 to 1,000. Default 32: most of them wait for a disk or a permit.
    pub light_tasks: u16,
    /// Heavy tasks (encode, sample) at once, 0 for one per core. Default 0: each keeps about one core busy.
    pub heavy_tasks: u16,
    /// Jailed inspections at once, 0 for one per core. Default 0.
    pub inspections: u16,
    /// Milliseconds a claim lasts without renewal, 1,000 to 600,000. Default 30,000: it is renewed after every third of this
    /// time, so the work of a lost node starts again after half a minute.
    pub lease_ms: u64,
    /// Seconds that a caption file waits for its film, 0 to 2,592,000. Default 86,400: both are rarely uploaded on different days.
    pub film_wait_s: u64,
}

impl Default for EngineRaw {
    fn default() -> Self {
        Self { light_tasks: 32, heavy_tasks: 0, inspections: 0, lease_ms: 30_000, film_wait_s: 86_400 }
    }
}

/// Where outputs become visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishRaw {
    /// Path below HOME/published, see [`reelgate_pipelines::recipes::template`]. Default `{key}`: predictable from the upload's key,
    /// and `a.mp4` never collides with `a.mov`.
    pub path_template: String,
}

impl Default for PublishRaw {
    fn default() -> Self {
        Self { path_template: "{key}".into() }
    }
}

/// The receivers of notices.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoticesRaw {
    /// Receivers: `sns:TOPIC-ARN`, `eventbridge:BUS`, `file:PATH`. Default none: `file:HOME/notices.jsonl`.
    pub urls: Vec<SecretUrl>,
    /// Address that receives each notice as a signed POST. Default empty: none.
    pub webhook_url: SecretUrl,
    /// Key of the signature (HMAC-SHA256), at least 16 bytes. Set it by the environment:
    /// REELGATE__NOTICES__WEBHOOK_SECRET.
    pub webhook_secret: Secret,
}

/// The long-running service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeRaw {
    /// Address of /healthz, /readyz and /metrics. Default 127.0.0.1:9320: loopback, because metrics are not for everyone.
    pub listen: SocketAddr,
    /// Milliseconds between two polls for uploads, 50 to 60,000. Default 1,000.
    pub poll_ms: u64,
    /// Milliseconds a file must stay unchanged before it is ingested, 0 to 600,000. Default 2,000. A file that a process
    /// still holds open for writing is never ingested.
    pub settle_ms: u64,
    /// Seconds that running tasks may take to finish after SIGTERM, 0 to 3,600. Default 20: service managers usually kill a
    /// process after 30 s.
    pub grace_s: u64,
}

impl Default for ServeRaw {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9320)),
            poll_ms: 1_000,
            settle_ms: 2_000,
            grace_s: 20,
        }
    }
}

/// Traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryRaw {
    /// Address of an OTLP collector that speaks HTTP with protobuf, such as `http://127.0.0.1:4318`. Default empty:
    /// OTEL_EXPORTER_OTLP_ENDPOINT, or no traces.
    pub otlp: SecretUrl,
    /// Share of traces that are kept, 0 to 1, decided by the trace's id so that all nodes agree. Default 1: a trace is a
    /// few dozen spans of an asset that took minutes.
    pub sampling: f64,
}

impl Default for TelemetryRaw {
    fn default() -> Self {
        Self { otlp: SecretUrl::default(), sampling: 1.0 }
    }
}

impl Raw {
    /// The settings that do not show their values, by name.
    pub fn hidden(&self) -> Vec<(&'static str, Vec<&str>)> {
        let (objects, notices) = (&self.objects, &self.notices);
        vec![
            ("aws.endpoint_url", vec![self.aws.endpoint_url.reveal()]),
            ("aws.macie.area", vec![self.aws.macie.area.reveal()]),
            ("events.dead_letters", vec![self.events.dead_letters.reveal()]),
            ("events.url", vec![self.events.url.reveal()]),
            ("node.ec2_endpoint", vec![self.node.ec2_endpoint.reveal()]),
            ("notices.urls", notices.urls.iter().map(SecretUrl::reveal).collect()),
            ("notices.webhook_secret", vec![notices.webhook_secret.reveal()]),
            ("notices.webhook_url", vec![notices.webhook_url.reveal()]),
            ("store.audit_seal", vec![self.store.audit_seal.reveal()]),
            ("objects.ingest", vec![objects.ingest.reveal()]),
            ("objects.published", vec![objects.published.reveal()]),
            ("objects.quarantine", vec![objects.quarantine.reveal()]),
            ("objects.rejected", vec![objects.rejected.reveal()]),
            ("objects.url", vec![objects.url.reveal()]),
            ("objects.work", vec![objects.work.reveal()]),
            ("privacy.alerts", self.privacy.alerts.iter().map(|alert| alert.url.reveal()).collect()),
            ("privacy.fingerprint_key", vec![self.privacy.fingerprint_key.reveal()]),
            ("store.url", vec![self.store.url.reveal()]),
            ("telemetry.otlp", vec![self.telemetry.otlp.reveal()]),
        ]
    }

    /// Checks ranges; the message names the key, what was expected and what was found.
    pub fn validate(&self) -> Result<(), String> {
        let range = |key: &str, value: u64, min: u64, max: u64| {
            let fits = (min..=max).contains(&value);
            if fits { Ok(()) } else { Err(format!("{key}: expected {min} to {max}, found {value}")) }
        };
        range("engine.light_tasks", self.engine.light_tasks.into(), 1, 1_000)?;
        range("engine.heavy_tasks", self.engine.heavy_tasks.into(), 0, 256)?;
        range("engine.inspections", self.engine.inspections.into(), 0, 256)?;
        range("objects.scratch_bytes_max", self.objects.scratch_bytes_max, 0, 1_000_000_000_000_000)?;
        range("node.sweep_s", self.node.sweep_s, 0, 604_800)?;
        range("store.connections", self.store.connections.into(), 2, 100)?;
        range("aws.refresh_s", self.aws.refresh_s, 0, 86_400)?;
        range("aws.macie.window_s", self.aws.macie.window_s.into(), 1, 3_600)?;
        range("aws.macie.sweep_s", self.aws.macie.sweep_s, 0, 604_800)?;
        if self.privacy.required.is_macies() && self.aws.macie.area.is_empty() {
            return Err(
                "privacy.required: expected `local` without aws.macie.area, found a scanner that needs it"
                    .into(),
            );
        }
        range("store.history_days", self.store.history_days.into(), 0, 36_500)?;
        range("engine.lease_ms", self.engine.lease_ms, 1_000, 600_000)?;
        range("engine.film_wait_s", self.engine.film_wait_s, 0, 2_592_000)?;
        range("serve.poll_ms", self.serve.poll_ms, 50, 60_000)?;
        range("serve.settle_ms", self.serve.settle_ms, 0, 600_000)?;
        range("serve.grace_s", self.serve.grace_s, 0, 3_600)?;
        if !(0.0..=1.0).contains(&self.telemetry.sampling) {
            return Err(format!("telemetry.sampling: expected 0 to 1, found {}", self.telemetry.sampling));
        }
        self.privacy.validate(&self.media.screen_text)?;
        let notices = &self.notices;
        for (key, url) in
            [("notices.webhook_url", &notices.webhook_url), ("telemetry.otlp", &self.telemetry.otlp)]
        {
            let is_http = ["http://", "https://"].iter().any(|scheme| url.reveal().starts_with(scheme));
            if !url.is_empty() && !is_http {
                return Err(format!("{key}: expected an address that begins with http:// or https://"));
            }
        }
        for (key, url) in [
            ("notices.webhook_url", &notices.webhook_url),
            ("telemetry.otlp", &self.telemetry.otlp),
            ("aws.endpoint_url", &self.aws.endpoint_url),
        ] {
            self.network.check(key, url.reveal())?;
        }
        let found = notices.webhook_secret.reveal().len();
        if !notices.webhook_url.is_empty() && found < 16 {
            return Err(format!("notices.webhook_secret: expected at least 16 bytes, found {found}"));
        }
        Ok(())
    }
}
