//! Documents that are submitted on their own, as drafts: every field by its name, nothing judged.

use crate::{
    declaration::draft::{
        Arrival, Cancellation, Departure, GoodsReturn, Manifest, ManifestLine, MovementLine, Payment, Period, ReturnLine, ReturnTally,
        Summary,
    },
    grpc::{drafts::party, proto},
};

/// A message as a draft.
pub(super) fn draft_of<M, D: Shape<M>>(message: M) -> D {
    D::shape(message)
}

/// What a message becomes.
pub(super) trait Shape<M> {
    /// Makes it.
    fn shape(message: M) -> Self;
}

fn lines<M, D: Shape<M>>(lines: Vec<M>) -> Vec<D> {
    lines.into_iter().map(D::shape).collect()
}

/// Makes drafts of messages: fields, enterprises, lists, and what is made of the message in its own way.
macro_rules! shapes {
    ($($message:ident => $draft:ident { $($field:ident),* } parties { $($party:ident),* } lists { $($list:ident),* } with { $($own:ident: $value:expr),* };)*) => {
        $(impl Shape<proto::$message> for $draft {
            fn shape(message: proto::$message) -> Self {
                Self {
                    $($own: ($value)(&message),)*
                    $($field: message.$field,)*
                    $($party: party(message.$party),)*
                    $($list: lines(message.$list),)*
                }
            }
        })*
    };
}

shapes! {
    Payment => Payment { order_no, payer_code, payer_name, payment_no, charge, currency, received_at, note }
        parties { platform, seller } lists {} with {};
    Manifest => Manifest { declared_at, site, transport, vehicle, voyage, bill_no, domestic_vehicle, gross_weight, note }
        parties { declarant, carrier } lists { lines } with {};
    ManifestLine => ManifestLine { bag_no, waybill_no, inventory_no, note }
        parties {} lists {} with { number: |_: &proto::ManifestLine| String::new() };
    Arrival => Arrival { declared_at, site, transport, bill_no, vehicle, note }
        parties { operator, carrier } lists { lines } with {};
    Departure => Departure { declared_at, transport, vehicle, voyage, bill_no, left_at, note }
        parties { carrier } lists { lines } with {};
    MovementLine => MovementLine { waybill_no, bag_no, note }
        parties {} lists {} with { number: |_: &proto::MovementLine| String::new() };
    Cancellation => Cancellation { declared_at, inventory_no, reason, note }
        parties { declarant, seller } lists {} with {};
    Summary => Summary { declared_at, site, by_owner, by_item_name, note, inventory_nos }
        parties { declarant, seller, customs_declarant } lists {}
        with { period: |message: &proto::Summary| Period { from: message.from.clone(), to: message.to.clone() } };
    GoodsReturn => GoodsReturn {
        declared_at, site, waybill_no, inventory_no, trade_mode, bill_no, transport, vehicle, voyage, enters_at, reason, country, note
    } parties { platform, seller, carrier, declarant } lists { lines } with {};
    ReturnLine => ReturnLine {
        number, hs_code, customs_name, specification, quantity, unit, legal_quantity, legal_unit, second_quantity, second_unit, note
    } parties {} lists {} with {};
    ReturnTally => ReturnTally { declared_at, waybill_no, inventory_no, bill_no, transport, vehicle, voyage, location, note }
        parties { operator, carrier } lists {} with {};
}
