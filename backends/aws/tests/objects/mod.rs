//! Objects in S3.

mod details;
mod faults;
mod frozen;
mod metering;
mod scratch_buckets;
mod seal;
mod uploading;

use scratch_buckets::ScratchBuckets;

mod versioned {
    use super::*;

    reelgate_conformance::objects_suite!(ScratchBuckets::versioned().await);
}

mod unversioned {
    use super::*;

    reelgate_conformance::objects_suite!(ScratchBuckets::unversioned().await);
}
