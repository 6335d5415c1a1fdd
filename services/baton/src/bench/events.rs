//! What the logs under measurement hold: paths on the shipped route as a board would have recorded them.
//!
//! Two thirds of the events are a transition's way from registration to life on route `pod-2021`, the rest
//! the facts, meetings and tabled papers around it. Every statement names its paper and has a sentence in
//! words, which is stored sealed. Nothing is random: event `n` of a log is the same in every run.

use baton_domain::event::Command;
use baton_domain::route::Route;
use baton_proto::v1 as proto;
use serde_json::{Value, json};

use super::store::PERSON;
use crate::exit::Failure;

/// The route of every transition here.
const ROUTE: &str = "pod-2021";
const WAVE: &str = "BENCH-2021";
const SENDER: &str = "own:nhs-england";
/// The services of the wave: this many transitions have one receiver.
const SERVICES: [&str; 3] = ["PHARM", "OPHTH", "DENT"];
const QUESTIONS: [&str; 10] = ["1A", "1B", "2A", "2B", "2C", "2D", "3A", "3B", "4A", "4B"];

/// The transition that everything about a long story is asked of.
pub(crate) const LONG: u64 = 0;
/// Its events.
pub(crate) const LONG_EVENTS: u64 = 200;
/// Events of the other transitions that were walked: from this many to twice as many less one, 74 on average.
const SHORTEST: u64 = 50;

/// The id of a transition.
pub(crate) fn transition(number: u64) -> String {
    format!("{}.{}.{WAVE}", receiver(number), SERVICES[(number % SERVICES.len() as u64) as usize])
}

/// The receiver of a transition: a code of five characters that no real body bears.
fn receiver(number: u64) -> String {
    let mut rest = number / SERVICES.len() as u64;
    let mut code = [b'0'; 4];
    for digit in code.iter_mut().rev() {
        let at = (rest % 36) as u8;
        *digit = if at < 10 { b'0' + at } else { b'A' + at - 10 };
        rest /= 36;
    }
    format!("B{}", String::from_utf8_lossy(&code))
}

/// How many events a walked transition has.
pub(crate) fn length(number: u64) -> u64 {
    if number == LONG { LONG_EVENTS } else { SHORTEST + number * 7 % SHORTEST }
}

/// What comes first in a log: the route, the sender and its board, the roles, the wave.
///
/// # Errors
/// When the shipped route can not be read.
pub(crate) fn preparations() -> Result<Vec<Command>, Failure> {
    let unsound = || Failure::Damage(format!("the shipped route {ROUTE} can not be read"));
    let text = baton_domain::route::SHIPPED.iter().find(|(name, _)| *name == format!("{ROUTE}.toml")).ok_or_else(unsound)?.1;
    let route = Route::parse(text).map_err(|_| unsound())?;
    let mut acts = vec![
        (format!("route/{ROUTE}"), "RoutePublished", json!({ "version": route.version().as_str(), "text": text })),
        (format!("organisation/{SENDER}"), "OrganisationRegistered", json!({ "name": "NHS England", "kind": "nhs_england" })),
        (
            format!("organisation/{SENDER}"),
            "BodyRegistered",
            json!({ "body": "national", "name": "National board", "kind": "national_board" }),
        ),
    ];
    for role in route.roles() {
        acts.push(("log".to_owned(), "RoleGranted", json!({ "person": PERSON, "role": role.id.as_str() })));
    }
    let wave = json!({ "name": "A wave to be measured", "services": SERVICES, "route": ROUTE });
    acts.push((format!("wave/{WAVE}"), "WaveOpened", wave));
    acts.into_iter().map(|(stream, kind, payload)| command(&stream, "2013-04-01", kind, payload)).collect()
}

/// The receiver of a transition and its bodies, when this transition is its first.
pub(crate) fn receiver_commands(number: u64) -> Result<Vec<Command>, Failure> {
    if !number.is_multiple_of(SERVICES.len() as u64) {
        return Ok(Vec::new());
    }
    let id = receiver(number);
    let stream = format!("organisation/{id}");
    let acts = [
        (
            "OrganisationRegistered",
            json!({ "name": format!("NHS {id} Integrated Care Board"), "kind": "icb", "opens_on": "2022-07-01" }),
        ),
        ("BodyRegistered", json!({ "body": "board", "name": "Board", "kind": "board" })),
        ("BodyRegistered", json!({ "body": "executive", "name": "Executive", "kind": "executive" })),
    ];
    acts.into_iter().map(|(kind, payload)| command(&stream, "2022-07-01", kind, payload)).collect()
}

