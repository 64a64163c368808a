//! The folders of the simulated customs. Under DIR/<road>/: `out` is read, `in` is written, `sent` keeps what was taken as it was
//! transmitted, `received` what was answered, `unreadable` what was neither, with the reason beside it.

use std::{
    collections::{BTreeSet, VecDeque},
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    clock::{Clockwork, Timestamp},
    message::{
        self,
        dxp::{self, Opened},
    },
    receipt::Answer,
};

use super::{
    Error,
    customs::{Customs, TIME_OUT},
    dice::Dice,
    files::{self, Kept},
    options::Options,
    paper::Letter,
    reading::{Reading, read},
    report::Report,
    writing::{File, Writing},
};

/// Files taken from a road in one pass.
const FILES_A_PASS: usize = 2_000;

/// One customs with its folders.
#[derive(Debug)]
pub struct Office {
    options: Options,
    clockwork: Clockwork,
    customs: Customs,
    writing: Writing,
    /// Messages that were met before: only the first delivery of one is ever lost.
    met: BTreeSet<String>,
    /// What could not be written yet: a full disk loses nothing.
    unwritten: VecDeque<File>,
}

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pass {
    /// Files taken from the roads.
    pub taken: usize,
    /// Files written.
    pub written: usize,
}

impl Office {
    /// Opens the folders, and knows again what it took and answered before.
    ///
    /// # Errors
    /// When a road has a name that is no folder's, the script is of no use, or the folders cannot be made or read.
    pub fn open(options: Options, clockwork: Clockwork) -> Result<Self, Error> {
        for road in &options.roads {
            let plain = road.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            if road.is_empty() || !plain {
                return Err(Error::Road(road.clone()));
            }
            for folder in ["out", "in", "sent", "received", "unreadable"] {
                files::make(&options.dir.join(road).join(folder))?;
            }
        }
        let faults = options.script.faults();
        if !faults.is_empty() {
            return Err(Error::Script(faults));
        }
        let customs = Customs::new(options.clone());
        let writing = Writing::new(&options, clockwork.clone());
        let mut office = Self { options, clockwork, customs, writing, met: BTreeSet::new(), unwritten: VecDeque::new() };
        office.remember()?;
        Ok(office)
    }

    /// What it has seen.
    #[must_use]
    pub fn report(&self) -> Report {
        self.customs.report()
    }

    /// The customs behind the roads.
    #[must_use]
    pub const fn customs(&self) -> &Customs {
        &self.customs
    }

    /// Takes what lies on the roads, and writes what is due. A file that cannot be moved or read is tried again the next time.
    ///
    /// # Errors
    /// When a folder cannot be listed, or an answer cannot be written.
    pub fn pass(&mut self) -> Result<Pass, Error> {
        let mut pass = Pass::default();
        for road in self.options.roads.clone() {
            for path in files::list(&self.folder(&road, "out"), FILES_A_PASS)? {
                match self.take(&road, &path) {
                    Ok(()) => pass.taken += 1,
                    Err(error) => tracing::warn!(road.name = road, error = %error.kind(), "simulated customs cannot take a file now"),
                }
            }
        }
        let now = self.clockwork.now();
        for said in self.customs.due(now) {
            self.writing.add(said);
        }
        self.unwritten.extend(self.writing.ready(now)?);
        while let Some(file) = self.unwritten.front() {
            self.write(file)?;
            self.unwritten.pop_front();
            pass.written += 1;
        }
        Ok(pass)
    }

    fn folder(&self, road: &str, name: &str) -> PathBuf {
        self.options.dir.join(road).join(name)
    }

    fn take(&mut self, road: &str, path: &Path) -> io::Result<()> {
        let bytes = files::read(path)?;
        let now = self.clockwork.now();
        match read(&bytes, road, &self.options) {
            Reading::Unreadable(why) => {
                self.customs.report_mut().unreadable += 1;
                files::set_aside(path, &self.folder(road, "unreadable"), &why)
            }
            Reading::Letter(letter) => {
                if !self.loses(&letter, now) {
                    self.customs.take(&letter, now);
                    return self.keep(road, path, &bytes, &letter, now);
                }
                fs::remove_file(path)
            }
            Reading::Refused(letter, refusal) => {
                self.customs.refuse(&letter, refusal, now);
                self.keep(road, path, &bytes, &letter, now)
            }
        }
    }

