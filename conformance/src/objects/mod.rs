//! The object store's suite.

mod fixture;
pub mod publishing;
pub mod sources;
pub mod staging;
pub mod withdrawal_record;
pub mod withdrawing;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use reelgate_ports::objects::Objects;
use reelgate_ports::records::SourceRecord;

/// An object store with a way to put uploads into it and to look at what the outside sees.
#[async_trait]
pub trait ObjectsHome: Send + Sync {
    /// The store under test.
    fn objects(&self) -> Arc<dyn Objects>;

    /// Uploads bytes under a key, in place of what was there, and returns the source as intake would record it.
    async fn put(&self, key: &str, bytes: &[u8]) -> SourceRecord;

    /// Removes an upload behind the store's back.
    async fn remove(&self, key: &str);

    /// Everything visible below `published`: path with all its folders → bytes.
    async fn visible(&self) -> BTreeMap<String, Vec<u8>>;

    /// The bytes of what a withdrawal moved, wherever that is.
    async fn moved_source(&self, location: &str) -> Option<Vec<u8>>;

    /// Whether uploads are listed where they were put (not moved).
    async fn is_uploaded(&self, key: &str) -> bool;
}

/// One test per behaviour of an object store. `$home` is an expression that makes a fresh [`ObjectsHome`].
#[macro_export]
macro_rules! objects_suite {
    ($home:expr) => {
        $crate::objects_suite! { @each $home;
            sources: {
                an_upload_is_read_as_it_was_put
                keys_of_any_text_are_read
                a_replaced_upload_is_a_conflict
                a_removed_upload_is_missing
                a_sidecar_is_read_where_there_is_one_and_only_up_to_its_limit
                a_location_outside_is_refused
            }
            staging: {
                staged_outputs_are_listed_in_order_with_size_and_hash
                a_dropped_writer_leaves_nothing
                attempts_do_not_see_each_other
                a_damaged_or_oversized_output_is_refused
                names_that_climb_are_refused
                a_misused_writer_says_so
                discarding_removes_all_attempts_of_one_asset_only
            }
            publishing: {
                a_publication_is_visible_whole_and_only_then
                publishing_twice_changes_nothing
                a_new_publication_of_the_same_asset_keeps_what_it_names_in_place
                a_manifest_is_read_back_where_one_stands
                a_newer_version_replaces_every_file_of_the_older_one
                an_older_version_never_replaces_a_newer_one
                another_key_does_not_take_a_path_that_is_taken
                a_publication_does_not_stand_inside_another_one
                a_missing_or_cut_output_publishes_nothing
                an_original_publishes_copies_that_outlive_the_first_one
                paths_that_climb_are_refused
            }
            withdrawing: {
                a_rejected_upload_leaves_no_output_and_is_set_apart_untouched
                a_quarantined_upload_leaves_no_output_and_is_set_apart_untouched
                a_superseded_asset_leaves_the_newer_outputs_and_every_source_alone
                withdrawing_twice_changes_nothing
                withdrawing_without_any_source_still_removes_the_outputs
                a_source_replaced_meanwhile_stays_where_it_is
                a_source_set_apart_can_be_read_again
                the_check_changes_nothing
            }
            withdrawal_record: {
                what_is_quarantined_comes_back_byte_for_byte
                a_release_twice_changes_nothing
                what_was_never_visible_comes_back_without_outputs
                a_released_asset_can_be_set_apart_again
                a_release_does_not_take_a_place_that_is_taken
                a_closing_names_everything_that_was_taken_and_no_key
                a_closing_done_again_tells_the_same
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
