//! Tokens that the log-in host signs: who signed in, a system user's ticket, the proof of a notification. Only RS256 is
//! accepted. Claims are read tolerantly, because numbers and truth values travel as texts; see ADR 0011.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::json;
use crate::secret::Secret;

/// How far the log-in host's clock may be from ours, in seconds. Not documented; ours.
pub const LEEWAY: i64 = 300;

/// Who issues tokens for system users and notifications.
pub const SYSTEM_ISSUER: &str = "SuperOffice AS";

const NAMESPACE: &str = "http://schemes.superoffice.net/identity/";

/// One key of the log-in host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    kid: Option<String>,
    x5t: Option<String>,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Key {
    /// Reads the RSA keys of a JWKS; others are left out.
    pub fn all(body: &[u8]) -> Result<Vec<Self>, Error> {
        let set = json::object(body)?;
        let keys = json::get(&set, "keys").and_then(Value::as_array);
        Ok(keys.into_iter().flatten().filter_map(Self::read).collect())
    }

    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name)?.as_str().map(str::to_owned);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok();
        if text("kty")? != "RSA" {
            return None;
        }
        let trimmed = |bytes: Vec<u8>| bytes.into_iter().skip_while(|byte| *byte == 0).collect();
        Some(Self { kid: text("kid"), x5t: text("x5t"), n: trimmed(bytes("n")?), e: trimmed(bytes("e")?) })
    }

    fn made(&self, signed: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
    }
}

/// What a token says. Nothing is missing but what the log-in host left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// Whom it is for.
    pub audience: Vec<String>,
    /// The user's log-in name.
    pub subject: Option<String>,
    /// The user's associate id.
    pub associate_id: Option<i64>,
    /// The tenant.
    pub context: Option<String>,
    /// The address of the API; may be missing, the tenant's state is to be asked.
    pub webapi_url: Option<String>,
    /// What a system user signs in with; only when an administrator approved an app that asks for it.
    pub system_token: Option<Secret>,
    /// The user's address.
    pub email: Option<String>,
    /// Whether the user is an administrator.
    pub is_administrator: Option<bool>,
    /// The tenant's serial number.
    pub serial: Option<String>,
    /// A system user's ticket.
    pub ticket: Option<Secret>,
    /// What the sign-in was begun with.
    pub nonce: Option<String>,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None of the known keys made the signature; there may be newer ones.
    UnknownKey,
    /// It will not get better.
    Bad(&'static str),
}

/// Checks signature and times, and reads the claims. Whom it is for is left to the caller.
pub(crate) fn verify(token: &str, keys: &[Key], now: Timestamp) -> Result<Claims, Fault> {
    let bad = Fault::Bad("it is no JWT");
    let (signed, signature) = token.rsplit_once('.').ok_or(bad)?;
    let (head, body) = signed.split_once('.').filter(|(_, body)| !body.contains('.')).ok_or(bad)?;
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| bad);
    let object = |text: &str| json::object(&part(text)?).map_err(|_| bad);
    let (head, signature) = (object(head)?, part(signature)?);
    if text(&head, "alg").as_deref() != Some("RS256") {
        return Err(Fault::Bad("it is not signed with RS256"));
    }
    if head.contains_key("crit") {
        return Err(Fault::Bad("it asks for more than we understand"));
    }
    let (kid, x5t) = (text(&head, "kid"), text(&head, "x5t"));
    let named: Vec<&Key> = [
        keys.iter().filter(|key| kid.is_some() && key.kid == kid).collect::<Vec<_>>(),
        keys.iter().filter(|key| x5t.is_some() && key.x5t == x5t).collect(),
    ]
    .into_iter()
    .find(|found| !found.is_empty())
    .unwrap_or_else(|| keys.iter().collect());
    if !named.iter().any(|key| key.made(signed.as_bytes(), &signature)) {
        return Err(Fault::UnknownKey);
    }
    judge(&object(body)?, now)
}

/// Checks the times of claims that were signed, and reads them.
pub(crate) fn judge(claims: &Map<String, Value>, now: Timestamp) -> Result<Claims, Fault> {
    let second = |name: &str| {
        text(claims, name)
            .and_then(|text| text.trim().parse::<f64>().ok())
            .filter(|second| second.is_finite())
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a float")]
    let (now, leeway) = (now.as_second() as f64, LEEWAY as f64);
    match second("exp") {
        Some(end) if now <= end + leeway => {}
        Some(_) => return Err(Fault::Bad("it has ended")),
        None => return Err(Fault::Bad("it does not say when it ends")),
    }
    if second("nbf").is_some_and(|begin| now < begin - leeway) {
        return Err(Fault::Bad("it has not begun"));
    }
    Ok(read(claims))
}

fn read(claims: &Map<String, Value>) -> Claims {
    let own = |name: &str| {
        let text = text(claims, &format!("{NAMESPACE}{name}")).or_else(|| text(claims, name));
        text.filter(|text| !text.is_empty())
    };
    let audience = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().filter_map(plain).collect(),
        other => other.and_then(plain).into_iter().collect(),
    };
    Claims {
        issuer: text(claims, "iss").unwrap_or_default(),
        audience,
        subject: text(claims, "sub"),
        associate_id: own("associateid").and_then(|id| id.trim().parse().ok()),
        context: own("ctx"),
        webapi_url: own("webapi_url"),
        system_token: own("system_token").map(Secret::from),
        email: own("email").or_else(|| own("so_primary_email_address")),
        is_administrator: own("is_administrator")
            .map(|text| text.eq_ignore_ascii_case("true") || text == "1"),
        serial: own("serial"),
        ticket: own("ticket").map(Secret::from),
        nonce: text(claims, "nonce"),
    }
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(plain)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
