//! Cancellations, and goods that come back: what speaks against them is said when customs decides, not when they come.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::declaration::{Action, Kind};

use super::Customs;
use crate::{
    message::FollowUpRequest,
    simulator::{
        paper::{Goods, Name},
        record::{Record, Word},
    },
};

impl Customs {
    /// The refusal that customs gives in place of a word, where something speaks against the document.
    pub(super) fn judge(&self, name: &Name, word: &Word) -> Option<Word> {
        let why = match (name.kind, word) {
            (Kind::Cancellation, Word::Passed) => Self::why_not_cancelled,
            (Kind::GoodsReturn, Word::Stored) => Self::why_not_returned,
            (Kind::ReturnTally, Word::Passed) => Self::why_not_tallied,
            _ => return None,
        };
        let record = self.records.get(name).filter(|record| record.paper.action != Action::Delete)?;
        let follow_up = record.paper.follow_up.as_deref()?;
        why(self, name, follow_up).map(Word::Refused)
    }

    /// An inventory can be cancelled until it is closed, or summed into a customs declaration.
    fn why_not_cancelled(&self, name: &Name, asked: &FollowUpRequest) -> Option<String> {
        let inventory_no = number(asked);
        let Some(list) = self.list_of(inventory_no) else {
            return Some(format!("系统中不存在清单编号为[{inventory_no}]的清单"));
        };
        let parties = list.list().is_some_and(|listed| listed.declarant == name.party()) && list.name.party() == asked.seller;
        if !parties {
            return Some(format!("申报企业或收发货人与清单[{inventory_no}]不一致"));
        }
        match &list.last {
            _ if !list.alive => Some(format!("清单[{inventory_no}]已撤销或退单")),
            _ if list.summed => Some(format!("清单[{inventory_no}]已汇总，不能撤销")),
            Some((Word::Closed, _)) => Some(format!("清单[{inventory_no}]已结关，状态不符合撤单申报要求")),
            _ => None,
        }
    }

    /// The inventory that it names is withdrawn: nothing more is said of it, and its key may be declared anew.
    pub(super) fn cancel(&mut self, name: &Name) {
        let asked = self.records.get(name).and_then(|record| record.paper.follow_up.clone());
        let list = asked.and_then(|asked| self.list_of(number(&asked)).map(|list| list.name.clone()));
        if let Some(list) = list.and_then(|list| self.records.get_mut(&list)) {
            list.alive = false;
            self.report.of(Kind::Inventory).withdrawn += 1;
        }
    }

    /// Goods come back of an inventory that is released: lines that it has, and no more of each than went out and has not come back.
    fn why_not_returned(&self, name: &Name, asked: &FollowUpRequest) -> Option<String> {
        let inventory_no = number(asked);
        let list = match self.released(inventory_no) {
            Ok(list) => list,
            Err(why) => return Some(why),
        };
        if list.name.party() != asked.seller {
            return Some(format!("电商企业与清单[{inventory_no}]不一致"));
        }
        let mut back = self.returned(inventory_no, name);
        for line in &asked.lines {
            let goods =
                line.number.trim().parse().ok().and_then(|number| goods(list, number)).filter(|goods| goods.hs_code == line.hs_code);
            let Some(goods) = goods else {
                return Some(format!("在关联的清单中未找到表体序号为[{}],商品编号为[{}]的数据", line.number, line.hs_code));
            };
            let sum = back.entry(goods.number).or_default();
            *sum = line.quantity.trim().parse().ok().and_then(|quantity| sum.checked_add(quantity)).unwrap_or(Decimal::MAX);
            if *sum > goods.quantity {
                return Some(format!("第[{}]项退货数量大于清单[{inventory_no}]申报数量", goods.number));
            }
        }
        None
    }

    /// What has come back of an inventory by other returns, by line.
    fn returned(&self, inventory_no: &str, but: &Name) -> BTreeMap<u32, Decimal> {
        let mut back = BTreeMap::new();
        let others = self.returns.get(inventory_no).into_iter().flatten().filter(|other| *other != but);
        let stored = |record: &&Record| record.alive && !matches!(record.last, None | Some((Word::Declaring | Word::Sent, _)));
        let papers =
            others.filter_map(|other| self.records.get(other)).filter(stored).filter_map(|record| record.paper.follow_up.as_deref());
        for line in papers.flat_map(|paper| &paper.lines) {
            if let (Ok(number), Ok(quantity)) = (line.number.trim().parse::<u32>(), line.quantity.trim().parse::<Decimal>()) {
                let sum = back.entry(number).or_insert(Decimal::ZERO);
                *sum = sum.saturating_add(quantity);
            }
        }
        back
    }

    /// What is unloaded belongs to an inventory that is released, where one is named.
    fn why_not_tallied(&self, _: &Name, asked: &FollowUpRequest) -> Option<String> {
        let inventory_no = asked.inventory_nos.first()?;
        self.released(inventory_no).err()
    }

    fn released(&self, inventory_no: &str) -> Result<&Record, String> {
        let list = self.list_of(inventory_no).ok_or_else(|| format!("系统中不存在清单编号为[{inventory_no}]的清单"))?;
        let out = list.alive && matches!(list.last, Some((Word::Released | Word::Closed, _)));
        if out { Ok(list) } else { Err(format!("清单[{inventory_no}]未放行，不能退货")) }
    }
}

/// invtNo of the inventory that it is about.
fn number(asked: &FollowUpRequest) -> &str {
    asked.inventory_nos.first().map_or("", String::as_str)
}

fn goods(list: &Record, number: u32) -> Option<&Goods> {
    list.list()?.goods.iter().find(|goods| goods.number == number)
}
