//! The signature of a delivery: base64 of HMAC-SHA256 over the raw bytes of the body. It has no time in it, so it
//! proves who sent a body, not when; repeats are told apart by the event's id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Signs and verifies deliveries.
#[derive(Debug)]
pub struct Signature;

impl Signature {
    /// Signs a body, as SuperOffice does (docs.superoffice.com, "Webhook security").
    pub fn sign(secret: &str, body: &[u8]) -> String {
        STANDARD.encode(digest(secret, body))
    }

    /// Whether one of `secrets` made `header` for exactly this body.
    ///
    /// Several secrets are for the time of a rotation; each is tried whatever the others said, so that the time taken
    /// does not tell which one fits. An empty secret fits nothing.
    pub fn verify(secrets: &[impl AsRef<str>], header: &str, body: &[u8]) -> bool {
        let Ok(given) = STANDARD.decode(header.trim()) else { return false };
        let mut fits = Choice::from(0);
        for secret in secrets.iter().map(AsRef::as_ref).filter(|secret| !secret.is_empty()) {
            fits |= digest(secret, body).ct_eq(&given);
        }
        fits.into()
    }
}

fn digest(secret: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_base64_of_hmac_sha256() {
        // RFC 4231, test case 2.
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let bytes: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert_eq!(Signature::sign("Jefe", b"what do ya want for nothing?"), STANDARD.encode(bytes));
    }

    #[test]
    fn either_secret_fits_during_a_rotation() {
        let old = Signature::sign("old", b"body");
        assert!(Signature::verify(&["new", "old"], &old, b"body"));
        assert!(Signature::verify(&["old", "new"], &format!(" {old} "), b"body"));
        assert!(!Signature::verify(&["new"], &old, b"body"));
    }

    #[test]
    fn white_space_in_the_body_matters() {
        let signature = Signature::sign("key", b"{}");
        assert!(!Signature::verify(&["key"], &signature, b"{} "));
    }

    #[test]
    fn nothing_fits_no_secret() {
        let signature = Signature::sign("", b"body");
        assert!(!Signature::verify(&[""], &signature, b"body"));
        assert!(!Signature::verify(&[] as &[&str], &signature, b"body"));
        assert!(!Signature::verify(&["key"], "", b"body"));
        assert!(!Signature::verify(&["key"], "not base64!", b"body"));
        assert!(!Signature::verify(&["key"], &Signature::sign("key", b"body")[..40], b"body"));
    }
}
