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

mod strict;

/// The one field that is a yes or no.
const YES_OR_NO: &str = "owner_registered";
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
    let size = fs::metadata(file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", file.display()))?.len();
    if size > LARGEST_BYTES {
        bail!("{} is larger than 1 GiB; split it", file.display());
    }
    let bytes = fs::read(file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", file.display()))?;
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
        .with_context(|| format!("{} 不是 UTF-8 编码，请另存为 UTF-8 · is not UTF-8; save it as UTF-8", file.display()))?;
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) { csv_rows(text) } else { Ok(json_lines(text)) }
}

fn json_lines<T: DeserializeOwned>(text: &str) -> Read<T> {
    let mut items = Vec::new();
    let mut bad = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = if line.len() > LONGEST_LINE { Err("longer than 4 MiB".to_owned()) } else { strict::object(line).and_then(item) };
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

/// An order of a sheet: where it begins, what it says, and whether a further row of it says something else.
struct Group {
    line: usize,
    object: Map<String, Value>,
    broken: bool,
}

fn csv_rows<T: DeserializeOwned>(text: &str) -> Result<Read<T>> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let heading: Vec<Vec<String>> = reader.headers()?.iter().map(|path| path.trim().split('.').map(str::to_owned).collect()).collect();
    check_heading(&heading)?;
    let has_lines = heading.iter().any(|path| is_of_line(path));
    let mut groups: Vec<Group> = Vec::new();
    let mut bad = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let numbered = |position: Option<&csv::Position>| position.and_then(|at| usize::try_from(at.line()).ok()).unwrap_or(at + 2);
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                bad.push(Unreadable { line: numbered(error.position()), why: error.to_string() });
                continue;
            }
        };
        let line = numbered(record.position());
        let object = row(&heading, &record);
        match groups.last_mut().filter(|group| has_lines && continues(&group.object, &object)) {
            Some(group) => {
                if let Some(path) = other_head(&group.object, &object) {
                    let why = format!("{path} is not as in line {}, where the order begins: the order is not sent", group.line);
                    bad.push(Unreadable { line, why });
                    group.broken = true;
                }
                append_lines(&mut group.object, object);
            }
            None => groups.push(Group { line, object, broken: false }),
        }
    }
    let mut items = Vec::new();
    for Group { line, object, .. } in groups.into_iter().filter(|group| !group.broken) {
        match item(Value::Object(object)) {
            Ok((draft, idempotency_key)) => items.push(Item { id: line.to_string(), draft, idempotency_key, needed_by: None }),
            Err(why) => bad.push(Unreadable { line, why }),
        }
    }
    Ok((items, bad))
}

/// A column that stands twice, or within another, would leave one of the two unread.
fn check_heading(heading: &[Vec<String>]) -> Result<()> {
    for (at, path) in heading.iter().enumerate() {
        let earlier = heading.iter().take(at);
        if let Some(other) = earlier.into_iter().find(|other| path.starts_with(other) || other.starts_with(path)) {
            let (path, other) = (path.join("."), other.join("."));
            bail!("第 1 行：列重复 · line 1: the column {path:?} is there twice, or within another ({other:?})");
        }
    }
    Ok(())
}

fn is_of_line(path: &[String]) -> bool {
    path.iter().any(|name| name == "line")
}

/// One row as an object; `x.line.y` becomes the only entry of the list `x.lines`.
fn row(heading: &[Vec<String>], record: &csv::StringRecord) -> Map<String, Value> {
    let mut object = Map::new();
    for (path, cell) in heading.iter().zip(record) {
        if cell.is_empty() {
            continue;
        }
        let value = match cell {
            "true" | "false" if path.last().is_some_and(|name| name == YES_OR_NO) => Value::Bool(cell == "true"),
            text => Value::String(text.to_owned()),
        };
        put(&mut object, path, value);
    }
    object
}

