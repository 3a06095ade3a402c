//! Absences, deputies and the duty roster; and that the officers named as responsible may act.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{allowed, id_of, instant};
use crate::support::{Client, World, filing};

on_both!(
    who_is_away_is_stood_in_for,
    an_absence_is_set_by_who_manages_and_replaced,
    a_deputy_for_decisions_only_decides,
    deputies_are_named_listed_and_ended,
    a_posting_that_begins_in_an_absence_has_the_deputy_too,
    the_duty_officer_is_named_first_where_a_grid_falls_to_the_town,
    a_roster_is_replaced_by_windows,
    the_chain_says_by_what_and_until_when,
);

/// The names and reasons of a duty at a grid.
async fn chain(client: &Client, grid: Uuid, duty: &str) -> Vec<(String, String)> {
    let answer = client
        .get(&format!("/v1/grids/{grid}/responsible"))
        .await
        .ok();
    holders(&answer, duty)
}

fn holders(chain: &Value, duty: &str) -> Vec<(String, String)> {
    duty_of(chain, duty)["officers"]
        .as_array()
        .expect("officers")
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (text("name"), text("by"))
        })
        .collect()
}

fn duty_of<'a>(chain: &'a Value, duty: &str) -> &'a Value {
    chain["duties"]
        .as_array()
        .expect("duties")
        .iter()
        .find(|one| one["duty"] == duty)
        .unwrap_or_else(|| panic!("no {duty} in {chain}"))
}

fn told(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, by)| ((*name).to_owned(), (*by).to_owned()))
        .collect()
}

async fn who_is_away_is_stood_in_for(world: World) {
    let (leader, neighbour) = (world.leader(1, 1).await, world.leader(1, 2).await);
    let secretary = world.secretary(1).await;
    let group = world.here().group(1, 1);
    let kept = id_of(&leader.file(&filing(group).disposition("keep")).await);
    leader.get("/v1/me/absence").await.refused(Code::NotFound);
    let (from, to) = (world.now(), world.now() + TimeDelta::days(7));
    let away = json!({"from": from, "to": to, "deputy_id": neighbour.officer});
    let absence = leader.put("/v1/me/absence", &away).await.ok();
    assert_eq!(absence["deputy"]["name"], "组长1之2");
    assert_eq!(
        leader.put("/v1/me/absence", &away).await.ok(),
        absence,
        "twice is once"
    );
    assert_eq!(leader.get("/v1/me/absence").await.ok(), absence);

    assert_eq!(
        chain(&leader, group, "handle").await,
        told(&[("组长1之2", "deputy")])
    );
    assert_eq!(
        leader.report(kept).await["desk"]["officers"],
        json!(["组长1之2"])
    );
    assert_eq!(neighbour.inbox().await["counts"]["handle"], 1);
    assert_eq!(secretary.inbox().await["counts"]["handle"], 0);
    neighbour
        .act(kept, "resolve", json!({"result": "代为清运"}))
        .await
        .ok();
    let record = leader.record(kept).await;
    let resolved = record
        .iter()
        .find(|event| event["kind"] == "resolved")
        .unwrap();
    assert_eq!(resolved["on_behalf_of"]["name"], "组长1之1");
    // Every other action of a deputy says so as well.
    let other = id_of(
        &leader
            .file(&filing(group).severity("minor").disposition("keep"))
            .await,
    );
    neighbour.act(other, "escalate", json!({})).await.ok();
    secretary
        .act(other, "return", json!({"reason": "请补拍"}))
        .await
        .ok();
    neighbour
        .act(other, "reclassify", json!({"category": "straw_burning"}))
        .await
        .ok();
    neighbour
        .act(
            other,
            "close",
            json!({"outcome": "handled", "result": "已清运"}),
        )
        .await
        .ok();
    for event in leader.record(other).await {
        if event["actor"]["name"] == "组长1之2" {
            assert_eq!(event["on_behalf_of"]["name"], "组长1之1", "{event}");
        }
    }

    // The deputy is away as well: nobody stands in for the deputy in this, the village does it.
    let kept = id_of(&leader.file(&filing(group).disposition("keep")).await);
    let third = world.leader(1, 3).await;
    let away = json!({"from": from, "to": to, "deputy_id": third.officer});
    neighbour.put("/v1/me/absence", &away).await.ok();
    let village = told(&[("书记1", "superior"), ("村干部1", "superior")]);
    assert_eq!(chain(&leader, group, "handle").await, village);
    assert_eq!(third.inbox().await["counts"]["handle"], 0);
    third
        .get(&format!("/v1/reports/{kept}"))
        .await
        .refused(Code::NotFound);
    assert_eq!(secretary.inbox().await["counts"]["handle"], 1);

    // Back before the time: at once.
    leader.delete("/v1/me/absence").await.expect(204);
    leader.delete("/v1/me/absence").await.expect(204);
    assert_eq!(
        chain(&leader, group, "handle").await,
        told(&[("组长1之1", "posting")])
    );
    neighbour
        .get(&format!("/v1/reports/{kept}"))
        .await
        .refused(Code::NotFound);
    assert_eq!(secretary.inbox().await["counts"]["handle"], 0);
}

