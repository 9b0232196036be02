//! The test suite of event sources: events come at least once, until they are acknowledged, and always with the same identity.

use std::sync::Arc;

use async_trait::async_trait;

use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::identity::asset_id;

/// Maximum number of polls until an event comes: a source may check an upload twice before it reports it.
const POLLS_MAX: usize = 5;

/// An event source under test, with a way to upload.
#[async_trait]
pub trait EventsHome: Send + Sync {
    /// The source as a process sees it that has just started.
    fn events(&self) -> Arc<dyn Events>;

    /// Completes an upload.
    async fn put(&self, key: &str, bytes: &[u8]);
}

/// Expands to one test per behaviour of an event source. `$home` is an expression that makes a new [`EventsHome`].
#[macro_export]
macro_rules! events_suite {
    ($home:expr) => {
        $crate::events_suite! { @each $home;
            an_upload_comes_until_it_is_acknowledged
            a_restarted_process_sees_the_same_upload_as_the_same_asset
            a_changed_upload_is_a_later_version_of_its_key
            a_poll_returns_at_most_the_asked_number_and_the_rest_later
            keys_of_any_text_come_whole
            a_source_without_uploads_returns_an_empty_batch
        }
    };
    (@each $home:expr; $($test:ident)*) => {
        $(#[tokio::test]
        async fn $test() {
            $crate::events::$test(&$home).await;
        })*
    };
}

async fn poll(events: &dyn Events, events_max: usize) -> EventBatch {
    for _ in 0..POLLS_MAX {
        let found = events.poll(events_max).await.unwrap();
        if !found.is_empty() {
            return found;
        }
    }
    EventBatch::default()
}

pub async fn an_upload_comes_until_it_is_acknowledged(home: &dyn EventsHome) {
    home.put("a.mp4", b"12345").await;
    let events = home.events();
    let first = poll(&*events, 10).await;
    assert_eq!(
        (first.events.len(), first.events[0].source.key.as_str(), first.events[0].size_bytes),
        (1, "a.mp4", 5)
    );
    assert_eq!(poll(&*events, 10).await, first, "not acknowledged yet");
    events.acknowledge(&first).await.unwrap();
    assert!(poll(&*events, 10).await.events.is_empty());
}

pub async fn a_restarted_process_sees_the_same_upload_as_the_same_asset(home: &dyn EventsHome) {
    home.put("a.mp4", b"12345").await;
    let before = poll(&*home.events(), 10).await;
    let after = poll(&*home.events(), 10).await;
    assert_eq!(before.events.len(), 1);
    assert_eq!(asset_id(&before.events[0].source), asset_id(&after.events[0].source));
}

pub async fn a_changed_upload_is_a_later_version_of_its_key(home: &dyn EventsHome) {
    let events = home.events();
    let mut seen = Vec::new();
    for bytes in [&b"first"[..], b"second"] {
        home.put("a.mp4", bytes).await;
        let found = poll(&*events, 10).await;
        events.acknowledge(&found).await.unwrap();
        seen.extend(found.events);
    }
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].source.key, seen[1].source.key);
    assert_ne!(seen[0].source.version, seen[1].source.version);
    assert!(seen[0].sequencer <= seen[1].sequencer);
}

pub async fn a_poll_returns_at_most_the_asked_number_and_the_rest_later(home: &dyn EventsHome) {
    for key in ["a", "b", "c"] {
        home.put(key, b"x").await;
    }
    let events = home.events();
    let mut keys = Vec::new();
    for expected in [2, 1] {
        let found = poll(&*events, 2).await;
        assert_eq!(found.events.len(), expected);
        events.acknowledge(&found).await.unwrap();
        keys.extend(found.events.into_iter().map(|event| event.source.key));
    }
    keys.sort();
    assert_eq!(keys, ["a", "b", "c"]);
}

pub async fn keys_of_any_text_come_whole(home: &dyn EventsHome) {
    let keys = ["a b+c%2F.mp4", "line\nbreak '\"\\.mp4", "über/фильм 🎬.mov"];
    for key in keys {
        home.put(key, b"x").await;
    }
    let mut found: Vec<_> =
        poll(&*home.events(), 10).await.events.into_iter().map(|e| e.source.key).collect();
    found.sort();
    assert_eq!(found, keys);
}

pub async fn a_source_without_uploads_returns_an_empty_batch(home: &dyn EventsHome) {
    let events = home.events();
    assert!(poll(&*events, 10).await.events.is_empty());
    assert!(!events.check().await.unwrap().is_empty());
}
