//! Makes tokens as the log-in host does, and as it never would. The keys are made for tests and open nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

pub(crate) const LOGIN: &str = include_str!("../keys/login.pem");
pub(crate) const OTHER: &str = include_str!("../keys/other.pem");

const NAMESPACE: &str = "http://schemes.superoffice.net/identity/";

/// A private key.
pub(crate) struct Signer(KeyPair);

impl Signer {
    pub(crate) fn of(pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Self(KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap())
    }

    pub(crate) fn jwt(&self, head: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(head), part(claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The key as a JWKS shows it.
    pub(crate) fn jwk(&self, names: &Value) -> Value {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(self.0.public());
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        let mut key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "n": n, "e": e});
        key.as_object_mut().unwrap().extend(names.as_object().unwrap().clone());
        key
    }
}

/// A token that nobody signed.
pub(crate) fn unsigned(head: &Value, claims: &Value, signature: &[u8]) -> String {
    format!("{}.{}.{}", part(head), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Published tokens name their key so.
pub(crate) fn head() -> Value {
    json!({"typ": "JWT", "alg": "RS256", "x5t": "login"})
}

/// Claims that are good now, with others in place of some of them; null takes one away.
pub(crate) fn claims(issuer: &str, others: &Value) -> Value {
    let now = now();
    let mut claims = json!({"sub": "kari@crm.example", "iss": issuer, "aud": "app-id",
                            "iat": now.to_string(), "nbf": now - 60, "exp": now + 300});
    claims[own("ctx")] = "Cust12345".into();
    claims[own("serial")] = "1801550193".into();
    for (name, value) in others.as_object().unwrap() {
        let name = if claims.get(name).is_some() { name.clone() } else { own(name) };
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn own(name: &str) -> String {
    format!("{NAMESPACE}{name}")
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}
