//! Who transmits what, and what each document waits for.
//!
//! A [`Lane`] says for a declaring office, a site, a trade mode, a seller, or for all, who transmits each kind. The [`Plan`] of a
//! declaration is what its lane said when it was accepted. [`gate`] tells whether an inventory may leave.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    declaration::{Declaration, Kind, Waybill, draft},
    party::Sender,
    state::State,
};

mod known;

pub use known::{Known, choose_by, duty_on};

/// Who transmits one kind of document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "WrittenDuty")]
pub enum Duty {
    /// We do: by the named sender, or, unnamed, by the one whose code is the transmitting party's.
    Send(Option<String>),
    /// Somebody else transmits it.
    External,
    /// Nobody does.
    None,
}

/// A duty as it is written: a word, or a table that names the sender.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"send\", { send = \"name of a sender\" }, \"external\" or \"none\"")]
enum WrittenDuty {
    Word(DutyWord),
    Named(NamedSender),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DutyWord {
    Send,
    External,
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedSender {
    send: Option<String>,
}

impl From<WrittenDuty> for Duty {
    fn from(written: WrittenDuty) -> Self {
        match written {
            WrittenDuty::Word(DutyWord::Send) => Self::Send(None),
            WrittenDuty::Word(DutyWord::External) => Self::External,
            WrittenDuty::Word(DutyWord::None) => Self::None,
            WrittenDuty::Named(NamedSender { send }) => Self::Send(send),
        }
    }
}

/// How far order and waybill must be before the inventory leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Receipt 2 or 3, or better.
    #[default]
    Declared,
    /// 120 or 399, or better; after the lane's longest wait, declared is enough.
    Stored,
    /// Nothing is waited for but the waybill's number.
    None,
}

/// A rule that says, for the declarations it covers, who transmits what and by which road.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Covers offices whose code starts so; empty: all.
    #[serde(default)]
    pub office: String,
    /// Covers this site only; empty: all.
    #[serde(default)]
    pub site: String,
    /// Covers this trade mode only; empty: all.
    #[serde(default)]
    pub trade_mode: String,
    /// Covers this seller (ebcCode) only; empty: all.
    #[serde(default)]
    pub seller: String,
    /// Who transmits the order.
    #[serde(default = "send")]
    pub order: Duty,
    /// Who transmits the waybill.
    #[serde(default = "send")]
    pub waybill: Duty,
    /// Who transmits the inventory.
    #[serde(default = "send")]
    pub inventory: Duty,
    /// Who transmits the payment: nobody since 2024-12-15, if not told otherwise (transport §4.1).
    #[serde(default = "none")]
    pub payment: Duty,
    /// Who transmits the arrival: the site's operator, if not told otherwise.
    #[serde(default = "external")]
    pub arrival: Duty,
    /// Who transmits the departure: the carrier, if not told otherwise.
    #[serde(default = "external")]
    pub departure: Duty,
    /// Who transmits cancellations.
    #[serde(default = "send")]
    pub cancellation: Duty,
    /// Who transmits the manifest.
    #[serde(default = "send")]
    pub manifest: Duty,
    /// Who transmits summaries.
    #[serde(default = "send")]
    pub summary: Duty,
    /// Who transmits goods returns.
    #[serde(default = "send")]
    pub goods_return: Duty,
    /// Who transmits the tally of what came back: the site's operator, if not told otherwise.
    #[serde(default = "external")]
    pub return_tally: Duty,
    /// How far order and waybill must be before the inventory leaves.
    #[serde(default)]
    pub mark: Mark,
    /// Seconds at the gate after which declared is enough where stored was asked for.
    #[serde(default = "two_hours")]
    pub longest_wait_s: u64,
    /// The road its documents take; empty: the sender's own.
    #[serde(default)]
    pub road: String,
}

fn send() -> Duty {
    Duty::Send(None)
}

fn external() -> Duty {
    Duty::External
}

fn none() -> Duty {
    Duty::None
}

