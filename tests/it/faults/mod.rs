//! What panko must survive. Each row of the list below is a test that fails when its protection is taken away;
//! those that are not here stand where their subject is.
//!
//! Tunnel and supervision
//! 1. kill -9 of the tunnel: `recovery::a_tunnel_that_is_killed_is_not_active_and_comes_back`
//! 2. crash loop: `tunnel::a_crash_loop_is_started_ever_more_slowly_and_touches_no_sibling`, `share::backoff`
//! 3. ten healthy minutes: `share::tests::delays_grow_with_failures_and_are_forgotten_after_ten_healthy_minutes`
//! 4. silent: `life::a_silent_tunnel_is_given_up_when_its_time_is_over`, `life::a_tunnel_that_hangs_delays_nobody_else`
//! 5. URL, then death: `life::a_failed_start_is_told_with_cause_and_remedy_and_never_retried`, `keeper::output`
//! 6. flood: `keeper::output::a_flood_on_both_streams_costs_bounded_memory_and_delays_nobody` (`PANKO_FLOOD` seconds)
//! 7. a line of 64 MiB: `keeper::output::a_line_of_64_mib_is_bounded_and_does_not_hide_what_follows`
//! 8. ignores TERM: `tunnel::a_client_that_ignores_term_delays_a_stop_by_its_five_seconds`, `keeper::stop`
//! 9. grandchildren: `life::a_stop_ends_server_keeper_and_tunnel`, `keeper::stop::a_stop_ends_the_client_and_every_helper`
//! 10. kill -9 of the daemon: `recovery::twenty_shares_survive_kill_9_of_the_daemon_with_their_urls_and_their_tunnels`,
//!     that 50 are back within 1 s: `cargo bench --bench recovery`,
//!     `strays`, `recovery::a_keeper_without_a_daemon_ends_after_its_grace_and_leaves_nothing`, `keeper::attach`
//! 11. kill -9 of a keeper: `recovery::a_keeper_that_is_killed_is_replaced_and_its_tunnel_with_it`,
//!     `keeper::stop::a_killed_keeper_takes_its_client_with_it_and_the_sweep_gets_the_rest`; SIGSTOP:
//!     `health::a_stopped_keeper_is_replaced`
//! 12. a program that cannot run: `tunnel::a_program_that_cannot_run_is_a_typed_error_at_once_and_no_loop`
//!     `tunnel::a_restart_that_cannot_succeed_is_refused_and_costs_nothing`
//! 13. starts and stops: `control::starting_and_stopping_leaves_no_descriptor_thread_or_process_behind` (`PANKO_CYCLES`)
//! 14. and 15. descriptors and environment: `keeper::start::the_client_has_three_descriptors_and_only_the_environment_it_was_given`
//! 16. SIGSTOP of the tunnel: `health::a_stopped_tunnel_is_degraded_and_replaced_only_while_this_machine_is_online`,
//!     `health::a_stopped_tunnel_of_which_nothing_can_be_asked_is_active_again_when_it_goes_on`, `share::health::tests`
//! 17. SIGSTOP of the daemon: `health::a_daemon_that_stood_still_restarts_nothing_and_looks_at_once` (`PANKO_PAUSE`)
//! 18. clock steps: `clock` (also 51. expiry: exact to the second, across restarts and clock steps)
//! 19. rate limits: `tunnel::a_rate_limited_provider_is_left_alone_for_minutes_and_that_is_said`,
//!     `tunnel::two_tunnels_of_one_provider_start_at_once_and_no_more`; across restarts and panics: `wait`
//! 20. panics: `supervision`; that 50 shares are back within 1 s of the Supervisor's:
//!     `cargo bench --profile fault --bench recovery`
//! 21. a stuck actor: `limits::ten_thousand_requests_to_an_actor_that_is_stuck_are_answered_and_bounded`
//! 22. signals: `ending::a_daemon_under_load_ends_in_order_within_ten_seconds_and_once`,
//!     `ending::a_daemon_that_ends_takes_no_new_share_and_says_what_to_do`,
//!     `health::a_daemon_that_ends_does_not_wait_for_a_url_that_never_answers`, `recovery::term_leaves…`,
//!     `recovery::int_and_shutdown_end_the_shares`, `recovery::hup_reads_the_configuration_again`, `reload`
//! 23. memory: `limits::in_64_mib_a_long_session_is_served_in_windows_or_refused_with_a_reason`,
//!     `limits::a_long_session_is_served_in_windows_within_bounded_memory` (`PANKO_BIG_MB`), an OOM kill:
//!     `limits::a_daemon_that_the_kernel_kills_for_want_of_memory_heals_as_from_any_kill`
//! 24. descriptors: `limits::with_64_descriptors_the_control_socket_answers_and_nothing_spins`,
//!     `limits::a_share_that_there_are_no_descriptors_for_…`, `limits::shares_that_come_back_where_there_is_no_room_…`,
//!     `limits::viewers_of_one_share_do_not_take_the_descriptors_of_all`,
//!     `limits::where_not_one_descriptor_is_left_nothing_spins_and_who_waits_is_served_when_there_is`
//! 25. no processes: `limits::where_no_process_can_be_made_a_start_fails_with_a_type_and_later_works`,
//!     `limits::a_keeper_that_can_make_no_process_says_so_and_starts_its_tunnel_when_it_can`
//!
//! State
//! 26. random kills: `soak` (`PANKO_SOAK_KILLS`, `PANKO_SOAK_SHARES`)
//! 27. killed at a write: `state::a_daemon_killed_at_any_write_has_done_all_of_it_or_nothing` (`PANKO_KILLED_WRITES`)
//! 28. disk full: `state::what_a_full_disk_cannot_hold_is_not_acknowledged`
//! 29. EIO: `state::what_the_disk_does_not_confirm_is_not_acknowledged`
//! 30. read-only: `state::what_cannot_be_written_is_not_acknowledged_and_said`, `state::a_folder_that_cannot_be_written_…`
//! 31. damage: `state::a_daemon_starts_on_a_database_with_any_byte_of_its_rows_flipped_…` (`PANKO_FLIPPED`),
//!     `db::tests::flipped` (`PANKO_FLIPPED`: all bits are some 30,000), `recovery::a_damaged_database_…`,
//!     under a daemon: `supervision::the_shares_that_are_up_outlive_a_database_that_is_damaged_under_them`
//! 32. a newer schema: `db::tests::a_database_of_a_newer_panko_is_refused_and_untouched`
//! 33. killed in a migration: `state::a_daemon_killed_inside_its_migrations_completes_them_at_the_next_start`
//! 34. locked: `locked`, `actors::db::tests`
//! 35. odd things in our places: `state::what_stands_in_the_place_of_our_files_is_neither_followed_nor_deleted`
//!     The log: `log`
//! 36. odd session files: `session` (another in its place: `without_a_private_copy_no_other_file_is_shown_…`), `life::what_cannot_be_shared_is_refused_with_the_reason`, `live`
//! 37. umask: `recovery::everything_is_private_whatever_the_umask`
//! 38. another user: `state::another_user_gets_nothing_not_even_where_the_modes_would_let_him`
//! 39. stale files: `recovery::a_stale_socket_and_a_pid_file_of_a_living_stranger_are_no_obstacle`
//! 40. many daemons: `recovery::of_twenty_daemons_one_wins`
//!
//! Control socket
//! 41. long frames: `control::a_frame_that_is_no_text_or_too_long_is_answered_and_the_connection_closed`
//! 42. bad frames: `control::each_kind_of_bad_frame_has_its_code_and_the_connection_goes_on`
//! 43. slow clients: `control::a_client_that_never_reads_or_never_ends_its_line_disturbs_nobody`
//! 44. many: `control::more_connections_than_there_is_room_for_wait_and_are_served`, `control::requests_without_an_id_…`
//! 45. a client that dies: `life::the_same_idempotency_key_is_the_same_share`
//! 46. old and new methods: `ipc::protocol::tests`

mod clock;
mod ending;
mod health;
mod limits;
mod locked;
mod log;
mod session;
mod state;
mod strays;
mod tunnel;
mod urls;
mod wait;
