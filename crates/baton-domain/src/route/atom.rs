//! Atoms: the single questions a guard may ask of a story.
//!
//! The list is closed and every atom is monotone or a projection of the latest statement: there is
//! no "not", no clock and no text to interpret. An atom is written as a short phrase and reads back
//! as the same phrase.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{ChecklistId, FactKind, FieldName, OutcomeId, Route, SubjectId};

/// One question about a story that is either so or not so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Atom {
    /// The transition is registered.
    Registered,
    /// The item is done in this round.
    Done(SubjectId),
    /// The item's latest completion has been verified.
    Verified(SubjectId),
    /// The latest decision of the gate in force has one of these outcomes.
    Decided {
        /// The gate.
        gate: SubjectId,
        /// The outcomes of which one must be the case; never empty.
        outcomes: Vec<OutcomeId>,
    },
    /// No obligation raised under the subject is open. True when none was raised.
    ObligationsClear(SubjectId),
    /// The checklist as a whole is in this state.
    Checklist {
        /// The checklist.
        checklist: ChecklistId,
        /// The state asked for.
        state: ChecklistState,
    },
    /// Every handover is accepted or carried as a named open item.
    HandoverClear,
    /// The latest completion of the item has one of these values in the field.
    Field {
        /// The item.
        item: SubjectId,
        /// The field of its payload.
        field: FieldName,
        /// The values of which one must be the case; never empty.
        values: Vec<FieldName>,
    },
    /// A fact of this kind is recorded.
    FactRecorded(FactKind),
}

/// What may be asked of a checklist as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecklistState {
    /// Every question has an answer.
    Complete,
    /// Every answer in force has been checked in its latest version.
    Corroborated,
    /// Every question has an answer, and where that is not the compliant one a prospect of
    /// resolution is agreed.
    Resolved,
}

impl ChecklistState {
    /// The word as written in a route file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Corroborated => "corroborated",
            Self::Resolved => "resolved",
        }
    }
}

impl Atom {
    /// The reject code of a need for this atom that has none of its own.
    pub fn default_code(&self) -> &'static str {
        match self {
            Self::Registered => "NOT_REGISTERED",
            Self::Done(_) => "ITEM_NOT_DONE",
            Self::Verified(_) => "ITEM_NOT_VERIFIED",
            Self::Decided { .. } => "GATE_NOT_DECIDED",
            Self::ObligationsClear(_) => "OBLIGATION_OPEN",
            Self::Checklist { state, .. } => match state {
                ChecklistState::Complete => "INCOMPLETE_ASSESSMENT",
                ChecklistState::Corroborated => "NOT_CORROBORATED",
                ChecklistState::Resolved => "UNRESOLVED_NONCOMPLIANCE",
            },
            Self::HandoverClear => "HANDOVER_NOT_CLEAR",
            Self::Field { .. } => "FIELD_NOT_MET",
            Self::FactRecorded(_) => "FACT_NOT_RECORDED",
        }
    }

    /// True of a transition to which nothing has happened but its registration.
    pub(super) fn holds_at_opening(&self) -> bool {
        matches!(self, Self::Registered | Self::ObligationsClear(_) | Self::HandoverClear)
    }

    /// The atom as a sentence for people, with the titles of `route`.
    pub fn plain(&self, route: &Route) -> String {
        let subject = |id: &SubjectId| route.title_of(id);
        let list = |id: &ChecklistId| route.checklist(id).map_or_else(|| id.to_string(), |list| list.title.clone());
        match self {
            Self::Registered => "the transition is registered".to_owned(),
            Self::Done(item) => format!("\"{}\" is done", subject(item)),
            Self::Verified(item) => format!("\"{}\" is verified", subject(item)),
            Self::Decided { gate, outcomes } => {
                format!("\"{}\" is decided as {}", subject(gate), either(outcomes))
            }
            Self::ObligationsClear(id) => {
                format!("nothing owed under \"{}\" is open", subject(id))
            }
            Self::Checklist { checklist, state } => match state {
                ChecklistState::Complete => {
                    format!("every question of \"{}\" has an answer", list(checklist))
                }
                ChecklistState::Corroborated => {
                    format!("every answer of \"{}\" is corroborated in its latest version", list(checklist))
                }
                ChecklistState::Resolved => {
                    format!("every non-compliant answer of \"{}\" has an agreed prospect of resolution", list(checklist))
                }
            },
            Self::HandoverClear => "every handover is accepted or carried as a named open item".to_owned(),
            Self::Field { item, field, values } => {
                format!("\"{}\" gives {} as {}", subject(item), words(field), either(values))
            }
            Self::FactRecorded(kind) => {
                let title = route.fact_spec(kind).map(|spec| spec.title.as_str());
                format!("a fact \"{}\" is on record", title.unwrap_or(kind.as_str()))
            }
        }
    }
}

