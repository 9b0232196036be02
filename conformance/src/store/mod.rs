//! The test suite of stores.

pub mod approvals;
pub mod audit;
pub mod budgets;
pub mod caption_files;
pub mod claims;
pub mod cost_days;
pub mod decisions;
pub mod documented_queries;
pub mod duplicates;
pub mod external_scan;
mod fixture;
pub mod fleet;
pub mod holds;
pub mod ingest;
pub mod jobs;
pub mod judgement;
pub mod late_events;
pub mod ledger;
pub mod outbox;
pub mod records;
pub mod redactions;
pub mod redo;
pub mod reports;
pub mod shards;
pub mod unarchived;

use std::sync::Arc;

use async_trait::async_trait;

use reelgate_flow::policy::Policy;
use reelgate_ports::clock::Clock;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;

/// Storage for one store under test. It is empty at first and can be opened repeatedly.
#[async_trait]
pub trait StoreHome: Send + Sync {
    /// Opens the store in this storage, with the policy that answers findings.
    async fn open_with(&self, clock: Arc<dyn Clock>, policy: Policy) -> Arc<dyn Store>;

    /// Opens the store in this storage, with the default policy.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        self.open_with(clock, Policy::default()).await
    }

    /// Everything in this storage, as text.
    async fn dump(&self, clock: Arc<dyn Clock>) -> String;

    /// Opens the shard leases in the same storage.
    async fn shards(&self, clock: Arc<dyn Clock>) -> Arc<dyn Shards>;
}