fn two_hours() -> u64 {
    7_200
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            office: String::new(),
            site: String::new(),
            trade_mode: String::new(),
            seller: String::new(),
            order: send(),
            waybill: send(),
            inventory: send(),
            payment: none(),
            arrival: external(),
            departure: external(),
            cancellation: send(),
            manifest: send(),
            summary: send(),
            goods_return: send(),
            return_tally: external(),
            mark: Mark::default(),
            longest_wait_s: two_hours(),
            road: String::new(),
        }
    }
}

/// What a lane is chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The declaring office.
    pub office: &'a str,
    /// The supervised site, empty if none.
    pub site: &'a str,
    /// The trade mode.
    pub trade_mode: &'a str,
    /// The seller's code.
    pub seller: &'a str,
}

impl Lane {
    fn covers(&self, case: Case<'_>) -> bool {
        let fits = |rule: &str, value: &str| rule.is_empty() || rule == value;
        case.office.starts_with(&self.office)
            && fits(&self.site, case.site)
            && fits(&self.trade_mode, case.trade_mode)
            && fits(&self.seller, case.seller)
    }

    /// What it says of one kind.
    #[must_use]
    pub const fn duty(&self, kind: Kind) -> &Duty {
        match kind {
            Kind::Order => &self.order,
            Kind::Waybill => &self.waybill,
            Kind::Inventory => &self.inventory,
            Kind::Payment => &self.payment,
            Kind::Arrival => &self.arrival,
            Kind::Departure => &self.departure,
            Kind::Cancellation => &self.cancellation,
            Kind::Manifest => &self.manifest,
            Kind::Summary => &self.summary,
            Kind::GoodsReturn => &self.goods_return,
            Kind::ReturnTally => &self.return_tally,
        }
    }

    /// What a declaration keeps of it.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            order: self.order.clone(),
            waybill: self.waybill.clone(),
            inventory: self.inventory.clone(),
            mark: self.mark,
            longest_wait: Duration::from_secs(self.longest_wait_s),
        }
    }
}

/// The first lane that covers the case; lanes are tried in the order of the configuration.
#[must_use]
pub fn choose<'a>(lanes: &'a [Lane], case: Case<'_>) -> Option<&'a Lane> {
    lanes.iter().find(|lane| lane.covers(case))
}

/// What every lane says of waybills, if they all say the same: then a waybill need not wait for its order to be transmitted.
/// A waybill carries no office, so where lanes differ it must wait.
#[must_use]
pub fn unanimous_waybill(lanes: &[Lane]) -> Option<&Lane> {
    let (first, rest) = lanes.split_first()?;
    rest.iter().all(|lane| lane.waybill == first.waybill && lane.road == first.road).then_some(first)
}

/// The codes of those who may transmit a declaration's document of a kind where no sender is named: the platform or the seller
/// its order, the declarant its inventory, the carrier its waybill (transport §4.2).
#[must_use]
pub fn transmitters(declaration: &Declaration, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Order => vec![&declaration.order.platform.code, &declaration.order.seller.code],
        Kind::Waybill => vec![&declaration.inventory.carrier.code],
        Kind::Inventory => vec![&declaration.inventory.declarant.code],
        _ => Vec::new(),
    }
}

/// The same of what was sent and is not checked yet.
#[must_use]
pub fn draft_transmitters(draft: &draft::Declaration, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Order => vec![&draft.order.platform.code, &draft.order.seller.code],
        Kind::Waybill => vec![&draft.inventory.carrier.code],
        Kind::Inventory => vec![&draft.inventory.declarant.code],
        _ => Vec::new(),
    }
}

/// The code of the one that may transmit a waybill: its carrier.
#[must_use]
pub fn waybill_transmitters(waybill: &Waybill) -> Vec<&str> {
    vec![&waybill.carrier.code]
}

/// The sender that transmits a document: the one its lane names, else the first whose code is one of the `parties`, in their
/// order. Nothing if we do not transmit it, or have nobody to do so.
#[must_use]
pub fn choose_sender<'a>(senders: &'a [Sender], duty: &Duty, parties: &[&str]) -> Option<&'a Sender> {
    match duty {
        Duty::Send(Some(name)) => senders.iter().find(|sender| sender.name == *name),
        Duty::Send(None) => parties.iter().find_map(|party| senders.iter().find(|sender| sender.party.code == *party)),
        Duty::External | Duty::None => None,
    }
}