fn words(id: &impl AsRef<str>) -> String {
    id.as_ref().replace('_', " ")
}

fn either(ids: &[impl AsRef<str>]) -> String {
    ids.iter().map(words).collect::<Vec<_>>().join(" or ")
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered => f.write_str("registered"),
            Self::Done(item) => write!(f, "done {item}"),
            Self::Verified(item) => write!(f, "verified {item}"),
            Self::Decided { gate, outcomes } => write!(f, "gate {gate} is {}", bars(outcomes)),
            Self::ObligationsClear(id) => write!(f, "obligations {id} clear"),
            Self::Checklist { checklist, state } => {
                write!(f, "checklist {checklist} {}", state.as_str())
            }
            Self::HandoverClear => f.write_str("handover clear"),
            Self::Field { item, field, values } => {
                write!(f, "field {item}.{field} is {}", bars(values))
            }
            Self::FactRecorded(kind) => write!(f, "fact {kind} recorded"),
        }
    }
}

fn bars(ids: &[impl AsRef<str>]) -> String {
    ids.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("|")
}

/// A phrase that is not an atom.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AtomError {
    /// The words do not form any of the known phrases.
    #[error(
        "\"{0}\" is not a condition: write one of registered, done ITEM, verified ITEM, gate GATE \
         is OUTCOME|OUTCOME, obligations SUBJECT clear, checklist ID complete, checklist ID \
         corroborated, checklist ID resolved, handover clear, field ITEM.FIELD is VALUE|VALUE, \
         fact KIND recorded"
    )]
    Phrase(String),
    /// A name inside the phrase is not a legal name.
    #[error(transparent)]
    Name(#[from] super::IdError),
    /// The same outcome or value is listed twice.
    #[error("\"{0}\" is listed twice")]
    Twice(String),
}

impl FromStr for Atom {
    type Err = AtomError;

    fn from_str(text: &str) -> Result<Self, AtomError> {
        let phrase: Vec<&str> = text.split_whitespace().collect();
        Ok(match phrase.as_slice() {
            ["registered"] => Self::Registered,
            ["done", item] => Self::Done(item.parse()?),
            ["verified", item] => Self::Verified(item.parse()?),
            ["gate", gate, "is", outcomes @ ..] => Self::Decided { gate: gate.parse()?, outcomes: alternatives(outcomes)? },
            ["obligations", subject, "clear"] => Self::ObligationsClear(subject.parse()?),
            ["checklist", id, "complete"] => checklist(id, ChecklistState::Complete)?,
            ["checklist", id, "corroborated"] => checklist(id, ChecklistState::Corroborated)?,
            ["checklist", id, "resolved"] => checklist(id, ChecklistState::Resolved)?,
            ["handover", "clear"] => Self::HandoverClear,
            ["field", path, "is", values @ ..] => {
                let (item, field) = path.split_once('.').ok_or_else(|| not_an_atom(text))?;
                let values = alternatives(values)?;
                Self::Field { item: item.parse()?, field: field.parse()?, values }
            }
            ["fact", kind, "recorded"] => Self::FactRecorded(kind.parse()?),
            _ => return Err(not_an_atom(text)),
        })
    }
}

fn not_an_atom(text: &str) -> AtomError {
    AtomError::Phrase(text.chars().take(120).collect())
}

fn checklist(id: &str, state: ChecklistState) -> Result<Atom, AtomError> {
    Ok(Atom::Checklist { checklist: id.parse()?, state })
}

/// Reads `a|b`, with or without space around the bar.
fn alternatives<T>(words: &[&str]) -> Result<Vec<T>, AtomError>
where
    T: FromStr<Err = super::IdError> + PartialEq + fmt::Display,
{
    let mut all: Vec<T> = Vec::new();
    for word in words.concat().split('|') {
        let one: T = word.parse()?;
        if all.contains(&one) {
            return Err(AtomError::Twice(one.to_string()));
        }
        all.push(one);
    }
    Ok(all)
}

impl TryFrom<String> for Atom {
    type Error = AtomError;

    fn try_from(text: String) -> Result<Self, AtomError> {
        text.parse()
    }
}

impl From<Atom> for String {
    fn from(atom: Atom) -> String {
        atom.to_string()
    }
}
