//! Expressions are parsed: every metric, label and value that they name exists, and every metric is on a panel or says why not.

use std::collections::{BTreeMap, BTreeSet};

use promql::{AggregationMod, LabelMatchOp, Node, ParserOptions, parse};
use reelgate_signals::{Kind, Series, Signal, alerts, catalogue, dashboards, slo};

/// Labels that Prometheus adds to every series of a node.
const OF_THE_SCRAPE: [&str; 2] = ["job", "instance"];

/// Every expression and where it stands, with the placeholders filled.
fn expressions() -> Vec<(String, String)> {
    let panels = dashboards::ALL.into_iter().flat_map(|dashboard| {
        dashboard.panels.iter().flat_map(move |panel| {
            let place = format!("{}: {}", dashboard.id, panel.title);
            panel.queries.iter().map(move |query| (place.clone(), query.text("job=~\".+\"", "5m")))
        })
    });
    let alerts = alerts::all().into_iter().map(|alert| (alert.name, alert.expression));
    let recorded = slo::ALL.iter().flat_map(|slo| {
        slo::WINDOWS.map(|window| (format!("{} over {window}", slo.id), slo.bad_share(window)))
    });
    panels.chain(alerts).chain(recorded).collect()
}

/// The metrics by the names under which Prometheus stores them.
fn stored(signals: &[&'static Signal]) -> BTreeMap<String, &'static Signal> {
    signals
        .iter()
        .flat_map(|signal| signal.stored_names().into_iter().map(move |name| (name, *signal)))
        .collect()
}

/// Values that a label may have; `None` where they are not known before.
fn values(signal: &Signal, label: &str) -> Option<BTreeSet<String>> {
    let at = signal.labels.iter().position(|name| *name == label)?;
    match signal.series {
        Series::Closed(sets) => Some(sets().into_iter().map(|set| set[at].to_owned()).collect()),
        Series::Receivers(first) if at == 0 && !first.is_empty() => {
            Some(first.iter().map(|value| (*value).to_owned()).collect())
        }
        Series::Receivers(_) | Series::Open { .. } => None,
    }
}

/// What is wrong with the selectors and groupings of an expression.
struct Judge<'a> {
    stored: &'a BTreeMap<String, &'static Signal>,
    wrong: Vec<String>,
    read: BTreeSet<&'static str>,
}

impl Judge<'_> {
    /// Judges a node, and returns the labels that its series may have.
    fn labels(&mut self, node: &Node) -> BTreeSet<String> {
        match node {
            Node::Vector(vector) => self.selector(&vector.labels),
            Node::Operator { args, .. } => args.iter().flat_map(|arg| self.labels(arg)).collect(),
            Node::Function { args, aggregation, .. } => {
                let labels: BTreeSet<String> = args.iter().flat_map(|arg| self.labels(arg)).collect();
                let Some(AggregationMod { labels: grouped, .. }) = aggregation else { return labels };
                for label in grouped.iter().filter(|label| !labels.contains(*label)) {
                    self.wrong.push(format!("grouped by `{label}`, which no series has"));
                }
                grouped.iter().cloned().collect()
            }
            Node::Negation(inner) => self.labels(inner),
            Node::Scalar(_) | Node::String(_) => BTreeSet::new(),
        }
    }

    fn selector(&mut self, matches: &[promql::LabelMatch]) -> BTreeSet<String> {
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let name = matches.iter().find(|one| one.name == "__name__").map(|one| text(&one.value)).unwrap();
        let of_scrape = OF_THE_SCRAPE.map(str::to_owned);
        if name.starts_with("reelgate:slo_bad:share_") {
            if !slo::WINDOWS.iter().any(|window| slo::recorded(window) == name) {
                self.wrong.push(format!("nothing records `{name}`"));
            }
            return BTreeSet::from(["slo".to_owned()]);
        }
        let Some(signal) = self.stored.get(&name).copied() else {
            self.wrong.push(format!("there is no metric `{name}`"));
            return BTreeSet::new();
        };
        self.read.insert(signal.name);
        let mut labels: BTreeSet<String> = signal.labels.iter().map(|label| (*label).to_owned()).collect();
        if name.ends_with("_bucket") {
            labels.insert("le".to_owned());
        }
        labels.extend(of_scrape);
        for one in matches.iter().filter(|one| one.name != "__name__") {
            if !labels.contains(&one.name) {
                self.wrong.push(format!("`{name}` has no label `{}`", one.name));
            }
            let wanted = text(&one.value);
            let known = match (signal.kind, one.name.as_str()) {
                (Kind::Histogram(bounds), "le") => Some(bounds.iter().map(ToString::to_string).collect()),
                _ => values(signal, &one.name),
            };
            let Some(known) = known else { continue };
            let wanted: Vec<&str> = match one.op {
                LabelMatchOp::Eq | LabelMatchOp::Ne => vec![&wanted],
                LabelMatchOp::REq | LabelMatchOp::RNe => wanted.split('|').collect(),
            };
            for value in wanted.into_iter().filter(|value| !known.contains(*value)) {
                self.wrong.push(format!("`{}` of `{name}` is never `{value}`", one.name));
            }
        }
        labels
    }
}

