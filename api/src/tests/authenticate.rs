//! Tests the checks that every request passes, on both databases.

use std::path::PathBuf;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use uuid::Uuid;

use super::{PASSWORD, origin};
use crate::app::App;
use crate::config::Config;
use crate::testing::{Database, KINDS, Kind};
use gridpatrol_http::Identity as _;
use gridpatrol_people::auth::login::{self, Attempt};
use gridpatrol_people::auth::sessions::{self, End, Signing};
use gridpatrol_people::auth::{AuthSettings, Signed};
use gridpatrol_people::grids::import::import_file;
use gridpatrol_people::officers::commands::{NewOfficer, NewPosting, create};
use gridpatrol_people::towns::queries::grids_coded;
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;
use gridpatrol_store::clock::Clock;
use gridpatrol_store::schema::{officers, postings, sessions as session_table};
use gridpatrol_store::types::Id;

struct Town {
    app: App,
    officer: Uuid,
    folder: PathBuf,
    _database: Database,
}

impl Drop for Town {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Town {
    /// A town whose only officer leads it.
    async fn new(kind: Kind) -> Self {
        let database = Database::fresh(kind);
        let folder = std::env::temp_dir().join(format!("gridpatrol-town-{}", Uuid::new_v4()));
        let config = Config {
            data_dir: folder.clone(),
            database_url: Some(database.url.parse().unwrap()),
            auth: AuthSettings {
                argon2_memory_kib: 64,
                argon2_passes: 1,
                ..AuthSettings::default()
            },
            ..Config::default()
        };
        let app = App::open(config, Clock::adjustable()).await.unwrap();
        let hash = app.auth.passwords.hash_blocking(PASSWORD).unwrap();
        let (officer, now) = (Uuid::now_v7(), app.clock.now());
        let store = app.store.clone();
        tokio::task::spawn_blocking(move || {
            let file = "code,name,tier,parent_code\n990001100000,镇,town,\n";
            import_file(
                &store,
                std::sync::Arc::new(gridpatrol_reports::relocation::FollowingReports),
                file.as_bytes(),
                None,
                false,
                move || now,
            )
            .unwrap();
        })
        .await
        .unwrap();
        app.store
            .write(Lane::Interactive, move |conn| {
                let grid_id = grids_coded(conn, &["990001100000"])?["990001100000"].id;
                let leader = NewOfficer {
                    id: officer,
                    username: "town_leader".to_owned(),
                    name: "王镇".to_owned(),
                    phone: None,
                    password_hash: hash.clone(),
                    must_change_password: false,
                };
                let posting = NewPosting {
                    role: Role::TownLeader,
                    grid_id,
                    from: now,
                    to: Some(now + TimeDelta::hours(1)),
                };
                create(conn, &leader, posting, None, now)
            })
            .await
            .unwrap();
        Self {
            app,
            officer,
            folder,
            _database: database,
        }
    }

    async fn sign_in(&self) -> Signing {
        let attempt = Attempt {
            username: "town_leader".to_owned(),
            password: PASSWORD.to_owned(),
            device: None,
            origin: origin("10.0.0.1"),
        };
        let now = self.app.clock.now();
        login::sign_in(&self.app.store, &self.app.auth, now, attempt)
            .await
            .unwrap()
    }

    async fn ask(&self, path: &str, header: &str) -> Result<Signed, Problem> {
        let request: HttpRequest = TestRequest::with_uri(path)
            .insert_header(("Authorization", header))
            .app_data(self.app.requests.clone())
            .app_data(Data::new(self.app.auth.clone()))
            .to_http_request();
        Signed::authenticate(&request).await
    }

