//! The scaling signal as a CloudWatch metric, for a target-tracking policy: seconds of work left per node.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use reelgate_flow::task::Lane;
use reelgate_ports::error::{Port, PortResult};

use crate::error::ApiCall;

const PUT: ApiCall = ApiCall::new(Port::Node, "put the scaling signal", "cloudwatch:PutMetricData");

const NAMESPACE: &str = "Reelgate";
const METRIC: &str = "SecondsOfWorkLeftPerNode";

#[derive(Clone, Debug)]
pub struct WorkLeftMetric {
    client: Client,
    fleet: String,
}

impl WorkLeftMetric {
    /// The metric of one fleet, such as `prod`.
    pub fn new(client: Client, fleet: impl Into<String>) -> Self {
        Self { client, fleet: fleet.into() }
    }

    /// Puts seconds of work left per node, by lane. Values that are not finite are skipped.
    pub async fn put(&self, lanes: &[(Lane, f64)]) -> PortResult<()> {
        let values = lanes.iter().filter(|(_, seconds)| seconds.is_finite());
        let data: Vec<MetricDatum> = values.map(|(lane, seconds)| self.datum(*lane, *seconds)).collect();
        if data.is_empty() {
            return Ok(());
        }
        let call = self.client.put_metric_data().namespace(NAMESPACE).set_metric_data(Some(data));
        call.send().await.map(drop).map_err(PUT.failed())
    }

    fn datum(&self, lane: Lane, seconds: f64) -> MetricDatum {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        MetricDatum::builder()
            .metric_name(METRIC)
            .dimensions(dimension("Fleet", &self.fleet))
            .dimensions(dimension("Lane", lane.as_str()))
            .unit(StandardUnit::Seconds)
            .value(seconds)
            .build()
    }
}
