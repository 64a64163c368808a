//! A simulated customs for rehearsals: the port and customs of both districts, the site operator and the carriers, behind folder
//! roads. One customs stands behind all roads.
//!
//! It validates, verifies signatures, takes every kind of document, matches order, waybill and inventory, moves inventories with their
//! bill, cancels, lets goods come back, sums into customs declarations; answers as production does with its oddities, refuses what
//! deserves it, keeps what it took and what it answered, and counts what was declared twice. As a sandbox it does with single documents
//! what a script, or the document's own number, asks for. It shares our readers and writers, so it proves nothing about them.
//!
//! | part | does |
//! | --- | --- |
//! | [`options`] | what it is told |
//! | [`script`] | what is to become of certain documents |
//! | `reading` | bytes to letters, or to the reason why not |
//! | [`customs`] | the life of documents; no input, no output |
//! | `writing` | words to files, with oddities |
//! | [`office`] | the folders; restarts |
//! | [`flaky`] | a road that breaks before or after it has taken a message |
//!
//! A restart reads `received` and then `sent` of every road, in the order in which messages were taken (their files are dated by
//! it). The dice fall the same way again, so what was said is known and what was not said is said. Deliveries lost on purpose are
//! lost by the message's guid, once; who sends again gets through. No receipt is ever lost: 899 always comes.
//!
//! What it does not play: officers who refuse an inventory after 120, goods that customs holds, customs declarations after their number.

pub mod customs;
mod dice;
mod files;
pub mod flaky;
pub mod office;
pub mod options;
pub mod paper;
mod reading;
pub mod record;
mod report;
pub mod script;
mod signature;
mod writing;

use std::io;

use tokio::sync::watch;

pub use flaky::{Breaks, Flaky};
pub use office::{Office, Pass};
pub use options::{Delays, Identity, Matching, Movement, Oddities, Options, Signatures};
pub use report::{Counts, Report};
pub use script::{Fate, Outcome, Rule, Script};

use crate::{clock::Clockwork, message};

/// Why the simulated customs stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A road's name is no name for a folder.
    #[error("通道 {0:?} 的名称不能用作文件夹 · the road {0:?} has a name that is not fit for a folder")]
    Road(String),
    /// Its script is of no use.
    #[error("模拟海关的脚本有误 · the script of the simulated customs is of no use:\n{}", .0.join("\n"))]
    Script(Vec<String>),
    /// A folder failed.
    #[error("模拟海关的文件夹出错 · a folder of the simulated customs failed")]
    Folder(#[from] io::Error),
    /// An answer cannot be written.
    #[error("模拟海关的回执无法写出 · an answer of the simulated customs cannot be written")]
    Message(#[from] message::Error),
    /// Its work was cut off.
    #[error("模拟海关被中断 · the simulated customs was cut off")]
    CutOff,
}

/// Plays customs until it is told to stop, and reports what it has seen.
///
/// # Errors
/// When its folders cannot be opened. Failures later are logged and tried again.
pub async fn run(options: Options, clockwork: Clockwork, mut stop: watch::Receiver<bool>) -> Result<Report, Error> {
    let poll = options.poll();
    let mut office = blocking(move || Office::open(options, clockwork)).await??;
    loop {
        let (back, pass) = blocking(move || {
            let pass = office.pass();
            (office, pass)
        })
        .await?;
        office = back;
        if let Err(error) = pass {
            tracing::warn!(error = %error, "a pass of the simulated customs failed; it is tried again");
        }
        if *stop.borrow() {
            return Ok(office.report());
        }
        tokio::select! {
            () = tokio::time::sleep(poll) => {}
            changed = stop.changed() => if changed.is_err() { return Ok(office.report()) },
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::CutOff)
}
