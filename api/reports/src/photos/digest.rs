//! The SHA-256 of a content: how it is written, read and compared.
//!
//! Owns this type. It must not read files or know where contents are stored.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a content; the content is stored under it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// The result of a running hash.
    #[must_use]
    pub fn finished(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }

    /// Makes it from its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads it from a column; none if it is not 32 bytes long.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads it from 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Reads it from a digest header of RFC 9530 (`sha-256=:…:`, perhaps with other algorithms).
    /// The outer option says whether the header names SHA-256, the inner one whether its value is
    /// readable.
    #[must_use]
    pub fn from_header(field: &str) -> Option<Option<Self>> {
        field.split(',').find_map(|member| {
            let (algorithm, value) = member.trim().split_once('=')?;
            algorithm.eq_ignore_ascii_case("sha-256").then(|| {
                let encoded = value.split(';').next()?.trim();
                let encoded = encoded.strip_prefix(':')?.strip_suffix(':')?;
                Self::from_slice(&STANDARD.decode(encoded).ok()?)
            })
        })
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hexadecimal_there_and_back() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), HEX);
        assert_eq!(Digest::from_hex(&HEX.to_uppercase()), Some(digest));
        for wrong in ["", "ba", &HEX[1..], &HEX.replace('b', "g"), &"é".repeat(32)] {
            assert_eq!(Digest::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn digest_headers_are_read() {
        let digest = Digest::of(b"abc");
        let member = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
        for field in [
            member.to_owned(),
            format!("sha-512=:AAAA:, {member};q=1"),
            member.replace("sha-256", "SHA-256"),
        ] {
            assert_eq!(Digest::from_header(&field), Some(Some(digest)), "{field}");
        }
        assert_eq!(Digest::from_header("sha-512=:AAAA:"), None);
        assert_eq!(Digest::from_header("sha-256=:AAAA:"), Some(None));
        assert_eq!(Digest::from_header("sha-256=abc"), Some(None));
    }
}
