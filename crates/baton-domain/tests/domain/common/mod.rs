//! The one place where tests touch the API: a log to record in, and what it then says.

mod acts;
mod paths;
mod world;

pub use acts::*;
pub use paths::{QUESTIONS, Step, ccg_path, cocom_path, compliant, pod_path, single_path};
pub use world::{NHSE, registration};

use baton_domain::decide::{self, Assessment, Decided, Refusal, Request};
use baton_domain::event::{Command, Event, Recorded};
use baton_domain::route::{RoleSide, Route};
use baton_domain::state::State;
use baton_domain::transition::{Action, Audit, Plan, PlanStatus, Transition};
use baton_domain::values::{PersonId, ProposalId, Revision, TransitionId, london_today};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A log with a world in it and one transition in the middle of attention.
#[derive(Debug, Clone)]
pub struct Given {
    pub state: State,
    /// Every event recorded, in order of position.
    pub events: Vec<Arc<Recorded>>,
    pub warnings: Vec<String>,
    pub transition: String,
    now: jiff::Timestamp,
    requests: u128,
}

impl Given {
    /// The same log some days later, or on this day. Never earlier: the clock does not run backwards.
    pub fn today(&mut self, day: &str) -> &mut Self {
        self.now = format!("{day}T12:00:00Z").parse().expect("day");
        self
    }

    pub fn day(&self) -> String {
        london_today(self.now).to_string()
    }

    pub fn request(&self, person: &str) -> Request {
        Request { person: person.parse().expect("person"), command_id: uuid::Uuid::from_u128(self.requests), now: self.now }
    }

    /// The command of an act, with the body that the route asks for filled in.
    pub fn command(&self, act: &Act) -> Command {
        let mut act = act.clone();
        if act.kind == "GateDecided" && act.payload.get("body").is_none() {
            act.payload["body"] = self.body_for(&act).map_or(Value::Null, Value::String);
        }
        act.command(&format!("transition/{}", self.transition), &self.day())
    }

    pub fn decide(&self, act: &Act) -> Result<Decided, Refusal> {
        let person = act.by.clone().unwrap_or_else(|| self.actor(act));
        decide::decide(&mut self.state.clone(), &self.request(&person), &[self.command(act)])
    }

    /// Takes what was decided into the log.
    pub fn keep(&mut self, decided: Decided) -> Revision {
        self.requests += 1;
        self.warnings = decided.warnings.iter().map(|w| w.code.clone()).collect();
        self.events.extend(decided.events.iter().cloned());
        decided.events.iter().for_each(|event| self.state.evolve(event));
        decided.events.last().expect("an event").revision
    }

    /// Records an act that the rules allow.
    #[track_caller]
    pub fn take(&mut self, act: Act) -> Revision {
        match self.decide(&act) {
            Ok(decided) => self.keep(decided),
            Err(refusal) => panic!("{} {} was refused: {refusal:#?}", act.kind, act.payload),
        }
    }

    /// The codes with which an act is refused; none when it is not.
    pub fn refused(&self, act: &Act) -> BTreeSet<String> {
        codes(self.decide(act).err())
    }

    /// Asserts that an act is refused with exactly these codes.
    #[track_caller]
    pub fn refuse(&self, act: Act, codes: &[&str]) {
        assert_eq!(self.refused(&act), set(codes), "{} {}", act.kind, act.payload);
    }

    /// Asserts that an act is refused with this code among others, for this rule.
    #[track_caller]
    pub fn refuse_by_rule(&self, act: Act, code: &str, rule: &str) {
        let Err(Refusal::Rules(unmet)) = self.decide(&act) else { panic!("{} {} was taken", act.kind, act.payload) };
        let found = unmet.iter().any(|(_, u)| u.code == code && u.rule == rule);
        assert!(found, "{code} of {rule} is not among {unmet:#?}");
        assert!(unmet.iter().all(|(_, u)| !u.what.is_empty()), "every unmet rule has a sentence");
    }

