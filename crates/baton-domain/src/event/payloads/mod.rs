//! What each kernel event says. One struct per event, in the order of the glossary.
//!
//! `Text` fields are names and free text, sealed where they are stored; everything else is plain and
//! may be read by rules. `None` and empty lists mean that the source does not say. A field called
//! `subject` names the item or gate of the route that the event is about.

/// Declares payload structs: plain data with serde; unknown fields are refused.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $type:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type),* }
    )+};
}

mod decision;
mod handover;
mod keeping;
mod path;
mod record;
mod register;

pub use decision::*;
pub use handover::*;
pub use keeping::*;
pub use path::*;
pub use record::*;
pub use register::*;
