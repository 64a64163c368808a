//! What the gateway reads from files as it starts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Error;
use crate::{
    audit::{LogKey, LogVerifier},
    config::Config,
    exemption::{Advisor, Library, Version},
};

fn read(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::File(path.clone(), error))
}

/// The secret key of the log.
pub(super) fn log_key(config: &Config) -> Result<LogKey, Error> {
    let file = &config.audit.key;
    LogKey::parse(read(file)?.trim()).map_err(|error| Error::LogKey(file.clone(), error))
}

/// The public key of the log: from the secret one, or where a node has not got that, from the file beside it.
pub(super) fn log_verifier(file: &Path) -> Option<LogVerifier> {
    let secret = fs::read_to_string(file).ok().and_then(|text| LogKey::parse(text.trim()).ok());
    let public = || LogVerifier::parse(fs::read_to_string(file.with_extension("vkey")).ok()?.trim()).ok();
    secret.map(|key| key.verifier()).or_else(public)
}

/// Who advises on the exemption, with the libraries that the configuration names.
pub(super) fn advisor(config: &Config) -> Result<Advisor, Error> {
    let options = &config.exemption;
    let mut library = if options.sample_library { Library::sample().map_err(Error::Sample)? } else { Library::default() };
    for file in &options.libraries {
        library = library.with(Version::parse_csv(&read(file)?).map_err(|error| Error::Library(file.clone(), error))?);
    }
    let rates = config.check.parameters().map_err(Error::Check)?.rates;
    Ok(Advisor::new(library, options.settings.clone(), options.sellers.clone())?.with_rates(rates))
}
