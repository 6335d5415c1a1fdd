//! Money as printed: the words of the paper, the pence they mean, and how far they were rounded (rule I37).

use super::InvalidValue;
use serde::{Deserialize, Serialize};

/// The unit a printed figure was rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the penny.
    Penny,
    /// To the pound.
    Pound,
    /// To a thousand pounds.
    Thousand,
    /// To a hundred thousand pounds.
    HundredThousand,
    /// To a million pounds.
    Million,
    /// The paper does not say.
    NotSaid,
}

impl Rounding {
    /// The size of the unit in pence, where it is known.
    pub fn pence(self) -> Option<i64> {
        match self {
            Self::Penny => Some(1),
            Self::Pound => Some(100),
            Self::Thousand => Some(100_000),
            Self::HundredThousand => Some(10_000_000),
            Self::Million => Some(100_000_000),
            Self::NotSaid => None,
        }
    }
}

/// An amount in pounds sterling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawMoney", into = "RawMoney")]
pub struct Money {
    printed: String,
    pence: i64,
    rounded_to: Rounding,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMoney {
    printed: String,
    pence: i64,
    rounded_to: Rounding,
}

impl Money {
    /// An amount printed as `printed`, meaning `pence`, rounded to `rounded_to`.
    ///
    /// # Errors
    /// When the printed words are missing or longer than 100 characters, or the pence are not a
    /// multiple of the unit of rounding: then one of the two is wrong.
    pub fn new(printed: &str, pence: i64, rounded_to: Rounding) -> Result<Self, InvalidValue> {
        if printed.trim().is_empty() || printed.chars().count() > 100 {
            return Err(InvalidValue::new("money needs its words as printed, 1 to 100 characters"));
        }
        if rounded_to.pence().is_some_and(|unit| pence % unit != 0) {
            return Err(InvalidValue::new(format!("{pence} pence is not a whole multiple of the unit of rounding")));
        }
        Ok(Self { printed: printed.to_owned(), pence, rounded_to })
    }

    /// The words as printed.
    pub fn printed(&self) -> &str {
        &self.printed
    }

    /// The amount in pence.
    pub fn pence(&self) -> i64 {
        self.pence
    }

    /// The unit of rounding.
    pub fn rounded_to(&self) -> Rounding {
        self.rounded_to
    }
}

impl TryFrom<RawMoney> for Money {
    type Error = InvalidValue;
    fn try_from(raw: RawMoney) -> Result<Self, InvalidValue> {
        Self::new(&raw.printed, raw.pence, raw.rounded_to)
    }
}

impl From<Money> for RawMoney {
    fn from(money: Money) -> Self {
        Self { printed: money.printed, pence: money.pence, rounded_to: money.rounded_to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pence_must_agree_with_the_rounding() {
        assert!(Money::new("GBP 72.5 million", 7_250_000_000, Rounding::HundredThousand).is_ok());
        assert!(Money::new("GBP 72.5 million", 7_250_000_000, Rounding::Million).is_err());
        assert!(Money::new("", 100, Rounding::Pound).is_err());
    }
}
