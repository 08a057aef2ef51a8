//! Where values come from: `.env` over the environment over `connector.toml` over the defaults.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Table;

use super::keys::{KEYS, Key, find};
use super::{ConfigError, database, dot_env};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `.env`, by this variable.
    DotEnv(&'static str),
    /// The environment, by this variable.
    Environment(&'static str),
    /// `connector.toml`.
    File,
    /// An answer during set-up.
    Answer,
    /// Nobody said anything else.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DotEnv(variable) => write!(f, "{variable} in .env"),
            Self::Environment(variable) => write!(f, "{variable} in the environment"),
            Self::File => f.write_str("connector.toml"),
            Self::Answer => f.write_str("answered"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The values by key, with their origins.
#[derive(Clone)]
pub(crate) struct Values(BTreeMap<&'static str, (String, Origin)>);

type Variables = BTreeMap<String, String>;

impl Values {
    /// Reads all sources. The file may be absent, unless it was asked for by name.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let toml = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && path == Path::new("connector.toml") =>
            {
                String::new()
            }
            Err(error) => {
                return Err(ConfigError(vec![format!("{} cannot be read: {error}", path.display())]));
            }
        };
        Self::of(&toml, &environment(), &dot_env()?)
    }

    /// Puts the sources together.
    pub(crate) fn of(toml: &str, environment: &Variables, dot_env: &Variables) -> Result<Self, ConfigError> {
        let file = flat(toml)?;
        let strange: Vec<String> = dot_env.keys().filter_map(|name| nearly_known(name)).collect();
        if !strange.is_empty() {
            return Err(ConfigError(strange));
        }
        let mut values = BTreeMap::new();
        for key in KEYS {
            if let Some(value) = pick(key, &file, environment, dot_env) {
                values.insert(key.name, value);
            }
        }
        Ok(Self(values))
    }

    /// Puts an answer over a value. An empty one unsets it.
    pub(crate) fn answer(&mut self, key: &'static str, value: &str) {
        if value.is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key, (value.to_owned(), Origin::Answer));
        }
    }

    /// A value; an empty one counts as unset.
    pub(crate) fn get(&self, name: &str) -> Option<(&str, &Origin)> {
        self.0.get(name).map(|(value, origin)| (value.as_str(), origin))
    }

    /// Every value that must not be shown, the longest first, so that one that contains another goes whole.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let all = KEYS.iter().filter(|key| key.is_secret).filter_map(|key| self.get(key.name));
        let mut all: Vec<String> = all
            .flat_map(|(value, _)| value.split(',').chain([value]))
            .map(|value| value.trim().to_owned())
            .chain(self.get("database").and_then(|(url, _)| database::password(url)))
            .filter(|value| value.len() >= 4)
            .collect();
        all.sort_by_key(|value| std::cmp::Reverse(value.len()));
        all
    }

    /// Every key with its value, secrets hidden.
    pub(crate) fn shown(&self) -> Vec<(&'static Key, Option<String>, Option<&Origin>)> {
        KEYS.iter()
            .map(|key| {
                let value = self.get(key.name);
                let shown = value.map(|(value, _)| match key.name {
                    _ if key.is_secret => "***".to_owned(),
                    "database" => database::shown(value),
                    _ => value.to_owned(),
                });
                (key, shown, value.map(|(_, origin)| origin))
            })
            .collect()
    }
}

