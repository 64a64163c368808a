//! From numbers and ids to the documents and messages that they lead to.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::{Desk, Error, MOST_DOCUMENTS, Order, Told, Verdict};
use crate::{declaration::MessageId, dossier::Document, store::MessageWithDocuments};

/// The longest number there is has 60 characters (orderNo).
const LONGEST_NUMBER: usize = 100;
/// What one look for numbers gives at most.
const MOST_HITS: usize = 1_000;

/// What one item leads to.
pub(super) struct Target {
    /// As asked.
    pub asked: String,
    /// The documents, by their ids.
    pub documents: Vec<Document>,
    /// The message, where the item is one's id.
    pub message: Option<MessageWithDocuments>,
}

impl Target {
    /// A line about one of its documents.
    pub(super) fn line(&self, document: &Document, verdict: Verdict, zh: &str, en: &str) -> Told {
        Told { asked: self.asked.clone(), id: document.id.0, kind: Some(document.kind), verdict, zh: zh.to_owned(), en: en.to_owned() }
    }

    /// What is told where it leads to nothing.
    pub(super) fn missing(&self) -> Told {
        Told {
            asked: self.asked.clone(),
            id: Uuid::nil(),
            kind: None,
            verdict: Verdict::Refused,
            zh: "未找到".to_owned(),
            en: "not found".to_owned(),
        }
    }
}

/// Of the lines about one item those that matter: what is done, else what is so already, else why not.
pub(super) fn matter(lines: Vec<Told>) -> Vec<Told> {
    for wanted in [Verdict::Done, Verdict::Already] {
        if lines.iter().any(|told| told.verdict == wanted) {
            return lines.into_iter().filter(|told| told.verdict == wanted).collect();
        }
    }
    lines
}

impl Desk {
    /// What the items lead to, in their order, each once; with messages, if they may be asked for.
    pub(super) async fn targets(&self, order: &Order, items: &[String], with_messages: bool) -> Result<Vec<Target>, Error> {
        let items = distinct(items);
        let fits = |item: &&String| item.chars().count() <= LONGEST_NUMBER;
        let numbers: Vec<_> = items.iter().filter(fits).cloned().collect();
        let scope = order.scope.as_ref();
        let hits = self.store.find(scope, &numbers).await?;
        let mut of: HashMap<&str, HashSet<Uuid>> = HashMap::new();
        for hit in &hits {
            let id = hit.declaration.map(|id| id.0).or(hit.document.map(|id| id.0));
            of.entry(hit.number.as_str()).or_default().extend(id);
        }
        let given: HashMap<_, _> = items.iter().filter_map(|item| Some((item.as_str(), Uuid::try_parse(item).ok()?))).collect();
        for (item, id) in &given {
            of.entry(item).or_default().insert(*id);
        }
        let ids: Vec<_> = of.values().flatten().copied().collect::<HashSet<_>>().into_iter().collect();
        let documents = self.store.documents(scope, &ids).await?;
        let asked: Vec<_> = given.values().copied().map(MessageId).collect();
        let mut messages = if with_messages && !asked.is_empty() { self.store.messages_of(&asked).await? } else { Vec::new() };
        // A message may carry documents of several tenants: then it is nobody's who sees only one.
        messages.retain(|with| scope.is_none_or(|tenant| with.documents.iter().all(|document| document.tenant == *tenant)));
        let most = documents.len() + messages.iter().map(|with| with.documents.len()).sum::<usize>();
        if hits.len() > MOST_HITS || most > MOST_DOCUMENTS {
            let zh = format!("所列编号涉及的单证超过{MOST_DOCUMENTS}份，请分批处理");
            return Err(Error::Invalid(vec![(zh, format!("the numbers lead to more than {MOST_DOCUMENTS} documents: do some at a time"))]));
        }
        let mut messages: BTreeMap<_, _> = messages.into_iter().map(|with| (with.message.id.0, with)).collect();
        let target = |item: &String| {
            let leads = of.get(item.as_str());
            let is_led = |id: Uuid| leads.is_some_and(|ids| ids.contains(&id));
            let id = given.get(item.as_str()).copied();
            let found = documents.iter().filter(|document| is_led(document.id.0) || document.declaration.is_some_and(|id| is_led(id.0)));
            let found: Vec<_> = found.cloned().collect();
            let message = id.and_then(|id| messages.remove(&id));
            Target { asked: item.clone(), documents: found, message }
        };
        Ok(items.iter().map(target).collect())
    }

    /// All documents of the declarations of these documents, by declaration.
    pub(super) async fn families(&self, documents: &[&Document]) -> Result<BTreeMap<Uuid, Vec<Document>>, Error> {
        let ids: HashSet<_> = documents.iter().filter_map(|document| document.declaration).map(|id| id.0).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let mut families: BTreeMap<Uuid, Vec<Document>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(families);
        }
        for document in self.store.documents(None, &ids).await? {
            if let Some(declaration) = document.declaration {
                families.entry(declaration.0).or_default().push(document);
            }
        }
        Ok(families)
    }
}

/// The items without what surrounds them and without repetition, in their order.
fn distinct(items: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    items.iter().map(|item| item.trim().to_owned()).filter(|item| seen.insert(item.clone())).collect()
}

/// The id under which the log tells of a document.
pub(super) fn subject(document: &Document) -> Uuid {
    document.declaration.map_or(document.id.0, |declaration| declaration.0)
}
