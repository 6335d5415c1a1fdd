//! Names of things: organisations, services, waves, transitions, people, bodies.
//!
//! An id is short, plain text that says nothing private. People are opaque ids; their names are
//! [`Text`](super::Text), which can be erased.

use super::InvalidValue;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::{SmolStr, format_smolstr};
use std::fmt;
use std::str::FromStr;

/// Declares an id: a validated string with text conversions and serde as plain text. Short ids, which
/// is nearly all of them, lie in the value itself; no id is copied when it is cloned.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr, $wanted:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidValue::new(format!("{} is not {}", quoted(text), $wanted)))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;
            fn try_from(text: String) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::written::read(deserializer)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// At most the first 40 characters of what was sent, for an error sentence.
fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

fn lower_slug(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn upper_code(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn mixed_slug(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_ods(text: &str) -> bool {
    matches!(text.len(), 3 | 5) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_organisation(text: &str) -> bool {
    is_ods(text) || text.strip_prefix("own:").is_some_and(|own| lower_slug(own, 60))
}

fn is_transition(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let (Some(receiver), Some(service), Some(wave)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let receiver_ok = is_ods(receiver) || receiver.strip_prefix("own:").is_some_and(|own| lower_slug(own, 60));
    receiver_ok && upper_code(service, 20) && upper_code(wave, 30)
}

id!(
    /// An organisation: an ODS code of 3 or 5 characters, or `own:` and a name of our own for a body
    /// for which no ODS code is held (rule I03).
    OrganisationId, is_organisation, "an ODS code of 3 or 5 characters A-Z 0-9, nor an own id such as own:nhs-england"
);
id!(
    /// A service code of the project, for example `PHARM` or `PC-RENT`.
    ServiceCode, |t| upper_code(t, 20), "a service code of 1 to 20 characters A-Z 0-9 and hyphen"
);
id!(
    /// A wave: a national or local programme, for example `POD-2021`.
    WaveId, |t| upper_code(t, 30), "a wave id of 1 to 30 characters A-Z 0-9 and hyphen, such as POD-2021"
);
id!(
    /// A function that may be allocated, for example `PC-STRAT`.
    FunctionCode, |t| upper_code(t, 40), "a function code of 1 to 40 characters A-Z 0-9 and hyphen"
);
id!(
    /// A transition: receiver at birth, service and wave, for example `QUY.DENT.POD-2021`.
    TransitionId, is_transition, "a transition id RECEIVER.SERVICE.WAVE, such as QUY.DENT.POD-2021"
);
id!(
    /// A person, opaque: never a name.
    PersonId, |t| mixed_slug(t, 60), "a person id of 1 to 60 letters, digits, hyphens and underscores"
);
id!(
    /// A body within an organisation, for example `board`.
    BodyId, |t| lower_slug(t, 80), "a body id of 1 to 80 characters a-z 0-9 _ and hyphen"
);
id!(
    /// One real-world act that served several streams; its events share this id.
    ActId, |t| mixed_slug(t, 80), "an act id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A meeting of a body.
    MeetingId, |t| mixed_slug(t, 80), "a meeting id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A proposal that waits for a second person.
    ProposalId, |t| mixed_slug(t, 80), "a proposal id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// An obligation: something owed until discharged.
    ObligationId, |t| mixed_slug(t, 80), "an obligation id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A finding of due diligence.
    FindingId, |t| mixed_slug(t, 80), "a finding id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A sender-receiver pair.
    PairId, |t| mixed_slug(t, 80), "a pair id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A handover item.
    HandoverItemId, |t| mixed_slug(t, 80), "a handover item id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A conflict between statements.
    ConflictId, |t| mixed_slug(t, 80), "a conflict id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A legal hold.
    HoldId, |t| mixed_slug(t, 80), "a hold id of 1 to 80 letters, digits, hyphens and underscores"
);
id!(
    /// A body named with its organisation: `ORGANISATION/BODY`, for example `QUY/board`.
    BodyRef,
    |t| t.split_once('/').is_some_and(|(o, b)| is_organisation(o) && lower_slug(b, 80)),
    "a body written ORGANISATION/BODY, such as QUY/board"
);

impl OrganisationId {
    /// Whether no ODS code is held for this organisation.
    pub fn is_own(&self) -> bool {
        self.0.starts_with("own:")
    }
}

impl BodyRef {
    /// Names `body` of `organisation`.
    pub fn new(organisation: &OrganisationId, body: &BodyId) -> Self {
        Self(format_smolstr!("{organisation}/{body}"))
    }

    /// The organisation whose body this is.
    pub fn organisation(&self) -> OrganisationId {
        OrganisationId(self.0.split_once('/').map_or_else(SmolStr::default, |(o, _)| o.into()))
    }

    /// The body within its organisation.
    pub fn body(&self) -> BodyId {
        BodyId(self.0.split_once('/').map_or_else(SmolStr::default, |(_, b)| b.into()))
    }
}

impl TransitionId {
    /// The id of the transition of `service` to `receiver` in `wave`.
    pub fn new(receiver: &OrganisationId, service: &ServiceCode, wave: &WaveId) -> Self {
        Self(format_smolstr!("{receiver}.{service}.{wave}"))
    }

    /// The receiver at birth; a later successor does not change the id.
    pub fn receiver(&self) -> OrganisationId {
        OrganisationId(self.part(0))
    }

    /// The service that passes.
    pub fn service(&self) -> ServiceCode {
        ServiceCode(self.part(1))
    }

    /// The wave the transition belongs to.
    pub fn wave(&self) -> WaveId {
        WaveId(self.part(2))
    }

    fn part(&self, index: usize) -> SmolStr {
        self.0.splitn(3, '.').nth(index).unwrap_or_default().into()
    }

    /// Comes before every transition of this receiver in the order of ids, and after those of receivers
    /// that come before it. No id of a transition itself.
    pub(crate) fn before_all_of(receiver: &OrganisationId) -> Self {
        Self(format_smolstr!("{receiver}."))
    }

    /// Whether this is a transition of that receiver.
    pub fn is_of(&self, receiver: &OrganisationId) -> bool {
        self.0.strip_prefix(receiver.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisation_takes_codes_of_three_or_five_characters_and_own_ids() {
        for good in ["QUY", "S1Y5D", "06F", "own:nhs-england"] {
            assert!(good.parse::<OrganisationId>().is_ok(), "{good}");
        }
        for bad in ["", "QU", "QUYZ", "quy", "S1Y5DX", "own:", "own:NHS", "Q Y", "own:a/b"] {
            assert!(bad.parse::<OrganisationId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn transition_id_gives_back_its_three_parts() {
        let id: TransitionId = "S1Y5D.PC-RENT.DORSET-2018".parse().expect("good id");
        assert_eq!(id.receiver().as_str(), "S1Y5D");
        assert_eq!(id.service().as_str(), "PC-RENT");
        assert_eq!(id.wave().as_str(), "DORSET-2018");
        for bad in ["QUY.DENT", "QUY..POD-2021", "QUY.DENT.", "QUY.DENT.POD.2021", "quy.DENT.POD-2021"] {
            assert!(bad.parse::<TransitionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn refusal_names_the_text_and_what_would_be_accepted() {
        let error = "QU".parse::<OrganisationId>().expect_err("two characters");
        assert_eq!(
            error.to_string(),
            "\"QU\" is not an ODS code of 3 or 5 characters A-Z 0-9, nor an own id such as own:nhs-england"
        );
    }
}
