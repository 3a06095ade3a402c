//! The tamper-evident record of what happened: one hash chain a town.
//!
//! An event has a header and a payload. Personal data stand only in the payload, and only a
//! commitment to it enters the chain, so that a payload can be erased and the chain still verified.
//!
//! - header: the RFC 8785 form of the event's facts;
//! - commitment = SHA-256(salt ‖ payload), the salt of [`SALT_BYTES`], or [`NO_PAYLOAD`];
//! - hash = SHA-256(previous hash ‖ header ‖ commitment), starting from [`GENESIS`].
//!
//! Owns the form of a header, the hashes and their verification; `chain_verifier` follows a whole chain.
//! Where events are kept, and the making of salts, is the store's.

pub mod chain_verifier;
pub mod redaction;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// What the first event of a town is chained to.
pub const GENESIS: Digest = [0; 32];

/// The commitment of an event that never had a payload.
pub const NO_PAYLOAD: Digest = [0; 32];

/// How long a salt is. Nothing else tells where the salt ends and the payload begins: with salts of any
/// length, what was said could be moved into the salt, and out of sight.
pub const SALT_BYTES: usize = 16;

/// What is said about an event forever. No personal data: it cannot be erased.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The town whose chain it is in.
    pub town_id: Uuid,
    /// Its place there, from 1.
    pub seq: i64,
    /// What kind of thing it is about: `report`, `officer`, ….
    pub subject_kind: &'a str,
    /// The thing.
    pub subject_id: Uuid,
    /// What happened.
    pub kind: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// The officer who did it; none for the system.
    pub actor_id: Option<Uuid>,
    /// Further facts: status, holder, version, ….
    pub facts: &'a Map<String, Value>,
}

/// A header as it is written.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Uuid>,
    at: String,
    facts: &'a Map<String, Value>,
    kind: &'a str,
    seq: i64,
    subject: Uuid,
    subject_kind: &'a str,
    town: Uuid,
}

impl Header<'_> {
    /// The header in canonical form (RFC 8785): equal headers give equal bytes.
    ///
    /// # Errors
    /// If a fact has no canonical form.
    pub fn canonical(&self) -> serde_json::Result<String> {
        serde_json_canonicalizer::to_string(&Written {
            actor: self.actor_id,
            at: self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            facts: self.facts,
            kind: self.kind,
            seq: self.seq,
            subject: self.subject_id,
            subject_kind: self.subject_kind,
            town: self.town_id,
        })
    }
}

/// Binds the chain to a payload without telling it.
#[must_use]
pub fn commitment(salt: &[u8], payload: &str) -> Digest {
    Sha256::new()
        .chain_update(salt)
        .chain_update(payload)
        .finalize()
        .into()
}

/// The hash of an event, which the next one is chained to.
#[must_use]
pub fn link(previous: &Digest, header: &str, commitment: &Digest) -> Digest {
    Sha256::new()
        .chain_update(previous)
        .chain_update(header)
        .chain_update(commitment)
        .finalize()
        .into()
}

/// An event as it was found in a store: its header, and what the columns beside it say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // As in `Header`, and as defined above.
pub struct Record {
    pub town_id: Uuid,
    pub seq: i64,
    pub subject_kind: String,
    pub subject_id: Uuid,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub header: String,
    pub payload: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub commitment: Vec<u8>,
    pub hash: Vec<u8>,
}

/// How far a town's chain has been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The town.
    pub town_id: Uuid,
    /// The place of the last event; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: Digest,
}

impl Link {
    /// Before the first event of a town.
    #[must_use]
    pub const fn genesis(town_id: Uuid) -> Self {
        Self {
            town_id,
            seq: 0,
            hash: GENESIS,
        }
    }
}

