//! Makes the metrics of the catalogue, and no others: each with all sets of label values that are known before, so that a zero
//! is a zero.

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use reelgate_signals::{Kind, Signal};

/// Metrics of one name, by label values.
#[derive(Clone)]
pub struct Labelled<B: MetricVecBuilder> {
    signal: &'static Signal,
    vec: MetricVec<B>,
}

/// Counters by label values.
pub type Counters = Labelled<<IntCounterVec as Built>::Builder>;
/// Gauges by label values.
pub type Gauges = Labelled<<IntGaugeVec as Built>::Builder>;
/// Gauges of fractions by label values.
pub type FloatGauges = Labelled<<GaugeVec as Built>::Builder>;
/// Histograms by label values.
pub type Histograms = Labelled<<HistogramVec as Built>::Builder>;

/// Names what builds a vector of metrics.
pub trait Built {
    type Builder: MetricVecBuilder;
}

impl<B: MetricVecBuilder> Built for MetricVec<B> {
    type Builder = B;
}

impl<B: MetricVecBuilder> Labelled<B> {
    /// The metric of these label values, which the catalogue must know.
    pub fn with_label_values(&self, values: &[&str]) -> B::M {
        debug_assert!(self.signal.allows(values), "{}: not in the catalogue: {values:?}", self.signal.name);
        self.vec.with_label_values(values)
    }

    /// Begins with zero for these label values.
    pub(crate) fn begin(&self, sets: &[Vec<String>]) {
        for set in sets {
            self.vec.with_label_values(set);
        }
    }

    /// The library's own value.
    pub fn vec(&self) -> &MetricVec<B> {
        &self.vec
    }
}

/// Makes metrics in one registry.
#[derive(Default)]
pub struct Meters {
    registry: Registry,
    receivers: Vec<String>,
}

impl Meters {
    /// With these receivers of notices.
    pub fn new(receivers: Vec<String>) -> Self {
        Self { receivers, ..Self::default() }
    }

    /// The registry that holds them.
    pub fn into_registry(self) -> Registry {
        self.registry
    }

    #[allow(clippy::disallowed_methods, reason = "the one place where metrics are registered")]
    fn register(&self, collector: impl Collector + 'static) {
        self.registry.register(Box::new(collector)).expect("each name is registered once");
    }

    fn labelled<B: MetricVecBuilder + 'static>(
        &self,
        signal: &'static Signal,
        vec: prometheus::Result<MetricVec<B>>,
    ) -> Labelled<B> {
        let labelled = Labelled { signal, vec: vec.expect("the catalogue's names are valid") };
        labelled.begin(&signal.from_start(&self.receivers));
        self.register(labelled.vec.clone());
        labelled
    }

    pub fn counters(&self, signal: &'static Signal) -> Counters {
        self.labelled(signal, IntCounterVec::new(opts(signal), signal.labels))
    }

    pub fn gauges(&self, signal: &'static Signal) -> Gauges {
        self.labelled(signal, IntGaugeVec::new(opts(signal), signal.labels))
    }

    pub fn float_gauges(&self, signal: &'static Signal) -> FloatGauges {
        self.labelled(signal, GaugeVec::new(opts(signal), signal.labels))
    }

    pub fn histograms(&self, signal: &'static Signal) -> Histograms {
        self.labelled(signal, HistogramVec::new(histogram_opts(signal), signal.labels))
    }

    pub fn counter(&self, signal: &'static Signal) -> IntCounter {
        let counter = IntCounter::with_opts(opts(signal)).expect("the catalogue's names are valid");
        self.register(counter.clone());
        counter
    }

    pub fn gauge(&self, signal: &'static Signal) -> IntGauge {
        let gauge = IntGauge::with_opts(opts(signal)).expect("the catalogue's names are valid");
        self.register(gauge.clone());
        gauge
    }

    pub fn float_gauge(&self, signal: &'static Signal) -> Gauge {
        let gauge = Gauge::with_opts(opts(signal)).expect("the catalogue's names are valid");
        self.register(gauge.clone());
        gauge
    }

    pub fn histogram(&self, signal: &'static Signal) -> Histogram {
        let histogram = Histogram::with_opts(histogram_opts(signal)).expect("the catalogue's bounds ascend");
        self.register(histogram.clone());
        histogram
    }
}

fn opts(signal: &Signal) -> Opts {
    Opts::new(signal.name, signal.help)
}

fn histogram_opts(signal: &Signal) -> HistogramOpts {
    let Kind::Histogram(bounds) = signal.kind else {
        unreachable!("{}: the catalogue says that it is no histogram", signal.name)
    };
    HistogramOpts::new(signal.name, signal.help).buckets(bounds.to_vec())
}

#[cfg(test)]
mod tests {
    use reelgate_flow::ids::ReceiverName;
    use reelgate_signals::catalogue;

    use crate::breaker::Service;
    use crate::messages::Stage;
    use crate::signals::Signals;

    #[test]
    fn the_catalogue_has_the_words_of_the_actors() {
        assert_eq!(Stage::ALL.map(Stage::as_str), catalogue::STAGE_ACTORS);
        assert_eq!(Service::ALL.map(Service::as_str), catalogue::SERVICES);
    }

    #[test]
    fn every_set_of_labels_that_is_known_before_begins_at_zero() {
        let signals = Signals::default();
        signals.receivers([ReceiverName::new("webhook")].iter());
        let families = signals.registry().gather();
        let series: usize = families.iter().map(|family| family.get_metric().len()).sum();
        assert!(series > 200, "{series}");
        for family in families {
            let signal = catalogue::ALL.iter().find(|signal| signal.name == family.name()).unwrap();
            assert_eq!(
                family.get_metric().len(),
                signal.from_start(&["webhook".to_owned()]).len(),
                "{}",
                family.name()
            );
        }
    }

    #[test]
    #[should_panic(expected = "not in the catalogue")]
    fn label_values_that_the_catalogue_does_not_know_are_refused() {
        let meters = super::Meters::default();
        meters.counters(&catalogue::UPLOADS).with_label_values(&["perhaps"]);
    }
}