    /// Proposes acts as one records officer.
    #[track_caller]
    pub fn propose(&mut self, id: &str, acts: &[Act]) -> Assessment {
        let proposed = self.proposal(id, acts);
        self.take(proposed);
        self.assess(id).unwrap_or_else(|unmet| panic!("{unmet:#?}"))
    }

    pub fn proposal(&self, id: &str, acts: &[Act]) -> Act {
        let commands: Vec<Command> = acts.iter().map(|a| self.command(a)).collect();
        act("Proposed", json!({ "commands": commands, "reason": words("from the papers") }))
            .at(&format!("proposal/{id}"))
            .by("officer")
    }

    pub fn assess(&self, id: &str) -> Result<Assessment, BTreeSet<String>> {
        let id: ProposalId = id.parse().expect("proposal");
        let unmet = |all: Vec<(usize, baton_domain::Unmet)>| all.into_iter().map(|(_, u)| u.code).collect();
        self.state.assess_proposal(&self.request("checker"), &id).map_err(unmet)
    }

    /// An approval by the other records officer of what was seen.
    pub fn approval(&self, id: &str, seen: &Assessment) -> Act {
        act("Approved", json!({ "digest": seen.digest })).at(&format!("proposal/{id}")).by("checker")
    }

    /// Records what takes two persons: proposed by one, approved by the other.
    #[track_caller]
    pub fn take_by_two(&mut self, acts: &[Act]) -> Revision {
        self.try_by_two(acts).unwrap_or_else(|codes| panic!("refused: {codes:?}"))
    }

    pub fn try_by_two(&mut self, acts: &[Act]) -> Result<Revision, BTreeSet<String>> {
        let id = format!("p{}", self.requests);
        let decided = self.decide(&self.proposal(&id, acts)).map_err(|r| codes(Some(r)))?;
        self.keep(decided);
        let seen = self.assess(&id)?;
        let approved = self.decide(&self.approval(&id, &seen)).map_err(|r| codes(Some(r)))?;
        Ok(self.keep(approved))
    }

    /// What the transition reads as now.
    pub fn subject(&self) -> Arc<Transition> {
        let id: TransitionId = self.transition.parse().expect("transition");
        self.state.transition(&id).expect("registered")
    }

    pub fn route(&self) -> &Arc<Route> {
        let id: TransitionId = self.transition.parse().expect("transition");
        let pin = &self.state.transitions[&id].registration().expect("registered").pin;
        &self.state.world.route(&pin.id, &pin.version).expect("route").route
    }

    pub fn stage(&self) -> String {
        stage_of(&self.subject(), &self.state)
    }

    #[track_caller]
    pub fn stands_at(&self, stage: &str) {
        assert_eq!(self.stage(), stage);
    }

    pub fn audit(&self) -> Audit {
        self.subject().audit(&self.state.world)
    }

    pub fn actions(&self) -> Vec<Action> {
        self.subject().explain(&self.state.world, london_today(self.now))
    }

    /// What an act of this event on this subject, and with this outcome, still lacks. `None`: not offered.
    pub fn lacks(&self, act: &Act) -> Option<BTreeSet<String>> {
        let event = act.event();
        let subject = subject_of(act)?;
        let outcome = act.payload.get("outcome").and_then(Value::as_str);
        let found = self.actions().into_iter().find(|a| {
            a.event == event.event_type() && a.subject == subject && a.outcome.as_ref().map(|o| o.as_str()) == outcome
        })?;
        Some(found.unmet.into_iter().map(|u| u.code).collect())
    }

    /// The status of the latest plan of this event and key, as of today.
    pub fn plan_status(&self, of: &str) -> PlanStatus {
        let plans: Vec<Plan> = self.subject().story.plans(london_today(self.now));
        let named = |p: &Plan| format!("{}:{}", p.planned.event, p.planned.key);
        plans.into_iter().rfind(|p| named(p).trim_end_matches(':') == of).unwrap_or_else(|| panic!("no plan {of}")).status
    }

