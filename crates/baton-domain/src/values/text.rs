//! Free text and names: what can be erased or withheld without breaking a proof.
//!
//! In memory a text is open, withheld or erased. Where it is stored, the leaf holds only a salted
//! commitment and the words lie beside it; the codec makes that exchange. Rules never read a text.

use super::Position;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest text accepted, in characters.
pub const MAX_TEXT: usize = 4_000;

/// A name or free text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Text {
    /// The words.
    #[serde(rename = "$open")]
    Open(String),
    /// The words are erased or not shown to this reader; the commitment (hex) in the leaf remains.
    #[serde(rename = "$sealed")]
    Withheld(String),
    /// The words are erased; this event authorised it. Only in memory: the leaf keeps its commitment.
    #[serde(rename = "$erased")]
    Erased(Position),
}

/// A text that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// More than [`MAX_TEXT`] characters.
    #[error("a text holds at most {MAX_TEXT} characters, this one has {0}")]
    TooLong(usize),
    /// A control character other than line feed and tab.
    #[error("a text holds no control characters other than line feed and tab")]
    Control,
    /// Ten digits that pass the NHS number check (rule I49).
    #[error("a text must not hold patient data, and this one holds what reads as an NHS number")]
    PatientData,
}

impl Text {
    /// Takes `words`, or `None` if they are empty.
    ///
    /// # Errors
    /// See [`TextError`].
    pub fn parse(words: &str) -> Result<Option<Self>, TextError> {
        let words = words.trim();
        let length = words.chars().count();
        if length == 0 {
            Ok(None)
        } else if length > MAX_TEXT {
            Err(TextError::TooLong(length))
        } else if words.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            Err(TextError::Control)
        } else if holds_nhs_number(words) {
            Err(TextError::PatientData)
        } else {
            Ok(Some(Self::Open(words.to_owned())))
        }
    }

    /// The words, if they may be shown.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Open(words) => Some(words),
            Self::Withheld(_) | Self::Erased(_) => None,
        }
    }

    /// The words, or a bracketed note that they are erased or withheld.
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Open(words) => Cow::Borrowed(words),
            Self::Withheld(_) => Cow::Borrowed("[withheld]"),
            Self::Erased(by) => Cow::Owned(format!("[erased by event {by}]")),
        }
    }
}

/// Whether ten digits, together or grouped 3 3 4, pass the modulus 11 check of NHS numbers. Digits that touch
/// a letter are part of a code or a digest and are none.
fn holds_nhs_number(words: &str) -> bool {
    // Few texts have so many digits, and this is asked of every text of every request.
    if words.bytes().filter(u8::is_ascii_digit).count() < 10 {
        return false;
    }
    let chars: Vec<char> = words.chars().collect();
    (0..chars.len()).any(|start| nhs_number_at(&chars, start))
}

fn nhs_number_at(chars: &[char], start: usize) -> bool {
    if start > 0 && chars[start - 1].is_alphanumeric() {
        return false;
    }
    let mut digits = Vec::with_capacity(10);
    let mut at = start;
    while let Some(c) = chars.get(at) {
        match c.to_digit(10) {
            Some(digit) if digits.len() < 10 => digits.push(digit),
            Some(_) => return false,
            None if c.is_alphabetic() => return false,
            None if (*c == ' ' || *c == '-') && matches!(digits.len(), 3 | 6) => {}
            None => break,
        }
        at += 1;
    }
    if digits.len() != 10 {
        return false;
    }
    let sum: u32 = digits.iter().take(9).zip((2..=10).rev()).map(|(d, weight)| d * weight).sum();
    match 11 - sum % 11 {
        11 => digits[9] == 0 && digits.iter().any(|d| *d != 0),
        10 => false,
        check => digits[9] == check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_at_the_bound_is_taken_and_one_past_it_refused() {
        assert!(Text::parse(&"é".repeat(MAX_TEXT)).is_ok());
        assert_eq!(Text::parse(&"é".repeat(MAX_TEXT + 1)), Err(TextError::TooLong(MAX_TEXT + 1)));
        assert_eq!(Text::parse("  \n "), Ok(None));
        assert_eq!(Text::parse("a\u{0}b"), Err(TextError::Control));
    }

    #[test]
    fn text_with_an_nhs_number_is_refused_but_money_and_dates_are_not() {
        // 943 476 5919 is the specimen number that passes the check.
        for bad in ["ref 9434765919", "943 476 5919", "patient 943-476-5919."] {
            assert_eq!(Text::parse(bad), Err(TextError::PatientData), "{bad}");
        }
        for good in
            ["GBP 157,902 of 2018-04-04", "telephone 01234567890", "9434765918", "0000000000", "9434765919ab", "f9434765919"]
        {
            assert!(Text::parse(good).is_ok(), "{good}");
        }
    }
}
