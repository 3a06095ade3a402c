//! The keys that sign access tokens, and the tokens themselves (EdDSA JWT, RFC 7519, 8037).
//!
//! Owns: the first key of a new server, reading keys in PEM, signing, verifying, the JWK set. It
//! must not know whether a session is still alive (`authenticate`).
//!
//! A PEM text may hold several keys: the first signs, all are accepted. To rotate, put a new key
//! first and take the old one out when its last token has expired.

pub mod statements;

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use gridpatrol_problem::Problem;
use gridpatrol_store::random;

/// The file in the data directory that holds the key made at first start.
const FILE: &str = "signing-keys.pem";
/// The bytes before the 32 secret bytes of an Ed25519 key in PKCS#8 (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// How many verified tokens each of the two generations keeps.
const REMEMBERED: usize = 8192;

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("the signing keys in {path} cannot be read or written: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The PEM text is not valid.
    #[error(
        "the signing keys are not usable: {0}; Ed25519 keys in PEM are needed, \
         the first a private one (openssl genpkey -algorithm ed25519)"
    )]
    Unusable(String),
    /// The system gave no random numbers for a new key.
    #[error(transparent)]
    NoRandomness(#[from] random::NoRandomness),
}

impl From<jsonwebtoken::errors::Error> for KeyError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

/// Who a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// The officer.
    pub officer_id: Uuid,
    /// The session.
    pub session_id: Uuid,
}

/// The claims of an access token.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

/// Keys to sign and verify with. A cheap handle.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

struct Inner {
    signing: EncodingKey,
    kid: String,
    accepted: HashMap<String, DecodingKey>,
    set: JwkSet,
    validation: Validation,
    issuer: String,
    lifetime: TimeDelta,
    verified: Mutex<Verified>,
}

/// Tokens with a valid signature, by their hash. Two generations limit the size: when the newer one
/// is full, we drop the older one.
#[derive(Default)]
struct Verified {
    younger: HashMap<[u8; 32], (Bearer, i64)>,
    older: HashMap<[u8; 32], (Bearer, i64)>,
}

impl Verified {
    fn get(&self, hash: &[u8; 32]) -> Option<(Bearer, i64)> {
        self.younger
            .get(hash)
            .or_else(|| self.older.get(hash))
            .copied()
    }

    fn insert(&mut self, hash: [u8; 32], known: (Bearer, i64)) {
        if self.younger.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(hash, known);
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Keys")
            .field("kid", &self.inner.kid)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys of a PEM text.
    ///
    /// # Errors
    /// If the first key is not a private Ed25519 key, or the text has another kind of key.
    pub fn from_pem(text: &str, issuer: &str, lifetime: TimeDelta) -> Result<Self, KeyError> {
        let mut signing = None;
        let mut accepted = HashMap::new();
        let mut set = JwkSet::default();
        for block in pem_blocks(text) {
            let (mut jwk, private) = read_key(block)?;
            let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
            jwk.common.key_id = Some(kid.clone());
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            if signing.is_none() {
                let private = private
                    .ok_or_else(|| KeyError::Unusable("the first key is a public one".into()))?;
                signing = Some((private, kid.clone()));
            }
            if accepted.insert(kid, DecodingKey::from_jwk(&jwk)?).is_none() {
                set.keys.push(jwk);
            }
        }
        let (signing, kid) =
            signing.ok_or_else(|| KeyError::Unusable("there is no key in it".to_owned()))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The expiry is compared with the server's own clock, in `verify`.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[issuer]);
        Ok(Self {
            inner: Arc::new(Inner {
                signing,
                kid,
                accepted,
                set,
                validation,
                issuer: issuer.to_owned(),
                lifetime,
                verified: Mutex::default(),
            }),
        })
    }

    /// Makes an access token for this session. Also returns how many seconds it is valid.
    ///
    /// # Errors
    /// An internal fault when signing fails.
    pub fn issue(&self, bearer: Bearer, now: DateTime<Utc>) -> Result<(String, i64), Problem> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.inner.kid.clone());
        let claims = Claims {
            iss: self.inner.issuer.clone(),
            aud: self.inner.issuer.clone(),
            sub: bearer.officer_id,
            sid: bearer.session_id,
            iat: now.timestamp(),
            exp: (now + self.inner.lifetime).timestamp(),
        };
        let token =
            jsonwebtoken::encode(&header, &claims, &self.inner.signing).map_err(|error| {
                tracing::error!(%error, "an access token cannot be signed");
                Problem::new(Code::Internal)
            })?;
        Ok((token, self.inner.lifetime.num_seconds()))
    }

    /// Finds who a token is for.
    ///
    /// # Errors
    /// `token_expired` for our own token that has expired, `unauthenticated` for any other fault.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Bearer, Problem> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.verified().get(&hash);
        let (bearer, expires) = match known {
            Some(known) => known,
            None => {
                let known = self.check(token).ok_or_else(|| {
                    Problem::new(Code::Unauthenticated)
                        .detail("This server did not issue the access token. Sign in again.")
                })?;
                self.verified().insert(hash, known);
                known
            }
        };
        if now.timestamp() >= expires {
            return Err(Problem::new(Code::TokenExpired)
                .detail("Send the refresh token to POST /v1/auth/refresh."));
        }
        Ok(bearer)
    }

    /// The public keys, for `/.well-known/jwks.json`.
    #[must_use]
    pub fn set(&self) -> &JwkSet {
        &self.inner.set
    }

    fn check(&self, token: &str) -> Option<(Bearer, i64)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = self.inner.accepted.get(&header.kid?)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.inner.validation)
            .ok()?
            .claims;
        let bearer = Bearer {
            officer_id: claims.sub,
            session_id: claims.sid,
        };
        Some((bearer, claims.exp))
    }

    fn verified(&self) -> std::sync::MutexGuard<'_, Verified> {
        self.inner
            .verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads keys from a configured file.
