//! Notifier: every receiver gets every notice, whatever the others do, and a drain waits for none but the one that is under way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use async_trait::async_trait;
use reelgate_flow::ids::{NoticeId, ReceiverName};
use reelgate_ports::error::PortResult;
use reelgate_ports::notices::{Notices, Receiver};
use reelgate_ports::records::NoticeRecord;
use reelgate_ports::store::{Outbox as _, Queries as _};

use super::fixture::{FakeNotices, Fixture, UNSERVED_MS, in_virtual_time, until};
use crate::engine_context::{EngineContext, Roles};
use crate::messages::{Role, WorkEnded};
use crate::notifier::Notifier;

fn start(fixture: &Fixture) -> Addr<Notifier> {
    Notifier::new(fixture.context.clone(), fixture.guard(Role::Notifier)).start()
}

/// Several receivers, by name.
fn receivers(names: &[&str]) -> (Vec<Arc<FakeNotices>>, Vec<Receiver>) {
    let fakes: Vec<Arc<FakeNotices>> = names.iter().map(|_| Arc::default()).collect();
    let receiver = |(name, fake): (&&str, &Arc<FakeNotices>)| Receiver {
        name: ReceiverName::new(*name),
        port: fake.clone(),
    };
    let receivers = names.iter().zip(&fakes).map(receiver).collect();
    (fakes, receivers)
}

fn ids(receiver: &FakeNotices) -> Vec<NoticeId> {
    receiver.delivered().into_iter().map(|notice| notice.id).collect()
}

/// Whether these are this many notices, each once.
fn each_once(ids: &[NoticeId], notices: usize) -> bool {
    ids.len() == notices && ids.iter().collect::<BTreeSet<_>>().len() == notices
}

async fn outbox_is_empty(fixture: &Fixture) -> bool {
    fixture.store.backlog().await.unwrap().outbox == 0
}

#[test]
fn a_notifier_that_must_end_records_what_it_has_delivered_and_leaves_the_rest() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        for key in ["a", "b", "c"] {
            fixture.reject(key).await;
        }
        fixture.notices.slow(Duration::from_secs(2));
        let notifier = start(&fixture);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(fixture.notices.delivered().len(), 1, "the second is under way");
        notifier.send(WorkEnded).await.unwrap();
        until("the notifier has ended", async || !notifier.connected()).await;
        assert_eq!(fixture.notices.delivered().len(), 2);
        assert_eq!(
            fixture.store.backlog().await.unwrap().outbox,
            1,
            "the third is delivered by another node"
        );
    });
}

/// A receiver of alerts that are more severe than any notice here.
struct Unconcerned(Arc<FakeNotices>);

#[async_trait]
impl Notices for Unconcerned {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        self.0.deliver(notice).await
    }

    fn wants(&self, _: &NoticeRecord) -> bool {
        false
    }

    async fn check(&self) -> PortResult<String> {
        self.0.check().await
    }
}

#[test]
fn a_receiver_gets_and_is_owed_only_the_notices_that_it_wants() {
    in_virtual_time(async {
        let (fakes, mut receivers) = receivers(&["alerts", "file"]);
        receivers[0].port = Arc::new(Unconcerned(fakes[0].clone()));
        let fixture = Fixture::with(|context| context.notices = receivers);
        let _notifier = start(&fixture);
        fixture.reject("a").await;
        until("the other receiver has it", async || fakes[1].delivered().len() == 1).await;
        until("nothing is owed", async || outbox_is_empty(&fixture).await).await;
        assert_eq!(fakes[0].delivered(), []);
    });
}

