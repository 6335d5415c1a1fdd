//! From text to route: shape first, then meaning.
//!
//! Reading goes on after a problem so that a file's author sees everything at once. Only where a
//! part could not be understood at all is the lint left out, because it would report the hole and
//! not the mistake.

mod document;
mod guard;
mod lists;
mod process;
mod reader;

use sha2::{Digest, Sha256};
use toml::de::DeTable;

use self::reader::Reader;
pub(super) use self::reader::{Place, Reference, Target};
use super::{Route, RouteErrors, lint};

/// Longest route file. The text travels in one event of at most 65,535 bytes, in which line ends
/// and quotes take two bytes each; this leaves room for both and for the envelope.
pub const MAX_ROUTE_BYTES: usize = 48 * 1024;

/// Longest title, question or other text of a route, in characters.
pub const MAX_TEXT_CHARS: usize = 500;

/// Deepest nesting of a guard. Evaluation recurses; nobody can read more.
pub const MAX_GUARD_DEPTH: usize = 6;

/// What was read, with the places the lint needs for its messages.
pub(super) struct Draft {
    pub(super) route: Route,
    pub(super) references: Vec<Reference>,
    places: std::collections::BTreeMap<String, Place>,
}

impl Draft {
    /// Where a key stands: the key itself, else the nearest part around it, else the file's start.
    pub(super) fn place(&self, key: &str) -> Place {
        let mut path = key;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind('.') {
                Some(dot) => path = &path[..dot],
                None => return Place::START,
            }
        }
    }
}

impl Route {
    /// Reads and checks a route file. Pure: the same text gives the same answer.
    ///
    /// # Errors
    ///
    /// All problems found, each with its line, column, key and lint code.
    pub fn parse(text: &str) -> Result<Self, RouteErrors> {
        let mut reader = Reader::new(text);
        if text.len() > MAX_ROUTE_BYTES {
            let message = format!("the file has {} bytes, at most {MAX_ROUTE_BYTES}", text.len());
            reader.wrong(0, "", "P001", message);
            return Err(RouteErrors::new(reader.errors));
        }
        let (table, syntax) = DeTable::parse_recoverable(text);
        if !syntax.is_empty() {
            for error in syntax {
                let at = error.span().map_or(0, |span| span.start);
                reader.wrong(at, "", "P001", format!("not TOML: {}", error.message()));
            }
            return Err(RouteErrors::new(reader.errors));
        }
        let digest = Sha256::digest(text.as_bytes()).into();
        let route = reader.document(table.get_ref(), digest, text.len());
        let Reader { mut errors, references, places, lost, .. } = reader;
        let Some(route) = route else {
            return Err(RouteErrors::new(errors));
        };
        let draft = Draft { route, references, places };
        if !lost {
            errors.extend(lint::check(&draft));
        }
        if errors.is_empty() { Ok(draft.route) } else { Err(RouteErrors::new(errors)) }
    }
}
