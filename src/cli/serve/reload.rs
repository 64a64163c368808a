//! Keys and certificates of callers, taken over from the configuration file while the gateway runs: when the file is written, or on
//! SIGHUP. Nothing else of the file is.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{access::Access, config::Config, task};

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// Looks at the file until it is told to end.
pub(super) async fn watch(file: PathBuf, access: Arc<Access>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => return tracing::warn!(error.message = %error, "SIGHUP cannot be waited for: keys are read at start only"),
    };
    let mut known = stamp(&file);
    loop {
        let is_asked = tokio::select! {
            asked = hangup.recv() => asked.is_some(),
            () = sleep(LOOK) => false,
        };
        let now = stamp(&file);
        if is_asked || now != known {
            known = now;
            reload(&file, &access);
        }
    }
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let file = fs::metadata(file).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// All of the file must be good: one that is half written changes nothing.
fn reload(file: &Path, access: &Access) {
    let error = match Config::load(file) {
        Ok(config) => match access.replace(&config.access) {
            Ok(()) => {
                let (keys, certificates) = (config.access.keys.len(), config.access.certificates.len());
                return tracing::info!(
                    access.keys = keys,
                    access.certificates = certificates,
                    "调用方密钥和证书已更新 · callers' keys and certificates were taken over"
                );
            }
            Err(error) => task::chain(&error),
        },
        Err(error) => task::chain(&error),
    };
    tracing::error!(
        error,
        "配置未能更新，继续使用原有密钥 · the configuration is of no use now; callers' keys and certificates stay as they were"
    );
}
