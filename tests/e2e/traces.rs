//! Traces: each asset has one, derived from its id, over all actors and media workers; tracing never stops work.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reelgate_flow::ids::AssetId;
use reelgate_ports::trace::TraceContext;
use serde_json::Value;

use crate::support::{TempHome, lines, sample};

/// A collector that accepts and records every request.
fn collector() -> (String, mpsc::Receiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || serve(stream.unwrap(), &sender));
        }
    });
    (url, received)
}

fn serve(mut stream: TcpStream, sender: &mpsc::Sender<ExportTraceServiceRequest>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        let head = std::mem::take(&mut head).to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
        let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // The receiver is gone at the end of the test.
        let _ = sender.send(ExportTraceServiceRequest::decode(&*body).unwrap());
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

fn spans(requests: impl IntoIterator<Item = ExportTraceServiceRequest>) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in requests.into_iter().flat_map(|request| request.resource_spans) {
        let of = resource.resource.unwrap_or_default().attributes;
        let service = of.iter().find(|one| one.key == "service.name").and_then(|one| one.value.clone());
        assert_eq!(service.and_then(|value| value.value), Some(Any::StringValue("reelgate".into())));
        spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    spans
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|one| one.key == key)?.value.clone()?.value?;
    Some(match value {
        Any::StringValue(text) => text,
        Any::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn text(id: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(id)
}

fn children<'a>(spans: &'a [Span], of: &'a Span, name: &'a str) -> impl Iterator<Item = &'a Span> {
    spans.iter().filter(move |span| span.parent_span_id == of.span_id && span.name == name)
}

#[test]
fn one_trace_covers_the_life_of_an_asset_and_the_log_names_it() {
    let home = TempHome::new();
    let (url, received) = collector();
    let mut command = home.command(&["run", "--json", "--log", "reelgate_actors=debug"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let output = command.arg(sample("big-buck-bunny-5s.mp4")).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{log}");
    let asset = lines(&output.stdout, &log)[0]["asset_id"].as_str().unwrap().to_owned();
    let root = TraceContext::of_asset(&AssetId::new(&*asset));
    let all = spans(received.try_iter());
    let (own, others): (Vec<Span>, Vec<Span>) =
        all.iter().cloned().partition(|span| span.trace_id == root.trace_id);
    assert!(others.iter().all(|span| attribute(span, "asset").is_none()), "{others:#?}");

    let roots: Vec<&Span> = own.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.len(), 1, "{own:#?}");
    assert_eq!((&*roots[0].name, &*roots[0].span_id), ("upload", &root.span_id[..]));
    assert_eq!(children(&own, roots[0], "deliver").count(), 1);

    let mut stages = BTreeMap::new();
    for attempt in own.iter().filter(|span| attribute(span, "lane").is_some()) {
        assert_eq!(attempt.parent_span_id, root.span_id, "{attempt:#?}");
        assert_eq!(attribute(attempt, "asset").as_ref(), Some(&asset));
        assert_eq!(attribute(attempt, "outcome").as_deref(), Some("success"));
        assert_eq!(attribute(attempt, "attempt").as_deref(), Some("1"));
        assert_eq!(children(&own, attempt, "commit").count(), 1, "{attempt:#?}");
        let workers: Vec<&Span> = children(&own, attempt, "worker").collect();
        for key in ["wall_ms", "cpu_ms", "memory_bytes_max"] {
            let costs = workers.iter().map(|worker| attribute(worker, key).unwrap().parse::<u64>().unwrap());
            assert!(costs.into_iter().all(|cost| cost > 0), "{key}: {workers:#?}");
        }
        *stages.entry(attempt.name.clone()).or_insert(0) += workers.len();
    }
    let stages: Vec<(&str, usize)> = stages.iter().map(|(name, count)| (&**name, *count)).collect();
    let expected =
        [("enrich", 1), ("package", 0), ("publish", 0), ("screen", 0), ("transcode", 2), ("validate", 1)];
    assert_eq!(stages, expected, "attempts by stage, with the media workers they ran");

    let known: BTreeSet<String> = own.iter().map(|span| text(&span.span_id)).collect();
    let began: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["fields"]["message"] == "task began")
        .collect();
    assert_eq!(began.len(), 7, "{log}");
    for line in began {
        assert_eq!(line["span"]["trace_id"], root.trace_id_text(), "{line}");
        assert!(known.contains(line["span"]["span_id"].as_str().unwrap()), "{line}");
    }
    assert!(!format!("{all:?}").contains("big-buck"), "a span holds a name");
}

#[test]
fn a_span_names_a_refusal_by_its_code_alone() {
    let home = TempHome::new();
    let (url, received) = collector();
    let mut command = home.command(&["run", "--json"]);
    command.env("REELGATE__TELEMETRY__OTLP", url);
    let output = command.arg(sample("playlist-in-disguise.mp4")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let all = spans(received.try_iter());
    let refused = all.iter().find(|span| span.name == "validate").unwrap();
    assert_eq!(attribute(refused, "outcome").as_deref(), Some("fault"));
    assert_eq!(attribute(refused, "code").as_deref(), Some("playlist_refused"));
    assert!(refused.events.is_empty(), "{refused:#?}");
    assert_eq!(refused.status.clone().unwrap_or_default().code, 0, "refused media is no error of ours");
}

#[test]
fn the_log_names_the_trace_even_if_nothing_is_exported() {
    let home = TempHome::new();
    let mut command = home.command(&["run", "--json", "--log", "info"]);
    let output = command.arg(sample("playlist-in-disguise.mp4")).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let asset = lines(&output.stdout, &log)[0]["asset_id"].as_str().unwrap().to_owned();
    let refused = log.lines().find(|line| line.contains("task refused the media")).unwrap();
    let span = &serde_json::from_str::<Value>(refused).unwrap()["span"];
    assert_eq!(span["trace_id"], TraceContext::of_asset(&AssetId::new(asset)).trace_id_text());
    assert_eq!(span["span_id"], Value::Null);
}

#[test]
fn a_trace_that_is_not_sampled_sends_nothing() {
    let home = TempHome::new();
    let (url, received) = collector();
    let mut command = home.command(&["run", "--json"]);
    command.env("REELGATE__TELEMETRY__OTLP", url).env("REELGATE__TELEMETRY__SAMPLING", "0.0");
    let output = command.arg(sample("playlist-in-disguise.mp4")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(spans(received.try_iter()), []);
}

#[test]
fn a_collector_that_is_gone_or_never_answers_changes_nothing() {
    // The kernel accepts connections, and nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let seen = |collector: String| {
        let home = TempHome::new();
        let mut command = home.command(&["run", "--json"]);
        command.env("REELGATE__TELEMETRY__OTLP", collector);
        let output = command.arg(sample("big-buck-bunny-5s.mp4")).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = lines(&output.stdout, &talk).remove(0);
        (output.status.code(), line["state"].clone(), line["renditions"].clone())
    };
    let without = seen(String::new());
    assert_eq!(without.0, Some(0));
    assert_eq!(seen(format!("http://{gone}")), without);
    assert_eq!(seen(format!("http://{}", silent.local_addr().unwrap())), without);
}

#[test]
fn an_invalid_address_or_share_is_refused_with_its_key() {
    for (name, value, key) in [
        ("REELGATE__TELEMETRY__OTLP", "collector:4317", "telemetry.otlp"),
        ("REELGATE__TELEMETRY__SAMPLING", "1.5", "telemetry.sampling"),
    ] {
        let home = TempHome::new();
        let output = home.command(&["check", "--print-config"]).env(name, value).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{talk}");
        assert!(talk.contains(key), "{talk}");
    }
}
