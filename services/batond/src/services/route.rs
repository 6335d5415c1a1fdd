//! RouteService: published routes and their texts.

use super::{Service, position};
use crate::{parse, status};
use baton_domain::state::State;
use baton_domain::world::PublishedRoute;
use baton_proto::v1 as proto;
use proto::route_service_server::RouteService;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl RouteService for Service {
    async fn get_route(&self, request: Request<proto::GetRouteRequest>) -> Result<Response<proto::GetRouteResponse>, Status> {
        let asked = parse::get_route(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let found = match &asked.version {
            Some(version) => state.world.route(&asked.id, version),
            None => state.world.newest_route(&asked.id),
        };
        let found = found.ok_or_else(|| status::not_found("route", &asked.id))?;
        Ok(Response::new(proto::GetRouteResponse {
            route: Some(version(&state, found)),
            text: found.text.to_string(),
            position: position(&state),
        }))
    }

    async fn list_routes(
        &self,
        request: Request<proto::ListRoutesRequest>,
    ) -> Result<Response<proto::ListRoutesResponse>, Status> {
        let asked = parse::list_routes(request.get_ref()).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let start = self.pages.start(&("routes", &asked.id), asked.page_token.as_ref(), state)?;
        let all: Vec<_> = start.state.world.routes().filter(|p| asked.id.as_ref().is_none_or(|id| p.route.id() == id)).collect();
        let page = self.pages.page(&start, all, asked.page_size);
        Ok(Response::new(proto::ListRoutesResponse {
            routes: page.items.into_iter().map(|p| version(&start.state, p)).collect(),
            next_page_token: page.next,
            position: position(&start.state),
        }))
    }
}

fn version(state: &State, published: &PublishedRoute) -> proto::RouteVersion {
    let route = &published.route;
    let pinned = state
        .transitions
        .values()
        .filter_map(|t| t.registration())
        .filter(|r| r.pin.id == *route.id() && r.pin.version == *route.version());
    proto::RouteVersion {
        id: route.id().to_string(),
        version: route.version().to_string(),
        title: route.title().to_owned(),
        sha256: published.sha256.clone(),
        status: if published.retired { proto::RouteStatus::Retired } else { proto::RouteStatus::Published }.into(),
        published_position: published.position.0,
        published_at: Some(prost_types::Timestamp {
            seconds: published.published_at.as_second(),
            nanos: published.published_at.subsec_nanosecond(),
        }),
        transitions: u32::try_from(pinned.count()).unwrap_or(u32::MAX),
    }
}