///
/// # Errors
/// When it cannot be read.
pub fn read_file(path: &Path) -> Result<String, KeyError> {
    let text = fs::read_to_string(path).map_err(|source| KeyError::File {
        path: path.to_owned(),
        source,
    })?;
    warn_if_others_can_read(path);
    Ok(text)
}

/// Reads the keys from the data directory, or makes a new one at first start. If two processes
/// start at once, one makes the key and both use it.
///
/// # Errors
/// If the file can be neither read nor created.
pub fn read_or_make_file(data_dir: &Path) -> Result<String, KeyError> {
    let path = data_dir.join(FILE);
    if !path.exists() {
        let pem = new_pem()?;
        let draft = data_dir.join(format!(".{FILE}.{}", Uuid::new_v4()));
        let made = write_private(&draft, &pem).and_then(|()| fs::hard_link(&draft, &path));
        let cleared = fs::remove_file(&draft);
        match made {
            Ok(()) => {
                sync_directory(data_dir)?;
                tracing::info!(path = %path.display(), "made a signing key");
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(KeyError::File { path, source }),
        }
        if let Err(source) = cleared {
            return Err(KeyError::File {
                path: draft,
                source,
            });
        }
    }
    read_file(&path)
}

/// The secret half of a new key.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn new_secret() -> Result<[u8; 32], KeyError> {
    Ok(random::bytes()?)
}

/// A key in PEM, from its secret half.
#[must_use]
pub fn pem(secret: &[u8; 32]) -> String {
    let der = [PKCS8_PREFIX.as_slice(), secret.as_slice()].concat();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    )
}

/// A new key in PEM.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn new_pem() -> Result<String, KeyError> {
    Ok(pem(&new_secret()?))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> Result<(), KeyError> {
    fs::File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if let Ok(facts) = fs::metadata(path)
        && facts.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "other accounts of this machine can read the signing keys; chmod 600 it");
    }
}

#[cfg(not(unix))]
const fn warn_if_others_can_read(_path: &Path) {}

/// The PEM blocks of a text, one key each.
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN ";
    let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .filter_map(move |(from, to)| text.get(from..to))
}

