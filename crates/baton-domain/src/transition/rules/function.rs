//! Functions: one responsible holder at a time (rule I32).

use super::{Context, subject};
use crate::event::{FunctionAllocated, Holder, Statement};
use crate::route::ItemKind;
use crate::transition::Facts;
use crate::unmet::Unmet;

pub(super) fn allocated(cx: &Context<'_>, st: &Statement, e: &FunctionAllocated) -> Vec<Unmet> {
    let mut unmet = subject::of_kind(cx, st, ItemKind::FunctionAllocation);
    let earlier = cx.facts.functions.get(&e.function).map(Vec::as_slice).unwrap_or_default();
    let same_day = earlier.iter().filter(|a| a.effective_on.is_some() && a.effective_on == e.effective_on);
    for allocation in same_day {
        if let (Some(one), Some(other)) = (allocation.responsible, e.responsible)
            && one != other
        {
            unmet.push(Unmet::hard("TWO_HOLDERS", "I32", format!("{} is responsible for {} from the same day", one, e.function)));
        }
    }
    let reserved = e.reserved || earlier.iter().any(|a| a.reserved);
    if reserved && e.responsible == Some(Holder::Receiver) {
        unmet.push(Unmet::hard("RESERVED_FUNCTION", "I32", format!("{} is reserved to the sender", e.function)));
    }
    unmet
}

/// The same on a whole story: a statement put in before others, or corrected, may not make two holders.
pub(crate) fn two_holders(facts: &Facts) -> Option<Unmet> {
    facts.functions.iter().find_map(|(function, all)| {
        let holders: Vec<_> = all.iter().filter_map(|a| Some((a.effective_on.as_ref()?, a.responsible?))).collect();
        let twice = holders.iter().any(|(day, one)| holders.iter().any(|(other_day, other)| day == other_day && one != other));
        twice.then(|| Unmet::hard("TWO_HOLDERS", "I32", format!("two would be responsible for {function} from the same day")))
    })
}
