//! What a list costs: rows looked at, indexes, statements prepared.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection as _};
use diesel::prelude::*;
use diesel::sql_types::Text;
use gridpatrol::auth::authenticate::active_postings;
use gridpatrol::on_each;
use gridpatrol::photos::queries::of_reports;
use gridpatrol::reports::clock;
use gridpatrol::reports::inbox::{self, Desks};
use gridpatrol::reports::list::{self, Filter, View};
use gridpatrol::reports::queries;
use gridpatrol::reports::search::Search;
use gridpatrol::reports::view::StaffedTown;
use gridpatrol::store::{Conn, Outcome};
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::report::{Severity, Status};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Kind, World, filing};

on_both!(
    a_page_looks_at_so_many_rows_and_no_more,
    reads_are_prepared_once,
);

/// Adds 12,288 copies of a report, received within the hour after it: more than a page looks at.
fn crowd(conn: &mut Conn, id: Uuid) -> Outcome<()> {
    let doubled = "INSERT INTO crowd SELECT * FROM crowd;".repeat(13);
    let copies = |is_it: String, random: &str, later: &str, name: &str| {
        format!(
            "CREATE TEMPORARY TABLE crowd AS SELECT * FROM reports WHERE id = {is_it}; {doubled}
             INSERT INTO crowd SELECT * FROM crowd LIMIT 4096;
             UPDATE crowd SET id = {random}, received_at = {later};
             UPDATE crowd SET number = 'copy ' || {name};
             INSERT INTO reports SELECT * FROM crowd; DROP TABLE crowd;"
        )
    };
    on_each!(conn,
        sqlite c => c.batch_execute(&copies(
            format!("x'{}'", id.simple()),
            "randomblob(16)",
            "received_at + 1 + abs(random() % 3600000000)",
            "hex(id)",
        ))?,
        postgres c => {
            c.batch_execute(&copies(
                format!("'{id}'"),
                "gen_random_uuid()",
                "received_at + interval '1 microsecond' + random() * interval '1 hour'",
                "id::text",
            ))?;
            c.batch_execute("ANALYZE reports")?;
        },
    );
    Ok(())
}

async fn a_page_looks_at_so_many_rows_and_no_more(world: World) {
    let leader = world.leader(1, 1).await;
    let here = filing(world.here().group(1, 1)).severity("minor");
    // The oldest of all, and the only ones that the lists below ask for.
    let rare = here
        .clone()
        .category("nature_reserve")
        .with("source", "hotline");
    let rare = id_of(&leader.file(&rare.disposition("resolved")).await);
    let kept = id_of(&leader.file(&here.clone().disposition("keep")).await);
    let model = leader.file(&here.clone().disposition("resolved")).await;
    assert_eq!(model["status"], "closed");
    let model = id_of(&model);
    world.change(move |conn| crowd(conn, model)).await;

    let secretary = world.secretary(1).await;
    let village = world.here().village(1);
    // No index serves these: the first page ends at the bound, the next one finds the report.
    for (reader, query, found) in [
        (&leader, "status=open".to_owned(), kept),
        (&leader, "category=nature_reserve".to_owned(), rare),
        (
            &leader,
            "status=closed,open&category=nature_reserve".into(),
            rare,
        ),
        (
            &secretary,
            format!("grid={village}&category=nature_reserve"),
            rare,
        ),
        (&secretary, "status=open,closed&source=hotline".into(), rare),
    ] {
        let mut next = format!("/v1/reports?limit=5&{query}");
        let mut pages = 0;
        let items = loop {
            let page = reader.get(&next).await.ok();
            pages += 1;
            let items = page["items"].as_array().unwrap().clone();
            if !items.is_empty() {
                break items;
            }
            let cursor = page["next_cursor"].as_str().expect("a cursor");
            next = format!("/v1/reports?limit=5&{query}&cursor={cursor}");
        };
        assert_eq!((items.len(), id_of(&items[0])), (1, found), "{query}");
        assert!((2..=4).contains(&pages), "{query}: {pages} pages");
    }
    // An index serves these: one page, whatever else there is.
    for (reader, query) in [
        (&secretary, "status=closed&category=nature_reserve"),
        (
            &world.town_officer().await,
            "status=closed&category=nature_reserve",
        ),
        (&secretary, "status=open"),
    ] {
        let page = reader
            .get(&format!("/v1/reports?limit=5&{query}"))
            .await
            .ok();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{query}");
        assert!(page.get("next_cursor").is_none(), "{query}");
    }
    // Its temporary function is a change to PostgreSQL.
    let plan = world.change(move |conn| plan(conn, village)).await;
    assert!(plan.contains("reports_village_status_category"), "{plan}");

    world
        .change(|conn| {
            let copies = "DELETE FROM reports WHERE number LIKE 'copy %'";
            on_each!(conn, c => c.batch_execute(copies)?);
            Ok(())
        })
        .await;
}

