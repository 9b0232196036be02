//! The test suite of object stores.

mod fixture;
pub mod holds;
pub mod publishing;
pub mod sources;
pub mod staging;
pub mod withdrawal_record;
pub mod withdrawing;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::Objects;
use reelgate_ports::records::SourceRecord;

/// An object store under test, with a way to upload and to see what is visible from outside.
#[async_trait]
pub trait ObjectsHome: Send + Sync {
    /// The store under test.
    fn objects(&self) -> Arc<dyn Objects>;

    /// Uploads bytes under a key, replacing an earlier upload; returns the source as intake would record it.
    async fn put(&self, key: &str, bytes: &[u8]) -> SourceRecord;

    /// Removes an upload without the store, as a producer would.
    async fn remove(&self, key: &str);

    /// The kind of error with which an upload that was replaced is refused.
    fn replaced(&self) -> ErrorKind;

    /// The kind of error with which an upload that was removed is refused.
    fn removed(&self) -> ErrorKind;

    /// Everything that is visible below `published`: bytes by full path.
    async fn visible(&self) -> BTreeMap<String, Vec<u8>>;

    /// The bytes of a source that a withdrawal moved to this location; `None` if there is none.
    async fn moved_source(&self, location: &str) -> Option<Vec<u8>>;

    /// Whether the upload of this key is still where it was uploaded.
    async fn is_uploaded(&self, key: &str) -> bool;
}

/// Expands to one test per behaviour of an object store. `$home` is an expression that makes a new [`ObjectsHome`].
#[macro_export]
macro_rules! objects_suite {
    ($home:expr) => {
        $crate::objects_suite! { @each $home;
            sources: {
                an_upload_is_read_unchanged
                keys_of_any_text_are_read
                a_replaced_upload_is_not_read
                a_removed_upload_is_not_read
                a_sidecar_is_read_up_to_its_limit
                a_location_outside_is_refused
            }
            staging: {
                staged_outputs_are_listed_in_order_with_size_and_hash
                a_dropped_writer_leaves_nothing
                attempts_do_not_see_each_other
                a_damaged_or_oversized_output_is_refused
                parts_of_staged_and_visible_files_are_read_and_verified
                names_that_leave_the_staging_area_are_refused
                a_misused_writer_returns_an_error
                discarding_removes_all_attempts_of_one_asset_only
            }
            publishing: {
                a_publication_is_visible_whole_and_only_then
                publishing_twice_changes_nothing
                a_new_publication_of_the_same_asset_keeps_the_published_files_that_it_names
                a_manifest_is_read_back_if_there_is_one
                what_is_visible_is_measured_as_it_is
                a_newer_version_replaces_every_file_of_the_older_one
                an_older_version_never_replaces_a_newer_one
                another_key_does_not_take_the_path_of_a_publication
                a_publication_inside_another_one_is_refused
                a_missing_or_cut_output_publishes_nothing
                copies_of_an_original_outlive_it
                paths_that_leave_the_publish_area_are_refused
            }
            withdrawing: {
                a_rejected_upload_leaves_no_output_and_its_source_is_moved_unchanged
                a_quarantined_upload_leaves_no_output_and_its_source_is_moved_unchanged
                a_superseded_asset_leaves_the_newer_outputs_and_every_source_alone
                withdrawing_twice_changes_nothing
                withdrawing_without_any_source_still_removes_the_outputs
                a_source_replaced_meanwhile_stays_where_it_is
                a_moved_source_can_still_be_read
                the_check_changes_nothing
            }
            holds: {
                what_a_newer_version_replaces_is_kept_until_its_asset_is_withdrawn
                outputs_are_kept_by_every_exit_that_must_keep_them
                a_replacement_that_is_repeated_keeps_the_same
                a_kept_source_outlives_a_newer_upload_and_the_removal_of_its_own
                a_kept_source_leaves_together_with_its_upload
            }
            withdrawal_record: {
                a_quarantined_asset_is_restored_byte_for_byte
                a_release_twice_changes_nothing
                an_asset_that_was_never_visible_is_restored_without_outputs
                a_released_asset_can_be_quarantined_again
                a_release_does_not_replace_another_publication
                a_withdrawal_record_names_everything_that_was_removed_and_no_key
                a_repeated_withdrawal_returns_the_same_record
                erasing_leaves_nothing_anywhere
                erasing_leaves_a_newer_upload_of_the_key_alone
            }
        }
    };
    (@each $home:expr; $($module:ident: { $($test:ident)* })*) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test]
            async fn $test() {
                $crate::objects::$module::$test(&$home).await;
            })*
        })*
    };
}
