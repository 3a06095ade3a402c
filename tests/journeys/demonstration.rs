//! The demonstration town: it fills an empty database once, follows the rules, and covers everything
//! that can happen.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol::app::{App, Clock};
use gridpatrol::config::Config;
use gridpatrol::demo::{PASSWORD, fill};
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::report::{Category, Outcome as End, Severity, Status};
use gridpatrol_store::schema::{officers, reports};
use gridpatrol_store::types::At;
use gridpatrol_store::{Conn, Outcome};
use std::collections::BTreeSet;

use crate::support::audit;
use crate::support::database::{Database, Kind};

#[tokio::test]
async fn sqlite() {
    is_filled_once(Kind::Sqlite).await;
}

#[tokio::test]
async fn postgres() {
    is_filled_once(Kind::Postgres).await;
}

async fn is_filled_once(kind: Kind) {
    let database = Database::fresh(kind);
    let folder = std::env::temp_dir().join(format!("gridpatrol_{}", uuid::Uuid::new_v4()));
    let config = Config {
        data_dir: folder.clone(),
        database_url: database.url.parse().ok(),
        ..Config::default()
    };
    let app = App::open(config, Clock::system()).await.unwrap();
    let happened = fill(&app.demo_parts(), PASSWORD).await.unwrap().unwrap();
    assert_eq!(happened.broken, 0, "no rule stands against a story");
    assert!((150..=250).contains(&happened.reports), "{happened:?}");
    assert!(happened.photos > 150, "{happened:?}");
    assert_eq!(fill(&app.demo_parts(), PASSWORD).await.unwrap(), None);
    app.store.read(audit::whole).await.unwrap();
    app.store.read(everything_happens).await.unwrap();
    app.store.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

fn everything_happens(conn: &mut Conn) -> Outcome<()> {
    let distinct = |texts: Vec<String>| texts.into_iter().collect::<BTreeSet<_>>();
    let statuses = distinct(reports::table.select(reports::status).load(conn)?);
    // Nothing suspends a report yet.
    assert_eq!(statuses, slugs::<Status>(&["suspended"]));
    let categories = distinct(reports::table.select(reports::category).load(conn)?);
    assert!(categories.is_superset(&slugs::<Category>(&["unclassified"])));
    let severities = distinct(reports::table.select(reports::severity).load(conn)?);
    assert_eq!(severities, slugs::<Severity>(&[]));
    let ends: Vec<Option<String>> = reports::table.select(reports::outcome).load(conn)?;
    assert_eq!(
        distinct(ends.into_iter().flatten().collect()),
        slugs::<End>(&[])
    );
    let closed: Vec<(DateTime<Utc>, Option<At>)> = reports::table
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
        .filter(reports::deadline_at.lt(At(Utc::now())))
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
    Ok(())
}

fn slugs<T: CodedValue>(left_out: &[&str]) -> BTreeSet<String> {
    T::ALL
        .iter()
        .map(|each| each.code().to_owned())
        .filter(|slug| !left_out.contains(&slug.as_str()))
        .collect()
}
