//! Signed heads of chains: an outsider who keeps one can prove later that nothing before it was
//! changed.
//!
//! Owns what is signed and how saved heads are read. It must not check heads against a chain: `verify`
//! does.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use gridpatrol_domain::audit::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use gridpatrol_people::auth::keys::Keys;
use gridpatrol_people::auth::keys::statements::PublicKeys;
use gridpatrol_problem::Problem;

/// The `typ` of a signed head.
pub const KIND: &str = "gridpatrol-chain-head+jwt";

/// What is signed: where the chain of a town ended at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Who signed it.
    pub iss: String,
    /// The town.
    pub town: Uuid,
    /// Its division code then.
    pub code: String,
    /// The place of the last event; 0: nothing had happened.
    pub seq: i64,
    /// The hash of that event, in hexadecimal.
    pub hash: String,
    /// When it was read.
    pub at: DateTime<Utc>,
}

impl Head {
    /// The hash as bytes; none where it is not one.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let mut digest = Digest::default();
        hex::decode_to_slice(&self.hash, &mut digest).ok()?;
        Some(digest)
    }

    /// Signs it: compact JWS.
    ///
    /// # Errors
    /// An internal fault when signing fails.
    pub fn sign(&self, keys: &Keys) -> Result<String, Problem> {
        keys.attest(KIND, self)
    }
}

/// Why saved heads cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadsError {
    /// None in it.
    #[error("there is no signed head in it")]
    None,
    /// One is not what a server with these keys signed.
    #[error(
        "head {0} is not one that these keys signed: pass the key set that was kept with it (--keys)"
    )]
    Foreign(usize),
}

/// Heads by town, each a place and its hash.
pub type ByTown = HashMap<Uuid, Vec<(i64, Digest)>>;

/// Reads saved heads: one on each line, or the answer of `GET /v1/audit/heads`.
///
/// # Errors
/// If there is none, or one is not genuine.
pub fn read(text: &str, keys: &PublicKeys) -> Result<ByTown, HeadsError> {
    let mut signed = Vec::new();
    match serde_json::from_str::<Value>(text) {
        Ok(answer) => found(&answer, &mut signed),
        Err(_) => signed.extend(
            text.lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty()),
        ),
    }
    let mut by_town = ByTown::new();
    for (number, one) in signed.iter().enumerate() {
        let head: Head = keys
            .read(KIND, one)
            .ok_or(HeadsError::Foreign(number + 1))?;
        let digest = head.digest().ok_or(HeadsError::Foreign(number + 1))?;
        by_town
            .entry(head.town)
            .or_default()
            .push((head.seq, digest));
    }
    if by_town.is_empty() {
        return Err(HeadsError::None);
    }
    Ok(by_town)
}

/// Every member `jws` of a JSON value, however deep.
fn found(value: &Value, signed: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(jws)) = members.get("jws") {
                signed.push(jws.clone());
            }
            members.values().for_each(|member| found(member, signed));
        }
        Value::Array(items) => items.iter().for_each(|item| found(item, signed)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use gridpatrol_people::auth::keys::new_pem;
    use serde_json::json;

    fn keys() -> Keys {
        Keys::from_pem(&new_pem().unwrap(), "gridpatrol", TimeDelta::minutes(15)).unwrap()
    }

    fn head(seq: i64) -> Head {
        Head {
            iss: "gridpatrol".to_owned(),
            town: Uuid::from_u128(1),
            code: "990001100000".to_owned(),
            seq,
            hash: hex::encode([0xab; 32]),
            at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        }
    }

    #[test]
    fn heads_are_read_as_lines_and_as_an_answer() {
        let keys = keys();
        let one = head(1).sign(&keys).unwrap();
        let two = head(2).sign(&keys).unwrap();
        let expected = ByTown::from([(Uuid::from_u128(1), vec![(1, [0xab; 32]), (2, [0xab; 32])])]);
        let lines = format!("{one}\n\n {two} \n");
        assert_eq!(read(&lines, &keys.public()), Ok(expected.clone()));
        let answer = json!({"items": [{"seq": 1, "jws": one}, {"jws": two}]}).to_string();
        assert_eq!(read(&answer, &keys.public()), Ok(expected));
    }

    #[test]
    fn what_these_keys_did_not_sign_is_no_head() {
        let keys = keys();
        let mut wrong = head(1);
        wrong.hash.push('0');
        let wrong = wrong.sign(&keys).unwrap();
        let foreign = head(1).sign(&super::tests::keys()).unwrap();
        for text in [&wrong, &foreign, "x"] {
            assert_eq!(read(text, &keys.public()), Err(HeadsError::Foreign(1)));
        }
        assert_eq!(read("{}", &keys.public()), Err(HeadsError::None));
        assert_eq!(read(" \n", &keys.public()), Err(HeadsError::None));
    }
}
