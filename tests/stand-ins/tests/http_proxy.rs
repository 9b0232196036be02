//! What a client sees of each fault, and whether its request took effect.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reelgate_stand_ins::ministack::Auth;
use reelgate_stand_ins::proxy::{Asked, by_seed};
use reelgate_stand_ins::{Fault, FaultProxy, Ministack};

const BODY_BYTES: usize = 300_000;

/// A server with an object, a proxy in front of it, and the object's URL at the proxy.
fn object_behind_proxy() -> (Ministack, FaultProxy, String) {
    let server = Ministack::start(Auth::Open);
    ureq::put(format!("{}/bucket", server.endpoint())).send_empty().unwrap();
    ureq::put(format!("{}/bucket/clip", server.endpoint())).send(&body()).unwrap();
    let proxy = FaultProxy::before(server.endpoint());
    let url = format!("{}/bucket/clip", proxy.endpoint());
    (server, proxy, url)
}

fn body() -> Vec<u8> {
    (0..BODY_BYTES).map(|n| (n % 251) as u8).collect()
}

/// The bytes of a response's body that arrive, and how the body ends.
fn get(url: &str) -> (Vec<u8>, Result<(), std::io::ErrorKind>) {
    let mut answer = ureq::get(url).call().unwrap();
    let mut reader = answer.body_mut().as_reader();
    let (mut arrived, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return (arrived, Ok(())),
            Ok(some) => arrived.extend_from_slice(&piece[..some]),
            Err(error) => return (arrived, Err(error.kind())),
        }
    }
}

fn any(_: &Asked) -> bool {
    true
}

#[test]
fn without_a_rule_everything_arrives_unchanged() {
    let (_server, proxy, url) = object_behind_proxy();
    assert_eq!(get(&url), (body(), Ok(())));
    assert_eq!(proxy.hits(), []);
    assert_eq!(proxy.asked(), 1);
}

#[test]
fn an_answer_of_the_proxy_never_reaches_the_server() {
    let (server, proxy, _) = object_behind_proxy();
    let url = |endpoint: &str| format!("{endpoint}/bucket/other?partNumber=1");
    proxy.next(1, Fault::slow_down(), |asked| asked.method == "PUT");
    let refused = ureq::put(url(proxy.endpoint())).send(&body()).unwrap_err();
    assert!(matches!(refused, ureq::Error::StatusCode(503)), "{refused}");
    assert!(ureq::get(url(server.endpoint())).call().is_err());
    let hits = proxy.hits();
    assert_eq!(hits.len(), 1);
    assert_eq!(
        (hits[0].asked.path.as_str(), hits[0].asked.query.as_str()),
        ("/bucket/other", "partNumber=1")
    );
    ureq::put(url(proxy.endpoint())).send(&body()).unwrap(); // the rule was for one request
}

#[test]
fn a_truncated_body_ends_early_and_a_reset_one_by_a_reset() {
    let (_server, proxy, url) = object_behind_proxy();
    proxy.next(1, Fault::Truncated { after: 1234 }, any);
    let (arrived, end) = get(&url);
    assert_eq!((arrived.len(), end), (1234, Err(std::io::ErrorKind::UnexpectedEof)));
    proxy.next(1, Fault::Reset { after: 200_000 }, any);
    // A plain socket, because the client above reports every early end as the same error.
    let address = proxy.endpoint().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET /bucket/clip HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let copied = std::io::copy(&mut stream, &mut std::io::sink());
    assert_eq!(copied.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(proxy.hits().len(), 2);
}

#[test]
fn a_shortened_body_looks_complete_and_a_flipped_one_differs_in_one_byte() {
    let (_server, proxy, url) = object_behind_proxy();
    proxy.next(1, Fault::Shortened { after: 100_000 }, any);
    assert_eq!(get(&url), (body()[..100_000].to_vec(), Ok(())));
    proxy.next(1, Fault::Flipped { at: 250_000 }, any);
    let (arrived, end) = get(&url);
    assert_eq!(end, Ok(()));
    let sent = body();
    let differing: Vec<usize> = (0..BODY_BYTES).filter(|&at| arrived[at] != sent[at]).collect();
    assert_eq!(differing, [250_000]);
    proxy.next(1, Fault::Flipped { at: BODY_BYTES as u64 }, any);
    assert_eq!(get(&url), (body(), Ok(())));
    assert_eq!(proxy.hits().len(), 2, "a fault beyond the end took no effect");
}

#[test]
fn a_request_with_a_lost_response_takes_effect_and_an_interrupted_upload_does_not() {
    let (server, proxy, _) = object_behind_proxy();
    let put = |name: &str| ureq::put(format!("{}/bucket/{name}", proxy.endpoint())).send(&body());
    let there = |name: &str| ureq::get(format!("{}/bucket/{name}", server.endpoint())).call().is_ok();
    proxy.next(1, Fault::Unanswered, any);
    assert!(put("done").is_err());
    assert!(there("done"));
    proxy.next(1, Fault::ResetUpload { after: 1000 }, any);
    assert!(put("broken").is_err());
    assert!(!there("broken"));
    assert_eq!(proxy.hits().len(), 2);
}

#[test]
fn slow_and_late_responses_arrive_complete() {
    let (_server, proxy, url) = object_behind_proxy();
    proxy.next(1, Fault::Slow { bytes_per_s: 10_000_000 }, any);
    assert_eq!(get(&url), (body(), Ok(())));
    proxy.next(1, Fault::Late(Duration::from_millis(1)), any);
    assert_eq!(get(&url), (body(), Ok(())));
    assert_eq!(proxy.hits().len(), 2);
}

#[test]
fn the_same_seed_selects_the_same_requests() {
    let asked = |number| Asked {
        number,
        method: "GET".to_owned(),
        path: "/bucket/clip".to_owned(),
        query: String::new(),
        target: String::new(),
    };
    let drawn = |seed| {
        let rule = by_seed(seed, 300, vec![Fault::Unanswered, Fault::slow_down()]);
        (0..1000).map(|number| rule(&asked(number))).collect::<Vec<_>>()
    };
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    let count = |fault: &Fault| drawn(7).iter().filter(|one| *one == fault).count();
    assert!((600..800).contains(&count(&Fault::None)), "{}", count(&Fault::None));
    assert!(count(&Fault::Unanswered) > 100 && count(&Fault::slow_down()) > 100);
}
