//! Acts as data: what somebody records, with defaults a test overrides where it matters.

use baton_domain::event::{Command, Event, Place, Standing, Statement};
use baton_domain::values::{Day, Evidence, FuzzyDate, Held, Precision, Revision};
use serde_json::{Value, json};

/// Something to be recorded. What is left open is filled in by [`super::Given`]: the person by the route,
/// the day by the clock, the stream by the world.
#[derive(Debug, Clone)]
pub struct Act {
    pub kind: &'static str,
    pub payload: Value,
    pub stream: Option<String>,
    pub by: Option<String>,
    pub on: Option<String>,
    pub done_by: Value,
    pub standing: Standing,
    pub evidence: Vec<Evidence>,
    pub late: bool,
    pub place: Place,
}

/// An event of this kind with this payload.
pub fn act(kind: &'static str, payload: Value) -> Act {
    Act {
        kind,
        payload,
        stream: None,
        by: None,
        on: None,
        done_by: json!({}),
        standing: Standing::Stated,
        evidence: Vec::new(),
        late: false,
        place: Place::ByDates,
    }
}

impl Act {
    /// With this field of the payload.
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.payload[field] = value;
        self
    }

    /// Recorded by this person.
    pub fn by(mut self, person: &str) -> Self {
        self.by = Some(person.to_owned());
        self
    }

    /// Done by this person, whoever records it.
    pub fn done_by(mut self, person: &str) -> Self {
        self.done_by["person"] = json!(person);
        self
    }

    /// Done by this organisation.
    pub fn of(mut self, organisation: &str) -> Self {
        self.done_by["organisation"] = json!(organisation);
        self
    }

    /// Happened then; see [`date`].
    pub fn on(mut self, when: &str) -> Self {
        self.on = Some(when.to_owned());
        self
    }

    /// In this stream.
    pub fn at(mut self, stream: &str) -> Self {
        self.stream = Some(stream.to_owned());
        self
    }

    /// Reported by another paper, not the act's own record.
    pub fn reported(mut self) -> Self {
        self.standing = Standing::Reported;
        self
    }

    /// Taken from a paper dated so.
    pub fn paper_of(mut self, dated: &str) -> Self {
        self.evidence.push(paper(Some(dated)));
        self
    }

    /// History, taken from a paper.
    pub fn late(mut self) -> Self {
        self.late = true;
        if self.evidence.is_empty() {
            self.evidence.push(paper(None));
        }
        self
    }

    /// Directly after this revision.
    pub fn after(mut self, revision: Revision) -> Self {
        self.place = Place::After(revision);
        self
    }

    /// Before every other statement.
    pub fn first(mut self) -> Self {
        self.place = Place::First;
        self
    }

    /// The event itself.
    pub fn event(&self) -> Event {
        let whole = json!({ "type": self.kind, "payload": self.payload });
        serde_json::from_value(whole.clone()).unwrap_or_else(|e| panic!("{e}: {whole}"))
    }

    /// The command, in this stream and on this day unless it names its own.
    pub fn command(&self, stream: &str, today: &str) -> Command {
        let done_by = serde_json::from_value(self.done_by.clone()).expect("done by");
        Command {
            stream: self.stream.as_deref().unwrap_or(stream).parse().expect("stream"),
            place: self.place,
            late: self.late,
            statement: Statement {
                standing: self.standing,
                occurred: date(self.on.as_deref().unwrap_or(today)),
                done_by,
                act: None,
                evidence: self.evidence.as_slice().into(),
                remark: None,
                event: self.event(),
            },
        }
    }
}

