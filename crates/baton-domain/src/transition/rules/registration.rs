//! Registration: who may receive what, in which wave, on which route.

use crate::event::{Statement, TransitionRegistered};
use crate::rest::Held;
use crate::transition::Transition;
use crate::unmet::Unmet;
use crate::values::TransitionId;
use crate::world::{Openness, PublishedRoute, World, overlaps};

/// The unmet rules of a registration, and the route it would pin.
pub fn registration<'w>(
    world: &'w World,
    id: &TransitionId,
    st: &Statement,
    e: &TransitionRegistered,
) -> (Vec<Unmet>, Option<&'w PublishedRoute>) {
    let mut unmet = Vec::new();
    for organisation in [Some(&id.receiver()), Some(&e.sender), e.acting_through.as_ref()].into_iter().flatten() {
        unmet.extend(super::known(world, organisation));
    }
    // Designate is open enough to be registered (rule I01); closed is not.
    if world.organisation(&id.receiver()).is_some_and(|o| o.openness(&st.occurred) == Openness::Closed) {
        unmet.push(Unmet::contrary("RECEIVER_NOT_OPEN", "I01", format!("{} had closed by then", id.receiver())));
    }
    let Some(wave) = world.wave(&id.wave()) else {
        unmet.push(Unmet::hard("UNKNOWN_WAVE", "", format!("wave {} is not open; open it first", id.wave())));
        return (unmet, None);
    };
    if !wave.services.iter().any(|s| *s == id.service()) {
        unmet.push(Unmet::hard("SERVICE_NOT_IN_WAVE", "I05", format!("service {} is not in wave {}", id.service(), id.wave())));
    }
    let route = e.route.as_ref().or(wave.route.as_ref()).and_then(|route| match &e.route_version {
        Some(version) => world.route(route, version),
        None => world.newest_route(route),
    });
    match route {
        None => unmet.push(Unmet::hard("UNKNOWN_ROUTE", "", "that route or version is not published; publish it first")),
        Some(published) if published.retired => {
            unmet.push(Unmet::contrary("ROUTE_RETIRED", "", format!("version {} is retired", published.route.version())));
        }
        Some(_) => {}
    }
    (unmet, route)
}

/// Rule I02: another open transition of the same receiver for the same service, whole or part.
pub fn duplicates<'h>(
    world: &World,
    transition: &Transition,
    mut others: impl Iterator<Item = &'h Held<Transition>>,
) -> Option<Unmet> {
    let mine = transition.registration()?;
    others.find_map(|other| {
        let theirs = other.registration()?;
        let same = *other.id() != transition.id && theirs.receiver == mine.receiver && overlaps(&theirs.service, &mine.service);
        (same && is_open(world, &other.look()) && is_open(world, transition)).then(|| {
            Unmet::hard("DUPLICATE_OPEN_TRANSITION", "I02", format!("{} is open for the same receiver and service", other.id()))
        })
    })
}

fn is_open(world: &World, transition: &Transition) -> bool {
    let Some(route) = transition.route(world) else { return false };
    transition.facts(route).standpoint(route).is_some_and(|at| !at.stage.closed)
}
