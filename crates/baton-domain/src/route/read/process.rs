//! Items, gates and ways back.

use super::reader::{Reader, Table, Target, Value};
use crate::route::{ChecklistId, Gate, Guard, Item, ItemKind, Outcome, OutcomeId, Reopening};

impl Reader<'_> {
    pub(super) fn item_part(&mut self, table: &Table<'_, '_>) -> Option<Item> {
        self.only(table, &["id", "title", "kind", "home", "by", "verify", "needs", "until", "again", "evidence", "checklist"]);
        let id = self.must(table, "id", Self::name);
        let title = self.must(table, "title", Self::text);
        let kind = self.may(table, "kind", Self::name).unwrap_or(ItemKind::Step);
        let home = self.must(table, "home", Self::stage);
        let by = self.must(table, "by", Self::roles);
        let verify = self.may(table, "verify", Self::roles).unwrap_or_default();
        let needs = self.may(table, "needs", Self::guard).unwrap_or_else(Guard::always);
        let until = self.may(table, "until", Self::stage);
        let again = self.may(table, "again", Self::yes).unwrap_or(false);
        let evidence = self.may(table, "evidence", |r, k, v| r.number(k, v, 0..101)).unwrap_or(0);
        let checklist = self.may(table, "checklist", Self::checklist);
        match (kind, &checklist) {
            (ItemKind::Assessment, None) if table.get("checklist").is_none() => {
                let key = table.key("checklist");
                self.wrong(table.at, key, "P001", "an assessment must name its checklist");
            }
            (ItemKind::Assessment, _) | (_, None) => {}
            (_, Some(_)) => {
                let key = table.key("checklist");
                let at = table.get("checklist").map_or(table.at, |value| value.span().start);
                self.wrong(at, key, "P001", "only an assessment has a checklist");
            }
        }
        let evidence = evidence.unsigned_abs();
        Some(Item { id: id?, title: title?, kind, home: home?, by: by?, verify, needs, until, again, evidence, checklist })
    }

    fn checklist(&mut self, key: &str, value: Value<'_, '_>) -> Option<ChecklistId> {
        let id: ChecklistId = self.name(key, value)?;
        self.refer(Target::Checklist(id.clone()), key, value.span().start);
        Some(id)
    }

    pub(super) fn gate_part(&mut self, table: &Table<'_, '_>) -> Option<Gate> {
        self.only(
            table,
            &["id", "title", "home", "by", "bodies", "needs", "until", "quorum", "separation", "basis", "repeats", "outcomes"],
        );
        let id = self.must(table, "id", Self::name);
        let title = self.must(table, "title", Self::text);
        let home = self.must(table, "home", Self::stage);
        let by = self.must(table, "by", Self::roles);
        let bodies = self.may(table, "bodies", Self::names).unwrap_or_default();
        let needs = self.may(table, "needs", Self::guard).unwrap_or_else(Guard::always);
        let until = self.may(table, "until", Self::stage);
        let quorum = self.may(table, "quorum", |r, k, v| r.number(k, v, 1..101));
        let separation = self.may(table, "separation", Self::subjects).unwrap_or_default();
        let basis = self.may(table, "basis", Self::subjects).unwrap_or_default();
        let repeats = self.may(table, "repeats", Self::yes).unwrap_or(false);
        let outcomes = self.must(table, "outcomes", Self::outcomes);
        Some(Gate {
            id: id?,
            title: title?,
            home: home?,
            by: by?,
            bodies: bodies.into_iter().map(|(body, _)| body).collect(),
            needs,
            until,
            quorum: quorum.map(i32::unsigned_abs),
            separation,
            basis,
            repeats,
            outcomes: outcomes?,
        })
    }

    fn outcomes(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<Outcome>> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (i, element) in self.array(key, value)?.iter().enumerate() {
            let numbered = format!("{key}[{}]", i + 1);
            let Some(mut table) = self.table(&numbered, element) else {
                continue;
            };
            let Some(id) = self.must(&table, "id", Self::name::<OutcomeId>) else {
                continue;
            };
            table.path = format!("{key}.{id}");
            self.mark(table.path.clone(), table.at);
            self.only(&table, &["id", "needs", "raises", "reason"]);
            let needs = self.may(&table, "needs", Self::guard).unwrap_or_else(Guard::always);
            let raises = self.may(&table, "raises", Self::yes).unwrap_or(false);
            let reason = self.may(&table, "reason", Self::yes).unwrap_or(false);
            if id.is_unknown() {
                let message = "every gate has the outcome unknown already";
                self.wrong(table.at, table.path, "P008", message);
            } else if outcomes.iter().any(|other| other.id == id) {
                let message = format!("the outcome \"{id}\" is declared twice");
                self.wrong(table.at, table.path, "P008", message);
            } else {
                outcomes.push(Outcome { id, needs, raises, reason });
            }
        }
        Some(outcomes)
    }

    pub(super) fn reopening_part(&mut self, table: &Table<'_, '_>) -> Option<Reopening> {
        self.only(table, &["to", "from", "by", "agreed_by"]);
        let to = self.must(table, "to", Self::stages);
        let from = self.may(table, "from", Self::stages).unwrap_or_default();
        let by = self.must(table, "by", Self::roles);
        let agreed_by = match table.get("agreed_by") {
            Some(value) => self.roles(&table.key("agreed_by"), value)?,
            None => Vec::new(),
        };
        Some(Reopening { to: to?, from, by: by?, agreed_by })
    }
}
