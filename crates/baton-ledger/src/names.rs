//! The words for places in the log: position, revision, stream name.
//!
//! Three types, so that an index in the whole log can never be taken for an index in a stream.
//! A name is checked once, when it is made; inside there is nothing left to validate.

use std::fmt;
use std::sync::Arc;

use crate::bounds::MAX_STREAM_NAME;
use crate::error::NameError;

/// Index of a record in the whole log: from 0, gapless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// Index of a record in its stream: from 1, contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of the first record of a stream.
    pub const FIRST: Revision = Revision(1);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a stream: 1 to 200 characters out of `A-Z a-z 0-9 . _ : / -`.
///
/// Cheap to clone: the text is shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// Checks and keeps a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(bad) = text.chars().find(|c| !is_allowed(*c)) {
            return Err(NameError::Character(bad));
        }
        if text.len() > MAX_STREAM_NAME {
            return Err(NameError::TooLong { length: text.len(), bound: MAX_STREAM_NAME });
        }
        Ok(StreamName(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '-')
}

impl std::str::FromStr for StreamName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        StreamName::parse(text)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamName({})", self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_200_characters_is_taken_and_of_201_refused() {
        assert!(StreamName::parse(&"a".repeat(MAX_STREAM_NAME)).is_ok());
        assert_eq!(
            StreamName::parse(&"a".repeat(MAX_STREAM_NAME + 1)).unwrap_err(),
            NameError::TooLong { length: 201, bound: 200 }
        );
    }

    #[test]
    fn a_name_is_refused_when_empty_or_with_a_foreign_character() {
        assert_eq!(StreamName::parse("").unwrap_err(), NameError::Empty);
        for bad in [' ', '\n', 'é', '\\', '\0', '*'] {
            let text = format!("transition{bad}1");
            assert_eq!(StreamName::parse(&text).unwrap_err(), NameError::Character(bad));
        }
        assert!(StreamName::parse("transition/QUY.DENT.POD-2021_x:1").is_ok());
    }
}
