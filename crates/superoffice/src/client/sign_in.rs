//! The authorization code flow with PKCE: begun with an address for a browser, finished with what comes back. Who opens
//! the browser and who listens is left to the caller.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::Client;
use crate::api::token::{TOKENS, TokenRequest, TokenResponse};
use crate::error::Error;
use crate::json;
use crate::jwt::Claims;
use crate::secret::Secret;

/// A sign-in under way. It is good for one answer.
#[derive(Debug)]
pub struct SignIn {
    client: Client,
    redirect_uri: String,
    tenant: Option<String>,
    state: Secret,
    verifier: Secret,
}

/// Somebody has signed in and approved.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Good until consent is withdrawn.
    pub refresh_token: SecretString,
    /// Who it was, and in which tenant; checked.
    pub claims: Claims,
}

impl SignIn {
    /// Begins a sign-in to `tenant`, or to the one that the user picks. Nothing is sent.
    pub fn begin(client: &Client, redirect_uri: &str, tenant: Option<&str>) -> Result<Self, Error> {
        Ok(Self {
            client: client.clone(),
            redirect_uri: redirect_uri.to_owned(),
            tenant: tenant.map(str::to_owned),
            state: random()?,
            verifier: random()?,
        })
    }

    /// The address for the browser.
    pub fn address(&self) -> Result<Url, Error> {
        let config = &self.client.0.config;
        let mut url = config
            .login_url
            .join("login/common/oauth/authorize")
            .map_err(|error| Error::Setup(error.to_string()))?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose().as_bytes()));
        url.query_pairs_mut()
            .append_pair("client_id", &config.client_id)
            .append_pair("scope", "openid")
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("state", self.state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if let Some(tenant) = &self.tenant {
            url.query_pairs_mut().append_pair("acr_values", &format!("tenant:{tenant}"));
        }
        Ok(url)
    }

    /// Takes what came back to the redirect address, and exchanges its code.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] when it is not the answer to this sign-in or its token is not to be trusted;
    /// [`Error::AccessWithdrawn`] when somebody said no, or the log-in host refuses the code or the app's secret.
    pub async fn finish(self, callback: &Url) -> Result<SignedIn, Error> {
        let field = |name: &str| {
            callback.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let state = field("state").unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(self.state.expose().as_bytes())) {
            return Err(Error::Untrusted("the answer belongs to another sign-in".to_owned()));
        }
        if let Some(error) = field("error") {
            let words = field("error_description").unwrap_or(error);
            return Err(Error::AccessWithdrawn(words.chars().take(300).collect()));
        }
        let code = field("code").filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Error::Untrusted("the answer holds no code".to_owned()))?;
        self.exchange(Secret::new(code)).await
    }

    async fn exchange(&self, code: Secret) -> Result<SignedIn, Error> {
        let (inner, config) = (&self.client.0, &self.client.0.config);
        let form = TokenRequest {
            grant_type: "authorization_code".to_owned(),
            client_id: config.client_id.clone(),
            client_secret: Secret::new(config.client_secret.expose_secret()),
            refresh_token: None,
            code: Some(code.clone()),
            redirect_uri: Some(self.redirect_uri.clone()),
            code_verifier: Some(self.verifier.clone()),
        };
        let url = config.login_url.join(TOKENS).map_err(|error| Error::Setup(error.to_string()))?;
        let request = inner.transport.plain(Method::POST, url).form(&form).build();
        let request = request.map_err(|error| Error::Setup(error.without_url().to_string()))?;
        let answer = self.client.exchange(Method::POST, TOKENS, request).await?;
        if !answer.status.is_success() {
            return Err(inner.auth.refused_code(&answer, &[code.expose(), self.verifier.expose()]));
        }
        let answer: TokenResponse = json::record(&answer.body)?;
        let (Some(refresh_token), Some(id_token)) = (answer.refresh_token, answer.id_token) else {
            return Err(Error::Untrusted("the answer lacks a refresh token or an id token".to_owned()));
        };
        let claims = inner.keys.id_token(&self.client, &id_token).await?;
        let other = |tenant: &String| {
            claims.context.as_ref().is_none_or(|context| !context.eq_ignore_ascii_case(tenant))
        };
        if self.tenant.as_ref().is_some_and(other) {
            return Err(Error::Untrusted("somebody signed in to another tenant".to_owned()));
        }
        Ok(SignedIn { refresh_token: refresh_token.expose().into(), claims })
    }
}

/// 32 random bytes, as a text that an address can hold.
fn random() -> Result<Secret, Error> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Setup("the system has no random numbers".to_owned()))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