async fn an_absence_is_set_by_who_manages_and_replaced(world: World) {
    let (secretary, officer) = (world.secretary(1).await, world.officer("group_1_1"));
    let target = format!("/v1/officers/{officer}/absence");
    let start = world.now();
    let day = |days: i64| start + TimeDelta::days(days);
    let away = |from, to, deputy: Option<&str>| {
        let mut body = json!({"from": from, "to": to});
        if let Some(deputy) = deputy {
            body["deputy_id"] = json!(world.officer(deputy));
        }
        body
    };
    world
        .secretary(2)
        .await
        .put(&target, &away(day(0), day(1), None))
        .await
        .refused(Code::NotPermitted);
    for (body, wrong) in [
        (away(day(2), day(1), None), "/to"),
        (away(day(-3), day(-2), None), "/to"),
        (away(day(0), day(500), None), "/to"),
        (away(day(0), day(1), Some("group_1_1")), "/deputy_id"),
        (away(day(0), day(1), Some("admin")), "/deputy_id"),
        (away(day(0), day(1), Some("b_group_1_1")), "/deputy_id"),
    ] {
        let found = secretary.put(&target, &body).await.wrong();
        assert_eq!(found[0].0, wrong, "{body}");
    }
    // To come; replaced; seen by everybody of the town.
    secretary
        .put(&target, &away(day(5), day(9), Some("group_1_2")))
        .await
        .ok();
    let group = world.here().group(1, 1);
    assert_eq!(
        chain(&secretary, group, "handle").await,
        told(&[("组长1之1", "posting")])
    );
    secretary
        .put(&target, &away(day(-1), day(2), Some("village_officer_1")))
        .await
        .ok();
    let stranger = world.leader(3, 3).await;
    assert_eq!(
        chain(&stranger, group, "handle").await,
        told(&[("村干部1", "deputy")])
    );
    let seen = stranger.get(&target).await.ok();
    assert_eq!(instant(&seen["to"]), day(2));
    let listed = stranger.all("/v1/officers?q=组长1之1").await;
    assert_eq!(listed[0]["absence"], seen);
    world.advance(TimeDelta::days(3));
    let secretary = world.secretary(1).await;
    assert_eq!(
        chain(&secretary, group, "handle").await,
        told(&[("组长1之1", "posting")])
    );
    secretary.get(&target).await.refused(Code::NotFound);
    // Without a deputy: the grid above.
    secretary
        .put(&target, &away(day(3), day(4), None))
        .await
        .ok();
    let above = told(&[("书记1", "superior"), ("村干部1", "superior")]);
    assert_eq!(chain(&secretary, group, "handle").await, above);
    secretary.delete(&target).await.expect(204);
}

