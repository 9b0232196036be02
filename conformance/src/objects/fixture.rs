//! Steps that several tests of object stores share.

use reelgate_flow::asset::{Exit, Verdict};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;

use super::ObjectsHome;
use crate::samples::next_turn;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::{Publication, PublishItem};
use reelgate_ports::records::{Fence, SourceRecord, StagedOutput};

pub fn fence(source: &SourceRecord, attempt: u32) -> Fence {
    Fence { asset: asset_id(&source.id), task: TaskKey::Video { chunk: 0 }, attempt }
}

pub fn id(source: &SourceRecord) -> AssetId {
    asset_id(&source.id)
}

/// Stages files for an asset.
pub async fn stage(
    home: &dyn ObjectsHome,
    source: &SourceRecord,
    files: &[(&str, &[u8])],
) -> Vec<StagedOutput> {
    let mut writer = home.objects().stage(&fence(source, 1)).await.unwrap();
    for (name, bytes) in files {
        writer.open(name).unwrap();
        writer.write(bytes).unwrap();
        writer.close().unwrap();
    }
    writer.finish().unwrap()
}

/// Publishes staged files under their own names.
pub fn publication(source: &SourceRecord, path: &str, staged: &[StagedOutput]) -> Publication {
    let items = staged.iter().map(|staged| PublishItem { staged: staged.clone(), name: staged.name.clone() });
    let names: Vec<&str> = staged.iter().map(|staged| staged.sha256.as_str()).collect();
    Publication {
        turn: next_turn(&id(source)),
        source: source.clone(),
        path: path.into(),
        items: items.collect(),
        manifest: serde_json::json!({"outputs": names}).to_string().into_bytes(),
        verdict: Verdict::Clean,
        surfaces: "analysed=name".into(),
    }
}

/// An upload with one visible file `v.m4s` that holds `bytes`, below `path`.
pub async fn published(home: &dyn ObjectsHome, key: &str, path: &str, bytes: &[u8]) -> SourceRecord {
    let source = home.put(key, bytes).await;
    let staged = stage(home, &source, &[("v.m4s", bytes)]).await;
    home.objects().publish(&publication(&source, path, &staged)).await.unwrap();
    source
}

/// Names of the visible files, without hidden files of the store.
pub async fn names(home: &dyn ObjectsHome) -> Vec<String> {
    let hidden = |name: &String| name.rsplit('/').next().is_some_and(|last| last.starts_with('.'));
    home.visible().await.into_keys().filter(|name| !hidden(name)).collect()
}

pub async fn withdraw(home: &dyn ObjectsHome, source: &SourceRecord, path: &str, exit: Exit) -> String {
    home.objects()
        .withdraw(&next_turn(&id(source)), Some(path), source, exit, exit == Exit::Quarantine)
        .await
        .unwrap()
        .source_location
}
