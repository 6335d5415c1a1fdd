//! The stage: the last one in file order whose entry holds. Nothing overrides it.

use super::Facts;
use crate::event::Standing;
use crate::route::{Guard, Route, Stage, StageId};

/// Where a transition stands, and on what that rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standpoint<'r> {
    /// The stage.
    pub stage: &'r Stage,
    /// Its place in file order, from 0.
    pub index: usize,
    /// The weakest standing on which the entry rests.
    pub standing: Standing,
}

impl Facts {
    /// Where these facts place the transition. `None` only when it is not registered.
    pub fn standpoint<'r>(&self, route: &'r Route) -> Option<Standpoint<'r>> {
        let (index, stage, standing) =
            route.stages().iter().enumerate().rev().find_map(|(i, s)| self.standing(&s.entry, route).map(|st| (i, s, st)))?;
        Some(Standpoint { stage, index, standing })
    }

    /// The stages of the main path before `index` that are not on record, in file order.
    pub fn not_on_record<'r>(&self, route: &'r Route, index: usize) -> Vec<&'r StageId> {
        let missing = |s: &&Stage| !s.closed && !s.aside && self.standing(&s.entry, route).is_none();
        route.stages().iter().take(index).filter(missing).map(|s| &s.id).collect()
    }

    /// The weakest standing on which a guard rests, or `None` when it does not hold. Where any of several
    /// parts would do, the strongest counts.
    pub fn standing(&self, guard: &Guard, route: &Route) -> Option<Standing> {
        match guard {
            Guard::Is(need) => {
                let supports = self.holds(&need.atom, route)?;
                Some(supports.iter().map(|s| s.standing).min().unwrap_or(Standing::Stated))
            }
            Guard::All(parts) => {
                parts.iter().try_fold(Standing::Stated, |weakest, part| Some(weakest.min(self.standing(part, route)?)))
            }
            Guard::Any(parts) => parts.iter().filter_map(|part| self.standing(part, route)).max(),
        }
    }

    /// Whether a guard holds.
    pub fn guard_holds(&self, guard: &Guard, route: &Route) -> bool {
        guard.holds(&|atom| self.holds(atom, route).is_some())
    }
}
