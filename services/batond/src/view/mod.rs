//! From domain values to answers. Nothing is decided here; unknown becomes empty, as the protos say.

mod common;
mod directory;
mod kept;
mod proposal;
mod recorded;
mod summary;
mod transition;

pub use common::{fuzzy_date, gap, text, unmet};
pub use directory::{body, organisation, role, status_on, wave};
pub use kept::{Kept, Line};
pub use proposal::{assessment, proposal};
pub use recorded::recorded_event;
pub use summary::{Row, plan, row, summary};
pub use transition::{action, audit, transition};
