//! The token endpoint of the log-in host: a code or a refresh token for an access token. SuperOffice does not rotate
//! refresh tokens: the answer to a refresh has none, and the old one stays good until consent is withdrawn.

use serde::{Deserialize, Serialize};

use crate::json::Record;
use crate::secret::Secret;

/// The token endpoint, below the log-in host.
pub const TOKENS: &str = "login/common/oauth/tokens";

/// What is asked of the token endpoint, as a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// `refresh_token` or `authorization_code`.
    pub grant_type: String,
    /// The app.
    pub client_id: String,
    /// The app's secret; native apps have none.
    #[serde(default, skip_serializing_if = "Secret::is_empty")]
    pub client_secret: Secret,
    /// For a refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// For the first token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
    /// Where the code was sent; optional in a refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// For a code that was asked for with a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<Secret>,
}

impl TokenRequest {
    /// Asks for a new access token.
    pub fn refresh(client_id: &str, client_secret: Secret, refresh_token: Secret) -> Self {
        Self {
            grant_type: "refresh_token".to_owned(),
            client_id: client_id.to_owned(),
            client_secret,
            refresh_token: Some(refresh_token),
            code: None,
            redirect_uri: None,
            code_verifier: None,
        }
    }
}

/// What the token endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenResponse {
    /// `Bearer`.
    #[serde(default)]
    pub token_type: String,
    /// The access token: opaque, good for one tenant.
    pub access_token: Secret,
    /// How many seconds it lives; the pages disagree, so only this counts.
    #[serde(default)]
    pub expires_in: Option<i64>,
    /// A refresh token; missing in the answer to a refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// Who signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Secret>,
}

impl Record for TokenResponse {
    const KEY: &'static str = "access_token";
}

/// Why there is no token. SuperOffice does not document this body; the shape is that of RFC 6749.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenError {
    /// `invalid_grant`, `invalid_client` and so on.
    pub error: String,
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error_description: String,
}

impl Record for TokenError {
    const KEY: &'static str = "error";
}
