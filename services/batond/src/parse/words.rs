//! Closed sets of words, in the domain and on the wire.
//!
//! Each pair is written once and read in both directions; the matches are exhaustive on both sides,
//! so a new word does not compile until it has its counterpart.

use baton_domain::event::*;
use baton_domain::values::{Precision, Rounding};
use baton_domain::world::Openness;
use baton_proto::v1 as proto;

/// A word of a closed set that travels as a number.
pub trait Word: Copy + Eq + 'static {
    /// What a number on the wire means.
    fn sent(number: i32) -> Sent<Self>;

    /// The number on the wire.
    fn number(self) -> i32;

    /// The names that may be written, for an error sentence.
    fn names() -> Vec<&'static str>;
}

/// What a number on the wire means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent<W> {
    /// Nothing was given.
    Absent,
    /// This word.
    Word(W),
    /// No word of the set.
    Unknown,
}

macro_rules! words {
    ($($name:ident = $wire:ident { $($word:ident),+ $(,)? })+) => {$(
        impl Word for $name {
            fn sent(number: i32) -> Sent<Self> {
                match proto::$wire::try_from(number) {
                    Ok(proto::$wire::Unspecified) => Sent::Absent,
                    $(Ok(proto::$wire::$word) => Sent::Word(Self::$word),)+
                    Err(_) => Sent::Unknown,
                }
            }

            fn number(self) -> i32 {
                match self { $(Self::$word => proto::$wire::$word as i32),+ }
            }

            fn names() -> Vec<&'static str> {
                vec![$(proto::$wire::$word.as_str_name()),+]
            }
        }
    )+

        #[cfg(test)]
        mod tests {
            use super::*;

            #[test]
            fn every_word_travels_there_and_back() {
                $($(assert_eq!($name::sent($name::$word.number()), Sent::Word($name::$word));)+)+
            }

            #[test]
            fn no_number_beyond_the_set_is_a_word() {
                $(
                    let beyond = i32::try_from($name::names().len()).expect("short") + 1;
                    assert_eq!($name::sent(0), Sent::Absent);
                    assert_eq!($name::sent(beyond), Sent::Unknown);
                    assert_eq!($name::sent(-1), Sent::Unknown);
                )+
            }
        }
    };
}

words! {
    Standing = Standing { Inferred, Reported, Stated }
    Precision = Precision {
        Day, ByDay, WeekCommencing, Month, EarlyMonth, MidMonth, LateMonth, MonthEnd, ByMonth, Season, QuarterCalendar,
        QuarterFinancial, QuarterNotSaid, Range, Between, Since, NotBefore, Before, FinancialYear, CalendarYear, Unknown,
    }
    Rounding = Rounding { Penny, Pound, Thousand, HundredThousand, Million, NotSaid }
    TimetableItem = TimetableItem { AbleBy, WillBy, InterestDue, AssessmentDue, NationalDecisionDue }
    OrganisationKind = OrganisationKind {
        Ccg, Icb, Ics, NhsEngland, Region, AreaTeam, LocalOffice, Department, SupportUnit, LocalAuthority, Other,
    }
    SuccessionKind = SuccessionKind { Merger, Split, Acquisition, Replacement }
    Part = Part { Whole, Part }
    BodyKind = BodyKind {
        Board, GoverningBody, NationalBoard, Membership, Committee, JointCommittee, Executive, Regional, TaskGroup, Host, Advisory,
    }
    BodyPower = BodyPower { Decide, Recommend, Note }
    StartingPosition = StartingPosition { None, GreaterInvolvement, Joint, PartlyDelegated, Unknown }
    RightToWithdraw = RightToWithdraw { None, Asserted, Accepted, Unknown }
    WithdrawalGround = WithdrawalGround { FinancialEnvelope, Capacity, VoteLost, Risk, Other }
    YesNo = Answer { Yes, No }
    HowTaken = HowTaken { Meeting, UrgentAction, DelegatedOfficer, Ballot, NotSaid }
    Holder = Holder { Receiver, Sender, National, Regional, Host, Joint }
    HandoverKind = HandoverKind { Document, Data, Access, Contract, Contact, DecisionInFlight }
    RatedSubject = RatedSubject { WholeFunction, Locality, Programme, Provider }
    Rating = Rating { Red, Amber, Green, Unknown }
    RatingKind = RatingKind { SelfAssessed, Regional }
    InterestAction = InterestAction { None, StayedNoVote, LeftRoom, Excluded }
    ErasureGround = ErasureGround { DataSubjectRequest, CourtOrder, RetentionEnded, RecordedInError }
    ExtractWithheld = ExtractWithheld { Nothing, Some, AllWords }
    Openness = OrganisationStatus { Open, Designate, Closed }
}
