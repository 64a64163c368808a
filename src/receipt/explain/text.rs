//! What the free text of a receipt says: bracketed remarks, what is missing, what is there already.

use super::shown;

/// The most remarks, and the most missing documents, that are read from one text.
pub(super) const MOST: usize = 20;
/// The longest code, and the longest text of a remark or number, that is repeated.
const SHOWN: (usize, usize) = (20, 100);

/// A remark customs puts into its text: `[Code:1800;Desc:逻辑校验通过]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Its number.
    pub code: String,
    /// Its text.
    pub text: String,
}

/// The remarks in a text, at most 20 of them.
#[must_use]
pub fn remarks(info: &str) -> Vec<Remark> {
    let remark = |part: &str| {
        let (inside, _) = part.split_once(']')?;
        let (code, text) = inside.split_once(";Desc:")?;
        Some(Remark { code: shown(code, SHOWN.0), text: shown(text, SHOWN.1) })
    };
    info.split("[Code:").skip(1).filter_map(remark).take(MOST).collect()
}

/// The numbers of the documents that a text names as not there, as they stand in its brackets (transport §4.1): each 不存在 speaks
/// of what stands last before it.
pub(super) fn missing_numbers(info: &str) -> Vec<String> {
    let mut parts: Vec<_> = info.split("不存在").collect();
    parts.pop();
    let last = |part: &str| {
        let (before, _) = part.rsplit_once(']')?;
        let (_, number) = before.rsplit_once('[')?;
        Some(shown(number, SHOWN.1)).filter(|number| !number.is_empty())
    };
    // What was said before the first document, of the list itself, is no number of a missing one.
    let after = |part: &'_ str| part.rfind("对应").map_or(part.len(), |at| at);
    parts.into_iter().filter_map(|part| last(part.get(after(part)..)?)).take(MOST).collect()
}

/// What a duplicate's text says of the first one: its business key, and when it came with which state (transport §4.5).
pub(super) fn first_one(info: &str) -> Option<String> {
    let inside = |mark: &str| {
        let (_, rest) = info.split_once(mark)?;
        let (inside, _) = rest.split_once(']')?;
        Some(shown(inside.trim_end_matches([';', ' ']), SHOWN.1)).filter(|text| !text.is_empty())
    };
    let (key, state) = (inside("业务主键["), inside("状态为["));
    let told: Vec<_> = [key, state].into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_read_within_bounds() {
        let found = remarks("[Code:2300;Desc:审核通过],撤单申请审核通过,[Code:1800;Desc:逻辑校验通过][Code:broken");
        assert_eq!(found.iter().map(|remark| remark.code.as_str()).collect::<Vec<_>>(), ["2300", "1800"]);
        assert_eq!(remarks(&"[Code:1;Desc:x]".repeat(1000)).len(), MOST);
    }

    #[test]
    fn numbers_that_are_missing_are_read() {
        let text = "清单新增申报成功[G-1] 对应电商企业为[A]订单号为[B]的订单信息不存在 对应物流企业为[C]运单号为[D]的运单信息不存在";
        assert_eq!(missing_numbers(text), ["B", "D"]);
        assert!(missing_numbers("订单信息不存在").is_empty());
        assert!(missing_numbers("清单[G-1]的订单信息不存在").is_empty(), "that is the list's own");
        assert_eq!(missing_numbers(&"对应[x]不存在".repeat(1000)).len(), MOST);
    }

    #[test]
    fn the_first_one_is_told() {
        let text = "处理失败，业务主键重复入库失败，报文业务主键[COP1]，原清单报送时间对应状态为[20260101 : 2-申报;]";
        assert_eq!(first_one(text).unwrap(), "COP1, 20260101 : 2-申报");
        assert_eq!(first_one("已存在"), None);
    }
}
