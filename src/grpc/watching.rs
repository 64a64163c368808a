//! What the door looks after while it is open: keys and certificates that expire, and what was refused.

use std::time::Duration;

use tokio::time::sleep;

use super::{Door, stopped};
use crate::{
    store::{Application, Change},
    task,
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks between two accounts of what was refused.
const LOOKS_OF_A_MINUTE: u32 = 60;
/// Addresses that are named in one account.
const NAMED: usize = 20;

/// Looks until the gateway stops.
pub(super) async fn watch(door: Door) {
    let mut stop = Box::pin(stopped(door.stop.clone()));
    let mut looks: u32 = 0;
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = sleep(LOOK) => {}
        }
        door.parts.access.look_again();
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(LOOKS_OF_A_MINUTE) {
            tell_refusals(&door).await;
        }
    }
}

/// Writes what was refused to known callers into the audit log, and to unknown ones into the program's own.
pub(super) async fn tell_refusals(door: &Door) {
    let parts = &door.parts;
    let (entries, unknown) = parts.access.refusals().take(&parts.clockwork);
    if !unknown.is_empty() {
        let calls: u64 = unknown.values().sum();
        let mut addresses: Vec<_> = unknown.iter().filter_map(|(address, calls)| address.map(|address| (calls, address))).collect();
        addresses.sort_unstable_by(|a, b| b.cmp(a));
        let most: Vec<_> = addresses.iter().take(NAMED).map(|(calls, address)| format!("{address}: {calls}")).collect();
        tracing::warn!(
            calls.refused = calls,
            calls.addresses = unknown.len(),
            calls.most = most.join(", "),
            "有未知调用方被拒绝 · callers without a known key or certificate were refused"
        );
    }
    if entries.is_empty() {
        return;
    }
    let change = Change { entries, ..Change::default() };
    let application = Application { changes: vec![change], ..Application::default() };
    if let Err(error) = parts.store.apply(parts.clockwork.now(), application).await {
        tracing::error!(error = task::chain(&error), "拒绝记录未能写入审计日志 · what was refused could not be written into the audit log");
    }
}
