//! What is wrong with a route file: all of it, each with its place.

use std::fmt;

/// One problem of a route file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {rule} {key}: {message}")]
pub struct RouteError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key, as a path: `stage.LIVE.entry`. Empty when the text is not TOML at all.
    pub key: String,
    /// Code of the lint rule: `P002`.
    pub rule: &'static str,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
}

/// All problems of a route file, in the order of the lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteErrors(pub(crate) Vec<RouteError>);

impl RouteErrors {
    /// Sorts the problems by place. Called only with at least one.
    pub(super) fn new(mut errors: Vec<RouteError>) -> Self {
        errors.sort_by(|a, b| (a.line, a.column, a.rule, &a.key).cmp(&(b.line, b.column, b.rule, &b.key)));
        errors.dedup();
        Self(errors)
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, RouteError> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for RouteErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RouteErrors {}

impl IntoIterator for RouteErrors {
    type Item = RouteError;
    type IntoIter = std::vec::IntoIter<RouteError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a RouteErrors {
    type Item = &'a RouteError;
    type IntoIter = std::slice::Iter<'a, RouteError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
