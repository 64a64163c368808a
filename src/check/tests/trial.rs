//! A good document of every kind, and ways to change them.

use super::super::{
    parameters::{Limits, Rates},
    sample::{FollowUps, TODAY, sample, sample_waybill},
    *,
};

/// What is checked in a case: a good document of every kind, until they are changed.
#[derive(Default)]
pub(super) struct Trial {
    pub(super) d: draft::Declaration,
    pub(super) w: draft::Waybill,
    pub(super) f: FollowUps,
    pub(super) taken: Taken,
    pub(super) taken_waybill: TakenWaybill,
    pub(super) parameters: Parameters,
}

impl Trial {
    pub(super) fn good() -> Self {
        Self { d: sample(), w: sample_waybill(), f: FollowUps::good(), ..Self::default() }
    }

    /// All findings; a path begins with the name of the kind and a colon where it is not in the declaration.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let of_declaration = check(&self.d, &self.taken, &self.parameters, TODAY);
        let of_waybill = check_waybill(&self.w, &self.taken_waybill, TODAY);
        let mut list = of_declaration.map_or_else(Findings::into_list, |checked| checked.into_parts().1);
        let waybill = of_waybill.map_or_else(Findings::into_list, |checked| checked.into_parts().2);
        list.extend(waybill.into_iter().map(|finding| Finding { path: format!("waybill:{}", finding.path), ..finding }));
        for draft in self.f.all() {
            let name = draft.kind().as_str();
            let of_kind = follow_up::check(&draft, &self.parameters, TODAY);
            let of_kind = of_kind.map_or_else(Findings::into_list, |checked| checked.into_parts().1);
            list.extend(of_kind.into_iter().map(|finding| Finding { path: format!("{name}:{}", finding.path), ..finding }));
        }
        list
    }

    /// One line, one piece, worth so much.
    pub(super) fn worth(&mut self, amount: &str) {
        self.lines(1);
        let line = &mut self.d.order.lines[0];
        (line.quantity, line.price, line.total) = ("1".into(), amount.into(), amount.into());
        self.d.order.goods_value = amount.into();
        self.d.inventory.lines[0].legal_quantity = "1".into();
    }

    /// So many lines like the first.
    pub(super) fn lines(&mut self, count: usize) {
        let (order, list) = (self.d.order.lines[0].clone(), self.d.inventory.lines[0].clone());
        let numbers = || (1..=count).map(|number| number.to_string());
        self.d.order.lines = numbers().map(|number| draft::OrderLine { number, ..order.clone() }).collect();
        self.d.inventory.lines = numbers().map(|number| draft::InventoryLine { number, ..list.clone() }).collect();
        self.d.order.goods_value = (rust_decimal::Decimal::new(9_998, 2) * rust_decimal::Decimal::from(count)).to_string();
    }

    /// The whole order in this currency.
    pub(super) fn currency(&mut self, code: &str) {
        self.d.order.currency = code.into();
        self.d.order.lines.iter_mut().for_each(|line| line.currency = code.into());
    }

    /// Sold to business, with what goes with it.
    pub(super) fn business(&mut self) {
        self.d.inventory.trade_mode = "9710".into();
        self.d.order.order_type = "B".into();
    }

    pub(super) fn unregistered(&mut self, owner: &str) {
        self.d.inventory.owner_registered = false;
        self.d.inventory.owner.code = owner.into();
    }

    pub(super) fn sample_rates(&mut self) {
        self.parameters.rates = Rates::sample();
    }

    pub(super) fn reference(&mut self, seller: &str, order_no: &str) {
        self.w.order = Some(OrderReference { platform: "无".into(), seller: seller.into(), order_no: order_no.into() });
    }
}

pub(super) fn odd_price(t: &mut Trial) {
    (t.d.order.lines[0].quantity, t.d.order.lines[0].price) = ("3".into(), "1.335".into());
    t.d.inventory.lines[0].legal_quantity = "3".into();
}

/// The largest amount that can be written, in one line.
pub(super) fn largest(t: &mut Trial) {
    t.worth("99999999999999.99999");
    t.d.inventory.statistics = "B".into();
}

/// Two lines, each worth so much.
pub(super) fn halves(t: &mut Trial, amount: &str) {
    t.lines(2);
    for (line, listed) in t.d.order.lines.iter_mut().zip(&mut t.d.inventory.lines) {
        (line.quantity, line.price, line.total) = ("1".into(), amount.into(), amount.into());
        listed.legal_quantity = "1".into();
    }
}

pub(super) fn licence_and_sum(t: &mut Trial) {
    t.d.inventory.licence_no = "26-01-000001".into();
    t.d.inventory.statistics = "B".into();
}

pub(super) fn later_limits() -> Limits {
    Limits::read("name,value,from,until,source\nsimplified_parcel_cny,5000,,2026-11-22,x\nsimplified_parcel_cny,6000,2026-11-23,,x\n")
        .expect("limits")
}

pub(super) fn last_month() -> Rates {
    Rates::read("currency,rate,from,until,source\nGBP,9.5,2026-10-01,2026-11-22,x\n").expect("rates")
}
