//! Values that many answers hold.

use crate::parse::Word;
use baton_domain::Unmet;
use baton_domain::event::{DoneBy, Gap, GapKind, Placed};
use baton_domain::values::{Evidence, FuzzyDate, Held, Text};
use baton_proto::v1 as proto;

/// A date with its words and bounds.
pub fn fuzzy_date(date: &FuzzyDate) -> proto::FuzzyDate {
    proto::FuzzyDate {
        text: date.text().to_owned(),
        precision: date.precision().number(),
        earliest: date.earliest().map_or_else(String::new, |d| d.to_string()),
        latest: date.latest().map_or_else(String::new, |d| d.to_string()),
        year_inferred: date.year_inferred(),
    }
}

/// Words that may be shown; a note in brackets where they may not.
pub fn text(text: Option<&Text>) -> String {
    text.map_or_else(String::new, |t| t.shown().into_owned())
}

/// An id, or nothing.
pub(super) fn id(value: Option<&impl ToString>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}

/// Who acted.
pub(super) fn done_by(by: &DoneBy) -> proto::DoneBy {
    proto::DoneBy {
        organisation: id(by.organisation.as_ref()),
        body: id(by.body.as_ref()),
        person: id(by.person.as_ref()),
        printed: text(by.printed.as_ref()),
    }
}

/// What a statement rests on.
pub(super) fn evidence(evidence: &[Evidence]) -> Vec<proto::Evidence> {
    let one = |e: &Evidence| proto::Evidence {
        title: e.title.clone(),
        held: Some(match &e.held {
            Held::Sha256(hex) => proto::evidence::Held::Sha256(hex.clone()),
            Held::CitedNotHeld(who) => proto::evidence::Held::CitedNotHeld(who.clone()),
        }),
        place: e.place.clone(),
        dated: e.dated.map_or_else(String::new, |d| d.to_string()),
    };
    evidence.iter().map(one).collect()
}

/// A rule a late entry did not meet.
pub fn gap(gap: &Gap) -> proto::Gap {
    let kind = match gap.kind {
        GapKind::Contrary => proto::GapKind::Contrary,
        GapKind::NotEvidenced => proto::GapKind::NotEvidenced,
    };
    proto::Gap { kind: kind.into(), code: gap.code.clone(), what: gap.what.clone() }
}

/// A rule that is not met.
pub fn unmet(unmet: &Unmet) -> proto::Unmet {
    proto::Unmet {
        code: unmet.code.clone(),
        rule: unmet.rule.clone(),
        what: unmet.what.clone(),
        contrary: unmet.kind == GapKind::Contrary,
        waivable: unmet.waivable,
    }
}

/// Where a statement stands in the story, in words.
pub(super) fn placed(placed: Option<Placed>) -> String {
    match placed {
        None => String::new(),
        Some(Placed::End) => "end".to_owned(),
        Some(Placed::First) => "first".to_owned(),
        Some(Placed::After(revision)) => format!("after {revision}"),
    }
}

/// An instant for the wire.
pub(super) fn timestamp(at: jiff::Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
