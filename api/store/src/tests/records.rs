//! What every feature keeps alike: numbers, the chain, counters, idempotency keys.

use gridpatrol_domain::audit::{Broken, Fault};
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::{Category, Severity, Status, WarningLevel};
use serde_json::json;

use super::*;
use crate::events::{self, EventRecord};
use crate::idempotency::{self, Claim};
use crate::{counters, town};

fn found(store: &Store) -> Uuid {
    let id = Uuid::now_v7();
    store
        .write_blocking(Lane::Interactive, move |conn| {
            insert_grid(conn, id, "990001100000")?;
            Ok(town::found(conn, id)?)
        })
        .unwrap();
    id
}

fn event(payload: Option<serde_json::Value>) -> EventRecord {
    EventRecord {
        subject_kind: "report",
        subject_id: Uuid::now_v7(),
        kind: "filed",
        at: now(),
        actor_id: payload.as_ref().map(|_| Uuid::now_v7()),
        facts: json!({"status": "open", "version": 1})
            .as_object()
            .unwrap()
            .clone(),
        payload,
    }
}

fn append(store: &Store, town_id: Uuid, records: Vec<EventRecord>) -> i64 {
    store
        .write_blocking(Lane::Interactive, move |conn| {
            let mut head = town::advance(conn, town_id)?;
            events::append(conn, &mut head, records.clone())?;
            Ok(head.change_seq)
        })
        .unwrap()
}

#[test]
fn changes_and_reports_are_numbered_without_gaps() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let town_id = found(&store);
        // Eight writers at once, a third of whose commands is refused.
        let mut given: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..6)
                            .filter_map(|n| number(&store, town_id, n % 3 == 0).ok())
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        given.sort_unstable();
        let expected: Vec<_> = (1..=32).map(|n| (i64::from(n), (2026, n))).collect();
        assert_eq!(given, expected, "{kind:?}");
    }
}

fn number(store: &Store, town_id: Uuid, refuse: bool) -> Result<(i64, (i32, i32)), Problem> {
    store.write_blocking(Lane::Interactive, move |conn| {
        let mut head = town::advance(conn, town_id)?;
        let number = head.next_number(2026);
        events::append(conn, &mut head, vec![event(None)])?;
        if refuse {
            return Err(Problem::new(Code::WrongStatus).into());
        }
        Ok((head.change_seq, number))
    })
}

#[test]
fn numbers_begin_again_with_the_year_and_never_go_back() {
    let (_database, store) = fresh(Kind::Sqlite);
    let town_id = found(&store);
    let numbers = store
        .write_blocking(Lane::Interactive, move |conn| {
            let mut head = town::advance(conn, town_id)?;
            let numbers = [2026, 2026, 2027, 2026].map(|year| head.next_number(year));
            town::save(conn, &head)?;
            Ok(numbers)
        })
        .unwrap();
    assert_eq!(numbers, [(2026, 1), (2026, 2), (2027, 1), (2027, 2)]);
    assert_eq!(number(&store, town_id, false).unwrap().1, (2027, 3));
}

#[test]
fn the_chain_holds_and_any_change_of_it_shows() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let town_id = found(&store);
        let verify = || {
            store
                .read_blocking(|conn| events::verify(conn, town_id))
                .unwrap()
        };
        assert_eq!(verify().unwrap().end.seq, 0);
        let text = json!({"description": "张三在河边烧秸秆 \u{1F525}", "n": 1.5});
        assert_eq!(append(&store, town_id, vec![event(Some(text.clone()))]), 1);
        append(
            &store,
            town_id,
            vec![event(None), event(Some(text.clone()))],
        );
        append(&store, town_id, vec![event(Some(text))]);
        assert_eq!(
            (verify().unwrap().end.seq, verify().unwrap().erased),
            (4, 0)
        );

        // Two payloads of the same text have different commitments.
        let records = store
            .read_blocking(|conn| Ok(events::after(conn, town_id, 0, 10)?))
            .unwrap();
        assert_ne!(records[0].commitment, records[3].commitment);
        assert_eq!(records[0].payload, records[3].payload);

        store
            .write_blocking(Lane::Interactive, move |conn| {
                Ok(events::erase_payload(conn, town_id, 3)?)
            })
            .unwrap();
        assert_eq!(
            (verify().unwrap().end.seq, verify().unwrap().erased),
            (4, 1)
        );

        for (change, seq, fault) in [
            (
                "UPDATE events SET kind = 'closed' WHERE seq = 2",
                2,
                Fault::Header,
            ),
            (
                "UPDATE events SET kind = 'filed', payload = '{}' WHERE seq = 2",
                2,
                Fault::Payload,
            ),
            ("DELETE FROM events WHERE seq >= 2", 2, Fault::Head),
            ("UPDATE towns SET event_seq = 1", 2, Fault::Head),
        ] {
            store
                .write_blocking(Lane::Interactive, move |conn| {
                    Ok(conn.batch_execute(change)?)
                })
                .unwrap();
            assert_eq!(verify(), Err(Broken { seq, fault }), "{kind:?}: {change}");
        }
    }
}

