//! Views that are kept, so that a transition is read anew only when something it shows has changed.
//!
//! A kept view holds what it was made from: the transition, its route, the receiver's organisation and
//! the day. All but the day are shared values that are never changed in place while somebody holds
//! them, so a view is good exactly when the state asked now holds the very same ones. Nothing is ever
//! invalidated by hand. Only views of transitions as they are now are kept, never those as of a time.

use super::summary::{Row, row};
use super::{summary, transition};
use baton_domain::rest::Held;
use baton_domain::route::Route;
use baton_domain::state::State;
use baton_domain::transition::{AsOf, Transition};
use baton_domain::values::{Day, FuzzyDate, OrganisationId, TransitionId};
use baton_domain::world::Organisation;
use baton_proto::v1 as proto;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines of the board are kept, of some 1 KiB each: the board is read as a whole, and one line less than it has
/// would be as if none were kept. More than there are transitions in a log that fits into memory, where each takes many
/// times its line.
const LINES: usize = 1_048_576;

/// How many transitions are kept in full, of some 10 KiB each.
const IN_FULL: usize = 4_096;

/// A line of the board, with what it is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The transition.
    pub id: TransitionId,
    /// Its receiver at birth.
    pub receiver: OrganisationId,
    /// Its stage, by the order of the route; none when it is not registered.
    pub stage: Option<usize>,
    /// First day on which it can have been live.
    pub live: Option<Day>,
    /// The line.
    pub summary: proto::TransitionSummary,
}

impl Line {
    /// The line of a row.
    pub fn of(row: &Row) -> Self {
        Self {
            id: row.transition.id.clone(),
            receiver: row.registration.receiver.clone(),
            stage: row.route.stages().iter().position(|s| s.id.as_str() == row.stage),
            live: row.facts.live_on.as_ref().and_then(FuzzyDate::earliest),
            summary: summary(row),
        }
    }
}

/// The kept views of one server.
#[derive(Default)]
pub struct Kept {
    lines: Views<Line, LINES>,
    in_full: Views<proto::TransitionView, IN_FULL>,
}

impl Kept {
    /// The line of a transition as it is now; `None` when it has no registration or no readable route.
    pub fn line(&self, state: &State, transition: &Arc<Held<Transition>>, today: Day) -> Option<Arc<Line>> {
        self.lines.get(state, transition, today, Held::look, Line::of)
    }

    /// The transition in full as it is now, at the position of `state`.
    pub fn in_full(&self, state: &State, found: &Arc<Held<Transition>>, today: Day) -> Option<proto::TransitionView> {
        let view = self.in_full.get(state, found, today, Held::open, |row| transition(row, 0))?;
        Some(proto::TransitionView { position: state.size.saturating_sub(1), ..(*view).clone() })
    }
}

/// What a view was made from.
struct Basis {
    transition: Arc<Held<Transition>>,
    route: Arc<Route>,
    receiver: Option<Arc<Organisation>>,
    today: Day,
}

impl Basis {
    fn of(state: &State, transition: &Arc<Held<Transition>>, today: Day) -> Option<Self> {
        let registration = transition.registration()?;
        let pin = &registration.pin;
        Some(Self {
            route: Arc::clone(&state.world.route(&pin.id, &pin.version)?.route),
            receiver: state.world.organisation(&registration.receiver).cloned(),
            transition: Arc::clone(transition),
            today,
        })
    }

    fn is(&self, other: &Self) -> bool {
        let same_receiver = match (&self.receiver, &other.receiver) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        Arc::ptr_eq(&self.transition, &other.transition)
            && Arc::ptr_eq(&self.route, &other.route)
            && same_receiver
            && self.today == other.today
    }
}

/// Views by transition, in two generations: what is not asked for while [`MAX`](Self) halves of others
/// come in is let go.
struct Views<T, const MAX: usize>(Mutex<Generations<T>>);

struct Generations<T> {
    young: HashMap<TransitionId, (Basis, Arc<T>)>,
    old: HashMap<TransitionId, (Basis, Arc<T>)>,
}

impl<T, const MAX: usize> Default for Views<T, MAX> {
    fn default() -> Self {
        Self(Mutex::new(Generations { young: HashMap::new(), old: HashMap::new() }))
    }
}

impl<T, const MAX: usize> Views<T, MAX> {
    fn get(
        &self,
        state: &State,
        found: &Arc<Held<Transition>>,
        today: Day,
        open: impl FnOnce(&Held<Transition>) -> Arc<Transition>,
        make: impl FnOnce(&Row) -> T,
    ) -> Option<Arc<T>> {
        let basis = Basis::of(state, found, today)?;
        if let Some(kept) = self.kept(&basis) {
            return Some(kept);
        }
        // Two who come at once both make it, and the later one stays: it is the same.
        let view = Arc::new(make(&row(state, &open(found), &AsOf::default(), today)?));
        self.keep(basis, Arc::clone(&view));
        Some(view)
    }

    fn kept(&self, basis: &Basis) -> Option<Arc<T>> {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = basis.transition.id();
        let good = |(made_from, _): &&(Basis, Arc<T>)| made_from.is(basis);
        if let Some((_, view)) = views.young.get(id).filter(good) {
            return Some(Arc::clone(view));
        }
        let (made_from, view) = views.old.remove(id).filter(|kept| good(&kept))?;
        views.insert(MAX, made_from, Arc::clone(&view));
        Some(view)
    }

    fn keep(&self, basis: Basis, view: Arc<T>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(MAX, basis, view);
    }
}

impl<T> Generations<T> {
    fn insert(&mut self, max: usize, basis: Basis, view: Arc<T>) {
        if self.young.len() >= max / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(basis.transition.id().clone(), (basis, view));
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
