//! Accounts, postings and transfers: who manages whom, who sees what, and what takes effect at once.

use chrono::TimeDelta;
use gridpatrol_domain::error::Code;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::{id_of, instant};
use crate::support::towns::PASSWORD;
use crate::support::{Client, World, filing};

on_both!(
    who_manages_a_place_creates_its_officers,
    what_is_wrong_with_an_officer_is_named_at_once,
    an_officer_is_told_of_as_far_as_needed,
    officers_are_found_by_place_role_and_text,
    an_account_is_changed_on_what_was_read,
    a_disabled_account_is_cut_off_and_comes_back,
    two_admins_do_not_remove_each_other,
    postings_are_added_changed_and_ended,
    a_transfer_is_one_step,
    a_one_time_password_is_good_until_it_is_changed,
    a_lost_phone_is_cut_off_by_who_manages_its_owner,
    the_managing_right_is_given_by_a_leader_and_ends_there,
    a_file_of_officers_is_checked_and_published,
);

fn creation(username: &str, role: &str, grid: Uuid) -> Value {
    json!({"username": username, "name": "新网格员", "posting": {"role": role, "grid_id": grid}})
}

fn target(officer: Uuid) -> String {
    format!("/v1/officers/{officer}")
}

/// The ETag of an officer as this client reads it.
async fn tag(client: &Client, officer: Uuid) -> String {
    let answer = client.get(&target(officer)).await;
    answer.ok();
    answer.header("etag").to_owned()
}

async fn who_manages_a_place_creates_its_officers(world: World) {
    let here = world.here();
    let places = [
        ("admin", here.id()),
        ("town_leader", here.id()),
        ("town_officer", here.id()),
        ("village_secretary", here.village(1)),
        ("village_officer", here.village(1)),
        ("group_leader", here.group(1, 1)),
        ("village_secretary", here.village(2)),
        ("group_leader", here.group(2, 1)),
    ];
    let table = [
        ("admin", "xxxxxxxx"),
        ("town_leader", "-xxxxxxx"),
        ("town_officer", "--------"),
        ("secretary_1", "-----x--"),
        ("village_officer_1", "--------"),
        ("group_1_1", "--------"),
    ];
    for (creator, may) in table {
        let client = world.sign_in(creator).await;
        for (at, ((role, grid), may)) in places.iter().zip(may.chars()).enumerate() {
            let username = format!("new.{creator}.{at}");
            let answer = client
                .post("/v1/officers", &creation(&username, role, *grid))
                .await;
            if may == 'x' {
                let officer = answer.created();
                assert_eq!(officer["postings"][0]["role"], *role, "{creator}");
                assert_eq!(officer["account"]["has_password"], false);
                assert_eq!(answer.header("etag").split('-').next(), Some("\"1"));
            } else {
                answer.refused(Code::NotPermitted);
            }
        }
        // Another town does not exist but for admins.
        let beyond = creation("beyond", "group_leader", world.beside().group(1, 1));
        let answer = client.post("/v1/officers", &beyond).await;
        if creator == "admin" {
            let id = id_of(&answer.created());
            let listed = format!("/v1/officers?grid={}", world.beside().group(1, 1));
            let found = client.all(&listed).await;
            assert!(found.iter().any(|officer| id_of(officer) == id));
        } else {
            answer.refused(Code::NotFound);
        }
    }

    // With a password: to be changed at the first sign-in.
    let admin = world.sign_in("admin").await;
    let body = json!({
        "username": "Li.Yi", "name": " 李一 ", "phone": "13900000001", "password": "Weiyuan-2027",
        "posting": {"role": "group_leader", "grid_id": here.group(1, 1)},
    });
    let first = admin.post_keyed("/v1/officers", "li-yi", &body).await;
    let officer = first.created();
    assert_eq!(
        (&officer["username"], &officer["name"]),
        (&json!("li.yi"), &json!("李一"))
    );
    assert_eq!(officer["account"]["must_change_password"], true);
    // A lost answer: the same again.
    let again = admin.post_keyed("/v1/officers", "li-yi", &body).await;
    assert_eq!(again.created(), officer);
    admin
        .post("/v1/officers", &body)
        .await
        .wrong_at(&[("/username", "taken")]);
    let tokens = world.stranger().sign_in("li.yi", "Weiyuan-2027").await.ok();
    assert_eq!(tokens["must_change_password"], true);
    // Without one nobody signs in by password.
    world
        .stranger()
        .sign_in("new.admin.5", "")
        .await
        .refused(Code::ValidationFailed);
    world
        .stranger()
        .sign_in("new.admin.5", PASSWORD)
        .await
        .refused(Code::CredentialsInvalid);
}

