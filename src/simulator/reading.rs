//! From bytes on a road to a [`Letter`], or to the reason why the message is not taken.

use std::sync::Arc;

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    declaration::{Kind, Part},
    message::{
        self, FollowUpRequest, InventoryRequest, Message, Request, RequestContent, RequestDocument, RequestLine,
        dxp::{self, Opened},
    },
};

use super::{
    customs::FORMAT_FAULT,
    options::Options,
    paper::{Address, Goods, Letter, Listed, Name, Paper, Refusal},
    signature,
};

/// The most defects that a refusal names.
const MAX_TOLD: usize = 3;

/// What a file on a road turned out to be.
#[derive(Debug)]
pub enum Reading {
    /// A message whose documents are to be taken.
    Letter(Letter),
    /// A message that is refused whole.
    Refused(Letter, Refusal),
    /// Nothing that could be answered, and why.
    Unreadable(String),
}

/// Reads a file that lay on a road.
#[must_use]
pub fn read(bytes: &[u8], road: &str, options: &Options) -> Reading {
    let opened = match dxp::open(bytes) {
        Ok(opened) => opened,
        Err(error) => return Reading::Unreadable(error.to_string()),
    };
    match opened {
        Opened::Business(Message::Request(_)) => business(bytes, None, road, options),
        Opened::Envelope(envelope) => enveloped(&envelope, road, options),
        Opened::Business(_) | Opened::Report(_) => Reading::Unreadable("an answer, on the way to customs".to_owned()),
    }
}

fn enveloped(envelope: &dxp::Envelope, road: &str, options: &Options) -> Reading {
    let refused = |code, info: &str| Reading::Refused(bare(envelope, road), Refusal::Transport { code, info: info.to_owned() });
    if !envelope.receivers.contains(&options.dxp_id) {
        return refused("2001", "接收方不存在");
    }
    match dxp::open(&envelope.data) {
        Ok(Opened::Business(Message::Request(kind))) if envelope.msg_type == message::wire_type(kind) => {
            business(&envelope.data, Some(envelope), road, options)
        }
        Ok(Opened::Business(_) | Opened::Envelope(_) | Opened::Report(_)) => refused("0002", "报文类型与内容不符，schema校验不通过"),
        Err(error) => {
            let info = format!("报文格式校验不通过：{}", error.zh());
            Reading::Refused(bare(envelope, road), Refusal::Format { code: FORMAT_FAULT, info })
        }
    }
}

/// A letter of which only the envelope is known.
fn bare(envelope: &dxp::Envelope, road: &str) -> Letter {
    Letter {
        address: Address { road: road.to_owned(), dxp_id: envelope.sender.clone(), enveloped: true },
        original: envelope.cop_msg_id.clone(),
        message_type: envelope.msg_type.clone(),
        guid: envelope.cop_msg_id.clone(),
        digest: Sha256::digest(&envelope.data).into(),
        papers: Vec::new(),
    }
}

fn business(bytes: &[u8], envelope: Option<&dxp::Envelope>, road: &str, options: &Options) -> Reading {
    let request = match message::parse_request(bytes) {
        Ok(request) => request,
        Err(error) => return unparsed(&error, envelope, road),
    };
    let letter = Letter {
        address: Address { road: road.to_owned(), dxp_id: request.dxp_id.clone(), enveloped: envelope.is_some() },
        original: envelope.map_or_else(|| request.guid.clone(), |envelope| envelope.cop_msg_id.clone()),
        message_type: message::wire_type(request.kind).to_owned(),
        guid: request.guid.clone(),
        digest: Sha256::digest(bytes).into(),
        papers: Vec::new(),
    };
    if let Some(refusal) = refusal(bytes, &request, envelope, options) {
        return Reading::Refused(letter, refusal);
    }
    match papers(bytes, &request) {
        Ok(papers) => Reading::Letter(Letter { papers, ..letter }),
        Err(what) => Reading::Refused(letter, format_refusal(what)),
    }
}

fn unparsed(error: &message::Error, envelope: Option<&dxp::Envelope>, road: &str) -> Reading {
    match envelope {
        Some(envelope) => Reading::Refused(bare(envelope, road), format_refusal(&error.zh())),
        None => Reading::Unreadable(error.to_string()),
    }
}

fn format_refusal(what: &str) -> Refusal {
    Refusal::Format { code: FORMAT_FAULT, info: format!("报文格式校验不通过：{what}") }
}

/// What speaks against a message as a whole: its form, its signature, its sender.
fn refusal(bytes: &[u8], request: &Request, envelope: Option<&dxp::Envelope>, options: &Options) -> Option<Refusal> {
    let defects = message::examine(bytes);
    if !defects.is_empty() {
        let told: Vec<_> = defects.iter().take(MAX_TOLD).map(|defect| format!("{}：{}", defect.path, defect.zh)).collect();
        return Some(format_refusal(&told.join("；")));
    }
    if envelope.is_some_and(|envelope| envelope.sender != request.dxp_id) {
        return Some(Refusal::Transport { code: "2002", info: "地址不匹配：发送方与dxpId不一致".to_owned() });
    }
    let known = |code: &str, id: &str| options.known.iter().any(|known| known.code == code && known.dxp_id == id);
    if !options.known.is_empty() && !known(&request.cop_code, &request.dxp_id) {
        return Some(format_refusal("传输企业代码与接入客户端的企业身份不一致"));
    }
    let fault = signature::check(bytes, options.signatures).err()?;
    let info = format!("验签失败：{}", fault.what);
    Some(match envelope {
        Some(_) => Refusal::Transport { code: fault.code, info },
        None => Refusal::Format { code: FORMAT_FAULT, info },
    })
}

