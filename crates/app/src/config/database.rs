//! Where everything is stored: in a file of this machine, or in a PostgreSQL that several processes share.

use std::fmt;
use std::path::{Path, PathBuf};

use connector_store::postgres::Address;

use super::parse::Reader;

/// The database that the configuration names.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// SQLite.
    File(PathBuf),
    /// PostgreSQL.
    Server(Box<Address>),
}

impl Database {
    /// The file, when it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

/// Without user and password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(address) => write!(f, "{address}"),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Database {
    let url = reader.text("database").unwrap_or_default();
    parse(&url).unwrap_or_else(|complaint| {
        reader.complain("database", &complaint);
        Database::File(PathBuf::new())
    })
}

/// Reads an address such as `sqlite://connector.db` or `postgres://USER:PASSWORD@HOST/DATABASE`.
pub(crate) fn parse(url: &str) -> Result<Database, String> {
    if is_server(url) {
        let address = Address::parse(url).map_err(|error| error.to_string())?;
        return Ok(Database::Server(Box::new(address)));
    }
    match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        Some(path) if !path.is_empty() => Ok(Database::File(PathBuf::from(path))),
        Some(_) => Err("the file's name is missing, as in sqlite://connector.db".to_owned()),
        None => Err("sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE is wanted".to_owned()),
    }
}

fn is_server(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// An address as it may be shown: one with a password in it loses that and the user.
pub(super) fn shown(url: &str) -> String {
    match parse(url) {
        Ok(Database::Server(address)) => address.to_string(),
        Ok(Database::File(_)) => url.to_owned(),
        // It may hold a password all the same.
        Err(_) => "***".to_owned(),
    }
}

/// The password in an address.
pub(super) fn password(url: &str) -> Option<String> {
    match parse(url) {
        Ok(Database::Server(address)) => address.password(),
        Ok(Database::File(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = "postgres://anna:s3cret@db.example/crm?sslmode=require";
        assert_eq!(shown(url), "postgres://db.example/crm");
        assert_eq!(password(url).as_deref(), Some("s3cret"));
        assert_eq!(shown("postgres://anna:s3cret@"), "***");
        assert_eq!(shown("sqlite://connector.db"), "sqlite://connector.db");
        for wrong in ["postgres://anna:s3cret@", "postgress://anna:s3cret@db.example/crm"] {
            assert!(!parse(wrong).unwrap_err().contains("s3cret"));
        }
    }
}
