//! The columns that a sheet may have: one for each field that `check` knows, and how a heading names one.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::check::fields::{Field, Form};

/// What the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum What {
    /// Lines of goods of orders.
    Orders,
    /// Waybills.
    Waybills,
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    /// Its path as in a CSV: `order.line.price`.
    pub path: String,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Its name in English.
    pub en: &'static str,
    /// What its cells hold.
    pub form: CellForm,
    /// What its field holds, where `check` knows it.
    pub field: Option<Form>,
    /// Whether it must be filled.
    pub required: bool,
}

/// How a cell is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellForm {
    /// A text; a number in its place is a text of digits, filled with zeros from the left up to a code's width, which Excel drops.
    Text(usize),
    /// A commodity code: 4, 6, 8 or 10 digits, by how it is declared. A number in its place has lost at most the first one, since no
    /// chapter is 00.
    HsCode,
    /// A number.
    Number,
    /// A day.
    Day,
    /// A yes or no.
    YesNo,
}

/// What a heading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heading {
    /// The column with that place in the catalogue.
    Column(usize),
    /// Marks rows that are no data.
    Mark,
    /// A column that is not read: ours in what was refused, or one that begins with `#`.
    Ignored,
    /// Nobody knows it.
    Unknown,
}

/// The heading of the column in which `#…` marks a row that is not submitted.
pub(super) const MARK: &str = "#";
/// The columns that stand beside what was refused.
pub(super) const REMARKS: [&str; 4] = ["退回原因 reason", "规则 rule", "处理办法 remedy", "原位置 where"];

/// Widths of codes of digits, by the end of their path.
const WIDTHS: [(&str, usize); 9] = [
    ("currency", 3),
    ("unit", 3),
    ("_currency", 3),
    ("_unit", 3),
    ("country", 3),
    ("declared_at", 4),
    ("exits_at", 4),
    ("trade_mode", 4),
    ("wrap", 1),
];
/// Other names under which sellers know a column.
const ALIASES: [(&str, &str); 8] = [
    ("order.order_no", "订单号"),
    ("inventory.waybill_no", "运单号"),
    ("inventory.line.hs_code", "HS编码"),
    ("inventory.declared_at", "申报地海关"),
    ("order.line.bar_code", "条码"),
    ("waybill_no", "运单号"),
    ("order.order_no", "订单编号"),
    ("order.order_no", "order number"),
];

struct Catalogue {
    columns: Vec<Column>,
    names: BTreeMap<String, usize>,
}

static ORDERS: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut columns = vec![own("idempotency_key", "幂等键", "idempotency key", CellForm::Text(0))];
    columns.extend(fields(Field::OrderNo, Field::InventoryLineNote));
    let at = columns.iter().position(|column| column.path == "inventory.trade_mode").unwrap_or(columns.len());
    columns.insert(at, own("inventory.owner_registered", "生产销售企业是否在海关注册", "owner registered", CellForm::YesNo));
    catalogue(columns)
});
static WAYBILLS: LazyLock<Catalogue> = LazyLock::new(|| catalogue(fields(Field::WaybillCarrierCode, Field::ReferenceOrderNo)));

fn own(path: &str, zh: &'static str, en: &'static str, form: CellForm) -> Column {
    Column { path: path.to_owned(), zh, en, form, field: None, required: false }
}

fn fields(first: Field, last: Field) -> Vec<Column> {
    let among = Field::ALL.iter().filter(|field| (first..=last).contains(field)).map(|field| field.spec());
    let column = |spec: &crate::check::fields::Spec| {
        let path = spec.path.replace("lines[]", "line");
        // A waybill need not name its order.
        let required = spec.required && !(first == Field::WaybillCarrierCode && path.starts_with("order."));
        Column { form: form(&path, spec.form), path, zh: spec.zh, en: spec.en, field: Some(spec.form), required }
    };
    among.filter(|spec| spec.form != Form::Other).map(column).collect()
}

fn form(path: &str, form: Form) -> CellForm {
    match form {
        Form::Commodity => CellForm::HsCode,
        Form::Decimal | Form::Integer(_) => CellForm::Number,
        Form::Day => CellForm::Day,
        Form::Code => {
            let name = path.rsplit('.').next().unwrap_or(path);
            let width = WIDTHS.iter().find(|(end, _)| if end.starts_with('_') { name.ends_with(end) } else { name == *end });
            CellForm::Text(width.map_or(0, |(_, width)| *width))
        }
        _ => CellForm::Text(0),
    }
}

fn catalogue(columns: Vec<Column>) -> Catalogue {
    let mut names = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        let (zh, en) = (column.zh, column.en);
        for name in [column.path.as_str(), zh, en, &format!("{zh}{en}"), &format!("{en}{zh}")] {
            names.entry(plain(name)).or_insert(at);
        }
    }
    for (path, name) in ALIASES {
        if let Some(at) = columns.iter().position(|column| column.path == path) {
            names.entry(plain(name)).or_insert(at);
        }
    }
    Catalogue { columns, names }
}

