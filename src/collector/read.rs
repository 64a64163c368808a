//! What an arrival turns out to be.

use crate::{
    clock::meter::{Work, measured},
    declaration::SummaryResult,
    message::{
        self,
        dxp::{self, Opened},
    },
    receipt::{Answer, FormatReceipt, Receipt, TransportReceipt},
    store::LeasedArrival,
};

/// Bytes from which on an arrival is read aside.
const LARGE: usize = 256 << 10;

/// An arrival, read.
pub(super) enum Reading {
    /// Receipts for documents.
    Receipts(Vec<Receipt>),
    /// Results of summaries.
    Summed(Vec<SummaryResult>),
    /// An answer about a whole message.
    Whole(WholeAnswer),
    /// Nothing that can be read; the reason names elements, never values.
    Nothing(String),
}

/// An answer about a whole message.
pub(super) enum WholeAnswer {
    /// 900.
    Format(FormatReceipt),
    /// DxpRep.
    Transport(TransportReceipt),
}

/// An arrival with its receipts.
pub(super) struct ReadReceipts {
    pub arrival: LeasedArrival,
    pub receipts: Vec<Receipt>,
}

/// Reads what came, in an envelope or without. What takes long does not hold up the other tasks of its thread.
pub(super) async fn read(mut arrival: LeasedArrival) -> (LeasedArrival, Reading) {
    if arrival.bytes.len() < LARGE {
        let reading = parse(&arrival.bytes);
        return (arrival, reading);
    }
    let bytes = std::mem::take(&mut arrival.bytes);
    let done = tokio::task::spawn_blocking(move || {
        let reading = parse(&bytes);
        (bytes, reading)
    });
    let reading = match done.await {
        Ok((bytes, reading)) => {
            arrival.bytes = bytes;
            reading
        }
        Err(_) => Reading::Nothing("its reading was cut off".to_owned()),
    };
    (arrival, reading)
}

fn parse(bytes: &[u8]) -> Reading {
    measured(Work::Read, || open(bytes))
}

fn open(bytes: &[u8]) -> Reading {
    let answer = dxp::open(bytes).and_then(|opened| match opened {
        Opened::Business(_) => message::parse_answer(bytes),
        Opened::Envelope(envelope) => message::parse_answer(&envelope.data),
        Opened::Report(report) => Ok(Answer::Transport(report)),
    });
    match answer {
        Ok(Answer::Receipts(receipts)) => Reading::Receipts(receipts),
        Ok(Answer::SummaryResults(results)) => Reading::Summed(results),
        Ok(Answer::Format(receipt)) => Reading::Whole(WholeAnswer::Format(receipt)),
        Ok(Answer::Transport(report)) => Reading::Whole(WholeAnswer::Transport(report)),
        Err(error) => Reading::Nothing(error.to_string()),
    }
}
