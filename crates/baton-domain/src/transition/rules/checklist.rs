//! Checklists: answers, and the checks of single versions of them.

use super::{Context, subject, who};
use crate::event::{ChecklistAnswered, ChecklistCorroborated, Statement};
use crate::route::{Checklist, ChecklistId, QuestionId};
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

pub(super) fn answered(cx: &Context<'_>, st: &Statement, e: &ChecklistAnswered) -> Vec<Unmet> {
    let list = match find(cx, &e.checklist, &e.question) {
        Ok(list) => list,
        Err(unmet) => return vec![unmet],
    };
    let mut unmet = open(cx, list);
    let corroborated = given(cx, &e.checklist, &e.question).is_some_and(|q| q.corroboration().is_some());
    if corroborated && e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "I12", format!("the answer to {} is corroborated: changing it needs a reason and leaves that check behind", e.question)));
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
