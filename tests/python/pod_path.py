"""A new transition from registration to life over gRPC, meeting every gate of the POD route, by reflection only.

Each step is first tried too early and must be refused with every unmet rule; ExplainTransition must name it as allowed
right before it is taken. Withdrawal, deferral with reopening, a qualified sign-off and conditions follow on other
transitions. Ends with 0 when all of it held.
"""

import datetime

from outside import Client, Refused, Server, record

TODAY = datetime.date.today().isoformat()
RECEIVER, SENDER, WAVE = "S0E4D", "own:nhs-england", "OUTSIDE-1"
RECEIVER_ROLES = {
    "out-ics": "ics_management_team", "out-lead": "icb_programme_lead", "out-finance": "icb_finance_lead",
    "out-executive": "icb_executive", "out-member": "icb_board_member", "out-chief": "icb_chief_executive",
}
SENDER_ROLES = {
    "out-region": "regional_lead", "out-region-finance": "regional_finance_lead",
    "out-rdc": "regional_director_of_commissioning", "out-director": "regional_director", "out-national": "national_lead",
}
QUESTIONS = ["1A", "1B", "2A", "2B", "2C", "2D", "3A", "3B", "4A", "4B"]
checks = 0


def check(held, what):
    global checks
    checks += 1
    if not held:
        raise SystemExit(f"NOT SO: {what}")


def command(stream, event, payload, **more):
    day = {"text": TODAY, "precision": "PRECISION_DAY", "earliest": TODAY, "latest": TODAY}
    return {"stream": stream, "standing": "STANDING_STATED", "occurred": day, event: payload, **more}


class Step:
    """One act: who does it, what, which rules it breaks when tried at the start, and the stage after it."""

    def __init__(self, person, event, payload, early=(), stage=None, explained=True):
        self.person, self.event, self.payload = person, event, payload
        self.early, self.stage, self.explained = set(early), stage, explained

    def subject(self):
        if "question" in self.payload:
            return f"{self.payload['checklist']}:{self.payload['question']}"
        return self.payload.get("subject")


class Path:
    def __init__(self, client, service):
        self.client, self.id = client, f"{RECEIVER}.{service}.{WAVE}"
        self.stream = f"transition/{self.id}"
        registered = {"sender": SENDER, "starting_position": "STARTING_POSITION_NONE"}
        record(client, "demo-administrator", command(self.stream, "transition_registered", registered))

    def view(self):
        return self.client.call("TransitionService", "GetTransition", {"transition": self.id})["transition"]

    def act(self, step):
        return record(self.client, step.person, command(self.stream, step.event, step.payload))

    def refused(self, step):
        before = self.view()["revision"]
        try:
            self.act(step)
        except Refused as refused:
            check(refused.reason == "RULES_NOT_MET", f"{step.event} {step.payload}: {refused.reason}: {refused}")
            check(self.view()["revision"] == before, f"{step.event}: nothing of a refusal stays")
            return set(refused.rules)
        raise SystemExit(f"NOT SO: {self.id} took {step.event} {step.payload} too early")

    def offered(self, step):
        name = "".join(word.capitalize() for word in step.event.split("_"))
        actions = self.client.call("TransitionService", "ExplainTransition", {"transition": self.id})["actions"]
        for action in actions:
            if action["event_type"] == name and action["subject"] == step.subject():
                if action.get("outcome", "") == step.payload.get("outcome", ""):
                    return action
        raise SystemExit(f"NOT SO: ExplainTransition does not know {name} {step.subject()}")

    def take(self, step):
        if step.explained:
            action = self.offered(step)
            check(action.get("allowed"), f"{self.id}: {step.event} {step.subject()} is offered before it is taken: {action}")
            check(step.person in action["people"], f"{step.person} is named for {step.event} {step.subject()}")
        self.act(step)
        if step.stage:
            stage = self.view()["stage"]
            check(stage == step.stage, f"{self.id} is {stage} after {step.event}, not {step.stage}")

    def walk(self, steps):
        for step in steps:
            if step.early:
                rules = self.refused(step)
                check(rules == step.early, f"{step.event} {step.payload} too early: {sorted(rules)}, not {sorted(step.early)}")
                check(not self.offered(step).get("allowed"), f"{step.event} is not offered too early")
        for step in steps:
            self.take(step)


