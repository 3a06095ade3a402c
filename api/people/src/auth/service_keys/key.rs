//! The form of a key: `gp_<id>_<secret>`, 32 and 64 hexadecimal digits.
//!
//! Owns making, reading and hashing a key. It must not touch the database. The prefix and the fixed
//! form help secret scanners find a leaked key, and the id shows which key to end. The secret has
//! 256 random bits and cannot be guessed, so one fast SHA-256 protects it as well as a slow hash
//! protects a password.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use gridpatrol_store::random::{self, NoRandomness};

/// Every key starts with this.
pub const PREFIX: &str = "gp_";

/// A key that a client sent: which key it claims to be, and the hash of its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// The key's id.
    pub id: Uuid,
    /// The hash of its secret.
    pub hash: [u8; 32],
}

/// A new key. The caller sees its text only once.
#[derive(Clone)]
pub struct Made {
    /// Its id.
    pub id: Uuid,
    /// The hash of its secret, to be stored.
    pub hash: [u8; 32],
    /// The whole key.
    pub text: String,
}

/// Makes a key.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn make() -> Result<Made, NoRandomness> {
    let secret: [u8; 32] = random::bytes()?;
    let id = Uuid::now_v7();
    let digits = hex::encode(secret);
    Ok(Made {
        id,
        hash: Sha256::digest(&digits).into(),
        text: format!("{PREFIX}{}_{digits}", id.simple()),
    })
}

/// Reads a key. None if it does not have the form of a key.
#[must_use]
pub fn read(text: &str) -> Option<Presented> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let sound = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    (sound(id, 32) && sound(secret, 64)).then_some(())?;
    Some(Presented {
        id: Uuid::parse_str(id).ok()?,
        hash: Sha256::digest(secret).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::{make, read};

    #[test]
    fn a_key_is_read_as_it_was_made_and_nothing_else_is() {
        let made = make().unwrap();
        let presented = read(&made.text).unwrap();
        assert_eq!((presented.id, presented.hash), (made.id, made.hash));
        assert_eq!(made.text.len(), 100);
        let text = made.text.as_str();
        let other = make().unwrap();
        assert_ne!(other.hash, made.hash);
        for wrong in [
            "",
            "gp_",
            &text[..99],
            &text[3..],
            &text.to_uppercase(),
            &text.replace("gp_", "gpr_"),
            &format!("{text}0"),
            &format!(" {text}"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