/// The road a document takes: its lane's, else its sender's own.
#[must_use]
pub fn choose_road<'a>(lane: Option<&'a Lane>, sender: &'a Sender) -> &'a str {
    match lane {
        Some(lane) if !lane.road.is_empty() => &lane.road,
        _ => &sender.road,
    }
}

/// What a declaration's lane said when it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Who transmits the order.
    pub order: Duty,
    /// Who transmits the waybill.
    pub waybill: Duty,
    /// Who transmits the inventory.
    pub inventory: Duty,
    /// How far order and waybill must be before the inventory leaves.
    pub mark: Mark,
    /// After this long at the gate, declared is enough where stored was asked for.
    pub longest_wait: Duration,
}

/// What an inventory still waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// The waybill is not known.
    Waybill,
    /// The order is not declared (or stored).
    Order,
    /// The waybill is not declared (or stored).
    WaybillDeclared,
}

impl Wait {
    /// As written in answers and in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waybill => "waybill",
            Self::Order => "order declared",
            Self::WaybillDeclared => "waybill declared",
        }
    }
}

/// Whether an inventory may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It may; `overdue` if only because the longest wait is over.
    Open {
        /// Whether the longest wait opened it.
        overdue: bool,
    },
    /// It waits for an event; `look_at` if time alone may open it.
    Shut {
        /// What for.
        wait: Wait,
        /// When to look again if no event comes.
        look_at: Option<Timestamp>,
    },
}

