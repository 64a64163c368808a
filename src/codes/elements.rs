//! 申报要素: what customs wants to be told of goods, by the beginning of their code. 品牌类型 and 出口享惠情况, which all goods
//! want, are left out of the table.

use std::sync::LazyLock;

const TABLE: &str = include_str!("elements.tsv");
/// The shortest and the longest beginning in the table.
const PREFIXES: (usize, usize) = (4, 8);

/// Beginnings of codes with what they want, by the beginning.
static ELEMENTS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    let mut found: Vec<_> = rows.flat_map(|(prefixes, elements)| prefixes.split(' ').map(move |prefix| (prefix, elements))).collect();
    found.sort_unstable();
    found
});

/// What must be said of goods with that code, by the longest beginning that the table holds; nothing for an unknown one.
pub fn elements(hs_code: &str) -> impl Iterator<Item = &'static str> {
    let wanted = (PREFIXES.0..=PREFIXES.1).rev().find_map(|digits| {
        let prefix = hs_code.get(..digits)?;
        let place = ELEMENTS.binary_search_by_key(&prefix, |(prefix, _)| prefix).ok()?;
        ELEMENTS.get(place).map(|(_, elements)| *elements)
    });
    wanted.unwrap_or_default().split('|').filter(|element| !element.is_empty())
}

/// The table as [`super::sources`] tells of the lists: date, source, number of rows.
pub(super) fn source() -> (&'static str, &'static str, usize) {
    let head = TABLE.lines().next().unwrap_or_default().trim_start_matches("# ");
    let mut cells = head.split('\t');
    (cells.next().unwrap_or_default(), cells.next().unwrap_or_default(), ELEMENTS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts() {
        let of = |code| elements(code).collect::<Vec<_>>();
        assert_eq!(of("4202220000").len(), 4, "42022");
        assert_eq!(of("4202110090").first(), Some(&"品牌（中文或外文名称）"));
        assert_eq!(of("0714201100"), ["制作或保存方法（鲜、冷、冻、干）", "是否种用"]);
        assert_eq!((of("9999000000"), of(""), of("42"), of("四二〇二二二")), (vec![], vec![], vec![], vec![]));
        assert_eq!(of("9508100010"), [""; 0], "nothing beyond what all want");
    }

    #[test]
    fn no_beginning_stands_twice_and_all_have_four_to_eight_digits() {
        assert_eq!(ELEMENTS.len(), 4_058);
        for pair in ELEMENTS.windows(2) {
            assert_ne!(pair[0].0, pair[1].0);
        }
        for (prefix, elements) in ELEMENTS.iter() {
            assert!((PREFIXES.0..=PREFIXES.1).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit()), "{prefix}");
            assert!(elements.split('|').all(|element| element.chars().count() < 50), "{prefix}");
        }
        assert!(crate::clock::parse_day(source().0).is_some());
    }
}