async fn what_is_wrong_with_an_officer_is_named_at_once(world: World) {
    let admin = world.sign_in("admin").await;
    let body = json!({
        "username": "张三", "name": " ", "phone": "ask me", "surprise": 1,
        "posting": {"role": "king", "grid_id": world.here().id(), "from": "1800-01-01T00:00:00Z"},
    });
    admin.post("/v1/officers", &body).await.wrong_at(&[
        ("/username", "bad_format"),
        ("/name", "too_short"),
        ("/phone", "bad_format"),
        ("/posting/role", "not_allowed"),
        ("/posting/from", "out_of_range"),
        ("/surprise", "unknown_field"),
    ]);
    for (password, code) in [
        ("Aa123456", "too_common"),
        ("my-Zhang-2026", "contains_username"),
        ("short", "too_short"),
    ] {
        let mut body = creation("zhang", "group_leader", world.here().group(1, 1));
        body["password"] = json!(password);
        let wrong = admin.post("/v1/officers", &body).await.wrong();
        assert!(
            wrong.contains(&("/password".to_owned(), code.to_owned())),
            "{wrong:?}"
        );
    }
    // A role stands at its tier, and in the future.
    let misplaced = creation("zhang", "group_leader", world.here().village(1));
    admin
        .post("/v1/officers", &misplaced)
        .await
        .wrong_at(&[("/role", "not_allowed")]);
    let mut past = creation("zhang", "group_leader", world.here().group(1, 1));
    past["posting"]["from"] = json!(world.now() - TimeDelta::days(2));
    admin
        .post("/v1/officers", &past)
        .await
        .wrong_at(&[("/posting/from", "in_the_past")]);
    let mut right = creation("zhang", "village_officer", world.here().village(1));
    right["posting"]["manages"] = json!(true);
    admin
        .post("/v1/officers", &right)
        .await
        .wrong_at(&[("/manages", "not_allowed")]);
}

async fn an_officer_is_told_of_as_far_as_needed(world: World) {
    let leader = world.leader(1, 1).await;
    let me = leader.get("/v1/me").await;
    let edit = json!({"phone": "139-0000-0001"});
    leader
        .send(leader.request(reqwest::Method::PATCH, "/v1/me").json(&edit))
        .await
        .refused(Code::PreconditionRequired);
    let mine = leader.patch("/v1/me", me.header("etag"), &edit).await.ok();
    assert_eq!(mine["phone"], "139-0000-0001");
    leader
        .patch("/v1/me", me.header("etag"), &json!({"phone": "1"}))
        .await
        .refused(Code::VersionMismatch);
    let officer = world.officer("group_1_1");
    // Who, phone, username, manages.
    for (username, phone, known, manages) in [
        ("secretary_1", true, true, true),
        ("village_officer_1", true, false, false),
        ("group_1_2", true, false, false),
        ("secretary_2", false, false, false),
        ("group_2_1", false, false, false),
        ("town_officer", true, false, false),
        ("town_leader", true, true, true),
        ("admin", true, true, true),
    ] {
        let client = world.sign_in(username).await;
        let seen = client.get(&target(officer)).await.ok();
        assert_eq!(seen["name"], "组长1之1");
        assert_eq!(seen.get("phone").is_some(), phone, "{username}");
        assert_eq!(seen.get("username").is_some(), known, "{username}");
        assert_eq!(seen.get("account").is_some(), known, "{username}");
        assert_eq!(seen["may_manage"], manages, "{username}");
        let listed = client.all("/v1/officers?q=组长1之1").await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].get("phone").is_some(), phone, "{username}");
        // What is not told is not found either.
        let found = client.all("/v1/officers?q=139-0000").await.len();
        assert_eq!(found, usize::from(phone), "{username}");
    }
    world
        .sign_in("b_town_leader")
        .await
        .get(&target(officer))
        .await
        .refused(Code::NotFound);
    let beyond = world.sign_in("b_admin").await;
    assert_eq!(beyond.get(&target(officer)).await.ok()["may_manage"], true);
    let own = leader.get(&target(officer)).await.ok();
    assert_eq!(
        (&own["username"], &own["may_manage"]),
        (&json!("group_1_1"), &json!(false))
    );
}