#[test]
fn counters_add_up_on_every_grid_of_the_path() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let [town, village, group] = [(); 3].map(|()| Uuid::now_v7());
        let shift = |path, status, by| {
            store
                .write_blocking(Lane::Interactive, move |conn| {
                    let counted = counters::Counted {
                        status,
                        category: Category::StrawBurning,
                        severity: Severity::General,
                        colour: WarningLevel::Green,
                    };
                    Ok(counters::shift(conn, path, counted, by)?)
                })
                .unwrap();
        };
        shift(GridPath::group(town, village, group), Status::Open, 1);
        shift(GridPath::group(town, village, group), Status::Open, 1);
        shift(GridPath::village(town, village), Status::Open, 1);
        shift(GridPath::group(town, village, group), Status::Open, -1);
        shift(GridPath::group(town, village, group), Status::Closed, 1);
        let count = |grid, status| {
            use schema::report_counts as counts;
            store
                .read_blocking(|conn| {
                    Ok(counts::table
                        .filter(counts::town_id.eq(Id(town)))
                        .filter(counts::grid_id.eq(Id(grid)))
                        .filter(counts::status.eq(Coded(status)))
                        .select(counts::reports)
                        .load::<i64>(conn)?)
                })
                .unwrap()
        };
        let open = [group, village, town].map(|grid| count(grid, Status::Open));
        assert_eq!(open, [[1], [2], [2]], "{kind:?}");
        let closed = [group, village, town].map(|grid| count(grid, Status::Closed));
        assert_eq!(closed, [[1], [1], [1]], "{kind:?}");
    }
}

#[test]
fn a_key_is_claimed_once_and_answers_again() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let officer = Uuid::now_v7();
        let claim = |officer, hash: &'static [u8], fail: bool| {
            store.write_blocking(Lane::Interactive, move |conn| {
                let claim = idempotency::claim(conn, officer, "key", hash, now())?;
                if claim == Claim::New {
                    idempotency::complete(conn, officer, "key", 201, "{\"版\":1}")?;
                }
                if fail {
                    return Err(Problem::new(Code::WrongStatus).into());
                }
                Ok(claim)
            })
        };
        // A refusal leaves the key free.
        claim(officer, b"a", true).unwrap_err();
        assert_eq!(claim(officer, b"a", false).unwrap(), Claim::New);
        let replay = Claim::Replay {
            status: 201,
            body: "{\"版\":1}".to_owned(),
        };
        assert_eq!(claim(officer, b"a", false).unwrap(), replay);
        assert_eq!(claim(officer, b"b", false).unwrap(), Claim::Reused);
        // Another officer's keys are others.
        assert_eq!(claim(Uuid::now_v7(), b"b", false).unwrap(), Claim::New);

        let unclaimed = store.write_blocking(Lane::Interactive, move |conn| {
            Ok(idempotency::complete(conn, officer, "other", 200, "")?)
        });
        assert_eq!(unclaimed.unwrap_err().code, Code::Unavailable);
    }
}

#[test]
fn one_of_many_with_the_same_key_does_the_work() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let officer = Uuid::now_v7();
        let work = move |conn: &mut Conn| {
            let claim = idempotency::claim(conn, officer, "key", b"a", now())?;
            if claim == Claim::New {
                std::thread::sleep(Duration::from_millis(20));
                idempotency::complete(conn, officer, "key", 200, "done")?;
            }
            Ok(claim)
        };
        let claims: Vec<Claim> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|_| scope.spawn(|| store.write_blocking(Lane::Interactive, work).unwrap()))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let new = claims.iter().filter(|claim| **claim == Claim::New).count();
        let replayed = claims
            .iter()
            .filter(|claim| matches!(claim, Claim::Replay { status: 200, body } if body == "done"))
            .count();
        assert_eq!((new, replayed), (1, 5), "{kind:?}");
    }
}

#[test]
fn old_keys_are_swept_some_at_a_time() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let officer = Uuid::now_v7();
        let start = now();
        let day = move |n: i64| start + chrono::TimeDelta::days(n);
        store
            .write_blocking(Lane::Interactive, move |conn| {
                for n in 0..6_u8 {
                    let key = n.to_string();
                    idempotency::claim(conn, officer, &key, b"a", day(n.into()))?;
                }
                Ok(())
            })
            .unwrap();
        let sweep = move |most| {
            store
                .write_blocking(Lane::Background, move |conn| {
                    Ok(idempotency::sweep(conn, day(5), most)?)
                })
                .unwrap()
        };
        assert_eq!([sweep(3), sweep(3), sweep(3)], [3, 2, 0], "{kind:?}");
    }
}
