//! Requests that read: ids, filters, pages, and which past is asked for.
//!
//! One function per method, giving a struct of the same name.

use super::bounds::{DEFAULT_PAGE, MAX_PAGE, MAX_PAGE_TOKEN};
use super::values::{
    fields, id, ids, optional, optional_day, optional_id, optional_organisation, optional_position, optional_word, organisation,
    position,
};
use super::violations::{At, FieldViolation, Violations};
use baton_domain::event::{BodyKind, EventType, OrganisationKind};
use baton_domain::route::{RoleId, RouteId, RouteVersion, StageId};
use baton_domain::transition::AsOf;
use baton_domain::values::{Day, OrganisationId, PersonId, Position, ProposalId, ServiceCode, StreamId, TransitionId, WaveId};
use baton_domain::world::Openness;
use baton_proto::v1 as proto;

/// Declares a request: its struct, and the function that parses it with one reader per field.
macro_rules! requests {
    ($($(#[$doc:meta])* $parse:ident($sent:ident) -> $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $read:expr),* $(,)?
    })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

        #[doc = concat!("Parses a request for [`", stringify!($name), "`].")]
        ///
        /// # Errors
        /// Every violation of form, in the order of the fields.
        pub fn $parse(sent: &proto::$sent) -> Result<$name, Vec<FieldViolation>> {
            fn parsed(sent: &proto::$sent, at: &At<'_>) -> Option<$name> {
                fields!(sent, at => $name { $($field: $read),* })
            }
            let violations = Violations::default();
            let parsed = parsed(sent, &violations.root());
            violations.finish(parsed)
        }
    )+};
}

