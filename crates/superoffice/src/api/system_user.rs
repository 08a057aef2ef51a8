//! The exchange of a signed system token for a ticket, at the log-in host (docs.superoffice.com, "System user flow").

use serde::{Deserialize, Serialize};

use crate::json::Record;
use crate::secret::Secret;

/// The exchange, below the log-in host.
pub const AUTHENTICATE: &str = "Login/api/PartnerSystemUser/Authenticate";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Authenticate {
    /// `{system token}.{yyyyMMddHHmm}.{signature}`.
    pub signed_system_token: Secret,
    /// The app's secret.
    pub application_token: Secret,
    /// The tenant.
    pub context_identifier: String,
    /// `JWT`.
    pub return_token_type: String,
}

impl Authenticate {
    /// Asks for a ticket, wrapped in a signed token.
    pub fn new(signed_system_token: Secret, application_token: Secret, context: &str) -> Self {
        Self {
            signed_system_token,
            application_token,
            context_identifier: context.to_owned(),
            return_token_type: "JWT".to_owned(),
        }
    }
}

/// What is answered. Refusals come with success statuses too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Authenticated {
    /// Whether there is a token.
    pub is_successful: bool,
    /// A JWT with the ticket among its claims.
    pub token: Option<Secret>,
    /// Why there is none.
    pub error_message: Option<String>,
}

impl Record for Authenticate {
    const KEY: &'static str = "SignedSystemToken";
}

impl Record for Authenticated {
    const KEY: &'static str = "IsSuccessful";
}
