//! A history like those the server holds: of each hundred events about ninety stand on transitions of
//! fifty, the others on meetings and organisations; most carry words, all but a few name their evidence.
//!
//! Events are made, not decided: what folds is what counts here. Ids, digests and titles differ from
//! stream to stream, as they would; the words repeat.

use baton_domain::event::{Event, Recorded};
use baton_domain::route::{Route, SHIPPED};
use baton_domain::values::{Evidence, Held, Position, Revision, StreamId};
use baton_engine::codec;
use baton_ledger::{AppendSet, Batch, Ledger, Record, StreamName};
use serde_json::{Value, json};
use uuid::Uuid;

/// Events of one transition, as far as it is recorded.
const EVENTS_PER_TRANSITION: usize = 50;

const QUESTIONS: [&str; 10] = ["1A", "1B", "2A", "2B", "2C", "2D", "3A", "3B", "4A", "4B"];

/// Makes streams, one after the other, as long as there is room in the log.
pub(crate) struct History {
    position: u64,
    transition: Vec<Recorded>,
    meeting: Vec<Recorded>,
    organisation: Vec<Recorded>,
}

impl History {
    /// A history that goes on at `size`.
    pub(crate) fn new(size: u64) -> Self {
        Self { position: size, transition: transition(), meeting: meeting(), organisation: organisation() }
    }

    /// What every transition needs: a sender, the route, the wave.
    pub(crate) fn beginning(&mut self) -> Vec<Recorded> {
        let (_, text) = SHIPPED.iter().find(|(name, _)| *name == "pod-2021.toml").unwrap();
        let route = Route::parse(text).unwrap();
        let given = [
            ("route/pod-2021", "RoutePublished", json!({ "version": route.version().as_str(), "text": text })),
            ("organisation/own:nhs-england", "OrganisationRegistered", json!({ "name": "NHS England", "kind": "nhs_england" })),
            (
                "wave/POD-2021",
                "WaveOpened",
                json!({ "name": "Services of 2021", "services": ["PHARM", "OPHTH", "DENT"], "route": "pod-2021" }),
            ),
        ];
        let mut all = Vec::new();
        for (stream, kind, payload) in given {
            all.extend(self.stream(stream, &[event("2021-01-01", kind, payload)], 0));
        }
        all
    }

    /// A receiver, its three transitions and a meeting of its board.
    pub(crate) fn receiver(&mut self, number: u64) -> Vec<Recorded> {
        let id = format!("own:icb-{number}");
        let mut all = self.stream(&format!("organisation/{id}"), &self.organisation.clone(), number);
        for service in ["PHARM", "OPHTH", "DENT"] {
            all.extend(self.stream(&format!("transition/{id}.{service}.POD-2021"), &self.transition.clone(), number));
        }
        all.extend(self.stream(&format!("meeting/board-{number}"), &self.meeting.clone(), number));
        all
    }

    fn stream(&mut self, stream: &str, template: &[Recorded], number: u64) -> Vec<Recorded> {
        let stream: StreamId = stream.parse().unwrap();
        let place = |(index, template): (usize, &Recorded)| {
            let mut recorded = template.clone();
            recorded.position = Position(self.position + index as u64);
            recorded.stream = stream.clone();
            recorded.revision = Revision(1 + index as u64);
            recorded.command_id = Uuid::new_v4();
            // One paper serves some ten statements.
            let paper = format!("{stream}/{}", index / 10);
            let held = Held::Sha256(hex(&baton_ledger::leaf_hash(paper.as_bytes())));
            let title = format!("Board paper {} of {number}", index / 10);
            let evidence = &recorded.statement.evidence;
            recorded.statement.evidence =
                evidence.iter().map(|e| Evidence { title: title.clone(), held: held.clone(), ..e.clone() }).collect();
            recorded
        };
        let all: Vec<_> = template.iter().enumerate().map(place).collect();
        self.position += all.len() as u64;
        all
    }
}