/// A key's public half, and its private half if the block has it.
fn read_key(block: &str) -> Result<(Jwk, Option<EncodingKey>), KeyError> {
    if block.starts_with("-----BEGIN PRIVATE KEY-----") {
        let private = EncodingKey::from_ed_pem(block.as_bytes())?;
        Ok((
            Jwk::from_encoding_key(&private, Algorithm::EdDSA)?,
            Some(private),
        ))
    } else {
        let public = DecodingKey::from_ed_pem(block.as_bytes())?;
        Ok((
            Jwk::from_decoding_key(&public, Some(Algorithm::EdDSA))?,
            None,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bearer, Keys, new_pem, read_or_make_file};
    use chrono::{DateTime, TimeDelta, Utc};
    use gridpatrol_domain::error::Code;
    use uuid::Uuid;

    fn keys(pem: &str) -> Keys {
        Keys::from_pem(pem, "gridpatrol", TimeDelta::minutes(15)).unwrap()
    }

    fn bearer() -> Bearer {
        Bearer {
            officer_id: Uuid::new_v4(),
            session_id: Uuid::new_v4(),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    #[test]
    fn a_token_speaks_for_its_session_until_it_expires() {
        let keys = keys(&new_pem().unwrap());
        let bearer = bearer();
        let (token, seconds) = keys.issue(bearer, now()).unwrap();
        assert_eq!(seconds, 900);
        for _ in 0..2 {
            let last = now() + TimeDelta::seconds(899);
            assert_eq!(keys.verify(&token, last).unwrap(), bearer);
            let after = now() + TimeDelta::seconds(900);
            assert_eq!(
                keys.verify(&token, after).unwrap_err().code,
                Code::TokenExpired
            );
        }
    }

    #[test]
    fn only_our_own_tokens_count() {
        let pem = new_pem().unwrap();
        let keys = keys(&pem);
        let (token, _) = keys.issue(bearer(), now()).unwrap();
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = head.split_once('.').unwrap();
        let foreign = Keys::from_pem(&new_pem().unwrap(), "gridpatrol", TimeDelta::minutes(15))
            .unwrap()
            .issue(bearer(), now())
            .unwrap()
            .0;
        let elsewhere = Keys::from_pem(&pem, "another", TimeDelta::minutes(15))
            .unwrap()
            .issue(bearer(), now())
            .unwrap()
            .0;
        let none = format!("eyJhbGciOiJub25lIn0.{claims}.");
        let flipped: String = claims.chars().rev().collect();
        let forged = format!("{header}.{flipped}.{signature}");
        for wrong in ["", "a.b.c", head, &none, &forged, &foreign, &elsewhere] {
            let problem = keys.verify(wrong, now()).unwrap_err();
            assert_eq!(problem.code, Code::Unauthenticated, "{wrong}");
        }
    }

    #[test]
    fn an_old_key_is_accepted_while_a_new_one_signs() {
        let (old, new) = (new_pem().unwrap(), new_pem().unwrap());
        let (token, _) = keys(&old).issue(bearer(), now()).unwrap();
        let both = keys(&format!("{new}\n{old}"));
        assert!(both.verify(&token, now()).is_ok());
        let (fresh, _) = both.issue(bearer(), now()).unwrap();
        assert!(keys(&new).verify(&fresh, now()).is_ok());
        assert!(keys(&old).verify(&fresh, now()).is_err());
        assert_eq!(both.set().keys.len(), 2);
        let set = serde_json::to_value(both.set()).unwrap();
        let first = &set["keys"][0];
        assert_eq!(first["kty"], "OKP");
        assert_eq!(first["crv"], "Ed25519");
        assert_eq!(first["alg"], "EdDSA");
        assert_eq!(first["use"], "sig");
        assert!(first["kid"].is_string() && first["d"].is_null());
    }

    /// The example of RFC 8037, appendix A.
    #[test]
    fn the_key_id_is_the_thumbprint() {
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        let both = keys(&format!("{}{pem}", new_pem().unwrap()));
        let kid = both.set().keys[1].common.key_id.clone();
        assert_eq!(
            kid.as_deref(),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        );
    }

    #[test]
    fn unusable_texts_are_refused() {
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        for text in [
            "",
            "no key",
            public,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(Keys::from_pem(text, "gridpatrol", TimeDelta::minutes(15)).is_err());
        }
    }

    #[test]
    fn the_key_of_the_data_directory_is_made_once_and_private() {
        let directory = std::env::temp_dir().join(format!("gridpatrol-keys-{}", Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let made = read_or_make_file(&directory).unwrap();
        assert_eq!(read_or_make_file(&directory).unwrap(), made);
        let names: Vec<_> = std::fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["signing-keys.pem"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let facts = std::fs::metadata(directory.join("signing-keys.pem")).unwrap();
            assert_eq!(facts.permissions().mode() & 0o777, 0o600);
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
