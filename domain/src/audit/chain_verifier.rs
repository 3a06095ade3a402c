//! Follows a town's chain from its first event to its last, however long it is.
//!
//! Owns what a whole chain must keep beyond each link (the parent module): that every erasure was
//! recorded, that heads signed before lie on it, and that it ends at the town's head. It holds one link
//! and what is still open, never the events.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use uuid::Uuid;

use super::{Broken, Digest, Fault, Link, Record, Verified, check, ends_at};

/// The fact of an event that names the places of the events whose payload it erased.
pub const ERASED_SEQS: &str = "erased_seqs";

/// A chain that is being verified.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    end: Link,
    erased: u64,
    /// Erased events that no later event has named yet.
    unrecorded: BTreeSet<i64>,
    /// What signed heads say of places not reached yet.
    heads: BTreeMap<i64, Vec<Digest>>,
}

impl ChainVerifier {
    /// Before the first event of a town, with the heads signed of its chain, by place.
    #[must_use]
    pub fn new(town_id: Uuid, heads: impl IntoIterator<Item = (i64, Digest)>) -> Self {
        let mut by_place: BTreeMap<i64, Vec<Digest>> = BTreeMap::new();
        for (seq, hash) in heads {
            by_place.entry(seq).or_default().push(hash);
        }
        Self {
            end: Link::genesis(town_id),
            erased: 0,
            unrecorded: BTreeSet::new(),
            heads: by_place,
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn end(&self) -> Link {
        self.end
    }

    /// Follows the chain over its next event.
    ///
    /// # Errors
    /// If that one does not hold.
    pub fn step(&mut self, record: &Record) -> Result<(), Broken> {
        let seq = self.end.seq + 1;
        let broken = |fault| Broken { seq, fault };
        if check(&mut self.end, record).map_err(broken)? {
            self.erased += 1;
            self.unrecorded.insert(seq);
        }
        for recorded in erasures(&record.header) {
            self.unrecorded.remove(&recorded);
        }
        let hash = self.end.hash;
        match self.heads.remove(&seq) {
            Some(signed) if signed.iter().any(|head| *head != hash) => {
                Err(broken(Fault::SignedHead))
            }
            _ => Ok(()),
        }
    }

    /// Ends at the head that the town keeps. The verifier may go on from there: an
    /// [unrecorded erasure](Fault::UnrecordedErasure) is told only when all else holds, and a later event
    /// may still record it.
    ///
    /// # Errors
    /// If the chain ends elsewhere, a signed head lies beyond its end or before its beginning, or a
    /// payload is gone that no event says was erased.
    pub fn finish(&self, seq: i64, hash: &[u8]) -> Result<Verified, Broken> {
        ends_at(self.end, seq, hash)?;
        // A town in which nothing had happened: its head is the genesis of every chain.
        let genesis = self
            .heads
            .iter()
            .filter(|(seq, heads)| **seq != 0 || heads.iter().any(|head| *head != super::GENESIS));
        if let Some((seq, _)) = genesis.min_by_key(|(seq, _)| **seq) {
            return Err(Broken {
                seq: *seq,
                fault: Fault::SignedHead,
            });
        }
        if let Some(seq) = self.unrecorded.first() {
            return Err(Broken {
                seq: *seq,
                fault: Fault::UnrecordedErasure,
            });
        }
        Ok(Verified {
            end: self.end,
            erased: self.erased,
        })
    }
}

/// The places that an event says it erased. Its header was found sound before.
fn erasures(header: &str) -> Vec<i64> {
    #[derive(Deserialize)]
    struct Written {
        facts: Facts,
    }
    #[derive(Deserialize)]
    struct Facts {
        #[serde(default)]
        erased_seqs: Vec<i64>,
    }
    if !header.contains(ERASED_SEQS) {
        return Vec::new();
    }
    serde_json::from_str::<Written>(header).map_or_else(|_| Vec::new(), |it| it.facts.erased_seqs)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TOWN, chain, chain_of, erase};
    use super::*;
    use serde_json::json;

    fn walked(
        records: &[Record],
        heads: Vec<(i64, Digest)>,
        end: Link,
    ) -> Result<Verified, (i64, Fault)> {
        let told = |broken: Broken| (broken.seq, broken.fault);
        let mut verifier = ChainVerifier::new(TOWN, heads);
        for record in records {
            verifier.step(record).map_err(told)?;
        }
        verifier.finish(end.seq, &end.hash).map_err(told)
    }

    fn texts(count: usize) -> Vec<Option<String>> {
        (0..count).map(|_| Some("张三".to_owned())).collect()
    }

    #[test]
    fn heads_signed_before_lie_on_the_chain() {
        let (records, end) = chain(&texts(3));
        let at = |place: usize| {
            let hash = records[place - 1].hash.clone().try_into().unwrap();
            (i64::try_from(place).unwrap(), hash)
        };
        let whole = walked(
            &records,
            vec![at(1), at(3), at(3), (0, super::super::GENESIS)],
            end,
        );
        assert_eq!(whole.unwrap().end, end);
        // Another chain than the one that was signed, however well it holds by itself.
        let other = vec![at(1), (2, [7; 32])];
        assert_eq!(walked(&records, other, end), Err((2, Fault::SignedHead)));
        // One that was cut off, the town's own head with it.
        let (short, cut) = chain(&texts(2));
        assert_eq!(
            walked(&short, vec![(3, end.hash)], cut),
            Err((3, Fault::SignedHead))
        );
        assert_eq!(
            walked(&short, vec![(0, [7; 32])], cut),
            Err((0, Fault::SignedHead))
        );
    }

    #[test]
    fn an_erasure_that_nobody_recorded_is_no_erasure() {
        let (mut records, end) = chain(&texts(3));
        erase(&mut records[1]);
        assert_eq!(
            walked(&records, Vec::new(), end),
            Err((2, Fault::UnrecordedErasure))
        );
        let (mut records, end) = chain_of(vec![
            ("filed", json!({}), Some("张三".to_owned())),
            ("commented", json!({}), Some("李四".to_owned())),
            ("data_erased", json!({"erased_seqs": [1]}), None),
        ]);
        erase(&mut records[0]);
        assert_eq!(walked(&records, Vec::new(), end).unwrap().erased, 1);
        // A reader who came to the head that was, and then reads what was recorded since.
        let mut verifier = ChainVerifier::new(TOWN, Vec::new());
        for record in &records[..2] {
            verifier.step(record).unwrap();
        }
        let there = verifier.end();
        assert_eq!(
            verifier.finish(there.seq, &there.hash).unwrap_err().fault,
            Fault::UnrecordedErasure
        );
        verifier.step(&records[2]).unwrap();
        assert_eq!(verifier.finish(end.seq, &end.hash).unwrap().erased, 1);
        erase(&mut records[1]);
        assert_eq!(
            walked(&records, Vec::new(), end),
            Err((2, Fault::UnrecordedErasure))
        );
    }
}
