//! What every backend must do alike.
//!
//! A backend is held to it by a line in `main.rs` that names it:
//!
//! ```text
//! conformance!(memory, Memory);              // one test per rule
//! durable!(file_restarted, Directory::fresh());   // and those about what outlives a close
//! ```
//!
//! A rule is a function on an open driver. It makes buckets of its own, so that rules run side by
//! side on one server. It may rely on nothing that a backend is free to do otherwise: revisions may
//! skip numbers, lifetimes may be rounded up to whole seconds.

pub(crate) mod buckets;
pub(crate) mod consumers;
pub(crate) mod expiry;
pub(crate) mod followers;
pub(crate) mod limits;
pub(crate) mod pubsub;
pub(crate) mod restart;
pub(crate) mod streams;
pub(crate) mod values;
pub(crate) mod watches;

/// Makes a test of each rule, on a driver of its own.
macro_rules! rules {
    ($backend:expr; $($group:ident { $($rule:ident)* })*) => {
        $(mod $group {
            #[allow(unused_imports)]
            use crate::{backends::Backend as _, *};

            $(#[tokio::test]
            async fn $rule() {
                let backend = $backend;
                let driver = backend.open().await;
                crate::conformance::$group::$rule(&driver).await;
                driver.close().await.unwrap();
            })*
        })*
    };
}

