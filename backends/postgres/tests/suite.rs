//! What every store must do.

use crate::temp_database::TempDatabase;

reelgate_ports::store_suite!(TempDatabase::new());