/// Expands to one test per behaviour of a store. `$home` is an expression that makes a new [`StoreHome`].
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
                every_order_of_arrival_has_the_same_result
                a_published_version_stays_until_the_newer_one_is_published
                keys_of_any_text_come_back_unchanged
                an_upload_survives_reopening_the_store
                the_same_key_in_another_bucket_is_another_upload
                versions_with_the_same_sequencer_have_one_order
                an_event_that_a_database_cannot_hold_is_refused
            }
            caption_files: {
                a_caption_file_waits_for_its_film_and_is_attached_when_that_arrives
                a_late_caption_file_is_read_and_screened_without_new_encodes
                a_caption_file_leaves_and_comes_back_with_its_film
                a_priority_that_a_producer_asks_for_counts_where_nobody_else_has_decided
            }
            claims: {
                an_attempt_is_counted_before_its_work_starts
                a_leased_task_is_not_claimed_again
                lanes_do_not_see_each_other
                the_oldest_asset_comes_first_and_assets_in_progress_before_new_ones
                a_claim_takes_no_more_than_asked_for
                a_heartbeat_renews_leases_and_returns_the_lost_ones
                an_expired_lease_is_a_lost_attempt_and_is_retried_after_its_backoff
                a_report_after_its_lease_expired_counts_until_another_claim
                reclaim_ends_the_leases_of_a_dead_process_and_no_others
                an_asset_whose_attempts_are_always_lost_fails
                a_duplicate_begins_again_if_the_attempts_of_its_original_are_always_lost
                reclaim_ends_more_leases_than_one_transaction_may
            }
            jobs: {
                a_claim_carries_the_job_of_its_task_and_no_other
                progress_is_the_share_of_planned_media_whose_tasks_are_done
                a_new_plan_replaces_the_jobs_of_the_old_one
                the_bytes_that_a_chunk_reads_do_not_grow_with_the_film
            }
            reports: {
                a_run_through_all_tasks_ends_published
                a_report_of_an_earlier_attempt_changes_nothing
                a_report_of_another_node_changes_nothing
                a_repeated_report_changes_nothing
                a_report_for_an_unknown_asset_is_stale
                faults_of_ours_are_retried_with_growing_delays_and_then_given_up
                a_service_that_is_away_is_waited_out_and_a_withdrawal_never_gives_up
                a_fault_of_the_producers_withdraws_and_then_rejects
                facts_of_a_failed_attempt_are_kept
                a_task_given_back_is_due_at_once_and_its_start_is_uncounted
                findings_of_high_severity_quarantine
                a_failed_asset_can_be_redriven_and_then_ends_well
                a_rejected_asset_can_be_redriven_from_the_beginning
                redriving_an_asset_that_is_neither_failed_nor_rejected_is_a_conflict
                a_batch_with_good_and_stale_reports_applies_the_good_ones
                a_dropped_call_is_committed_as_a_whole_or_not_at_all
                the_usage_of_all_attempts_is_added_up
            }
            ledger: {
                what_an_attempt_used_is_written_with_its_commit
                a_report_that_is_delivered_twice_is_charged_once
                an_attempt_that_fails_or_is_given_back_is_waste
                a_lost_attempt_is_charged_its_slot_from_its_claim_until_its_lease_is_ended
                a_lost_attempt_of_an_unknown_node_costs_nothing_and_is_there
                a_report_that_comes_too_late_is_waste
                an_attempt_that_never_was_is_not_charged
                the_ledger_is_read_in_pages_by_asset_and_by_time
                recent_work_is_what_succeeded_last_and_how_much_it_was
                an_erased_asset_keeps_its_costs_without_its_key
            }
            cost_days: {
                a_day_is_closed_once_and_only_after_it_is_over
                what_was_unusual_goes_out_in_one_notice_that_names_no_prefix
                a_clock_that_was_ahead_or_is_set_back_closes_no_day_twice
                shares_are_kept_with_the_day_and_read_in_pages_by_asset_and_by_day
                a_node_is_up_from_its_first_call_of_a_day_to_its_last
            }
            budgets: {
                money_is_reserved_with_the_work_and_booked_when_it_ends
                work_without_money_is_parked_and_goes_on_when_there_is_some
                a_new_day_and_a_raised_cap_let_work_go_on_and_a_clock_set_back_forgets_nothing
                a_cap_of_one_asset_or_prefix_holds_for_no_other
                an_operator_may_spend_above_a_cap_and_it_is_booked
                what_is_parked_can_be_quarantined_and_erased_without_money
                a_report_that_comes_after_the_end_is_booked_too
            }
            unarchived: {
                a_restored_upload_begins_again_if_it_had_failed_because_of_the_archive
                a_restoration_that_no_asset_waits_for_changes_nothing
                a_restored_upload_is_superseded_if_a_newer_version_has_come
            }
            audit: {
                every_line_of_history_is_chained_once
                scheduling_is_not_chained
                an_entry_with_nothing_to_chain_does_not_end_the_chaining
                the_log_is_read_in_pieces
                refused_events_are_chained_too
                the_seal_of_the_whole_log_is_kept_outside
                a_log_without_what_the_kept_seal_names_leaves_that_seal_alone
                a_seal_goes_out_in_a_notice_once_its_oldest_new_record_is_an_hour_old
                records_that_waited_for_long_are_announced_with_the_call_that_chains_the_last_of_them
                the_delivery_of_a_seal_asks_for_no_other_notice
            }
            decisions: {
                a_quarantine_by_hand_includes_copies_and_older_versions
                a_quarantine_leaves_newer_versions_alone
                a_release_brings_an_asset_back_and_is_kept_with_its_reason
                a_release_that_expires_is_taken_back
                an_asset_in_quarantine_for_long_gets_repeated_reminders
                an_asset_under_hold_is_not_erased
                an_erased_asset_leaves_no_text
                a_redaction_is_kept_for_the_encodes
                a_refused_decision_changes_nothing
                a_finding_of_the_scanner_quarantines_a_published_asset_once
                sample_findings_and_findings_about_unknown_objects_change_nothing
                a_quarantined_asset_is_published_nowhere_and_its_withdrawal_is_recorded
                a_mild_finding_does_not_move_the_end_of_a_published_asset
                a_redaction_of_the_policy_is_kept_for_the_encodes
                what_was_not_searched_is_kept_with_the_asset_and_its_notice
                a_release_that_expires_includes_later_uploads_of_the_content
                a_reminder_comes_on_time_and_is_in_the_history
                a_version_that_a_newer_one_replaces_is_neither_released_nor_redacted
            }
            approvals: {
                a_release_waits_for_a_second_person_who_approves_it
                an_erasure_waits_for_a_second_person_too
                nobody_approves_what_they_proposed_under_whatever_name
                an_approval_is_of_one_proposal_and_of_no_other
                a_proposal_expires
                what_is_found_after_a_proposal_is_not_approved_with_it
                what_cannot_be_decided_cannot_be_proposed
                switching_the_rule_is_in_the_audit_log_before_what_it_allows
            }
            redactions: {
                every_upload_of_the_content_is_redacted_withdrawn_or_named
                a_copy_is_redacted_by_its_own_id_and_its_original_with_it
                a_refused_redaction_reaches_no_other_upload
            }
            holds: {
                a_newer_version_leaves_the_outputs_of_an_older_one_under_hold
                a_version_under_hold_stays_published_beside_a_newer_one_elsewhere
                the_source_of_an_asset_under_hold_is_kept
                outputs_under_hold_are_not_made_again
                a_redo_stops_before_it_replaces_outputs_under_hold
                publishing_that_failed_under_hold_is_redriven_before_anything_was_published
                a_hold_is_refused_while_outputs_are_removed_or_replaced
                a_deletion_leaves_the_outputs_under_hold
                the_history_of_an_asset_under_hold_is_kept
            }
            external_scan: {
                publishing_waits_for_the_external_scanner_and_keeps_its_findings
                an_event_of_the_scanner_adds_its_findings_to_the_asset
            }
            late_events: {
                a_finding_in_the_batch_of_its_upload_counts
                a_finding_that_comes_before_its_upload_counts
                an_erasure_leaves_no_key_even_after_later_events
                an_erased_version_still_counts_as_the_newer_one
                a_deletion_is_kept_once_and_for_as_long_as_events_may_come
                what_tells_repeated_messages_apart_is_kept_for_as_long_as_they_may_come
                our_own_deletions_do_not_count_as_deletions_of_the_producer
                the_deletion_of_the_version_without_an_id_hides_only_such_versions
                a_finding_about_one_upload_quarantines_its_copies
                a_deletion_supersedes_every_asset_that_is_not_published_yet
                a_finding_about_an_erased_asset_is_not_kept_with_it
            }
            redo: {
                a_redo_begins_with_the_given_part_and_sends_a_new_notice
                parts_that_are_not_redone_are_kept
                a_duplicate_without_a_copy_begins_again
                a_refused_redo_is_a_conflict_that_says_why
                an_asset_is_redone_a_limited_number_of_times
            }
            duplicates: {
                the_same_content_is_linked_to_the_running_original
                a_duplicate_is_published_after_its_original
                a_duplicate_of_a_quarantined_original_is_quarantined
                a_duplicate_of_a_failed_original_is_processed_on_its_own
                the_same_content_shares_the_result_of_an_ended_original_at_once
                a_rejected_upload_is_no_original
                forced_uploads_are_never_linked
                two_of_the_same_content_in_one_batch_are_not_both_processed
                the_earliest_of_several_originals_is_linked_to
                a_forced_upload_is_not_linked_to_one_of_the_same_batch
                the_content_that_an_earlier_attempt_read_is_linked_too
                a_quarantine_for_its_own_name_leaves_assets_with_the_same_content_alone
            }
            judgement: {
                a_duplicate_is_judged_by_its_own_rules_and_changes_nothing_of_its_original
                what_policy_decided_about_an_original_decides_nothing_about_a_duplicate
                a_person_s_decision_about_an_original_quarantines_a_duplicate
                content_that_was_searched_less_is_searched_again_and_not_encoded_again
                what_a_later_look_finds_is_answered_for_every_upload_of_the_content
                a_later_look_is_answered_by_the_rules_of_today
                what_is_in_a_name_stays_with_that_upload
                what_the_scanner_found_counts_for_every_later_look_at_the_content
                a_finding_of_the_scanner_is_answered_by_the_rules_of_each_upload
                a_redacted_upload_stays_where_policy_asks_for_redaction
                a_release_covers_what_was_known_and_nothing_else
                a_new_look_at_a_released_asset_counts_where_the_release_covers_it_not
                what_policy_let_pass_after_a_release_is_not_covered_by_it
                a_later_look_at_another_upload_ends_a_release_that_does_not_cover_it
            }
            outbox: {
                an_ending_puts_one_notice_with_a_derived_id_into_the_outbox
                a_notice_that_one_node_delivers_is_not_due_for_others
                a_notice_is_addressed_once
                a_deferred_notice_waits_and_counts_its_tries
                a_delivered_notice_is_removed_and_in_the_history
                a_second_ending_after_a_redrive_has_another_id
                a_notice_holds_nothing_a_person_wrote
                notices_delivered_together_are_each_in_the_history
                a_receiver_that_is_down_for_an_hour_delays_and_repeats_no_notice_of_the_others
                deliveries_that_no_node_tries_any_more_end
                a_receiver_that_is_added_later_gets_only_notices_that_come_later
            }
            fleet: {
                high_priority_is_claimed_first_and_low_priority_last
                a_low_priority_is_claimed_in_the_end
                a_back_catalogue_does_not_starve_another_prefix
                many_uploads_one_by_one_do_not_starve_another_prefix
                withdrawing_and_publishing_go_before_new_uploads
                known_returns_exactly_the_ingested_assets
                the_queue_counts_by_lane_stage_priority_and_prefix
                a_node_is_listed_and_gets_its_order_to_drain
                an_order_to_an_unknown_node_is_missing
                paused_heavy_work_is_not_claimed_and_everything_else_goes_on
                a_deleted_upload_is_superseded_unless_it_was_published
                an_upload_older_than_its_deletion_does_not_begin
                a_deleted_version_does_not_concern_other_versions
            }
            shards: {
                shards_are_added_once_and_keep_what_they_know
                one_of_two_nodes_with_the_same_counter_takes_the_lease
                a_renewal_changes_the_counter_and_returns_lost_leases
                a_released_lease_is_free_and_a_lost_one_is_left_alone
                a_request_for_a_shard_is_visible_and_ends_with_the_next_take
                a_checkpoint_moves_with_its_events
                a_reader_that_lost_its_lease_moves_no_checkpoint_and_ingests_nothing
                a_repeated_or_skipped_batch_moves_no_checkpoint
                only_shards_read_to_their_end_are_forgotten
                a_message_that_cannot_be_parsed_does_not_block_others
            }
            records: {
                the_history_is_numbered_without_gaps
                facts_of_the_media_come_back_unchanged
                products_of_finished_tasks_come_back_in_order
                a_task_has_a_product_only_after_it_has_finished
                products_are_gone_after_the_asset_began_again
                metadata_comes_back_and_is_searched_by_name_and_value
                renditions_and_findings_come_back_in_order
                assets_are_listed_in_order_of_arrival_filtered_and_paged
                ids_are_found_by_their_beginning
                unknown_assets_are_missing
                the_backlog_counts_by_lane_and_phase
                the_next_due_time_is_the_earliest_of_tasks_leases_and_notices
                checking_changes_nothing
                history_that_is_recent_or_of_an_active_asset_is_kept
                no_invariant_is_violated
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
