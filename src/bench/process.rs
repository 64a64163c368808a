//! What a process has used, as Linux tells it under `/proc`.

use std::{fs, io, time::Duration};

/// Ticks of `/proc/…/stat` in a second: fixed at 100 for programs on Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// User and system time of all its threads, those that have ended included.
    pub cpu: Duration,
    /// The most memory that it has held at once, in KiB.
    pub peak_kib: u64,
}

/// What the process of that id (`self`: this one) has used.
///
/// # Errors
/// If there is no such process, or `/proc` is not as on Linux.
pub fn used(pid: &str) -> io::Result<Used> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let odd = || io::Error::new(io::ErrorKind::InvalidData, "/proc is not as expected");
    let cpu = ticks(&stat).ok_or_else(odd)?;
    Ok(Used { cpu, peak_kib: peak(&status).ok_or_else(odd)? })
}

/// What the children of the parent of a process and the parent have used so far: a server with a process for each connection. Nothing if
/// that process is not on this machine; memory is not added up, since they share most of it.
///
/// # Errors
/// If `/proc` is not as on Linux.
pub fn family(pid: u32) -> io::Result<Used> {
    let parent_of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let parent: u32 = rest.split_ascii_whitespace().nth(1)?.parse().ok()?;
        name.contains("(postgres").then(|| Some((parent, all_ticks(&stat)?, ticks(&stat)?)))?
    };
    let Some((parent, ..)) = parent_of(pid) else { return Ok(Used::default()) };
    // The parent's account holds that of its children that have ended.
    let mut cpu = parent_of(parent).map(|(_, all, _)| all).unwrap_or_default();
    for entry in fs::read_dir("/proc")? {
        let Some(other) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some((_, _, own)) = parent_of(other).filter(|(its, ..)| *its == parent) {
            cpu += own;
        }
    }
    Ok(Used { cpu, peak_kib: 0 })
}

/// CPU of the threads of this process whose name begins so, by their age.
///
/// # Errors
/// If `/proc` is not as on Linux.
pub fn threads(name: &str) -> io::Result<Vec<Duration>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/task")? {
        let entry = entry?;
        let id: u64 = entry.file_name().to_str().and_then(|id| id.parse().ok()).unwrap_or(0);
        // A thread may end while we look.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let own = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(own, _)| own);
        if let (true, Some(cpu)) = (own.starts_with(name), ticks(&stat)) {
            found.push((id, cpu));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, cpu)| cpu).collect())
}

/// User and system time from a `stat` line, whose second field is a name in brackets that may hold anything.
fn ticks(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    TICK.checked_mul(user.checked_add(system)?)
}

/// As [`ticks`], with the children that have ended.
fn all_ticks(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks = rest.split_ascii_whitespace().skip(11).take(4).map(str::parse::<u32>).sum::<Result<u32, _>>().ok()?;
    TICK.checked_mul(ticks)
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_proc() {
        let stat = "7 (a name) (x) S 1 7 7 0 -1 4194304 1 2 3 4 150 25 6 7 20 0 3 0 99 1000 200 18446744073709551615";
        assert_eq!(ticks(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(ticks("7 (x) S 1"), None);
        assert_eq!(peak("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS: 1 kB\n"), Some(2_048));
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(used("self").unwrap().peak_kib > 0);
        assert!(used("no such process").is_err());
        assert!(threads("no such thread").unwrap().is_empty());
    }
}