fn papers(bytes: &[u8], request: &Request) -> Result<Vec<Paper>, &'static str> {
    let mut papers = request.documents.iter().map(paper).collect::<Result<Vec<_>, _>>()?;
    if request.kind == Kind::Summary {
        let terms = message::parse_summary_terms(bytes).map_err(|_| "SummaryApplyHead")?;
        for (paper, terms) in papers.iter_mut().zip(terms) {
            paper.terms = Some(Arc::new(terms));
        }
    }
    Ok(papers)
}

fn paper(document: &RequestDocument) -> Result<Paper, &'static str> {
    let (mut list, mut follow_up, mut part, mut quarrelsome) = (None, None, None, None);
    match &document.content {
        RequestContent::Order(order) => quarrelsome = quarrel(&order.lines, Some(&order.goods_value)),
        RequestContent::Waybill(_) => {}
        RequestContent::Inventory(inventory) => {
            quarrelsome = quarrel(&inventory.lines, None);
            list = Some(Arc::new(listed(inventory)));
        }
        RequestContent::FollowUp(read) => {
            part = part_of(read)?;
            follow_up = Some(Arc::new(read.as_ref().clone()));
        }
    }
    Ok(Paper {
        key: document.content.key(),
        action: document.action().ok_or("appType")?,
        guid: document.guid.clone(),
        at: Timestamp::parse_seconds(&document.app_time).ok_or("appTime")?,
        list,
        follow_up,
        part,
        terms: None,
        quarrel: quarrelsome,
    })
}

fn listed(inventory: &InventoryRequest) -> Listed {
    let goods = |line: &RequestLine| Goods {
        number: line.number.trim().parse().unwrap_or(0),
        hs_code: line.hs_code.clone(),
        quantity: figure(&line.quantity).unwrap_or_default(),
    };
    Listed {
        order: Name::of_order(Kind::Order, &inventory.platform, &inventory.seller, &inventory.order_no),
        waybill: Name::of_waybill(&inventory.carrier, &inventory.waybill_no),
        office: inventory.declared_at.clone(),
        statistics: inventory.statistics.clone(),
        declarant: inventory.declarant.clone(),
        owner: inventory.owner.clone(),
        bill: inventory.bill_no.clone(),
        weights: [&inventory.gross_weight, &inventory.net_weight].map(|weight| figure(weight).unwrap_or_default()),
        goods: inventory.lines.iter().map(goods).collect(),
    }
}

/// msgSeqNo and msgCount, of the kinds that have them; whether they make sense is another question.
fn part_of(read: &FollowUpRequest) -> Result<Option<Part>, &'static str> {
    if !matches!(read.key.kind(), Kind::Manifest | Kind::Arrival | Kind::Departure | Kind::Summary) {
        return Ok(None);
    }
    let number = read.part.trim().parse().map_err(|_| "msgSeqNo")?;
    let count = read.part_count.trim().parse().map_err(|_| "msgCount")?;
    Ok(Some(Part { number, count }))
}

fn figure(text: &str) -> Option<Decimal> {
    text.trim().parse().ok()
}

/// Figures that do not agree: a line's total is quantity times price (message specification, 603 totalPrice), the order's value
/// is the sum of its lines (seen in two senders, messages §6). A cent is forgiven: no tolerance is published.
fn quarrel(lines: &[RequestLine], value: Option<&str>) -> Option<String> {
    let cent = Decimal::new(1, 2);
    let apart = |a: Decimal, b: Decimal| a.checked_sub(b).is_none_or(|difference| difference.abs() > cent);
    let mut sum = Some(Decimal::ZERO);
    for line in lines {
        let total = figure(&line.total);
        let product = figure(&line.quantity).zip(figure(&line.price)).and_then(|(quantity, price)| quantity.checked_mul(price));
        let agrees = total.zip(product).is_some_and(|(total, product)| !apart(total, product));
        if !agrees {
            return Some(format!("第{}项商品总价不等于数量乘以单价", line.number.chars().take(5).collect::<String>()));
        }
        sum = sum.zip(total).and_then(|(sum, total)| sum.checked_add(total));
    }
    let value = figure(value?);
    let agrees = value.zip(sum).is_some_and(|(value, sum)| !apart(value, sum));
    (!agrees).then(|| "商品金额不等于表体总价之和".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(quantity: &str, price: &str, total: &str) -> RequestLine {
        RequestLine { number: "1".into(), quantity: quantity.into(), price: price.into(), total: total.into(), ..RequestLine::default() }
    }

    #[test]
    fn figures_must_agree() {
        assert_eq!(quarrel(&[line("3", "1.5", "4.5")], Some("4.5")), None);
        assert_eq!(quarrel(&[line("3", "0.3333", "1")], None), None, "a cent is forgiven");
        assert!(quarrel(&[line("3", "1.5", "5.5")], None).is_some());
        assert!(quarrel(&[line("3", "1.5", "4.5")], Some("5")).is_some());
        assert!(quarrel(&[line("x", "1.5", "4.5")], None).is_some());
        let huge = "79228162514264337593543950335";
        assert!(quarrel(&[line(huge, huge, huge)], None).is_some(), "an overflow is a quarrel, not a panic");
    }

    #[test]
    fn what_is_no_message_is_unreadable() {
        for bytes in [&b""[..], b"garbage", b"<a", b"<a/>", "<CEB303Message>订单".as_bytes(), &[0xff; 64]] {
            assert!(matches!(read(bytes, "r", &Options::default()), Reading::Unreadable(_)));
        }
    }
}
