//! The callers of a measurement as processes of their own, one for each gateway.

use std::{path::PathBuf, process::Command};

use super::{Error, load, running::Running};

/// What callers send together.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    /// So many declarations.
    pub declarations: usize,
    /// In a second.
    pub rate: Option<u32>,
    /// Without their waybills.
    pub alone: bool,
    /// By mutual TLS, with what is in this folder.
    pub certificates: Option<PathBuf>,
}

/// Callers at work.
pub(super) struct Callers(Vec<Running>);

impl Callers {
    /// Starts one for each address; what they send together is divided among them.
    pub(super) fn start(addresses: &[String], calls: &Calls) -> Result<Self, Error> {
        let Calls { declarations, rate, alone, certificates } = calls;
        let program = std::env::current_exe()?;
        let many = addresses.len();
        let share = |place: usize| declarations * place / many;
        let mut callers = Vec::with_capacity(many);
        for (place, address) in addresses.iter().enumerate() {
            let (first, end) = (share(place), share(place + 1));
            let mut command = Command::new(&program);
            let scheme = if certificates.is_some() { "https" } else { "http" };
            command.args(["bench", "--load", &format!("{scheme}://{address}")]);
            if let Some(folder) = certificates {
                command.arg("--dir").arg(folder);
            }
            command.args(["--first", &first.to_string(), "--lives", &(end - first).to_string()]);
            if let Some(rate) = rate {
                let rate = rate / u32::try_from(many).unwrap_or(1);
                command.args(["--rate", &rate.to_string()]);
            }
            if *alone {
                command.arg("--alone");
            }
            callers.push(Running::start(&mut command)?);
        }
        Ok(Self(callers))
    }

    /// Whether one has ended with a fault.
    pub(super) fn failed(&mut self) -> Result<bool, Error> {
        self.0.iter_mut().try_fold(false, |failed, callers| Ok(failed | callers.failed()?))
    }

    /// Waits until all have sent everything, and tells what they saw.
    pub(super) async fn end(self) -> Result<load::Report, Error> {
        let mut all = load::Report::default();
        for callers in self.0 {
            let report = serde_json::from_str(&callers.end().await?);
            all.add(report.map_err(|error| Error::Wrong(format!("the callers' report: {error}")))?);
        }
        Ok(all)
    }
}
