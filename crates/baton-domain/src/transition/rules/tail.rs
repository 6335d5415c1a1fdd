//! The tail: recorded facts have the kinds and fields the route declares, and no rules.

use super::Context;
use crate::event::{FactRecorded, FieldValue};
use crate::route::{FieldName, FieldType};
use crate::unmet::Unmet;

pub(super) fn fact(cx: &Context<'_>, e: &FactRecorded) -> Vec<Unmet> {
    let Some(spec) = cx.route.fact_spec(&e.kind) else {
        let known: Vec<_> = cx.route.facts().iter().map(|f| f.kind.as_str()).collect();
        return vec![Unmet::hard(
            "UNKNOWN_FACT_KIND",
            "",
            format!("the route declares no fact {}; it declares {}", e.kind, known.join(", ")),
        )];
    };
    let mut unmet = Vec::new();
    for (name, value) in &e.fields {
        let wanted = name.parse::<FieldName>().ok().and_then(|n| spec.field(&n));
        match wanted {
            None => unmet.push(Unmet::hard("UNKNOWN_FIELD", "", format!("fact {} has no field {name}", e.kind))),
            Some(wanted) if wanted != type_of(value) => {
                unmet.push(Unmet::hard("WRONG_FIELD_TYPE", "", format!("field {name} of fact {} is of type {wanted}", e.kind)));
            }
            Some(_) => {}
        }
    }
    unmet
}

fn type_of(value: &FieldValue) -> FieldType {
    match value {
        FieldValue::Text(_) => FieldType::Text,
        FieldValue::Integer(_) => FieldType::Integer,
        FieldValue::Money(_) => FieldType::Money,
        FieldValue::Date(_) => FieldType::Date,
        FieldValue::YesNo(_) => FieldType::YesNo,
        FieldValue::Code(_) => FieldType::Code,
        FieldValue::Ods(_) => FieldType::Ods,
    }
}
