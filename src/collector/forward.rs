//! Handing on what is not ours.

use std::{fs, path::PathBuf};

use crate::{endpoint::folder::put, queue::Fault, store::LeasedArrival};

/// Puts an arrival into the folder under its own name, on the disk before this returns. Where other bytes stand under that name, or
/// it is no name for a file, under the arrival's id.
pub(super) async fn forward(folder: PathBuf, arrival: &LeasedArrival) -> Result<(), Fault> {
    let (id, name, bytes) = (arrival.id, arrival.name.clone(), arrival.bytes.clone());
    let done = tokio::task::spawn_blocking(move || {
        let taken = fs::symlink_metadata(folder.join(&name)).is_ok() && !fs::read(folder.join(&name)).is_ok_and(|found| found == bytes);
        let own = format!("{id}.xml");
        match put(&folder, if taken { &own } else { &name }, &bytes) {
            Err(Fault::Permanent(_)) => put(&folder, &own, &bytes),
            done => done,
        }
    });
    done.await.unwrap_or_else(|_| Err(Fault::Unknown("the work was cut off".into())))
}
