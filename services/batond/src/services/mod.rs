//! The gRPC services: each method parses, asks the engine, and answers.

mod admin;
mod audit;
mod bundle;
mod directory;
mod ledger;
mod proofs;
mod route;
mod transition;

pub(crate) use admin::Admin;

use crate::archive::Progress;
use crate::config::Limits;
use crate::pages::Pages;
use crate::status::{self, Reason};
use crate::view;
use baton_domain::state::State;
use baton_domain::values::{Day, Position};
use baton_engine::Engine;
use std::sync::Arc;
use tonic::Status;

/// What every service shares.
#[derive(Clone)]
pub(crate) struct Service {
    engine: Engine,
    pages: Arc<Pages>,
    kept: Arc<view::Kept>,
    limits: Limits,
    /// How far the archive is, where there is one.
    archive: Option<tokio::sync::watch::Receiver<Progress>>,
    /// Turns true when the server stops: streams end then, each with a position to go on from.
    stopping: tokio::sync::watch::Receiver<bool>,
}

impl Service {
    pub(crate) fn new(
        engine: Engine,
        limits: Limits,
        archive: Option<tokio::sync::watch::Receiver<Progress>>,
        stopping: tokio::sync::watch::Receiver<bool>,
    ) -> Self {
        Self { engine, pages: Arc::default(), kept: Arc::default(), limits, archive, stopping }
    }

    /// The durable state, at `min` or later.
    async fn state(&self, min: Option<Position>) -> Result<Arc<State>, Status> {
        let Some(min) = min else { return Ok(self.engine.snapshot()) };
        self.engine.snapshot_at(min, self.limits.min_position).await.map_err(|not_yet| {
            let newest = not_yet.newest.map_or_else(|| "none".to_owned(), |p| p.to_string());
            let what = format!("position {min} was not reached in time; the newest is {newest}");
            status::with_reason(Reason::NotYetAtPosition, &what, &[("newest", newest)])
        })
    }
}

/// The newest position a state rests on; 0 for an empty log, which a served log never is.
fn position(state: &State) -> u64 {
    state.size.saturating_sub(1)
}

/// Today in Europe/London, by the server's clock: for due dates in views only.
fn today() -> Day {
    baton_domain::values::london_today(jiff::Timestamp::now())
}
