//! The closed lists of words a route file may use.
//!
//! Behaviour hangs on these words, so they are enums; everything a route may invent freely (roles,
//! items, outcomes, fact kinds) is a name instead (see `id`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A word that is not in the closed list it should come from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a {what}: write one of {allowed}")]
pub struct UnknownWord {
    what: &'static str,
    allowed: String,
    text: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal,
     { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// All words of the list, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as written in a route file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text).ok_or_else(|| UnknownWord {
                    what: $what,
                    allowed: [$($word,)+].join(", "),
                    text: text.chars().take(80).collect(),
                })
            }
        }
    };
}

words!(
    /// What kind of act completes an item. All but `step` have a payload of their own.
    ItemKind, "kind of item", {
        /// A plain piece of work, done or not done.
        Step = "step",
        /// The receiver asks for the service.
        ExpressionOfInterest = "expression_of_interest",
        /// A body of the receiver endorses the expression of interest, perhaps afterwards.
        Endorsement = "endorsement",
        /// The receiver takes the expression of interest back.
        Withdrawal = "withdrawal",
        /// A checklist handed in as a whole.
        Assessment = "assessment",
        /// One domain of due diligence signed off.
        DueDiligence = "due_diligence",
        /// The papers of a decision, frozen.
        DecisionPack = "decision_pack",
        /// An agreement; done when both sides have signed the same version.
        Agreement = "agreement",
        /// A new version of an agreement that is in force.
        Variation = "variation",
        /// Who holds, performs and answers for a function.
        FunctionAllocation = "function_allocation",
        /// A person of the sender paired with one of the receiver.
        Pairing = "pairing",
        /// The day the receiver takes the service.
        Commencement = "commencement",
        /// A rating of the receiver by the sender; only a regional rating of the whole function
        /// completes the item.
        Assurance = "assurance",
        /// Notice to end the delegation.
        Notice = "notice",
        /// The delegation ended or was revoked.
        Ending = "ending",
        /// The function passed by law.
        Statutory = "statutory",
        /// Another body took the receiver's place by law.
        Succession = "succession",
    }
);

impl ItemKind {
    /// True when the act may still happen after the live stage, whatever its home. All other
    /// items at home before the live stage end there unless the route says otherwise.
    pub fn outlasts_live(self) -> bool {
        matches!(
            self,
            Self::Variation
                | Self::FunctionAllocation
                | Self::Pairing
                | Self::Assurance
                | Self::Notice
                | Self::Ending
                | Self::Statutory
                | Self::Succession
        )
    }

    /// True when the act ends a delegation that has begun (or passes the function on by law), so
    /// that a closed stage resting on it may stand after the live stage.
    pub fn ends_a_life(self) -> bool {
        matches!(self, Self::Ending | Self::Statutory | Self::Succession)
    }

    /// The fields a guard may ask about, each with its possible values.
    pub fn fields(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::ExpressionOfInterest => &[("right_to_withdraw", &["none", "asserted", "accepted", "unknown"])],
            Self::Endorsement => {
                &[("verb", &["supported", "endorsed", "noted", "not_supported"]), ("retrospective", &["yes", "no"])]
            }
            Self::Withdrawal => &[("reason_code", &["financial_envelope", "capacity", "vote_lost", "risk", "other"])],
            Self::DueDiligence => &[("qualified", &["yes", "no"])],
            Self::Assurance => &[
                ("rating", &["red", "amber", "green", "unknown"]),
                ("kind", &["self_assessed", "regional"]),
                ("subject", &["whole_function", "locality", "programme", "provider"]),
            ],
            Self::Succession => &[("part", &["whole", "part"])],
            _ => &[],
        }
    }
}

words!(
    /// The side a role acts for.
    RoleSide, "side", {
        /// The body giving the function up.
        Sender = "sender",
        /// The body taking it.
        Receiver = "receiver",
        /// Neither or either, such as the administrator of a ballot.
        Any = "any",
    }
);

words!(
    /// The kind of body that may take a decision.
    BodyKind, "kind of body", {
        /// Board of an integrated care board, or the shadow body standing in for it.
        Board = "board",
        /// Governing body of a clinical commissioning group.
        GoverningBody = "governing_body",
        /// Board of NHS England.
        NationalBoard = "national_board",
        /// Member practices voting.
        Membership = "membership",
        /// A committee of one organisation.
        Committee = "committee",
        /// A committee of sender and receiver together.
        JointCommittee = "joint_committee",
        /// An executive group.
        Executive = "executive",
        /// A regional body of the sender.
        Regional = "regional",
        /// A task group.
        TaskGroup = "task_group",
        /// A body that works for several receivers, which stay responsible.
        Host = "host",
        /// A body that gives advice.
        Advisory = "advisory",
    }
);

words!(
    /// An answer to a checklist question.
    YesNo, "yes or no answer", {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
    }
);

words!(
    /// The type of one field of a recorded fact.
    FieldType, "field type", {
        /// Free text; it is sealed in the log.
        Text = "text",
        /// A whole number.
        Integer = "integer",
        /// Money as printed, with pence and rounding.
        Money = "money",
        /// A date, possibly fuzzy.
        Date = "date",
        /// Yes or no.
        YesNo = "yes_no",
        /// A code such as a service or a year.
        Code = "code",
        /// An ODS code.
        Ods = "ods",
    }
);

words!(
    /// A date of a wave's timetable, from which a deadline may be counted.
    WaveDate, "date of the wave", {
        /// By when receivers may be able to take the services.
        AbleBy = "able_by",
        /// By when receivers will take the services.
        WillBy = "will_by",
        /// When expressions of interest are due.
        InterestDue = "interest_due",
        /// When assessments are due.
        AssessmentDue = "assessment_due",
        /// When the national decision is due.
        NationalDecisionDue = "national_decision_due",
    }
);
