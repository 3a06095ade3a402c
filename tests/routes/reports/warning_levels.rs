//! Warning colours: each is set once, counts and lists use it, and it stays correct when a report ends.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::Text;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::WarningLevel;
use gridpatrol_store::schema::report_counts as counts;
use gridpatrol_store::types::{Coded, Id};
use gridpatrol_store::{Conn, Outcome, on_each};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Client, World, filing};

on_both!(
    lists_and_counters_follow_the_colour,
    what_ends_late_was_late_though_the_clock_had_not_come,
    a_clock_that_is_stopped_marks_nothing,
    what_is_marked_is_found_by_its_index,
);

async fn listed(client: &Client, query: &str) -> Vec<Uuid> {
    let list = client.all(&format!("/v1/reports?limit=2&{query}")).await;
    let overdue = query.contains("overdue=true");
    if overdue {
        assert!(list.iter().all(|report| report["overdue"] == true));
    }
    let mut ids: Vec<Uuid> = list.iter().map(id_of).collect();
    ids.sort_unstable();
    ids
}

/// How many reports of a colour the counters tell of a grid, whatever else they are.
async fn counted(world: &World, grid: Uuid, colour: WarningLevel) -> i64 {
    world
        .look(move |conn| {
            let cells: Vec<i64> = counts::table
                .filter(counts::grid_id.eq(Id(grid)))
                .filter(counts::colour.eq(Coded(colour)))
                .select(counts::reports)
                .load(conn)?;
            Ok(cells.into_iter().sum())
        })
        .await
}

fn sorted(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids
}

async fn lists_and_counters_follow_the_colour(world: World) {
    let (one, other) = (world.leader(1, 1).await, world.leader(2, 1).await);
    let (here, there) = (world.here().group(1, 1), world.here().group(2, 1));
    let burning = |grid| filing(grid).category("straw_burning");
    let hot = id_of(&one.file(&burning(here)).await);
    let warm = id_of(&other.file(&burning(there)).await);
    let slow = id_of(&one.file(&filing(here).severity("minor")).await);
    let gone = id_of(&one.file(&burning(here)).await);
    let town = world.town_officer().await;
    let colours = async |query: &str| listed(&town, query).await;
    assert!(colours("colour=yellow,red").await.is_empty());
    assert!(colours("overdue=true").await.is_empty());
    assert_eq!(
        counted(&world, world.here().id(), WarningLevel::Green).await,
        4
    );

    // Straw burning has 24 hours and two nights' pause, the minor one three weeks.
    world.advance(TimeDelta::hours(60));
    world.tick().await;
    let town = world.town_officer().await;
    let colours = async |query: &str| listed(&town, query).await;
    town.act(gone, "void", json!({"reason": "误报"})).await.ok();
    assert_eq!(colours("overdue=true").await, sorted(vec![hot, warm]));
    assert_eq!(colours("overdue=false").await, sorted(vec![slow, gone]));
    assert_eq!(colours("colour=red").await, sorted(vec![hot, warm, gone]));
    assert_eq!(colours("colour=green").await, [slow]);
    assert_eq!(colours("colour=red&status=void").await, [gone]);
    assert_eq!(
        colours("overdue=true&colour=yellow,red").await,
        sorted(vec![hot, warm])
    );
    assert!(colours("overdue=true&colour=yellow").await.is_empty());
    assert_eq!(colours("overdue=false&colour=red").await, [gone]);
    assert_eq!(
        colours("overdue=true&category=straw_burning").await,
        sorted(vec![hot, warm])
    );
    // At each tier.
    let secretary = world.secretary(1).await;
    assert_eq!(listed(&secretary, "overdue=true").await, [hot]);
    let leader = world.leader(1, 1).await;
    assert_eq!(listed(&leader, "overdue=true").await, [hot]);
    assert_eq!(listed(&leader, "colour=green").await, [slow]);
    assert_eq!(listed(&leader, "view=mine&overdue=true").await, [hot]);
    assert_eq!(
        listed(&town, "q=生活垃圾&overdue=true").await,
        sorted(vec![hot, warm])
    );
    for (grid, red) in [
        (world.here().id(), 3),
        (world.here().village(1), 2),
        (here, 2),
        (there, 1),
        (world.beside().id(), 0),
    ] {
        assert_eq!(
            counted(&world, grid, WarningLevel::Red).await,
            red,
            "{grid}"
        );
    }
    let tally = town.get("/v1/inbox/counts").await.ok();
    assert_eq!(tally["overdue"], 2, "{tally}");
    town.get("/v1/reports?colour=blue")
        .await
        .wrong_at(&[("query/colour", "not_allowed")]);
}

