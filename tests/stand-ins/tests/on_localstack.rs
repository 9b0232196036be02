//! The shared LocalStack.

use reelgate_stand_ins::{LocalStack, fresh_name};

use crate::json_call;

#[test]
fn the_shared_localstack_stores_objects_and_has_kinesis() {
    let localstack = LocalStack::shared();
    let url = format!("{}/{}", localstack.endpoint(), fresh_name("smoke"));
    ureq::put(&url).send_empty().unwrap();
    ureq::put(format!("{url}/clip")).send("bytes").unwrap();
    let read = ureq::get(format!("{url}/clip")).call().unwrap().body_mut().read_to_string().unwrap();
    assert_eq!(read, "bytes");
    let streams = json_call(localstack.endpoint(), "kinesis", "Kinesis_20131202.ListStreams", "{}");
    assert!(streams.contains("StreamNames"), "{streams}");
    assert_eq!(LocalStack::shared().endpoint(), localstack.endpoint());
}
