//! The state that was built live is the state that is built from the log.

use baton_domain::event::Command;
use baton_domain::values::ProposalId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::*;
use crate::{Engine, Submission, dump};

/// One thing a person tries. Some are refused, which is recorded and replayed as well.
#[derive(Debug, Clone)]
enum Step {
    Record { person: &'static str, what: usize, number: u8 },
    Propose { what: usize, number: u8, late: bool },
    Approve,
    Decline,
}

fn step() -> impl Strategy<Value = Step> {
    let record = (prop::sample::select(vec![ADMIN, ADMIN, ADMIN, OFFICER, STRANGER]), 0..KINDS, 1..8_u8)
        .prop_map(|(person, what, number)| Step::Record { person, what, number });
    let propose = (0..KINDS, 1..8_u8, any::<bool>()).prop_map(|(what, number, late)| Step::Propose { what, number, late });
    prop_oneof![5 => record, 3 => propose, 3 => Just(Step::Approve), 1 => Just(Step::Decline)]
}

const KINDS: usize = 22;

/// A command of one of many kinds; the number varies its ids, targets and dates.
fn variant(what: usize, n: u8) -> Command {
    let words = json!({ "$open": format!("words {n}") });
    let day = format!("2022-03-{n:02}");
    match what {
        0 => note(&format!("note {n}")),
        1 => command(
            TRANSITION,
            "Planned",
            json!({ "event": "AgreementSigned", "target": { "precision": "unknown" }, "note": words }),
        ),
        2 => command("organisation/QUY", "RoleGranted", json!({ "person": ADMIN, "role": "icb_programme_lead", "name": words })),
        3 => command("organisation/QUY", "RoleEnded", json!({ "person": ADMIN, "role": "icb_programme_lead", "on": day })),
        4 => command(
            TRANSITION,
            "ExpressionOfInterestSubmitted",
            json!({ "subject": "eoi", "right_to_withdraw": "none", "note": words }),
        ),
        5 => command(TRANSITION, "StatementVoided", json!({ "target": n, "reason": words })),
        6 => command(
            TRANSITION,
            "StatementCorrected",
            json!({
                "target": n, "was": n, "to": { "occurred": { "precision": "day", "earliest": day, "latest": day }, "standing": "reported" }, "reason": words,
            }),
        ),
        7 => command(
            TRANSITION,
            "StatementCorrected",
            json!({ "target": n, "was": n, "to": { "place": { "after": 8 - n } }, "reason": words }),
        ),
        8 => command(
            TRANSITION,
            "ConflictFlagged",
            json!({ "conflict": format!("c{n}"), "statements": [n], "description": words }),
        ),
        9 => command(TRANSITION, "ConflictSettled", json!({ "conflict": format!("c{n}"), "reading": words })),
        10 => command(
            "organisation/QUY",
            "BodyRegistered",
            json!({ "body": format!("body-{n}"), "name": "A body", "kind": "committee", "note": words }),
        ),
        11 => command("organisation/QUY", "BodyChanged", json!({ "body": format!("body-{n}"), "powers": [], "reason": words })),
        12 => command(
            "organisation/QVV",
            "OrganisationSucceeded",
            json!({
                "successor": "QUY", "kind": "merger", "part": "part", "effective_on": day, "note": words,
            }),
        ),
        13 => command("organisation/QVV", "OrganisationRenamed", json!({ "name": format!("Name {n}"), "effective_on": day })),
        14 => command(&format!("meeting/m{n}"), "MeetingHeld", json!({ "body_name": "A body", "note": words })),
        15 => command(
            &format!("meeting/m{n}"),
            "InterestDeclared",
            json!({ "meeting": format!("m{n}"), "person": STRANGER, "action": "left_room" }),
        ),
        16 => command(
            WAVE,
            "TimetableChanged",
            json!({ "item": "will_by", "to": { "precision": "day", "earliest": day, "latest": day }, "reason": words }),
        ),
        17 => command(WAVE, "EvidenceAttached", json!({ "note": words })),
        18 => command(
            "transition/QUY.PHARM.POD-2021",
            "TransitionRegistered",
            json!({ "sender": "own:nhs-england", "starting_position": "none" }),
        ),
        19 => command(TRANSITION, "LegalHoldPlaced", json!({ "hold": format!("h{n}"), "reason": words })),
        20 => command(
            "audit",
            "ErasureAuthorised",
            json!({ "positions": if n < 3 { vec![1] } else { vec![7 + n, 9 + n] }, "ground": "court_order", "note": words }),
        ),
        _ => command(TRANSITION, "FactRecorded", json!({ "kind": "allocation", "note": words })),
    }
}

async fn take(engine: &Engine, step: &Step, turn: u128) {
    let submit = |submission: Submission| async { drop(engine.submit(submission).await) };
    match step {
        Step::Record { person, what, number } => submit(request(person, turn, vec![variant(*what, *number)])).await,
        Step::Propose { what, number, late } => {
            let mut proposed = serde_json::to_value(variant(*what, *number)).unwrap();
            proposed["late"] = json!(late);
            proposed["evidence"] = json!([{ "title": "A paper", "held": { "cited_not_held": "seen" } }]);
            let payload = json!({ "commands": [proposed], "reason": { "$open": "from the archive" } });
            submit(request(ADMIN, turn, vec![command(&format!("proposal/p{turn}"), "Proposed", payload)])).await;
        }
        Step::Approve => {
            let Some(id) = open_proposal(engine) else { return };
            let approve = |digest: &str| {
                request(OFFICER, turn, vec![command(&format!("proposal/{id}"), "Approved", json!({ "digest": digest }))])
            };
            let digest = engine.validate(&approve("")).ok().and_then(|seen| seen.assessment).map(|seen| seen.digest);
            submit(approve(&digest.unwrap_or_default())).await;
        }
        Step::Decline => {
            let Some(id) = open_proposal(engine) else { return };
            let declined: Value = json!({ "reason": { "$open": "no source" } });
            submit(request(OFFICER, turn, vec![command(&format!("proposal/{id}"), "Declined", declined)])).await;
        }
    }
}

fn open_proposal(engine: &Engine) -> Option<ProposalId> {
    let state = engine.snapshot();
    state.waiting(None).map(|(id, _)| id.clone()).last()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn a_state_built_again_from_the_log_is_the_state_that_was_live(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ledger = opened().await;
            let engine = start(&ledger).await;
            populate(&engine).await;
            for (turn, step) in steps.iter().enumerate() {
                take(&engine, step, turn as u128).await;
            }
            let rebuilt = start(&ledger).await;
            assert_eq!(dump(&engine.snapshot()), dump(&rebuilt.snapshot()));
        });
    }
}

/// Guards the test above against becoming empty: most of what it tries is taken.
#[tokio::test]
async fn most_kinds_of_commands_that_the_replay_tries_are_taken() {
    let engine = start(&opened().await).await;
    populate(&engine).await;
    let mut taken = Vec::new();
    for what in 0..KINDS {
        if engine.submit(request(ADMIN, what as u128, vec![variant(what, 2)])).await.is_ok() {
            taken.push(what);
        }
    }
    for what in [5, 6, 20] {
        let turn = 100 + what as u128;
        take(&engine, &Step::Propose { what, number: 2, late: false }, turn).await;
        take(&engine, &Step::Approve, turn + 100).await;
        if open_proposal(&engine).is_none() {
            taken.push(what);
        }
    }
    let refused: Vec<_> = (0..KINDS).filter(|what| !taken.contains(what)).collect();
    assert!(refused.len() <= 3, "refused: {refused:?}");
}