async fn officers_are_found_by_place_role_and_text(world: World) {
    let secretary = world.secretary(1).await;
    let here = world.here();
    let count = async |query: &str| secretary.all(&format!("/v1/officers?{query}")).await.len();
    assert_eq!(count("limit=200").await, 19);
    assert_eq!(count("limit=5").await, 19, "page by page");
    assert_eq!(count(&format!("grid={}", here.village(1))).await, 5);
    assert_eq!(count(&format!("grid={}", here.id())).await, 19);
    assert_eq!(count(&format!("grid={}", world.beside().id())).await, 0);
    assert_eq!(count("role=group_leader").await, 9);
    assert_eq!(
        count(&format!("role=group_leader&grid={}", here.village(2))).await,
        3
    );
    assert_eq!(count("q=书记").await, 3);
    // Only where the caller is told the username.
    assert_eq!(count("q=group_1").await, 3);
    assert_eq!(count("q=group_2").await, 0);
    world.dismiss("group_3_1").await;
    world.disable("group_3_2").await;
    assert_eq!(count("active=true").await, 17);
    assert_eq!(count("active=false").await, 2);
    let names: Vec<Value> = secretary
        .all("/v1/officers?limit=3")
        .await
        .into_iter()
        .map(|officer| officer["name"].clone())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| name.as_str().unwrap().to_owned());
    assert_eq!(names, sorted);
    secretary
        .get("/v1/officers?role=king&limit=0")
        .await
        .wrong_at(&[
            ("query/limit", "out_of_range"),
            ("query/role", "not_allowed"),
        ]);
}

async fn an_account_is_changed_on_what_was_read(world: World) {
    let (secretary, officer) = (world.secretary(1).await, world.officer("group_1_1"));
    let leader = world.leader(1, 1).await;
    let report = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let read = tag(&secretary, officer).await;
    let edit = json!({"name": "王组长"});
    let changed = secretary.patch(&target(officer), &read, &edit).await.ok();
    assert_eq!(
        (&changed["name"], &changed["version"]),
        (&json!("王组长"), &json!(2))
    );
    secretary
        .patch(&target(officer), &read, &edit)
        .await
        .refused(Code::VersionMismatch);
    // At once, wherever the name stands.
    assert_eq!(leader.report(report).await["reporter"]["name"], "王组长");
    let neighbour = world.secretary(2).await;
    let read = tag(&neighbour, officer).await;
    neighbour
        .patch(&target(officer), &read, &edit)
        .await
        .refused(Code::NotPermitted);
    secretary
        .patch(&target(officer), "\"2\"", &json!({}))
        .await
        .wrong_at(&[("", "required")]);
}