async fn a_deputy_for_decisions_only_decides(world: World) {
    let (secretary, deputy) = (world.secretary(1).await, world.leader(1, 2).await);
    let deputies = format!("/v1/officers/{}/deputies", secretary.officer);
    let to = world.now() + TimeDelta::days(3);
    let body = json!({"deputy_id": deputy.officer, "covers": "decisions", "to": to});
    secretary.post(&deputies, &body).await.created();
    let village = world.here().village(1);
    let leader = world.leader(1, 1).await;
    let waiting = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    assert_eq!(
        chain(&leader, village, "decide").await,
        told(&[("书记1", "posting"), ("组长1之2", "deputy")])
    );
    assert_eq!(
        chain(&leader, village, "handle").await,
        told(&[("书记1", "posting"), ("村干部1", "posting")])
    );
    let inbox = deputy.inbox().await;
    assert_eq!(
        (&inbox["counts"]["decide"], &inbox["counts"]["handle"]),
        (&json!(1), &json!(0))
    );
    let actions = allowed(&inbox["items"][0]);
    assert!(actions.contains(&"approve".to_owned()) && actions.contains(&"return".to_owned()));
    for action in ["assign", "close", "resolve", "amend", "reclassify"] {
        assert!(!actions.contains(&action.to_owned()), "{action}");
    }
    let approved = deputy.act(waiting, "approve", json!({})).await.ok();
    assert_eq!(approved["tier"], "village");
    let record = leader.record(waiting).await;
    let event = record
        .iter()
        .find(|event| event["kind"] == "approved")
        .unwrap();
    assert_eq!(event["on_behalf_of"]["name"], "书记1");
    // What the village has now is none of the deputy's work.
    assert_eq!(deputy.inbox().await["counts"]["handle"], 0);
    for (action, body) in [
        ("resolve", json!({"result": "已清运"})),
        ("close", json!({"outcome": "unfounded"})),
        ("escalate", json!({})),
    ] {
        let answer = deputy.act(waiting, action, body).await;
        assert!(
            matches!(answer.status, 403 | 409),
            "{action}: {}",
            answer.text()
        );
    }
    // With nobody else in the village, its work is the town's, its decisions the deputy's.
    world.dismiss("village_officer_1").await;
    let away = json!({"from": world.now(), "to": to});
    secretary.put("/v1/me/absence", &away).await.ok();
    let town = told(&[("李镇长", "town_officer"), ("王环保", "town_officer")]);
    assert_eq!(chain(&leader, village, "handle").await, town);
    assert_eq!(
        chain(&leader, village, "decide").await,
        told(&[("组长1之2", "deputy")])
    );
    // Who decides nothing has nobody stand in for decisions.
    let own = format!("/v1/officers/{}/deputies", leader.officer);
    leader
        .post(&own, &body)
        .await
        .wrong_at(&[("/posting_id", "not_allowed")]);
}

async fn deputies_are_named_listed_and_ended(world: World) {
    let (secretary, deputy) = (world.secretary(1).await, world.officer("village_officer_1"));
    let target = format!("/v1/officers/{}/deputies", secretary.officer);
    let (from, to) = (
        world.now() + TimeDelta::days(1),
        world.now() + TimeDelta::days(3),
    );
    let body = json!({"deputy_id": deputy, "from": from, "to": to});
    world
        .leader(1, 1)
        .await
        .post(&target, &body)
        .await
        .refused(Code::NotPermitted);
    let first = secretary
        .post_keyed(&target, "stand-in", &body)
        .await
        .created();
    assert_eq!(
        secretary
            .post_keyed(&target, "stand-in", &body)
            .await
            .created(),
        first
    );
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    let known = &first["items"][0];
    assert_eq!(
        (&known["covers"], &known["by_absence"]),
        (&json!("all"), &json!(false))
    );
    assert_eq!(known["deputy"]["name"], "村干部1");
    // Everybody of the town may know who stands in; the next town does not.
    let stranger = world.leader(3, 1).await;
    assert_eq!(stranger.get(&target).await.ok(), first);
    world
        .sign_in("b_town_leader")
        .await
        .get(&target)
        .await
        .refused(Code::NotFound);
    for (body, pointer) in [
        (
            json!({"deputy_id": deputy, "to": world.now() - TimeDelta::days(1)}),
            "/to",
        ),
        (
            json!({"deputy_id": deputy, "from": world.now() - TimeDelta::days(1), "to": to}),
            "/from",
        ),
        (
            json!({"deputy_id": secretary.officer, "to": to}),
            "/deputy_id",
        ),
        (json!({"deputy_id": Uuid::now_v7(), "to": to}), "/deputy_id"),
        (
            json!({"deputy_id": deputy, "posting_id": Uuid::now_v7(), "to": to}),
            "/posting_id",
        ),
        (
            json!({"deputy_id": deputy, "covers": "some", "to": to}),
            "/covers",
        ),
    ] {
        let wrong = secretary.post(&target, &body).await.wrong();
        assert_eq!(wrong[0].0, pointer, "{body}");
    }
    let one = format!("{target}/{}", known["id"].as_str().unwrap());
    world
        .leader(1, 1)
        .await
        .delete(&one)
        .await
        .refused(Code::NotPermitted);
    world.town_leader().await.delete(&one).await.expect(204);
    secretary.delete(&one).await.refused(Code::NotFound);
    assert_eq!(secretary.get(&target).await.ok()["items"], json!([]));
}