/// Tells whether an inventory may leave, from the plan, the number of the waybill (known or not), and how far the two other
/// documents are (nothing for one that we do not transmit, or do not have yet).
#[must_use]
pub fn gate(plan: &Plan, waybill_known: bool, order: Option<State>, waybill: Option<State>, since: Timestamp, now: Timestamp) -> Gate {
    if !waybill_known || (matches!(plan.waybill, Duty::Send(_)) && waybill.is_none()) {
        return Gate::Shut { wait: Wait::Waybill, look_at: None };
    }
    let last_look = since + plan.longest_wait;
    let overdue = plan.mark == Mark::Stored && now >= last_look;
    let reached = |duty: &Duty, state: Option<State>| match (duty, plan.mark) {
        (Duty::External | Duty::None, _) | (_, Mark::None) => true,
        (Duty::Send(_), Mark::Declared) => state.is_some_and(State::is_declared),
        (Duty::Send(_), Mark::Stored) => state.is_some_and(|state| state.is_stored() || (overdue && state.is_declared())),
    };
    let look_at = (plan.mark == Mark::Stored && !overdue).then_some(last_look);
    if !reached(&plan.order, order) {
        Gate::Shut { wait: Wait::Order, look_at }
    } else if !reached(&plan.waybill, waybill) {
        Gate::Shut { wait: Wait::WaybillDeclared, look_at }
    } else {
        let stored = |duty: &Duty, state: Option<State>| !matches!(duty, Duty::Send(_)) || state.is_some_and(State::is_stored);
        let overdue = plan.mark == Mark::Stored && !(stored(&plan.order, order) && stored(&plan.waybill, waybill));
        Gate::Open { overdue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::Party;

    const START: Timestamp = Timestamp(0);
    const OPEN: Gate = Gate::Open { overdue: false };

    fn plan(mark: Mark) -> Plan {
        Lane { mark, longest_wait_s: 60, ..Lane::default() }.plan()
    }

    #[test]
    fn declared_needs_both_documents_at_two() {
        let plan = plan(Mark::Declared);
        let see = |order, waybill| gate(&plan, true, order, waybill, START, START);
        assert!(matches!(gate(&plan, false, None, None, START, START), Gate::Shut { wait: Wait::Waybill, look_at: None }));
        assert!(matches!(see(Some(State::Declaring), None), Gate::Shut { wait: Wait::Waybill, .. }));
        assert!(matches!(see(Some(State::Delivered), Some(State::Declaring)), Gate::Shut { wait: Wait::Order, look_at: None }));
        assert!(matches!(see(Some(State::Sent), Some(State::Refused)), Gate::Shut { wait: Wait::WaybillDeclared, .. }));
        assert_eq!(see(Some(State::Declaring), Some(State::Passed)), OPEN);
    }

    #[test]
    fn what_others_transmit_counts_once_its_number_is_known() {
        let plan = Plan { order: Duty::External, waybill: Duty::External, ..plan(Mark::Stored) };
        assert_eq!(gate(&plan, true, None, None, START, START), OPEN);
        assert!(matches!(gate(&plan, false, None, None, START, START), Gate::Shut { wait: Wait::Waybill, .. }));
    }

    #[test]
    fn stored_gives_way_after_the_longest_wait() {
        let plan = plan(Mark::Stored);
        let late = START + Duration::from_secs(60);
        let see = |at| gate(&plan, true, Some(State::Declaring), Some(State::Stored), START, at);
        assert_eq!(see(START), Gate::Shut { wait: Wait::Order, look_at: Some(late) });
        assert_eq!(see(late), Gate::Open { overdue: true });
        assert!(matches!(gate(&plan, true, Some(State::Packed), Some(State::Stored), START, late), Gate::Shut { look_at: None, .. }));
        assert_eq!(gate(&plan, true, Some(State::Stored), Some(State::Passed), START, late), OPEN);
    }

    #[test]
    fn the_first_lane_that_covers_a_case_is_chosen() {
        let lanes = [
            Lane { office: "52".into(), waybill: Duty::External, ..Lane::default() },
            Lane { seller: "S".into(), road: "r".into(), ..Lane::default() },
            Lane::default(),
        ];
        let case = |office, seller| Case { office, site: "", trade_mode: "9610", seller };
        assert_eq!(choose(&lanes, case("5208", "S")).map(|lane| &lane.waybill), Some(&Duty::External));
        assert_eq!(choose(&lanes, case("5141", "S")).map(|lane| lane.road.as_str()), Some("r"));
        assert_eq!(choose(&lanes[..2], case("5141", "T")), None);
        assert!(unanimous_waybill(&lanes).is_none());
        assert!(unanimous_waybill(&lanes[2..]).is_some());
    }

    #[test]
    fn a_duty_reads_back_and_may_be_one_word() {
        let read = |text: &str| serde_json::from_str::<Duty>(text);
        assert_eq!(read("\"send\"").unwrap(), Duty::Send(None));
        for duty in [Duty::Send(None), Duty::Send(Some("declarant".into())), Duty::External, Duty::None] {
            assert_eq!(read(&serde_json::to_string(&duty).unwrap()).unwrap(), duty);
        }
        for wrong in ["\"sent\"", "{\"send\":\"a\",\"by\":\"b\"}", "1"] {
            assert!(read(wrong).unwrap_err().to_string().contains("external"), "{wrong}");
        }
    }

    #[test]
    fn a_sender_is_named_or_found_by_the_transmitting_party() {
        let sender = |name: &str, code: &str| Sender {
            name: name.into(),
            party: Party { code: code.into(), name: String::new() },
            dxp_id: String::new(),
            signer: String::new(),
            road: "own".into(),
            ..Sender::default()
        };
        let senders = [sender("seller", "S"), sender("platform", "P")];
        let chosen = |duty: &Duty, parties: &[&str]| choose_sender(&senders, duty, parties).map(|sender| sender.name.clone());
        assert_eq!(chosen(&Duty::Send(None), &["P", "S"]).as_deref(), Some("platform"), "the order of the parties counts");
        assert_eq!(chosen(&Duty::Send(None), &["无", "S"]).as_deref(), Some("seller"));
        assert_eq!(chosen(&Duty::Send(None), &["X"]), None);
        assert_eq!(chosen(&Duty::Send(Some("seller".into())), &["P"]).as_deref(), Some("seller"));
        assert_eq!(chosen(&Duty::Send(Some("nobody".into())), &["P"]), None);
        assert_eq!(chosen(&Duty::External, &["P"]), None);
        let lane = Lane { road: "lane".into(), ..Lane::default() };
        assert_eq!((choose_road(Some(&lane), &senders[0]), choose_road(Some(&Lane::default()), &senders[0])), ("lane", "own"));
    }
}
