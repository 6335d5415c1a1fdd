//! A stage with what it rests on: never a bare word when the record is thin.

use baton_proto::v1::{TransitionSummary, TransitionView};

/// A stage and its basis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage<'t> {
    /// The stage. Empty when several are possible.
    pub(crate) id: &'t str,
    /// The standing, as the proto numbers it.
    pub(crate) standing: i32,
    /// What it may have been on the day asked for.
    pub(crate) possible: &'t [String],
    /// How many stages before it are not on record.
    pub(crate) not_on_record: usize,
}

impl<'t> From<&'t TransitionSummary> for Stage<'t> {
    fn from(t: &'t TransitionSummary) -> Self {
        Self {
            id: &t.stage,
            standing: t.stage_standing,
            possible: &t.possible_stages,
            not_on_record: t.earlier_stages_not_on_record as usize,
        }
    }
}

impl<'t> From<&'t TransitionView> for Stage<'t> {
    fn from(t: &'t TransitionView) -> Self {
        Self {
            id: &t.stage,
            standing: t.stage_standing,
            possible: &t.possible_stages,
            not_on_record: t.earlier_stages_not_on_record as usize,
        }
    }
}

/// Such as `LIVE (reported; 7 earlier stages not on record)`.
pub(crate) fn words(stage: Stage<'_>) -> String {
    if stage.id.is_empty() {
        return match stage.possible {
            [] => "not yet registered then".to_owned(),
            several => format!("one of {}", several.join(", ")),
        };
    }
    let standing = crate::words::standing(stage.standing);
    let silent = match stage.not_on_record {
        0 => String::new(),
        1 => "1 earlier stage not on record".to_owned(),
        n => format!("{n} earlier stages not on record"),
    };
    match (standing.is_empty(), silent.is_empty()) {
        (true, true) => stage.id.to_owned(),
        (false, true) => format!("{} ({standing})", stage.id),
        (true, false) => format!("{} ({silent})", stage.id),
        (false, false) => format!("{} ({standing}; {silent})", stage.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1::Standing;

    #[test]
    fn stage_says_what_it_rests_on() {
        let stage = |id, not_on_record| words(Stage { id, standing: Standing::Reported as i32, possible: &[], not_on_record });
        assert_eq!(stage("LIVE", 7), "LIVE (reported; 7 earlier stages not on record)");
        assert_eq!(stage("LIVE", 1), "LIVE (reported; 1 earlier stage not on record)");
        assert_eq!(stage("LIVE", 0), "LIVE (reported)");
    }

    #[test]
    fn several_possible_stages_are_all_named() {
        let possible = ["DECISION".to_owned(), "LIVE".to_owned()];
        assert_eq!(words(Stage { id: "", standing: 0, possible: &possible, not_on_record: 0 }), "one of DECISION, LIVE");
    }
}
