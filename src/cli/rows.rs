//! Files of orders and waybills: JSON lines, or CSV with a column for each path.
//!
//! A JSON line is a declaration as [`draft::Declaration`] writes it, with `idempotency_key` beside `order` and `inventory`. A CSV has
//! a column for each path (`order.order_no`, `order.platform.code`, `order.line.item_no`, `inventory.declared_at`,
//! `inventory.line.hs_code`, …) and a row for each line of an order; rows of one order stand together.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{clock::day_to_wire, declaration::draft, grpc::client::Item};

/// The largest file that is read.
const LARGEST_BYTES: u64 = 1 << 30;
/// The longest line of a file.
const LONGEST_LINE: usize = 4 << 20;

/// A line of the file that could not be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// What a file holds: items, and the lines that are none.
pub(super) type Read<T> = (Vec<Item<T>>, Vec<Unreadable>);

/// Reads a file of orders. `today` fills empty exit dates if it is given.
pub(super) fn orders(file: &Path, today: Option<time::Date>) -> Result<Read<draft::Declaration>> {
    let (mut items, bad) = read::<draft::Declaration>(file)?;
    if let Some(today) = today {
        for item in items.iter_mut().filter(|item| item.draft.inventory.exit_date.is_empty()) {
            item.draft.inventory.exit_date = day_to_wire(today);
        }
    }
    Ok((items, bad))
}

/// Reads a file of waybills.
pub(super) fn waybills(file: &Path) -> Result<Read<draft::Waybill>> {
    read(file)
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<Read<T>> {
    let size = fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?.len();
    if size > LARGEST_BYTES {
        bail!("{} is larger than 1 GiB; split it", file.display());
    }
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
        .with_context(|| format!("{} 不是 UTF-8 编码，请另存为 UTF-8 · is not UTF-8; save it as UTF-8", file.display()))?;
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) { csv_rows(text) } else { Ok(json_lines(text)) }
}

fn json_lines<T: DeserializeOwned>(text: &str) -> Read<T> {
    let mut items = Vec::new();
    let mut bad = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = if line.len() > LONGEST_LINE {
            Err("longer than 4 MiB".to_owned())
        } else {
            serde_json::from_str(line).map_err(|error| error.to_string()).and_then(item)
        };
        match read {
            Ok((draft, idempotency_key)) => items.push(Item { id: (at + 1).to_string(), draft, idempotency_key, needed_by: None }),
            Err(why) => bad.push(Unreadable { line: at + 1, why }),
        }
    }
    (items, bad)
}

fn item<T: DeserializeOwned>(mut value: Value) -> Result<(T, String), String> {
    let key = value.as_object_mut().and_then(|object| object.remove("idempotency_key"));
    let key = key.map_or(Ok(String::new()), |key| key.as_str().map(str::to_owned).ok_or("idempotency_key is not a text"))?;
    serde_json::from_value(value).map(|draft| (draft, key)).map_err(|error| error.to_string())
}

fn csv_rows<T: DeserializeOwned>(text: &str) -> Result<Read<T>> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let heading: Vec<Vec<String>> = reader.headers()?.iter().map(|path| path.trim().split('.').map(str::to_owned).collect()).collect();
    let mut groups: Vec<(usize, Map<String, Value>)> = Vec::new();
    let mut bad = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let line = at + 2;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                bad.push(Unreadable { line, why: error.to_string() });
                continue;
            }
        };
        let object = row(&heading, &record);
        match groups.last_mut().filter(|(_, earlier)| continues(earlier, &object)) {
            Some((_, earlier)) => append_lines(earlier, object),
            None => groups.push((line, object)),
        }
    }
    let mut items = Vec::new();
    for (line, object) in groups {
        match item(Value::Object(object)) {
            Ok((draft, idempotency_key)) => items.push(Item { id: line.to_string(), draft, idempotency_key, needed_by: None }),
            Err(why) => bad.push(Unreadable { line, why }),
        }
    }
    Ok((items, bad))
}

/// One row as an object; `x.line.y` becomes the only entry of the list `x.lines`.
fn row(heading: &[Vec<String>], record: &csv::StringRecord) -> Map<String, Value> {
    let mut object = Map::new();
    for (path, cell) in heading.iter().zip(record) {
        if cell.is_empty() {
            continue;
        }
        let value = match cell {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => Value::String(text.to_owned()),
        };
        put(&mut object, path, value);
    }
    object
}

fn put(object: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            object.insert(name.clone(), value);
        }
        [name, rest @ ..] if name == "line" => {
            let lines = object.entry("lines").or_insert_with(|| Value::Array(vec![Value::Object(Map::new())]));
            if let Some(line) = lines.get_mut(0).and_then(Value::as_object_mut) {
                put(line, rest, value);
            }
        }
        [name, rest @ ..] => {
            if let Some(inner) = object.entry(name.clone()).or_insert_with(|| Value::Object(Map::new())).as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// Whether a row is a further line of the order before it.
fn continues(earlier: &Map<String, Value>, row: &Map<String, Value>) -> bool {
    let number = |object: &Map<String, Value>| object.get("order").and_then(|order| order.get("order_no")).cloned();
    let seller = |object: &Map<String, Value>| object.get("order").and_then(|order| order.get("seller")).cloned();
    number(earlier).is_some() && number(earlier) == number(row) && seller(earlier) == seller(row)
}

fn append_lines(earlier: &mut Map<String, Value>, row: Map<String, Value>) {
    for (part, value) in row {
        let Some(Value::Array(more)) = value.get("lines").cloned() else { continue };
        if let Some(Value::Array(lines)) = earlier.get_mut(&part).and_then(|part| part.get_mut("lines")) {
            lines.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text<T: DeserializeOwned>(name: &str, text: &[u8]) -> Result<Read<T>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn json_lines_with_faults_are_read_around_them() {
        let text = "\u{feff}{\"idempotency_key\":\"k\",\"order\":{\"order_no\":\"O1\"}}\n\nnonsense\n{\"order\":{\"colour\":\"red\"}}\n";
        let (items, bad) = read_text::<draft::Declaration>("a.jsonl", text.as_bytes()).unwrap();
        assert_eq!((items.len(), items[0].id.as_str(), items[0].idempotency_key.as_str()), (1, "1", "k"));
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3, 4]);
        assert!(bad[1].why.contains("colour"));
    }

    #[test]
    fn csv_rows_of_one_order_become_its_lines() {
        let text = "order.order_no,order.seller.code,order.line.number,inventory.line.number,inventory.owner_registered\n\
                    O1,S,1,1,true\nO1,S,2,2,true\nO2,S,1,1,false\n";
        let (items, bad) = read_text::<draft::Declaration>("a.csv", text.as_bytes()).unwrap();
        assert!(bad.is_empty());
        assert_eq!(items.iter().map(|item| item.draft.order.lines.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(items[0].draft.inventory.lines[1].number, "2");
        assert!(items[0].draft.inventory.owner_registered);
        let (items, bad) = read_text::<draft::Waybill>("w.csv", b"carrier.code,waybill_no\nC,W1\nC,W2,extra\n").unwrap();
        assert_eq!((items.len(), bad.len()), (1, 1));
    }

    #[test]
    fn other_encodings_are_refused() {
        let error = read_text::<draft::Declaration>("a.jsonl", b"{\"order\":{\"note\":\"\xb9\xe3\xd6\xdd\"}}").unwrap_err();
        assert!(error.to_string().contains("UTF-8"));
    }
}
