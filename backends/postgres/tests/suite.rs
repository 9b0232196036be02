//! What every store must do.

use crate::temp_database::TempDatabase;

reelgate_conformance::store_suite!(TempDatabase::new());
