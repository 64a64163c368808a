//! From documents to messages that are ready to be sealed, leaving out what does not fit.

use super::{Clockwork, Kind, Leased, MessageId, Pack, Sender, Timestamp};
use crate::{
    clock::meter::{Work, measured},
    message::{self, Outgoing},
};

/// The most defects that a reason names.
const MAX_TOLD: usize = 3;

/// What a message is: by which pack, and of what.
type Form = (Option<&'static Pack>, Kind);

/// A composed message that fits its schema and the specification's text, not sealed.
pub(super) struct Composed<'a> {
    pub id: MessageId,
    pub bytes: Vec<u8>,
    pub documents: &'a [Leased],
}

/// A document that cannot be composed.
pub(super) struct Unfit<'a> {
    pub leased: &'a Leased,
    /// Names elements, never values.
    pub reason: String,
}

/// Composes documents into one message; into halves, and halves of these, where one of them does not fit.
pub(super) fn compose<'a>(
    clockwork: &Clockwork,
    form: Form,
    sender: &Sender,
    documents: &'a [Leased],
    at: Timestamp,
    largest: usize,
) -> (Vec<Composed<'a>>, Vec<Unfit<'a>>) {
    let (mut composed, mut unfit) = (Vec::new(), Vec::new());
    let mut rest = vec![documents];
    while let Some(documents) = rest.pop() {
        let id = MessageId(clockwork.id());
        match whole(form, id, sender, documents, at, largest) {
            Ok(bytes) => composed.push(Composed { id, bytes, documents }),
            Err(reason) => match documents {
                [] => {}
                [leased] => unfit.push(Unfit { leased, reason }),
                _ => {
                    let (left, right) = documents.split_at(documents.len() / 2);
                    rest.extend([right, left]);
                }
            },
        }
    }
    (composed, unfit)
}

fn whole(form: Form, id: MessageId, sender: &Sender, documents: &[Leased], at: Timestamp, largest: usize) -> Result<Vec<u8>, String> {
    let outgoing = documents.iter().map(|Leased { document, content, waybill_no, .. }| Outgoing { document, content, waybill_no });
    let outgoing: Vec<_> = outgoing.collect();
    let (pack, kind) = form;
    let bytes = message::compose_in(pack, kind, id, sender, &outgoing, at).map_err(|error| error.to_string())?;
    if bytes.len() > largest {
        return Err(format!("larger than {largest} bytes"));
    }
    match measured(Work::Schema, || message::examine_in(pack, &bytes)).as_slice() {
        [] => Ok(bytes),
        // Acceptance should have refused it: what comes here is a hole in the checks.
        defects => {
            let told = defects.iter().take(MAX_TOLD).map(|defect| format!("{} {} {}", defect.path, defect.code, defect.en));
            Err(told.collect::<Vec<_>>().join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        check::{
            TakenWaybill, check_waybill,
            sample::{TODAY, sample_waybill},
        },
        clock::{ManualClock, SeededEntropy},
        dossier::Content,
        intake::prepare::new_document,
        party::{Actor, Party, Tenant},
    };

    #[test]
    fn what_does_not_fit_its_schema_stands_aside_alone() {
        let clockwork = Clockwork::new(Arc::new(ManualClock::at(Timestamp::default())), Arc::new(SeededEntropy::new(1)));
        let actor = Actor::gateway(Tenant::local(), "packer");
        let good = check_waybill(&sample_waybill(), &TakenWaybill::default(), TODAY).unwrap().into_parts().0;
        let leased = |place: usize| {
            let mut waybill = good.clone();
            // Acceptance would never let these in.
            match place {
                3 => waybill.waybill_no = "W".repeat(33),
                5 => waybill.currency = "人民币".to_owned(),
                _ => {}
            }
            let document = new_document(Kind::Waybill, "s".to_owned(), "r".to_owned(), &actor, &clockwork, Timestamp::NEVER);
            Leased { document, content: Content::Waybill(Arc::new(waybill)), waybill_no: String::new(), trace: None }
        };
        let documents: Vec<_> = (0..8).map(leased).collect();
        let sender = Sender {
            name: "s".to_owned(),
            party: Party { code: "4401960ABC".to_owned(), name: "报关行".to_owned() },
            dxp_id: "DXPENT0000000001".to_owned(),
            signer: "k".to_owned(),
            road: "r".to_owned(),
            ..Sender::default()
        };
        let (composed, unfit) = compose(&clockwork, (Pack::newest(), Kind::Waybill), &sender, &documents, Timestamp::default(), 1 << 20);
        assert_eq!(composed.iter().map(|message| message.documents.len()).sum::<usize>(), 6);
        let reasons: Vec<_> = unfit.iter().map(|unfit| unfit.reason.as_str()).collect();
        let expected = [
            "/CEB505Message/Logistics[1]/logisticsNo S-LENGTH must have at most 32 characters, has 33",
            "/CEB505Message/Logistics[1]/currency X-PARAMETER a parameter code has 3 letters or digits",
        ];
        assert_eq!(reasons, expected);
    }
}
