//! The simulated customs as a sandbox: what an order's number asks for is what its seller sees.

use super::*;

/// Orders whose numbers end so, with their waybills.
fn asking(ends: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let (mut orders, waybills) = numbered(ends.len());
    for (order, end) in orders.iter_mut().zip(ends) {
        let number = order.pointer_mut("/order/order_no").unwrap();
        *number = format!("{}{end}", number.as_str().unwrap()).into();
    }
    (orders, waybills)
}

#[tokio::test]
async fn what_a_number_asks_for_is_what_becomes_of_its_order() {
    let town = open(|config| config.simulator.sandbox = true).await;
    let ends = ["-604-100", "-604-120", "-604-500", "-304-4", "-604-N603001", "-304-100", ""];
    let (orders, waybills) = asking(&ends);
    town.push(&waybills).await;
    let ids = town.submit(&orders).await;
    let states = [State::Refused, State::Stored, State::Closed, State::Closed, State::Rejected, State::Refused, State::Closed];
    for ((id, state), end) in ids.iter().zip(states).zip(ends) {
        let kind = if end == "-304-100" { Kind::Order } else { Kind::Inventory };
        town.reach(&[*id], kind, state).await;
    }
    let heard = |shown: &Shown, code: &str| shown.receipts.iter().any(|kept| kept.receipt.code == code);
    assert!(heard(&town.show(ids[2]).await, "500") && heard(&town.show(ids[3]).await, "4"));
    assert_eq!(town.state(ids[1], Kind::Inventory).await, Some(State::Stored), "it stops there");
    let (_, report) = town.end().await;
    assert_eq!((report.closed, report.refused, report.rejected), (3, 2, 1));
}
