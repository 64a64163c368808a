//! Bad input of every kind, made from the schemas themselves: each field missing, empty, too long by one, with a wrong character, in
//! the wrong place, there twice; each list empty, at its limit, one over. Schema and text refuse every one that they must.

use std::{fs, ops::Range};

use tongguan::{
    declaration::Kind,
    message::{self, Message, Pack},
};

use super::{our_schema, request};

/// A field as its schema declares it.
struct Field {
    block: String,
    name: String,
    form: String,
    optional: bool,
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

/// The fields of the documents of a kind.
fn fields(kind: Kind) -> Vec<Field> {
    let schema = fs::read_to_string(our_schema(Message::Request(kind))).unwrap();
    let mut block = String::new();
    let mut fields = Vec::new();
    for line in schema.lines() {
        let Some(name) = line.trim_start().strip_prefix("<xs:element").and_then(|tag| attribute(tag, "name")) else { continue };
        match attribute(line, "type") {
            // The root's own name is no block of fields.
            None => name.clone_into(&mut block),
            Some(form) => fields.push(Field {
                block: block.clone(),
                name: name.to_owned(),
                form: form.trim_start_matches("ceb:").to_owned(),
                optional: line.contains("minOccurs=\"0\""),
            }),
        }
    }
    fields
}

/// Where the first such field stands, tags and all, and its text.
fn place(text: &str, field: &Field) -> Option<(Range<usize>, Range<usize>)> {
    let block = text.find(&format!("<ceb:{}>", field.block))?;
    let block_end = block + text[block..].find(&format!("</ceb:{}>", field.block))?;
    let (open, close) = (format!("<ceb:{}>", field.name), format!("</ceb:{}>", field.name));
    let start = block + text[block..block_end].find(&open)?;
    let inner = start + open.len();
    let end = inner + text[inner..].find(&close)?;
    Some((start..end + close.len(), inner..end))
}

/// One character or digit more than the form takes.
fn too_long(form: &str) -> String {
    let form = form.trim_end_matches("-collapsed");
    if let Some(digits) = form.strip_prefix('N') {
        return match digits.split_once('.') {
            Some((_, behind)) => format!("1.{}", "1".repeat(behind.parse::<usize>().unwrap() + 1)),
            None => "1".repeat(digits.parse::<usize>().unwrap() + 1),
        };
    }
    let most = form.trim_start_matches('C').rsplit("..").next().unwrap();
    "1".repeat(most.parse::<usize>().unwrap() + 1)
}

fn refused(text: &str) -> bool {
    !message::examine(text.as_bytes()).is_empty()
}

#[test]
fn every_field_of_every_kind_is_refused_when_it_is_spoilt() {
    let pack = Pack::newest().unwrap();
    let mut tried = [0; 6];
    for kind in Kind::ALL {
        let good = String::from_utf8(request(kind)).unwrap();
        assert!(!refused(&good), "{kind:?}");
        for field in fields(kind) {
            let Some((outer, inner)) = place(&good, &field) else {
                assert!(field.optional || field.name == "appStatus", "{kind:?} {} {}: a good one lacks it", field.block, field.name);
                continue;
            };
            let put = |range: &Range<usize>, with: &str| [&good[..range.start], with, &good[range.end..]].concat();
            let told = |what: &str| format!("{kind:?} {} {}: {what}", field.block, field.name);
            let element = &good[outer.clone()];
            if !field.optional {
                assert!(refused(&put(&outer, "")), "{}", told("missing"));
                tried[0] += 1;
            }
            if pack.requires(&field.block, &field.name) {
                for empty in ["", " ", "\n\t"] {
                    assert!(refused(&put(&inner, empty)), "{}", told("empty"));
                }
                tried[1] += 1;
            }
            assert!(refused(&put(&inner, &too_long(&field.form))), "{}", told("too long"));
            assert!(refused(&put(&inner, "\u{1}")), "{}", told("a character that XML does not allow"));
            if field.form.starts_with('N') {
                assert!(refused(&put(&inner, "一")), "{}", told("no number"));
            }
            assert!(refused(&put(&outer, &element.repeat(2))), "{}", told("twice"));
            tried[2] += 1;
            // Behind the one that follows, where one does.
            let after = &good[outer.end..];
            if let Some(next) = after.strip_prefix("<ceb:").and_then(|rest| rest.split_once('>')).map(|(name, _)| name) {
                let close = format!("</ceb:{next}>");
                let end = outer.end + after.find(&close).unwrap() + close.len();
                assert!(
                    refused(&[&good[..outer.start], &good[outer.end..end], element, &good[end..]].concat()),
                    "{}",
                    told("out of place")
                );
                tried[3] += 1;
            }
        }
    }
    assert!(tried[0] > 200 && tried[1] > 200 && tried[2] > 250 && tried[3] > 200, "{tried:?}");
    println!("{tried:?}");
}

/// The blocks of a name, all of them together.
fn span(text: &str, name: &str) -> Range<usize> {
    let close = format!("</ceb:{name}>");
    text.find(&format!("<ceb:{name}>")).unwrap()..text.rfind(&close).unwrap() + close.len()
}

#[test]
fn every_list_is_refused_empty_where_it_must_not_be_and_over_its_limit() {
    let lists = [
        (Kind::Order, "OrderList", Some(100), true),
        (Kind::Inventory, "InventoryList", Some(100), true),
        (Kind::Arrival, "ArrivalList", None, false),
        (Kind::Departure, "DepartureList", None, true),
        (Kind::Manifest, "WayBillList", None, true),
        // May be left out with a span of time: see the next test.
        (Kind::Summary, "SummaryApplyList", None, false),
        (Kind::GoodsReturn, "InvtRefundList", Some(100), true),
    ];
    for (kind, name, most, required) in lists {
        let good = String::from_utf8(request(kind)).unwrap();
        let range = span(&good, name);
        let close = format!("</ceb:{name}>");
        let line = &good[range.start..range.start + good[range.start..].find(&close).unwrap() + close.len()];
        let first = line.split_once("<ceb:gnum>").map(|(_, rest)| rest.split_once('<').unwrap().0);
        let numbered = |number: usize| match first {
            Some(first) => line.replace(&format!("<ceb:gnum>{first}<"), &format!("<ceb:gnum>{number}<")),
            None => line.to_owned(),
        };
        let with = |count: usize| {
            let lines: String = (1..=count).map(numbered).collect();
            [&good[..range.start], &lines, &good[range.end..]].concat()
        };
        assert_eq!(refused(&with(0)), required, "{kind:?} without lines");
        assert!(!refused(&with(1)), "{kind:?} with one line");
        let limit = most.unwrap_or(1_000);
        assert_eq!(message::examine(with(limit).as_bytes()), [], "{kind:?} at {limit}");
        assert_eq!(refused(&with(limit + 1)), most.is_some(), "{kind:?} at {}", limit + 1);
    }
    for kind in Kind::ALL {
        let good = String::from_utf8(request(kind)).unwrap();
        let document = Message::Request(kind).block();
        let range = span(&good, document);
        let with = |count: usize| [&good[..range.start], &good[range.clone()].repeat(count), &good[range.end..]].concat();
        assert!(refused(&with(0)) && refused(&with(101)), "{kind:?}");
        assert!(!refused(&with(100)), "{kind:?}");
        assert!(message::parse_request(with(101).as_bytes()).is_err() && message::parse_request(with(0).as_bytes()).is_err());
    }
}

#[test]
fn a_summary_names_inventories_or_a_span_of_time() {
    let good = String::from_utf8(request(Kind::Summary)).unwrap();
    let list = span(&good, "SummaryApplyList");
    let without_list = [&good[..list.start], &good[list.end..]].concat();
    let start = good.find("<ceb:startTime>").unwrap();
    let end = good.find("</ceb:endTime>").unwrap() + "</ceb:endTime>".len();
    let times = &good[start..end];
    assert!(!refused(&without_list) && !refused(&good.replace(times, "")));
    let codes: Vec<_> = message::examine(without_list.replace(times, "").as_bytes()).into_iter().map(|defect| defect.code).collect();
    assert_eq!(codes, ["X-SUMMED"]);
}