def answer(question, given="ANSWER_YES"):
    return Step("out-ics", "checklist_answered", {"checklist": "pdaf", "question": question, "answer": given})


def corroborate(question, given="ANSWER_YES", version=1):
    payload = {"checklist": "pdaf", "question": question, "answer": given, "answer_version": version, "evidence_verified": True}
    return Step("out-rdc", "checklist_corroborated", payload, early={"NOTHING_TO_CORROBORATE"})


def gate(person, subject, outcome, body, early=(), stage=None, **more):
    payload = {"subject": subject, "outcome": outcome, "taken": "HOW_TAKEN_MEETING", **more}
    if body:
        payload["body"] = body
    return Step(person, "gate_decided", payload, early, stage)


def interest(right="RIGHT_TO_WITHDRAW_ASSERTED"):
    return Step("out-lead", "expression_of_interest_submitted", {"subject": "eoi", "right_to_withdraw": right}, stage="INTEREST_EXPRESSED")


def to_the_national_decision():
    """From registration to the point where the national decision may be taken."""
    answers = [answer(q, "ANSWER_NO" if q == "3A" else "ANSWER_YES") for q in QUESTIONS]
    checks_of = [corroborate(q, "ANSWER_NO" if q == "3A" else "ANSWER_YES") for q in QUESTIONS]
    return [
        interest(),
        Step("out-ics", "item_completed", {"subject": "assessment_opened"}, {"ITEM_NOT_DONE"}, "UNDER_ASSESSMENT"),
        *answers,
        gate("out-executive", "executive_sign_off", "signed_off", f"{RECEIVER}/out-executive-team", {"INCOMPLETE_ASSESSMENT"}),
        Step("out-ics", "assessment_submitted", {"subject": "pdaf"}, {"INCOMPLETE_ASSESSMENT", "NOT_SIGNED_OFF"}, "AWAITING_NATIONAL_DECISION"),
        *checks_of,
    ]


TOO_EARLY_NATIONALLY = {"ITEM_NOT_DONE", "NOT_CORROBORATED"}


def after_approval():
    """From an approval to life."""
    signed = lambda person, party: Step(
        person, "agreement_signed", {"subject": "delegation_agreement", "version": "1.0", "party": party},
        {"NOT_APPROVED", "GATE_NOT_DECIDED"}, "AGREED" if party == SENDER else None)
    return [
        Step("out-finance", "due_diligence_stage_completed", {"subject": "finance"}),
        Step("out-lead", "due_diligence_stage_completed", {"subject": "full"}),
        Step("out-national", "fact_recorded", {"kind": "allocation", "note": "Allocation announced for the year."}, explained=False),
        Step("out-lead", "decision_pack_frozen", {"subject": "decision_pack"}),
        gate("out-member", "go_no_go", "go", f"{RECEIVER}/out-board",
             {"NOT_APPROVED", "NO_DECISION_PACK", "ITEM_NOT_DONE", "FINANCE_NOT_SIGNED_OFF", "NO_ALLOCATION"}, "GO_DECIDED"),
        Step("out-lead", "sender_receiver_paired", {"pair": "contracts-1", "area": "contracts", "sender_person": "out-region", "receiver_person": "out-lead"}, explained=False),
        Step("out-region", "handover_item_listed", {"item": "register", "area": "contracts", "kind": "HANDOVER_KIND_DOCUMENT", "pair": "contracts-1", "title": "Register of contracts"}, explained=False),
        Step("out-region", "handover_item_sent", {"item": "register", "version": "1"}, explained=False),
        Step("out-lead", "handover_item_accepted", {"item": "register", "version": "1"}, explained=False),
        signed("out-chief", RECEIVER),
        signed("out-director", SENDER),
        gate("out-lead", "readiness", "ready", None, {"GATE_NOT_DECIDED"}),
        Step("out-chief", "delegation_commenced",
             {"subject": "delegation_commenced", "effective_on": TODAY, "agreement_version": "1.0", "off_cycle_reason": "A scripted start."},
             {"NOT_APPROVED", "GATE_NOT_DECIDED", "AGREEMENT_NOT_IN_FORCE"}, "LIVE"),
    ]


