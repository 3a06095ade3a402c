//! Signed statements of the server that stay valid after a session ends: compact JWS (RFC 7515,
//! EdDSA).
//!
//! Owns how they are signed and checked. A statement must not work as an access token: its `typ`
//! differs, and it lacks claims that every access token must have (`Keys::verify`). Anyone who kept
//! the key set can check a statement without this server.

use std::collections::HashMap;

use gridpatrol_domain::error::Code;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{KeyError, Keys};
use gridpatrol_problem::Problem;

impl Keys {
    /// Signs a statement of a kind (`typ`).
    ///
    /// # Errors
    /// An internal fault when signing fails.
    pub fn attest<T: Serialize>(&self, kind: &str, statement: &T) -> Result<String, Problem> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        header.kid = Some(self.inner.kid.clone());
        jsonwebtoken::encode(&header, statement, &self.inner.signing).map_err(|error| {
            tracing::error!(%error, kind, "a statement cannot be signed");
            Problem::new(Code::Internal)
        })
    }

    /// The public half of all keys.
    #[must_use]
    pub fn public(&self) -> PublicKeys {
        PublicKeys(self.inner.accepted.clone())
    }

    /// The signer: `iss` of everything we sign.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }
}

/// Public keys by `kid`.
#[derive(Clone)]
pub struct PublicKeys(HashMap<String, DecodingKey>);

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.keys()).finish()
    }
}

impl PublicKeys {
    /// Reads the keys of a JWK set that `/.well-known/jwks.json` returned earlier.
    ///
    /// # Errors
    /// If it is not a JWK set of Ed25519 keys with `kid`s.
    pub fn from_jwks(text: &str) -> Result<Self, KeyError> {
        let set: JwkSet =
            serde_json::from_str(text).map_err(|error| KeyError::Unusable(error.to_string()))?;
        let mut keys = HashMap::new();
        for jwk in set.keys {
            let kid = jwk
                .common
                .key_id
                .clone()
                .ok_or_else(|| KeyError::Unusable("a key of the set has no kid".to_owned()))?;
            keys.insert(kid, DecodingKey::from_jwk(&jwk)?);
        }
        Ok(Self(keys))
    }

    /// Reads a statement of this kind. None if none of these keys signed it.
    #[must_use]
    pub fn read<T: DeserializeOwned + Clone>(&self, kind: &str, signed: &str) -> Option<T> {
        let header = jsonwebtoken::decode_header(signed).ok()?;
        if header.typ.as_deref() != Some(kind) {
            return None;
        }
        let key = self.0.get(&header.kid?)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // It describes one moment, so it does not expire.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        let statement = jsonwebtoken::decode::<T>(signed, key, &validation).ok()?;
        Some(statement.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bearer, Keys, new_pem};
    use super::PublicKeys;
    use chrono::{DateTime, TimeDelta};
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn keys() -> Keys {
        Keys::from_pem(&new_pem().unwrap(), "gridpatrol", TimeDelta::minutes(15)).unwrap()
    }

    #[test]
    fn who_kept_the_key_set_reads_what_was_signed() {
        let (keys, others) = (keys(), keys());
        let said = json!({"seq": 3, "hash": "ab"});
        let signed = keys.attest("head+jwt", &said).unwrap();
        let kept = serde_json::to_string(keys.set()).unwrap();
        let kept = PublicKeys::from_jwks(&kept).unwrap();
        assert_eq!(kept.read::<Value>("head+jwt", &signed), Some(said));
        assert_eq!(others.public().read::<Value>("head+jwt", &signed), None);
        assert_eq!(kept.read::<Value>("JWT", &signed), None);
        let (head, _) = signed.rsplit_once('.').unwrap();
        assert_eq!(
            kept.read::<Value>("head+jwt", &format!("{head}.AAAA")),
            None
        );
        assert!(PublicKeys::from_jwks("{}").is_err());
    }

    #[test]
    fn a_statement_opens_nothing_and_a_token_states_nothing() {
        let keys = keys();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let claims = json!({"iss": "gridpatrol", "aud": "gridpatrol", "sub": Uuid::nil()});
        let signed = keys.attest("head+jwt", &claims).unwrap();
        assert!(keys.verify(&signed, now).is_err());
        let bearer = Bearer {
            officer_id: Uuid::nil(),
            session_id: Uuid::nil(),
        };
        let (token, _) = keys.issue(bearer, now).unwrap();
        assert_eq!(keys.public().read::<Value>("head+jwt", &token), None);
    }
}
