//! Guards: a phrase, `{ all = [..] }`, `{ any = [..] }` or `{ is = "..", code = "..", rule = ".." }`.

use super::{
    MAX_GUARD_DEPTH,
    reader::{Reader, Table, Target, Value},
};
use crate::route::{Atom, ChecklistState, Guard, Need};
use toml::de::DeValue;

impl Reader<'_> {
    pub(super) fn guard(&mut self, key: &str, value: Value<'_, '_>) -> Option<Guard> {
        self.guard_within(key, value, 1)
    }

    fn guard_within(&mut self, key: &str, value: Value<'_, '_>, depth: usize) -> Option<Guard> {
        let at = value.span().start;
        if depth > MAX_GUARD_DEPTH {
            return self.lose(at, key, format!("nests deeper than {MAX_GUARD_DEPTH}"));
        }
        if let DeValue::String(_) = value.get_ref() {
            let atom = self.atom(key, value)?;
            return Some(Guard::Is(Need { atom, code: None, rule: None }));
        }
        let table = self.table(key, value)?;
        let forms = ["all", "any", "is"].map(|form| table.get(form).map(|value| (form, value)));
        let mut forms = forms.into_iter().flatten();
        let (Some((form, body)), None) = (forms.next(), forms.next()) else {
            return self.lose(at, key, "must have exactly one of all, any, is");
        };
        if form == "is" {
            return self.need(&table, body);
        }
        self.only(&table, &[form]);
        let elements = self.array(&table.key(form), body)?;
        if elements.is_empty() {
            return self.lose(body.span().start, table.key(form), "must have at least one part");
        }
        let before = self.errors.len();
        let parts: Vec<Guard> = elements.iter().filter_map(|part| self.guard_within(key, part, depth + 1)).collect();
        if parts.len() < elements.len() && self.errors.len() > before {
            return None;
        }
        Some(if form == "all" { Guard::All(parts) } else { Guard::Any(parts) })
    }

    fn need(&mut self, table: &Table<'_, '_>, body: Value<'_, '_>) -> Option<Guard> {
        self.only(table, &["is", "code", "rule"]);
        let code = self.may(table, "code", Self::code);
        let rule = self.may(table, "rule", Self::rule);
        let atom = self.atom(&table.path, body)?;
        Some(Guard::Is(Need { atom, code, rule }))
    }

    fn code(&mut self, key: &str, value: Value<'_, '_>) -> Option<String> {
        let text = self.word(key, value)?;
        let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty() || text.len() > 64 || !text.chars().all(legal) {
            let at = value.span().start;
            return self.lose(at, key, "must be a reject code of 1 to 64 of A to Z, 0 to 9 and _");
        }
        Some(text.to_owned())
    }

    fn rule(&mut self, key: &str, value: Value<'_, '_>) -> Option<String> {
        let text = self.word(key, value)?;
        let digits = text.strip_prefix('I').unwrap_or_default();
        if digits.len() != 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let at = value.span().start;
            return self.lose(at, key, "must be the id of a rule, such as I19");
        }
        Some(text.to_owned())
    }

    fn atom(&mut self, key: &str, value: Value<'_, '_>) -> Option<Atom> {
        let at = value.span().start;
        let atom = match self.word(key, value)?.parse::<Atom>() {
            Ok(atom) => atom,
            Err(error) => return self.lose(at, key, error.to_string()),
        };
        match &atom {
            Atom::Registered => {}
            Atom::Done(item) => self.refer(Target::Item(item.clone()), key, at),
            Atom::Verified(item) => self.refer(Target::Verified(item.clone()), key, at),
            Atom::Decided { gate, outcomes } => {
                for outcome in outcomes {
                    self.refer(Target::Outcome(gate.clone(), outcome.clone()), key, at);
                }
            }
            Atom::ObligationsClear(id) => self.refer(Target::Subject(id.clone()), key, at),
            Atom::Checklist { checklist, state: ChecklistState::Corroborated } => {
                self.refer(Target::Corroborated(checklist.clone()), key, at);
            }
            Atom::Checklist { checklist, .. } => {
                self.refer(Target::Checklist(checklist.clone()), key, at);
            }
            Atom::HandoverClear => self.refer(Target::Handover, key, at),
            Atom::Field { item, field, values } => {
                for value in values {
                    let target = Target::Field(item.clone(), field.clone(), value.clone());
                    self.refer(target, key, at);
                }
            }
            Atom::FactRecorded(kind) => self.refer(Target::Fact(kind.clone()), key, at),
        }
        Some(atom)
    }
}
