//! Saves answers: those with a variable to `.env`, the others to the configuration file. What stands there besides
//! stays as it is, remarks too. A file is replaced as a whole or not at all.

use std::io::Write as _;
use std::path::Path;

use crate::config::keys::find;
use crate::failure::{Failure, Status};

/// Writes the answers to the two files.
pub(super) fn save(env: &Path, toml: &Path, answers: &[(&'static str, String)]) -> Result<(), Failure> {
    let (mut variables, mut keys) = (Vec::new(), Vec::new());
    for (key, value) in answers {
        match find(key).and_then(|key| key.variable) {
            Some(variable) => variables.push((variable, value.as_str())),
            None => keys.push((*key, value.as_str())),
        }
        // What is taken away is taken away wherever it stands.
        if value.is_empty() && find(key).is_some_and(|key| key.variable.is_some() && !key.is_secret) {
            keys.push((*key, ""));
        }
    }
    if !variables.is_empty() {
        let text = read(env)?;
        replace(env, &with_variables(&text, &variables))?;
    }
    if !keys.is_empty() {
        let text = read(toml)?;
        let new = with_keys(toml, &text, &keys)?;
        if new != text {
            replace(toml, &new)?;
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(failed(file, &error)),
    }
}

fn failed(file: &Path, error: &std::io::Error) -> Failure {
    Failure::words(Status::Failed, format!("{} cannot be saved: {error}", file.display()))
}

/// `.env` with these variables: in place of the lines that set them, or at the end.
fn with_variables(text: &str, variables: &[(&str, &str)]) -> String {
    let name_of = |line: &str| {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        line.split_once('=').map(|(name, _)| name.trim().to_owned()).filter(|name| !name.starts_with('#'))
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (name, value) in variables {
        if value.is_empty() {
            lines.retain(|known| name_of(known).as_deref() != Some(name));
            continue;
        }
        let line = format!("{name}={}", quoted(value));
        let mut found = false;
        for known in lines.iter_mut().filter(|known| name_of(known).as_deref() == Some(name)) {
            found = true;
            known.clone_from(&line);
        }
        if !found {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

/// A value as a line of `.env` holds it: plain when it can be, else in quotation marks.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/@+=,~%?&".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n']) {
        return format!("'{value}'");
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// The configuration file with these keys.
fn with_keys(file: &Path, text: &str, keys: &[(&str, &str)]) -> Result<String, Failure> {
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|error| {
        Failure::words(Status::Failed, format!("{} cannot be read: {error}", file.display()))
    })?;
    for (key, value) in keys {
        let mut table = document.as_table_mut();
        let mut parts: Vec<&str> = key.split('.').collect();
        let name = parts.pop().unwrap_or(key);
        for part in parts {
            if value.is_empty() && !table.contains_key(part) {
                break;
            }
            let entry = table.entry(part).or_insert_with(toml_edit::table);
            table = entry.as_table_mut().ok_or_else(|| {
                Failure::words(Status::Failed, format!("{part} in {} is no table", file.display()))
            })?;
        }
        if value.is_empty() {
            table.remove(name);
        } else {
            table.insert(name, toml_edit::value(*value));
        }
    }
    Ok(document.to_string())
}

/// Puts a file in place of the former one, readable by its owner alone.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(text.as_bytes())?;
        keep_rights(file, draft.as_file())?;
        draft.as_file().sync_all()?;
        draft.persist(file).map_err(|error| error.error)
    };
    write().map(drop).map_err(|error| failed(file, &error))
}

/// A file that is there keeps its owner and its rights; a new one is its maker's alone.
#[cfg(unix)]
fn keep_rights(former: &Path, draft: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(former) = std::fs::metadata(former) else { return Ok(()) };
    draft.set_permissions(former.permissions())?;
    let own = draft.metadata()?;
    if (own.uid(), own.gid()) != (former.uid(), former.gid()) {
        std::os::unix::fs::fchown(draft, Some(former.uid()), Some(former.gid()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_rights(_: &Path, _: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_replaced_in_place_and_others_stay() {
        let text = "# ours\nexport SO_CLIENT_ID=old\nOTHER=1\n";
        let saved = with_variables(text, &[("SO_CLIENT_ID", "new"), ("SO_CLIENT_SECRET", "a b'c\"$d")]);
        assert_eq!(saved, "# ours\nSO_CLIENT_ID=new\nOTHER=1\nSO_CLIENT_SECRET=\"a b'c\\\"$d\"\n");
        assert_eq!(with_variables(&saved, &[("SO_CLIENT_ID", "new")]), saved);
        assert_eq!(with_variables(text, &[("SO_CLIENT_ID", ""), ("ABSENT", "")]), "# ours\nOTHER=1\n");
    }

    #[test]
    fn what_is_saved_is_read_back() {
        for value in ["plain-1", "with space", "it's", "say \"hi\"", "a\\b", "tail #no", "x$y", "ü"] {
            let saved = with_variables("", &[("A", value)]);
            let read = crate::config::sources::read_dot_env(&saved).unwrap();
            assert_eq!(read.get("A").map(String::as_str), Some(value), "{saved}");
        }
    }

    #[test]
    fn the_configuration_file_keeps_its_remarks() {
        let text = "# mine\nlisten = \"127.0.0.1:1\" # here\n\n[fields]\nsummary = \"Old\"\n";
        let saved =
            with_keys(Path::new("c.toml"), text, &[("fields.summary", "New"), ("fields.bridge", "B")]);
        let saved = saved.unwrap();
        assert!(saved.starts_with("# mine\nlisten = \"127.0.0.1:1\" # here\n"), "{saved}");
        assert!(saved.contains("summary = \"New\"") && saved.contains("bridge = \"B\""), "{saved}");
        let cleared = with_keys(Path::new("c.toml"), text, &[("fields.summary", ""), ("filter.owners", "")]);
        assert_eq!(cleared.unwrap(), "# mine\nlisten = \"127.0.0.1:1\" # here\n\n[fields]\n");
    }
}