    async fn code(&self, signing: &Signing) -> Code {
        let header = format!("Bearer {}", signing.access_token);
        self.ask("/v1/reports", &header).await.unwrap_err().code
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_time_and_while_its_session_lasts() {
    for kind in KINDS {
        let town = Town::new(kind).await;
        let signing = town.sign_in().await;
        for header in [
            format!("Bearer {}", signing.access_token),
            format!("bearer  {} ", signing.access_token),
        ] {
            let signed = town.ask("/v1/reports", &header).await.unwrap();
            assert_eq!(signed.officer.id, town.officer);
            assert_eq!(signed.actor.postings.len(), 1);
            assert_eq!(signed.scope().towns().len(), 1);
        }
        for header in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer nonsense".to_owned(),
            format!("Basic {}", signing.access_token),
            format!("Bearer {}", signing.refresh_token),
        ] {
            let problem = town.ask("/v1/reports", &header).await.unwrap_err();
            assert_eq!(problem.code, Code::Unauthenticated, "{header}");
        }
        town.app.clock.advance(TimeDelta::minutes(15));
        assert_eq!(town.code(&signing).await, Code::TokenExpired);

        let again = town.sign_in().await;
        let (officer, session, now) = (town.officer, again.session_id, town.app.clock.now());
        town.app
            .store
            .write(Lane::Interactive, move |conn| {
                let origin = origin("10.0.0.1");
                Ok(sessions::end_own(
                    conn,
                    officer,
                    session,
                    End::SignedOut,
                    &origin,
                    now,
                )?)
            })
            .await
            .unwrap();
        assert_eq!(town.code(&again).await, Code::SessionEnded);
    }
}

#[tokio::test]
async fn disabling_and_transfer_act_at_once() {
    for kind in KINDS {
        let town = Town::new(kind).await;
        let signing = town.sign_in().await;
        let header = format!("Bearer {}", signing.access_token);
        let (officer, now) = (town.officer, town.app.clock.now());
        town.app
            .store
            .write(Lane::Interactive, move |conn| {
                diesel::update(postings::table.filter(postings::officer_id.eq(Id(officer))))
                    .set(postings::valid_to.eq(Some(now)))
                    .execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        let signed = town.ask("/v1/reports", &header).await.unwrap();
        assert!(signed.actor.postings.is_empty());
        assert!(signed.scope().subtrees().is_empty());
        town.app
            .store
            .write(Lane::Interactive, move |conn| {
                diesel::update(officers::table.find(Id(officer)))
                    .set(officers::disabled_at.eq(Some(now)))
                    .execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(town.code(&signing).await, Code::SessionEnded);
    }
}

#[tokio::test]
async fn a_first_password_opens_only_its_own_change() {
    for kind in KINDS {
        let town = Town::new(kind).await;
        let signing = town.sign_in().await;
        let officer = town.officer;
        town.app
            .store
            .write(Lane::Interactive, move |conn| {
                diesel::update(officers::table.find(Id(officer)))
                    .set(officers::must_change_password.eq(true))
                    .execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(town.code(&signing).await, Code::PasswordChangeRequired);
        let header = format!("Bearer {}", signing.access_token);
        for path in ["/v1/me", "/v1/auth/password", "/v1/auth/logout"] {
            assert!(town.ask(path, &header).await.is_ok(), "{path}");
        }
        for path in ["/v1/me/", "/v1/auth/sessions", "/v1/medals"] {
            assert!(town.ask(path, &header).await.is_err(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_use_of_a_session_is_noted_to_the_minute() {
    for kind in KINDS {
        let town = Town::new(kind).await;
        let signing = town.sign_in().await;
        let header = format!("Bearer {}", signing.access_token);
        let seen = async || -> DateTime<Utc> {
            let id = Id(signing.session_id);
            town.app
                .store
                .read(move |conn| {
                    Ok(session_table::table
                        .find(id)
                        .select(session_table::last_seen_at)
                        .first(conn)?)
                })
                .await
                .unwrap()
        };
        let begun = seen().await;
        town.ask("/v1/reports", &header).await.unwrap();
        town.app.clock.advance(TimeDelta::seconds(61));
        for _ in 0..3 {
            town.ask("/v1/reports", &header).await.unwrap();
        }
        let mut noted = seen().await;
        assert_eq!(noted, begun, "no request waits for it");
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            noted = seen().await;
            if noted != begun {
                break;
            }
        }
        assert!(noted - begun >= TimeDelta::seconds(61));
        town.app.store.close().await;
    }
}
