//! A store that tells the log nothing: for the one measurement that asks what the log costs.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// From now on this process writes no audit entries, to no store. Only [`crate::bench`] calls it, in a process that does nothing else:
/// nothing that can be configured, and no argument of `serve`, leads here.
pub(crate) fn begin() {
    IS_SILENT.store(true, Ordering::Relaxed);
}

/// Whether no entries are to be written.
pub(super) fn is_kept() -> bool {
    IS_SILENT.load(Ordering::Relaxed)
}