def set_up(client):
    """People, bodies and a wave, all by ordinary commands of the administrator."""
    admin = "demo-administrator"
    grants = [(RECEIVER, RECEIVER_ROLES), (SENDER, SENDER_ROLES)]
    record(client, admin, *[
        command(f"organisation/{organisation}", "role_granted", {"person": person, "role": role})
        for organisation, roles in grants for person, role in roles.items()
    ])
    bodies = [(RECEIVER, "out-board", "BODY_KIND_BOARD"), (RECEIVER, "out-executive-team", "BODY_KIND_EXECUTIVE"),
              (SENDER, "out-national-board", "BODY_KIND_NATIONAL_BOARD")]
    record(client, admin, *[
        command(f"organisation/{organisation}", "body_registered", {"body": body, "name": body, "kind": kind, "powers": ["BODY_POWER_DECIDE"]})
        for organisation, body, kind in bodies
    ])
    services = ["DENT", "PHARM", "OPHTH", "VAX", "SCREEN"]
    record(client, admin, command(f"wave/{WAVE}", "wave_opened", {"name": "A wave for a script", "services": services, "route": "pod-2021"}))


def main_path(client):
    path = Path(client, "DENT")
    approved = gate("out-national", "national_decision", "approved", f"{SENDER}/out-national-board",
                    TOO_EARLY_NATIONALLY | {"UNRESOLVED_NONCOMPLIANCE"}, "APPROVED")
    steps = [*to_the_national_decision(), approved, *after_approval()]
    path.walk(steps)
    view = path.view()
    check(not view.get("gaps") and not view.get("earlier_stages_not_on_record"), "a path lived in full has no gaps and every stage on record")
    replayed = client.call("AuditService", "ReplayTransition", {"transition": path.id})
    check(replayed[-1]["step"]["stage"] == "LIVE" and len(replayed) == len(steps) + 1, "the replay tells every step and ends live")
    audit = client.call("AuditService", "AuditTransition", {"transition": path.id})
    check(not audit.get("statements"), f"the audit finds nothing: {audit.get('statements')}")
    print(f"{path.id}: {len(steps)} steps from registration to life, each offered before it was taken")


def withdrawal(client):
    path = Path(client, "OPHTH")
    leave = Step("out-chief", "expression_of_interest_withdrawn",
                 {"subject": "withdrawal", "ground": "WITHDRAWAL_GROUND_FINANCIAL_ENVELOPE", "reason": "The envelope is not known."}, stage="WITHDRAWN")
    path.take(interest("RIGHT_TO_WITHDRAW_NONE"))
    check(path.refused(leave) == {"NO_RIGHT_TO_WITHDRAW"}, "no right, no withdrawal")
    other = Path(client, "PHARM")
    other.take(interest())
    other.take(leave)
    check("STAGE_CLOSED" in other.refused(interest()), "a closed stage takes no expression of interest")
    reopened = {"stage": "REGISTERED", "agreed_by": "out-region", "reason": "The envelope is known now."}
    record(client, "out-lead", command(other.stream, "round_opened", reopened))
    view = other.view()
    check((view["stage"], view["round"]) == ("REGISTERED", 2), f"a new round begins at REGISTERED: {view['stage']}")
    other.take(interest())
    print(f"{other.id}: withdrawn, closed, reopened by two sides, interest expressed again in round 2")


