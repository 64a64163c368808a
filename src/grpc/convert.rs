//! Between our words and the wire's: every enumeration, time and shared message, both ways where both are needed.

use tonic::Status;
use uuid::Uuid;

use super::{proto, status};
use crate::{
    access::Sight,
    check::{Conversion, Finding, Severity},
    clock::Timestamp,
    declaration::{DeclarationId, Kind},
    dossier::{Document, Dossier, LastWord},
    explain::explain_state,
    message::masked_text,
    party::Party,
    receipt,
    state::{State, Turn},
    store::NumberKind,
};

const MICROSECONDS: i64 = 1_000_000;

pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(MICROSECONDS) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: at.0.div_euclid(MICROSECONDS), nanos }
}

/// A moment as sent; one that cannot be written down lies before all that can.
pub(super) fn moment(at: &prost_types::Timestamp) -> Timestamp {
    if !(0..1_000_000_000).contains(&at.nanos) {
        return Timestamp(i64::MIN);
    }
    Timestamp(at.seconds.saturating_mul(MICROSECONDS).saturating_add(i64::from(at.nanos) / 1_000))
}

pub(super) fn text(zh: impl Into<String>, en: impl Into<String>) -> proto::Text {
    proto::Text { zh: zh.into(), en: en.into() }
}

pub(super) fn declaration_id(text: &str) -> Result<DeclarationId, Status> {
    // Ids that are none are like ids of nobody.
    Uuid::try_parse(text).map(DeclarationId).map_err(|_| status::not_found())
}

pub(super) fn conversion(conversion: Conversion) -> proto::Conversion {
    let Conversion { path, sent, written } = conversion;
    proto::Conversion { path, sent, written }
}

pub(super) fn finding(finding: &Finding) -> proto::Finding {
    let severity = match finding.severity {
        Severity::Error => proto::Severity::Error,
        Severity::Warning => proto::Severity::Warning,
    };
    proto::Finding {
        path: finding.path.clone(),
        rule: finding.rule.clone(),
        severity: severity.into(),
        zh: finding.zh.clone(),
        en: finding.en.clone(),
        remedy_zh: finding.remedy_zh.clone(),
        remedy_en: finding.remedy_en.clone(),
    }
}

pub(super) fn findings(findings: &[Finding]) -> Vec<proto::Finding> {
    findings.iter().map(finding).collect()
}

pub(super) const fn kind(kind: Kind) -> proto::DocumentKind {
    match kind {
        Kind::Order => proto::DocumentKind::Order,
        Kind::Payment => proto::DocumentKind::Payment,
        Kind::Waybill => proto::DocumentKind::Waybill,
        Kind::Arrival => proto::DocumentKind::Arrival,
        Kind::Departure => proto::DocumentKind::Departure,
        Kind::Inventory => proto::DocumentKind::Inventory,
        Kind::Cancellation => proto::DocumentKind::Cancellation,
        Kind::Manifest => proto::DocumentKind::Manifest,
        Kind::Summary => proto::DocumentKind::Summary,
        Kind::GoodsReturn => proto::DocumentKind::GoodsReturn,
        Kind::ReturnTally => proto::DocumentKind::ReturnTally,
    }
}

pub(super) const fn state(state: State) -> proto::DocumentState {
    use proto::DocumentState as P;
    match state {
        State::Waiting => P::Waiting,
        State::Due => P::Due,
        State::Packed => P::Packed,
        State::Delivered => P::Delivered,
        State::Held => P::Held,
        State::Declaring => P::Declaring,
        State::Unmatched => P::Unmatched,
        State::Sent => P::Sent,
        State::PortFailed => P::PortFailed,
        State::Stored => P::Stored,
        State::Review => P::Review,
        State::Inspection => P::Inspection,
        State::Passed => P::Passed,
        State::Released => P::Released,
        State::Closed => P::Closed,
        State::Refused => P::Refused,
        State::Rejected => P::Rejected,
        State::Cancelled => P::Cancelled,
    }
}

/// The state asked for; nothing if none is named.
pub(super) fn wanted_state(number: i32) -> Result<Option<State>, Status> {
    if number == i32::from(proto::DocumentState::Unspecified) {
        return Ok(None);
    }
    let found = State::ALL.into_iter().find(|candidate| i32::from(state(*candidate)) == number);
    found.map(Some).ok_or_else(|| status::invalid("没有该状态", "there is no such state"))
}

