//! Which API answers: the root of a tenant's API. It needs no token, and is not below `v1`.

use http::Method;
use serde::{Deserialize, Serialize};

use super::Request;
use crate::json::Record;

/// The API's root. The vendor only says that it lists versions and addresses.
pub const ROOT: &str = "v1";

/// A request for the API's versions. The answer is a [`Version`].
pub fn read() -> Request {
    Request::to(Method::GET, ROOT)
}

/// The API's versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Version {
    /// Address of version 1.
    #[serde(rename = "v1")]
    pub v1: String,
    /// Version of the server behind it.
    pub net_server_version: String,
    /// Name of its build.
    pub net_server_label: String,
}

impl Record for Version {
    const KEY: &'static str = "v1";
}
