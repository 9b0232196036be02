//! What every store must do.

use crate::home::Home;

reelgate_ports::store_suite!(Home::new());
