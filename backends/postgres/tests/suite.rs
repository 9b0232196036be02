//! What every store must do.

use crate::home::Home;

reelgate_conformance::store_suite!(Home::new());
