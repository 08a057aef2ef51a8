//! Who may deliver: the token that the webhook's address or header carries, and the signature over the body.
//!
//! Both are compared in constant time, and neither is ever shown. A delivery is not looked into before it has passed.

use std::fmt;

use http::HeaderMap;
use http::header::{AsHeaderName, HeaderName};
use http::request::Parts;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use superoffice::webhook::{Signature, header};

/// The header that carries the token. `?token=` does as well.
static TOKEN: HeaderName = HeaderName::from_static("x-webhook-token");

/// Knows the token and the signature secrets.
pub struct Gate {
    token: Option<[u8; 32]>,
    secrets: Vec<Shown>,
}

/// A secret as [`Signature::verify`] takes it.
struct Shown(SecretString);

impl AsRef<str> for Shown {
    fn as_ref(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Gate {
    /// Opens for `token`, and, when there are any `secrets`, only for bodies signed with one of them.
    ///
    /// Two secrets are for the time of a rotation. Empty secrets do not count; an empty token opens for nobody.
    pub fn new(token: &SecretString, secrets: Vec<SecretString>) -> Self {
        let token = token.expose_secret();
        Self {
            token: (!token.is_empty()).then(|| digest(token.as_bytes())),
            secrets: secrets
                .into_iter()
                .filter(|secret| !secret.expose_secret().is_empty())
                .map(Shown)
                .collect(),
        }
    }

    /// Whether the request carries the token: in the header, or, when that is absent, in the query.
    pub(crate) fn knows_token(&self, request: &Parts) -> bool {
        match one(&request.headers, &TOKEN) {
            Header::One(token) => self.is_token(token),
            Header::Many => false,
            Header::None => {
                let query = request.uri.query().unwrap_or_default();
                url::form_urlencoded::parse(query.as_bytes())
                    .find(|(name, _)| name == "token")
                    .is_some_and(|(_, token)| self.is_token(token.as_bytes()))
            }
        }
    }

    /// Whether the body is signed with one of our secrets; always, when there are none.
    pub(crate) fn knows_signature(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        if self.secrets.is_empty() {
            return true;
        }
        let Header::One(signature) = one(headers, header::SIGNATURE) else { return false };
        let Ok(signature) = std::str::from_utf8(signature) else { return false };
        Signature::verify(&self.secrets, signature, body)
    }

    /// Digests are compared, so that not even the token's length can be told from the time taken.
    fn is_token(&self, given: &[u8]) -> bool {
        match &self.token {
            Some(token) => token.ct_eq(&digest(given)).into(),
            None => false,
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Gate(*** and {} signature secrets)", self.secrets.len())
    }
}

enum Header<'a> {
    None,
    One(&'a [u8]),
    /// The same header twice: whoever reads the first and whoever reads the last would differ, so it counts as wrong.
    Many,
}

fn one(headers: &HeaderMap, name: impl AsHeaderName) -> Header<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Header::None,
        (Some(value), None) => Header::One(value.as_bytes()),
        (Some(_), Some(_)) => Header::Many,
    }
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn gate(secrets: &[&str]) -> Gate {
        Gate::new(&"tø ken".into(), secrets.iter().map(|secret| SecretString::from(*secret)).collect())
    }

    fn knows(gate: &Gate, uri: &str, tokens: &[&str]) -> bool {
        let mut request = Request::post(uri);
        for token in tokens {
            request = request.header(&TOKEN, token.as_bytes());
        }
        gate.knows_token(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_token_is_taken_from_the_header_or_else_from_the_query() {
        assert!(knows(&gate(&[]), "/", &["tø ken"]));
        assert!(knows(&gate(&[]), "/?a=1&token=t%C3%B8+ken", &[]));
        assert!(!knows(&gate(&[]), "/?token=t%C3%B8+ken", &["wrong"]), "the header counts when there is one");
        assert!(!knows(&gate(&[]), "/", &["tø ken", "tø ken"]));
        assert!(!knows(&gate(&[]), "/?token=", &[]));
        assert!(!knows(&gate(&[]), "/", &[]));
    }

    #[test]
    fn an_empty_token_opens_for_nobody() {
        let gate = Gate::new(&"".into(), Vec::new());
        assert!(!knows(&gate, "/?token=", &[]));
        assert!(!knows(&gate, "/", &[""]));
    }

    #[test]
    fn a_signature_is_asked_for_once_there_is_a_secret() {
        let signed = |gate: &Gate, values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("X-SuperOffice-Signature", value.parse().unwrap());
            }
            gate.knows_signature(&headers, b"body")
        };
        let old = Signature::sign("old", b"body");
        assert!(signed(&gate(&[]), &[]));
        assert!(signed(&gate(&[""]), &[]));
        assert!(signed(&gate(&["new", "old"]), &[&old]));
        assert!(!signed(&gate(&["new"]), &[&old]));
        assert!(!signed(&gate(&["old"]), &[]));
        assert!(!signed(&gate(&["old"]), &[&old, &old]));
        assert!(!signed(&gate(&["old"]), &[&old.to_lowercase()]));
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let shown = format!("{:?}", gate(&["hunter2"]));
        assert_eq!(shown, "Gate(*** and 1 signature secrets)");
    }
}
