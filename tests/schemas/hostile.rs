//! Messages that mean harm, or are only odd: each has libxml2's verdict, or our refusal by name.

use std::path::PathBuf;

use tongguan::{
    declaration::Kind,
    message::{self, Message},
};

use super::{official_schema, our_schema, signed, verdicts};

mod characters;
mod elements;
mod names;

/// What must become of a document.
#[derive(Clone, Copy)]
enum Verdict {
    /// As libxml2 says.
    Same,
    /// As libxml2 says: valid.
    Valid,
    /// We refuse it by this code, whatever libxml2 says.
    Refused(&'static str),
}
use Verdict::{Refused, Same, Valid};

const REFUSED: Verdict = Refused("S-REFUSED");
const LIMIT: Verdict = Refused("S-LIMIT");
const ENCODING: Verdict = Refused("S-ENCODING");
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const EXTENSION: &str = concat!(
    "<ceb:ExtendMessage><ceb:name>a</ceb:name><ceb:version>1</ceb:version><ceb:Message>",
    "<o:other xmlns:o=\"u:o\"><o:a>b</o:a></o:other></ceb:Message></ceb:ExtendMessage>"
);

/// An inventory with a signature and an extension, in which anything may stand.
fn good() -> String {
    let text = String::from_utf8(signed(Kind::Inventory)).unwrap();
    text.replace("</ceb:CEB603Message>", &format!("{EXTENSION}</ceb:CEB603Message>"))
}

struct Trials {
    good: String,
    all: Vec<(String, Vec<u8>, Verdict)>,
}

impl Trials {
    fn add(&mut self, document: impl Into<Vec<u8>>, verdict: Verdict) {
        let document = document.into();
        let name = String::from_utf8_lossy(&document[..document.len().min(8_000)]).into_owned();
        self.all.push((name, document, verdict));
    }

    /// In place of something in the good message.
    fn instead(&mut self, of: &str, verdict: Verdict, with: &[&str]) {
        assert!(self.good.contains(of), "{of}");
        for with in with {
            let document = self.good.replacen(of, with, 1);
            self.all.push((format!("{of} → {}", with.chars().take(200).collect::<String>()), document.into_bytes(), verdict));
        }
    }

    /// In place of what stands in the extension.
    fn inside(&mut self, verdict: Verdict, with: &[&str]) {
        self.instead("<o:a>b</o:a>", verdict, with);
    }

    /// Around the whole message.
    fn around(&mut self, verdict: Verdict, pieces: &[(&str, &str)]) {
        for (before, after) in pieces {
            self.add(format!("{before}{}{after}", self.good), verdict);
        }
    }
}

#[test]
fn hostile_and_odd_documents_have_libxmls_verdict_or_a_named_refusal() {
    let mut trials = Trials { good: good(), all: Vec::new() };
    trials.around(Valid, &[("", "")]);
    for some in [
        elements::depth_and_size,
        characters::entities,
        elements::odd_places,
        characters::declarations,
        characters::bytes,
        names::namespaces,
        elements::instances,
    ] {
        some(&mut trials);
    }
    let message = Message::Request(Kind::Inventory);
    let schemas: Vec<PathBuf> = [Some(our_schema(message)), official_schema(message)].into_iter().flatten().collect();
    let mut wrong = Vec::new();
    let mut judged = Vec::new();
    for (name, document, verdict) in trials.all {
        let ours = message::validate(&document);
        let said: Vec<_> = ours.iter().map(|defect| (defect.code, defect.line, defect.column)).take(3).collect();
        let name = format!("{}: we say {said:?}", name.chars().take(300).collect::<String>());
        match verdict {
            // Of some of these libxml2 makes minutes of work.
            Refused(code) if ours.first().is_some_and(|defect| defect.code == code) => {}
            Refused(code) => wrong.push(format!("{name}, not {code}")),
            Same => judged.push((name, document, ours.is_empty())),
            Valid => {
                judged.push((name, document, true));
                wrong.extend((!ours.is_empty()).then(|| judged.last().map_or_else(String::new, |(name, ..)| format!("{name}, not valid"))));
            }
        }
    }
    let documents: Vec<_> = judged.iter().map(|(_, document, _)| document.clone()).collect();
    for schema in schemas {
        for ((name, _, ours), theirs) in judged.iter().zip(verdicts(&schema, &documents).0) {
            if *ours != theirs {
                wrong.push(format!("{name}, libxml2 {theirs}"));
            }
        }
    }
    println!("{} documents", documents.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn harm_takes_no_time() {
    let million = "<a>".repeat(1_000_000);
    let amps = format!("<CEB603Message xmlns=\"http://www.chinaport.gov.cn/ceb\" guid=\"{}", "&amp;".repeat(1_000_000));
    let open = "<!--".repeat(1_000_000);
    let quotes = format!("<a {}", "\"'".repeat(1_000_000));
    for document in
        [million, amps, open, quotes, "<".repeat(1_000_000), "&".repeat(1_000_000), "]]>".repeat(1_000_000), "<![CDATA[".repeat(500_000)]
    {
        assert!(!message::validate(document.as_bytes()).is_empty());
        assert!(!message::examine(document.as_bytes()).is_empty());
    }
}