pub(super) const fn turn(turn: Turn) -> proto::Turn {
    match turn {
        Turn::Gateway => proto::Turn::Gateway,
        Turn::Seller => proto::Turn::Seller,
        Turn::Customs => proto::Turn::Customs,
        Turn::Carrier => proto::Turn::Carrier,
        Turn::Nobody => proto::Turn::Nobody,
    }
}

pub(super) const fn number_kind(kind: NumberKind) -> proto::NumberKind {
    match kind {
        NumberKind::Order => proto::NumberKind::Order,
        NumberKind::Waybill => proto::NumberKind::Waybill,
        NumberKind::Enterprise => proto::NumberKind::Enterprise,
        NumberKind::Port => proto::NumberKind::Port,
        NumberKind::Inventory => proto::NumberKind::Inventory,
        NumberKind::Bill => proto::NumberKind::Bill,
        NumberKind::Bag => proto::NumberKind::Bag,
        NumberKind::Payment => proto::NumberKind::Payment,
        NumberKind::Summary => proto::NumberKind::Summary,
        NumberKind::CustomsDeclaration => proto::NumberKind::CustomsDeclaration,
    }
}

pub(super) fn party(party: &Party) -> proto::Party {
    proto::Party { code: party.code.clone(), name: party.name.clone() }
}

pub(super) fn last_word(kind: Kind, word: &LastWord, sight: Sight) -> proto::LastWord {
    let info = match sight {
        Sight::Masked => masked_text(&word.info),
        Sight::Whole => word.info.clone(),
    };
    let explained = receipt::explain(kind, &word.code, &info);
    proto::LastWord {
        code: word.code.clone(),
        at: Some(timestamp(word.at)),
        info,
        explanation: Some(text(explained.meaning_zh, explained.meaning_en)),
        next: Some(text(explained.next_zh, explained.next_en)),
    }
}

pub(super) fn document(document: &Document, sight: Sight) -> proto::Document {
    let explained = explain_state(document.kind, document.state);
    let written = |number: Option<&str>| number.unwrap_or_default().to_owned();
    proto::Document {
        id: document.id.to_string(),
        kind: kind(document.kind).into(),
        state: state(document.state).into(),
        customs_code: document.state.code(),
        meaning: Some(text(explained.meaning_zh, explained.meaning_en)),
        turn: turn(document.state.turn()).into(),
        next: Some(text(explained.next_zh, explained.next_en)),
        last_word: document.last_word.as_ref().map(|word| last_word(document.kind, word, sight)),
        sender: document.sender.clone(),
        enterprise_no: written(document.enterprise_no.as_ref().map(|no| no.0.as_str())),
        port_no: written(document.port_no.as_ref().map(|no| no.0.as_str())),
        inventory_no: written(document.inventory_no.as_ref().map(|no| no.0.as_str())),
        action: i32::try_from(document.action.number()).unwrap_or(1),
    }
}

/// A declaration's documents in the order in which a parcel needs them.
pub(super) fn documents(dossier: &Dossier) -> Vec<&Document> {
    let mut documents: Vec<_> = dossier.documents.iter().collect();
    documents.sort_by_key(|document| (document.kind, document.id));
    documents
}

pub(super) fn standings(dossier: &Dossier) -> Vec<proto::DocumentStanding> {
    let standing = |document: &Document| proto::DocumentStanding { kind: kind(document.kind).into(), state: state(document.state).into() };
    documents(dossier).into_iter().map(standing).collect()
}

/// A page's size: 100 if none is asked for, at most 500.
pub(super) const fn page_size(asked: u32) -> u32 {
    match asked {
        0 => 100,
        1..=500 => asked,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back_and_nonsense_is_before_all_time() {
        for at in [Timestamp(0), Timestamp(1), Timestamp(-1), Timestamp::NEVER, Timestamp(1_700_000_000_123_456)] {
            assert_eq!(moment(&timestamp(at)), at);
        }
        assert!(moment(&prost_types::Timestamp { seconds: 0, nanos: -1 }) < Timestamp(0));
        assert!(moment(&prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }) > Timestamp::NEVER);
    }

    #[test]
    fn every_state_has_a_number_of_its_own() {
        for known in State::ALL {
            assert_eq!(wanted_state(state(known).into()).unwrap(), Some(known));
        }
        assert!(wanted_state(99).is_err());
        assert_eq!(wanted_state(0).unwrap(), None);
    }
}
