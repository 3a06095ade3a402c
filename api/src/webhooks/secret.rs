//! Secrets of endpoints, and the signatures made with them, as Standard Webhooks says.
//!
//! Owns their form: `whsec_` and the Base64 of 32 random bytes; HMAC-SHA-256 over id, timestamp and body.
//! While two secrets are valid, both sign, so that a receiver can switch at any time. It must not store
//! secrets: `queries` does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use gridpatrol_store::random::{self, NoRandomness};

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// A new secret. The caller sees its text only this once.
#[derive(Clone)]
pub struct Made {
    /// Its id.
    pub id: Uuid,
    /// The bytes that sign.
    pub bytes: [u8; 32],
}

impl Made {
    /// The secret as its receiver keeps it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.bytes))
    }
}

/// Makes a secret.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn make() -> Result<Made, NoRandomness> {
    Ok(Made {
        id: Uuid::now_v7(),
        bytes: random::bytes()?,
    })
}

/// The header `webhook-signature`: one signature a secret, newest first.
#[must_use]
pub fn sign(secrets: &[Vec<u8>], id: &str, timestamp: i64, body: &str) -> String {
    let signatures: Vec<String> = secrets
        .iter()
        // A key of any length is good for HMAC.
        .filter_map(|secret| Hmac::<Sha256>::new_from_slice(secret).ok())
        .map(|mut mac| {
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body.as_bytes());
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        })
        .collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_signed_alike() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = sign(
            &[secret.clone(), b"another".to_vec()],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        let (first, second) = signed.split_once(' ').unwrap();
        assert_eq!(first, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(second.starts_with("v1,") && second != first);
        let made = make().unwrap();
        assert!(made.text().starts_with("whsec_") && made.text().len() == 50);
    }
}