async fn what_ends_late_was_late_though_the_clock_had_not_come(world: World) {
    let leader = world.leader(1, 1).await;
    let burning = filing(world.here().group(1, 1))
        .category("straw_burning")
        .disposition("keep");
    let id = id_of(&leader.file(&burning).await);
    world.advance(TimeDelta::hours(60));
    // Nobody ticks: the clock stands still, or comes a moment later.
    let leader = world.leader(1, 1).await;
    let close = json!({"outcome": "handled", "result": "已扑灭"});
    let closed = leader.act(id, "close", close).await.ok();
    assert_eq!(closed["overdue"], true);
    assert_eq!(closed["colour"], "red");
    assert_eq!(listed(&leader, "overdue=true").await, [id]);
    // The record says that the system marked it, by when, and who then closed it.
    let record = leader.record(id).await;
    let told: Vec<(&str, bool)> = record
        .iter()
        .map(|event| {
            (
                event["kind"].as_str().unwrap(),
                event.get("actor").is_some(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("filed", true),
            ("due_soon", false),
            ("overdue", false),
            ("closed", true)
        ]
    );
    assert_eq!(record[2]["details"]["rule"], "deadline_passed");
    assert_eq!(record[2]["details"]["due_at"], closed["deadline_at"]);
    assert_eq!(record[3]["version"], 2, "marks raise no version");
    // A refused action records nothing.
    let other = id_of(&leader.file(&burning).await);
    world.advance(TimeDelta::hours(60));
    let leader = world.leader(1, 1).await;
    leader
        .act(other, "accept", json!({}))
        .await
        .refused(Code::AlreadyAccepted);
    assert_eq!(leader.record(other).await.len(), 1);
}

async fn a_clock_that_is_stopped_marks_nothing(world: World) {
    let leader = world.leader(1, 1).await;
    let group = world.here().group(1, 1);
    let id = id_of(&leader.file(&filing(group).severity("critical")).await);
    let office = world.town_officer().await;
    let refer = json!({"agency": "县生态环境局", "reason": "涉嫌偷排"});
    office.act(id, "refer", refer).await.ok();
    world.advance(TimeDelta::days(10));
    world.tick().await;
    let office = world.town_officer().await;
    let report = office.report(id).await;
    assert_eq!(report["overdue"], false);
    assert!(listed(&office, "overdue=true").await.is_empty());
    assert_eq!(listed(&office, "overdue=false").await, [id]);
    // It waits at the town's desk, and is not late there either.
    let tally = office.get("/v1/inbox/counts").await.ok();
    assert_eq!(
        (&tally["total"], &tally["overdue"]),
        (&json!(1), &Value::from(0))
    );
}

async fn what_is_marked_is_found_by_its_index(world: World) {
    let (town, village) = (world.here().id(), world.here().village(1));
    let plans = world
        .change(move |conn| {
            let order = "ORDER BY received_at DESC, id DESC LIMIT 51";
            let of = |column: &str, grid: Uuid, conn: &mut Conn| {
                plan(conn, |id| {
                    format!(
                        "SELECT * FROM reports WHERE {column} = {} AND reports.colour <> 'green' \
                         AND colour = 'red' {order}",
                        id(grid)
                    )
                })
            };
            Ok([of("town_id", town, conn)?, of("village_id", village, conn)?])
        })
        .await;
    assert!(plans[0].contains("reports_town_colour"), "{}", plans[0]);
    assert!(plans[1].contains("reports_village_colour"), "{}", plans[1]);
    let waiting = world
        .change(move |conn| {
            plan(conn, |id| {
                format!(
                    "SELECT count(*) FROM reports WHERE desk_grid_id IS NOT NULL AND desk_grid_id = {} \
                     AND desk_duty = 'handle' AND (desk_assignee_id IS NULL OR desk_assignee_id NOT IN ({})) \
                     AND reports.colour = 'red'",
                    id(village),
                    id(town)
                )
            })
        })
        .await;
    assert!(waiting.contains("reports_desk_red"), "{waiting}");
}

/// How the database answers a query, whose ids are written as it writes them.
fn plan(conn: &mut Conn, query: impl Fn(&dyn Fn(Uuid) -> String) -> String) -> Outcome<String> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text, column_name = "detail")]
        detail: String,
    }
    let steps: Vec<Step> = on_each!(conn,
        sqlite c => {
            let query = query(&|id| format!("x'{}'", id.simple()));
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(c)?
        },
        postgres c => {
            use diesel::connection::SimpleConnection as _;
            let query = query(&|id| format!("'{id}'"));
            // EXPLAIN's own column has a name with a space in it. An empty table is read as it is.
            c.batch_execute(&format!(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; \
                 CREATE OR REPLACE FUNCTION pg_temp.explained() RETURNS SETOF text LANGUAGE plpgsql AS \
                 $$ BEGIN RETURN QUERY EXECUTE $q$EXPLAIN {query}$q$; END $$"
            ))?;
            diesel::sql_query("SELECT detail FROM pg_temp.explained() AS detail").load(c)?
        },
    );
    Ok(steps.into_iter().map(|step| step.detail).collect())
}
