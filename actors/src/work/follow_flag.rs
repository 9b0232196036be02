//! Makes the store's pause of heavy work follow a flag outside of the store.

use reelgate_ports::error::PortResult;
use reelgate_ports::pause_flag::{PauseFlag, ordered, principal};
use reelgate_ports::store::Store;

/// Pauses heavy work if the flag is set and nothing pauses it yet, and ends the pause that a flag ordered when it is set no more. A
/// person's pause stays: heavy work goes on when neither wants it paused. An order that a person gives between the calls of one round
/// may be taken for the flag's.
pub async fn follow_flag(store: &dyn Store, flag: &dyn PauseFlag) -> PortResult<()> {
    let (reason, pause) = (flag.reason().await?, store.heavy_pause().await?);
    let name = flag.name();
    match (reason, pause) {
        (Some(reason), None) => {
            store.pause_heavy(&reason, &principal(name)).await?;
            tracing::warn!(
                flag = name,
                reason,
                "heavy work paused: no node begins any until the flag is removed"
            );
        }
        (None, Some(pause)) if ordered(&pause) => {
            store.resume_heavy().await?;
            tracing::info!(flag = name, "flag removed: nodes begin heavy work again");
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use reelgate_ports::clock::SystemClock;
    use reelgate_ports::error::{ErrorKind, Port, PortError};
    use reelgate_ports::records::Principal;
    use reelgate_ports::store::Nodes;
    use reelgate_store::memory::MemoryStore;

    use super::*;

    /// What the flag says; `Err` while its service does not answer.
    struct FakeFlag(Mutex<Result<Option<&'static str>, ()>>);

    #[async_trait]
    impl PauseFlag for FakeFlag {
        fn name(&self) -> &str {
            "/reelgate/test/flags/pause-heavy"
        }

        async fn reason(&self) -> PortResult<Option<String>> {
            let said = *self.0.lock().unwrap();
            let said = said.map_err(|()| {
                PortError::new(Port::Settings, ErrorKind::Unavailable, "read parameters", "no answer")
            })?;
            Ok(said.map(str::to_owned))
        }
    }

    /// Who pauses heavy work and why, after the flag has said this.
    async fn after(
        store: &MemoryStore,
        flag: &FakeFlag,
        said: Result<Option<&'static str>, ()>,
    ) -> Option<(String, String)> {
        *flag.0.lock().unwrap() = said;
        assert_eq!(follow_flag(store, flag).await.is_err(), said.is_err());
        store.heavy_pause().await.unwrap().map(|pause| (pause.by.name, pause.reason))
    }

    #[tokio::test]
    async fn heavy_work_goes_on_when_neither_the_flag_nor_a_person_pauses_it() {
        let (store, flag) = (MemoryStore::new(Arc::new(SystemClock)), FakeFlag(Mutex::new(Ok(None))));
        let of_flag = || Some((flag.name().to_owned(), "budget spent".to_owned()));
        let of_ann = || Some(("ann".to_owned(), "ticket 17".to_owned()));
        let ann = Principal { name: "ann".to_owned(), how: "uid 1000 on media-7".to_owned() };

        assert_eq!(after(&store, &flag, Ok(None)).await, None);
        assert_eq!(after(&store, &flag, Ok(Some("budget spent"))).await, of_flag());
        assert_eq!(after(&store, &flag, Err(())).await, of_flag(), "no answer changes nothing");
        // A person who resumes while the flag is set is overruled.
        assert!(store.resume_heavy().await.unwrap());
        assert_eq!(after(&store, &flag, Ok(Some("budget spent"))).await, of_flag());
        assert_eq!(after(&store, &flag, Ok(None)).await, None);

        // A person's pause outlives the flag, whichever was first.
        store.pause_heavy("ticket 17", &ann).await.unwrap();
        assert_eq!(after(&store, &flag, Ok(Some("budget spent"))).await, of_ann());
        assert_eq!(after(&store, &flag, Ok(None)).await, of_ann());
        assert!(store.resume_heavy().await.unwrap());
        assert_eq!(after(&store, &flag, Ok(Some("budget spent"))).await, of_flag());
        store.pause_heavy("ticket 17", &ann).await.unwrap();
        assert_eq!(after(&store, &flag, Ok(None)).await, of_ann());
    }
}
