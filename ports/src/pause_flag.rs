//! A flag outside of the store that pauses heavy work while it is set: for whoever cannot reach the database, such as a budget that is spent.

use async_trait::async_trait;

use crate::error::PortResult;
use crate::records::{HeavyPause, Principal};

/// How the store knows who ordered a pause, if it was a flag. No person is known like this.
const BY_FLAG: &str = "flag";

/// The flag. Where it is set, the store's pause follows it; where it is not, the store alone decides.
#[async_trait]
pub trait PauseFlag: Send + Sync {
    /// Its name, by which people find it.
    fn name(&self) -> &str;

    /// Why heavy work is to be paused; `None` while the flag is not set.
    async fn reason(&self) -> PortResult<Option<String>>;
}

/// Who ordered a pause that a flag of this name stands for.
pub fn principal(flag: &str) -> Principal {
    Principal { name: flag.to_owned(), how: BY_FLAG.to_owned() }
}

/// Whether a flag ordered the pause, and no person.
pub fn ordered(pause: &HeavyPause) -> bool {
    pause.by.how == BY_FLAG
}
