//! The same file twice, and the same orders as CSV: the same answers, and nothing new at customs.

use std::collections::BTreeMap;

use tongguan::{clock::day_to_wire, demo};

use super::*;

/// The demonstration's file as a folder keeps it: with its exit dates.
fn shipped() -> Vec<Value> {
    let today = day_to_wire(Clockwork::system().now().day());
    let read = |line: &str| {
        let mut order: Value = serde_json::from_str(line).unwrap();
        order["inventory"]["exit_date"] = today.clone().into();
        order
    };
    demo::ORDERS.lines().map(read).collect()
}

/// A value as cells by path; the list `lines` is left out.
fn cells(value: &Value, path: &str, into: &mut BTreeMap<String, String>) {
    let Value::Object(fields) = value else {
        into.insert(path.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        return;
    };
    for (name, value) in fields.iter().filter(|(name, _)| *name != "lines") {
        cells(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, into);
    }
}

/// Orders as rows, one for each line.
fn rows(orders: &[Value]) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for order in orders {
        let lines = |part: &str| order[part]["lines"].as_array().cloned().unwrap_or_default();
        let (of_order, of_inventory) = (lines("order"), lines("inventory"));
        for at in 0..of_order.len().max(of_inventory.len()) {
            let mut row = BTreeMap::new();
            cells(order, "", &mut row);
            for (line, path) in [(of_order.get(at), "order.line"), (of_inventory.get(at), "inventory.line")] {
                if let Some(line) = line {
                    cells(line, path, &mut row);
                }
            }
            rows.push(row);
        }
    }
    rows
}

fn write_csv(file: &Path, orders: &[Value]) {
    let rows = rows(orders);
    let mut heading: Vec<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    heading.sort();
    heading.dedup();
    let mut writer = csv::Writer::from_path(file).unwrap();
    writer.write_record(&heading).unwrap();
    for row in &rows {
        writer.write_record(heading.iter().map(|path| row.get(*path).map_or("", String::as_str))).unwrap();
    }
    writer.flush().unwrap();
}

/// Submits a file with the program itself; gives its report, line by line.
async fn submit(town: &Town, file: &Path) -> Vec<Value> {
    let report = file.with_extension("report");
    let arguments = ["submit", file.to_str().unwrap(), "--server", &town.server(), "--report", report.to_str().unwrap()].map(str::to_owned);
    let run = move || rig::run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let (content, said) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(!content && said.contains("not accepted 10"), "{said}");
    fs::read_to_string(report).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An answer without its place in the file.
fn without_line(mut reported: Value) -> Value {
    reported.as_object_mut().unwrap().remove("line");
    reported
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_or_as_csv_gets_the_same_answers_and_declares_nothing_new() {
    let town = open(|_| {}).await;
    let orders = shipped();
    let file = town.path().join("orders.jsonl");
    rig::write_lines(&file, &orders);
    let first = submit(&town, &file).await;
    let waybills: Vec<_> = demo::WAYBILLS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    town.push(&waybills).await;
    let accepted = first.iter().filter(|answer| answer["status"] == "accepted");
    let ids: Vec<_> = accepted.map(|answer| DeclarationId(answer["id"].as_str().unwrap().parse().unwrap())).collect();
    assert_eq!((first.len(), ids.len()), (200, 190));
    let expected = demo::expected();
    let poisoned: Vec<_> =
        expected.iter().filter(|(_, outcome)| !matches!(outcome, demo::Expected::Finding(_))).map(|(no, _)| *no).collect();
    let mut good = Vec::new();
    for id in &ids {
        if !poisoned.contains(&town.show(*id).await.dossier.declaration.order.order_no.as_str()) {
            good.push(*id);
        }
    }
    town.closed(&good).await;
    let before = rig::taken(town.path());
    let steps = town.gateway.store().log_head().await.unwrap().size;

    assert_eq!(submit(&town, &file).await, first);
    town.push(&waybills).await;
    let table = town.path().join("orders.csv");
    write_csv(&table, &orders);
    let third = submit(&town, &table).await;
    let plain = |answers: Vec<Value>| answers.into_iter().map(without_line).collect::<Vec<_>>();
    assert_eq!(plain(third), plain(first));

    // Whatever these submissions had led to would be there before a new order has closed.
    let (new, new_waybills) = numbered(100);
    let renumbered = |mut value: Value| {
        for pointer in ["/idempotency_key", "/order/order_no", "/inventory/waybill_no", "/waybill_no"] {
            if let Some(text) = value.pointer_mut(pointer) {
                *text = format!("{}N", text.as_str().unwrap()).into();
            }
        }
        value
    };
    town.push(&[renumbered(new_waybills[0].clone())]).await;
    let last = town.submit(&[renumbered(new[0].clone())]).await;
    town.closed(&last).await;
    let shown = town.show(last[0]).await.dossier.declaration;
    let mut after = rig::taken(town.path());
    after.retain(|_, takings| {
        !takings.iter().any(|taking| match &taking.content {
            tongguan::message::RequestContent::Order(order) => order.order_no == shown.order.order_no,
            tongguan::message::RequestContent::Inventory(inventory) => inventory.order_no == shown.order.order_no,
            tongguan::message::RequestContent::FollowUp(_) => false,
            tongguan::message::RequestContent::Waybill(waybill) => Some(&waybill.waybill_no) == shown.inventory.waybill_no.as_ref(),
        })
    });
    assert_eq!(after, before);
    assert!(town.gateway.store().log_head().await.unwrap().size > steps);
    town.end().await;
}