def deferral_and_conditions(client):
    path = Path(client, "VAX")
    for step in to_the_national_decision():
        path.take(step)
    board = f"{SENDER}/out-national-board"
    deferred = gate("out-national", "national_decision", "deferred", board, stage="DEFERRED", reason="Finance is not assured.")
    approved = gate("out-national", "national_decision", "approved_with_conditions", board, stage="APPROVED_WITH_CONDITIONS",
                    conditions=[{"obligation": "vax-condition-1", "text": "A finance plan by the spring."}])
    no_reason = gate("out-national", "national_decision", "deferred", board)
    check(path.refused(no_reason) == {"REASON_REQUIRED"}, "a deferral needs a reason")
    path.take(deferred)
    check(path.refused(approved) == {"ALREADY_DECIDED"}, "one decision a round")
    one_sided = Step("out-lead", "round_opened", {"stage": "AWAITING_NATIONAL_DECISION", "agreed_by": "out-lead", "reason": "Assured."})
    check({"SELF_APPROVAL", "ROLE_NOT_HELD"} == path.refused(one_sided), "a reopening is agreed by the other side")
    record(client, "out-lead", command(path.stream, "round_opened", {**one_sided.payload, "agreed_by": "out-national"}))
    view = path.view()
    check((view["stage"], view["round"]) == ("AWAITING_NATIONAL_DECISION", 2), "answers and submission stay, the decision is set aside")
    path.take(approved)

    finding = Step("out-region", "finding_raised", {"finding": "vax-finding-1", "subject": "finance", "severity": 5, "note": "No baseline."}, explained=False)
    path.take(finding)
    plain = Step("out-finance", "due_diligence_stage_completed", {"subject": "finance"})
    check(path.refused(plain) == {"OPEN_CRITICAL_FINDING"}, "a critical finding stands in the way of a plain sign-off")
    record(client, "out-finance", command(path.stream, "due_diligence_stage_completed",
                                          {"subject": "finance", "qualified": True, "qualification": "Baseline to follow."}))
    for step in after_approval()[1:-1]:
        path.take(step) if step.event != "agreement_signed" else path.act(step)
    commence = after_approval()[-1]
    check(path.refused(commence) == {"CONDITION_OPEN"}, "an open condition stands in the way of the start")
    record(client, "out-lead", command(path.stream, "obligation_discharged", {"obligation": "vax-condition-1", "note": "Plan agreed."}))
    path.take(commence)
    print(f"{path.id}: deferred, reopened, approved with a condition, signed off qualified, condition discharged, live in round 2")


def changed_answer(client):
    path = Path(client, "SCREEN")
    for step in to_the_national_decision():
        path.take(step)
    approved = gate("out-national", "national_decision", "approved", f"{SENDER}/out-national-board")
    check(path.refused(Step("out-ics", "checklist_answered", {"checklist": "pdaf", "question": "3A", "answer": "ANSWER_YES"})) == {"REASON_REQUIRED"},
          "changing a corroborated answer needs a reason")
    record(client, "out-ics", command(path.stream, "checklist_answered",
                                      {"checklist": "pdaf", "question": "3A", "answer": "ANSWER_YES", "reason": "A deficit came to light."}))
    check(path.refused(approved) == {"NOT_CORROBORATED", "UNRESOLVED_NONCOMPLIANCE"}, "the change left its corroboration behind, and 3A complies on no")
    stale = corroborate("3A", version=1)
    check(path.refused(stale) == {"STALE_ANSWER"}, "a check of the earlier version does not count")
    path.act(corroborate("3A", version=2))
    check(path.refused(approved) == {"UNRESOLVED_NONCOMPLIANCE"}, "corroborated, and still without an agreed prospect")
    print(f"{path.id}: a changed answer left its corroboration behind")


def main():
    with Server() as server:
        client = Client(server.address)
        set_up(client)
        main_path(client)
        withdrawal(client)
        deferral_and_conditions(client)
        changed_answer(client)
    check(server.ended == 0, f"the server stopped in order: {server.ended}")
    print(f"{checks} checks held")


if __name__ == "__main__":
    main()
