//! Packs: what messages are at a time, and what a road may choose.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tongguan::{
    clock::{Timestamp, parse_day},
    declaration::{Action, Kind, MessageId},
    message::{self, Message, Outgoing, Pack, Problem, RequestContent},
};

use super::{corpus, document, guid, official, samples, sender, verdicts};

const OLD: &str = "2018-113";

fn old() -> Option<&'static Pack> {
    Some(Pack::named(OLD).unwrap())
}

fn then() -> Timestamp {
    Timestamp::parse_seconds("20201111080910").unwrap()
}

/// A message of 2020. Numbers of inventories had 18 characters, orders and lists were for retail.
fn request(kind: Kind, action: Action) -> Result<Vec<u8>, message::Error> {
    let content = samples::content(kind);
    let mut document = document(kind);
    document.action = action;
    let outgoing = Outgoing { document: &document, content: &content, waybill_no: "W-1" };
    message::compose(kind, MessageId(guid(3)), &sender(), &[outgoing], then())
}

fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| old().unwrap().has(Message::Request(*kind)))
}

fn schemas(kind: Kind) -> Vec<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{OLD}/CEB{}.xsd", kind.number()));
    [Some(ours), official().map(|folder| folder.join("official/ceb-export-2018.xsd"))].into_iter().flatten().collect()
}

#[test]
fn a_pack_holds_on_its_days() {
    let of = |day: &str| Pack::at(parse_day(day).unwrap()).unwrap().name();
    assert_eq!([of("20180101"), of("20180904"), of("20220630")], [OLD; 3]);
    assert_eq!([of("20220701"), of("20261111")], ["202205"; 2]);
    let mut last = None;
    for pack in message::packs() {
        let (from, until) = pack.days();
        assert!(last.is_none_or(|last: time::Date| last.next_day() == Some(from)), "{}", pack.name());
        assert!(until.is_none_or(|until| until > from));
        last = until;
        let (zh, en) = pack.title();
        assert!(!zh.is_empty() && en.is_ascii());
    }
    assert_eq!(last, None, "the newest has no end");
    assert!(Pack::named("2019").is_none());
    assert_eq!(kinds().map(Kind::number).collect::<Vec<_>>(), [303, 403, 505, 507, 509, 603, 605, 607, 701]);
}

#[test]
fn a_message_is_written_and_judged_by_the_pack_of_its_date() {
    for kind in kinds() {
        let written = request(kind, Action::Amend).unwrap();
        assert_eq!(Pack::of(&written).unwrap().name(), OLD, "{kind:?}");
        assert_eq!(message::examine(&written), [], "{kind:?}");
        for schema in schemas(kind) {
            let (valid, said) = verdicts(&schema, std::slice::from_ref(&written));
            assert_eq!(valid, [true], "{said}");
        }
    }
    for kind in [Kind::GoodsReturn, Kind::ReturnTally] {
        assert_eq!(request(kind, Action::Add).unwrap_err().problem(), Problem::NotInPack);
        let of_today = String::from_utf8(super::request(kind)).unwrap();
        let dated_back = of_today.replace("<ceb:appTime>2026", "<ceb:appTime>2020");
        assert_eq!(message::validate(dated_back.as_bytes())[0].code, "S-ROOT");
        assert_eq!(message::validate_in(Pack::newest(), dated_back.as_bytes()), []);
    }
    // What was allowed then, and what was not.
    let order = String::from_utf8(request(Kind::Order, Action::Add).unwrap()).unwrap();
    let codes = |text: &str| message::examine(text.as_bytes()).into_iter().map(|defect| defect.code).collect::<Vec<_>>();
    assert_eq!(codes(&order.replace("<ceb:ebpCode>无<", &format!("<ceb:ebpCode>{}<", "P".repeat(50)))), [""; 0]);
    assert_eq!(codes(&order.replace("<ceb:ebpCode>无<", &format!("<ceb:ebpCode>{}<", "P".repeat(51)))), ["S-LENGTH"]);
    assert_eq!(codes(&order.replace("<ceb:orderType>E<", "<ceb:orderType>W<")), ["X-ORDERTYPE"]);
    assert_eq!(codes(&order.replace("<ceb:orderNo>A-1<", "<ceb:orderNo><")), ["S-LENGTH"], "the schema of then wants a character");
    let inventory = String::from_utf8(request(Kind::Inventory, Action::Add).unwrap()).unwrap();
    assert_eq!(codes(&inventory.replace(">9610<", ">9810<")), ["X-TRADEMODE"]);
    let manifest = String::from_utf8(request(Kind::Manifest, Action::Delete).unwrap()).unwrap();
    assert!(manifest.contains("<ceb:msgCount>0</ceb:msgCount><ceb:msgSeqNo>0</ceb:msgSeqNo>"));
    assert_eq!(codes(&manifest), [""; 0]);
    let amended = String::from_utf8(request(Kind::Manifest, Action::Amend).unwrap()).unwrap();
    assert!(amended.contains("<ceb:msgCount>1</ceb:msgCount><ceb:msgSeqNo>1</ceb:msgSeqNo>"));
}

