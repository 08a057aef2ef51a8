//! Seals what must not lie about in the open: AES-256-GCM, with a key from the environment or from a file of its own.
//!
//! A seal is good for one tenant and one purpose, so that a sealed value cannot be put in another's place.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::KeySource;

const KEY_LEN: usize = 32;

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("the key {0} is not there")]
    NoKey(String),
    #[error("the key {0}: {1}")]
    Unusable(String, String),
    #[error("it was sealed with another key than {0}")]
    OtherKey(String),
    #[error("it is damaged, or was sealed for something else")]
    Damaged,
}

/// A key, and where it came from.
pub(crate) struct Key {
    cipher: LessSafeKey,
    id: String,
    origin: String,
}

/// A sealed text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Which key opens it.
    key: String,
    nonce: String,
    text: String,
}

impl Key {
    /// The key that there is.
    pub(crate) fn load(source: &KeySource) -> Result<Self, SealError> {
        if let Some(key) = &source.key {
            return Self::read(key.expose_secret(), "in SO_CONNECTOR_KEY".to_owned());
        }
        let origin = format!("in {}", source.file.display());
        match std::fs::read_to_string(&source.file).map(SecretString::from) {
            Ok(text) => Self::read(text.expose_secret(), origin),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(SealError::NoKey(origin)),
            Err(error) => Err(SealError::Unusable(origin, error.to_string())),
        }
    }

    /// The key that there is, or a new one in its file.
    pub(crate) fn load_or_make(source: &KeySource) -> Result<Self, SealError> {
        match Self::load(source) {
            Err(SealError::NoKey(origin)) => {
                make(&source.file).map_err(|error| SealError::Unusable(origin, error.to_string()))?;
                Self::load(source)
            }
            other => other,
        }
    }

    fn read(text: &str, origin: String) -> Result<Self, SealError> {
        let Some(bytes) = unhex(text.trim()).filter(|bytes| bytes.len() == KEY_LEN) else {
            return Err(SealError::Unusable(origin, "64 hexadecimal digits are wanted".to_owned()));
        };
        let id = hex(&Sha256::digest(&bytes)[..4]);
        let key = UnboundKey::new(&AES_256_GCM, &bytes);
        let key = key.map_err(|_| SealError::Unusable(origin.clone(), "it is not usable".to_owned()))?;
        Ok(Self { cipher: LessSafeKey::new(key), id, origin })
    }

    /// Seals a text for a tenant and a purpose. No two seals are alike.
    pub(crate) fn seal(&self, tenant: &str, purpose: &str, text: &str) -> Result<Sealed, SealError> {
        let unusable =
            |_| SealError::Unusable(self.origin.clone(), "the system has no randomness".to_owned());
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(unusable)?;
        let mut bytes = text.as_bytes().to_vec();
        let bound = self.bound(tenant, purpose);
        self.cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut bytes)
            .map_err(|_| SealError::Damaged)?;
        Ok(Sealed { key: self.id.clone(), nonce: STANDARD.encode(nonce), text: STANDARD.encode(bytes) })
    }

    /// Opens what was sealed for this tenant and purpose.
    pub(crate) fn open(
        &self,
        tenant: &str,
        purpose: &str,
        sealed: &Sealed,
    ) -> Result<SecretString, SealError> {
        if sealed.key != self.id {
            return Err(SealError::OtherKey(self.origin.clone()));
        }
        let nonce = STANDARD.decode(&sealed.nonce).ok().and_then(|bytes| bytes.try_into().ok());
        let nonce: [u8; NONCE_LEN] = nonce.ok_or(SealError::Damaged)?;
        let mut bytes = STANDARD.decode(&sealed.text).map_err(|_| SealError::Damaged)?;
        let bound = self.bound(tenant, purpose);
        let opened = self.cipher.open_in_place(Nonce::assume_unique_for_key(nonce), bound, &mut bytes);
        let text = opened.ok().and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.map(SecretString::from).ok_or(SealError::Damaged)
    }

    fn bound(&self, tenant: &str, purpose: &str) -> Aad<String> {
        Aad::from(format!("{tenant}|{purpose}|{}", self.id))
    }
}

/// Makes a key in a file that only its owner may read. Two at once make one.
fn make(file: &Path) -> std::io::Result<()> {
    let mut bytes = [0; KEY_LEN];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the system has no randomness"))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = match options.open(file) {
        Ok(out) => out,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    writeln!(out, "{}", hex(&bytes))?;
    out.sync_all()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: char) -> Key {
        let text = digit.to_string().repeat(64);
        Key::load(&KeySource { key: Some(text.into()), file: "absent".into() }).unwrap()
    }

    #[test]
    fn a_seal_opens_with_its_key_for_its_tenant_and_purpose_alone() {
        let sealed = key('a').seal("Cust1", "token", "s3cret").unwrap();
        assert!(!serde_json::to_string(&sealed).unwrap().contains("s3cret"));
        assert_eq!(key('a').open("Cust1", "token", &sealed).unwrap().expose_secret(), "s3cret");
        assert!(matches!(key('a').open("Cust2", "token", &sealed), Err(SealError::Damaged)));
        assert!(matches!(key('a').open("Cust1", "other", &sealed), Err(SealError::Damaged)));
        assert!(matches!(key('b').open("Cust1", "token", &sealed), Err(SealError::OtherKey(_))));
        let mut torn = sealed.clone();
        torn.text = torn.text.replacen(|c: char| c.is_ascii_alphanumeric(), "+", 1);
        assert!(matches!(key('a').open("Cust1", "token", &torn), Err(SealError::Damaged)));
    }

    #[test]
    fn no_two_seals_are_alike() {
        let seals: std::collections::BTreeSet<String> =
            (0..500).map(|_| key('a').seal("Cust1", "token", "s3cret").unwrap().nonce).collect();
        assert_eq!(seals.len(), 500);
    }

    #[test]
    fn the_known_answer_of_the_standard_is_given() {
        // NIST SP 800-38D's example with a key, a nonce and a text of nothing but zeros.
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[0; KEY_LEN]).unwrap());
        let mut text = [0_u8; 16].to_vec();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut text).unwrap();
        assert_eq!(hex(&text), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    }

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let source = KeySource { key: None, file: folder.path().join("connector.key") };
        assert!(matches!(Key::load(&source), Err(SealError::NoKey(_))));
        let sealed = Key::load_or_make(&source).unwrap().seal("Cust1", "token", "s3cret").unwrap();
        let again = Key::load_or_make(&source).unwrap();
        assert_eq!(again.open("Cust1", "token", &sealed).unwrap().expose_secret(), "s3cret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&source.file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&source.file, "no key").unwrap();
        assert!(matches!(Key::load(&source), Err(SealError::Unusable(..))));
    }
}
