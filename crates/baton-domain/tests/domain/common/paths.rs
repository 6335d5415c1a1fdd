//! The whole way of each route, step by step, with every gate met.

use super::acts::*;
use super::{Given, NHSE};

/// One step of a way.
#[derive(Debug, Clone)]
pub struct Step {
    pub day: &'static str,
    pub act: Act,
    /// Every code with which it is refused when tried right after the registration.
    pub early: &'static [&'static str],
    /// The stage once it is done.
    pub stage: &'static str,
}

fn step(day: &'static str, act: Act, early: &'static [&'static str], stage: &'static str) -> Step {
    Step { day, act, early, stage }
}

/// The questions of the readiness assessment.
pub const QUESTIONS: [&str; 10] = ["1A", "1B", "2A", "2B", "2C", "2D", "3A", "3B", "4A", "4B"];

/// The compliant answer: 3A asks for trouble.
pub fn compliant(question: &str) -> &'static str {
    if question == "3A" { "no" } else { "yes" }
}

/// From interest to life of dental services, and the agreement between.
pub fn pod_path() -> Vec<Step> {
    let mut way = vec![
        step("2021-09-16", eoi(), &[], "INTEREST_EXPRESSED"),
        step("2021-09-17", item("assessment_opened"), &["ITEM_NOT_DONE"], "UNDER_ASSESSMENT"),
    ];
    way.extend(QUESTIONS.map(|q| step("2021-09-20", answer(q, compliant(q)), &[], "UNDER_ASSESSMENT")));
    way.extend([
        step("2021-09-24", gate("executive_sign_off", "signed_off"), &["INCOMPLETE_ASSESSMENT"], "UNDER_ASSESSMENT"),
        step("2021-09-28", assessment(), &["INCOMPLETE_ASSESSMENT", "NOT_SIGNED_OFF"], "AWAITING_NATIONAL_DECISION"),
    ]);
    way.extend(
        QUESTIONS
            .map(|q| step("2021-10-05", check(q, 1, compliant(q)), &["NOTHING_TO_CORROBORATE"], "AWAITING_NATIONAL_DECISION")),
    );
    way.extend([
        step(
            "2021-10-14",
            gate("national_decision", "approved"),
            &["ITEM_NOT_DONE", "NOT_CORROBORATED", "UNRESOLVED_NONCOMPLIANCE"],
            "APPROVED",
        ),
        step("2022-01-10", fact("allocation"), &[], "APPROVED"),
        step("2022-02-01", diligence("full"), &[], "APPROVED"),
        step("2022-02-02", diligence("finance"), &[], "APPROVED"),
        step("2022-09-01", pack(), &[], "APPROVED"),
        step(
            "2022-09-08",
            gate("go_no_go", "go"),
            &["NOT_APPROVED", "NO_DECISION_PACK", "ITEM_NOT_DONE", "FINANCE_NOT_SIGNED_OFF", "NO_ALLOCATION"],
            "GO_DECIDED",
        ),
        step("2022-10-01", item("agreement_issued"), &["GATE_NOT_DECIDED"], "GO_DECIDED"),
        step("2023-02-01", listed("h1"), &[], "GO_DECIDED"),
        step("2023-02-02", handed("HandoverItemSent", "h1", "1"), &["UNKNOWN_HANDOVER_ITEM"], "GO_DECIDED"),
        step("2023-02-03", handed("HandoverItemAccepted", "h1", "1"), &["UNKNOWN_HANDOVER_ITEM"], "GO_DECIDED"),
        step("2023-03-01", signature("QUY", "1"), &["NOT_APPROVED", "GATE_NOT_DECIDED"], "GO_DECIDED"),
        step("2023-03-03", signature(NHSE, "1"), &["NOT_APPROVED", "GATE_NOT_DECIDED"], "AGREED"),
        step("2023-03-20", gate("readiness", "ready"), &["GATE_NOT_DECIDED"], "AGREED"),
        step("2023-04-01", commencement("2023-04-01"), &["NOT_APPROVED", "GATE_NOT_DECIDED", "AGREEMENT_NOT_IN_FORCE"], "LIVE"),
    ]);
    way
}

