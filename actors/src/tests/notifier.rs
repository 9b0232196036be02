//! Notifier: every notice is delivered, and a drain waits for none but the one that is under way.

use std::time::Duration;

use actix::Actor;
use reelgate_ports::store::Queries as _;

use super::fixture::{Fixture, in_virtual_time, until};
use crate::messages::{Role, WorkEnded};
use crate::notifier::Notifier;

#[test]
fn a_notifier_that_must_end_records_what_it_has_delivered_and_leaves_the_rest() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        for key in ["a", "b", "c"] {
            fixture.reject(key).await;
        }
        fixture.notices.slow(Duration::from_secs(2));
        let notifier = Notifier::new(fixture.context.clone(), fixture.guard(Role::Notifier)).start();
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
