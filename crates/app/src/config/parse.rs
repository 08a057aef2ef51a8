//! Turns texts into values and collects complaints instead of stopping at the first.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::ConfigError;
use super::keys::find;
use super::sources::Values;

pub(super) struct Reader<'a> {
    values: &'a Values,
    complaints: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, complaints: Vec::new() }
    }

    /// The configuration, unless something was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.complaints.is_empty() { Ok(value) } else { Err(ConfigError(self.complaints)) }
    }

    /// Says what is wrong with a key's value, and where the value came from.
    pub(super) fn complain(&mut self, name: &str, what: &str) {
        let origin = match self.values.get(name) {
            Some((_, origin)) => format!(" ({origin})"),
            None => String::new(),
        };
        self.complaints.push(format!("{name}{origin}: {what}"));
    }

    /// Says that a key has no value, and how to give it one.
    pub(super) fn missing(&mut self, name: &str, because: &str) {
        let variable = find(name).and_then(|key| key.variable).unwrap_or(name);
        self.complaints.push(format!("{variable} is not set, but {because}"));
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|(value, _)| value.to_owned())
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    pub(super) fn secrets(&mut self, name: &str) -> Vec<SecretString> {
        let secrets = self.list(name);
        if secrets.is_empty() && self.text(name).is_some() {
            self.complain(name, "it holds nothing but commas; give a secret, or unset it");
        }
        if secrets.len() > 2 {
            self.complain(name, "at most two secrets are accepted at a time");
        }
        secrets.into_iter().map(SecretString::from).collect()
    }

    /// A value with a default, so that it is always there.
    pub(super) fn parsed<T>(&mut self, name: &str, wanted: &str) -> T
    where
        T: FromStr<Err: Display>,
    {
        let default = find(name).and_then(|key| key.default).unwrap_or_default();
        let text = self.text(name).unwrap_or_default();
        text.parse().unwrap_or_else(|error| {
            self.complain(name, &format!("{wanted} is wanted ({error})"));
            default.parse().unwrap_or_else(|_| unreachable!("the default of {name} parses"))
        })
    }

    /// A value that may be absent.
    pub(super) fn optional<T>(&mut self, name: &str, wanted: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(name, &format!("{wanted} is wanted ({error})"));
                None
            }
        }
    }

    pub(super) fn within(&mut self, name: &str, least: usize, most: usize) -> usize {
        let number = self.parsed(name, "a whole number");
        if !(least..=most).contains(&number) {
            self.complain(name, &format!("a number from {least} to {most} is wanted"));
        }
        number
    }

    /// A length of time such as `15s`, `5m` or `24h`.
    pub(super) fn duration(&mut self, name: &str) -> SignedDuration {
        let text = self.text(name).unwrap_or_default();
        match text.parse::<SignedDuration>() {
            Ok(duration) if !duration.is_negative() => duration,
            Ok(_) | Err(_) => {
                self.complain(name, "a length of time such as 500ms, 15s, 5m or 24h is wanted");
                SignedDuration::ZERO
            }
        }
    }

    /// An age such as `30d`, or any other length of time.
    pub(super) fn age(&mut self, name: &str) -> SignedDuration {
        let text = self.text(name).unwrap_or_default();
        let days = text.trim().strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok());
        match days.filter(|days| *days <= 100_000) {
            Some(days) => SignedDuration::from_hours(i64::from(days) * 24),
            None => self.duration(name),
        }
    }

    /// A size such as `512MiB` or `20GiB`, in bytes.
    pub(super) fn size(&mut self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("", 1)];
        let bytes = units.into_iter().find_map(|(unit, bytes): (&str, u64)| {
            let number: u64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(bytes).filter(|bytes| *bytes > 0)
        });
        if bytes.is_none() {
            self.complain(name, "a size such as 512MiB or 20GiB is wanted");
        }
        bytes
    }

    /// A limit: a length of time that is not nothing.
    pub(super) fn limit(&mut self, name: &str) -> Duration {
        let duration = self.std_duration(name);
        if duration.is_zero() {
            self.complain(name, "a length of time of more than nothing is wanted");
        }
        duration
    }

    pub(super) fn std_duration(&mut self, name: &str) -> Duration {
        Duration::try_from(self.duration(name)).unwrap_or_default()
    }
}
