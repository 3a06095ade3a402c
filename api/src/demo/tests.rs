//! The demonstration town as a whole, on both databases.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Utc;
use diesel::prelude::*;
use gridpatrol_domain::report::{Category, Outcome, Severity, Status};
use gridpatrol_domain::slug::Slug;

use super::{PASSWORD, fill};
use crate::app::{App, Clock};
use crate::config::Config;
use crate::store::schema::{officers, photos, reports};
use crate::store::testing::{Database, KINDS};

async fn app(database: &Database, data_dir: &std::path::Path) -> Arc<App> {
    let config = Config {
        data_dir: data_dir.to_owned(),
        database_url: database.url.parse().ok(),
        ..Config::default()
    };
    Arc::new(App::open(config, Clock::system()).await.unwrap())
}

fn slugs<T: Slug>(left_out: &[&str]) -> BTreeSet<String> {
    T::ALL
        .iter()
        .map(|each| each.slug().to_owned())
        .filter(|slug| !left_out.contains(&slug.as_str()))
        .collect()
}

#[tokio::test]
async fn an_empty_database_is_filled_once_and_no_rule_stands_against_it() {
    for kind in KINDS {
        let database = Database::fresh(kind);
        let folder = std::env::temp_dir().join(format!("gridpatrol-{}", uuid::Uuid::new_v4()));
        let app = app(&database, &folder).await;
        let happened = fill(&app, PASSWORD).await.unwrap().unwrap();
        assert_eq!(happened.broken, 0, "{kind:?}");
        assert!((150..=250).contains(&happened.reports), "{happened:?}");
        assert!(happened.photos > 150, "{happened:?}");
        assert_eq!(fill(&app, PASSWORD).await.unwrap(), None);

        app.store
            .read(|conn| {
                let distinct = |texts: Vec<String>| texts.into_iter().collect::<BTreeSet<_>>();
                let statuses = distinct(reports::table.select(reports::status).load(conn)?);
                // Nothing suspends a report yet.
                assert_eq!(statuses, slugs::<Status>(&["suspended"]));
                let categories = distinct(reports::table.select(reports::category).load(conn)?);
                assert!(categories.is_superset(&slugs::<Category>(&["unclassified"])));
                let severities = distinct(reports::table.select(reports::severity).load(conn)?);
                assert_eq!(severities, slugs::<Severity>(&[]));
                let outcomes: Vec<Option<String>> =
                    reports::table.select(reports::outcome).load(conn)?;
                assert_eq!(
                    distinct(outcomes.into_iter().flatten().collect()),
                    slugs::<Outcome>(&[])
                );
                let now = Utc::now();
                let closed: Vec<(chrono::DateTime<Utc>, Option<crate::store::types::At>)> =
                    reports::table
                        .filter(reports::closed_at.is_not_null())
                        .select((reports::deadline_at, reports::closed_at))
                        .load(conn)?;
                let late = closed
                    .iter()
                    .filter(|(deadline, at)| at.is_some_and(|at| at.0 > *deadline))
                    .count();
                assert!(
                    late >= 8 && late * 4 < closed.len(),
                    "{late} of {}",
                    closed.len()
                );
                let overdue: i64 = reports::table
                    .filter(reports::next_due_at.is_not_null())
                    .filter(reports::deadline_at.lt(crate::store::types::At(now)))
                    .count()
                    .get_result(conn)?;
                assert!((2..40).contains(&overdue), "{overdue} overdue");
                let returned: i64 = reports::table
                    .filter(reports::returns_from_group.ge(2))
                    .count()
                    .get_result(conn)?;
                assert!(returned >= 1);
                let incomplete: i64 = reports::table
                    .filter(reports::photos_ready.lt(reports::photos_declared))
                    .count()
                    .get_result(conn)?;
                assert!((1..20).contains(&incomplete), "{incomplete} incomplete");
                assert_eq!(officers::table.count().get_result::<i64>(conn)?, 18);
                assert!(photos::table.count().get_result::<i64>(conn)? > 150);
                Ok(())
            })
            .await
            .unwrap();
        app.store.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}
