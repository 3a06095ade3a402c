//! The tamper-evident record of what happened: one hash chain a town.
//!
//! An event has a header and a payload. Personal data stand only in the payload, and only a
//! commitment to it enters the chain, so that a payload can be erased and the chain still verified.
//!
//! - header: the RFC 8785 form of the event's facts;
//! - commitment = SHA-256(salt ‖ payload), the salt of [`SALT_BYTES`], or [`NO_PAYLOAD`];
//! - hash = SHA-256(previous hash ‖ header ‖ commitment), starting from [`GENESIS`].
//!
//! Owns the form of a header, the hashes and their verification; a whole chain is followed in `chain_verifier`.
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    pub(super) const TOWN: Uuid = Uuid::from_u128(1);

    fn record(previous: &Link, kind: &str, payload: Option<&str>) -> Record {
        let facts = json!({"status": "open", "version": 3, "holder": Uuid::from_u128(7)});
        record_of(previous, kind, &facts, payload)
    }

    fn record_of(previous: &Link, kind: &str, facts: &Value, payload: Option<&str>) -> Record {
        let facts = facts.as_object().unwrap();
        let at = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let (seq, subject_id) = (previous.seq + 1, Uuid::from_u128(9));
        let actor_id = payload.map(|_| Uuid::from_u128(5));
        let header = Header {
            town_id: previous.town_id,
            seq,
            subject_kind: "report",
            subject_id,
            kind,
            at,
            actor_id,
            facts,
        }
        .canonical()
        .unwrap();
        let salt = payload.map(|_| vec![u8::try_from(seq % 251).unwrap(); SALT_BYTES]);
        let commitment = match (payload, &salt) {
            (Some(payload), Some(salt)) => commitment(salt, payload),
            _ => NO_PAYLOAD,
        };
        Record {
            town_id: previous.town_id,
            seq,
            subject_kind: "report".to_owned(),
            subject_id,
            kind: kind.to_owned(),
            at,
            actor_id,
            hash: link(&previous.hash, &header, &commitment).to_vec(),
            header,
            payload: payload.map(ToOwned::to_owned),
            salt,
            commitment: commitment.to_vec(),
        }
    }

    pub(super) fn chain(payloads: &[Option<String>]) -> (Vec<Record>, Link) {
        let facts = json!({"status": "open", "version": 3});
        let filed = |payload: &Option<String>| ("filed", facts.clone(), payload.clone());
        chain_of(payloads.iter().map(filed).collect())
    }

    /// A chain of events by kind, facts and payload.
    pub(super) fn chain_of(events: Vec<(&str, Value, Option<String>)>) -> (Vec<Record>, Link) {
        let mut end = Link::genesis(TOWN);
        let mut records = Vec::new();
        for (kind, facts, payload) in events {
            let next = record_of(&end, kind, &facts, payload.as_deref());
            end = Link {
                seq: next.seq,
                hash: next.hash.clone().try_into().unwrap(),
                ..end
            };
            records.push(next);
        }
        (records, end)
    }

    pub(super) fn erase(record: &mut Record) {
        record.payload = None;
        record.salt = None;
    }

    #[test]
    fn a_header_is_written_one_way() {
        let facts = json!({"b": 1, "a": "村"});
        let header = Header {
            town_id: TOWN,
            seq: 12,
            subject_kind: "report",
            subject_id: Uuid::from_u128(2),
            kind: "approved",
            at: DateTime::from_timestamp_micros(0).unwrap(),
            actor_id: None,
            facts: facts.as_object().unwrap(),
        };
        assert_eq!(
            header.canonical().unwrap(),
            "{\"at\":\"1970-01-01T00:00:00.000000Z\",\"facts\":{\"a\":\"村\",\"b\":1},\
             \"kind\":\"approved\",\"seq\":12,\"subject\":\"00000000-0000-0000-0000-000000000002\",\
             \"subject_kind\":\"report\",\"town\":\"00000000-0000-0000-0000-000000000001\"}"
        );
    }

    #[test]
    fn hashes_are_those_of_any_other_sha256() {
        // printf 'saltpayload' | sha256sum
        assert_eq!(
            commitment(b"salt", "payload")[..4],
            [0xb2, 0x5a, 0xfe, 0x29]
        );
    }

    #[test]
    fn each_fault_is_named_where_it_is() {
        let texts: Vec<_> = ["一", "二", "三"].map(|text| Some(text.to_owned())).into();
        let (good, end) = chain(&texts);
        let start = Link::genesis(TOWN);
        assert_eq!(verify(start, &good).unwrap(), Verified { end, erased: 0 });

        let broken = |change: &dyn Fn(&mut Vec<Record>)| {
            let mut records = good.clone();
            change(&mut records);
            let Broken { seq, fault } = verify(start, &records).unwrap_err();
            (seq, fault)
        };
        let payload = |text: &str| Some(text.to_owned());
        assert_eq!(
            broken(&|r| r[1].payload = payload("四")),
            (2, Fault::Payload)
        );
        // The same bytes, parted elsewhere: the payload in the salt, and the salt in the payload.
        let moved = |r: &mut Record, left: usize| {
            let mut joined = r.salt.take().unwrap();
            joined.extend(r.payload.take().unwrap().into_bytes());
            r.payload = String::from_utf8(joined.split_off(left)).ok();
            r.salt = Some(joined);
        };
        assert_eq!(
            broken(&|r| moved(&mut r[1], SALT_BYTES + "二".len())),
            (2, Fault::Payload)
        );
        assert_eq!(broken(&|r| moved(&mut r[1], 0)), (2, Fault::Payload));
        assert_eq!(broken(&|r| r[1].payload = None), (2, Fault::Payload));
        assert_eq!(broken(&|r| r[1].salt = None), (2, Fault::Payload));
        assert_eq!(broken(&|r| r[1].commitment.clear()), (2, Fault::Payload));
        assert_eq!(broken(&|r| r[1].actor_id = None), (2, Fault::Header));
        assert_eq!(
            broken(&|r| r[1].kind = "closed".to_owned()),
            (2, Fault::Header)
        );
        assert_eq!(broken(&|r| r[1].header.push(' ')), (2, Fault::Header));
        assert_eq!(broken(&|r| r[1].hash[0] ^= 1), (2, Fault::Hash));
        assert_eq!(broken(&|r| drop(r.remove(1))), (2, Fault::OutOfPlace));
        assert_eq!(broken(&|r| r.swap(1, 2)), (2, Fault::OutOfPlace));
        assert_eq!(
            broken(&|r| r[0].town_id = Uuid::nil()),
            (1, Fault::OtherTown)
        );

        assert_eq!(ends_at(end, 3, &good[2].hash), Ok(()));
        let cut = verify(start, &good[..2]).unwrap().end;
        assert_eq!(
            ends_at(cut, 3, &good[2].hash),
            Err(Broken {
                seq: 3,
                fault: Fault::Head
            })
        );

        // A forger who writes the columns, the header and the hash anew breaks the next event.
        let mut records = good.clone();
        let first = Link {
            town_id: TOWN,
            seq: 1,
            hash: good[0].hash.clone().try_into().unwrap(),
        };
        records[1] = record(&first, "closed", Some("二"));
        assert_eq!(
            verify(start, &records),
            Err(Broken {
                seq: 3,
                fault: Fault::Hash
            })
        );
    }

    proptest! {
        #[test]
        fn erasing_payloads_never_breaks_a_chain(
            events in prop::collection::vec((prop::option::of(".{0,20}"), any::<bool>()), 0..30),
            cut in 0_usize..30,
        ) {
            let payloads: Vec<_> = events.iter().map(|(payload, _)| payload.clone()).collect();
            let (mut records, end) = chain(&payloads);
            let mut erased = 0;
            for (record, (payload, erase_it)) in records.iter_mut().zip(&events) {
                if *erase_it {
                    erase(record);
                    erased += u64::from(payload.is_some());
                }
            }
            let whole = verify(Link::genesis(TOWN), &records);
            prop_assert_eq!(whole, Ok(Verified { end, erased }));
            // In two runs it is the same.
            let (one, other) = records.split_at(cut.min(records.len()));
            let half = verify(Link::genesis(TOWN), one).unwrap();
            prop_assert_eq!(verify(half.end, other).unwrap().end, end);
        }

        #[test]
        fn no_changed_bit_goes_unseen(
            count in 1_usize..8, at in any::<prop::sample::Index>(),
            field in 0_usize..5, bit in any::<prop::sample::Index>(),
        ) {
            let (mut records, _) = chain(&vec![Some("张三 13800000000".to_owned()); count]);
            let record = &mut records[at.index(count)];
            let flip = |bytes: &mut Vec<u8>| {
                let bit = bit.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            };
            let flip_text = |text: &mut String| {
                let mut bytes = std::mem::take(text).into_bytes();
                flip(&mut bytes);
                *text = String::from_utf8_lossy(&bytes).into_owned();
            };
            match field {
                0 => flip(&mut record.hash),
                1 => flip(&mut record.commitment),
                2 => flip(record.salt.as_mut().unwrap()),
                3 => flip_text(record.payload.as_mut().unwrap()),
                _ => flip_text(&mut record.header),
            }
            prop_assert!(verify(Link::genesis(TOWN), &records).is_err());
        }
    }
}
