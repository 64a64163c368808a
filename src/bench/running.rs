//! Another process of a measurement.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use super::{
    Error,
    process::{self, Used},
};

/// Another process of the run; it does not outlive it.
pub(super) struct Running {
    child: Child,
    said: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Result<Self, Error> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().map(BufReader::new);
        Ok(Self { child, said })
    }

    /// The next line that it says.
    pub(super) async fn line(&mut self) -> Result<String, Error> {
        let Some(mut said) = self.said.take() else { return Ok(String::new()) };
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).map(|_| (line, said))
        });
        let (line, said) = reading.await.map_err(|error| Error::Wrong(error.to_string()))??;
        self.said = Some(said);
        Ok(line.trim_end().to_owned())
    }

    /// Whether it has ended with a fault.
    pub(super) fn failed(&mut self) -> Result<bool, Error> {
        Ok(self.child.try_wait()?.is_some_and(|status| !status.success()))
    }

    /// What it has used so far.
    pub(super) fn used(&self) -> Result<Used, Error> {
        Ok(process::used(&self.child.id().to_string())?)
    }

    /// Lets it end, and gives what it printed if it ended well.
    pub(super) async fn end(mut self) -> Result<String, Error> {
        drop(self.child.stdin.take());
        let Some(mut said) = self.said.take() else { return Ok(String::new()) };
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            said.read_to_string(&mut text).map(|_| text)
        });
        let text = reading.await.map_err(|error| Error::Wrong(error.to_string()))??;
        let status = self.child.wait()?;
        if status.success() { Ok(text) } else { Err(Error::Wrong(format!("a process of the run ended with {status}: {text}"))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
