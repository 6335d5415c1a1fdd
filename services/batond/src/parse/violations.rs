//! Where in a message we are, and what was found wrong there.
//!
//! A parser never stops at the first mistake: it notes every one with its path and goes on, so that
//! a client can mend all of them at once. A path costs nothing until something is refused.

use std::cell::RefCell;
use std::fmt;

/// One mistake in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field, such as `commands[2].gate_decided.outcome`.
    pub field: String,
    /// What is wrong with it. Begins with the reject code of a rule where there is one:
    /// `PATIENT_DATA_REFUSED: a text must not hold patient data ...`.
    pub description: String,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub struct Violations(RefCell<Vec<FieldViolation>>);

impl Violations {
    /// The message as a whole, from which every path starts.
    pub fn root(&self) -> At<'_> {
        At { parent: None, step: Step::Root, found: &self.0 }
    }

    /// What was parsed, or every mistake.
    ///
    /// # Errors
    /// When anything was refused.
    pub fn finish<T>(self, parsed: Option<T>) -> Result<T, Vec<FieldViolation>> {
        let mut found = self.0.into_inner();
        match parsed {
            Some(parsed) if found.is_empty() => Ok(parsed),
            Some(_) => Err(found),
            None => {
                // A parser that gives nothing has said why. Should one forget, the request is refused all the same.
                debug_assert!(!found.is_empty(), "refused without a violation");
                if found.is_empty() {
                    found.push(FieldViolation { field: String::new(), description: "the request cannot be read".to_owned() });
                }
                Err(found)
            }
        }
    }
}

/// A place in a message.
#[derive(Clone, Copy)]
pub struct At<'p> {
    parent: Option<&'p At<'p>>,
    step: Step<'p>,
    found: &'p RefCell<Vec<FieldViolation>>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Field(&'p str),
    Index(usize),
    Key(&'p str),
}

/// The longest map key repeated in a path, in characters: a path does not grow with its input.
const MAX_KEY_SHOWN: usize = 40;

impl At<'_> {
    /// A field of the message at this place.
    pub fn field<'c>(&'c self, name: &'c str) -> At<'c> {
        self.step(Step::Field(name))
    }

    /// An element of the list at this place.
    pub fn index(&self, index: usize) -> At<'_> {
        self.step(Step::Index(index))
    }

    /// The value of a key of the map at this place.
    pub fn key<'c>(&'c self, key: &'c str) -> At<'c> {
        self.step(Step::Key(key))
    }

    /// Notes what is wrong at this place. Gives `None`, so that a parser can end with it.
    pub fn refuse<T>(&self, why: impl fmt::Display) -> Option<T> {
        self.found.borrow_mut().push(FieldViolation { field: self.to_string(), description: why.to_string() });
        None
    }

    fn step<'c>(&'c self, step: Step<'c>) -> At<'c> {
        At { parent: Some(self), step, found: self.found }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{:?}]", key.chars().take(MAX_KEY_SHOWN).collect::<String>()),
            Step::Field(name) if self.parent.is_none_or(|parent| matches!(parent.step, Step::Root)) => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_names_fields_indexes_and_keys() {
        let violations = Violations::default();
        let root = violations.root();
        let commands = root.field("commands");
        let command = commands.index(2);
        let fields = command.field("fields");
        let value = fields.key("budget");
        assert_eq!(value.field("money").to_string(), r#"commands[2].fields["budget"].money"#);
        assert_eq!(fields.key(&"k".repeat(500)).to_string().len(), r#"commands[2].fields[""]"#.len() + MAX_KEY_SHOWN);
    }

    #[test]
    fn every_refusal_is_kept_and_none_is_enough_to_refuse() {
        let violations = Violations::default();
        let first: Option<u8> = violations.root().field("a").refuse("is bad");
        let second: Option<u8> = violations.root().field("b").refuse("is worse");
        assert_eq!((first, second), (None, None));
        let found = violations.finish(Some(1)).expect_err("something was refused");
        assert_eq!(found.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
