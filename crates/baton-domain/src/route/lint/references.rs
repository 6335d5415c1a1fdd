//! Every name stands for something (P002), every role is declared and used (P010).

use std::collections::BTreeSet;

use super::Findings;
use crate::route::{FieldName, Route, RouteError, SubjectId, read::Target};

pub(super) fn check(found: &mut Findings<'_>) {
    let draft = found.draft;
    let route = &draft.route;
    let mut used = BTreeSet::new();
    for reference in &draft.references {
        if let Target::Role(id) = &reference.target {
            used.insert(id);
        }
        if let Some((rule, message)) = dangling(route, &reference.target) {
            let (line, column) = (reference.place.line, reference.place.column);
            let key = reference.key.clone();
            found.errors.push(RouteError { line, column, key, rule, message });
        }
    }
    for role in route.roles() {
        if !used.contains(&role.id) {
            let message = format!("the role \"{}\" may do nothing in this route", role.id);
            found.report("P010", format!("roles.{}", role.id), message);
        }
    }
    for gate in route.gates() {
        if route.item(&gate.id).is_some() {
            let message = format!("\"{}\" is the name of an item already", gate.id);
            found.report("P001", format!("gate.{}.id", gate.id), message);
        }
    }
}

fn dangling(route: &Route, target: &Target) -> Option<(&'static str, String)> {
    let message = match target {
        Target::Role(id) => {
            let declared = route.role_side(id).is_some();
            return (!declared).then(|| ("P010", format!("the role \"{id}\" is not declared")));
        }
        Target::Stage(id) if route.stage(id).is_none() => format!("there is no stage \"{id}\""),
        Target::Item(id) if route.item(id).is_none() => format!("there is no item \"{id}\""),
        Target::Subject(id) if route.subject(id).is_none() => {
            format!("there is no item or gate \"{id}\"")
        }
        Target::Checklist(id) if route.checklist(id).is_none() => {
            format!("there is no checklist \"{id}\"")
        }
        Target::Fact(kind) if route.fact_spec(kind).is_none() => {
            format!("there is no fact \"{kind}\"")
        }
        Target::Handover if route.handover().is_empty() => "the route has no handover areas".to_owned(),
        Target::Verified(id) => match route.item(id) {
            None => format!("there is no item \"{id}\""),
            Some(item) if item.verify.is_empty() => format!("nobody may verify \"{id}\""),
            Some(_) => return None,
        },
        Target::Corroborated(id) => match route.checklist(id) {
            None => format!("there is no checklist \"{id}\""),
            Some(list) if list.corroborate.is_empty() => format!("nobody may corroborate \"{id}\""),
            Some(_) => return None,
        },
        Target::Outcome(gate, outcome) => match route.gate(gate) {
            None => format!("there is no gate \"{gate}\""),
            Some(_) if outcome.is_unknown() => "the outcome unknown moves nothing, so nothing may wait for it".to_owned(),
            Some(gate) if gate.outcome(outcome).is_none() => {
                format!("the gate \"{}\" has no outcome \"{outcome}\"", gate.id)
            }
            Some(_) => return None,
        },
        Target::Field(item, field, value) => return no_field(route, item, field, value),
        _ => return None,
    };
    Some(("P002", message))
}

fn no_field(route: &Route, id: &SubjectId, field: &FieldName, value: &FieldName) -> Option<(&'static str, String)> {
    let message = match route.item(id) {
        None => format!("there is no item \"{id}\""),
        Some(item) => {
            let fields = item.kind.fields();
            match fields.iter().find(|(name, _)| *name == field.as_str()) {
                None => {
                    let known: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
                    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                    format!("an item of kind {} has no field \"{field}\"; known: {known}", item.kind)
                }
                Some((_, values)) if !values.contains(&value.as_str()) => {
                    format!("\"{id}.{field}\" is never \"{value}\"; it is one of {}", values.join(", "))
                }
                Some(_) => return None,
            }
        }
    };
    Some(("P002", message))
}