/// Appends what `recorded` encodes to.
pub(crate) async fn append(ledger: &dyn Ledger, encoded: Vec<(&StreamId, codec::Encoded)>) {
    let record = |(stream, encoded): (&StreamId, codec::Encoded)| Record {
        stream: StreamName::parse(&stream.to_string()).unwrap(),
        leaf: encoded.leaf,
        disclosure: encoded.disclosure,
    };
    let records = encoded.into_iter().map(record).collect();
    let set = AppendSet { request: None, digest: [0; 32], expected: Vec::new(), records };
    ledger.append(Batch { at: ledger.head().next(), sets: vec![set] }).await.unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn event(day: &str, kind: &str, payload: Value) -> Recorded {
    serde_json::from_value(json!({
        "position": 0, "stream": "log", "revision": 1, "recorded_at": "2024-03-04T05:06:07.123456Z", "recorded_by": "admin",
        "command_id": Uuid::nil(), "placed": "end", "standing": "reported",
        "occurred": { "text": day, "precision": "day", "earliest": day, "latest": day },
        "done_by": { "organisation": "own:nhs-england", "person": "person-7" },
        "evidence": [{ "title": "", "held": { "cited_not_held": "" }, "place": "page 3, item 9", "dated": "2021-09-04" }],
        "type": kind, "payload": payload,
    }))
    .unwrap()
}

fn words(text: &str) -> Value {
    json!({ "$open": text })
}

fn item(day: &str, subject: &str) -> Recorded {
    event(day, "ItemCompleted", json!({ "subject": subject, "note": words("It was completed as the plan of the board had it.") }))
}

fn gate(day: &str, subject: &str, outcome: &str) -> Recorded {
    let reason = words("The panel found the evidence sufficient and asked for a further report in the autumn.");
    event(day, "GateDecided", json!({ "subject": subject, "outcome": outcome, "taken": "meeting", "reason": reason }))
}

fn transition() -> Vec<Recorded> {
    let note = words("Taken from the papers of the joint committee, where it stands in the list of decisions.");
    let mut all = vec![
        event(
            "2021-09-01",
            "TransitionRegistered",
            json!({ "sender": "own:nhs-england", "route": "pod-2021", "route_version": "1", "route_sha256": "ab".repeat(32), "starting_position": "none" }),
        ),
        event(
            "2021-09-02",
            "RoleGranted",
            json!({ "person": "person-7", "name": words("Ada Example"), "role": "icb_programme_lead" }),
        ),
    ];
    for (kind, key, year) in
        [("GateDecided", "national_decision", 2021), ("AgreementSigned", "", 2022), ("DelegationCommenced", "", 2023)]
    {
        let target = json!({ "text": format!("by April {year}"), "precision": "by-month", "latest": format!("{year}-04-30") });
        all.push(event("2021-09-03", "Planned", json!({ "event": kind, "key": key, "target": target, "note": note })));
    }
    all.push(event(
        "2021-09-16",
        "ExpressionOfInterestSubmitted",
        json!({ "subject": "eoi", "right_to_withdraw": "asserted", "note": note }),
    ));
    all.push(item("2021-09-17", "assessment_opened"));
    for question in QUESTIONS {
        let narrative =
            words("The team is in place, its lead is named, and the budget for the first year is agreed with the region.");
        all.push(event(
            "2021-09-20",
            "ChecklistAnswered",
            json!({ "checklist": "pdaf", "question": question, "answer": if question == "3A" { "no" } else { "yes" }, "narrative": narrative }),
        ));
    }
    all.push(gate("2021-09-24", "executive_sign_off", "signed_off"));
    all.push(event("2021-09-28", "AssessmentSubmitted", json!({ "subject": "pdaf", "submitted_to": "own:nhs-england" })));
    for question in QUESTIONS {
        all.push(event(
            "2021-10-05",
            "ChecklistCorroborated",
            json!({ "checklist": "pdaf", "question": question, "answer_version": 1, "answer": if question == "3A" { "no" } else { "yes" }, "evidence_verified": true }),
        ));
    }
    all.push(gate("2021-10-14", "national_decision", "approved"));
    all.push(event(
        "2022-01-10",
        "FactRecorded",
        json!({ "kind": "allocation", "fields": {
            "sum": { "money": { "printed": "GBP 72.5 million", "pence": 7_250_000_000_u64, "rounded_to": "hundred_thousand" } },
            "year": { "code": "2022/23" } }, "note": note }),
    ));
    for stage in ["full", "finance"] {
        all.push(event("2022-02-01", "DueDiligenceStageCompleted", json!({ "subject": stage, "note": note })));
    }
    all.push(event("2022-09-01", "DecisionPackFrozen", json!({ "subject": "decision_pack" })));
    all.push(gate("2022-09-08", "go_no_go", "go"));
    all.push(item("2022-10-01", "agreement_issued"));
    let handed = [
        ("HandoverItemListed", json!({ "item": "h1", "area": "contracts", "kind": "document", "title": note })),
        ("HandoverItemSent", json!({ "item": "h1", "version": "1" })),
        ("HandoverItemAccepted", json!({ "item": "h1", "version": "1" })),
    ];
    all.extend(handed.map(|(kind, payload)| event("2023-02-01", kind, payload)));
    for party in ["QUY", "own:nhs-england"] {
        let signed = json!({ "subject": "delegation_agreement", "version": "1", "party": party, "signatory": "person-7" });
        all.push(event("2023-03-01", "AgreementSigned", signed));
    }
    all.push(gate("2023-03-20", "readiness", "ready"));
    all.push(event(
        "2023-04-01",
        "DelegationCommenced",
        json!({ "subject": "delegation_commenced", "effective_on": "2023-04-01", "note": note }),
    ));
    let mut week = 0;
    while all.len() < EVENTS_PER_TRANSITION {
        week += 1;
        let risk = words("Fewer practices take new patients than in the year before.");
        all.push(event(&format!("2023-05-{week:02}"), "FactRecorded", json!({ "kind": "risk", "fields": {}, "note": risk })));
    }
    assert_eq!(all.len(), EVENTS_PER_TRANSITION);
    all
}

fn meeting() -> Vec<Recorded> {
    let note = words("The board met in public; the papers were sent on the Monday before.");
    let mut all = vec![event("2022-03-01", "MeetingHeld", json!({ "body_name": "Board", "meeting": "board-1", "note": note }))];
    for item in 1..=8 {
        let minuted = words(&format!("Item {item}: the paper was received, discussed and supported by those present."));
        all.push(event(
            "2022-03-01",
            "ItemMinuted",
            json!({ "body_name": "Board", "verb": "supported", "meeting": "board-1", "note": minuted }),
        ));
    }
    all
}

fn organisation() -> Vec<Recorded> {
    let lead = json!({ "person": "person-7", "name": words("Ada Example"), "role": "icb_programme_lead" });
    let mut all = vec![
        event(
            "2022-07-01",
            "OrganisationRegistered",
            json!({ "name": "NHS Example Integrated Care Board", "kind": "icb", "opens_on": "2022-07-01" }),
        ),
        event("2022-07-01", "BodyRegistered", json!({ "body": "board", "name": "Board", "kind": "board", "powers": ["decide"] })),
        event("2022-07-01", "RoleGranted", lead),
    ];
    for year in [2022, 2023, 2024] {
        all.push(event(
            &format!("{year}-09-01"),
            "FactRecorded",
            json!({ "kind": "allocation", "fields": { "year": { "code": format!("{year}/1") } } }),
        ));
    }
    for recorded in &mut all {
        if matches!(recorded.statement.event, Event::BodyRegistered(_)) {
            recorded.statement.evidence = Default::default();
        }
    }
    all
}