    /// The revision of the newest event of the transition.
    pub fn newest(&self) -> Revision {
        self.subject().revision
    }

    /// The person whom the route lets do this: tests give every role to a person of the same name.
    fn actor(&self, act: &Act) -> String {
        let Some(id) = self.transition.parse().ok().and_then(|id: TransitionId| self.state.transition(&id)) else {
            return "admin".to_owned();
        };
        let Some(route) = id.route(&self.state.world).filter(|_| act.stream.is_none()) else { return "admin".to_owned() };
        self.actor_by(route, &act.event()).map_or_else(|| "admin".to_owned(), |role| role.to_string())
    }

    fn actor_by(&self, route: &Route, event: &Event) -> Option<baton_domain::route::RoleId> {
        let text = serde_json::to_value(event).expect("event");
        let subject = text["payload"]["subject"].as_str().and_then(|s| s.parse().ok());
        let of_side = |side| route.roles().iter().find(|r| r.side == side).map(|r| r.id.clone());
        match event {
            Event::ItemVerified(_) => route.item(&subject?)?.verify.first().cloned(),
            Event::ChecklistAnswered(e) => route.checklist(&e.checklist)?.answer.first().cloned(),
            Event::ChecklistCorroborated(e) => route.checklist(&e.checklist)?.corroborate.first().cloned(),
            Event::ObligationRaised(e) => route.obligation(&e.kind)?.raise.first().cloned(),
            Event::ObligationDischarged(_) => route.obligations().first()?.discharge.first().cloned(),
            Event::RoundOpened(e) => route.reopenings().iter().find(|r| r.to.contains(&e.stage))?.by.first().cloned(),
            Event::AgreementSigned(e) => {
                let side = if e.party.as_str() == NHSE { RoleSide::Sender } else { RoleSide::Receiver };
                route.item(&subject?)?.by.iter().find(|r| route.role_side(r) == Some(side)).cloned()
            }
            Event::HandoverItemSent(_) => of_side(RoleSide::Sender),
            Event::HandoverItemAccepted(_) | Event::HandoverItemReturned(_) => of_side(RoleSide::Receiver),
            Event::FunctionAllocated(_) | Event::SenderReceiverPaired(_) => of_side(RoleSide::Receiver).and_then(|_| {
                let kind = baton_domain::route::ItemKind::Pairing;
                route.items_of(kind).next()?.by.first().cloned()
            }),
            _ => route.subject(&subject?)?.by().first().cloned(),
        }
    }

    fn body_for(&self, act: &Act) -> Option<String> {
        let subject = act.payload["subject"].as_str()?.parse().ok()?;
        let kind = *self.subject().route(&self.state.world)?.gate(&subject)?.bodies.first()?;
        Some(world::body_name(self.transition.split('.').next()?, kind))
    }
}

/// Where a transition stands.
pub fn stage_of(transition: &Transition, state: &State) -> String {
    let Some(route) = transition.route(&state.world) else { return "no route".to_owned() };
    transition.facts(route).standpoint(route).map_or_else(|| "none".to_owned(), |at| at.stage.id.to_string())
}

fn subject_of(act: &Act) -> Option<String> {
    let text = |field: &str| act.payload.get(field).and_then(Value::as_str).map(str::to_owned);
    match act.kind {
        "ChecklistAnswered" | "ChecklistCorroborated" => Some(format!("{}:{}", text("checklist")?, text("question")?)),
        "RoundOpened" => text("stage"),
        "ObligationDischarged" => text("obligation"),
        _ => text("subject"),
    }
}

pub fn codes(refusal: Option<Refusal>) -> BTreeSet<String> {
    match refusal {
        None => BTreeSet::new(),
        Some(Refusal::Rules(unmet)) => unmet.into_iter().map(|(_, u)| u.code).collect(),
        Some(Refusal::StaleRevision { .. }) => set(&["STALE_REVISION"]),
    }
}

pub fn set(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|c| (*c).to_owned()).collect()
}

pub fn person(id: &str) -> PersonId {
    id.parse().expect("person")
}
