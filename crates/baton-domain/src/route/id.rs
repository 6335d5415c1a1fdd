//! Names inside a route: short, checked once, cheap to clone.
//!
//! Each kind of name is its own type, so a stage can not be passed where a role is meant. All are
//! plain text on the outside (serde, Display, FromStr) and sort as text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Longest name of any kind. Names go into every event that mentions them; 64 keeps a leaf small
/// and a table readable.
pub const MAX_ID_LEN: usize = 64;

/// A text that is not a name of the kind wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {what}: write 1 to {MAX_ID_LEN} characters of {allowed}")]
pub struct IdError {
    what: &'static str,
    allowed: &'static str,
    text: String,
}

impl IdError {
    fn new(what: &'static str, allowed: &'static str, text: &str) -> Self {
        // A message never grows with its input.
        let text = text.chars().take(MAX_ID_LEN + 16).collect();
        Self { what, allowed, text }
    }
}

fn lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

fn upper(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let legal: fn(char) -> bool = $legal;
                if text.is_empty() || text.len() > MAX_ID_LEN || !text.chars().all(legal) {
                    return Err(IdError::new($what, $allowed, text));
                }
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::values::written::read(deserializer)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// Name of a route, the stem of its file: `pod-2021`.
    RouteId, "a route id", "a to z, 0 to 9 and -",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
name!(
    /// Version of a route's text: `1`, `1.2`, `2026-04`.
    RouteVersion, "a route version", "letters, digits, . and -",
    |c| c.is_ascii_alphanumeric() || c == '.' || c == '-'
);
name!(
    /// Name of a stage: `AWAITING_NATIONAL_DECISION`.
    StageId, "a stage id", "A to Z, 0 to 9 and _", upper
);
name!(
    /// Name of an item or a gate; the two share one set of names.
    SubjectId, "an item or gate id", "a to z, 0 to 9 and _", lower
);
name!(
    /// Name of a role a person holds: `regional_director`.
    RoleId, "a role id", "a to z, 0 to 9 and _", lower
);
name!(
    /// Name of one outcome of a gate: `approved_with_conditions`.
    OutcomeId, "an outcome id", "a to z, 0 to 9 and _", lower
);
name!(
    /// Kind of a recorded fact: `allocation`.
    FactKind, "a fact kind", "a to z, 0 to 9 and _", lower
);
name!(
    /// Name of a checklist: `pdaf`.
    ChecklistId, "a checklist id", "a to z, 0 to 9 and _", lower
);
name!(
    /// Name of a checklist question: `3A`.
    QuestionId, "a question id", "A to Z and 0 to 9",
    |c| c.is_ascii_uppercase() || c.is_ascii_digit()
);
name!(
    /// Kind of an obligation: `condition`.
    ObligationKind, "an obligation kind", "a to z, 0 to 9 and _", lower
);
name!(
    /// Name of a handover area: `contracts`.
    AreaId, "a handover area", "a to z, 0 to 9 and _", lower
);
name!(
    /// Name of a field of a fact, an item's payload or a wave; also a code that is its value.
    FieldName, "a field name", "a to z, 0 to 9 and _", lower
);

impl OutcomeId {
    /// True for the outcome every gate has without declaring it. It says that the deciding
    /// happened and that nobody told us how it went; it moves nothing.
    pub fn is_unknown(&self) -> bool {
        self.as_str() == "unknown"
    }
}