/// The first `count` events of a transition: its way to life, then the facts of its life.
pub(crate) fn transition_commands(number: u64, count: u64) -> Result<Vec<Command>, Failure> {
    let stream = format!("transition/{}", transition(number));
    let way = way(&receiver(number)).into_iter();
    let facts = (0..).map(|nth| ("2023-06-15", "FactRecorded", fact(number + nth)));
    let acts = way.chain(facts).take(usize::try_from(count).unwrap_or(usize::MAX));
    acts.map(|(day, kind, payload)| command(&stream, day, kind, payload)).collect()
}

/// A meeting about a transition.
pub(crate) fn meeting_commands(number: u64, count: u64) -> Result<Vec<Command>, Failure> {
    meeting(&format!("meeting/board-{number}"), count)
}

/// One note of a meeting.
pub(crate) fn engine_note(meeting_id: &str) -> Result<Vec<Command>, Failure> {
    meeting(&format!("meeting/{meeting_id}"), 1)
}

fn meeting(stream: &str, count: u64) -> Result<Vec<Command>, Failure> {
    let note = json!({ "$open": "The board considered the delegation and asked for a further paper on finance." });
    let acts = [
        ("MeetingHeld", json!({ "body_name": "Board", "quorate": true, "note": note })),
        ("ItemTabled", json!({ "body_name": "Board", "asks": ["note", "approve"], "note": note })),
        ("ItemMinuted", json!({ "body_name": "Board", "verb": "noted", "note": note })),
    ];
    let acts = acts.into_iter().cycle().take(usize::try_from(count).unwrap_or(usize::MAX));
    acts.map(|(kind, payload)| command(stream, "2023-03-08", kind, payload)).collect()
}

/// How many events a meeting has when there is room.
pub(crate) const MEETING_EVENTS: u64 = 3;

type Act = (&'static str, &'static str, Value);

/// From registration to life.
fn way(receiver: &str) -> Vec<Act> {
    let words = |text: &str| json!({ "$open": text });
    let gate = |subject: &str, outcome: &str, body: Value| json!({ "subject": subject, "outcome": outcome, "taken": "meeting", "body": body, "reason": words("As minuted: the papers were found to be in order.") });
    let answer = |question: &str| if question == "3A" { "no" } else { "yes" };
    let signed = |party: &str| json!({ "subject": "delegation_agreement", "version": "1", "party": party, "note": words("Signed on paper.") });
    let mut way: Vec<Act> = vec![
        (
            "2021-09-01",
            "TransitionRegistered",
            json!({ "sender": SENDER, "starting_position": "none", "note": words("Named in the letter to systems.") }),
        ),
        ("2021-09-16", "ExpressionOfInterestSubmitted", json!({ "subject": "eoi", "right_to_withdraw": "asserted" })),
        (
            "2021-09-17",
            "ItemCompleted",
            json!({ "subject": "assessment_opened", "note": words("Opened with the regional team.") }),
        ),
    ];
    way.extend(QUESTIONS.map(|question| {
        let narrative = words("The system has worked with the region on this since the spring and holds the evidence.");
        let payload = json!({ "checklist": "pdaf", "question": question, "answer": answer(question), "narrative": narrative });
        ("2021-09-20", "ChecklistAnswered", payload)
    }));
    way.extend([
        ("2021-09-24", "GateDecided", gate("executive_sign_off", "signed_off", json!(format!("{receiver}/executive")))),
        ("2021-09-28", "AssessmentSubmitted", json!({ "subject": "pdaf", "note": words("Sent by the programme lead.") })),
    ]);
    way.extend(QUESTIONS.map(|question| {
        let payload = json!({ "checklist": "pdaf", "question": question, "answer_version": 1, "answer": answer(question), "evidence_verified": true });
        ("2021-10-05", "ChecklistCorroborated", payload)
    }));
    way.extend([
        ("2021-10-14", "GateDecided", gate("national_decision", "approved", json!(format!("{SENDER}/national")))),
        (
            "2022-01-10",
            "FactRecorded",
            json!({ "kind": "allocation", "fields": {}, "note": words("The allocation was announced.") }),
        ),
        (
            "2022-02-01",
            "DueDiligenceStageCompleted",
            json!({ "subject": "full", "note": words("Done together with the region.") }),
        ),
        (
            "2022-02-02",
            "DueDiligenceStageCompleted",
            json!({ "subject": "finance", "note": words("The outturn is within the allocation.") }),
        ),
        ("2022-09-01", "DecisionPackFrozen", json!({ "subject": "decision_pack" })),
        ("2022-09-08", "GateDecided", gate("go_no_go", "go", json!(format!("{receiver}/board")))),
        ("2022-10-01", "ItemCompleted", json!({ "subject": "agreement_issued" })),
        ("2023-02-01", "HandoverItemListed", json!({ "item": "register", "area": "contracts", "kind": "document" })),
        ("2023-02-02", "HandoverItemSent", json!({ "item": "register", "version": "1" })),
        ("2023-02-03", "HandoverItemAccepted", json!({ "item": "register", "version": "1" })),
        ("2023-03-01", "AgreementSigned", signed(receiver)),
        ("2023-03-03", "AgreementSigned", signed(SENDER)),
        ("2023-03-20", "GateDecided", gate("readiness", "ready", Value::Null)),
        ("2023-04-01", "DelegationCommenced", json!({ "subject": "delegation_commenced", "effective_on": "2023-04-01" })),
    ]);
    way
}

