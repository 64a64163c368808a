//! One of every message, kept in tests/golden: what is written changes only when somebody means it to.
//!
//! `TONGGUAN_GOLDEN=write` writes them anew.

use std::{fs, path::Path};

use tongguan::{
    declaration::Kind,
    message::{self, Message, Namespacing, Style},
};

use super::{everything, receipts, request};

#[test]
fn every_message_is_written_as_it_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let writes = std::env::var_os("TONGGUAN_GOLDEN").is_some_and(|value| value == "write");
    let mut names: Vec<String> = Vec::new();
    for (message, bytes) in everything() {
        let name = format!("{}.xml", message.wire_type());
        let file = folder.join(&name);
        if writes {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &bytes).unwrap();
        }
        let kept = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(kept).unwrap(), "{name}");
        names.push(name);
    }
    let mut kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    kept.sort();
    assert_eq!(kept, names, "nothing else is kept");
}

#[test]
fn json_and_back_is_the_same_document() {
    for (message, bytes) in everything() {
        if !message.wire_type().starts_with("CEB") {
            continue;
        }
        let json = message::to_json(&bytes).unwrap();
        let written = message::from_json(&json).unwrap();
        assert_eq!(message::examine(&written), [], "{}", message.wire_type());
        assert_eq!(message::to_json(&written).unwrap(), json, "{}", message.wire_type());
        if let Message::Request(kind) = message {
            assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(request(kind)).unwrap(), "without its signature");
        }
    }
    let styles = [Namespacing::Default, Namespacing::Prefixed, Namespacing::Absent];
    for kind in Kind::ALL {
        let all = styles.map(|namespacing| message::to_json(&receipts(kind, Style { namespacing, lower_case: false })).unwrap());
        assert!(all.iter().all(|json| *json == all[0]), "{kind:?}");
    }
    let extended = String::from_utf8(request(Kind::Order)).unwrap().replace(
        "</ceb:CEB303Message>",
        "<ceb:ExtendMessage><ceb:name>a</ceb:name><ceb:version>1</ceb:version><ceb:Message><a/></ceb:Message></ceb:ExtendMessage></ceb:CEB303Message>",
    );
    assert!(message::to_json(extended.as_bytes()).is_err(), "what an extension holds has no form in JSON");
}