    /// Whether a delivery is lost on purpose: silently, or with a time-out reported. Only ever the first one of a message.
    fn loses(&mut self, letter: &Letter, now: Timestamp) -> bool {
        let (dice, odd) = (Dice(self.options.seed), self.options.oddities);
        if !self.met.insert(letter.guid.clone()) {
            return false;
        }
        if dice.chance(odd.silence, "silence", &letter.guid) {
            self.customs.report_mut().silenced += 1;
            return true;
        }
        if !letter.address.enveloped || !dice.chance(odd.time_out, "time-out", &letter.guid) {
            return false;
        }
        self.customs.time_out(letter, now);
        dice.roll("time-out", &letter.original) & 1 == 0
    }

    fn keep(&mut self, road: &str, path: &Path, bytes: &[u8], letter: &Letter, now: Timestamp) -> io::Result<()> {
        files::date(path, now)?;
        let name = format!("{}_{}", plain(&letter.message_type), plain(&letter.guid));
        if files::keep(path, &self.folder(road, "sent"), &name, bytes)? == Kept::UnderAnotherName {
            self.customs.report_mut().renamed += 1;
        }
        Ok(())
    }

    fn write(&self, file: &File) -> io::Result<()> {
        let received = file.is_answer.then(|| self.folder(&file.road, "received"));
        files::write(&self.folder(&file.road, "in"), received.as_deref(), &file.name, &file.bytes)
    }

    /// Reads again what was answered, then what was taken, in the order in which it came.
    fn remember(&mut self) -> Result<(), Error> {
        for road in self.options.roads.clone() {
            for path in files::list(&self.folder(&road, "received"), usize::MAX)? {
                self.remember_answer(&files::read(&path)?);
            }
        }
        let mut taken = Vec::new();
        for road in self.options.roads.clone() {
            for path in files::list(&self.folder(&road, "sent"), usize::MAX)? {
                taken.push((files::dated(&path)?, road.clone(), path));
            }
        }
        taken.sort();
        for (at, road, path) in taken {
            // Never later than now: a clock that was set back must not hold everything up.
            let at = if at > self.clockwork.now() { self.clockwork.now() } else { at };
            // What was said before it came counts: a document that had met 4 was not alive any more.
            for said in self.customs.due(at) {
                self.writing.add(said);
            }
            match read(&files::read(&path)?, &road, &self.options) {
                Reading::Letter(letter) => {
                    self.met.insert(letter.guid.clone());
                    self.customs.take(&letter, at);
                }
                Reading::Refused(letter, refusal) => self.customs.refuse(&letter, refusal, at),
                Reading::Unreadable(_) => {}
            }
        }
        Ok(())
    }

    fn remember_answer(&mut self, bytes: &[u8]) {
        let answer = match dxp::open(bytes) {
            Ok(Opened::Envelope(envelope)) => message::parse_answer(&envelope.data),
            Ok(Opened::Business(_) | Opened::Report(_)) => message::parse_answer(bytes),
            Err(_) => return,
        };
        match answer {
            Ok(Answer::Receipts(receipts)) => receipts.iter().for_each(|receipt| self.customs.remember(receipt)),
            Ok(Answer::SummaryResults(results)) => results.iter().for_each(|result| self.customs.remember_result(result)),
            Ok(Answer::Format(receipt)) => self.customs.remember_refusal(&receipt.original),
            Ok(Answer::Transport(receipt)) if receipt.code == TIME_OUT => {}
            Ok(Answer::Transport(receipt)) => self.customs.remember_refusal(&receipt.original),
            Err(_) => {}
        }
    }
}

/// What of a text may stand in the name of a file.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(80).collect()
}
