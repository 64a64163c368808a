//! The check of messages against the schemas, and libxml2 (xmllint) beside it: the same messages, the same schemas, turn by turn.
//!
//! Ours runs in this process over messages in memory, on one thread. xmllint is a process that reads files: a run over one file is
//! taken off, so that neither its start nor the reading of the schemas counts, and its runs without a schema are told as well. So
//! that the reading of files is hidden on neither side, ours is also measured from the same files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Serialize;
use tokio::time::Instant;

use super::Error;
use crate::message;

pub(super) mod documents;

/// What is measured.
#[derive(Debug)]
pub struct Options {
    /// How many messages, 2 or more.
    pub documents: usize,
    /// How many times each side has its turn.
    pub rounds: usize,
    /// Of what the messages say.
    pub seed: u64,
    /// A folder that is not there yet, for the files.
    pub folder: PathBuf,
}

/// Medians over the rounds.
#[derive(Debug, Serialize)]
pub struct Report {
    bench: &'static str,
    documents: usize,
    rounds: usize,
    bytes_median: usize,
    /// Reading and schema layer, from memory.
    ours_per_s: u64,
    /// With the strict layer as well.
    ours_with_strict_per_s: u64,
    /// Reading and schema layer, from files.
    ours_from_files_per_s: u64,
    libxml2: String,
    /// Reading and schema, from files.
    libxml2_per_s: u64,
    /// Reading alone, from files.
    libxml2_without_schema_per_s: u64,
    /// Ours from memory to libxml2's.
    ratio: f64,
    /// Ours from files to libxml2's.
    ratio_from_files: f64,
    ran: &'static str,
}

/// Measures.
///
/// # Errors
/// When xmllint is not there, when a message is not valid to either side, or when files cannot be written.
pub fn run(options: &Options) -> Result<Report, Error> {
    let version = version()?;
    message::load_schemas().map_err(|refusal| Error::Wrong(refusal.to_string()))?;
    let documents = documents::inventories(options.documents, options.seed).map_err(|error| Error::Wrong(error.to_string()))?;
    let place = Place::lay_out(&options.folder, &documents)?;
    let mut times = Times::default();
    for _ in 0..options.rounds {
        times.ours.push(timed(|| valid(&documents, message::validate))?);
        times.theirs.push(place.xmllint(&["--schema", SCHEMA], &place.names)?);
        times.strict.push(timed(|| valid(&documents, message::examine))?);
        times.their_start.push(place.xmllint(&["--schema", SCHEMA], place.names.get(..1).unwrap_or_default())?);
        times.from_files.push(timed(|| place.valid())?);
        times.without.push(place.xmllint(&[], &place.names)?);
        times.without_start.push(place.xmllint(&[], place.names.get(..1).unwrap_or_default())?);
    }
    Ok(times.report(options, &documents, version))
}

/// Beside the folder of messages.
const SCHEMA: &str = "../CEB603.xsd";

#[derive(Default)]
struct Times {
    ours: Vec<Duration>,
    strict: Vec<Duration>,
    from_files: Vec<Duration>,
    theirs: Vec<Duration>,
    their_start: Vec<Duration>,
    without: Vec<Duration>,
    without_start: Vec<Duration>,
}

impl Times {
    fn report(self, options: &Options, documents: &[Vec<u8>], libxml2: String) -> Report {
        let many = documents.len();
        let more = many.saturating_sub(1);
        let ours_per_s = per_second(many, median(self.ours));
        let ours_from_files_per_s = per_second(many, median(self.from_files));
        let libxml2_per_s = per_second(more, median(self.theirs).saturating_sub(median(self.their_start)));
        Report {
            bench: "schema",
            documents: many,
            rounds: options.rounds,
            bytes_median: median(documents.iter().map(Vec::len).collect()),
            ours_per_s,
            ours_with_strict_per_s: per_second(many, median(self.strict)),
            ours_from_files_per_s,
            libxml2,
            libxml2_per_s,
            libxml2_without_schema_per_s: per_second(more, median(self.without).saturating_sub(median(self.without_start))),
            ratio: ratio(ours_per_s, libxml2_per_s),
            ratio_from_files: ratio(ours_from_files_per_s, libxml2_per_s),
            ran: "one thread over CEB603 messages of our composer; xmllint --noout --nonet [--schema CEB603.xsd] over the same, less one run over 1 file",
        }
    }
}

