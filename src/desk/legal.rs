//! Legal holds (法律保全): what they are on is neither archived nor destroyed. Not to be mixed up with holding a document back from packing.

use uuid::Uuid;

use super::{Desk, Error, Order, Report, Told, Verdict, check};
use crate::{
    audit::Difference,
    check::characters::is_unseen,
    retention::Month,
    store::{Held, HoldChange, LegalHold},
    task,
};

/// Characters of a seller's code.
const LONGEST_CODE: usize = 40;
/// How an item says that it is a seller, or a month.
const SELLER: &str = "seller:";
const MONTH: &str = "month:";

impl Desk {
    /// Places legal holds, or lifts them. An item is `seller:CODE`, `month:2026-11`, or any number or id of declarations. All are done or
    /// none.
    ///
    /// # Errors
    /// The request is wrong, or the store fails.
    pub async fn legal_hold(&self, order: &Order, items: &[String], lifted: bool) -> Result<Report, Error> {
        check(order, items.len())?;
        let known = self.store.legal_holds(order.scope.as_ref()).await?;
        let (mut told, mut changes): (Vec<Told>, Vec<HoldChange>) = (Vec::new(), Vec::new());
        for item in items {
            let found = self.held(order, item).await?;
            if found.is_empty() {
                told.push(line(item, Uuid::nil(), Verdict::Refused, "没有这样的申报、卖家或月份", "no such declaration, seller or month"));
            }
            for held in found {
                let id = if let Held::Declaration(id) = held { id } else { Uuid::nil() };
                let mut there: Vec<_> = known.iter().filter(|hold| hold.held == held).cloned().collect();
                there.retain(|hold| lifted || hold.tenant == order.scope);
                if there.is_empty() == lifted {
                    told.push(line(
                        item,
                        id,
                        Verdict::Already,
                        if lifted { "未被保全" } else { "已在保全中" },
                        if lifted { "not held" } else { "held already" },
                    ));
                    continue;
                }
                if !lifted {
                    let (by, why) = (order.actor.name.clone(), order.why.trim().to_owned());
                    there.push(LegalHold { held, tenant: order.scope.clone(), at: self.clockwork.now(), by, why });
                }
                let text = if lifted {
                    ("解除法律保全", "the legal hold is lifted")
                } else {
                    ("法律保全：不归档、不销毁", "under legal hold: neither archived nor destroyed")
                };
                told.push(line(item, id, Verdict::Done, text.0, text.1));
                changes.extend(there.into_iter().map(|hold| self.hold_change(order, id, hold, lifted)));
            }
        }
        let report = Report { told, ..Report::default() };
        if order.dry_run || changes.is_empty() || report.refused() > 0 {
            return Ok(report);
        }
        let applied = self.store.change_legal_holds(self.clockwork.now(), changes).await?.contains(&true);
        Ok(Report { applied, ..report })
    }

    fn hold_change(&self, order: &Order, id: Uuid, hold: LegalHold, lifted: bool) -> HoldChange {
        let tenant = hold.tenant.clone().unwrap_or_else(|| order.actor.tenant.clone());
        let target = hold.held.target();
        let (from, to) = if lifted { (target.as_str(), "") } else { ("", target.as_str()) };
        let changes: Vec<Difference> = vec![task::difference(format!("legal_hold.{}", hold.held.kind()), from, to)];
        let act = if lifted { "legal_hold_lift" } else { "legal_hold" };
        let entry = self.entry(order, self.clockwork.now(), (&tenant, id), act, changes);
        HoldChange { hold, lifted, entry }
    }

    /// What an item is.
    async fn held(&self, order: &Order, item: &str) -> Result<Vec<Held>, Error> {
        if let Some(code) = item.strip_prefix(SELLER) {
            let is_code = !code.is_empty() && code.chars().count() <= LONGEST_CODE && !code.chars().any(is_unseen);
            return Ok(is_code.then(|| Held::Seller(code.to_owned())).into_iter().collect());
        }
        if let Some(month) = item.strip_prefix(MONTH) {
            return Ok(Month::parse(month).map(Held::Month).into_iter().collect());
        }
        if let Ok(id) = Uuid::try_parse(item) {
            let documents = self.store.documents(order.scope.as_ref(), &[id]).await?;
            let is_one = documents.iter().any(|document| document.declaration.is_some_and(|declaration| declaration.0 == id));
            return Ok(is_one.then_some(Held::Declaration(id)).into_iter().collect());
        }
        let hits = self.store.find(order.scope.as_ref(), &[item.to_owned()]).await?;
        let mut found: Vec<_> = hits.iter().filter_map(|hit| hit.declaration).map(|id| id.0).collect();
        found.sort_unstable();
        found.dedup();
        // A bill has very many: they are held by their month or seller.
        found.truncate(super::MOST_DOCUMENTS);
        Ok(found.into_iter().map(Held::Declaration).collect())
    }
}

fn line(asked: &str, id: Uuid, verdict: Verdict, zh: &str, en: &str) -> Told {
    Told { asked: asked.to_owned(), id, kind: None, verdict, zh: zh.to_owned(), en: en.to_owned() }
}
