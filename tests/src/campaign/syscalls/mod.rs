//! Killed at one call that changes files: afterwards everything acknowledged is there, with no repair by hand.
//!
//! A life is counted once, call by call; then it is lived again for each call and each way to end there: before it, after
//! it, and after it with everything gone that was not synced. What is lived is in `lives.rs`, what must hold afterwards in
//! `ends.rs`. Snapshots of the storage engine are among the calls.

use std::collections::BTreeMap;
use std::future::Future;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use self::lives::{Before, Life};
use super::{Plan, Report};
use crate::shim::Call;

mod ends;
mod export;
mod lives;
pub(super) mod marked;

/// How a life ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Before,
    After,
    WithoutPower,
}

/// A call of a life, and how the life ends there.
type Point = (Life, u64, End);

/// A cycle is one call of one life and one way to end there; as many cycles as there are of them do all.
pub async fn run(plan: Plan) -> Report {
    campaign(plan, &Life::ALL, Before::make(), &[]).await
}

/// Only servers on a log that was stopped or killed, with further arguments, so that one that answers too early is found out.
pub async fn run_with(plan: Plan, arguments: &[&str]) -> Report {
    campaign(plan, &[Life::AfterAStop, Life::AfterAKill], Before::make(), arguments).await
}

/// Only starts after a failed sync, without the note that it failed: they rely on what the disk never got, and are found out.
pub async fn run_unmarked(plan: Plan) -> Report {
    let before = async {
        let before = Before::make().await;
        before.unmark();
        before
    };
    campaign(plan, &[Life::Rewriting], before, &[]).await
}

async fn campaign(plan: Plan, lives: &[Life], before: impl Future<Output = Before>, arguments: &[&str]) -> Report {
    let mut report = Report::new("syscalls", &plan);
    let before = before.await;
    report.found_all(0, before.wrong.iter().cloned());
    let mut calls = BTreeMap::new();
    let mut points = Vec::new();
    for life in lives {
        let lived = before.live(*life, None, arguments).await;
        for call in Call::ALL {
            *calls.entry(format!("{call:?}").to_lowercase()).or_insert(0) += lived.shim.made(call);
        }
        report.found_all(0, lived.wrong.iter().map(|what| format!("{life:?}, not killed: {what}")));
        let ends = [End::Before, End::After, End::WithoutPower];
        points.push((1..=lived.shim.seen()).flat_map(|number| ends.map(|end| (*life, number, end))).collect());
    }
    let all: usize = points.iter().map(Vec::len).sum();
    let mut reached: BTreeMap<Life, (usize, usize)> = BTreeMap::new();
    for (cycle, point) in in_turns(points, plan.seed).into_iter().enumerate().skip(plan.first).take(plan.cycles) {
        let lived = before.live(point.0, Some(point), arguments).await;
        let counted = reached.entry(point.0).or_default();
        *counted = (counted.0 + usize::from(lived.shim.hit() > 0), counted.1 + 1);
        report.cycles += 1;
        report.acknowledged += lived.acknowledged();
        let again = ends::looked_at(&before, &lived).await;
        let (life, number, end) = point;
        for what in lived.wrong.into_iter().chain(again) {
            report.found(cycle, format!("{life:?}, call {number}, {end:?}: {what}"));
        }
    }
    for what in ends::leftover_snapshot(&before).await {
        report.found(plan.first + plan.cycles, format!("leftover snapshot: {what}"));
    }
    let sum: usize = reached.values().map(|(reached, _)| reached).sum();
    report.notes.push(format!("{} of {all} points, {sum} of them reached; calls of the lives: {calls:?}", report.cycles));
    report.notes.push(format!("reached of those tried, by life: {reached:?}"));
    report
}

/// The points of every life in an order of its own, and the lives in turns, so that few points are of all of them.
fn in_turns(mut lives: Vec<Vec<Point>>, seed: u64) -> Vec<Point> {
    let mut random = StdRng::seed_from_u64(seed);
    lives.iter_mut().for_each(|points| points.shuffle(&mut random));
    let mut turns = Vec::new();
    while lives.iter().any(|points| !points.is_empty()) {
        turns.extend(lives.iter_mut().filter_map(Vec::pop));
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_are_of_every_life_and_all_of_them_are_each_once() {
        let of = |life, calls| (1..=calls).map(|call| (life, call, End::After)).collect::<Vec<_>>();
        let turns = in_turns(vec![of(Life::Init, 2), of(Life::Export, 40), of(Life::Rewriting, 60)], 41);
        let first: Vec<Life> = turns.iter().take(3).map(|point| point.0).collect();
        assert_eq!(first, [Life::Init, Life::Export, Life::Rewriting]);
        let each: std::collections::BTreeSet<_> = turns.iter().map(|point| (point.0, point.1)).collect();
        assert_eq!((turns.len(), each.len()), (102, 102));
    }
}
