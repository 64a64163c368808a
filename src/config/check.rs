//! What the check goes by: the tables that are configured, read and held to having no fault.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::check::parameters::{Faults, Limits, MOST_BYTES, Parameters, Rates};

/// What the check goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct CheckOptions {
    /// A CSV file of exchange rates: `currency,rate,from,until,source`. Without one, the limit of a parcel is checked only where
    /// amounts are in yuan.
    pub rates: Option<PathBuf>,
    /// A CSV file of limits, in place of those that are shipped: `name,value,from,until,source`.
    pub limits: Option<PathBuf>,
    /// Uses the shipped sample rates: made up, for demonstrations only.
    pub sample_rates: bool,
}

/// A table of the configuration that is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{name} {path}:\n{what}", path = .path.display())]
pub struct TableError {
    name: &'static str,
    path: PathBuf,
    what: String,
}

impl CheckOptions {
    /// Reads the tables.
    ///
    /// # Errors
    /// Everything that is wrong with each of them, by line.
    pub fn parameters(&self) -> Result<Parameters, Vec<TableError>> {
        let mut faults = Vec::new();
        let limits = table("check.limits", self.limits.as_deref(), Limits::read, &mut faults).unwrap_or_default();
        let rates = table("check.rates", self.rates.as_deref(), Rates::read, &mut faults);
        let rates = rates.unwrap_or_else(|| if self.sample_rates { Rates::sample() } else { Rates::default() });
        if faults.is_empty() { Ok(Parameters { limits, rates }) } else { Err(faults) }
    }
}

fn table<T>(
    name: &'static str,
    file: Option<&Path>,
    parse: impl FnOnce(&str) -> Result<T, Faults>,
    faults: &mut Vec<TableError>,
) -> Option<T> {
    let path = file?;
    let read = text(path).map_err(|error| format!("  无法读取 · cannot be read: {error}"));
    match read.and_then(|text| parse(&text).map_err(|error| error.to_string())) {
        Ok(table) => Some(table),
        Err(what) => {
            faults.push(TableError { name, path: path.to_owned(), what });
            None
        }
    }
}

/// One byte more than a table may have is read of it: then it is seen to be too large.
fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn without_a_table_there_are_limits_and_no_rates() {
        let parameters = CheckOptions::default().parameters().unwrap();
        assert_eq!(parameters, Parameters::default());
        assert!(parameters.rates.is_empty() && parameters.limits.rows().count() == 2);
        assert!(!CheckOptions { sample_rates: true, ..CheckOptions::default() }.parameters().unwrap().rates.is_empty());
    }

    #[test]
    fn every_fault_of_every_table_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let (rates, limits) = (folder.path().join("rates.csv"), folder.path().join("limits.csv"));
        fs::write(&rates, "currency,rate,from,until,source\nUSD,0,2026-01-01,2026-01-31,x\nXXX,1,2026-01-01,soon,\n").unwrap();
        let options = CheckOptions { rates: Some(rates), limits: Some(limits), sample_rates: false };
        let told: Vec<_> = options.parameters().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:#?}");
        assert!(told[0].starts_with("check.limits ") && told[0].contains("cannot be read"), "{told:#?}");
        assert_eq!(told[1].matches("line 2").count(), 1, "{told:#?}");
        assert_eq!(told[1].matches("line 3").count(), 3, "{told:#?}");
    }
}
