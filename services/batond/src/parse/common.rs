//! The shared messages: dates, money, evidence, and who did it.

use super::bounds::{MAX_CODE, MAX_NAME, MAX_PRINTED, MAX_TITLE};
use super::values::{
    fields, list, optional, optional_day, optional_id, optional_organisation, organisation, required, required_text, text,
    within_list, word, wording, wording_or_empty,
};
use super::violations::At;
use super::words::{Sent, Word};
use baton_domain::event::{DoneBy, FieldValue};
use baton_domain::route::FieldName;
use baton_domain::values::{Evidence, FuzzyDate, Held, Money, Precision};
use baton_proto::v1 as proto;
use std::collections::BTreeMap;

/// A date. Its mistakes are those of rule I48.
pub(super) fn date(sent: &Option<proto::FuzzyDate>, at: &At<'_>) -> Option<FuzzyDate> {
    required(sent, at, fuzzy_date)
}

pub(super) fn optional_date(sent: &Option<proto::FuzzyDate>, at: &At<'_>) -> Option<Option<FuzzyDate>> {
    optional(sent, at, fuzzy_date)
}

fn fuzzy_date(sent: &proto::FuzzyDate, at: &At<'_>) -> Option<FuzzyDate> {
    let words = wording_or_empty::<{ FuzzyDate::MAX_TEXT }>(&sent.text, &at.field("text"));
    let precision = precision(&sent.precision, &at.field("precision"));
    let earliest = optional_day(&sent.earliest, &at.field("earliest"));
    let latest = optional_day(&sent.latest, &at.field("latest"));
    FuzzyDate::new(&words?, precision?, earliest?, latest?, sent.year_inferred).map_or_else(|error| at.refuse(error), Some)
}

fn precision(sent: &i32, at: &At<'_>) -> Option<Precision> {
    match Precision::sent(*sent) {
        Sent::Absent => at.refuse("DATE_WITHOUT_PRECISION: is required; a date nobody gives has precision PRECISION_UNKNOWN"),
        Sent::Word(_) | Sent::Unknown => word(sent, at),
    }
}

pub(super) fn done_by(sent: &Option<proto::DoneBy>, at: &At<'_>) -> Option<DoneBy> {
    optional_done_by(sent, at).map(Option::unwrap_or_default)
}

pub(super) fn optional_done_by(sent: &Option<proto::DoneBy>, at: &At<'_>) -> Option<Option<DoneBy>> {
    optional(sent, at, |sent, at| {
        fields!(sent, at => DoneBy {
            organisation: optional_organisation,
            body: optional_id,
            person: optional_id,
            printed: text,
        })
    })
}

pub(super) fn evidence(sent: &[proto::Evidence], at: &At<'_>) -> Option<Vec<Evidence>> {
    list(sent, at, |sent, at| {
        let held = held(&sent.held, at);
        fields!(sent, at => Evidence {
            title: wording::<MAX_TITLE>,
            place: wording_or_empty::<MAX_NAME>,
            dated: optional_day,
        } filled { held: held? })
    })
}

fn held(sent: &Option<proto::evidence::Held>, at: &At<'_>) -> Option<Held> {
    match sent {
        Some(proto::evidence::Held::Sha256(hex)) => Held::sha256(hex).map_or_else(|error| at.field("sha256").refuse(error), Some),
        Some(proto::evidence::Held::CitedNotHeld(words)) => {
            wording::<MAX_NAME>(words, &at.field("cited_not_held")).map(Held::CitedNotHeld)
        }
        None => at.refuse("NO_EVIDENCE: a document is held, with its sha256, or cited_not_held"),
    }
}

/// The fields of a fact. Whether the route declares them is a rule and not asked here.
pub(super) fn fact_fields(sent: &BTreeMap<String, proto::FieldValue>, at: &At<'_>) -> Option<BTreeMap<String, FieldValue>> {
    within_list(sent.len(), at)?;
    let read: Vec<Option<(String, FieldValue)>> = sent
        .iter()
        .map(|(key, value)| {
            let at = at.key(key);
            let name = key.parse::<FieldName>().map_or_else(|error| at.refuse(error), Some);
            let value = required(&value.value, &at, field_value);
            Some((name?.to_string(), value?))
        })
        .collect();
    read.into_iter().collect()
}

fn field_value(sent: &proto::field_value::Value, at: &At<'_>) -> Option<FieldValue> {
    use proto::field_value::Value;
    match sent {
        Value::Text(words) => required_text(words, &at.field("text")).map(FieldValue::Text),
        Value::Integer(number) => Some(FieldValue::Integer(*number)),
        Value::Money(amount) => money(amount, &at.field("money")).map(FieldValue::Money),
        Value::Date(date) => fuzzy_date(date, &at.field("date")).map(FieldValue::Date),
        Value::YesNo(answer) => word(answer, &at.field("yes_no")).map(FieldValue::YesNo),
        Value::Code(code) => wording::<MAX_CODE>(code, &at.field("code")).map(FieldValue::Code),
        Value::Ods(id) => organisation(id, &at.field("ods")).map(FieldValue::Ods),
    }
}

fn money(sent: &proto::Money, at: &At<'_>) -> Option<Money> {
    let printed = wording::<MAX_PRINTED>(&sent.printed, &at.field("printed"));
    let rounded_to = word(&sent.rounded_to, &at.field("rounded_to"));
    Money::new(&printed?, sent.pence, rounded_to?).map_or_else(|error| at.refuse(error), Some)
}
