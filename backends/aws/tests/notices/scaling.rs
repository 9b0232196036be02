//! Protection from scale-in with a fake server, because no stand-in supports the call. The responses are those of the Auto
//! Scaling API Reference, `DescribeAutoScalingInstances` and `SetInstanceProtection`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use reelgate_aws::signal::ScaleInProtection;
use reelgate_ports::error::ErrorKind;

use crate::peers::config;

const IN_A_GROUP: &str = "<member><AutoScalingGroupName>heavy</AutoScalingGroupName></member>";

/// A server whose instances are in a group or in none, and which accepts or denies protection. It records its requests.
struct Service {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn new(found: &'static str, may_protect: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&asked);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let form = form(&connection);
                let (status, body) = match form.contains("Action=DescribeAutoScalingInstances") {
                    true => ("200 OK", described(found)),
                    false if may_protect => ("200 OK", PROTECTED.to_owned()),
                    false => ("403 Forbidden", DENIED.to_owned()),
                };
                requests.lock().unwrap().push(form);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n");
                write!(connection, "{head}connection: close\r\n\r\n{body}").unwrap();
            }
        });
        Self { endpoint, asked }
    }

    async fn client(&self) -> aws_sdk_autoscaling::Client {
        aws_sdk_autoscaling::Client::new(&config(&self.endpoint).await)
    }

    /// The requested protections, in order.
    fn protections(&self) -> Vec<bool> {
        let asked = self.asked.lock().unwrap();
        let orders = asked.iter().filter(|form| form.contains("Action=SetInstanceProtection"));
        orders
            .map(|form| {
                assert!(form.contains("AutoScalingGroupName=heavy") && form.contains("=i-1"), "{form}");
                form.contains("ProtectedFromScaleIn=true")
            })
            .collect()
    }
}

/// The body of a request.
fn form(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn described(found: &str) -> String {
    format!(
        "<DescribeAutoScalingInstancesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
         <DescribeAutoScalingInstancesResult><AutoScalingInstances>{found}</AutoScalingInstances>\
         </DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>"
    )
}

const PROTECTED: &str = "<SetInstanceProtectionResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
     <SetInstanceProtectionResult></SetInstanceProtectionResult></SetInstanceProtectionResponse>";
const DENIED: &str = "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type>\
     <Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/anna is not authorized to perform: \
     autoscaling:SetInstanceProtection on resource: *</Message></Error></ErrorResponse>";

#[tokio::test]
async fn protection_is_requested_only_if_it_changes() {
    let service = Service::new(IN_A_GROUP, true);
    let protection = ScaleInProtection::of(service.client().await, "i-1").await.unwrap();
    for protect in [true, true, false, false, true] {
        protection.set(protect).await.unwrap();
    }
    assert_eq!(service.protections(), [true, false, true]);
}

#[tokio::test]
async fn a_denied_protection_is_requested_again() {
    let service = Service::new(IN_A_GROUP, false);
    let protection = ScaleInProtection::of(service.client().await, "i-1").await.unwrap();
    for _ in 0..2 {
        let error = protection.set(true).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.detail.contains("the role lacks autoscaling:SetInstanceProtection"), "{error}");
        assert!(!error.detail.contains("anna"), "{error}");
    }
    assert_eq!(service.protections(), [true, true]);
}

#[tokio::test]
async fn an_instance_in_no_group_cannot_be_protected() {
    let service = Service::new("", true);
    let error = ScaleInProtection::of(service.client().await, "i-1").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}
