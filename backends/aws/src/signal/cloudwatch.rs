//! Numbers about the fleet as CloudWatch metrics: for a target-tracking policy, alarms and dashboards.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use reelgate_ports::error::{Port, PortResult};
use reelgate_ports::machine::FleetValue;
use reelgate_signals::fleet::{FLEET, NAMESPACE};

use crate::error::ApiCall;

const PUT: ApiCall = ApiCall::new(Port::Node, "put the metrics of the fleet", "cloudwatch:PutMetricData");

#[derive(Clone, Debug)]
pub struct FleetMetrics {
    client: Client,
    fleet: String,
    /// Only what scaling and alarms need.
    only_basic: bool,
}

impl FleetMetrics {
    /// The metrics of one fleet, such as `prod`.
    pub fn new(client: Client, fleet: impl Into<String>, only_basic: bool) -> Self {
        Self { client, fleet: fleet.into(), only_basic }
    }

    /// Puts values in one call. Values that are not finite are skipped.
    pub async fn put(&self, values: &[FleetValue]) -> PortResult<()> {
        let wanted = |one: &&FleetValue| one.value.is_finite() && (one.is_basic || !self.only_basic);
        let data: Vec<MetricDatum> = values.iter().filter(wanted).map(|one| self.datum(one)).collect();
        if data.is_empty() {
            return Ok(());
        }
        let call = self.client.put_metric_data().namespace(NAMESPACE).set_metric_data(Some(data));
        call.send().await.map(drop).map_err(PUT.failed())
    }

    fn datum(&self, value: &FleetValue) -> MetricDatum {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let mut datum = MetricDatum::builder()
            .metric_name(value.metric)
            .dimensions(dimension(FLEET, &self.fleet))
            .unit(if value.is_seconds { StandardUnit::Seconds } else { StandardUnit::Count })
            .value(value.value);
        if let Some((name, of)) = value.dimension {
            datum = datum.dimensions(dimension(name, of));
        }
        datum.build()
    }
}
