//! The file as a whole: its parts in any order, their elements in file order.

use toml::de::{DeTable, DeValue};

use super::reader::{Reader, Table, Value};
use crate::route::{
    Role, Route, RouteId, RouteVersion, Stage, StageId,
    model::{Index, Parts},
};

struct Header {
    id: RouteId,
    version: RouteVersion,
    title: String,
    source: String,
}

impl Reader<'_> {
    /// Reads everything. None when the route can not be put together at all.
    pub(super) fn document(&mut self, table: &DeTable<'_>, sha256: [u8; 32], text_len: usize) -> Option<Route> {
        let file = Table::new("", 0, table);
        self.only(
            &file,
            &["route", "roles", "stage", "item", "gate", "checklist", "obligation", "reopen", "handover", "fact", "due"],
        );
        let header = self.must(&file, "route", Self::header);
        let roles = self.must(&file, "roles", Self::role_list).unwrap_or_default();
        let mut parts = Parts {
            roles,
            stages: self.elements(&file, "stage", "id", Self::stage_part),
            items: self.elements(&file, "item", "id", Self::item_part),
            gates: self.elements(&file, "gate", "id", Self::gate_part),
            checklists: self.elements(&file, "checklist", "id", Self::checklist_part),
            obligations: self.elements(&file, "obligation", "kind", Self::obligation_part),
            reopenings: self.elements(&file, "reopen", "", Self::reopening_part),
            handover: self.elements(&file, "handover", "area", Self::handover_part),
            facts: self.elements(&file, "fact", "kind", Self::fact_part),
            dues: self.elements(&file, "due", "", Self::due_part),
        };
        let live = self.live_stage(&parts.stages)?;
        settle_until(&mut parts, live);
        let Header { id, version, title, source } = header?;
        let index = Index::of(&parts);
        Some(Route { id, version, title, source, sha256, text_len, live, parts, index })
    }

    fn header(&mut self, key: &str, value: Value<'_, '_>) -> Option<Header> {
        let table = self.table(key, value)?;
        self.only(&table, &["id", "version", "title", "source"]);
        let id = self.must(&table, "id", Self::name);
        let version = self.must(&table, "version", Self::name);
        let title = self.must(&table, "title", Self::text);
        let source = self.must(&table, "source", Self::text);
        Some(Header { id: id?, version: version?, title: title?, source: source? })
    }

    fn role_list(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<Role>> {
        let table = self.table(key, value)?;
        let mut roles = Vec::new();
        for (name, span, side) in table.entries() {
            let key = table.key(name);
            self.mark(key.clone(), span.start);
            let side = self.name(&key, side);
            match name.parse() {
                Ok(id) => roles.extend(side.map(|side| Role { id, side })),
                Err(error) => {
                    let error: crate::route::IdError = error;
                    self.lose::<()>(span.start, key, error.to_string());
                }
            }
        }
        Some(roles)
    }

    /// The elements of an array of tables. Paths use the element's name, or its number when it has
    /// none; the same name twice is an error.
    pub(super) fn elements<'v, 'i, T>(
        &mut self,
        file: &Table<'v, 'i>,
        part: &str,
        name: &str,
        read: fn(&mut Self, &Table<'v, 'i>) -> Option<T>,
    ) -> Vec<T> {
        let Some(values) = self.may(file, part, Self::array) else {
            return Vec::new();
        };
        let mut seen = Vec::new();
        let mut all = Vec::new();
        for (i, value) in values.iter().enumerate() {
            let numbered = format!("{part}[{}]", i + 1);
            let Some(mut table) = self.table(&numbered, value) else {
                continue;
            };
            if let Some(DeValue::String(id)) = table.get(name).map(toml::Spanned::get_ref) {
                table.path = format!("{part}.{id}");
                if seen.contains(&table.path) {
                    let at = table.get(name).map_or(table.at, |value| value.span().start);
                    let key = table.key(name);
                    self.lose::<()>(at, key, format!("the {part} \"{id}\" is declared twice"));
                    continue;
                }
                seen.push(table.path.clone());
            }
            self.mark(table.path.clone(), table.at);
            all.extend(read(self, &table));
        }
        all
    }

    fn stage_part(&mut self, table: &Table<'_, '_>) -> Option<Stage> {
        self.only(table, &["id", "title", "entry", "closed", "live", "aside"]);
        let id: Option<StageId> = self.must(table, "id", Self::name);
        let title = self.may(table, "title", Self::text);
        let entry = self.must(table, "entry", Self::guard);
        let closed = self.may(table, "closed", Self::yes).unwrap_or(false);
        let live = self.may(table, "live", Self::yes).unwrap_or(false);
        let aside = self.may(table, "aside", Self::yes).unwrap_or(false);
        if closed && live {
            let key = table.key("closed");
            self.wrong(table.at, key, "P001", "a stage can not be both closed and live");
        }
        let id = id?;
        let title = title.unwrap_or_else(|| sentence(id.as_str()));
        Some(Stage { title, id, entry: entry?, closed, live, aside })
    }

    fn live_stage(&mut self, stages: &[Stage]) -> Option<usize> {
        let live: Vec<usize> = stages.iter().enumerate().filter_map(|(i, stage)| stage.live.then_some(i)).collect();
        if let [one] = live.as_slice() {
            return Some(*one);
        }
        // A stage left out above may have been the live one.
        if live.len() > 1 || !self.lost {
            let key = live.get(1).map_or("stage".to_owned(), |i| format!("stage.{}", stages[*i].id));
            let place = self.places.get(&key).copied().unwrap_or(super::Place::START);
            self.errors.push(crate::route::RouteError {
                line: place.line,
                column: place.column,
                key,
                rule: "P006",
                message: format!("exactly one stage must have live = true, found {}", live.len()),
            });
            self.lost = true;
        }
        None
    }
}

/// Work at home before the live stage ends there, unless the route or its kind says otherwise.
fn settle_until(parts: &mut Parts, live: usize) {
    let Parts { stages, items, gates, .. } = parts;
    let before = |home: &StageId| stages[..live].iter().any(|stage| stage.id == *home);
    for item in items.iter_mut() {
        if item.until.is_none() && !item.kind.outlasts_live() && before(&item.home) {
            item.until = Some(stages[live].id.clone());
        }
    }
    for gate in gates.iter_mut() {
        if gate.until.is_none() && before(&gate.home) {
            gate.until = Some(stages[live].id.clone());
        }
    }
    for list in &mut parts.checklists {
        list.until.get_or_insert_with(|| stages[live].id.clone());
    }
    for way in &mut parts.reopenings {
        if way.from.is_empty() {
            way.from = stages[..live].iter().map(|stage| stage.id.clone()).collect();
        }
    }
}

/// `UNDER_ASSESSMENT` as "Under assessment".
pub(super) fn sentence(id: &str) -> String {
    let words = id.replace('_', " ").to_lowercase();
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