fn pick(
    key: &'static Key,
    file: &BTreeMap<String, String>,
    environment: &Variables,
    dot_env: &Variables,
) -> Option<(String, Origin)> {
    let said = |variables: &Variables, variable: &str| {
        variables.get(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    if let Some(variable) = key.variable {
        if let Some(value) = said(dot_env, variable) {
            return Some((value, Origin::DotEnv(variable)));
        }
        if let Some(value) = said(environment, variable) {
            return Some((value, Origin::Environment(variable)));
        }
    }
    if let Some(value) = file.get(key.name) {
        return Some((value.clone(), Origin::File));
    }
    key.default.map(|default| (default.to_owned(), Origin::Default))
}

/// The file's values by dotted key. Unknown keys and secrets are errors.
fn flat(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    Flat { file: "connector.toml", with_secrets: false, also: &|_| false }.read(text)
}

/// The values of a file of answers by dotted key. It may hold secrets, and keys besides the configuration's.
pub(crate) fn flat_with(
    text: &str,
    file: &str,
    also: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, String>, ConfigError> {
    Flat { file, with_secrets: true, also: &also }.read(text)
}

/// The variables in the text of a `.env`.
#[cfg(test)]
pub(crate) fn read_dot_env(text: &str) -> Result<Variables, String> {
    dot_env::read(text)
}

/// How a file is flattened.
struct Flat<'a> {
    file: &'a str,
    with_secrets: bool,
    also: &'a dyn Fn(&str) -> bool,
}

impl Flat<'_> {
    fn read(&self, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            // The error's own words quote the line, which may hold a secret.
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or(""));
            let line = before.matches('\n').count() + 1;
            ConfigError(vec![format!("{}, line {line}: {}", self.file, error.message())])
        })?;
        let mut values = BTreeMap::new();
        let mut complaints = Vec::new();
        self.flatten("", &table, &mut values, &mut complaints);
        if complaints.is_empty() { Ok(values) } else { Err(ConfigError(complaints)) }
    }

    fn flatten(
        &self,
        prefix: &str,
        table: &Table,
        values: &mut BTreeMap<String, String>,
        complaints: &mut Vec<String>,
    ) {
        let file = self.file;
        for (name, value) in table {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let is_also = (self.also)(&name);
            match (value, find(&name)) {
                (toml::Value::Table(inner), None) if !is_also => {
                    self.flatten(&name, inner, values, complaints);
                }
                (_, Some(key)) if key.is_secret && !self.with_secrets => {
                    let variable = key.variable.unwrap_or_default();
                    complaints.push(format!(
                        "{name} is a secret and does not belong into {file}; set {variable} in .env"
                    ));
                }
                (_, None) if !is_also => {
                    complaints.push(format!("there is no key {name} ({file}){}", suggestion(&name)));
                }
                (value, _) => match as_text(value) {
                    Some(text) => {
                        values.insert(name, text);
                    }
                    None => complaints
                        .push(format!("{name} ({file}): a single value or a list of them is wanted")),
                },
            }
        }
    }
}

fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            items.iter().map(as_text).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// A name in `.env` that is nearly one of ours is taken for a slip of the pen: it would switch something off unnoticed.
fn nearly_known(name: &str) -> Option<String> {
    let variables = || KEYS.iter().filter_map(|key| key.variable);
    if name == "RUST_LOG" || name == "NO_COLOR" || variables().any(|variable| variable == name) {
        return None;
    }
    let near = variables()
        .map(|variable| (strsim::damerau_levenshtein(name, variable), variable))
        .min()
        .filter(|(steps, variable)| *steps <= 2 && variable.len() > 4)?;
    Some(format!("there is no variable {name} (.env); did you mean {}?", near.1))
}

fn suggestion(name: &str) -> String {
    let near = KEYS
        .iter()
        .map(|key| (strsim::jaro_winkler(name, key.name), key.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    near.map(|(_, near)| format!("; did you mean {near}?")).unwrap_or_default()
}

/// The one place that reads the environment.
fn environment() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn dot_env() -> Result<Variables, ConfigError> {
    match std::fs::read_to_string(".env") {
        Ok(text) => dot_env::read(&text)
            .map_err(|complaint| ConfigError(vec![format!(".env cannot be read: {complaint}")])),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Variables::new()),
        Err(error) => Err(ConfigError(vec![format!(".env cannot be read: {error}")])),
    }
}

/// `RUST_LOG`, from `.env` or the environment.
pub(crate) fn log_filter() -> Option<String> {
    let dot_env = dot_env().unwrap_or_default();
    let said = dot_env.get("RUST_LOG").cloned().or_else(|| environment().get("RUST_LOG").cloned());
    said.filter(|filter| !filter.trim().is_empty())
}

/// Whether nobody asked for plain text.
pub(crate) fn colour_is_welcome() -> bool {
    let environment = environment();
    let no_color = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}