#[test]
fn a_receiver_that_is_down_for_an_hour_costs_the_others_nothing_and_gets_all_when_it_is_back() {
    in_virtual_time(async {
        const NOTICES: usize = 12;
        let (fakes, receivers) = receivers(&["webhook", "topic", "file"]);
        fakes[1].set_down(true);
        let fixture = Fixture::with(|context| context.notices = receivers);
        let _notifier = start(&fixture);
        for number in 0..NOTICES {
            fixture.reject(&format!("upload {number}")).await;
            until("the others have it", async || {
                [0, 2].iter().all(|at| ids(&fakes[*at]).len() == number + 1)
            })
            .await;
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
        for at in [0, 2] {
            assert!(each_once(&ids(&fakes[at]), NOTICES), "{:?}", ids(&fakes[at]));
        }
        assert_eq!(ids(&fakes[1]), []);
        let owed = fixture.store.backlog().await.unwrap().deliveries;
        assert_eq!((owed.len(), owed[0].receiver.as_str(), owed[0].notices), (1, "topic", NOTICES as u64));
        assert!(owed[0].oldest_ms >= 3_600_000, "{owed:?}");
        fakes[1].set_down(false);
        until("it has got all", async || outbox_is_empty(&fixture).await).await;
        for fake in &fakes {
            assert!(each_once(&ids(fake), NOTICES), "{:?}", ids(fake));
        }
    });
}

#[test]
fn a_receiver_that_refuses_one_notice_gets_the_others() {
    in_virtual_time(async {
        let (fakes, receivers) = receivers(&["webhook"]);
        let fixture = Fixture::with(|context| context.notices = receivers);
        fakes[0].set_down(true);
        let _notifier = start(&fixture);
        for key in ["a", "b"] {
            fixture.reject(key).await;
        }
        until("both were refused", async || fakes[0].tried() >= 2).await;
        fakes[0].set_down(false);
        until("both are delivered", async || outbox_is_empty(&fixture).await).await;
        assert!(each_once(&ids(&fakes[0]), 2));
    });
}

#[test]
fn a_batch_to_a_slow_receiver_ends_before_another_node_takes_it() {
    in_virtual_time(async {
        const NOTICES: usize = 16;
        let (fakes, receivers) = receivers(&["webhook"]);
        fakes[0].slow(Duration::from_secs(9));
        let fixture = Fixture::with(|context| context.notices = receivers);
        for number in 0..NOTICES {
            fixture.reject(&format!("upload {number}")).await;
        }
        let _nodes = [start(&fixture), start(&fixture)];
        until("everything is delivered", async || outbox_is_empty(&fixture).await).await;
        assert!(each_once(&ids(&fakes[0]), NOTICES), "{} deliveries", ids(&fakes[0]).len());
    });
}

#[test]
fn a_receiver_that_never_answers_is_tried_again_and_holds_up_no_other() {
    in_virtual_time(async {
        let (fakes, receivers) = receivers(&["webhook", "file"]);
        fakes[0].slow(Duration::from_secs(86_400));
        let fixture = Fixture::with(|context| context.notices = receivers);
        let _notifier = start(&fixture);
        fixture.reject("a").await;
        until("the other has it", async || ids(&fakes[1]).len() == 1).await;
        until("it is tried again", async || fakes[0].tried() > 2).await;
        fakes[0].slow(Duration::ZERO);
        until("it has it too", async || outbox_is_empty(&fixture).await).await;
        assert!(fakes.iter().all(|fake| each_once(&ids(fake), 1)));
    });
}

#[test]
fn a_node_that_may_not_notify_leaves_notices_to_those_that_may() {
    in_virtual_time(async {
        let heavy = |context: &mut EngineContext| {
            context.roles = Roles { intake: true, light: false, heavy: true };
        };
        let fixture = Fixture::with(heavy);
        fixture.reject("a").await;
        let notifier = start(&fixture);
        tokio::time::sleep(Duration::from_secs(120)).await;
        let due = fixture.store.outbox(10, 0).await.unwrap();
        assert_eq!((due.len(), due[0].tries), (1, 0), "it is due for a node that may");
        assert_eq!(fixture.notices.tried(), 0);
        notifier.send(WorkEnded).await.unwrap();
        until("the notifier has ended", async || !notifier.connected()).await;
    });
}

#[test]
fn notices_of_a_receiver_that_was_taken_out_of_the_configuration_end() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.reject("a").await;
        let id = fixture.store.outbox(1, 0).await.unwrap()[0].id.clone();
        let removed = ReceiverName::new("topic");
        fixture.store.address_notices(&[(id, vec![removed.clone()])]).await.unwrap();
        let _notifier = start(&fixture);
        tokio::time::sleep(Duration::from_millis(UNSERVED_MS - 1_000)).await;
        assert_eq!(fixture.store.backlog().await.unwrap().outbox, 1, "another node may serve it");
        until("it has ended", async || outbox_is_empty(&fixture).await).await;
        assert_eq!(fixture.counted("reelgate_notices_total", Some("ended")), 1);
        assert_eq!(fixture.notices.tried(), 0);
    });
}
