//! Checklists: answers, and the checks of single versions of them.

use super::{Context, subject, who};
use crate::event::{ChecklistAnswered, ChecklistCorroborated, Statement};
use crate::route::{Atom, Checklist, ChecklistId, Gate, Item, QuestionId};
use crate::transition::Question;
use crate::unmet::Unmet;

fn find<'a>(cx: &Context<'a>, id: &ChecklistId, question: &QuestionId) -> Result<&'a Checklist, Unmet> {
    let unknown = |why: String| Unmet::hard("UNKNOWN_QUESTION", "I08", why);
    let list = cx.route.checklist(id).ok_or_else(|| unknown(format!("the route has no checklist {id}")))?;
    let known: Vec<_> = list.questions.iter().map(|q| q.id.as_str()).collect();
    list.question(question).ok_or_else(|| unknown(format!("{id} has no question {question}; it has {}", known.join(", "))))?;
    Ok(list)
}

fn given<'a>(cx: &'a Context<'_>, id: &ChecklistId, question: &QuestionId) -> Option<&'a Question> {
    cx.facts.questions.get(&(id.clone(), question.clone()))
}

/// What stands between now and any answer to a checklist.
pub(crate) fn open(cx: &Context<'_>, list: &Checklist) -> Vec<Unmet> {
    subject::until(cx, list.until.as_ref(), &list.title).into_iter().collect()
}

/// Rule I13: what is handed in is what was signed off. A sign-off is a gate that an assessment needs and
/// that itself asks for the checklist.
pub(super) fn changed_since_sign_off(cx: &Context<'_>, item: &Item) -> Option<Unmet> {
    let list = item.checklist.as_ref()?;
    let asks_for_it =
        |gate: &Gate| gate.needs.requires(&|atom| matches!(atom, Atom::Checklist { checklist, .. } if checklist == list));
    let needed = item.needs.needs().into_iter().filter_map(|need| match &need.atom {
        Atom::Decided { gate, .. } => cx.route.gate(gate).filter(|g| asks_for_it(g)),
        _ => None,
    });
    let signed = needed.filter_map(|gate| cx.facts.gates.get(&gate.id)).map(|decision| decision.nth).min()?;
    let of_list = cx.facts.questions.iter().filter(|((id, _), _)| id == list);
    let changed: Vec<_> =
        of_list.filter(|(_, q)| q.latest().is_some_and(|(_, a)| a.nth > signed)).map(|((_, id), _)| id.as_str()).collect();
    (!changed.is_empty()).then(|| {
        Unmet::contrary(
            "NOT_SIGNED_OFF",
            "I13",
            format!("answers changed after the sign-off: {}; sign the new ones off", changed.join(", ")),
        )
    })
}

pub(super) fn answered(cx: &Context<'_>, st: &Statement, e: &ChecklistAnswered) -> Vec<Unmet> {
    let list = match find(cx, &e.checklist, &e.question) {
        Ok(list) => list,
        Err(unmet) => return vec![unmet],
    };
    let mut unmet = open(cx, list);
    let corroborated = given(cx, &e.checklist, &e.question).is_some_and(|q| q.corroboration().is_some());
    if corroborated && e.reason.is_none() {
        unmet.push(Unmet::silent(
            "REASON_REQUIRED",
            "I12",
            format!("the answer to {} is corroborated: changing it needs a reason and leaves that check behind", e.question),
        ));
    }
    unmet.extend(who::role(cx, st, &list.answer, "ROLE_NOT_HELD", ""));
    unmet
}

pub(super) fn corroborated(cx: &Context<'_>, st: &Statement, e: &ChecklistCorroborated) -> Vec<Unmet> {
    let list = match find(cx, &e.checklist, &e.question) {
        Ok(list) => list,
        Err(unmet) => return vec![unmet],
    };
    let mut unmet = open(cx, list);
    match given(cx, &e.checklist, &e.question).and_then(Question::latest) {
        None => unmet.push(Unmet::silent("NOTHING_TO_CORROBORATE", "I11", format!("{} has no answer yet", e.question))),
        Some((version, _)) if version != e.answer_version => unmet.push(Unmet::contrary(
            "STALE_ANSWER",
            "I11",
            format!("the answer to {} in force is version {version}, the check is of version {}", e.question, e.answer_version),
        )),
        Some(_) => {}
    }
    unmet.extend(who::role(cx, st, &list.corroborate, "NOT_REGIONAL_DIRECTOR", "I10"));
    unmet
}