/// A day `2021-09-30`, a month `2021-09`, a year `2021`, a span `A..B` (either end open), or `?`.
pub fn date(text: &str) -> FuzzyDate {
    let whole = |precision, from: Option<Day>, to: Option<Day>| FuzzyDate::new(text, precision, from, to, false).expect("date");
    match (text, text.split_once(".."), text.len()) {
        ("?", ..) => FuzzyDate::unknown(),
        (_, Some(("", to)), _) => whole(Precision::ByDay, None, Some(day(to))),
        (_, Some((from, "")), _) => whole(Precision::NotBefore, Some(day(from)), None),
        (_, Some((from, to)), _) => whole(Precision::Between, Some(day(from)), Some(day(to))),
        (_, None, 4) => whole(Precision::CalendarYear, Some(day(&format!("{text}-01-01"))), Some(day(&format!("{text}-12-31")))),
        (_, None, 7) => {
            let first = day(&format!("{text}-01"));
            whole(Precision::Month, Some(first), Some(first.last_of_month()))
        }
        _ => FuzzyDate::day(day(text)),
    }
}

/// A day as text.
pub fn day(text: &str) -> Day {
    text.parse().expect("day")
}

/// Some words.
pub fn words(text: &str) -> Value {
    json!({ "$open": text })
}

/// A fuzzy date as a value.
pub fn when(text: &str) -> Value {
    serde_json::to_value(date(text)).expect("date")
}

fn paper(dated: Option<&str>) -> Evidence {
    Evidence {
        title: "Committee paper".to_owned(),
        held: Held::CitedNotHeld("read in March 2024".to_owned()),
        place: "section 3".to_owned(),
        dated: dated.map(day),
    }
}

/// A step, by its name in the route.
pub fn item(subject: &str) -> Act {
    act("ItemCompleted", json!({ "subject": subject }))
}

/// A gate decided with this outcome; outcomes that want a reason or conditions get one.
pub fn gate(subject: &str, outcome: &str) -> Act {
    let mut payload = json!({ "subject": subject, "outcome": outcome, "taken": "meeting", "reason": words("as minuted") });
    if outcome.ends_with("_with_conditions") {
        payload["conditions"] = json!([{ "obligation": format!("{subject}-c1"), "text": words("send the plan") }]);
    }
    act("GateDecided", payload)
}

pub fn eoi() -> Act {
    act("ExpressionOfInterestSubmitted", json!({ "subject": "eoi", "right_to_withdraw": "asserted" }))
}

pub fn endorsement(verb: &str) -> Act {
    act("ExpressionOfInterestEndorsed", json!({ "subject": "endorsement", "verb": verb }))
}

pub fn withdrawal() -> Act {
    act(
        "ExpressionOfInterestWithdrawn",
        json!({ "subject": "withdrawal", "ground": "risk", "reason": words("too great a risk") }),
    )
}

/// An answer to a question of the readiness assessment.
pub fn answer(question: &str, yes_or_no: &str) -> Act {
    act("ChecklistAnswered", json!({ "checklist": "pdaf", "question": question, "answer": yes_or_no }))
}

/// The region's check of one version of an answer.
pub fn check(question: &str, version: u32, yes_or_no: &str) -> Act {
    act(
        "ChecklistCorroborated",
        json!({ "checklist": "pdaf", "question": question, "answer_version": version, "answer": yes_or_no }),
    )
}

pub fn assessment() -> Act {
    act("AssessmentSubmitted", json!({ "subject": "pdaf" }))
}

/// A stage of due diligence signed off without qualification.
pub fn diligence(subject: &str) -> Act {
    act("DueDiligenceStageCompleted", json!({ "subject": subject }))
}

pub fn finding(id: &str, subject: &str, severity: u8) -> Act {
    act("FindingRaised", json!({ "finding": id, "subject": subject, "severity": severity }))
}

/// The check of one completion of an item.
pub fn verification(subject: &str, checked: Revision) -> Act {
    act("ItemVerified", json!({ "subject": subject, "checked": checked }))
}

pub fn pack() -> Act {
    act("DecisionPackFrozen", json!({ "subject": "decision_pack" }))
}

/// A fact without fields.
pub fn fact(kind: &str) -> Act {
    act("FactRecorded", json!({ "kind": kind }))
}

/// An agreement signed for one of the parties.
pub fn signature(party: &str, version: &str) -> Act {
    act("AgreementSigned", json!({ "subject": "delegation_agreement", "version": version, "party": party }))
}

