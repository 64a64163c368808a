//! Codes: what they are made of, how a device gets it, and what opens where the device is lost.

use fast_qr::{QRBuilder, convert::svg::SvgBuilder};
use totp_rs::{Algorithm, Builder, Totp};

use super::{Accounts, Error, Opening, digest, field};
use crate::{
    clock::Timestamp,
    party::Actor,
    store::{AccountChange, Holder, KeptAccount},
};

/// Bytes of a secret: as long as the digest that codes are made by (RFC 4226, 4).
const SECRET: usize = 20;
/// Recovery codes that a person gets.
const RECOVERY: usize = 8;
/// Of so many letters and digits, 5 bits each.
const RECOVERY_LETTERS: usize = 16;
/// No letters that look alike.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const ISSUER: &str = "Tongguan";

/// What a device is to take in.
pub struct Enrolment {
    /// The address that devices read.
    pub uri: String,
    /// The same to be typed.
    pub secret: String,
    /// The same as a picture, an SVG.
    pub picture: String,
}

fn totp(name: &str, secret: &[u8]) -> Result<Totp, Error> {
    let built = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(secret.to_vec())
        .with_account_name(name.to_owned())
        .with_issuer(Some(ISSUER))
        .build();
    // A secret that could not be decrypted is none.
    built.map_err(|_| Error::invalid("该账户的动态码须重置", "this account's codes are to be made anew: have it reset"))
}

/// The step of a code, if it is one that has not opened yet.
pub(super) fn step_of(account: &KeptAccount, code: &str, now: Timestamp) -> Option<i64> {
    let secret = account.secret.as_deref()?;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.0 / 1_000_000).ok()?;
    let step = totp(&account.name, secret).ok()?.check(&code, seconds)?;
    i64::try_from(step).ok().filter(|step| *step > account.last_step)
}

/// The account without a recovery code, if this is one of its.
pub(super) fn recovered(account: &KeptAccount, code: &str) -> Option<KeptAccount> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let given = digest(&plain);
    let recovery: Vec<_> = account.recovery.iter().filter(|known| **known != given).cloned().collect();
    (recovery.len() < account.recovery.len()).then(|| KeptAccount { recovery, ..account.clone() })
}

impl Accounts {
    /// What a person's device is to take in: made now, if it was not yet. It is shown until a code has come of it, and never after.
    ///
    /// # Errors
    /// If the person has shown a code already, or the store cannot be read or written.
    pub async fn enrolment(&self, name: &str) -> Result<Enrolment, Error> {
        let account = self.named(name).await?;
        if account.enrolled {
            return Err(Error::invalid("动态码已启用", "codes are in use already"));
        }
        if account.secret.is_none() {
            let secret = self.random::<SECRET>().to_vec();
            let made = |account: &KeptAccount, _| {
                let secret = account.secret.clone().unwrap_or_else(|| secret.clone());
                let account = KeptAccount { secret: Some(secret), ..account.clone() };
                Ok(AccountChange { account, ends: false, begins: None, entries: Vec::new() })
            };
            self.change(name, made).await?;
        }
        let account = self.named(name).await?;
        let totp = totp(&account.name, account.secret.as_deref().unwrap_or_default())?;
        let unmade = || Error::invalid("无法生成动态码", "codes cannot be made for this name");
        let uri = totp.to_url().map_err(|_| unmade())?;
        let picture = QRBuilder::new(uri.as_str()).build().map_err(|_| unmade())?;
        Ok(Enrolment { secret: totp.secret().to_base32(), picture: SvgBuilder::default().to_str(&picture), uri })
    }

    /// Takes the first code of a person's device; from then on codes are asked for. Gives the recovery codes, once.
    ///
    /// # Errors
    /// If the code is wrong, or the store cannot be read or written.
    pub async fn enrol(&self, by: &Actor, name: &str, code: &str, opening: Opening) -> Result<Vec<String>, Error> {
        let plain: Vec<String> = (0..RECOVERY).map(|_| self.recovery_code()).collect();
        let recovery: Vec<String> = plain.iter().map(|code| digest(&code.replace('-', ""))).collect();
        let take = |account: &KeptAccount, now: Timestamp| {
            let wrong = || Error::invalid("动态码不正确或已用过", "the code is wrong, or was used already");
            let last_step = step_of(account, code, now).filter(|_| !account.enrolled).ok_or_else(wrong)?;
            let renewed = KeptAccount { enrolled: true, last_step, recovery: recovery.clone(), ..account.clone() };
            let entry = self.entry(by, account, "account_enrol", vec![field("codes", "no", "yes")], "");
            let begins = Some(opening.of(Holder::Account(account.id), now));
            Ok(AccountChange { account: renewed, ends: true, begins, entries: vec![entry] })
        };
        self.change(name, take).await?;
        Ok(plain)
    }

    fn recovery_code(&self) -> String {
        let bytes = self.random::<RECOVERY_LETTERS>();
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)).copied().map(char::from));
        letters.enumerate().flat_map(|(at, c)| (at > 0 && at % 4 == 0).then_some('-').into_iter().chain([c])).collect()
    }

    /// A one-time password.
    pub(super) fn one_time(&self) -> String {
        self.recovery_code()
    }
}
