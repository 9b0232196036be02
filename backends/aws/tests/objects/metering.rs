//! What an attempt's requests cost is counted where they are sent: each of them, retries too, on whatever thread.

use reelgate_conformance::objects::ObjectsHome;
use reelgate_cost::resource::Resource;
use reelgate_ports::meter::Meter;
use reelgate_ports::objects::Objects;
use reelgate_stand_ins::proxy::Asked;
use reelgate_stand_ins::{Fault, FaultProxy};

use super::details::{noise, publication, read, stage};
use super::scratch_buckets::ScratchBuckets;

fn count(meter: &Meter, resource: Resource) -> u64 {
    meter.counts().iter().find(|(of, _)| *of == resource).map_or(0, |(_, count)| *count)
}

fn all(meter: &Meter) -> u64 {
    meter.counts().iter().map(|(_, count)| count).sum()
}

#[tokio::test]
async fn each_request_of_an_attempt_is_counted_by_its_kind_and_repeated_ones_too() {
    let home = ScratchBuckets::versioned().await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    let source = home.put("a", &noise(3 << 20)).await;

    let reading = Meter::default();
    reading.clone().within(read(&objects, &source)).await;
    assert_eq!((all(&reading), proxy.asked()), (4, 4), "three ranges and a version check");
    assert_eq!(count(&reading, Resource::S3Get), 3);

    // The blocking writer makes its requests on threads of its own, and one response is lost.
    let (staging, before) = (Meter::default(), proxy.asked());
    proxy.next(1, Fault::Unanswered, |asked: &Asked| asked.method == "PUT" && asked.path.contains("/work/"));
    let staged = staging.clone().within(stage(&objects, &source, &noise((5 << 20) + 1))).await;
    assert_eq!(proxy.hits().len(), 1);
    assert_eq!(all(&staging), (proxy.asked() - before) as u64);
    assert!(count(&staging, Resource::S3Put) >= 5, "{:?}", staging.counts());
    assert!(count(&staging, Resource::S3List) >= 2, "{:?}", staging.counts());

    let (publishing, before) = (Meter::default(), proxy.asked());
    let publication = publication(&source, &staged);
    publishing.clone().within(objects.publish(&publication)).await.unwrap();
    assert!(count(&publishing, Resource::S3Copy) >= 1, "{:?}", publishing.counts());
    assert!(all(&publishing) <= (proxy.asked() - before) as u64, "what is not counted is free");

    // Nobody pays for what no attempt asks for.
    let counted = all(&reading);
    read(&objects, &source).await;
    assert_eq!(all(&reading), counted);
}