/// A step of a plan.
#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// How the database finds a village's reports of one status and category.
fn plan(conn: &mut Conn, village: Uuid) -> Outcome<String> {
    let query = |village: String| {
        format!(
            "SELECT * FROM reports WHERE village_id = {village} AND status = 'closed' \
             AND category = 'nature_reserve' ORDER BY received_at DESC, id DESC LIMIT 51"
        )
    };
    let steps: Vec<Step> = on_each!(conn,
        sqlite c => diesel::sql_query(format!(
            "EXPLAIN QUERY PLAN {}", query(format!("x'{}'", village.simple()))
        ))
        .load(c)?,
        postgres c => {
            // EXPLAIN's own column has a name with a space in it.
            c.batch_execute(&format!(
                "CREATE FUNCTION pg_temp.explained() RETURNS SETOF text LANGUAGE plpgsql AS \
                 $$ BEGIN RETURN QUERY EXECUTE $q$EXPLAIN {}$q$; END $$",
                query(format!("'{village}'"))
            ))?;
            diesel::sql_query("SELECT detail FROM pg_temp.explained() AS detail").load(c)?
        },
    );
    Ok(steps.into_iter().map(|step| step.detail).collect())
}

async fn reads_are_prepared_once(world: World) {
    let (leader, secretary) = (world.leader(1, 1).await, world.officer("secretary_1"));
    let mut filed = Vec::new();
    for _ in 0..9 {
        filed.push(id_of(&leader.file(&filing(world.here().group(1, 1))).await));
    }
    let app = world.app().clone();
    let url = world.database().url.clone();
    let now = world.now();
    let work = move || -> Outcome<()> {
        // A connection that nobody has used.
        let mut conn = match url.strip_prefix("sqlite://") {
            Some(path) => Conn::Sqlite(SqliteConnection::establish(path).unwrap()),
            None => Conn::Pg(PgConnection::establish(&url).unwrap()),
        };
        let seen = Seen::default();
        let watch = Watch(seen.clone());
        on_each!(&mut conn, c => c.set_instrumentation(watch));
        let actor = Actor {
            officer_id: secretary,
            postings: active_postings(&mut conn, secretary, now)?,
            service: None,
        };
        let scope = Scope::of(&actor);
        let mut read_all = |count: usize| -> Outcome<()> {
            let conn = &mut conn;
            for (view, search, after) in [
                (View::Areas(scope.subtrees().to_vec()), None, false),
                (View::Areas(scope.subtrees().to_vec()), None, true),
                (
                    View::Areas(scope.subtrees().to_vec()),
                    Search::new("生活垃圾"),
                    false,
                ),
                (View::Mine, None, false),
                (View::Mine, Search::new("生活垃圾"), true),
            ] {
                let filter = Filter {
                    severities: [Severity::General, Severity::Minor, Severity::Serious]
                        [..count.min(3)]
                        .to_vec(),
                    statuses: [Status::Open, Status::Escalating][..count.min(2)].to_vec(),
                    ..Filter::default()
                };
                let search = search.as_ref();
                let page = list::page(conn, &scope, &view, &filter, search, None, count)?;
                if after {
                    list::page(conn, &scope, &view, &filter, search, page.next, count)?;
                }
            }
            for town in scope.towns() {
                let staffed = StaffedTown::read(conn, &app.directory, *town, now)?;
                let desks = [Desks::of(&actor, &staffed.town, &staffed.staffing)];
                inbox::counts(conn, &desks)?;
                inbox::page(conn, &desks, None, None, 51)?;
            }
            let some = &filed[..count];
            queries::texts_of(conn, some)?;
            of_reports(conn, some)?;
            for id in some {
                assert!(queries::find(conn, &scope, *id)?.is_some());
            }
            Ok(())
        };
        // Lists of 2 to 4 and of 5 to 9 have one length each.
        read_all(2)?;
        read_all(5)?;
        seen.lock().unwrap().begin_again();
        for count in [2, 3, 4, 5, 7, 9] {
            read_all(count)?;
        }
        let seen = seen.lock().unwrap();
        assert!(seen.ran.len() > 10, "{:?}", seen.ran);
        assert_eq!(seen.kept_lately, Vec::<String>::new());
        let anew: Vec<_> = seen.ran.difference(&seen.kept).collect();
        assert!(anew.is_empty(), "prepared each time: {anew:#?}");
        Ok(())
    };
    tokio::task::spawn_blocking(work).await.unwrap().unwrap();
}

