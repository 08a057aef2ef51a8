//! An app's private RSA key, in any of the forms that are about: PEM (PKCS#1, PKCS#8), and the RSA-XML of SuperOffice's
//! Developer Portal. It signs system tokens, and is never shown.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;

use crate::error::Error;
use crate::secret::Secret;

/// A private key; its `Debug` says `***`.
#[derive(Clone)]
pub struct PrivateKey(Arc<KeyPair>);

impl PrivateKey {
    /// Reads a key.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the text holds no RSA key of at least 2048 bits. The message repeats nothing of it.
    pub fn read(text: &str) -> Result<Self, Error> {
        let pair = match pem(text) {
            Some(("PRIVATE KEY", der)) => KeyPair::from_pkcs8(&der).ok(),
            Some(("RSA PRIVATE KEY", der)) => KeyPair::from_der(&der).ok(),
            Some(_) => None,
            None => from_xml(text),
        };
        pair.map(|pair| Self(Arc::new(pair))).ok_or_else(|| {
            Error::Setup(
                "the private key is neither PEM (PKCS#1 or PKCS#8, without a password) nor <RSAKeyValue>, or too short"
                    .to_owned(),
            )
        })
    }

    /// The system token with this minute and a signature over both, as the exchange wants it.
    pub(crate) fn signed_system_token(&self, system_token: &str, now: Timestamp) -> Result<Secret, Error> {
        let text = format!("{system_token}.{}", now.strftime("%Y%m%d%H%M"));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| Error::Setup("the private key cannot sign".to_owned()))?;
        Ok(Secret::new(format!("{text}.{}", STANDARD.encode(signature))))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// The label and the content of the first PEM block.
fn pem(text: &str) -> Option<(&str, Vec<u8>)> {
    let (label, rest) = text.split_once("-----BEGIN ")?.1.split_once("-----")?;
    let body: String = rest.split("-----END").next()?.split_whitespace().collect();
    Some((label, STANDARD.decode(body).ok()?))
}

fn from_xml(text: &str) -> Option<KeyPair> {
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let body: String = rest.split_once(&format!("</{name}>"))?.0.split_whitespace().collect();
        let bytes = STANDARD.decode(body).ok()?;
        // Some writers pad numbers with leading zeros, which the key's reader refuses.
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec())
    };
    let public_key = PublicKeyComponents { n: part("Modulus")?, e: part("Exponent")? };
    let (d, p, q) = (part("D")?, part("P")?, part("Q")?);
    let (dp, dq, qinv) = (part("DP")?, part("DQ")?, part("InverseQ")?);
    KeyPair::from_components(&KeyPairComponents { public_key, d, p, q, dP: dp, dQ: dq, qInv: qinv }).ok()
}
