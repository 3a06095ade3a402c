//! Sign-in on both databases.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use super::change_password::{self, Change};
use super::login::{self, Attempt};
use super::security_log::Origin;
use super::sessions::{self, Device, End, Signing};
use super::settings::AuthSettings;
use super::{Auth, cleanup, keys, queries};
use crate::testing::{Database, KINDS, Kind};
use gridpatrol_problem::Problem;
use gridpatrol_store::schema::{officers, refresh_tokens, security_log, sessions as session_table};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Lane, Store, StoreSettings};

const PASSWORD: &str = "demo-Patrol-2026";

struct House {
    _database: Database,
    store: Store,
    auth: Auth,
    officer: Uuid,
    now: DateTime<Utc>,
}

impl House {
    /// A database with one officer, `group_1_1`.
    async fn new(kind: Kind) -> Self {
        let database = Database::fresh(kind);
        let store = Store::open(&StoreSettings::new(database.url.parse().unwrap())).unwrap();
        store.migrate().unwrap();
        let settings = AuthSettings {
            argon2_memory_kib: 64,
            argon2_passes: 1,
            ..AuthSettings::default()
        };
        let auth = Auth::with_keys(settings, &keys::new_pem().unwrap(), &[7; 32]).unwrap();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let officer = Uuid::now_v7();
        let hash = auth.passwords.hash_blocking(PASSWORD).unwrap();
        store
            .write(Lane::Interactive, move |conn| {
                diesel::insert_into(officers::table)
                    .values((
                        officers::id.eq(Id(officer)),
                        officers::username.eq("group_1_1"),
                        officers::name.eq("李一"),
                        officers::password_hash.eq(&hash),
                        officers::must_change_password.eq(true),
                        officers::created_at.eq(At(now)),
                    ))
                    .execute(conn)?;
                queries::remember_hash(conn, officer, &hash, now, 5)?;
                Ok(())
            })
            .await
            .unwrap();
        Self {
            _database: database,
            store,
            auth,
            officer,
            now,
        }
    }