/// Holds a backend to all rules.
macro_rules! conformance {
    ($name:ident, $backend:expr) => {
        mod $name {
            crate::conformance::rules! { $backend;
                values {
                    a_missing_key_has_nothing
                    what_was_put_is_there
                    an_empty_value_is_a_value
                    revisions_grow_over_all_keys_of_a_bucket
                    a_refused_write_changes_nothing
                    create_fails_while_the_key_lives
                    create_works_again_after_delete_and_purge
                    update_replaces_what_is_at_the_expected_revision
                    update_fails_with_the_actual_revision
                    update_of_a_missing_key_expects_none
                    after_a_delete_the_marker_is_what_is_expected
                    delete_leaves_a_marker_above_the_history
                    delete_if_deletes_only_what_was_seen
                    deleting_nothing_leaves_a_marker
                    purge_drops_the_history
                    purge_if_purges_only_what_was_seen
                    history_is_oldest_first_and_capped
                    without_history_only_the_last_entry_is_kept
                    keys_are_filtered_and_skip_the_deleted
                    scan_returns_living_values_by_key
                    get_many_keeps_the_order_asked_for
                    keys_are_any_text
                    wildcards_in_a_key_mean_nothing
                    fifty_clients_race_for_one_create
                    no_update_is_lost_among_fifty_clients
                    a_dropped_write_is_made_whole_or_not_at_all
                }
                buckets {
                    opened_twice_it_is_the_same_bucket
                    buckets_do_not_share_keys
                    every_bucket_is_listed
                    a_bad_name_is_refused
                    more_history_is_kept_once_it_is_asked_for
                    less_history_is_trimmed
                    a_closed_driver_says_so
                }
                limits {
                    a_value_above_the_limit_is_refused_by_name
                    a_value_at_the_limit_is_taken_by_every_kind_of_write
                    the_largest_value_of_all_is_taken
                    a_key_above_the_limit_is_refused_by_name
                    the_longest_key_is_taken
                }
                expiry {
                    a_value_with_a_lifetime_ends_and_watchers_see_it
                    a_bucket_with_a_lifetime_ends_its_values
                    a_new_write_gives_a_new_lifetime
                    a_put_without_a_lifetime_stays
                    what_has_expired_can_be_created_again
                    a_lifetime_holds_over_a_deleted_key_too
                    the_shorter_lifetime_counts
                    a_lifetime_of_zero_is_refused
                }
                watches {
                    current_values_then_one_mark_then_changes
                    an_empty_bucket_is_caught_up_at_once
                    a_filter_without_a_match_is_caught_up_at_once
                    one_key_is_watched_alone
                    one_key_s_watcher_is_not_woken_by_others
                    a_pattern_is_watched
                    a_key_is_watched_whatever_its_characters
                    deletes_and_purges_are_told_apart
                    new_skips_what_is_there
                    resume_yields_what_was_missed_with_markers
                    resume_at_the_head_yields_the_mark_alone
                    resume_keeps_the_history_that_there_is
                    a_revision_from_elsewhere_cannot_be_resumed_from
                    position_can_be_resumed_from_before_the_first_change
                    a_malformed_filter_is_refused
                    two_hundred_watchers_see_the_same
                    a_slow_watcher_is_ended_and_resumes_without_gap_or_repeat
                    a_slow_watcher_does_not_slow_the_others
                    a_watch_that_starts_among_writes_misses_and_repeats_nothing
                    a_watch_of_one_key_that_starts_among_writes_sees_the_last
                    a_dropped_next_loses_no_event
                    dropped_watches_are_not_counted
                    a_watch_outlives_the_handle_it_came_from
                    closing_ends_the_watches
                }
                streams {
                    sequences_count_from_one_over_all_subjects
                    a_message_comes_back_as_it_was_published
                    values_travel_as_json
                    a_subject_that_is_not_the_stream_s_is_refused
                    the_largest_message_is_taken_and_a_larger_one_refused
                    an_id_within_the_window_is_a_duplicate
                    an_id_is_known_also_when_its_message_has_gone
                    an_id_is_forgotten_after_the_window
                    fifty_clients_repeat_one_message_and_one_is_stored
                    what_is_expected_of_the_stream_must_hold
                    what_is_expected_of_the_subject_must_hold
                    a_duplicate_is_one_whatever_it_expects
                    no_message_is_lost_among_fifty_clients_that_expect
                    the_last_of_a_subject_is_found
                    replay_returns_the_last_of_a_filter_oldest_first
                    pages_walk_both_ways_without_gap_or_repeat
                    a_few_among_many_others_are_found
                    a_page_of_large_messages_ends_sooner
                    a_read_of_nothing_or_of_too_much_is_refused
                    the_oldest_go_when_there_are_too_many
                    the_oldest_of_a_subject_go_when_it_has_too_many
                    the_oldest_go_when_they_take_too_many_bytes
                    what_is_too_old_goes
                    new_limits_trim_what_is_there
                    a_page_after_what_was_trimmed_is_too_old
                    purge_removes_what_it_matches
                    one_message_is_deleted
                    ensured_twice_it_is_the_same_stream
                    no_subject_belongs_to_two_streams
                    a_deleted_stream_is_gone
                    bad_settings_are_refused
                    a_dropped_publish_is_made_whole_or_not_at_all
                    a_closed_driver_says_so
                }
                followers {
                    what_is_there_then_one_mark_then_what_comes
                    an_empty_stream_is_caught_up_at_once
                    new_begins_with_the_mark
                    last_begins_with_the_last_of_the_filter
                    after_goes_on_where_another_stopped
                    after_what_was_trimmed_is_too_old
                    a_follower_that_is_overtaken_while_it_catches_up_is_told
                    a_long_replay_among_publishes_misses_and_repeats_nothing
                    a_thousand_followers_of_as_many_subjects_hear_their_own
                    a_follower_of_one_subject_is_not_woken_by_others
                    a_slow_follower_is_ended_and_resumes_without_gap_or_repeat
                    a_dropped_next_loses_no_message
                    dropped_followers_are_not_counted
                    a_follower_outlives_the_handle_it_came_from
                    deleting_the_stream_ends_its_followers
                    closing_ends_the_followers
                    what_was_refused_or_is_a_duplicate_is_not_heard
                }
                consumers {
                    messages_are_handed_out_in_order
                    one_that_waits_gets_what_comes
                    a_filter_leaves_out_the_others
                    each_message_goes_to_one_of_many
                    what_is_not_acknowledged_in_time_comes_again
                    what_failed_comes_again_after_its_delay
                    what_can_never_succeed_does_not_come_again
                    work_in_progress_is_not_handed_out_again
                    a_message_is_given_up_after_its_deliveries
                    no_more_are_out_than_allowed
                    opened_twice_it_is_the_same_consumer
                    consumers_do_not_share_messages
                    what_was_trimmed_is_not_handed_out
                    a_deleted_consumer_is_gone
                    bad_settings_are_refused
                    closing_ends_those_who_wait
                }
                pubsub {
                    subscribers_hear_what_is_published_in_order
                    wildcards_are_heard
                    nobody_listening_is_no_error
                    a_queue_group_hears_each_message_once
                    a_request_is_answered
                    a_request_without_a_listener_fails_at_once
                    a_request_without_an_answer_times_out
                    a_message_that_asks_for_no_answer_takes_none
                    a_slow_subscriber_is_told_what_it_missed
                    dropped_subscriptions_are_not_counted
                    malformed_subjects_are_refused
                    a_message_above_the_limit_is_refused
                    closing_ends_the_subscriptions
                }
            }
        }
    };
}

/// Holds a backend to the rules about what outlives a close.
macro_rules! durable {
    ($name:ident, $backend:expr) => {
        crate::conformance::durable! { @rules $name, $backend;
            values_history_and_markers_stay
            revisions_go_on_growing
            a_bucket_keeps_its_epoch_and_settings
            a_watcher_resumes_over_a_restart
            what_expired_meanwhile_is_seen_as_expired
            messages_and_sequences_stay
            an_id_is_known_over_a_restart
            a_follower_resumes_over_a_restart
            messages_that_grew_too_old_meanwhile_are_gone
            what_was_out_comes_again_over_a_restart
        }
    };
    (@rules $name:ident, $backend:expr; $($rule:ident)*) => {
        mod $name {
            #[allow(unused_imports)]
            use crate::*;

            $(#[tokio::test]
            async fn $rule() {
                crate::conformance::restart::$rule(&$backend).await;
            })*
        }
    };
}

pub(crate) use {conformance, durable, rules};
