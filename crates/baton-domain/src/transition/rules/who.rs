//! Who may act: roles held on the day, on the right side.

use super::Context;
use crate::event::Statement;
use crate::route::{RoleId, RoleSide};
use crate::transition::Transition;
use crate::unmet::Unmet;
use crate::values::{Day, OrganisationId, PersonId};
use crate::world::{RoleHeld, Scope, World};
use std::collections::BTreeSet;

/// Whether a role held in this scope counts for this transition and side.
fn in_scope(scope: &Scope, side: RoleSide, transition: &Transition) -> bool {
    let Some(registration) = transition.registration() else { return false };
    match scope {
        Scope::Installation => true,
        Scope::Transition(id) => *id == transition.id,
        Scope::Organisation(id) => match side {
            RoleSide::Receiver => *id == registration.receiver,
            RoleSide::Sender => *id == registration.sender || Some(id) == registration.acting_through.as_ref(),
            RoleSide::Any => true,
        },
    }
}

/// The persons who hold one of `roles` for this transition on `day`.
pub fn holders(cx: &Context<'_>, roles: &[RoleId], day: Day) -> BTreeSet<PersonId> {
    let held = cx.world.roles().map(|(_, held)| held).filter(|held| counts(cx, held, roles, day));
    held.filter_map(|held| held.person.clone()).collect()
}

/// Whether a role that is held is one of `roles`, for this transition, on `day`.
fn counts(cx: &Context<'_>, held: &RoleHeld, roles: &[RoleId], day: Day) -> bool {
    roles.contains(&held.role)
        && held.on(day)
        && cx.route.role_side(&held.role).is_some_and(|side| in_scope(&held.scope, side, cx.transition))
}

/// Whether this person holds one of `roles` for this transition on `day`.
pub fn holds_role(cx: &Context<'_>, person: &PersonId, roles: &[RoleId], day: Day) -> bool {
    cx.world.roles_of(person).any(|held| counts(cx, held, roles, day))
}

/// Whether this person holds a role of that side, in an organisation of that side or in a host that works
/// for the receiver (rule I34), on `day`.
pub(super) fn on_side(cx: &Context<'_>, person: &PersonId, side: RoleSide, day: Day) -> bool {
    let roles: Vec<RoleId> = cx.route.roles().iter().filter(|r| r.side == side).map(|r| r.id.clone()).collect();
    let at_host = |held: &RoleHeld| match &held.scope {
        Scope::Organisation(id) => side == RoleSide::Receiver && hosts(cx, id),
        Scope::Installation | Scope::Transition(_) => false,
    };
    let held = |held: &RoleHeld| roles.contains(&held.role) && held.on(day) && at_host(held);
    holds_role(cx, person, &roles, day) || cx.world.roles_of(person).any(held)
}

/// Whether a body of this organisation works as a host for the receiver.
fn hosts(cx: &Context<'_>, organisation: &OrganisationId) -> bool {
    let Some(registration) = cx.transition.registration() else { return false };
    let bodies = cx.world.organisation(organisation).map(|o| o.bodies.values());
    bodies.into_iter().flatten().any(|body| body.hosts_for.contains(&registration.receiver))
}

/// Whether this person is an administrator or a records officer of the installation on `day`.
pub fn is_officer(world: &World, person: &PersonId, role: &str, day: Day) -> bool {
    world
        .roles_in(&crate::values::StreamId::Log)
        .any(|held| held.person.as_ref() == Some(person) && held.role.as_str() == role && held.on(day))
}

/// Whether this person may propose, approve and enter history on `day`.
pub fn records_officer_or_administrator(world: &World, person: &PersonId, day: Day) -> bool {
    is_officer(world, person, "records_officer", day) || is_officer(world, person, "administrator", day)
}

/// The day on which a role must be held: the last day on which the act can have been, or today.
pub(super) fn acting_day(cx: &Context<'_>, st: &Statement) -> Day {
    st.occurred.latest().unwrap_or(cx.today).min(cx.today)
}

/// The acting person: the one named, or for a live act the one who records it.
pub(super) fn acting<'a>(cx: &'a Context<'_>, st: &'a Statement) -> Option<&'a PersonId> {
    st.done_by.person.as_ref().or((!cx.late).then_some(cx.recorder))
}

/// The acting person must hold one of `roles` on the day. An empty list asks nothing.
pub(super) fn role(cx: &Context<'_>, st: &Statement, roles: &[RoleId], code: &str, rule: &str) -> Option<Unmet> {
    if roles.is_empty() {
        return None;
    }
    let wanted = roles.iter().map(RoleId::as_str).collect::<Vec<_>>().join(" or ");
    match acting(cx, st) {
        None => Some(Unmet::silent(code, rule, format!("the sources do not name the person who acted as {wanted}"))),
        Some(person) => {
            let day = acting_day(cx, st);
            let held = holds_role(cx, person, roles, day);
            (!held).then(|| {
                Unmet::contrary(code, rule, format!("{person} does not hold the role {wanted} for this transition on {day}"))
            })
        }
    }
}

/// A live act is recorded by somebody with a part in the transition, or by an officer of the installation.
pub(super) fn recorder(cx: &Context<'_>, _st: &Statement) -> Option<Unmet> {
    if cx.late || records_officer_or_administrator(cx.world, cx.recorder, cx.today) {
        return None;
    }
    let roles: Vec<RoleId> = cx.route.roles().iter().map(|r| r.id.clone()).collect();
    let has_part = holds_role(cx, cx.recorder, &roles, cx.today);
    (!has_part).then(|| {
        Unmet::contrary(
            "NO_ROLE_HERE",
            "",
            format!("{} holds no role for {} today and may not record for it", cx.recorder, cx.transition.id),
        )
    })
}

/// The organisation that acted, when it is one of the two sides.
pub(super) fn side_of(cx: &Context<'_>, organisation: &OrganisationId) -> Option<RoleSide> {
    let registration = cx.transition.registration()?;
    if *organisation == registration.receiver {
        Some(RoleSide::Receiver)
    } else if *organisation == registration.sender || Some(organisation) == registration.acting_through.as_ref() {
        Some(RoleSide::Sender)
    } else {
        None
    }
}

/// The act must be of this side: by the organisation named, or else by the person who acted.
pub(super) fn of_side(cx: &Context<'_>, st: &Statement, side: RoleSide, code: &str, rule: &str) -> Option<Unmet> {
    let by_organisation = st.done_by.organisation.as_ref().and_then(|id| side_of(cx, id));
    let person = acting(cx, st);
    let by_person = person.map(|p| on_side(cx, p, side, acting_day(cx, st)));
    match (by_person, by_organisation) {
        (Some(true), _) => None,
        (None, Some(named)) if named == side => None,
        (None, None) => Some(Unmet::silent(code, rule, format!("the sources do not say that the {side} did this"))),
        _ => Some(Unmet::contrary(code, rule, format!("only the {side} may do this"))),
    }
}