/// What is wrong with all expressions if these are the metrics, and the metrics that they read.
fn judged(signals: &[&'static Signal], texts: &[(String, String)]) -> (Vec<String>, BTreeSet<&'static str>) {
    let stored = stored(signals);
    let mut judge = Judge { stored: &stored, wrong: Vec::new(), read: BTreeSet::new() };
    for (place, text) in texts {
        let node = parse(text.as_str(), &ParserOptions::default())
            .unwrap_or_else(|error| panic!("{place}: {text}: {error:?}"));
        let before = judge.wrong.len();
        judge.labels(&node);
        judge.wrong[before..].iter_mut().for_each(|wrong| *wrong = format!("{place}: {wrong}"));
    }
    (judge.wrong, judge.read)
}

#[test]
fn every_name_label_and_value_in_an_expression_exists() {
    let texts = expressions();
    assert!(texts.len() > 80, "{}", texts.len());
    let (wrong, read) = judged(catalogue::ALL, &texts);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read.len() > 35, "{read:?}");
}

#[test]
fn without_any_one_metric_the_expressions_that_read_it_are_wrong() {
    let texts = expressions();
    let (_, read) = judged(catalogue::ALL, &texts);
    for missing in read {
        let others: Vec<_> = catalogue::ALL.iter().copied().filter(|one| one.name != missing).collect();
        let (wrong, _) = judged(&others, &texts);
        assert!(wrong.iter().any(|wrong| wrong.contains(missing)), "{missing} is not missed");
    }
}

#[test]
fn a_label_or_value_that_does_not_exist_is_found() {
    for (text, what) in [
        ("sum by (lane) (rate(reelgate_tasks_ended_total[5m]))", "grouped by `lane`"),
        ("reelgate_tasks_ended_total{lane=\"heavy\"}", "no label `lane`"),
        ("reelgate_tasks_ended_total{result=~\"fault|lost\"}", "never `lost`"),
        ("reelgate_detection_seconds_bucket{le=\"901\"}", "never `901`"),
        ("reelgate_detection_seconds", "no metric"),
        ("reelgate:slo_bad:share_7d", "nothing records"),
    ] {
        let (wrong, _) = judged(catalogue::ALL, &[("here".to_owned(), text.to_owned())]);
        assert!(wrong.iter().any(|wrong| wrong.contains(what)), "{text}: {wrong:?}");
    }
}

#[test]
fn every_metric_is_on_a_panel_or_says_why_not() {
    for signal in catalogue::ALL {
        let shown = !dashboards::that_show(signal).is_empty();
        assert_ne!(shown, signal.not_shown.is_some(), "{}", signal.name);
    }
}

#[test]
fn the_parser_and_the_page_agree_on_what_an_expression_reads() {
    for (place, text) in expressions() {
        let (_, read) = judged(catalogue::ALL, &[(place.clone(), text.clone())]);
        let plain: BTreeSet<&str> = catalogue::ALL
            .iter()
            .filter(|signal| signal.is_read_by(&text))
            .map(|signal| signal.name)
            .collect();
        assert_eq!(read, plain, "{place}");
    }
}