fn median<T: Ord + Default>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    let middle = values.len() / 2;
    values.into_iter().nth(middle).unwrap_or_default()
}

fn per_second(many: usize, time: Duration) -> u64 {
    let nanoseconds = time.as_nanos().max(1);
    u128::try_from(many)
        .ok()
        .and_then(|many| many.checked_mul(1_000_000_000))
        .map_or(0, |all| u64::try_from(all / nanoseconds).unwrap_or(u64::MAX))
}

/// With two digits behind the point; zero if there is nothing to compare with.
fn ratio(ours: u64, theirs: u64) -> f64 {
    let ratio = Decimal::from(ours).checked_div(Decimal::from(theirs)).unwrap_or_default();
    ratio.round_dp(2).to_f64().unwrap_or_default()
}

fn timed(work: impl FnOnce() -> Result<(), Error>) -> Result<Duration, Error> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn valid(documents: &[Vec<u8>], judge: fn(&[u8]) -> Vec<message::Defect>) -> Result<(), Error> {
    match documents.iter().map(|document| judge(document)).find(|defects| !defects.is_empty()) {
        None => Ok(()),
        Some(defects) => Err(Error::Wrong(format!("a message of the measurement is not valid: {defects:?}"))),
    }
}

/// Where the files lie.
struct Place {
    messages: PathBuf,
    names: Vec<String>,
}

impl Place {
    fn lay_out(folder: &Path, documents: &[Vec<u8>]) -> Result<Self, Error> {
        let messages = folder.join("messages");
        fs::create_dir_all(&messages)?;
        for (name, text) in message::Pack::newest().map_or(&[][..], message::Pack::files) {
            fs::write(folder.join(name), text)?;
        }
        let names: Vec<_> = (0..documents.len()).map(|number| format!("{number}.xml")).collect();
        for (name, document) in names.iter().zip(documents) {
            fs::write(messages.join(name), document)?;
        }
        Ok(Self { messages, names })
    }

    fn valid(&self) -> Result<(), Error> {
        for name in &self.names {
            let document = fs::read(self.messages.join(name))?;
            valid(&[document], message::validate)?;
        }
        Ok(())
    }

    fn xmllint(&self, options: &[&str], names: &[String]) -> Result<Duration, Error> {
        let mut command = Command::new(XMLLINT);
        command.current_dir(&self.messages).args(["--noout", "--nonet"]).args(options).args(names);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        timed(|| match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::Wrong(format!("{XMLLINT} takes a message of the measurement for invalid: {status}"))),
            Err(error) => Err(absent(&error)),
        })
    }
}

const XMLLINT: &str = "xmllint";

fn absent(error: &std::io::Error) -> Error {
    Error::Beside(format!("{XMLLINT} 无法运行（Debian：libxml2-utils）· {XMLLINT} does not run (Debian: libxml2-utils): {error}"))
}

/// As xmllint tells it: 20914.
fn version() -> Result<String, Error> {
    let output = Command::new(XMLLINT).arg("--version").output().map_err(|error| absent(&error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(said.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default().chars().take(20).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_medians_and_rates() {
        assert_eq!(median(vec![5, 1, 9]), 5);
        assert_eq!(median(Vec::<u32>::new()), 0);
        assert_eq!(per_second(2_000, Duration::from_millis(40)), 50_000);
        assert_eq!(per_second(1, Duration::ZERO), 1_000_000_000);
        assert_eq!((ratio(50_000, 12_345), ratio(1, 0)), (4.05, 0.0));
    }

    #[test]
    fn messages_differ_are_valid_and_the_same_in_every_run() {
        let messages = documents::inventories(60, 11).unwrap();
        assert_eq!(messages, documents::inventories(60, 11).unwrap());
        assert_ne!(messages, documents::inventories(60, 12).unwrap());
        assert!(valid(&messages, message::examine).is_ok());
        let lengths: Vec<_> = messages.iter().map(Vec::len).collect();
        assert!((3_700..4_500).contains(&median(lengths)), "about 4 KB");
        let mut different = messages.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), 60);
    }
}