/// Statements that a connection kept prepared, and those it ran.
#[derive(Default)]
struct Statements {
    kept: HashSet<String>,
    kept_lately: Vec<String>,
    ran: HashSet<String>,
}

impl Statements {
    fn begin_again(&mut self) {
        self.kept_lately.clear();
        self.ran.clear();
    }
}

type Seen = Arc<Mutex<Statements>>;

struct Watch(Seen);

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let mut seen = self.0.lock().unwrap();
        match event {
            InstrumentationEvent::CacheQuery { sql, .. } => {
                seen.kept.insert(sql.trim().to_owned());
                seen.kept_lately.push(sql.to_owned());
            }
            InstrumentationEvent::StartQuery { query, .. } => {
                let written = query.to_string();
                let statement = written.split(" -- binds:").next().unwrap_or_default();
                seen.ran.insert(statement.trim().to_owned());
            }
            _ => {}
        }
    }
}

/// What the clock asks of the embedded database each time: its plans follow from the schema alone.
async fn the_clock_looks_at_what_is_due_alone(world: World) {
    let url = world.database().url.clone();
    let path = url.strip_prefix("sqlite://").unwrap();
    let mut conn = Conn::Sqlite(SqliteConnection::establish(path).unwrap());
    let seen = Seen::default();
    let watch = Watch(seen.clone());
    on_each!(&mut conn, c => c.set_instrumentation(watch));
    clock::due(&mut conn, world.now(), 10).unwrap();
    clock::next(&mut conn).unwrap();
    let ran = std::mem::take(&mut seen.lock().unwrap().ran);
    assert_eq!(ran.len(), 4, "{ran:#?}");
    for statement in ran {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let steps: Vec<Step> =
            on_each!(&mut conn, c => diesel::sql_query(explain).load(c)).unwrap();
        assert!(!steps.is_empty());
        for Step { detail } in steps {
            let indexed =
                detail.contains("INDEX reports_due") || detail.contains("INDEX reports_mark");
            assert!(
                indexed && detail.starts_with("SEARCH"),
                "{statement}: {detail}"
            );
        }
    }
}

#[test]
fn the_clock_costs_what_is_due() {
    crate::support::run(Kind::Sqlite, the_clock_looks_at_what_is_due_alone);
}

/// `.cargo/config.toml` says so.
#[test]
fn the_embedded_database_keeps_its_plans() {
    #[derive(QueryableByName)]
    struct Used {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        used: bool,
    }
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    let option = "SELECT sqlite_compileoption_used('ENABLE_QPSG') AS used";
    let Used { used } = diesel::sql_query(option).get_result(&mut conn).unwrap();
    assert!(used);
}
