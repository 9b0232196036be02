//! The store's suite.

pub mod audit;
pub mod claims;
pub mod decisions;
pub mod documented_queries;
pub mod duplicates;
pub mod external_scan;
mod fixture;
pub mod fleet;
pub mod ingest;
pub mod jobs;
pub mod late_events;
pub mod outbox;
pub mod records;
pub mod redo;
pub mod reports;
pub mod shards;

use std::sync::Arc;

use async_trait::async_trait;

use reelgate_ports::clock::Clock;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;

/// A place for one store, empty at first, that can be opened again and again.
#[async_trait]
pub trait StoreHome: Send + Sync {
    /// Opens the store that is there.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store>;

    /// Everything that is stored there, as text.
    async fn dump(&self, clock: Arc<dyn Clock>) -> String;

    /// Opens the shard leases of the same place.
    async fn shards(&self, clock: Arc<dyn Clock>) -> Arc<dyn Shards>;
}

/// One test per behaviour of a store. `$home` is an expression that makes a fresh [`StoreHome`].
#[macro_export]
macro_rules! store_suite {
    ($home:expr) => {
        $crate::store_suite! { @each $home;
            ingest: {
                the_same_event_twice_makes_one_asset_and_counts_twice
                duplicates_within_one_batch_make_one_asset
                another_version_of_a_key_is_another_asset
                a_newer_version_supersedes_the_older_one_before_it_is_published
                an_older_event_that_comes_late_is_superseded_at_once
                every_order_of_arrival_ends_the_same
                a_published_version_stays_until_the_newer_one_is_published
                keys_of_any_text_come_back_unchanged
                an_upload_survives_reopening_the_store
            }
            claims: {
                an_attempt_is_counted_before_its_work_starts
                a_leased_task_is_not_claimed_again
                lanes_do_not_see_each_other
                the_oldest_asset_comes_first_and_begun_ones_before_new_ones
                a_claim_takes_no_more_than_asked_for
                a_heartbeat_extends_a_lease_and_names_the_lost_ones
                an_expired_lease_is_a_lost_attempt_and_is_retried_after_its_backoff
                a_report_after_its_lease_ran_out_counts_until_somebody_retakes_it
                leases_of_a_dead_process_end_at_once_and_others_stay
                attempts_that_only_get_lost_end_in_failure
                a_duplicate_begins_again_when_its_original_only_gets_lost
            }
            jobs: {
                a_claim_carries_the_job_of_its_task_and_no_other
                progress_is_the_share_of_planned_media_whose_tasks_are_done
                a_new_plan_replaces_the_jobs_of_the_old_one
                what_a_chunk_reads_does_not_grow_with_the_film
            }
            reports: {
                a_run_through_all_tasks_ends_published
                a_report_of_an_earlier_attempt_changes_nothing
                a_report_of_another_node_changes_nothing
                a_repeated_report_changes_nothing
                a_report_for_an_unknown_asset_is_stale
                faults_of_ours_are_retried_with_growing_waits_and_then_dead
                a_fault_of_the_producers_withdraws_and_then_rejects
                what_an_attempt_learned_is_kept_even_where_it_failed
                a_task_given_back_is_due_at_once_and_its_start_is_excused
                findings_of_high_severity_quarantine
                a_failed_asset_can_be_redriven_and_then_ends_well
                a_rejected_asset_can_be_redriven_from_the_beginning
                redriving_what_is_neither_failed_nor_rejected_is_a_conflict
                a_batch_with_good_and_stale_reports_applies_the_good_ones
                a_call_dropped_half_way_leaves_all_of_it_or_nothing
            }
            audit: {
                everything_that_is_told_is_chained_once
                scheduling_is_not_chained
                the_log_is_read_in_pieces
                what_was_refused_is_chained_too
            }
            decisions: {
                a_quarantine_by_hand_takes_copies_and_older_versions_with_it
                a_release_brings_an_asset_back_and_is_kept_with_its_reason
                a_release_that_expires_is_taken_back
                an_asset_set_apart_long_ago_is_reminded_of_again_and_again
                an_asset_under_hold_is_not_erased
                an_erased_asset_leaves_no_text
                a_redaction_is_kept_for_the_encodes
                what_cannot_be_decided_changes_nothing
                a_scanners_finding_sets_a_published_asset_apart_once
                a_scanners_sample_and_what_it_says_of_unknown_objects_change_nothing
            }
            external_scan: {
                publishing_waits_for_a_scanner_and_keeps_what_it_found
                an_event_about_an_assets_text_is_told_to_the_asset_with_its_findings
            }
            late_events: {
                a_finding_in_one_batch_with_its_upload_counts
                a_finding_that_comes_before_its_upload_counts
                an_erasure_leaves_no_key_whatever_is_told_of_it_later
                an_erased_version_still_counts_as_the_newer_one
                a_deletion_is_remembered_once_and_for_as_long_as_events_may_come
                what_we_delete_ourselves_is_no_deletion_of_the_producers
                the_version_without_an_id_hides_only_its_like
                a_finding_about_one_upload_takes_its_copies_with_it
            }
            redo: {
                a_redo_begins_where_it_is_asked_to_and_is_told_once_more
                what_is_not_redone_is_kept
                a_duplicate_without_a_copy_begins_again
                what_cannot_be_redone_is_a_conflict_that_says_why
            }
            duplicates: {
                the_same_content_is_linked_to_the_running_first_one
                a_duplicate_is_told_when_its_original_is_published
                a_duplicate_of_a_quarantined_original_is_quarantined
                a_duplicate_of_a_failed_original_is_processed_on_its_own
                the_same_content_after_the_original_has_ended_follows_at_once
                a_rejected_upload_is_no_original
                forced_uploads_are_never_linked
                two_of_the_same_content_in_one_batch_are_not_both_processed
            }
            outbox: {
                an_ending_owes_one_notice_with_a_derived_id
                a_held_notice_is_nobody_elses_before_its_time
                a_deferred_notice_waits_and_counts_its_tries
                a_delivered_notice_is_gone_and_in_the_history
                a_second_ending_after_a_redrive_has_another_id
                a_notice_holds_nothing_a_person_wrote
            }
            fleet: {
                a_high_priority_goes_before_and_a_low_one_after
                a_low_priority_is_not_overtaken_for_ever
                a_back_catalogue_does_not_starve_another_prefix
                what_shuts_or_opens_a_door_goes_before_what_is_new
                known_names_exactly_what_was_taken_in
                the_queue_counts_by_lane_stage_priority_and_prefix
                a_node_is_remembered_and_learns_that_it_shall_drain
                an_order_to_a_node_nobody_saw_is_missing
                a_deleted_upload_gives_way_and_stays_published_where_it_was
                an_upload_older_than_its_deletion_does_not_begin
                a_version_that_is_gone_says_nothing_about_the_others
            }
            shards: {
                shards_are_added_once_and_keep_what_they_know
                of_two_that_saw_the_same_counter_one_takes_the_lease
                a_renewal_changes_the_counter_and_names_the_lost
                a_released_lease_is_free_and_a_lost_one_is_left_alone
                a_wish_is_seen_and_ends_with_the_next_take
                a_checkpoint_moves_with_its_events
                a_zombie_moves_no_checkpoint_and_takes_nothing_in
                a_repeated_or_skipped_batch_moves_no_checkpoint
                only_shards_read_to_their_end_are_forgotten
                a_message_that_cannot_be_read_does_not_hold_the_others_up
            }
            records: {
                the_history_is_numbered_without_gaps
                facts_of_the_media_come_back_unchanged
                products_of_finished_tasks_come_back_in_order
                one_task_leaves_what_it_left_and_nothing_before_it_has_finished
                products_of_a_life_that_was_begun_again_are_gone
                renditions_and_findings_come_back_in_order
                assets_are_listed_in_order_of_arrival_filtered_and_paged
                ids_are_found_by_their_beginning
                unknown_assets_are_missing
                the_backlog_counts_by_lane_and_phase
                the_next_due_time_is_the_earliest_of_tasks_leases_and_notices
                checking_changes_nothing
                history_that_is_young_or_of_what_goes_on_is_kept
                no_invariant_is_broken_on_the_way
            }
        }
    };
    (@each $home:expr; $($module:ident: { $($test:ident)* })*) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test]
            async fn $test() {
                $crate::store::$module::$test(&$home).await;
            })*
        })*
    };
}
