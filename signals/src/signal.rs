//! What is known about one metric before anything is measured.

/// How a metric behaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// Only grows, until its process ends.
    Counter,
    Gauge,
    /// Counts observations up to each of these bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// Prometheus' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }

    /// Time series that one set of label values makes.
    fn series(self) -> usize {
        match self {
            Self::Counter | Self::Gauge => 1,
            // Each bound, infinity, the sum and the count.
            Self::Histogram(bounds) => bounds.len() + 3,
        }
    }
}

/// What a value is a number of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Count,
    Seconds,
    Milliseconds,
    Bytes,
    /// 10⁻⁹ US dollars, so that sums are exact.
    NanoUsd,
    /// US dollars; only panels have it.
    Usd,
    /// A share between 0 and 1; only panels have it.
    Share,
}

impl Unit {
    /// The word in the page of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Bytes => "bytes",
            Self::NanoUsd => "nano-dollars",
            Self::Usd => "US dollars",
            Self::Share => "share",
        }
    }
}

/// Which sets of label values a metric has.
#[derive(Clone, Copy, Debug)]
pub enum Series {
    /// Exactly these, all of them from the start, so that a zero is a zero.
    Closed(fn() -> Vec<Vec<&'static str>>),
    /// These values of the first label for each receiver of notices, which the configuration names; all from the start.
    Receivers(&'static [&'static str]),
    /// Known only when they are found.
    Open {
        /// Most sets that a node can have.
        most: usize,
        /// Why they are not known before.
        reason: &'static str,
    },
}

/// Receivers that the number of series is computed with. More are allowed.
const RECEIVERS: usize = 8;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    pub series: Series,
    /// What it counts.
    pub help: &'static str,
    /// What an operator sees on a good day.
    pub normal: &'static str,
    /// Why no panel shows it; `None`: one does.
    pub not_shown: Option<&'static str>,
}

impl Signal {
    const fn new(name: &'static str, kind: Kind, unit: Unit, help: &'static str) -> Self {
        let series = Series::Closed(|| vec![Vec::new()]);
        Self { name, kind, unit, labels: &[], series, help, normal: "", not_shown: None }
    }

    pub(crate) const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self::new(name, Kind::Counter, unit, help)
    }

    pub(crate) const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self::new(name, Kind::Gauge, unit, help)
    }

    /// A histogram of seconds.
    pub(crate) const fn seconds(name: &'static str, bounds: &'static [f64], help: &'static str) -> Self {
        Self::new(name, Kind::Histogram(bounds), Unit::Seconds, help)
    }

    pub(crate) const fn by(mut self, labels: &'static [&'static str], series: Series) -> Self {
        self.labels = labels;
        self.series = series;
        self
    }

    pub(crate) const fn normal(mut self, normal: &'static str) -> Self {
        self.normal = normal;
        self
    }

    pub(crate) const fn not_shown(mut self, reason: &'static str) -> Self {
        self.not_shown = Some(reason);
        self
    }

    /// The sets of label values with which it begins; `receivers` are the configured ones.
    pub fn from_start(&self, receivers: &[String]) -> Vec<Vec<String>> {
        match self.series {
            Series::Closed(sets) => {
                sets().into_iter().map(|set| set.into_iter().map(str::to_owned).collect()).collect()
            }
            Series::Receivers(first) => {
                let of = |receiver: &String| match first {
                    [] => vec![vec![receiver.clone()]],
                    _ => first.iter().map(|value| vec![(*value).to_owned(), receiver.clone()]).collect(),
                };
                receivers.iter().flat_map(of).collect()
            }
            Series::Open { .. } => Vec::new(),
        }
    }

    /// Whether these label values may appear.
    pub fn allows(&self, values: &[&str]) -> bool {
        values.len() == self.labels.len()
            && match self.series {
                Series::Closed(sets) => sets().iter().any(|set| set == values),
                Series::Receivers([]) | Series::Open { .. } => true,
                Series::Receivers(first) => first.contains(&values[0]),
            }
    }

    /// Most time series of a node.
    pub fn series_max(&self) -> usize {
        let sets = match self.series {
            Series::Closed(sets) => sets().len(),
            Series::Receivers(first) => first.len().max(1) * RECEIVERS,
            Series::Open { most, .. } => most,
        };
        sets * self.kind.series()
    }

    /// Names under which Prometheus stores it.
    pub fn stored_names(&self) -> Vec<String> {
        match self.kind {
            Kind::Counter | Kind::Gauge => vec![self.name.to_owned()],
            Kind::Histogram(_) => {
                ["bucket", "sum", "count"].iter().map(|end| format!("{}_{end}", self.name)).collect()
            }
        }
    }

    /// Whether an expression reads it.
    pub fn is_read_by(&self, expression: &str) -> bool {
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        self.stored_names().iter().any(|name| {
            expression.match_indices(name.as_str()).any(|(at, _)| {
                !expression[..at].ends_with(goes_on) && !expression[at + name.len()..].starts_with(goes_on)
            })
        })
    }
}
