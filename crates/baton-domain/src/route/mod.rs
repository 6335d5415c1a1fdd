//! Routes: the path a transition takes, as data.
//!
//! A route file names stages, items, gates, checklists and who may act on them; the rules code
//! reads it and knows no route by name. [`Route::parse`] promises that what it returns is whole:
//! every reference resolves, every stage can be reached, every exit can be told from life.
//! It reads no clock and no file, and it decides nothing about a transition: it only says what the
//! route asks for.

mod access;
mod atom;
mod error;
mod guard;
mod id;
mod kind;
mod lint;
mod model;
mod read;
mod shipped;
#[cfg(test)]
mod tests;

pub use atom::{Atom, AtomError, ChecklistState};
pub use error::{RouteError, RouteErrors};
pub use guard::{Guard, Need, Unmet};
pub use id::{
    AreaId, ChecklistId, FactKind, FieldName, IdError, MAX_ID_LEN, ObligationKind, OutcomeId, QuestionId, RoleId, RouteId,
    RouteVersion, StageId, SubjectId,
};
pub use kind::{BodyKind, FieldType, ItemKind, RoleSide, UnknownWord, WaveDate, YesNo};
pub use model::{
    Checklist, Due, DueFrom, FactSpec, FieldSpec, Gate, HandoverArea, Item, ObligationSpec, Outcome, Question, Reopening, Role,
    Route, Stage, Subject,
};
pub use read::{MAX_GUARD_DEPTH, MAX_ROUTE_BYTES, MAX_TEXT_CHARS};
pub use shipped::SHIPPED;
