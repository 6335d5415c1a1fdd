//! Functions: one responsible holder at a time (rule I32).

use super::Context;
use crate::event::{FunctionAllocated, Holder};
use crate::unmet::Unmet;

pub(super) fn allocated(cx: &Context<'_>, e: &FunctionAllocated) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let earlier = cx.facts.functions.get(&e.function).map(Vec::as_slice).unwrap_or_default();
    let same_day = earlier.iter().filter(|a| a.effective_on.is_some() && a.effective_on == e.effective_on);
    for allocation in same_day {
        if let (Some(one), Some(other)) = (allocation.responsible, e.responsible) {
            if one != other {
                unmet.push(Unmet::hard("TWO_HOLDERS", "I32", format!("{} is responsible for {} from the same day", one, e.function)));
            }
        }
    }
    let reserved = e.reserved || earlier.iter().any(|a| a.reserved);
    if reserved && e.responsible == Some(Holder::Receiver) {
        unmet.push(Unmet::hard("RESERVED_FUNCTION", "I32", format!("{} is reserved to the sender", e.function)));
    }
    unmet
}
