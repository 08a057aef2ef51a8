//! Every promise of the traits as a function over them, run on each database.
//!
//! Compiled for tests only. A database's tests call [`suite!`] with a function that makes a fresh store.

#![cfg(test)]

pub(crate) mod accounts;
pub(crate) mod duties;
pub(crate) mod inbox;
pub(crate) mod journal;
pub(crate) mod queue;
pub(crate) mod retention;
pub(crate) mod samples;
pub(crate) mod settings;
pub(crate) mod snapshots;

/// Makes one test of each promise. `$fresh` gives something to keep alive, and the store.
macro_rules! suite {
    ($fresh:ident) => {
        $crate::conformance::suite!($fresh; inbox:
            a_first_event_begins_a_job,
            the_same_event_again_changes_nothing,
            sixty_four_identical_deliveries_at_once_are_one_event,
            events_of_one_record_join_the_waiting_job,
            a_skipped_event_is_kept_and_begins_no_job,
            what_cannot_be_read_is_kept_whole,
            an_echo_of_our_write_begins_no_job,
            events_are_listed_newest_first_in_pages,
            an_event_while_its_record_is_worked_on_waits_for_a_rest,
            what_a_sweep_found_is_no_delivery,
            strange_characters_keep_no_event_out,
            what_arrives_together_is_judged_as_if_one_came_after_the_other,
        );
        $crate::conformance::suite!($fresh; queue:
            a_leased_job_is_hidden_and_so_is_its_account,
            an_abandoned_job_returns_when_its_lease_ends,
            a_renewed_lease_does_not_end,
            a_late_result_of_an_earlier_holder_is_dropped,
            a_result_that_is_brought_again_is_taken_once,
            a_job_that_is_tried_again_waits_until_its_time,
            a_newer_job_takes_over_from_one_that_would_wait_again,
            recovery_returns_every_job_and_gives_up_on_a_killer,
            of_those_that_saw_many_deaths_one_is_in_hand_at_a_time,
            a_persons_job_takes_its_account_once_known,
            a_finished_job_can_be_retried_once,
            what_was_held_for_a_reason_goes_on_when_the_reason_is_gone,
            a_held_job_gives_way_to_an_older_one_of_its_record_that_waits_again,
            nothing_stays_held_once_a_newer_job_of_its_record_has_ended,
            whatever_was_held_goes_on_however_much_it_is,
            failures_are_shown_by_their_cause,
            failures_of_one_cause_are_tried_again_together,
            failures_are_shown_and_tried_again_in_portions,
            what_was_worked_on_since_is_no_failure_any_more,
            jobs_are_counted_and_listed_by_state,
            asking_for_work_rings_the_bell,
            what_was_told_goes_before_what_a_sweep_found_and_nothing_waits_for_ever,
            many_who_lease_at_once_never_have_two_jobs_of_one_account,
        );
        $crate::conformance::suite!($fresh; accounts:
            names_and_owners_are_shown_as_soon_as_known,
            a_second_record_of_one_company_is_told_its_twin,
            a_twin_that_failed_is_no_twin,
            accounts_are_listed_last_touched_first_in_pages,
            the_unnamed_are_found_until_they_have_a_name,
            persons_are_found_by_why_their_newest_job_was_skipped,
            a_profile_is_kept_in_place_of_the_last,
        );
        $crate::conformance::suite!($fresh; journal:
            an_intent_counts_as_ours_until_it_is_known_not_to_have_happened,
            what_lapsed_is_looked_for_until_another_write_is_done,
            nothing_may_be_intended_without_the_lease,
            writes_and_steps_are_shown_with_their_job,
        );
        $crate::conformance::suite!($fresh; duties:
            a_duty_has_one_holder_until_its_time_is_over,
            a_duty_that_is_left_is_free_at_once,
        );
        $crate::conformance::suite!($fresh; snapshots:
            the_newest_version_counts_and_who_wrote_it,
            a_snapshot_is_kept_with_how_far_the_sweep_has_come,
            the_books_tell_the_last_events_and_jobs_of_a_record,
            an_event_of_a_person_is_known_whether_its_company_was_or_not,
        );
        $crate::conformance::suite!($fresh; retention:
            what_is_old_goes_and_what_is_young_stays,
            what_has_not_ended_stays_however_old_it_is,
            the_newest_job_of_a_record_and_the_newest_write_of_a_field_stay,
            a_body_goes_before_its_event_and_a_repeat_is_known_all_the_same,
            nothing_is_left_of_a_deleted_record,
            a_deleted_company_with_many_persons_goes_in_several_steps,
            a_record_that_came_back_is_not_deleted,
            a_pass_in_small_steps_does_what_one_large_step_does,
        );
        $crate::conformance::suite!($fresh; settings:
            a_value_is_kept_and_replaced,
            a_value_is_replaced_by_whoever_knows_it_alone,
            a_committed_row_is_seen_by_another_connection,
        );
    };
    ($fresh:ident; $area:ident: $($promise:ident),* $(,)?) => {
        mod $area {
            use super::$fresh;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let (_kept, store) = $fresh().await;
                $crate::conformance::$area::$promise(&store).await;
            })*
        }
    };
}
pub(crate) use suite;
