//! Headers, links and faults of a chain.

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
