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

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    const PKCS8: &str = include_str!("../tests/keys/app.pem");

    /// Signs, and checks with the public half of the key in `PKCS8`.
    fn signs(text: &str) -> bool {
        let key = PrivateKey::read(text).unwrap();
        let noon = "2026-02-25T08:00:59Z".parse().unwrap();
        let signed = key.signed_system_token("Some App-k3.pZ9", noon).unwrap();
        let (text, signature) = signed.expose().rsplit_once('.').unwrap();
        assert_eq!(text, "Some App-k3.pZ9.202602250800");
        let public = PrivateKey::read(PKCS8).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.0.public().as_ref().to_vec());
        public.verify(text.as_bytes(), &STANDARD.decode(signature).unwrap()).is_ok()
    }

    #[test]
    fn a_key_signs_alike_in_each_of_its_forms() {
        let xml = include_str!("../tests/keys/app.xml");
        // As some writers pad it, and as an editor breaks it.
        let modulus = xml.split_once("<Modulus>").unwrap().1.split_once("</Modulus>").unwrap().0;
        let padded = STANDARD.encode([vec![0], STANDARD.decode(modulus).unwrap()].concat());
        let forms = [
            PKCS8.to_owned(),
            PKCS8.replace('\n', "\r\n"),
            format!("Bag Attributes\n  friendlyName: app\n{PKCS8}"),
            include_str!("../tests/keys/app.pkcs1.pem").to_owned(),
            xml.to_owned(),
            xml.replace(modulus, &padded),
            xml.replace("><", ">\n  <").replace(modulus, &modulus.replace('a', "a\n")),
        ];
        for form in forms {
            assert!(signs(&form), "{}", &form[..30]);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let xml = include_str!("../tests/keys/app.xml");
        let public = &xml[..xml.find("<P>").unwrap()];
        let bad = [
            "",
            "not a key: hunter2",
            "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----",
            include_str!("../tests/keys/locked.pem"),
            include_str!("../tests/keys/short.pem"),
            public,
            "<RSAKeyValue><Modulus>aHVudGVyMg==</Modulus></RSAKeyValue>",
        ];
        for text in bad {
            let error = PrivateKey::read(text).unwrap_err().to_string();
            assert!(error.contains("neither PEM"), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("aHVu"), "{error}");
        }
        assert_eq!(format!("{:?}", PrivateKey::read(PKCS8).unwrap()), "***");
    }
}