/// Puts a value where its path leads; `line` leads to the only entry of the list `lines`.
pub(super) fn put(object: &mut Map<String, Value>, path: &[String], value: Value) {
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

/// Whether a row is a further line of the order before it: platform, seller and number are the same.
fn continues(earlier: &Map<String, Value>, row: &Map<String, Value>) -> bool {
    let number = |object: &Map<String, Value>| object.get("order").and_then(|order| order.get("order_no")).cloned();
    let code = |object: &Map<String, Value>, who: &str| object.get("order").and_then(|order| order.get(who)?.get("code")).cloned();
    number(earlier).is_some()
        && number(earlier) == number(row)
        && ["seller", "platform"].iter().all(|who| code(earlier, who) == code(row, who))
}

/// The first field outside lines that a further row fills otherwise than the first; empty cells say nothing.
fn other_head(first: &Map<String, Value>, row: &Map<String, Value>) -> Option<String> {
    let fields = row.iter().filter(|(name, _)| *name != "lines");
    fields.into_iter().find_map(|(name, value)| match (first.get(name), value) {
        (Some(Value::Object(first)), Value::Object(value)) => other_head(first, value).map(|path| format!("{name}.{path}")),
        (first, value) => (first != Some(value)).then(|| first_leaf(name, value)),
    })
}

fn first_leaf(name: &str, value: &Value) -> String {
    let inner = value.as_object().and_then(|object| object.iter().next());
    inner.map_or_else(|| name.to_owned(), |(inner, value)| format!("{name}.{}", first_leaf(inner, value)))
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
    fn a_line_that_says_two_things_is_told_by_its_number() {
        let text = "{\"order\":{\"order_no\":\"1\"}}\n{\"order\":{\"goods_value\":\"1\",\"goods_value\":\"2\"}}\n[\"x\"]\n";
        let (items, bad) = read_text::<draft::Declaration>("a.jsonl", text.as_bytes()).unwrap();
        assert_eq!((items.len(), bad.iter().map(|bad| bad.line).collect::<Vec<_>>()), (1, vec![2, 3]));
    }

    #[test]
    fn a_column_stands_once() {
        for heading in ["order.order_no,order.note,order.note", "order.order_no, order.order_no", "order.seller,order.seller.code"] {
            let error = read_text::<draft::Declaration>("a.csv", format!("{heading}\n").as_bytes()).unwrap_err();
            assert!(error.to_string().contains("line 1"), "{error}");
        }
    }

    #[test]
    fn rows_of_one_order_agree_about_it() {
        let text = "order.order_no,order.seller.code,order.seller.name,order.note,order.line.number\n\
                    O1,S,N,,1\nO1,S,N,,2\nO2,S,N,a,1\nO2,S,,,2\nO2,S,N,b,3\nO2,S,N,a,4\nO3,S,N,,1\nO3,S,M,,2\nO4,S,N,,1\nO4,S,N,late,2\n";
        let (items, bad) = read_text::<draft::Declaration>("a.csv", text.as_bytes()).unwrap();
        assert_eq!(items.iter().map(|item| item.draft.order.order_no.as_str()).collect::<Vec<_>>(), ["O1"]);
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [6, 9, 11]);
        assert!(bad[0].why.contains("order.note") && bad[1].why.contains("order.seller.name"), "{bad:?}");
    }

    #[test]
    fn waybills_of_one_order_stay_apart_and_texts_stay_texts() {
        let text = "carrier.code,waybill_no,note,order.order_no,order.seller\nC,W1,true,O1,S\nC,W2,false,O1,S\n";
        let (items, bad) = read_text::<draft::Waybill>("w.csv", text.as_bytes()).unwrap();
        assert!(bad.is_empty(), "{bad:?}");
        assert_eq!(items.iter().map(|item| item.draft.note.as_str()).collect::<Vec<_>>(), ["true", "false"]);
    }

    #[test]
    fn other_encodings_are_refused() {
        let error = read_text::<draft::Declaration>("a.jsonl", b"{\"order\":{\"note\":\"\xb9\xe3\xd6\xdd\"}}").unwrap_err();
        assert!(error.to_string().contains("UTF-8"));
    }
}