async fn a_disabled_account_is_cut_off_and_comes_back(world: World) {
    let (secretary, leader) = (world.secretary(1).await, world.leader(1, 1).await);
    let officer = target(world.officer("group_1_1"));
    let report = id_of(
        &leader
            .file(&filing(world.here().group(1, 1)).disposition("keep"))
            .await,
    );
    let because = json!({"reason": "手机丢失"});
    let disable = format!("{officer}/disable");
    world
        .secretary(2)
        .await
        .post(&disable, &because)
        .await
        .refused(Code::NotPermitted);
    let disabled = secretary.post(&disable, &because).await.ok();
    assert_eq!(disabled["enabled"], false);
    leader.get("/v1/me").await.refused(Code::SessionEnded);
    let spent = json!({"refresh_token": leader.refresh_token});
    world
        .stranger()
        .post("/v1/auth/refresh", &spent)
        .await
        .refused(Code::SessionEnded);
    world
        .stranger()
        .sign_in("group_1_1", PASSWORD)
        .await
        .refused(Code::CredentialsInvalid);
    // The desk is the one above's, by name.
    let desk = secretary.report(report).await["desk"].clone();
    assert_eq!(desk["officers"], json!(["书记1", "村干部1"]));
    // Twice is once.
    assert_eq!(secretary.post(&disable, &because).await.ok(), disabled);
    secretary
        .post(&format!("{officer}/invite"), &json!({}))
        .await
        .refused(Code::NotPermitted);

    let enabled = secretary
        .post(&format!("{officer}/enable"), &json!({}))
        .await
        .ok();
    assert_eq!(enabled["enabled"], true);
    leader.get("/v1/me").await.refused(Code::SessionEnded);
    let leader = world.leader(1, 1).await;
    assert_eq!(leader.inbox().await["counts"]["handle"], 1);
    // Nobody shuts themselves out.
    let town_leader = world.town_leader().await;
    town_leader
        .post(
            &format!("{}/disable", target(town_leader.officer)),
            &json!({}),
        )
        .await
        .refused(Code::NotPermitted);
    // Nobody touches who is above.
    let above = target(world.officer("town_leader"));
    secretary
        .post(&format!("{above}/disable"), &json!({}))
        .await
        .refused(Code::NotPermitted);
}

async fn two_admins_do_not_remove_each_other(world: World) {
    let admin = world.sign_in("admin").await;
    let own = target(admin.officer);
    let beyond = format!("{}/disable", target(world.officer("b_admin")));
    admin.post(&beyond, &json!({})).await.ok();
    // Alone: not even by oneself, in no way.
    admin
        .post(&format!("{own}/disable"), &json!({}))
        .await
        .refused(Code::LastAdmin);
    let posting = admin.get(&own).await.ok()["postings"][0]["id"].clone();
    let end = format!("{own}/postings/{}/end", posting.as_str().unwrap());
    admin.post(&end, &json!({})).await.refused(Code::LastAdmin);
    let away = json!({"role": "town_officer", "grid_id": world.here().id()});
    admin
        .post(&format!("{own}/transfer"), &away)
        .await
        .refused(Code::LastAdmin);
    let until = json!({"to": world.now() + TimeDelta::days(3)});
    let posting = format!("{own}/postings/{}", posting.as_str().unwrap());
    admin
        .patch(&posting, &tag(&admin, admin.officer).await, &until)
        .await
        .refused(Code::LastAdmin);
    // A leader does not manage admins.
    world
        .town_leader()
        .await
        .post(&format!("{own}/disable"), &json!({}))
        .await
        .refused(Code::NotPermitted);

    let mut body = creation("second", "admin", world.here().id());
    body["password"] = json!("Weiyuan-2027");
    let second = id_of(&admin.post("/v1/officers", &body).await.created());
    let colleague = world.stranger().signed_in("second", "Weiyuan-2027").await;
    let change = json!({"current_password": "Weiyuan-2027", "new_password": "Weiyuan-2028"});
    colleague
        .post("/v1/auth/password", &change)
        .await
        .expect(204);
    let (one, other) = (
        format!("{}/disable", target(second)),
        format!("{own}/disable"),
    );
    let nothing = json!({});
    let (one, other) = tokio::join!(admin.post(&one, &nothing), colleague.post(&other, &nothing));
    let done = [one.status, other.status]
        .iter()
        .filter(|status| **status == 200)
        .count();
    assert_eq!(done, 1, "{} / {}", one.text(), other.text());
}