/// A fact of a transition's life.
fn fact(nth: u64) -> Value {
    let note = json!({ "$open": format!("Reported to the joint committee in month {}: on plan, with one risk under review.", nth % 12 + 1) });
    match nth % 3 {
        0 => {
            json!({ "kind": "risk", "fields": { "risk": { "code": format!("R{}", nth % 40) }, "likelihood": { "integer": 2 } }, "note": note })
        }
        1 => json!({ "kind": "engagement", "fields": { "audience": { "text": { "$open": "Contractors" } } }, "note": note }),
        _ => json!({ "kind": "project", "fields": { "step": { "text": { "$open": "planned" } } }, "note": note }),
    }
}

fn command(stream: &str, day: &str, kind: &str, payload: Value) -> Result<Command, Failure> {
    let whole = json!({
        "stream": stream, "standing": "stated", "type": kind, "payload": payload,
        "occurred": { "precision": "day", "text": day, "earliest": day, "latest": day },
        "evidence": [{ "title": "Committee paper 7", "held": { "cited_not_held": "read in March 2024" }, "place": "section 3" }],
    });
    serde_json::from_value(whole).map_err(|error| Failure::Damage(format!("{kind} of the bench is no command: {error}")))
}

/// A note of a meeting, as a client sends it.
pub(crate) fn note(stream: &str) -> proto::Command {
    let held = proto::MeetingHeld {
        body_name: "Board".to_owned(),
        note: "A meeting with the practices of the north.".to_owned(),
        ..Default::default()
    };
    sent(stream, proto::command::Event::MeetingHeld(held))
}

/// A fact of a transition, as a client sends it.
pub(crate) fn risk(number: u64) -> proto::Command {
    let note = "A meeting with the practices of the north.".to_owned();
    let fact = proto::FactRecorded { kind: "risk".to_owned(), note, ..Default::default() };
    sent(&format!("transition/{}", transition(number)), proto::command::Event::FactRecorded(fact))
}

fn sent(stream: &str, event: proto::command::Event) -> proto::Command {
    proto::Command {
        stream: stream.to_owned(),
        standing: proto::Standing::Stated.into(),
        occurred: Some(proto::FuzzyDate {
            text: "1 March 2022".to_owned(),
            precision: proto::Precision::Day.into(),
            earliest: "2022-03-01".to_owned(),
            latest: "2022-03-01".to_owned(),
            ..Default::default()
        }),
        evidence: vec![proto::Evidence {
            title: "Board paper 7".to_owned(),
            held: Some(proto::evidence::Held::Sha256("ab".repeat(32))),
            place: "page 3".to_owned(),
            ..Default::default()
        }],
        event: Some(event),
        ..Default::default()
    }
}