/// A heading without what people put around it: case, spaces, marks, and what stands in brackets, such as a unit.
fn plain(heading: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for c in heading.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth += 1,
            ')' | '）' | ']' | '】' => depth = depth.saturating_sub(1),
            c if depth == 0 && c.is_alphanumeric() => plain.extend(c.to_lowercase()),
            _ => {}
        }
    }
    plain
}

impl What {
    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::Orders => &ORDERS,
            Self::Waybills => &WAYBILLS,
        }
    }

    /// Every column, in the order of the template.
    pub(super) fn columns(self) -> &'static [Column] {
        &self.catalogue().columns
    }

    /// The place of the column with that path.
    pub(super) fn place(self, path: &str) -> Option<usize> {
        self.columns().iter().position(|column| column.path == path)
    }

    /// The column by which a row of headings is known.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Orders => "order.order_no",
            Self::Waybills => "waybill_no",
        }
    }

    /// What a heading is.
    pub(super) fn heading(self, text: &str) -> Heading {
        let text = text.trim();
        if text == MARK {
            return Heading::Mark;
        }
        let name = plain(text);
        if text.starts_with('#') || REMARKS.iter().any(|remark| plain(remark) == name) {
            return Heading::Ignored;
        }
        // 运抵国(地区): a name of ours may have brackets of its own, which both sides lose.
        self.catalogue().names.get(&name).map_or(Heading::Unknown, |at| Heading::Column(*at))
    }
}

impl Column {
    /// Its heading in what we write: both names.
    pub fn heading(&self) -> String {
        format!("{}{}\n{}", self.zh, if self.required { "*" } else { "" }, self.en)
    }

    /// Whether it says something of a line rather than of its order.
    pub fn is_of_line(&self) -> bool {
        self.path.contains(".line.")
    }

    /// The path of its field in the line with that index.
    pub fn path_at(&self, index: usize) -> String {
        self.path.replacen(".line.", &format!(".lines[{index}]."), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_known_by_each_of_its_names() {
        for what in [What::Orders, What::Waybills] {
            for (at, column) in what.columns().iter().enumerate() {
                let heading = column.heading();
                for name in [&heading, &column.path, column.zh, column.en, &format!(" {}（kg） ", column.zh), &column.en.to_uppercase()] {
                    assert_eq!(what.heading(name), Heading::Column(at), "{name}");
                }
            }
        }
        assert_eq!(What::Orders.heading("订单号"), Heading::Column(What::Orders.place("order.order_no").unwrap()));
        assert_eq!(What::Waybills.heading("Order number"), Heading::Column(What::Waybills.place("order.order_no").unwrap()));
        for remark in REMARKS.iter().chain(&["#备忘"]) {
            assert_eq!(What::Orders.heading(remark), Heading::Ignored, "{remark}");
        }
        assert_eq!((What::Orders.heading("#"), What::Orders.heading("颜色")), (Heading::Mark, Heading::Unknown));
    }

    #[test]
    fn codes_of_digits_have_their_width() {
        let form = |path: &str| What::Orders.columns()[What::Orders.place(path).unwrap()].form;
        assert_eq!(form("inventory.line.hs_code"), CellForm::HsCode);
        assert_eq!(form("inventory.line.legal_unit"), CellForm::Text(3));
        assert_eq!(form("order.line.unit"), CellForm::Text(3));
        assert_eq!(form("inventory.freight_currency"), CellForm::Text(3));
        assert_eq!(form("order.line.bar_code"), CellForm::Text(0));
        assert_eq!(form("order.line.price"), CellForm::Number);
        assert_eq!(form("inventory.exit_date"), CellForm::Day);
        assert_eq!(form("inventory.owner_registered"), CellForm::YesNo);
    }

    #[test]
    fn every_path_of_a_draft_has_its_column() {
        let order: crate::declaration::draft::Declaration = crate::declaration::draft::Declaration::default();
        let mut value = serde_json::to_value(order).unwrap();
        for part in ["order", "inventory"] {
            let line = if part == "order" {
                serde_json::to_value(crate::declaration::draft::OrderLine::default()).unwrap()
            } else {
                serde_json::to_value(crate::declaration::draft::InventoryLine::default()).unwrap()
            };
            let object = value[part].as_object_mut().unwrap();
            object.remove("lines");
            object.insert("line".to_owned(), line);
        }
        fn paths(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
            match value.as_object() {
                Some(object) => object.iter().for_each(|(name, inner)| paths(inner, &format!("{at}.{name}"), found)),
                None => found.push(at.trim_start_matches('.').to_owned()),
            }
        }
        let mut found = Vec::new();
        paths(&value, "", &mut found);
        let without: Vec<_> = found.iter().filter(|path| What::Orders.place(path).is_none()).collect();
        assert!(without.is_empty(), "{without:?}");
        assert_eq!(found.len() + 1, What::Orders.columns().len(), "all of these and the key");
    }
}
