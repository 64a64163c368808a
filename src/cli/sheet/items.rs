//! The rows of a file as what is submitted: orders of one row or more, waybills of one.

use std::{collections::HashMap, path::Path};

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::Date;

use super::{
    Book, Fault, Group, Object, Row,
    columns::{CellForm, Column, What},
    grid::{self, Grid},
    rules,
};
use crate::{
    check::{self, Finding, Findings, Parameters, Severity, Taken, TakenWaybill},
    cli::rows::put,
    clock::day_to_wire,
    declaration::draft,
    grpc::client::Item,
};

/// What can be sent of a file; the id of an item is the place of its group.
pub(in crate::cli) type Read<T> = (Vec<Item<T>>, Book);

/// Reads a file of orders. Empty exit dates are filled with today if `fill` says so.
pub(in crate::cli) fn orders(file: &Path, today: Date, fill: bool) -> Result<Read<draft::Declaration>> {
    let grid = grid::read(file, What::Orders)?;
    let wire = day_to_wire(today);
    let complete = |draft: &mut draft::Declaration| {
        if fill && draft.inventory.exit_date.is_empty() {
            draft.inventory.exit_date.clone_from(&wire);
        }
    };
    let parameters = Parameters::default();
    read(grid, What::Orders, complete, |draft| check::check(draft, &Taken::default(), &parameters, today).err())
}

/// Reads a file of waybills.
pub(in crate::cli) fn waybills(file: &Path, today: Date) -> Result<Read<draft::Waybill>> {
    let grid = grid::read(file, What::Waybills)?;
    let judge = |draft: &draft::Waybill| check::check_waybill(draft, &TakenWaybill::default(), today).err();
    read(grid, What::Waybills, |_| {}, judge)
}

/// `complete` fills what the caller asked to be filled; `judge` says what else is wrong with one that is not sent.
fn read<T: DeserializeOwned>(grid: Grid, what: What, complete: impl Fn(&mut T), judge: impl Fn(&T) -> Option<Findings>) -> Result<Read<T>> {
    let Grid { columns, rows, notes } = grid;
    let mut groups = grouped(rows, what);
    let mut items = Vec::new();
    for (at, group) in groups.iter_mut().enumerate() {
        let (mut object, findings) = built(group, what, &columns);
        let idempotency_key = match object.remove("idempotency_key") {
            Some(Value::String(key)) => key,
            _ => String::new(),
        };
        // Every column is a field of the draft and every cell is of its type, by the tests of the columns.
        let mut draft: T = serde_json::from_value(Value::Object(object))?;
        complete(&mut draft);
        group.findings = findings;
        if group.findings.is_empty() {
            items.push(Item { id: at.to_string(), draft, idempotency_key, needed_by: None });
        } else {
            // All at once: what the gateway would say of the rest as well.
            let known: Vec<_> = group.findings.iter().map(|finding| finding.path.clone()).collect();
            let more = judge(&draft).map_or_else(Vec::new, Findings::into_list).into_iter();
            group.findings.extend(more.filter(|finding| finding.severity == Severity::Error && !known.contains(&finding.path)));
        }
    }
    Ok((items, Book { what, columns, groups, notes }))
}

/// Rows of one order, wherever they stand: platform, seller and number make it one. A row without a number is by itself.
fn grouped(rows: Vec<Row>, what: What) -> Vec<Group> {
    let places = ["order.order_no", "order.platform.code", "order.seller.code"].map(|path| what.place(path));
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<[String; 3], usize> = HashMap::new();
    for row in rows {
        let cell = |place: Option<usize>| place.and_then(|place| row.cells.get(&place)).cloned().unwrap_or_default();
        let key = places.map(cell);
        let is_numbered = what == What::Orders && !key[0].is_empty();
        match known.get(&key).filter(|_| is_numbered).and_then(|at| groups.get_mut(*at)) {
            Some(group) => group.rows.push(row),
            None => {
                if is_numbered {
                    known.insert(key, groups.len());
                }
                groups.push(Group { rows: vec![row], findings: Vec::new() });
            }
        }
    }
    groups
}

/// The object that the rows of a group say, and what is wrong with them.
fn built(group: &Group, what: What, columns: &[usize]) -> (Object, Vec<Finding>) {
    let mut object = Object::new();
    let mut findings = Vec::new();
    let first = group.rows.first();
    for (index, row) in group.rows.iter().enumerate() {
        findings.extend(row.faults.iter().filter_map(|fault| found(what, fault, index)));
        if let Some(missing) = lacks_its_order(what, row) {
            findings.extend(found(what, &missing, index));
        }
        let mut line = Object::new();
        for (place, text) in &row.cells {
            let Some(column) = what.columns().get(*place) else { continue };
            if column.is_of_line() {
                put(&mut line, &path_of(column), value(column, text));
            } else if let Some(said) = first.filter(|_| index > 0).filter(|first| first.cells.get(place) != Some(text)) {
                let at = format!("{}!{}", said.sheet, said.number);
                findings.extend(found(what, &Fault { column: *place, rule: &rules::HEAD, detail: at }, index));
            } else if index == 0 {
                put(&mut object, &path_of(column), value(column, text));
            }
        }
        if what == What::Orders {
            append(&mut object, line, columns);
        }
    }
    (object, findings)
}

fn lacks_its_order(what: What, row: &Row) -> Option<Fault> {
    let column = what.place("order.order_no").filter(|_| what == What::Orders)?;
    let is_told = row.cells.contains_key(&column) || row.faults.iter().any(|fault| fault.column == column);
    (!is_told).then(|| Fault { column, rule: &rules::ORDER_NO, detail: String::new() })
}

fn found(what: What, fault: &Fault, index: usize) -> Option<Finding> {
    let column = what.columns().get(fault.column)?;
    Some(fault.rule.finding(column.path_at(index), (column.zh, column.en), &fault.detail))
}

fn path_of(column: &Column) -> Vec<String> {
    column.path.split('.').map(str::to_owned).collect()
}

fn value(column: &Column, text: &str) -> Value {
    if column.form == CellForm::YesNo { Value::Bool(text == "true") } else { Value::String(text.to_owned()) }
}

/// Adds a row's line to both lists of lines, so that a row is one line in each; a sheet that numbers its lines once numbers both.
fn append(object: &mut Object, mut row: Object, columns: &[usize]) {
    let all = What::Orders.columns();
    let has = |part: &str| columns.iter().filter_map(|place| all.get(*place)).any(|column| column.path.starts_with(part));
    for (part, prefix) in [("order", "order.line."), ("inventory", "inventory.line.")] {
        if !has(prefix) {
            continue;
        }
        let number = object.get("order").and_then(|order| order.get("lines")?.as_array()?.last()?.get("number")).cloned();
        let line = row.get_mut(part).and_then(|part| part.get_mut("lines")?.get_mut(0)).map_or(Value::Null, Value::take);
        let mut line = if let Value::Object(line) = line { line } else { Object::new() };
        if let Some(number) = number.filter(|_| part == "inventory" && !has("inventory.line.number")) {
            line.insert("number".to_owned(), number);
        }
        let lines = object.entry(part).or_insert_with(|| Value::Object(Object::new()));
        let lines = lines.as_object_mut().map(|part| part.entry("lines").or_insert_with(|| Value::Array(Vec::new())));
        if let Some(Value::Array(lines)) = lines {
            lines.push(Value::Object(line));
        }
    }
}