/// What is wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The event before it is missing, or it stands twice.
    #[error("it does not follow the event before it")]
    OutOfPlace,
    /// It is of another town.
    #[error("it belongs to another town")]
    OtherTown,
    /// The header is not what the columns say, or not in canonical form.
    #[error("its header and its columns differ")]
    Header,
    /// Payload, salt and commitment do not fit.
    #[error("its payload is not the one that was recorded")]
    Payload,
    /// The hash does not follow from the hash before it, the header and the commitment.
    #[error("its hash does not follow from what it says")]
    Hash,
    /// The chain ends elsewhere than at the head that the town keeps.
    #[error("the chain does not end at the town's head")]
    Head,
    /// A head that was signed before does not lie on the chain.
    #[error("the chain is not the one whose head was signed")]
    SignedHead,
    /// The payload is gone, and no event says that it was erased.
    #[error("its payload is gone, and no event says that it was erased")]
    UnrecordedErasure,
    /// The store cannot read it.
    #[error("it cannot be read")]
    Unreadable,
}

/// Where a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event {seq}: {fault}")]
pub struct Broken {
    /// The place that was expected there.
    pub seq: i64,
    /// What is wrong.
    pub fault: Fault,
}

/// A run of events that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Its end: the next run starts from here.
    pub end: Link,
    /// Events whose payload was erased.
    pub erased: u64,
}

/// Verifies a run of events from a place in the chain on.
///
/// That the chain is complete, [`ends_at`] tells.
///
/// # Errors
/// The first event that does not hold.
pub fn verify<'a>(
    start: Link,
    records: impl IntoIterator<Item = &'a Record>,
) -> Result<Verified, Broken> {
    let mut verified = Verified {
        end: start,
        erased: 0,
    };
    for record in records {
        let seq = verified.end.seq + 1;
        let erased = check(&mut verified.end, record).map_err(|fault| Broken { seq, fault })?;
        verified.erased += u64::from(erased);
    }
    Ok(verified)
}

/// Compares the end of the chain with the head that the town keeps: the last events of a chain could
/// otherwise be cut off unseen.
///
/// # Errors
/// If they differ.
pub fn ends_at(end: Link, seq: i64, hash: &[u8]) -> Result<(), Broken> {
    if end.seq == seq && end.hash == hash {
        Ok(())
    } else {
        Err(Broken {
            seq: end.seq + 1,
            fault: Fault::Head,
        })
    }
}

/// Follows the chain over one event, and tells whether its payload was erased.
fn check(end: &mut Link, record: &Record) -> Result<bool, Fault> {
    if record.town_id != end.town_id {
        return Err(Fault::OtherTown);
    }
    if record.seq != end.seq + 1 {
        return Err(Fault::OutOfPlace);
    }
    if rewritten(record).as_ref() != Some(&record.header) {
        return Err(Fault::Header);
    }
    let recorded: Digest = record
        .commitment
        .as_slice()
        .try_into()
        .map_err(|_| Fault::Payload)?;
    let erased = match (&record.payload, &record.salt) {
        (Some(payload), Some(salt))
            if salt.len() == SALT_BYTES && commitment(salt, payload) == recorded =>
        {
            false
        }
        (None, None) => recorded != NO_PAYLOAD,
        _ => return Err(Fault::Payload),
    };
    let hash = link(&end.hash, &record.header, &recorded);
    if record.hash != hash {
        return Err(Fault::Hash);
    }
    *end = Link {
        seq: record.seq,
        hash,
        ..*end
    };
    Ok(erased)
}

/// The header that the columns ask for, with the facts of the one that is there.
fn rewritten(record: &Record) -> Option<String> {
    #[derive(Deserialize)]
    struct Facts {
        facts: Map<String, Value>,
    }
    let Facts { facts } = serde_json::from_str(&record.header).ok()?;
    let header = Header {
        town_id: record.town_id,
        seq: record.seq,
        subject_kind: &record.subject_kind,
        subject_id: record.subject_id,
        kind: &record.kind,
        at: record.at,
        actor_id: record.actor_id,
        facts: &facts,
    };
    header.canonical().ok()
}

#[cfg(test)]
mod tests;
