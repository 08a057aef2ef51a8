//! The two keys of a made-up tenant: the log-in host's, which signs tokens, and the application's, which signs system
//! tokens. Both are fixed and in the source, so that tests and demos need none of their own; they open nothing else.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The application's private key, as a client is given it.
pub(crate) const APP_KEY: &str = include_str!("keys/app.pem");

static APP: LazyLock<KeyPair> = LazyLock::new(|| pair(APP_KEY));
static LOGIN: LazyLock<KeyPair> = LazyLock::new(|| pair(include_str!("keys/login.pem")));

fn pair(pem: &str) -> KeyPair {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).expect("the built-in key is PEM");
    KeyPair::from_pkcs8(&der).expect("the built-in key is an RSA key")
}

fn public(pair: &KeyPair) -> PublicKeyComponents<Vec<u8>> {
    pair.public().into()
}

/// Names the log-in host's key. SuperOffice takes the digest of a certificate; there is none here.
fn thumbprint() -> Vec<u8> {
    Sha256::digest(public(&LOGIN).n)[..20].to_vec()
}

fn x5t() -> String {
    URL_SAFE_NO_PAD.encode(thumbprint())
}

/// The same bytes as `x5t`, in hexadecimal.
fn kid() -> String {
    thumbprint().iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// The log-in host's keys.
pub(super) fn jwks() -> Value {
    let PublicKeyComponents { n, e } = public(&LOGIN);
    let text = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid(), "x5t": x5t(),
                     "n": text(n), "e": text(e)}]})
}

/// A token with these claims. Published ones name their key by `x5t` and have no `kid`.
pub(super) fn jwt(claims: &Value, with_kid: bool) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut head = json!({"typ": "JWT", "alg": "RS256", "x5t": x5t()});
    if with_kid {
        head["kid"] = kid().into();
    }
    let signed = format!("{}.{}", part(&head), part(claims));
    let mut signature = vec![0; LOGIN.public().modulus_len()];
    LOGIN
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .expect("the built-in key signs");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Whether the application's key signed this text.
pub(super) fn is_signed(text: &str, signature: &[u8]) -> bool {
    let PublicKeyComponents { n, e } = public(&APP);
    let key = PublicKeyComponents { n: &n, e: &e };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), signature).is_ok()
}