async fn a_posting_that_begins_in_an_absence_has_the_deputy_too(world: World) {
    let (leader, neighbour) = (world.leader(1, 1).await, world.officer("group_1_2"));
    let to = world.now() + TimeDelta::days(7);
    let away = json!({"from": world.now(), "to": to, "deputy_id": neighbour});
    leader.put("/v1/me/absence", &away).await.ok();
    let body = json!({"role": "group_leader", "grid_id": world.here().group(1, 3)});
    world.dismiss("group_1_3").await;
    let secretary = world.secretary(1).await;
    secretary
        .post(&format!("/v1/officers/{}/postings", leader.officer), &body)
        .await
        .created();
    assert_eq!(
        chain(&secretary, world.here().group(1, 3), "handle").await,
        told(&[("组长1之2", "deputy")])
    );
}

async fn the_duty_officer_is_named_first_where_a_grid_falls_to_the_town(world: World) {
    for username in ["secretary_1", "village_officer_1", "group_1_1"] {
        world.dismiss(username).await;
    }
    let (town, leader) = (world.town_leader().await, world.leader(1, 2).await);
    let (group, here) = (world.here().group(1, 1), world.here().id());
    let fallen = told(&[("李镇长", "town_officer"), ("王环保", "town_officer")]);
    assert_eq!(chain(&leader, group, "handle").await, fallen);
    let (from, to) = (world.now(), world.now() + TimeDelta::days(1));
    let body = json!({"from": from, "to": to, "shifts": [
        {"officer_id": world.officer("town_officer"), "from": from, "to": to},
    ]});
    leader
        .put("/v1/duty-roster", &body)
        .await
        .refused(Code::NotPermitted);
    town.put("/v1/duty-roster", &body).await.ok();
    let on_duty = told(&[("王环保", "duty_officer"), ("李镇长", "town_officer")]);
    assert_eq!(chain(&leader, group, "handle").await, on_duty);
    assert_eq!(chain(&leader, group, "decide").await, on_duty);
    // The town's own work is no fallback.
    let own = told(&[("李镇长", "posting"), ("王环保", "posting")]);
    assert_eq!(chain(&leader, here, "handle").await, own);
    let id = id_of(&leader.file(&filing(world.here().group(1, 2))).await);
    let desk = leader.report(id).await["desk"].clone();
    assert_eq!(desk["officers"], json!(["王环保", "李镇长"]));
    // On duty and away: somebody else.
    let officer = world.town_officer().await;
    officer
        .put("/v1/me/absence", &json!({"from": from, "to": to}))
        .await
        .ok();
    assert_eq!(
        chain(&leader, group, "handle").await,
        told(&[("李镇长", "town_officer")])
    );
    officer.delete("/v1/me/absence").await.expect(204);
    world.advance(TimeDelta::hours(25));
    let leader = world.leader(1, 2).await;
    assert_eq!(chain(&leader, group, "handle").await, fallen);
}

