//! What is personal in raw messages and in customs' own words, put out of sight. The one place that knows what that is.
//!
//! Export messages carry no buyer. What they have of persons: a seller's telephone, free text (notes, reasons, what customs answered,
//! what somebody put into ExtendMessage), and certificates, which may name who holds them. Import messages of others that share an
//! identity may arrive as well: their buyers, payers and consignees are among the names below.

/// Stands for what is not shown.
pub const MASK: &str = "＊＊＊";

/// Elements whose text is not shown, whatever their prefix and case.
const PERSONAL: [&str; 28] = [
    "ebcTelephone",
    "note",
    "reason",
    "returnInfo",
    "ResponseInfo",
    "oriBizMessage",
    "ExtendMessage",
    // An envelope's content, in base64.
    "Data",
    "X509Certificate",
    "X509SubjectName",
    "operatorCode",
    "operatorName",
    "buyerName",
    "buyerRegNo",
    "buyerIdNumber",
    "buyerTelephone",
    "payerName",
    "payerIdNumber",
    "payerTelephone",
    "telephone",
    "consignee",
    "consigneeName",
    "consigneeAddress",
    "consigneeTelephone",
    "consigneeIdNumber",
    "shipper",
    "shipperAddress",
    "shipperTelephone",
];

/// A message as it may be shown to whoever need not know whom it names. What is no XML is not shown at all.
#[must_use]
pub fn masked(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('<') {
        return MASK.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    // The element whose content is not shown, and how many of its name stand open.
    let mut hidden: Option<(&str, usize)> = None;
    while let Some(at) = rest.find('<') {
        let (before, markup) = rest.split_at(at);
        if hidden.is_none() {
            shown.push_str(&masked_text(before));
        }
        let (markup, after) = markup.split_at(end_of(markup));
        rest = after;
        let Some((name, sort)) = tag(markup) else {
            // Comments, sections, declarations: nothing of ours is in them.
            if markup.starts_with("<?xml") {
                shown.push_str(markup);
            }
            continue;
        };
        hidden = match (hidden, sort) {
            (None, Sort::Opens) if is_personal(name) => {
                shown.push_str(markup);
                shown.push_str(MASK);
                Some((name, 1))
            }
            (None, _) => {
                shown.push_str(markup);
                None
            }
            (Some((of, open)), Sort::Opens) if of == name => Some((of, open.saturating_add(1))),
            (Some((of, 1)), Sort::Closes) if of == name => {
                shown.push_str(markup);
                None
            }
            (Some((of, open)), Sort::Closes) if of == name => Some((of, open - 1)),
            (still, _) => still,
        };
    }
    if hidden.is_none() {
        shown.push_str(&masked_text(rest));
    }
    shown
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Opens,
    Closes,
    Both,
}

/// Where markup ends that begins here; what never ends takes all.
fn end_of(markup: &str) -> usize {
    let end = [("<!--", "-->"), ("<![CDATA[", "]]>")].into_iter().find(|(begin, _)| markup.starts_with(begin)).map_or(">", |(_, end)| end);
    markup.find(end).map_or(markup.len(), |at| at + end.len())
}

/// The name without its prefix, and whether the element opens or closes; nothing for other markup.
fn tag(markup: &str) -> Option<(&str, Sort)> {
    let inner = markup.strip_prefix('<')?.strip_suffix('>')?;
    if inner.starts_with(['!', '?']) {
        return None;
    }
    let (inner, sort) = match (inner.strip_prefix('/'), inner.strip_suffix('/')) {
        (Some(closing), _) => (closing, Sort::Closes),
        (None, Some(empty)) => (empty, Sort::Both),
        (None, None) => (inner, Sort::Opens),
    };
    let name = inner.split(|c: char| c.is_whitespace()).next()?;
    Some((name.rsplit(':').next()?, sort))
}

fn is_personal(name: &str) -> bool {
    PERSONAL.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Free text, as that of customs' answers, without what looks like the telephone or the identity number of a person.
#[must_use]
pub fn masked_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let length = from.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | 'X' | 'x')).unwrap_or(from.len());
        let (run, after) = from.split_at(length);
        // Within a word it is a number of something: an order, a code.
        let stands_alone = !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        shown.push_str(before);
        shown.push_str(if stands_alone && names_somebody(run) { MASK } else { run });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// A mobile number (11 digits from 13 to 19, with or without 86), a landline with its area code, an identity number (18).
