//! Objects in S3.

mod details;
mod faults;
mod home;
mod uploading;

use home::Home;

mod versioned {
    use super::*;

    reelgate_conformance::objects_suite!(Home::versioned().await);
}

mod unversioned {
    use super::*;

    reelgate_conformance::objects_suite!(Home::unversioned().await);
}