pub fn variation(covers: &[&str]) -> Act {
    act("AgreementVaried", json!({ "subject": "agreement_variation", "to_version": "2", "covers": covers }))
}

pub fn commencement(effective_on: &str) -> Act {
    act("DelegationCommenced", json!({ "subject": "delegation_commenced", "effective_on": effective_on }))
}

pub fn rating(kind: &str, about: &str, rating: &str) -> Act {
    act("AssuranceRated", json!({ "subject": "assurance", "kind": kind, "about": about, "rating": rating }))
}

pub fn notice(effective_on: &str) -> Act {
    act(
        "TerminationNoticeServed",
        json!({ "subject": "termination_notice", "served_by": super::NHSE, "effective_on": effective_on }),
    )
}

pub fn ending() -> Act {
    act("DelegationEnded", json!({ "subject": "delegation_ended", "to_holder": "sender" }))
}

pub fn statute() -> Act {
    act("TransferredByStatute", json!({ "subject": "statutory_transfer", "instrument": "the Act", "effective_on": "2027-04-01" }))
}

pub fn succession(successor: &str, part: &str, effective_on: &str) -> Act {
    act(
        "TransitionSucceeded",
        json!({ "subject": "succession", "successor": successor, "part": part, "effective_on": effective_on }),
    )
}

/// A way back, agreed by this person.
pub fn reopening(stage: &str, agreed_by: &str) -> Act {
    act("RoundOpened", json!({ "stage": stage, "agreed_by": agreed_by, "reason": words("things have changed") }))
}

/// A prospect of resolution, agreed by both sides.
pub fn prospect(id: &str, question: &str, due: &str) -> Act {
    let payload = json!({ "obligation": id, "kind": "prospect", "about": format!("pdaf:{question}"), "due": when(due),
        "receiver_agreed": true, "sender_agreed": true });
    act("ObligationRaised", payload)
}

pub fn discharge(id: &str) -> Act {
    act("ObligationDischarged", json!({ "obligation": id }))
}

/// A plan: the event and its key as `GateDecided:ballot`, and when.
pub fn plan(of: &str, target: &str) -> Act {
    let (event, key) = of.split_once(':').unwrap_or((of, ""));
    act("Planned", json!({ "event": event, "key": key, "target": when(target) }))
}

/// The same, waiting for gates as `ballot=support`.
pub fn plan_if(of: &str, target: &str, gates: &[&str]) -> Act {
    let wait = |gate: &&str| {
        let (key, outcome) = gate.split_once('=').expect("gate=outcome");
        json!({ "event": "GateDecided", "key": key, "outcome": outcome })
    };
    plan(of, target).with("depends_on", gates.iter().map(wait).collect())
}

pub fn void(target: Revision) -> Act {
    act("StatementVoided", json!({ "target": target, "reason": words("it was never so") }))
}

/// A correction of the value last put in place by `was`.
pub fn correction(target: Revision, was: Revision, to: Value) -> Act {
    act("StatementCorrected", json!({ "target": target, "was": was, "to": to, "reason": words("misread") }))
}

/// A function and who is responsible for it from a day.
pub fn allocation(function: &str, responsible: &str, from: &str) -> Act {
    act("FunctionAllocated", json!({ "function": function, "responsible": responsible, "effective_on": when(from) }))
}

pub fn pairing(sender: &str, receiver: &str) -> Act {
    act("SenderReceiverPaired", json!({ "pair": "p1", "area": "finance", "sender_person": sender, "receiver_person": receiver }))
}

pub fn listed(id: &str) -> Act {
    act("HandoverItemListed", json!({ "item": id, "area": "contracts", "kind": "document" }))
}

/// A handover item sent, accepted or returned, in this version.
pub fn handed(kind: &'static str, id: &str, version: &str) -> Act {
    act(kind, json!({ "item": id, "version": version }))
}

/// An interest declared at a meeting, and what was done.
pub fn interest(meeting: &str, person: &str, done: &str) -> Act {
    act("InterestDeclared", json!({ "meeting": meeting, "person": person, "action": done })).at(&format!("meeting/{meeting}"))
}