    fn later(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    async fn sign_in_from(
        &self,
        username: &str,
        password: &str,
        device: Option<&str>,
        address: &str,
    ) -> Result<Signing, Problem> {
        let attempt = Attempt {
            username: username.to_owned(),
            password: password.to_owned(),
            device: device.map(|id| Device {
                id: Some(id.to_owned()),
                ..Device::default()
            }),
            origin: origin(address),
        };
        login::sign_in(&self.store, &self.auth, self.now, attempt).await
    }

    async fn sign_in(&self, username: &str, password: &str) -> Result<Signing, Problem> {
        self.sign_in_from(username, password, None, "10.0.0.1")
            .await
    }

    async fn refresh(&self, token: &str) -> Result<Signing, Problem> {
        sessions::refresh(&self.store, &self.auth, self.now, token, origin("10.0.0.1")).await
    }

    async fn change(&self, session_id: Uuid, current: &str, new: &str) -> Result<(), Problem> {
        let change = Change {
            officer_id: self.officer,
            username: "group_1_1".to_owned(),
            session_id,
            current: Some(current.to_owned()),
            new: new.to_owned(),
            origin: origin("10.0.0.1"),
        };
        change_password::change(&self.store, &self.auth, self.now, change).await
    }

    async fn log(&self) -> Vec<String> {
        self.store
            .read(|conn| {
                Ok(security_log::table
                    .order(security_log::id)
                    .select(security_log::kind)
                    .load(conn)?)
            })
            .await
            .unwrap()
    }

    async fn sweep(&self) -> usize {
        let now = self.now;
        self.store
            .write(Lane::Background, move |conn| {
                Ok(cleanup::run_once(conn, now)?)
            })
            .await
            .unwrap()
    }

    async fn open_sessions(&self) -> Vec<Uuid> {
        let (officer, now) = (self.officer, self.now);
        self.store
            .read(move |conn| Ok(queries::open_sessions(conn, officer, now)?))
            .await
            .unwrap()
            .into_iter()
            .map(|session| session.id)
            .collect()
    }
}

fn origin(address: &str) -> Origin {
    Origin {
        address: address.to_owned(),
        request_id: "test".to_owned(),
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Problem>) -> Code {
    outcome.unwrap_err().code
}

#[tokio::test]
async fn a_lost_answer_signs_nobody_out_and_a_late_token_ends_the_session() {
    for kind in KINDS {
        let mut house = House::new(kind).await;
        let first = house.sign_in(" Group_1_1", PASSWORD).await.unwrap();
        assert!(first.account.must_change_password);
        house.later(900);
        // Ten at once, as a phone on a bad line sends them: all get an answer.
        let renewed =
            futures_util::future::join_all((0..10).map(|_| house.refresh(&first.refresh_token)))
                .await;
        let renewed: Vec<Signing> = renewed.into_iter().map(Result::unwrap).collect();
        assert!(
            renewed
                .iter()
                .all(|each| each.session_id == first.session_id)
        );
        house.later(900);
        let next = house.refresh(&renewed[3].refresh_token).await.unwrap();
        house.later(1);
        // Its successor is lost too: the token gives another one.
        house.refresh(&renewed[3].refresh_token).await.unwrap();
        assert_eq!(house.open_sessions().await, [first.session_id]);
        let late = code(house.refresh(&first.refresh_token).await);
        assert_eq!(late, Code::SessionEnded);
        assert_eq!(house.open_sessions().await, Vec::<Uuid>::new());
        for token in [&next, &renewed[3], &renewed[4], &first] {
            let gone = code(house.refresh(&token.refresh_token).await);
            assert_eq!(gone, Code::SessionEnded);
        }
        assert_eq!(house.log().await, ["signed_in", "refresh_reused"]);
        let unknown = super::refresh_token::new().unwrap().0;
        assert_eq!(code(house.refresh(&unknown).await), Code::SessionEnded);
        assert_eq!(code(house.refresh("nonsense").await), Code::SessionEnded);
    }
}

#[tokio::test]
async fn a_token_repeated_without_end_does_not_fill_the_table() {
    for kind in KINDS {
        let mut house = House::new(kind).await;
        let first = house.sign_in("group_1_1", PASSWORD).await.unwrap();
        let mut newest = first.clone();
        for _ in 0..40 {
            house.later(1);
            newest = house.refresh(&first.refresh_token).await.unwrap();
        }
        let stored: i64 = house
            .store
            .read(|conn| Ok(refresh_tokens::table.count().get_result(conn)?))
            .await
            .unwrap();
        assert_eq!(stored, 21);
        house.refresh(&newest.refresh_token).await.unwrap();
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_stopped_and_the_lock_ends() {
    for kind in KINDS {
        let mut house = House::new(kind).await;
        for pause in [0, 2, 4, 8] {
            let wrong = house.sign_in("group_1_1", "wrong").await;
            assert_eq!(code(wrong), Code::CredentialsInvalid);
            if pause > 0 {
                // Even the right password has to wait, and trying in the meantime adds no wait.
                let waiting = house.sign_in("group_1_1", PASSWORD).await.unwrap_err();
                assert_eq!(waiting.code, Code::LoginLocked);
                assert_eq!(waiting.retry_after_s, Some(pause));
            }
            house.later(i64::try_from(pause).unwrap());
        }
        assert_eq!(
            code(house.sign_in("group_1_1", "wrong").await),
            Code::CredentialsInvalid
        );
        let locked = house.sign_in("group_1_1", PASSWORD).await.unwrap_err();
        assert_eq!(locked.retry_after_s, Some(1800));
        // It does not affect others at the same address.
        assert_eq!(
            code(house.sign_in("group_1_2", "wrong").await),
            Code::CredentialsInvalid
        );
        house.later(1800);
        house.sign_in("group_1_1", PASSWORD).await.unwrap();
        // The success cleared the name: the next failure is the first again.
        assert_eq!(
            code(house.sign_in("group_1_1", "wrong").await),
            Code::CredentialsInvalid
        );
        house.sign_in("group_1_1", PASSWORD).await.unwrap();
        let log = house.log().await;
        assert_eq!(log.iter().filter(|kind| *kind == "name_locked").count(), 1);
        house.store.close().await;
    }
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_another() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let guesses = (0..20).map(|_| house.sign_in("group_1_1", "wrong"));
        let codes: Vec<Code> = futures_util::future::join_all(guesses)
            .await
            .into_iter()
            .map(code)
            .collect();
        let tried = codes
            .iter()
            .filter(|code| **code == Code::CredentialsInvalid);
        assert_eq!(tried.count(), 2, "the second failure asks for a pause");
        assert!(codes.contains(&Code::LoginLocked));
        assert_eq!(
            code(house.sign_in("group_1_1", PASSWORD).await),
            Code::LoginLocked
        );
    }
}

#[tokio::test]
async fn an_unknown_name_answers_as_a_known_one() {
    for kind in KINDS {
        let house = House::new(kind).await;
        for name in ["nobody_1", "group_1_1", "not a name"] {
            let problem = house.sign_in(name, "wrong").await.unwrap_err();
            assert_eq!(problem.code, Code::CredentialsInvalid);
            assert_eq!(problem.detail, None);
        }
    }
}

#[tokio::test]
async fn an_address_that_tries_every_name_has_to_wait() {
    for kind in KINDS {
        let mut house = House::new(kind).await;
        for number in 0..60 {
            let wrong = house.sign_in(&format!("name_{number}"), "wrong").await;
            assert_eq!(code(wrong), Code::CredentialsInvalid);
        }
        let waiting = house.sign_in("group_1_1", PASSWORD).await.unwrap_err();
        assert_eq!(
            (waiting.code, waiting.retry_after_s),
            (Code::LoginLocked, Some(300))
        );
        let elsewhere = house
            .sign_in_from("group_1_1", PASSWORD, None, "10.0.0.2")
            .await;
        assert!(elsewhere.is_ok());
        house.later(300);
        house.sign_in("group_1_1", PASSWORD).await.unwrap();
    }
}

#[tokio::test]
async fn a_device_has_one_session() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let phone = house
            .sign_in_from("group_1_1", PASSWORD, Some("phone"), "10.0.0.1")
            .await
            .unwrap();
        let tablet = house
            .sign_in_from("group_1_1", PASSWORD, Some("tablet"), "10.0.0.1")
            .await
            .unwrap();
        let browser = house.sign_in("group_1_1", PASSWORD).await.unwrap();
        let again = house
            .sign_in_from("group_1_1", PASSWORD, Some("phone"), "10.0.0.1")
            .await
            .unwrap();
        let mut open = house.open_sessions().await;
        open.sort_unstable();
        let mut expected = [tablet.session_id, browser.session_id, again.session_id];
        expected.sort_unstable();
        assert_eq!(open, expected);
        assert_eq!(
            code(house.refresh(&phone.refresh_token).await),
            Code::SessionEnded
        );
        let (officer, id, now) = (house.officer, tablet.session_id, house.now);
        let ended = house
            .store
            .write(Lane::Interactive, move |conn| {
                let origin = origin("10.0.0.1");
                let stranger = Uuid::new_v4();
                assert!(!sessions::end_own(
                    conn,
                    stranger,
                    id,
                    End::Revoked,
                    &origin,
                    now
                )?);
                Ok(sessions::end_own(
                    conn,
                    officer,
                    id,
                    End::Revoked,
                    &origin,
                    now,
                )?)
            })
            .await
            .unwrap();
        assert!(ended);
        assert_eq!(
            code(house.refresh(&tablet.refresh_token).await),
            Code::SessionEnded
        );
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_does_not_come_back() {
    for kind in KINDS {
        let mut house = House::new(kind).await;
        let here = house.sign_in("group_1_1", PASSWORD).await.unwrap();
        let there = house.sign_in("group_1_1", PASSWORD).await.unwrap();
        let weak = house
            .change(here.session_id, PASSWORD, "weak")
            .await
            .unwrap_err();
        assert_eq!(weak.code, Code::ValidationFailed);
        let codes: Vec<_> = weak
            .errors
            .iter()
            .map(|error| error.code.as_str())
            .collect();
        assert_eq!(codes, ["too_short", "too_simple"]);
        let wrong = house
            .change(here.session_id, "wrong", "Nobody-Knows-1")
            .await
            .unwrap_err();
        assert_eq!(wrong.errors[0].pointer, "/current_password");
        let mut current = PASSWORD.to_owned();
        for number in 0..5 {
            house.later(1);
            let same = house
                .change(here.session_id, &current, PASSWORD)
                .await
                .unwrap_err();
            assert_eq!(same.errors[0].code, "reused");
            let next = format!("Nobody-Knows-{number}");
            house
                .change(here.session_id, &current, &next)
                .await
                .unwrap();
            current = next;
        }
        house
            .change(here.session_id, &current, PASSWORD)
            .await
            .unwrap();
        assert_eq!(house.open_sessions().await, [here.session_id]);
        assert_eq!(
            code(house.refresh(&there.refresh_token).await),
            Code::SessionEnded
        );
        let refreshed = house.refresh(&here.refresh_token).await.unwrap();
        assert!(!refreshed.account.must_change_password);
        house.sign_in("group_1_1", PASSWORD).await.unwrap();
    }
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    for kind in KINDS {
        let house = House::new(kind).await;
        let signed = house.sign_in("group_1_1", PASSWORD).await.unwrap();
        let (officer, now) = (house.officer, house.now);
        house
            .store
            .write(Lane::Interactive, move |conn| {
                diesel::update(officers::table.find(Id(officer)))
                    .set(officers::disabled_at.eq(Some(now)))
                    .execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(
            code(house.refresh(&signed.refresh_token).await),
            Code::SessionEnded
        );
        let refused = house.sign_in("group_1_1", PASSWORD).await.unwrap_err();
        assert_eq!(refused.code, Code::CredentialsInvalid);
        assert!(refused.detail.unwrap().contains("disabled"));
    }
}

#[tokio::test]
async fn what_is_spent_is_swept() {
    for kind in KINDS {
        let mut house = House::new(kind).await;
        house.sign_in("group_1_1", PASSWORD).await.unwrap();
        assert!(house.sign_in("nobody", "wrong").await.is_err());
        assert_eq!(house.sweep().await, 0);
        house.later(2 * 24 * 3600);
        assert_eq!(
            house.sweep().await,
            2,
            "the failures of a name and an address"
        );
        house.later(30 * 24 * 3600);
        assert_eq!(house.sweep().await, 1, "the refresh token");
        house.later(180 * 24 * 3600);
        assert_eq!(house.sweep().await, 1, "the session");
        let left: i64 = house
            .store
            .read(|conn| Ok(session_table::table.count().get_result(conn)?))
            .await
            .unwrap();
        assert_eq!(left, 0);
        assert_eq!(house.log().await.len(), 2, "the log is kept");
    }
}
