//! What a document is answered with below zero, by kind: it is not taken, and what is on record stays as it was.
//!
//! The specification publishes ranges for exports (2018, table 7-3: business 业务校验, processing 报文处理), and single codes of
//! imports that a list of exports repeats (2022, table 7-2). Where a single code says it, that one is used; elsewhere the number within
//! the range is ours. Returns of goods have no range of their own, and use the single codes of imports.

use crate::declaration::{Action, Kind};

use super::super::{paper::Name, record::title};

/// Why a document is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// To be changed or deleted, and not on record.
    NotThere,
    /// Something newer is on record.
    Outdated,
    /// What is on record has come too far for it, or something rests on it.
    TooFar,
    /// msgSeqNo and msgCount make no sense together, or not with those of other parts.
    Part,
}

/// Codes of a kind: duplicate, not there, outdated, too far, part.
const fn row(kind: Kind) -> [&'static str; 5] {
    match kind {
        Kind::Order => ["-304001", "-303009", "-301014", "-301011", "-303010"],
        Kind::Payment => ["-404001", "-403009", "-401012", "-401008", "-403010"],
        Kind::Waybill => ["-504001", "-503009", "-504002", "-504016", "-503010"],
        Kind::Arrival => ["-804001", "-803009", "-804002", "-803012", "-803010"],
        Kind::Departure => ["-508001", "-507009", "-508002", "-507012", "-507010"],
        Kind::Inventory => ["-604001", "-603009", "-604002", "-603012", "-603010"],
        Kind::Cancellation => ["-608001", "-607009", "-608002", "-607012", "-607010"],
        Kind::Manifest => ["-904001", "-903009", "-904002", "-903012", "-903010"],
        Kind::Summary => ["-704001", "-703009", "-704002", "-703012", "-703010"],
        Kind::GoodsReturn | Kind::ReturnTally => ["-625033", "-625016", "-625004", "-625022", "-625001"],
    }
}

/// The code that says the same is already there.
pub const fn duplicate(kind: Kind) -> &'static str {
    row(kind)[0]
}

impl Fault {
    /// returnStatus and returnInfo.
    pub fn said(self, name: &Name, action: Action) -> (&'static str, String) {
        let (kind, number) = (name.kind, name.number());
        let [_, not_there, outdated, too_far, part] = row(kind);
        let title = title(kind);
        match self {
            Self::NotThere => (not_there, format!("处理失败，未找到对应操作的{title}，报文业务主键[{number}]")),
            Self::Outdated => (outdated, format!("{title}报文处理失败，接收报文为旧报文数据，不做处理，报文业务主键[{number}]")),
            Self::TooFar => {
                let asked = if action == Action::Delete { "删除" } else { "变更" };
                (too_far, format!("{title}[{number}]的状态不符合{asked}条件"))
            }
            Self::Part => (part, format!("{title}[{number}]的报文总数与报文序号不符")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::{Verdict, verdict};

    #[test]
    fn every_code_is_read_as_what_it_means() {
        for kind in Kind::ALL {
            let name = Name::of_order(kind, "1", "2", "3");
            let read = |fault: Fault| {
                let (code, info) = fault.said(&name, Action::Amend);
                verdict(kind, code, &info)
            };
            assert_eq!(read(Fault::Outdated), Verdict::Outdated, "{kind:?}");
            for fault in [Fault::NotThere, Fault::TooFar, Fault::Part] {
                assert_eq!(read(fault), Verdict::Rejected, "{kind:?} {fault:?}");
            }
            assert_eq!(verdict(kind, duplicate(kind), "业务主键重复"), Verdict::Duplicate, "{kind:?}");
        }
    }
}
