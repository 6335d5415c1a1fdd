//! Checklists, obligations, handover areas, facts and deadlines.

use super::{
    document::sentence,
    reader::{Reader, Table, Target, Value},
};
use crate::route::{
    Checklist, Due, DueFrom, FactKind, FactSpec, FieldSpec, HandoverArea, ObligationSpec, Question, SubjectId, WaveDate,
};

/// Longest distance of a deadline, about ten years.
const MAX_OFFSET_DAYS: i32 = 3_660;

impl Reader<'_> {
    pub(super) fn checklist_part(&mut self, table: &Table<'_, '_>) -> Option<Checklist> {
        self.only(table, &["id", "title", "answer", "corroborate", "until", "questions"]);
        let id = self.must(table, "id", Self::name);
        let title = self.must(table, "title", Self::text);
        let answer = self.must(table, "answer", Self::roles);
        let corroborate = self.may(table, "corroborate", Self::roles).unwrap_or_default();
        let until = self.may(table, "until", Self::stage);
        let questions = self.must(table, "questions", Self::questions);
        Some(Checklist { id: id?, title: title?, answer: answer?, corroborate, until, questions: questions? })
    }

    fn questions(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<Question>> {
        let list = self.table(key, value)?;
        let mut questions = Vec::new();
        for (name, span, value) in list.entries() {
            let key = list.key(name);
            self.mark(key.clone(), span.start);
            let Some(table) = self.table(&key, value) else {
                continue;
            };
            self.only(&table, &["text", "compliant"]);
            let text = self.must(&table, "text", Self::text);
            let compliant = self.must(&table, "compliant", Self::name);
            match name.parse() {
                Ok(id) => questions.extend(text.zip(compliant).map(|(text, compliant)| Question { id, text, compliant })),
                Err(error) => {
                    let error: crate::route::IdError = error;
                    self.lose::<()>(span.start, key, error.to_string());
                }
            }
        }
        if list.entries().is_empty() {
            return self.lose(list.at, key, "must have at least one question");
        }
        Some(questions)
    }

    pub(super) fn obligation_part(&mut self, table: &Table<'_, '_>) -> Option<ObligationSpec> {
        self.only(table, &["kind", "title", "raise", "discharge", "both_sides"]);
        let kind = self.must(table, "kind", Self::name);
        let title = self.must(table, "title", Self::text);
        let raise = self.must(table, "raise", Self::roles);
        let discharge = self.must(table, "discharge", Self::roles);
        let both_sides = self.may(table, "both_sides", Self::yes).unwrap_or(false);
        Some(ObligationSpec { kind: kind?, title: title?, raise: raise?, discharge: discharge?, both_sides })
    }

    pub(super) fn handover_part(&mut self, table: &Table<'_, '_>) -> Option<HandoverArea> {
        self.only(table, &["area", "items"]);
        let area = self.must(table, "area", Self::name);
        let items = self.must(table, "items", |reader, key, value| {
            let elements = reader.array(key, value)?;
            let items: Vec<_> = elements.iter().filter_map(|item| reader.text(key, item)).collect();
            Some(items)
        });
        Some(HandoverArea { area: area?, items: items? })
    }

    pub(super) fn fact_part(&mut self, table: &Table<'_, '_>) -> Option<FactSpec> {
        self.only(table, &["kind", "title", "fields"]);
        let kind: Option<FactKind> = self.must(table, "kind", Self::name);
        let title = self.may(table, "title", Self::text);
        let fields = self.must(table, "fields", Self::fields);
        let kind = kind?;
        let title = title.unwrap_or_else(|| sentence(kind.as_str()));
        Some(FactSpec { kind, title, fields: fields? })
    }

    fn fields(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<FieldSpec>> {
        let list = self.table(key, value)?;
        let mut fields = Vec::new();
        for (name, span, value) in list.entries() {
            let key = list.key(name);
            self.mark(key.clone(), span.start);
            let ty = self.name(&key, value);
            match name.parse() {
                Ok(name) => fields.extend(ty.map(|ty| FieldSpec { name, ty })),
                Err(error) => {
                    let error: crate::route::IdError = error;
                    self.lose::<()>(span.start, key, error.to_string());
                }
            }
        }
        Some(fields)
    }

    pub(super) fn due_part(&mut self, table: &Table<'_, '_>) -> Option<Due> {
        self.only(table, &["subject", "after", "offset_days", "working_days", "escalate"]);
        let subject = self.must(table, "subject", Self::subject);
        let after = self.must(table, "after", Self::due_from);
        let bounds = -MAX_OFFSET_DAYS..MAX_OFFSET_DAYS + 1;
        let offset = self.must(table, "offset_days", |r, k, v| r.number(k, v, bounds));
        let working_days = self.may(table, "working_days", Self::yes).unwrap_or(false);
        let escalate = self.may(table, "escalate", Self::roles).unwrap_or_default();
        Some(Due { subject: subject?, after: after?, offset_days: offset?, working_days, escalate })
    }

    fn subject(&mut self, key: &str, value: Value<'_, '_>) -> Option<SubjectId> {
        let id: SubjectId = self.name(key, value)?;
        self.refer(Target::Subject(id.clone()), key, value.span().start);
        Some(id)
    }

    fn due_from(&mut self, key: &str, value: Value<'_, '_>) -> Option<DueFrom> {
        let Some(field) = self.word(key, value)?.strip_prefix("wave.") else {
            return self.subject(key, value).map(DueFrom::Subject);
        };
        match field.parse::<WaveDate>() {
            Ok(date) => Some(DueFrom::Wave(date)),
            Err(error) => self.lose(value.span().start, key, error.to_string()),
        }
    }
}
