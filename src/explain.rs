//! The customs states in plain words, for whoever shows them: what a state means and what comes next, zh and en.

use crate::{
    clock::Timestamp,
    declaration::Kind,
    dossier::Dossier,
    lane::{Gate, Wait, gate},
    state::{State, Turn},
};

/// What a document in a state tells its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateText {
    /// What the state means, in Chinese.
    pub meaning_zh: &'static str,
    /// What the state means, in English.
    pub meaning_en: &'static str,
    /// What to do, or what will happen, next, in Chinese.
    pub next_zh: &'static str,
    /// What to do, or what will happen, next, in English.
    pub next_en: &'static str,
}

const fn text(meaning_zh: &'static str, meaning_en: &'static str, next_zh: &'static str, next_en: &'static str) -> StateText {
    StateText { meaning_zh, meaning_en, next_zh, next_en }
}

/// What a state means for a document of that kind, and what comes next. Meanings of the codes: message specification 202205,
/// returnStatus of 304, 506 and 604.
#[must_use]
pub const fn explain_state(kind: Kind, state: State) -> StateText {
    match state {
        State::Waiting => text(
            "等待相关单证",
            "waits for other documents",
            "订单和运单申报到位后自动发送，无需操作",
            "it is sent by itself once order and waybill have come far enough; nothing to do",
        ),
        State::Due => text("待打包发送", "ready to be packed", "网关将自动打包并签名", "the gateway will pack and sign it"),
        State::Packed => text("已签名，待发送", "signed, not yet sent", "网关将自动发送", "the gateway will send it"),
        State::Delivered => text("已发送，待回执", "sent, not yet answered", "等待电子口岸回执", "wait for the port's receipt"),
        State::Held => text(
            "电子口岸已暂存",
            "held by the electronic port, not declared",
            "等待电子口岸申报；长时间不变请联系电子口岸",
            "wait for the port to declare it; if nothing changes for long, ask the port",
        ),
        State::Declaring => text("电子口岸申报中", "being declared by the port", "等待海关回执", "wait for customs"),
        State::Unmatched => text(
            "电子口岸申报中，缺少关联单证",
            "being declared, but other documents are missing",
            "请补传回执所列缺失的单证，不要重发本单证",
            "send the documents that the receipt names as missing, not this one again",
        ),
        State::Sent => text("已发送海关", "sent to customs by the port", "等待海关入库", "wait for customs to store it"),
        State::PortFailed => text(
            "电子口岸发送海关失败",
            "the port could not send it to customs",
            "网关将自动重新打包发送",
            "the gateway will pack and send it anew",
        ),
        State::Stored => stored(kind),
        State::Review => text("海关人工审核", "an officer looks at it", "等待海关审核", "wait for the officer's decision"),
        State::Inspection => text("海关查验", "the goods are inspected", "请配合海关查验货物", "help customs to inspect the goods"),
        State::Passed => passed(kind),
        State::Released => {
            text("海关放行", "released", "货物可装运离境，离境后结关", "load the goods and leave; it is closed after departure")
        }
        State::Closed => text("已结关", "closed", "全部完成", "all done"),
        State::Refused => {
            text("海关退单", "refused by customs", "请按退单原因修改后重新申报", "correct it by the reason given and declare it again")
        }
        State::Rejected => text(
            "报文未被处理",
            "not processed by customs",
            "请按错误原因修改后重新申报",
            "correct it by the error given and declare it again",
        ),
        State::Cancelled => {
            text("已撤销", "cancelled", "已结束，如需出口请重新申报", "it is over; declare anew if the goods are still to leave")
        }
    }
}

const fn stored(kind: Kind) -> StateText {
    match kind {
        Kind::Inventory => {
            text("海关已入库", "stored by customs", "等待货物运抵和海关审核", "wait for the goods to arrive and for customs' review")
        }
        Kind::Order | Kind::Waybill | Kind::Payment => {
            text("海关已入库", "stored by customs", "本单证已完成，等待清单审核", "this document is done; the inventory goes on")
        }
        _ => text("海关已入库", "stored by customs", "等待海关审核", "wait for customs' review"),
    }
}

const fn passed(kind: Kind) -> StateText {
    match kind {
        Kind::Inventory => text("海关审结", "passed by customs", "等待海关放行", "wait for the release"),
        Kind::Order | Kind::Waybill | Kind::Payment => {
            text("海关审结", "passed by customs", "本单证已完成，等待清单审核", "this document is done; the inventory goes on")
        }
        Kind::GoodsReturn => text("海关审结", "passed by customs", "等待海关放行", "wait for the release"),
        _ => text("海关审结", "passed by customs", "本单证已完成", "this document is done"),
    }
}

/// Whose turn it is, in Chinese and in English.
#[must_use]
pub const fn explain_turn(turn: Turn) -> (&'static str, &'static str) {
    match turn {
        Turn::Gateway => ("网关处理", "the gateway"),
        Turn::Seller => ("电商企业处理", "the seller"),
        Turn::Customs => ("电子口岸或海关处理", "the port or customs"),
        Turn::Carrier => ("物流企业或监管场所处理", "the carrier or the site operator"),
        Turn::Nobody => ("已结束", "nobody"),
    }
}

/// What an inventory waits for, in Chinese and in English.
#[must_use]
pub const fn explain_wait(wait: Wait) -> (&'static str, &'static str) {
    match wait {
        Wait::Waybill => ("等待运单", "its waybill is not known yet"),
        Wait::Order => ("等待订单申报", "its order has not come far enough"),
        Wait::WaybillDeclared => ("等待运单申报", "its waybill has not come far enough"),
    }
}

/// What the inventory of a declaration waits for now; nothing if it has left its gate or may.
#[must_use]
pub fn inventory_wait(dossier: &Dossier, now: Timestamp) -> Option<Wait> {
    if dossier.document(Kind::Inventory)?.state != State::Waiting {
        return None;
    }
    let state = |kind| dossier.document(kind).map(|document| document.state);
    match gate(&dossier.plan, dossier.waybill_no.is_some(), state(Kind::Order), state(Kind::Waybill), dossier.accepted_at, now) {
        Gate::Shut { wait, .. } => Some(wait),
        Gate::Open { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_every_kind_is_explained_in_both_languages() {
        for kind in Kind::OF_PARCEL {
            for state in State::ALL {
                let text = explain_state(kind, state);
                for zh in [text.meaning_zh, text.next_zh] {
                    assert!(!zh.is_ascii(), "{kind:?} {state:?}");
                }
                for en in [text.meaning_en, text.next_en] {
                    assert!(!en.is_empty() && en.is_ascii(), "{kind:?} {state:?}");
                }
            }
        }
    }

    #[test]
    fn a_missing_document_is_never_answered_by_sending_the_same_again() {
        assert!(explain_state(Kind::Inventory, State::Unmatched).next_en.contains("not this one again"));
    }
}
