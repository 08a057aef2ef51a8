//! What others measure, as this server shows it: the parts that do the measuring know nothing of HTTP or Prometheus.

use connector_domain::meter::Counted;

/// Measures something.
pub trait Instrument: Send + Sync {
    /// What it shows now. Must not wait for anything.
    fn families(&self) -> Vec<Family>;

    /// What is worth saying to whoever asks whether we are ready, though we are.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One metric with all its labels. Labels come from short closed lists, never from data.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name, with the prefix `so_`, base units and `_total` for what only rises.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// Its values.
    pub values: Values,
}

/// The values of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// What goes up and down.
    Gauge(Vec<Sample>),
    /// What only rises while the process lives.
    Counter(Vec<Sample>),
    /// Durations by bucket.
    Histogram(Vec<(Vec<Label>, Counted)>),
    /// Durations as how many there were, and their sum in seconds.
    Summary(Vec<(Vec<Label>, u64, f64)>),
}

/// A label's name and value.
pub type Label = (&'static str, String);

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Vec<Label>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// A value without labels.
    pub fn plain(value: f64) -> Vec<Self> {
        vec![Self { labels: Vec::new(), value }]
    }

    /// A value with one label.
    pub fn of(label: &'static str, text: impl Into<String>, value: f64) -> Self {
        Self { labels: vec![(label, text.into())], value }
    }
}
