//! The exemption advice as callers see it.

use super::{convert::text, proto};
use crate::{
    declaration::DeclarationId,
    exemption::{self, NOTICE_EN, NOTICE_ZH, Paper, PaperLine, Part, Worded},
};

pub(super) fn of(paper: &Paper) -> proto::Advice {
    proto::Advice { notice: Some(text(NOTICE_ZH, NOTICE_EN)), lines: paper.lines.iter().map(line).collect() }
}

/// The advice as kept; nothing, and a word in the log, if it cannot be read: the rest of the declaration can still be shown.
pub(super) fn kept(id: DeclarationId, body: &str) -> Option<proto::Advice> {
    exemption::read(body)
        .inspect_err(|error| tracing::error!(declaration.id = %id, error.message = %error, "kept exemption advice cannot be read"))
        .ok()
        .as_ref()
        .map(of)
}

fn line(line: &PaperLine) -> proto::LineAdvice {
    let part = match line.part {
        Part::Whole => "whole",
        Part::Kept => "kept",
        Part::Returned => "returned",
    };
    proto::LineAdvice {
        line: line.line,
        part: part.into(),
        outcome: line.outcome.as_str().into(),
        outcome_text: Some(text(line.outcome.zh(), line.outcome.en())),
        stage: line.stage.as_str().into(),
        rule: line.rule.to_string(),
        curable: line.curable,
        reasons: line.reasons.iter().map(reason).collect(),
        pending: line.pending.iter().map(reason).collect(),
        notes: line.notes.iter().map(reason).collect(),
    }
}

fn reason(reason: &Worded) -> proto::Reason {
    let remedy = !(reason.remedy_zh.is_empty() && reason.remedy_en.is_empty());
    proto::Reason {
        code: reason.code.to_string(),
        rule: reason.rule.to_string(),
        text: Some(text(&*reason.zh, &*reason.en)),
        legal_basis: reason.legal_basis.to_string(),
        remedy: remedy.then(|| text(&*reason.remedy_zh, &*reason.remedy_en)),
    }
}