#[test]
fn a_road_may_choose_its_pack() {
    let content = samples::content(Kind::Manifest);
    let mut document = document(Kind::Manifest);
    document.action = Action::Delete;
    let outgoing = Outgoing { document: &document, content: &content, waybill_no: "" };
    let written = |pack| message::compose_in(pack, Kind::Manifest, MessageId(guid(3)), &sender(), &[outgoing], super::at());
    let by_old = written(old()).unwrap();
    assert_eq!(message::examine_in(old(), &by_old), []);
    let by_newest: Vec<_> = message::examine_in(Pack::newest(), &by_old).into_iter().map(|defect| defect.code).collect();
    assert_eq!(by_newest, ["X-PART", "X-PART"]);
    assert_ne!(written(Pack::newest()).unwrap(), by_old);
    assert_eq!(written(None).unwrap_err().problem(), Problem::NotInPack);
}

#[test]
fn the_schemas_of_then_are_judged_as_libxml_judges_the_official_ones() {
    let step = if official().is_some() { 9 } else { 41 };
    let mut total = 0;
    for kind in kinds() {
        let good = String::from_utf8(request(kind, Action::Amend).unwrap()).unwrap();
        let spoilt = corpus::of_leaves(&good).into_iter().step_by(step).chain(corpus::of_whole(&good).into_iter().step_by(step));
        // What is known of libxml2 alone is told beside the newest pack's comparison.
        let odd = ["CDATA", "<!DOCTYPE", "<?", "encoding=", ":type=", "&#32;", "<q:", "<:"];
        let documents: Vec<_> = spoilt.filter(|text| !odd.iter().any(|odd| text.contains(odd))).map(String::into_bytes).collect();
        let schema = schemas(kind).pop().unwrap();
        let (theirs, said) = verdicts(&schema, &documents);
        for (document, theirs) in documents.iter().zip(theirs) {
            let ours = message::validate_in(old(), document);
            let text = String::from_utf8_lossy(document);
            let only_ours = ["S-BASE64", "S-LIMIT", "S-ROOT", "S-PREFIX", "S-INSTANCE"];
            let explained = ours.iter().any(|defect| only_ours.contains(&defect.code))
                || text.contains(">\t")
                || text.contains(" <")
                || text.contains("> ");
            assert!(ours.is_empty() == theirs || explained, "{theirs}: {ours:?} {text} {}", said.len());
            total += 1;
        }
    }
    println!("{total} documents");
    assert!(total > 500, "{total}");
}

#[test]
fn official_samples_of_then_have_the_same_verdict() {
    let Some(folder) = official() else { return };
    let mut held = 0;
    for kind in kinds() {
        for number in [kind.number(), kind.number() + 1] {
            let Ok(sample) = fs::read(folder.join(format!("samples/messages/CEB{number}.xml"))) else { continue };
            let (theirs, said) = verdicts(&folder.join("official/ceb-export-2018.xsd"), std::slice::from_ref(&sample));
            assert_eq!([message::validate_in(old(), &sample).is_empty()], *theirs, "{number}: {said}");
            if let Ok(request) = message::parse_request(&sample) {
                assert!(
                    request
                        .documents
                        .iter()
                        .all(|document| !matches!(document.content, RequestContent::FollowUp(_)) || kind.is_follow_up())
                );
            }
            held += 1;
        }
    }
    assert!(held >= 14, "{held}");
}