async fn a_roster_is_replaced_by_windows(world: World) {
    let (one, other) = (world.officer("town_officer"), world.officer("town_leader"));
    let start = world.now();
    let hour = |hours: i64| start + TimeDelta::hours(hours);
    let shift = |officer: Uuid, from, to| json!({"officer_id": officer, "from": hour(from), "to": hour(to)});
    let put = async |from, to, shifts: Vec<Value>| {
        let body = json!({"from": hour(from), "to": hour(to), "shifts": shifts});
        world
            .town_leader()
            .await
            .put("/v1/duty-roster", &body)
            .await
    };
    put(0, 48, vec![shift(one, 24, 48), shift(other, 0, 24)])
        .await
        .ok();
    // A hole in the middle: what reaches over its edges is cut, not lost.
    put(12, 36, vec![shift(one, 20, 30)]).await.ok();
    let spans = async || -> Vec<(i64, i64)> {
        let from = start.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let client = world.leader(1, 1).await;
        let roster = client
            .get(&format!("/v1/duty-roster?from={from}"))
            .await
            .ok();
        roster["shifts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|shift| {
                let hours = |name: &str| (instant(&shift[name]) - start).num_hours();
                (hours("from"), hours("to"))
            })
            .collect()
    };
    assert_eq!(spans().await, [(0, 12), (20, 30), (36, 48)]);
    // The past stays.
    world.advance(TimeDelta::hours(6));
    put(0, 48, Vec::new()).await.ok();
    assert_eq!(spans().await, [(0, 6)]);

    put(24, 48, vec![shift(one, 24, 36), shift(other, 30, 40)])
        .await
        .wrong_at(&[("/shifts/1", "overlaps")]);
    put(24, 48, vec![shift(world.officer("secretary_1"), 24, 36)])
        .await
        .wrong_at(&[("/shifts/0/officer_id", "not_allowed")]);
    put(48, 24, Vec::new())
        .await
        .wrong_at(&[("/to", "out_of_range")]);
    let beyond = format!("/v1/duty-roster?town={}", world.beside().id());
    let town = world.town_leader().await;
    town.get(&beyond).await.refused(Code::NotFound);
    town.put(
        &beyond,
        &json!({"from": hour(24), "to": hour(30), "shifts": []}),
    )
    .await
    .refused(Code::NotFound);
}

async fn the_chain_says_by_what_and_until_when(world: World) {
    let (leader, neighbour) = (world.leader(1, 1).await, world.officer("group_1_2"));
    let group = world.here().group(1, 1);
    let (from, to) = (
        world.now() + TimeDelta::days(2),
        world.now() + TimeDelta::days(4),
    );
    let away = json!({"from": from, "to": to, "deputy_id": neighbour});
    leader.put("/v1/me/absence", &away).await.ok();
    let target = format!("/v1/grids/{group}/responsible");
    let now = leader.get(&target).await.ok();
    assert_eq!(holders(&now, "handle"), told(&[("组长1之1", "posting")]));
    assert_eq!(instant(&duty_of(&now, "handle")["until"]), from);
    assert!(
        duty_of(&now, "decide").get("until").is_none(),
        "without end"
    );
    let at = (from + TimeDelta::hours(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let later = leader.get(&format!("{target}?at={at}")).await.ok();
    assert_eq!(holders(&later, "handle"), told(&[("组长1之2", "deputy")]));
    assert_eq!(instant(&duty_of(&later, "handle")["until"]), to);
    let holder = &duty_of(&later, "handle")["officers"][0];
    assert_eq!(holder["on_behalf_of"]["name"], "组长1之1");
    assert_eq!(holder["role"], "group_leader");
    // A town decides on nothing that comes from itself.
    let town = leader
        .get(&format!("/v1/grids/{}/responsible", world.here().id()))
        .await
        .ok();
    assert_eq!(town["duties"].as_array().unwrap().len(), 2);
    leader
        .get(&format!("/v1/grids/{}/responsible", world.beside().id()))
        .await
        .refused(Code::NotFound);
}
