//! The emulators that start within a second.

use reelgate_stand_ins::ministack::Auth;
use reelgate_stand_ins::{KinesisLocal, Ministack};

use crate::json_call;

fn is_gone(endpoint: &str) -> bool {
    let port: u16 = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    std::net::TcpStream::connect(("127.0.0.1", port)).is_err()
}

#[test]
fn kinesis_local_lists_no_streams_and_is_gone_afterwards() {
    let kinesis = KinesisLocal::start();
    let endpoint = kinesis.endpoint().to_owned();
    let streams = json_call(&endpoint, "kinesis", "Kinesis_20131202.ListStreams", "{}");
    assert!(streams.contains(r#""StreamNames":[]"#), "{streams}");
    drop(kinesis);
    assert!(is_gone(&endpoint));
}

#[test]
fn ministack_with_enforcement_refuses_an_unknown_key() {
    let open = Ministack::start(Auth::Open);
    let enforcing = Ministack::start(Auth::Enforced);
    let ask = |endpoint: &str| {
        let scope = "Credential=nobody/20260101/us-east-1/s3/aws4_request";
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let call = agent.put(format!("{endpoint}/some-bucket"));
        let call = call.header("x-amz-date", "20260101T000000Z");
        let call = call
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00"));
        call.send_empty().unwrap().status().as_u16()
    };
    assert_eq!(ask(open.endpoint()), 200);
    assert_eq!(ask(enforcing.endpoint()), 403);
    let endpoint = enforcing.endpoint().to_owned();
    drop(enforcing);
    assert!(is_gone(&endpoint));
}
