//! Published routes: the text as in the log, and what it says.

use crate::route::{Route, RouteErrors};
use crate::values::Position;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A published version of a route.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Text")]
pub struct PublishedRoute {
    /// What it says.
    #[serde(skip_serializing)]
    pub route: Arc<Route>,
    /// The text, as in the log.
    pub text: Arc<str>,
    /// Digest of the text, lower-case hexadecimal.
    pub sha256: String,
    /// Whether no new transition may take it.
    pub retired: bool,
    /// Where in the log it was published.
    pub position: Position,
    /// When it was published.
    pub published_at: jiff::Timestamp,
}

/// The same before its text is read.
#[derive(Deserialize)]
struct Text {
    text: Arc<str>,
    sha256: String,
    retired: bool,
    position: Position,
    published_at: jiff::Timestamp,
}

impl TryFrom<Text> for PublishedRoute {
    type Error = RouteErrors;

    fn try_from(published: Text) -> Result<Self, RouteErrors> {
        let Text { text, sha256, retired, position, published_at } = published;
        Ok(Self { route: Arc::new(Route::parse(&text)?), text, sha256, retired, position, published_at })
    }
}
