//! The closed sets of words that payloads use.

use serde::{Deserialize, Serialize};

/// Declares a closed set of words, stored and shown as written here.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of the set.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

words! {
    /// What the source of a statement is worth. Ordered from the weakest to the strongest.
    #[derive(Default)]
    Standing {
        /// Our reading; the reason stands beside it.
        Inferred = "inferred",
        /// Another document says that it happened.
        Reported = "reported",
        /// The act's own record: a minute, a letter, a signed agreement.
        #[default]
        Stated = "stated",
    }
    /// A date of a wave's timetable.
    TimetableItem {
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
    /// Kinds of organisation.
    OrganisationKind {
        /// Clinical commissioning group.
        Ccg = "ccg",
        /// Integrated care board.
        Icb = "icb",
        /// Integrated care system, not a statutory body.
        Ics = "ics",
        /// NHS England.
        NhsEngland = "nhs_england",
        /// A region of NHS England.
        Region = "region",
        /// An area team of NHS England.
        AreaTeam = "area_team",
        /// A local office of NHS England.
        LocalOffice = "local_office",
        /// The department.
        Department = "department",
        /// A commissioning support unit.
        SupportUnit = "support_unit",
        /// A local authority.
        LocalAuthority = "local_authority",
        /// Any other.
        Other = "other",
    }
    /// How one organisation succeeds another.
    SuccessionKind {
        /// Several become one.
        Merger = "merger",
        /// One becomes several.
        Split = "split",
        /// An existing organisation takes it over.
        Acquisition = "acquisition",
        /// A new body in the same area.
        Replacement = "replacement",
    }
    /// How much passes.
    Part {
        /// All of it.
        Whole = "whole",
        /// Some of it.
        Part = "part",
    }
    /// What a body may do.
    BodyPower {
        /// Decide.
        Decide = "decide",
        /// Recommend.
        Recommend = "recommend",
        /// Note.
        Note = "note",
    }
    /// Where a receiver stands before the transition.
    StartingPosition {
        /// Nothing yet.
        None = "none",
        /// Greater involvement.
        GreaterInvolvement = "greater_involvement",
        /// Joint commissioning.
        Joint = "joint",
        /// Partly delegated.
        PartlyDelegated = "partly_delegated",
        /// The sources do not say.
        Unknown = "unknown",
    }
    /// The right to withdraw an expression of interest.
    RightToWithdraw {
        /// There is none.
        None = "none",
        /// The receiver asserted it.
        Asserted = "asserted",
        /// The sender accepted it.
        Accepted = "accepted",
        /// The sources do not say.
        Unknown = "unknown",
    }
    /// Why a receiver withdraws.
    WithdrawalGround {
        /// The money offered.
        FinancialEnvelope = "financial_envelope",
        /// Capacity.
        Capacity = "capacity",
        /// A vote was lost.
        VoteLost = "vote_lost",
        /// Risk.
        Risk = "risk",
        /// Another ground.
        Other = "other",
    }
    /// How a decision was taken.
    HowTaken {
        /// At a meeting.
        Meeting = "meeting",
        /// By urgent action, to be ratified.
        UrgentAction = "urgent_action",
        /// By an officer under delegated authority.
        DelegatedOfficer = "delegated_officer",
        /// By ballot.
        Ballot = "ballot",
        /// The sources do not say.
        NotSaid = "not_said",
    }
    /// Who holds a function.
    Holder {
        /// The receiver.
        Receiver = "receiver",
        /// The sender.
        Sender = "sender",
        /// The national level of the sender.
        National = "national",
        /// The regional level of the sender.
        Regional = "regional",
        /// A host.
        Host = "host",
        /// Both by agreement.
        Joint = "joint",
    }
    /// Kinds of handover item.
    HandoverKind {
        /// A document.
        Document = "document",
        /// Data.
        Data = "data",
        /// Access to a system.
        Access = "access",
        /// A contract.
        Contract = "contract",
        /// A contact.
        Contact = "contact",
        /// A decision in flight.
        DecisionInFlight = "decision_in_flight",
    }
    /// What an assurance rating is about.
    RatedSubject {
        /// The whole function.
        WholeFunction = "whole_function",
        /// A locality.
        Locality = "locality",
        /// A programme.
        Programme = "programme",
        /// A provider.
        Provider = "provider",
    }
    /// A rating.
    Rating {
        /// Red.
        Red = "red",
        /// Amber.
        Amber = "amber",
        /// Green.
        Green = "green",
        /// The sources do not tell it.
        Unknown = "unknown",
    }
    /// Who rates.
    RatingKind {
        /// The receiver itself.
        SelfAssessed = "self_assessed",
        /// The region.
        Regional = "regional",
    }
    /// What was done about a declared interest.
    InterestAction {
        /// Nothing was needed.
        None = "none",
        /// Stayed and did not vote.
        StayedNoVote = "stayed_no_vote",
        /// Left the room.
        LeftRoom = "left_room",
        /// Was excluded.
        Excluded = "excluded",
    }
    /// Why words are erased.
    ErasureGround {
        /// The person whom they are about asked for it.
        DataSubjectRequest = "data_subject_request",
        /// A court ordered it.
        CourtOrder = "court_order",
        /// They were to be kept until now and no longer.
        RetentionEnded = "retention_ended",
        /// They should never have been recorded.
        RecordedInError = "recorded_in_error",
    }
    /// Whether words were left out of an extract.
    ExtractWithheld {
        /// None were.
        Nothing = "nothing",
        /// Those of some events were.
        Some = "some",
        /// All were: plain fields and commitments only.
        AllWords = "all_words",
    }
}
