//! From documents to messages that are ready to be sealed, leaving out what does not fit.

use super::{Clockwork, Kind, Leased, MessageId, Sender, Timestamp};
use crate::message::{self, Outgoing};

/// The most defects that a reason names.
const MAX_TOLD: usize = 3;

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
    kind: Kind,
    sender: &Sender,
    documents: &'a [Leased],
    at: Timestamp,
    largest: usize,
) -> (Vec<Composed<'a>>, Vec<Unfit<'a>>) {
    let (mut composed, mut unfit) = (Vec::new(), Vec::new());
    let mut rest = vec![documents];
    while let Some(documents) = rest.pop() {
        let id = MessageId(clockwork.id());
        match whole(kind, id, sender, documents, at, largest) {
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

fn whole(kind: Kind, id: MessageId, sender: &Sender, documents: &[Leased], at: Timestamp, largest: usize) -> Result<Vec<u8>, String> {
    let outgoing = documents.iter().map(|Leased { document, content, waybill_no }| Outgoing { document, content, waybill_no });
    let outgoing: Vec<_> = outgoing.collect();
    let bytes = message::compose(kind, id, sender, &outgoing, at).map_err(|error| error.to_string())?;
    if bytes.len() > largest {
        return Err(format!("larger than {largest} bytes"));
    }
    match message::examine(&bytes).as_slice() {
        [] => Ok(bytes),
        // Acceptance should have refused it: what comes here is a hole in the checks.
        defects => {
            let told = defects.iter().take(MAX_TOLD).map(|defect| format!("{} {} {}", defect.path, defect.code, defect.en));
            Err(told.collect::<Vec<_>>().join("; "))
        }
    }
}