/// From the members' ballot to life of primary medical services.
pub fn ccg_path() -> Vec<Step> {
    let not_approved: &[&str] = &["NOT_APPROVED"];
    vec![
        step("2017-09-11", item("ballot_opened"), &[], "CONSULTING"),
        step("2017-10-09", item("ballot_closed"), &["ITEM_NOT_DONE"], "CONSULTING"),
        step("2017-10-11", gate("ballot", "support"), &["ITEM_NOT_DONE"], "LOCALLY_SUPPORTED"),
        step("2017-10-12", gate("governing_body", "apply"), &["BALLOT_NOT_IN_SUPPORT"], "LOCALLY_SUPPORTED"),
        step("2017-10-20", item("application_documents"), &["BALLOT_NOT_IN_SUPPORT"], "LOCALLY_SUPPORTED"),
        step("2017-11-02", gate("application", "signed_off"), &["ITEM_NOT_DONE", "GATE_NOT_DECIDED"], "LOCALLY_SUPPORTED"),
        step(
            "2017-12-04",
            item("application_submitted"),
            &["BALLOT_NOT_IN_SUPPORT", "NO_GOVERNING_BODY_SIGN_OFF"],
            "AWAITING_NATIONAL_DECISION",
        ),
        step("2018-01-15", gate("national_decision", "approved"), &["ITEM_NOT_DONE"], "APPROVED"),
        step("2018-02-01", diligence("budget_transfer"), not_approved, "APPROVED"),
        step("2018-02-08", item("constitution_amended"), not_approved, "APPROVED"),
        step("2018-02-20", signature("06F", "1"), &["NOT_APPROVED", "CONSTITUTION_NOT_AMENDED"], "APPROVED"),
        step("2018-02-27", signature(NHSE, "1"), &["NOT_APPROVED", "CONSTITUTION_NOT_AMENDED"], "AGREED"),
        step("2018-04-01", commencement("2018-04-01"), &["NOT_APPROVED", "AGREEMENT_NOT_IN_FORCE", "ITEM_NOT_DONE"], "LIVE"),
    ]
}

/// From an expression of interest to life of primary medical services.
pub fn cocom_path() -> Vec<Step> {
    vec![
        step("2014-06-19", eoi(), &[], "INTEREST_EXPRESSED"),
        step("2014-07-22", endorsement("endorsed").with("retrospective", true.into()), &["ITEM_NOT_DONE"], "INTEREST_EXPRESSED"),
        step(
            "2014-09-01",
            item("application_submitted"),
            &["ITEM_NOT_DONE", "NO_GOVERNING_BODY_SIGN_OFF"],
            "AWAITING_NATIONAL_DECISION",
        ),
        step("2014-12-01", gate("national_decision", "approved"), &["ITEM_NOT_DONE"], "APPROVED"),
        step("2015-02-20", signature("99N", "1"), &["NOT_APPROVED"], "APPROVED"),
        step("2015-02-27", signature(NHSE, "1"), &["NOT_APPROVED"], "AGREED"),
        step("2015-04-01", commencement("2015-04-01"), &["NOT_APPROVED", "AGREEMENT_NOT_IN_FORCE"], "LIVE"),
    ]
}

/// From a proposal to the transfer of one process.
pub fn single_path() -> Vec<Step> {
    vec![
        step("2018-04-10", item("business_case"), &[], "BUSINESS_CASE"),
        step("2018-05-10", variation(&["PC-RENT"]), &["ITEM_NOT_DONE"], "AGREEMENT_VARIED"),
        step("2018-07-01", commencement("2018-07-01"), &["AGREEMENT_NOT_VARIED"], "TRANSFERRED"),
    ]
}

impl Given {
    /// Goes the way of the world's route until it stands at this stage for the first time.
    pub fn until(mut self, stage: &str) -> Self {
        for step in self.way() {
            if self.stage() == stage {
                return self;
            }
            self.today(step.day).take(step.act);
        }
        self.stands_at(stage);
        self
    }

    /// Goes the way of the world's route up to the first step of this kind on this subject, which is left out.
    pub fn before(mut self, kind: &str, subject: &str) -> Self {
        for step in self.way() {
            let named = |field: &str| step.act.payload[field] == subject;
            let here = step.act.kind == kind
                && (subject.is_empty() || ["subject", "question", "kind", "party"].iter().any(|f| named(f)));
            self.today(step.day);
            if here {
                return self;
            }
            self.take(step.act);
        }
        panic!("the way has no {kind} {subject}");
    }

    pub fn way(&self) -> Vec<Step> {
        match self.route().id().as_str() {
            "pod-2021" => pod_path(),
            "ccg-2017" => ccg_path(),
            "cocom-2014" => cocom_path(),
            _ => single_path(),
        }
    }
}