requests! {
    /// A page of events.
    read_events(ReadEventsRequest) -> ReadEvents {
        /// The first position wanted.
        from_position: Position = position,
        /// Only this stream.
        stream: Option<StreamId> = optional_id,
        /// At most this many.
        page_size: usize = page_size,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// A stream of events.
    subscribe(SubscribeRequest) -> Subscribe {
        /// The first position wanted.
        from_position: Position = position,
        /// Only this stream.
        stream: Option<StreamId> = optional_id,
        /// Only these types; empty means every type.
        event_types: Vec<EventType> = ids,
    }
    /// One proposal.
    get_proposal(GetProposalRequest) -> GetProposal {
        /// Its id.
        proposal: ProposalId = id,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// The open proposals.
    list_proposals(ListProposalsRequest) -> ListProposals {
        /// Only those that touch this transition.
        transition: Option<TransitionId> = optional_id,
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// One transition.
    get_transition(GetTransitionRequest) -> GetTransition {
        /// Its id.
        transition: TransitionId = id,
        /// Which past.
        as_of: AsOf = as_of,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// Transitions in short.
    list_transitions(ListTransitionsRequest) -> ListTransitions {
        /// Only this wave.
        wave: Option<WaveId> = optional_id,
        /// Only this service.
        service: Option<ServiceCode> = optional_id,
        /// Only this receiver.
        receiver: Option<OrganisationId> = optional_organisation,
        /// Only receivers in this region.
        region: Option<OrganisationId> = optional_organisation,
        /// Only in this stage.
        stage: Option<StageId> = optional_id,
        /// In which order.
        order_by: OrderBy = order_by,
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// Which past.
        as_of: AsOf = as_of,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// What can be done next.
    explain_transition(ExplainTransitionRequest) -> ExplainTransition {
        /// The transition.
        transition: TransitionId = id,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// A replay.
    replay_transition(ReplayTransitionRequest) -> ReplayTransition {
        /// The transition.
        transition: TransitionId = id,
        /// As known when the log ended with this position.
        as_of_position: Option<Position> = optional_position,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// An audit.
    audit_transition(AuditTransitionRequest) -> AuditTransition {
        /// The transition.
        transition: TransitionId = id,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// An evidence bundle.
    export_bundle(ExportBundleRequest) -> ExportBundle {
        /// The transition; absent means the whole log.
        transition: Option<TransitionId> = optional_id,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// One version of a route.
    get_route(GetRouteRequest) -> GetRoute {
        /// The route.
        id: RouteId = id,
        /// The version; absent means the newest published.
        version: Option<RouteVersion> = optional_id,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// The published versions.
    list_routes(ListRoutesRequest) -> ListRoutes {
        /// Only this route.
        id: Option<RouteId> = optional_id,
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// One organisation.
    get_organisation(GetOrganisationRequest) -> GetOrganisation {
        /// Its id.
        organisation: OrganisationId = organisation,
        /// The day for status and name; absent means today.
        on: Option<Day> = optional_day,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// Organisations.
    list_organisations(ListOrganisationsRequest) -> ListOrganisations {
        /// Only this kind.
        kind: Option<OrganisationKind> = optional_word,
        /// Only in this region.
        region: Option<OrganisationId> = optional_organisation,
        /// Only with this status on the day.
        status: Option<Openness> = optional_word,
        /// The day for status and name; absent means today.
        on: Option<Day> = optional_day,
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// Bodies of organisations.
    list_bodies(ListBodiesRequest) -> ListBodies {
        /// Only of this organisation.
        organisation: Option<OrganisationId> = optional_organisation,
        /// Only of this kind.
        kind: Option<BodyKind> = optional_word,
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// Roles of people.
    list_roles(ListRolesRequest) -> ListRoles {
        /// Only of this person.
        person: Option<PersonId> = optional_id,
        /// Only this role.
        role: Option<RoleId> = optional_id,
        /// Only in this scope: the log, an organisation or a transition.
        scope: Option<StreamId> = scope,
        /// Only those held on this day.
        on: Option<Day> = optional_day,
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
    /// Waves.
    list_waves(ListWavesRequest) -> ListWaves {
        /// At most this many.
        page_size: usize = page_size,
        /// Where to go on.
        page_token: Option<String> = page_token,
        /// The position the answer must hold.
        min_position: Option<Position> = optional_position,
    }
}

/// In which order transitions are listed. Ties go by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderBy {
    /// By what.
    pub key: OrderKey,
    /// Whether from the last to the first.
    pub descending: bool,
}

/// By what transitions are ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OrderKey {
    /// By id.
    #[default]
    Id,
    /// By receiver.
    Receiver,
    /// By stage, in the order of the route.
    Stage,
    /// By the day on which the receiver began, those that have not last.
    LiveOn,
}

fn order_by(sent: &str, at: &At<'_>) -> Option<OrderBy> {
    let (key, descending) = sent.strip_suffix(" desc").map_or((sent, false), |key| (key, true));
    let key = match key {
        "" if !descending => OrderKey::Id,
        "id" => OrderKey::Id,
        "receiver" => OrderKey::Receiver,
        "stage" => OrderKey::Stage,
        "live_on" => OrderKey::LiveOn,
        _ => return at.refuse("is not id, receiver, stage or live_on, optionally followed by \" desc\""),
    };
    Some(OrderBy { key, descending })
}

fn page_size(sent: &u32, at: &At<'_>) -> Option<usize> {
    match *sent {
        0 => usize::try_from(DEFAULT_PAGE).ok(),
        1..=MAX_PAGE => usize::try_from(*sent).ok(),
        _ => at.refuse(format_args!("is at most {MAX_PAGE}; absent means {DEFAULT_PAGE}")),
    }
}

/// A page token is opaque here: whoever issued it reads it.
fn page_token(sent: &str, at: &At<'_>) -> Option<Option<String>> {
    match sent.len() {
        0 => Some(None),
        1..=MAX_PAGE_TOKEN => Some(Some(sent.to_owned())),
        _ => at.refuse("is no page token of this server"),
    }
}

fn as_of(sent: &Option<proto::AsOf>, at: &At<'_>) -> Option<AsOf> {
    let past = optional(sent, at, |sent, at| {
        fields!(sent, at => AsOf {
            on: optional_day,
            position: optional_position,
            known_at: optional_instant,
            documented_by: optional_day,
        })
    });
    past.map(Option::unwrap_or_default)
}

fn optional_instant(sent: &Option<baton_proto::Timestamp>, at: &At<'_>) -> Option<Option<jiff::Timestamp>> {
    optional(sent, at, |sent, at| {
        jiff::Timestamp::new(sent.seconds, sent.nanos).map_or_else(|_| at.refuse("is not an instant from year 1 to 9999"), Some)
    })
}

/// Where a role can be held.
fn scope(sent: &str, at: &At<'_>) -> Option<Option<StreamId>> {
    match optional_id(sent, at)? {
        None => Some(None),
        Some(stream @ (StreamId::Log | StreamId::Organisation(_) | StreamId::Transition(_))) => Some(Some(stream)),
        Some(_) => at.refuse("is not log, organisation/ID or transition/ID"),
    }
}
