//! Every campaign in its short form, and what shows that it finds what it looks for. The long forms: `tests/campaign`.

use std::time::Duration;

use baton_e2e::campaign::{self, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn killed_server_keeps_every_acknowledged_request_exactly_once() {
    campaign::kill::run(Plan::short(50)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_lost_power_keeps_every_acknowledged_request() {
    campaign::power::run(Plan::short(10)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_leaves_the_sync_out_loses_with_the_power() {
    let report = campaign::power::run_with(Plan::short(5), &["--leave-sync-out"]).await;
    println!("{report}: {:?}", report.violations);
    let disks = report.notes.iter().filter(|note| note.contains("losses of power")).count();
    let losing = report.notes.iter().filter(|note| note.contains("losses of power") && !note.ends_with(" 0 violations")).count();
    // Where it may mount, every disk shows it; a disk that was skipped has no note of losses.
    assert!(disks > 0 && losing == disks, "{:?}", report.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_killed_at_a_system_call_starts_again_with_nothing_lost() {
    campaign::syscalls::run(Plan::short(60)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sync_that_nobody_noted_is_found_out_when_the_next_server_loses_power() {
    let report = campaign::syscalls::run_unmarked(Plan::short(24)).await;
    assert!(report.violations.iter().any(|v| v.contains("WithoutPower")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_disk_is_answered_as_such_and_nothing_acknowledged_is_lost() {
    campaign::io::run(Plan::short(30)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_leaves_the_sync_out_is_found_out_at_system_calls_and_on_failing_disks() {
    let report = campaign::syscalls::run_with(Plan::short(60), &["--leave-sync-out"]).await;
    assert!(report.violations.iter().any(|v| v.contains("WithoutPower") && v.contains("is lost")), "{report}");
    let report = campaign::io::run_with(Plan::short(4), &["--leave-sync-out"]).await;
    assert!(report.violations.iter().any(|v| v.contains("is lost")), "{report}");
    let report = campaign::io::run_serving(1, &["--leave-sync-out"]).await;
    assert!(report.violations.iter().any(|v| v.contains("is lost")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_refuses_writes_serves_reads_and_takes_writes_again() {
    campaign::full::run(Plan::short(3)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_refused_or_named_and_never_served() {
    campaign::damage::run(Plan::short(200)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_copies_are_refused_by_a_restore_or_bring_everything_back() {
    campaign::copies::run(Plan::short(60)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn second_process_and_newer_format_are_refused_and_change_nothing() {
    campaign::second::run(Plan::short(2)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn request_sent_again_over_cut_connections_is_recorded_once() {
    campaign::cut::run(Plan::short(2_000)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_see_one_order() {
    campaign::concurrent::run(Plan::short(50_000)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_sees_what_a_crash_then_removes() {
    campaign::readers::run(Plan::short(50)).await.assert_held();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_server_that_leaves_the_sync_out_see_what_a_crash_removes() {
    let report = campaign::readers::run_with(Plan::short(4), &["--leave-sync-out"]).await;
    assert!(!report.violations.is_empty(), "{report}");
}

/// Half a minute; the bound is one for a server that hangs, and the measured one belongs to the campaign.
#[tokio::test(flavor = "multi_thread")]
async fn mixed_load_neither_stalls_nor_leaks() {
    campaign::soak::run_with(Plan::short(25), Duration::from_secs(60)).await.assert_held();
}
