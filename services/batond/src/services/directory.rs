//! DirectoryService: organisations with lineage, bodies, roles, waves.

use super::{Service, position, today};
use crate::{parse, status, view};
use baton_domain::values::StreamId;
use baton_domain::world::Scope;
use baton_proto::v1 as proto;
use proto::directory_service_server::DirectoryService;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl DirectoryService for Service {
    async fn get_organisation(
        &self,
        request: Request<proto::GetOrganisationRequest>,
    ) -> Result<Response<proto::GetOrganisationResponse>, Status> {
        let asked = parse::get_organisation(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let id = &asked.organisation;
        let found = state.world.organisation(id).ok_or_else(|| status::not_found("organisation", id))?;
        Ok(Response::new(proto::GetOrganisationResponse {
            organisation: Some(view::organisation(&state, id, found, asked.on.unwrap_or_else(today))),
            position: position(&state),
        }))
    }

    async fn list_organisations(
        &self,
        request: Request<proto::ListOrganisationsRequest>,
    ) -> Result<Response<proto::ListOrganisationsResponse>, Status> {
        let asked = parse::list_organisations(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let on = asked.on.unwrap_or_else(today);
        let query = ("organisations", &asked.kind, &asked.region, &asked.status, on);
        let start = self.pages.start(&query, asked.page_token.as_ref(), state)?;
        let chosen = start.state.world.organisations().filter(|(_, o)| {
            asked.kind.is_none_or(|kind| o.kind == kind)
                && asked.region.as_ref().is_none_or(|region| o.region.as_ref() == Some(region))
                && asked.status.is_none_or(|status| o.openness_on(on) == status)
        });
        let page = self.pages.page(&start, chosen.collect(), asked.page_size);
        Ok(Response::new(proto::ListOrganisationsResponse {
            organisations: page.items.into_iter().map(|(id, o)| view::organisation(&start.state, id, o, on)).collect(),
            next_page_token: page.next,
            position: position(&start.state),
        }))
    }

    async fn list_bodies(
        &self,
        request: Request<proto::ListBodiesRequest>,
    ) -> Result<Response<proto::ListBodiesResponse>, Status> {
        let asked = parse::list_bodies(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let start = self.pages.start(&("bodies", &asked.organisation, &asked.kind), asked.page_token.as_ref(), state)?;
        let organisations =
            start.state.world.organisations().filter(|(id, _)| asked.organisation.as_ref().is_none_or(|wanted| wanted == *id));
        let bodies = organisations
            .flat_map(|(organisation, o)| o.bodies.iter().map(move |(id, body)| (organisation, id, body)))
            .filter(|(_, _, body)| asked.kind.is_none_or(|kind| body.kind == kind));
        let page = self.pages.page(&start, bodies.collect(), asked.page_size);
        Ok(Response::new(proto::ListBodiesResponse {
            bodies: page.items.into_iter().map(|(o, id, body)| view::body(o, id, body)).collect(),
            next_page_token: page.next,
            position: position(&start.state),
        }))
    }

    async fn list_roles(&self, request: Request<proto::ListRolesRequest>) -> Result<Response<proto::ListRolesResponse>, Status> {
        let asked = parse::list_roles(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let query = ("roles", &asked.person, &asked.role, &asked.scope, &asked.on);
        let start = self.pages.start(&query, asked.page_token.as_ref(), state)?;
        let in_scope = |scope: &Scope| match (&asked.scope, scope) {
            (None, _) | (Some(StreamId::Log), Scope::Installation) => true,
            (Some(StreamId::Organisation(wanted)), Scope::Organisation(id)) => wanted == id,
            (Some(StreamId::Transition(wanted)), Scope::Transition(id)) => wanted == id,
            _ => false,
        };
        let roles = start.state.world.roles().map(|(_, held)| held).filter(|held| {
            asked.person.as_ref().is_none_or(|p| held.person.as_ref() == Some(p))
                && asked.role.as_ref().is_none_or(|r| held.role == *r)
                && in_scope(&held.scope)
                && asked.on.is_none_or(|day| held.on(day))
        });
        let page = self.pages.page(&start, roles.collect(), asked.page_size);
        Ok(Response::new(proto::ListRolesResponse {
            roles: page.items.into_iter().map(view::role).collect(),
            next_page_token: page.next,
            position: position(&start.state),
        }))
    }

    async fn list_waves(&self, request: Request<proto::ListWavesRequest>) -> Result<Response<proto::ListWavesResponse>, Status> {
        let asked = parse::list_waves(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let start = self.pages.start(&"waves", asked.page_token.as_ref(), state)?;
        let page = self.pages.page(&start, start.state.world.waves().collect(), asked.page_size);
        Ok(Response::new(proto::ListWavesResponse {
            waves: page.items.into_iter().map(|(id, w)| view::wave(&start.state, id, w)).collect(),
            next_page_token: page.next,
            position: position(&start.state),
        }))
    }
}
