//! The course of a transition: its beginning, plans, agreement, and life.

use super::common::{date, optional_date};
use super::values::{
    as_sent, day, fields, id, ids, list, name, name_or_empty, optional_day, optional_id, optional_name, optional_organisation,
    optional_revision, optional_word, organisation, text, word, words,
};
use super::violations::At;
use baton_domain::event::*;
use baton_proto::v1 as proto;

pub(super) fn transition_registered(sent: &proto::TransitionRegistered, at: &At<'_>) -> Option<TransitionRegistered> {
    fields!(sent, at => TransitionRegistered {
        sender: organisation,
        acting_through: optional_organisation,
        route: optional_id,
        route_version: optional_id,
        starting_position: word,
        continues: optional_id,
        note: text,
    } filled { route_sha256: None })
}

pub(super) fn route_migrated(sent: &proto::RouteMigrated, at: &At<'_>) -> Option<RouteMigrated> {
    fields!(sent, at => RouteMigrated {
        to_version: id,
        reason: text,
    } filled { to_sha256: None })
}

pub(super) fn transition_succeeded(sent: &proto::TransitionSucceeded, at: &At<'_>) -> Option<TransitionSucceeded> {
    fields!(sent, at => TransitionSucceeded {
        subject: id,
        successor: organisation,
        part: word,
        effective_on: day,
        note: text,
    })
}

pub(super) fn transferred_by_statute(sent: &proto::TransferredByStatute, at: &At<'_>) -> Option<TransferredByStatute> {
    fields!(sent, at => TransferredByStatute {
        subject: id,
        instrument: name,
        effective_on: day,
    })
}

pub(super) fn round_opened(sent: &proto::RoundOpened, at: &At<'_>) -> Option<RoundOpened> {
    fields!(sent, at => RoundOpened {
        stage: id,
        agreed_by: optional_id,
        reason: text,
    } filled { set_aside: Vec::new() })
}

pub(super) fn planned(sent: &proto::Planned, at: &At<'_>) -> Option<Planned> {
    fields!(sent, at => Planned {
        event: id,
        key: name_or_empty,
        target: date,
        depends_on: dependencies,
        replaces: optional_revision,
        reason: text,
        note: text,
    })
}

fn dependencies(sent: &[proto::Dependency], at: &At<'_>) -> Option<Vec<Dependency>> {
    list(sent, at, |sent, at| {
        fields!(sent, at => Dependency {
            event: id,
            key: name_or_empty,
            outcome: optional_id,
        })
    })
}

pub(super) fn agreement_signed(sent: &proto::AgreementSigned, at: &At<'_>) -> Option<AgreementSigned> {
    fields!(sent, at => AgreementSigned {
        subject: id,
        version: name,
        party: organisation,
        signatory: optional_id,
        note: text,
    })
}

pub(super) fn agreement_varied(sent: &proto::AgreementVaried, at: &At<'_>) -> Option<AgreementVaried> {
    fields!(sent, at => AgreementVaried {
        subject: id,
        from_version: optional_name,
        to_version: name,
        covers: ids,
        note: text,
    })
}

pub(super) fn function_allocated(sent: &proto::FunctionAllocated, at: &At<'_>) -> Option<FunctionAllocated> {
    fields!(sent, at => FunctionAllocated {
        function: id,
        responsible: optional_word,
        accountable: optional_word,
        liable: optional_word,
        performed_by: optional_word,
        influence: words,
        reserved: as_sent,
        effective_on: optional_date,
        note: text,
    })
}

pub(super) fn delegation_commenced(sent: &proto::DelegationCommenced, at: &At<'_>) -> Option<DelegationCommenced> {
    fields!(sent, at => DelegationCommenced {
        subject: id,
        effective_on: optional_day,
        agreement_version: optional_name,
        off_cycle_reason: text,
        note: text,
    })
}

pub(super) fn assurance_rated(sent: &proto::AssuranceRated, at: &At<'_>) -> Option<AssuranceRated> {
    fields!(sent, at => AssuranceRated {
        subject: id,
        about: word,
        area: name_or_empty,
        rating: word,
        kind: word,
        note: text,
    })
}

pub(super) fn termination_notice_served(sent: &proto::TerminationNoticeServed, at: &At<'_>) -> Option<TerminationNoticeServed> {
    fields!(sent, at => TerminationNoticeServed {
        subject: id,
        served_by: organisation,
        effective_on: day,
        reason: text,
    })
}

pub(super) fn delegation_ended(sent: &proto::DelegationEnded, at: &At<'_>) -> Option<DelegationEnded> {
    fields!(sent, at => DelegationEnded {
        subject: id,
        to_holder: word,
        revoked: as_sent,
        reason: text,
    })
}
