//! Reading uploads.

use std::io::Read;

use super::ObjectsHome;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::SourceRecord;

async fn bytes(home: &dyn ObjectsHome, source: &SourceRecord) -> Vec<u8> {
    let opened = home.objects().open(source).await.unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut opened.file.take(1_000_000), &mut bytes).unwrap();
    assert_eq!(opened.size_bytes, bytes.len() as u64);
    bytes
}

pub async fn an_upload_is_read_unchanged(home: &dyn ObjectsHome) {
    let source = home.put("a.mp4", b"content").await;
    assert_eq!(bytes(home, &source).await, b"content");
    home.objects().check_current(&source).await.unwrap();
}

pub async fn keys_of_any_text_are_read(home: &dyn ObjectsHome) {
    let long = format!("deep/{}", "n".repeat(255));
    for key in ["a b+c%2F.mp4", "über/фильм 🎬.mov", "line\nbreak '\"\\.mp4", "...", long.as_str()] {
        let source = home.put(key, key.as_bytes()).await;
        assert_eq!(bytes(home, &source).await, key.as_bytes(), "{key}");
    }
}

pub async fn a_replaced_upload_is_not_read(home: &dyn ObjectsHome) {
    let source = home.put("a.mp4", b"first").await;
    home.put("a.mp4", b"second").await;
    assert_eq!(home.objects().open(&source).await.unwrap_err().kind, home.replaced());
    assert_eq!(home.objects().check_current(&source).await.unwrap_err().kind, home.replaced());
}

pub async fn a_removed_upload_is_not_read(home: &dyn ObjectsHome) {
    let source = home.put("a.mp4", b"first").await;
    home.remove("a.mp4").await;
    assert_eq!(home.objects().open(&source).await.unwrap_err().kind, home.removed());
    assert_eq!(home.objects().check_current(&source).await.unwrap_err().kind, home.removed());
}

pub async fn a_sidecar_is_read_up_to_its_limit(home: &dyn ObjectsHome) {
    let source = home.put("ü b.mp4", b"content").await;
    let objects = home.objects();
    assert_eq!(objects.sidecar(&source, ".sha256", 100).await.unwrap(), None);
    home.put("ü b.mp4.sha256", b"0123456789").await;
    assert_eq!(objects.sidecar(&source, ".sha256", 10).await.unwrap().as_deref(), Some(&b"0123456789"[..]));
    assert_eq!(objects.sidecar(&source, ".sha256", 9).await.unwrap_err().kind, ErrorKind::Invalid);
}

pub async fn a_location_outside_is_refused(home: &dyn ObjectsHome) {
    let source = home.put("a.mp4", b"content").await;
    let climbing = source.location.replace("a.mp4", "../a.mp4");
    let outside = ["file:/etc/hostname", "/etc/hostname", "../a.mp4", "", climbing.as_str()];
    for location in outside {
        let moved = SourceRecord { location: location.into(), ..source.clone() };
        let refused = home.objects().open(&moved).await.unwrap_err().kind;
        assert!(matches!(refused, ErrorKind::Invalid | ErrorKind::Corrupt), "{location}: {refused:?}");
    }
}
