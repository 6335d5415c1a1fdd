//! Guards: what must be so before an act, and what is still missing.
//!
//! A guard is built of atoms with "all" and "any" only, so more facts never close what was open
//! and the lint can compute exactly what is reachable. Evaluation never stops at the first
//! failure: the answer to "why not" is the whole list.

use super::{Atom, Route};

/// One atom with the reject code and rule to name when it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What must be so.
    pub atom: Atom,
    /// Reject code of the route; when absent the atom's default applies (see [`Need::code`]).
    pub code: Option<String>,
    /// Rule the need comes from, such as `I19`.
    pub rule: Option<String>,
}

/// A condition over a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// One atom must hold.
    Is(Need),
    /// Every part must hold. Without parts it always holds.
    All(Vec<Guard>),
    /// At least one part must hold.
    Any(Vec<Guard>),
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet<'g> {
    /// This atom does not hold.
    Need(&'g Need),
    /// One of these ways is needed, and this is what each of them still lacks.
    OneOf(Vec<Vec<Unmet<'g>>>),
}

impl Need {
    /// The reject code to give: the route's own or the atom's default.
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_else(|| self.atom.default_code())
    }
}

impl Guard {
    /// The guard that always holds.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// True for a guard that asks nothing.
    pub fn is_always(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether the guard holds where `holds` answers each atom.
    pub fn holds(&self, holds: &dyn Fn(&Atom) -> bool) -> bool {
        match self {
            Self::Is(need) => holds(&need.atom),
            Self::All(parts) => parts.iter().all(|part| part.holds(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(holds)),
        }
    }

    /// Everything that is missing, in the order of the file. Empty exactly when the guard holds.
    pub fn evaluate(&self, holds: &dyn Fn(&Atom) -> bool) -> Vec<Unmet<'_>> {
        match self {
            Self::Is(need) if holds(&need.atom) => Vec::new(),
            Self::Is(need) => vec![Unmet::Need(need)],
            Self::All(parts) => parts.iter().flat_map(|part| part.evaluate(holds)).collect(),
            Self::Any(parts) => {
                let lacking: Vec<_> = parts.iter().map(|part| part.evaluate(holds)).collect();
                if lacking.iter().any(Vec::is_empty) { Vec::new() } else { vec![Unmet::OneOf(lacking)] }
            }
        }
    }

    /// All needs of the guard, in the order of the file.
    pub fn needs(&self) -> Vec<&Need> {
        match self {
            Self::Is(need) => vec![need],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::needs).collect(),
        }
    }

    /// Whether the guard can not hold unless an atom accepted by `wanted` holds.
    pub fn requires(&self, wanted: &dyn Fn(&Atom) -> bool) -> bool {
        match self {
            Self::Is(need) => wanted(&need.atom),
            Self::All(parts) => parts.iter().any(|part| part.requires(wanted)),
            Self::Any(parts) => parts.iter().all(|part| part.requires(wanted)),
        }
    }

    /// The guard as a sentence for people, with the titles of `route`.
    pub fn plain(&self, route: &Route) -> String {
        match self {
            Self::Is(need) => need.atom.plain(route),
            Self::All(parts) if parts.is_empty() => "nothing is needed".to_owned(),
            Self::All(parts) => joined(parts, "and", route),
            Self::Any(parts) => joined(parts, "or", route),
        }
    }
}

fn joined(parts: &[Guard], word: &str, route: &Route) -> String {
    let phrase = |part: &Guard| match part {
        Guard::Is(_) => part.plain(route),
        Guard::All(_) | Guard::Any(_) => format!("({})", part.plain(route)),
    };
    parts.iter().map(phrase).collect::<Vec<_>>().join(&format!(", {word} "))
}

impl<'g> Unmet<'g> {
    /// The needs in here, those of all ways included, in the order of the file.
    pub fn needs(&self) -> Vec<&'g Need> {
        match self {
            Self::Need(need) => vec![need],
            Self::OneOf(ways) => ways.iter().flatten().flat_map(Unmet::needs).collect(),
        }
    }
}
