//! Time and randomness: the only readers of either. Everything else is handed a [`Clockwork`] or the values themselves.
//!
//! Times are microseconds since 1970 UTC. Customs writes Beijing time without a zone (message specification 202205, notes of
//! `appTime` and `returnTime`), so every wire form here is +08:00.

pub mod meter;

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset,
    format_description::BorrowedFormatItem,
    macros::{format_description, offset},
};
use uuid::Uuid;

const BEIJING: UtcOffset = offset!(+8);
const SECONDS: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day][hour][minute][second]");
const MILLISECONDS: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day][hour][minute][second][subsecond digits:3]");
const DAY: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day]");
const DAY_DASHED: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const READABLE: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+08:00");
const ENVELOPE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The last moment that can be written: "never" in a lease or a deadline.
    pub const NEVER: Self = Self(253_370_764_800_000_000);

    /// The moment at which a Beijing wall clock shows this.
    #[must_use]
    pub fn from_beijing(wall: PrimitiveDateTime) -> Self {
        Self::from_offset(wall.assume_offset(BEIJING))
    }

    fn from_offset(at: OffsetDateTime) -> Self {
        Self(i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX))
    }

    /// What a Beijing wall clock shows; a moment outside the calendar shows 1970-01-01 08:00.
    #[must_use]
    pub fn beijing(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(BEIJING)
    }

    /// The calendar day in Beijing: tax dates are compared in it.
    #[must_use]
    pub fn day(self) -> Date {
        self.beijing().date()
    }

    /// `yyyyMMddHHmmss`, the form of appTime (C14).
    #[must_use]
    pub fn to_seconds(self) -> String {
        let at = self.beijing();
        let day = day_to_wire(at.date());
        // By hand, as messages are full of them: forms cost some five times as much.
        day + &pairs([at.hour(), at.minute(), at.second()])
    }

    /// `yyyyMMddHHmmssSSS`, the form of returnTime (C17).
    #[must_use]
    pub fn to_milliseconds(self) -> String {
        written(self.beijing(), MILLISECONDS)
    }

    /// `yyyy-MM-ddTHH:mm:ss`, the form of the envelope's CreatTime.
    #[must_use]
    pub fn to_envelope(self) -> String {
        written(self.beijing(), ENVELOPE)
    }

    /// Reads `yyyyMMddHHmmssSSS` (Beijing); nothing if it is not such a moment.
    #[must_use]
    pub fn parse_milliseconds(text: &str) -> Option<Self> {
        PrimitiveDateTime::parse(text, MILLISECONDS).ok().map(Self::from_beijing)
    }

    /// Reads `yyyyMMddHHmmss` (Beijing); nothing if it is not such a moment.
    #[must_use]
    pub fn parse_seconds(text: &str) -> Option<Self> {
        PrimitiveDateTime::parse(text, SECONDS).ok().map(Self::from_beijing)
    }

    /// The time from `earlier` to this, zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn written(at: OffsetDateTime, form: &[BorrowedFormatItem<'static>]) -> String {
    // The forms name only parts that every date has, so formatting cannot fail.
    at.format(form).unwrap_or_default()
}

/// `yyyyMMdd`, the form of ieDate (C8).
#[must_use]
pub fn day_to_wire(day: Date) -> String {
    match (u8::try_from(day.year() / 100), u8::try_from(day.year() % 100)) {
        (Ok(century), Ok(year)) if century < 100 => pairs([century, year, u8::from(day.month()), day.day()]),
        _ => day.format(DAY).unwrap_or_default(),
    }
}

/// Numbers below a hundred, two digits each.
fn pairs<const N: usize>(numbers: [u8; N]) -> String {
    let digits = numbers.into_iter().flat_map(|number| [number / 10, number % 10]);
    digits.map(|digit| char::from(b'0' + digit)).collect()
}

/// The last second of a day (8 digits) in China.
#[must_use]
pub fn last_moment(day: &str) -> Option<Timestamp> {
    parse_day(day).and_then(|_| Timestamp::parse_seconds(&format!("{day}235959")))
}

/// Reads `yyyyMMdd` or `yyyy-MM-dd`; nothing if it is no day.
#[must_use]
pub fn parse_day(text: &str) -> Option<Date> {
    Date::parse(text, DAY).or_else(|_| Date::parse(text, DAY_DASHED)).ok()
}

/// Midnight in Beijing at the start of a day.
#[must_use]
pub fn start_of(day: Date) -> Timestamp {
    Timestamp::from_beijing(PrimitiveDateTime::new(day, Time::MIDNIGHT))
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.beijing(), READABLE))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_offset(system_now())
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        system_random(bytes);
    }
}

#[expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the one place that asks for randomness; without it no guid, token or key may be made"
)]
fn system_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has no random numbers to give");
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug, Default)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = unpoisoned(&self.0);
        *now = *now + by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *unpoisoned(&self.0)
    }
}

/// A clock that is always ahead of another by the same: for tests and rehearsals of nodes whose clocks differ.
#[derive(Debug)]
pub struct Shifted {
    clock: Arc<dyn Clock>,
    shift_us: i64,
}

impl Shifted {
    /// A clock ahead by so many milliseconds; behind, if they are below zero.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, shift_ms: i64) -> Self {
        Self { clock, shift_us: shift_ms.saturating_mul(1_000) }
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(self.shift_us))
    }
}

/// Repeatable pseudo-random bytes from a seed (SplitMix64): for tests and for the simulated customs' oddities, never for secrets.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = unpoisoned(&self.0);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

fn unpoisoned<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock and a source of randomness, handed to every part that needs either.
#[derive(Debug, Clone)]
pub struct Clockwork {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Clockwork {
    /// Joins a clock and a source of randomness.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The machine's own.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    /// The machine's own, put ahead by so many milliseconds: for rehearsals.
    #[must_use]
    pub fn shifted(shift_ms: i64) -> Self {
        Self::new(Arc::new(Shifted::new(Arc::new(SystemClock), shift_ms)), Arc::new(SystemEntropy))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fills `bytes` with random ones.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// A new time-ordered id (UUIDv7, RFC 9562).
    #[must_use]
    pub fn id(&self) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        let milliseconds = u64::try_from(self.now().0 / 1_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
    }

    /// A number below `bound`, which must not be zero; close enough to uniform for jitter and for dice.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        let mut random = [0; 8];
        self.fill(&mut random);
        u64::from_le_bytes(random) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_forms_are_beijing_time_and_read_back() {
        let at = Timestamp::parse_milliseconds("20261111000000123").unwrap();
        assert_eq!(at.to_string(), "2026-11-11T00:00:00.123000+08:00");
        assert_eq!(at.to_seconds(), "20261111000000");
        assert_eq!(at.to_milliseconds(), "20261111000000123");
        for at in (0..2_000).map(|step| Timestamp(step * 97_531_864_209_751)) {
            assert_eq!(at.to_seconds(), written(at.beijing(), SECONDS));
            assert_eq!(day_to_wire(at.day()), at.day().format(DAY).unwrap());
        }
        assert_eq!(at.beijing().to_offset(UtcOffset::UTC).day(), 10);
        assert_eq!(Timestamp::parse_seconds("20261111240000"), None);
    }

    #[test]
    fn ids_are_ordered_by_time_and_differ() {
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
        let work = Clockwork::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
        let (a, b) = (work.id(), work.id());
        clock.advance(Duration::from_millis(1));
        assert_ne!(a, b);
        assert!(work.id() > a.max(b));
        assert_eq!(a.get_version_num(), 7);
    }
}