fn names_somebody(run: &str) -> bool {
    let digits: String = run.chars().filter(|c| *c != '-').collect();
    let is_mobile =
        |digits: &str| digits.len() == 11 && digits.starts_with('1') && digits.as_bytes().get(1).is_some_and(|b| (b'3'..=b'9').contains(b));
    let is_landline = run.starts_with('0') && run.contains('-') && (10..=12).contains(&digits.len());
    let is_identity = digits.len() == 18 && digits.get(6..8).is_some_and(|century| matches!(century, "19" | "20"));
    is_mobile(&digits) || digits.strip_prefix("86").is_some_and(is_mobile) || is_landline || is_identity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_personal_in_a_message_is_not_shown_and_the_rest_is() {
        let sent = "<?xml version=\"1.0\"?><ceb:CEB505Message xmlns:ceb=\"http://x\"><!-- 张三 --><ceb:ebcTelephone>13800138000</ceb:ebcTelephone>\
            <ceb:logisticsNo>W1</ceb:logisticsNo><ceb:note a='b'>张三收<note>里</note>外</ceb:note><ceb:note/><note></note><![CDATA[张三]]>\
            <returnInfo><![CDATA[</returnInfo>张三]]></returnInfo><Data>5byg5LiJ</Data><ds:X509Certificate>MII张</ds:X509Certificate><x>电话 020-81234567</x></ceb:CEB505Message>";
        let shown = masked(sent.as_bytes());
        for hidden in ["张三", "138001", "里", "外", "5byg", "MII", "8123"] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
        assert!(shown.contains("<ceb:logisticsNo>W1</ceb:logisticsNo>") && shown.ends_with("</ceb:CEB505Message>"), "{shown}");
        assert_eq!(shown.matches(MASK).count(), 7);
    }

    #[test]
    fn what_does_not_end_or_is_no_xml_shows_nothing_of_it() {
        for (bytes, shown) in [
            (b"not xml 13800138000".as_slice(), MASK.to_owned()),
            (b"".as_slice(), MASK.to_owned()),
            (b"<note>x".as_slice(), format!("<note>{MASK}")),
            (b"<NOTE>x</note>y".as_slice(), format!("<NOTE>{MASK}")),
            (b"<a><!-- x".as_slice(), "<a>".to_owned()),
            (b"<note".as_slice(), String::new()),
        ] {
            assert_eq!(masked(bytes), shown, "{}", String::from_utf8_lossy(bytes));
        }
        // Any bytes at all.
        for n in 0..5_000_u32 {
            let bytes: Vec<_> =
                (0..40_u32).map(|at| b"<>/!-[]notea:\xff "[((n.wrapping_mul(2_654_435_761) >> (at % 29)) % 15) as usize]).collect();
            drop(masked(&bytes));
        }
    }

    #[test]
    fn telephones_and_identity_numbers_in_free_text_are_not_shown_and_other_numbers_are() {
        for (text, shown) in [
            ("请联系13800138000", format!("请联系{MASK}")),
            ("tel +86-13800138000.", format!("tel +{MASK}.")),
            ("020-81234567转1", format!("{MASK}转1")),
            ("身份证44010619800101123X", format!("身份证{MASK}")),
            ("[Code:1800;Desc:处理成功]", "[Code:1800;Desc:处理成功]".to_owned()),
            ("清单 51412026I000000001 运单 GZ126110000060", "清单 51412026I000000001 运单 GZ126110000060".to_owned()),
            ("20261126180000", "20261126180000".to_owned()),
            ("91440101MA59ABCD2G", "91440101MA59ABCD2G".to_owned()),
        ] {
            assert_eq!(masked_text(text), shown);
        }
    }
}