async fn postings_are_added_changed_and_ended(world: World) {
    let leader = world.town_leader().await;
    let (officer, here) = (world.officer("group_1_1"), world.here());
    let postings = format!("{}/postings", target(officer));
    let next = world.now() + TimeDelta::days(10);
    let body = json!({"role": "group_leader", "grid_id": here.group(1, 2), "from": next});
    let seen = leader.post(&postings, &body).await.created();
    assert_eq!(seen["postings"].as_array().unwrap().len(), 2);
    leader
        .post(&postings, &body)
        .await
        .refused(Code::PostingOverlap);
    let second = seen["postings"][1]["id"].as_str().unwrap().to_owned();
    // Not yet in force.
    let client = world.leader(1, 1).await;
    assert_eq!(
        client.get("/v1/me").await.ok()["postings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let change = format!("{postings}/{second}");
    let read = tag(&leader, officer).await;
    let sooner = json!({"from": next - TimeDelta::days(5), "to": next});
    let seen = leader.patch(&change, &read, &sooner).await.ok();
    assert_eq!(instant(&seen["postings"][1]["to"]), next);
    leader
        .patch(&change, &read, &sooner)
        .await
        .refused(Code::VersionMismatch);
    world.advance(TimeDelta::days(6));
    let client = world.leader(1, 1).await;
    assert_eq!(
        client.get("/v1/me").await.ok()["postings"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let leader = world.town_leader().await;
    let read = tag(&leader, officer).await;
    leader
        .patch(&change, &read, &json!({"from": next}))
        .await
        .wrong_at(&[("/from", "not_allowed")]);
    leader
        .patch(
            &change,
            &read,
            &json!({"to": world.now() - TimeDelta::hours(1)}),
        )
        .await
        .wrong_at(&[("/to", "in_the_past")]);
    let end = format!("{change}/end");
    let seen = leader.post(&end, &json!({})).await.ok();
    assert_eq!(seen["postings"].as_array().unwrap().len(), 1);
    leader
        .post(&end, &json!({}))
        .await
        .refused(Code::PostingOver);
    leader
        .post(&format!("{postings}/{}/end", Uuid::now_v7()), &json!({}))
        .await
        .refused(Code::NotFound);
    assert_eq!(
        client.get("/v1/me").await.ok()["postings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // The same again may begin when the former is over.
    let body = json!({"role": "group_leader", "grid_id": here.group(1, 2)});
    leader.post(&postings, &body).await.created();
    // Only who manages all of the officer's posts adds one.
    let elsewhere = json!({"role": "group_leader", "grid_id": here.group(2, 1)});
    leader.post(&postings, &elsewhere).await.created();
    world
        .secretary(1)
        .await
        .post(
            &postings,
            &json!({"role": "group_leader", "grid_id": here.group(1, 3)}),
        )
        .await
        .refused(Code::NotPermitted);
}

async fn a_transfer_is_one_step(world: World) {
    let leader = world.town_leader().await;
    let (officer, here) = (world.officer("group_1_1"), world.here());
    let transfer = format!("{}/transfer", target(officer));
    let client = world.leader(1, 1).await;
    let to = json!({"role": "group_leader", "grid_id": here.group(2, 2)});
    // A secretary may give neither the new post nor take the old of another village.
    world
        .secretary(1)
        .await
        .post(&transfer, &to)
        .await
        .refused(Code::NotPermitted);
    let seen = leader.post_keyed(&transfer, "move", &to).await.ok();
    let posts = seen["postings"].as_array().unwrap();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0]["grid_id"], json!(here.group(2, 2)));
    let me = client.get("/v1/me").await.ok();
    assert_eq!(me["postings"][0]["grid_id"], json!(here.group(2, 2)));
    // The lost answer again; and without a key it is recognised as well.
    assert_eq!(leader.post_keyed(&transfer, "move", &to).await.ok(), seen);
    leader
        .post(&transfer, &to)
        .await
        .refused(Code::PostingOverlap);

    // To another town: only who manages both.
    let beyond = json!({"role": "group_leader", "grid_id": world.beside().group(1, 1)});
    leader
        .post(&transfer, &beyond)
        .await
        .refused(Code::NotFound);
    let admin = world.sign_in("admin").await;
    let seen = admin.post(&transfer, &beyond).await.ok();
    assert_eq!(seen["postings"].as_array().unwrap().len(), 1);
    let me = client.get("/v1/me").await.ok();
    assert_eq!(me["postings"][0]["town_id"], json!(world.beside().id()));
    // The old town has the name on record, and manages no more.
    leader
        .post(&format!("{}/disable", target(officer)), &json!({}))
        .await
        .refused(Code::NotPermitted);

    // In two towns: say what ends.
    let both = json!({"role": "group_leader", "grid_id": here.group(3, 3)});
    admin
        .post(&format!("{}/postings", target(officer)), &both)
        .await
        .created();
    let back = json!({"role": "group_leader", "grid_id": here.group(3, 2)});
    admin
        .post(&transfer, &back)
        .await
        .wrong_at(&[("/from_town", "required")]);
    let named = json!({"role": "group_leader", "grid_id": here.group(3, 2), "from_town": here.id(),
        "at": world.now() + TimeDelta::days(1)});
    let seen = admin.post(&transfer, &named).await.ok();
    assert_eq!(
        seen["postings"].as_array().unwrap().len(),
        3,
        "two end, one begins later"
    );
    let unknown =
        json!({"role": "group_leader", "grid_id": here.group(1, 2), "end": [Uuid::now_v7()]});
    admin
        .post(&transfer, &unknown)
        .await
        .wrong_at(&[("/end/0", "not_found")]);
}

async fn a_one_time_password_is_good_until_it_is_changed(world: World) {
    let (secretary, leader) = (world.secretary(1).await, world.leader(1, 1).await);
    let reset = format!("{}/password", target(world.officer("group_1_1")));
    world
        .secretary(2)
        .await
        .post(&reset, &json!({}))
        .await
        .refused(Code::NotPermitted);
    let answer = secretary.post(&reset, &json!({})).await;
    let first = answer.ok()["password"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("cache-control"), "no-store");
    leader.get("/v1/me").await.refused(Code::SessionEnded);
    let second = secretary.post(&reset, &json!({})).await.ok()["password"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    let stranger = world.stranger();
    stranger
        .sign_in("group_1_1", &first)
        .await
        .refused(Code::CredentialsInvalid);
    let leader = stranger.signed_in("group_1_1", &second).await;
    leader
        .get("/v1/inbox")
        .await
        .refused(Code::PasswordChangeRequired);
    let change = json!({"current_password": second, "new_password": "Weiyuan-2027"});
    leader.post("/v1/auth/password", &change).await.expect(204);
    leader.get("/v1/inbox").await.ok();
    // Not around one's own password.
    let admin = world.sign_in("admin").await;
    admin
        .post(&format!("{}/password", target(admin.officer)), &json!({}))
        .await
        .refused(Code::NotPermitted);
}

async fn a_lost_phone_is_cut_off_by_who_manages_its_owner(world: World) {
    let sign_in = async |device: &str| {
        let body = json!({"username": "group_1_1", "password": PASSWORD,
            "device": {"id": device, "name": device, "platform": "android"}});
        let tokens = world.stranger().post("/v1/auth/login", &body).await.ok();
        world.stranger().with_tokens("group_1_1", &tokens)
    };
    let (lost, kept) = (sign_in("lost").await, sign_in("kept").await);
    let secretary = world.secretary(1).await;
    let sessions = format!("{}/sessions", target(world.officer("group_1_1")));
    world
        .secretary(2)
        .await
        .get(&sessions)
        .await
        .refused(Code::NotPermitted);
    world
        .sign_in("b_secretary_1")
        .await
        .get(&sessions)
        .await
        .refused(Code::NotFound);
    let page = secretary.get(&sessions).await.ok();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let phone = items
        .iter()
        .find(|session| session["device"]["id"] == "lost")
        .unwrap();
    assert_eq!(phone["current"], false);
    assert!(phone["last_seen_at"].is_string() && phone["address"].is_string());
    let one = format!("{sessions}/{}", phone["id"].as_str().unwrap());
    world
        .secretary(2)
        .await
        .delete(&one)
        .await
        .refused(Code::NotPermitted);
    secretary.delete(&one).await.expect(204);
    lost.get("/v1/me").await.refused(Code::SessionEnded);
    kept.get("/v1/me").await.ok();
    secretary.delete(&one).await.expect(204);
    // Not by way of another officer's name.
    let own = secretary.get("/v1/auth/sessions").await.ok()["items"][0]["id"].clone();
    let confused = format!("{sessions}/{}", own.as_str().unwrap());
    secretary.delete(&confused).await.refused(Code::NotFound);

    // All but the present one, by the owner; then all, by who manages.
    let (third, fourth) = (sign_in("third").await, sign_in("fourth").await);
    fourth.delete("/v1/auth/sessions").await.expect(204);
    third.get("/v1/me").await.refused(Code::SessionEnded);
    kept.get("/v1/me").await.refused(Code::SessionEnded);
    fourth.get("/v1/me").await.ok();
    secretary.delete(&sessions).await.expect(204);
    fourth.get("/v1/me").await.refused(Code::SessionEnded);
    let last = sign_in("last").await;
    last.delete("/v1/auth/sessions?current=true")
        .await
        .expect(204);
    last.get("/v1/me").await.refused(Code::SessionEnded);
}

async fn the_managing_right_is_given_by_a_leader_and_ends_there(world: World) {
    let (leader, officer) = (world.town_leader().await, world.town_officer().await);
    let id = officer.officer;
    let posting = leader.get(&target(id)).await.ok()["postings"][0]["id"].clone();
    let change = format!("{}/postings/{}", target(id), posting.as_str().unwrap());
    // Not by oneself.
    let right = json!({"manages": true});
    officer
        .patch(&change, &tag(&officer, id).await, &right)
        .await
        .refused(Code::NotPermitted);
    leader
        .patch(&change, &tag(&leader, id).await, &right)
        .await
        .ok();
    let here = world.here();
    let mut new = creation("by.office", "village_secretary", here.village(3));
    officer.post("/v1/officers", &new).await.created();
    new["username"] = json!("too.much");
    for (role, manages) in [
        ("town_leader", false),
        ("admin", false),
        ("town_officer", true),
    ] {
        new["posting"] = json!({"role": role, "grid_id": here.id(), "manages": manages});
        officer
            .post("/v1/officers", &new)
            .await
            .refused(Code::NotPermitted);
    }
    officer
        .post(&format!("{}/disable", target(leader.officer)), &json!({}))
        .await
        .refused(Code::NotPermitted);
    let seen = officer.get(&target(id)).await.ok();
    assert_eq!(seen["postings"][0]["manages"], true);
    // Taken away, it acts no more, at once.
    leader
        .patch(&change, &tag(&leader, id).await, &json!({"manages": false}))
        .await
        .ok();
    new["posting"] = json!({"role": "group_leader", "grid_id": here.group(1, 1)});
    officer
        .post("/v1/officers", &new)
        .await
        .refused(Code::NotPermitted);
}

async fn import(client: &Client, query: &str, file: &str) -> Value {
    let request = client
        .request(
            reqwest::Method::POST,
            &format!("/v1/officers/import{query}"),
        )
        .header("content-type", "text/csv")
        .body(file.to_owned());
    let accepted = client.send(request).await;
    accepted.expect(202);
    let target = accepted.header("location").to_owned();
    for _ in 0..600 {
        let import = client.get(&target).await.ok();
        if import["finished_at"].is_string() {
            return import;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the import does not end");
}

async fn a_file_of_officers_is_checked_and_published(world: World) {
    let (leader, secretary) = (world.town_leader().await, world.secretary(1).await);
    let file = "username,name,phone,role,grid_code,from,to\n\
        li.yi,李一,13900000001,村民小组长,990001100200001,,\n\
        group_1_1,王组长,,group_leader,990001100200001,,\n\
        group_1_2,组长1之2,,group_leader,990001100200002,,\n\
        zhao,赵二,,group_leader,990001100200003,2199-01-01,2199-02-01\n";
    let counts = json!({"created": 2, "updated": 1, "unchanged": 1, "archived": 0});
    let dry = import(&secretary, "?dry_run=true", file).await;
    assert_eq!(
        (&dry["state"], &dry["counts"]),
        (&json!("done"), &counts),
        "{dry}"
    );
    assert_eq!(secretary.all("/v1/officers?q=李一").await.len(), 0);
    let done = import(&secretary, "", file).await;
    assert_eq!(
        (&done["state"], &done["counts"]),
        (&json!("done"), &counts),
        "{done}"
    );
    let listed = secretary.all("/v1/officers?q=li.yi").await;
    assert_eq!(listed[0]["phone"], "13900000001");
    assert_eq!(listed[0]["postings"][0]["role"], "group_leader");
    assert_eq!(secretary.all("/v1/officers?q=王组长").await.len(), 1);
    // Invited, not given a password.
    let invite = format!("{}/invite", target(id_of(&listed[0])));
    secretary.post(&invite, &json!({})).await.ok();
    let again = import(&secretary, "", file).await;
    assert_eq!(again["counts"]["unchanged"], 4, "{again}");

    // Every bad line, and nothing of the good one.
    let bad = "username,name,role,grid_code,to\n\
        good,好,group_leader,990001100200001,\n\
        张,张三,group_leader,990001100200001,\n\
        one,一,king,990001100200001,\n\
        two,二,group_leader,,tomorrow\n";
    let failed = import(&leader, "", bad).await;
    assert_eq!(
        (&failed["state"], &failed["errors_total"]),
        (&json!("failed"), &json!(4))
    );
    // What only the database knows: another's grid, another tier, who is not theirs.
    let beyond = "username,name,role,grid_code\n\
        one,一,group_leader,990002100200001\n\
        two,二,group_leader,990001100200\n\
        three,三,group_leader,990001100201001\n\
        secretary_2,书记2,group_leader,990001100200001\n\
        b_group_1_1,别人,group_leader,990001100200001\n";
    let failed = import(&secretary, "", beyond).await;
    assert_eq!(failed["state"], "failed");
    let errors = secretary
        .all(&format!("/v1/imports/{}/errors?limit=50", id_of(&failed)))
        .await;
    let mut told: Vec<String> = errors
        .iter()
        .map(|error| format!("{} {}", error["line"], error["code"].as_str().unwrap()))
        .collect();
    told.sort();
    told.dedup();
    assert_eq!(
        told,
        [
            "2 not_found",
            "3 not_allowed",
            "3 not_permitted",
            "4 not_permitted",
            "5 not_permitted",
            "6 taken"
        ]
    );
    assert_eq!(leader.all("/v1/officers?q=好").await.len(), 0);
    let (stranger, file) = (world.leader(1, 1).await, "username\n");
    let request = stranger
        .request(reqwest::Method::POST, "/v1/officers/import")
        .header("content-type", "text/csv")
        .body(file);
    stranger.send(request).await.refused(Code::NotPermitted);
}
