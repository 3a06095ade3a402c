//! Every meaning of `return`: for an escalation, a resolution, and assigned work.

use gridpatrol_domain::error::Code;
use serde_json::json;

use crate::support::client::{allowed, id_of};
use crate::support::{World, filing};

on_both!(
    an_escalation_is_returned_twice_and_stands_the_third_time,
    a_resolution_that_does_not_pass_goes_back_to_who_did_the_work,
    a_resolution_that_rose_to_be_verified_comes_back_to_the_former_holder,
    assigned_work_is_given_back_to_the_holder,
);

async fn an_escalation_is_returned_twice_and_stands_the_third_time(world: World) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    for times in 1..=2 {
        let report = secretary
            .act(id, "return", json!({"reason": "照片看不清，请补拍"}))
            .await
            .ok();
        assert_eq!(
            (&report["status"], &report["tier"]),
            (&json!("open"), &json!("group"))
        );
        assert_eq!(report["returns"], json!({"group": times, "village": 0}));
        assert_eq!(report["desk"]["duty"], "handle");
        assert_eq!(report["desk"]["officers"], json!(["组长1之1"]));
        assert!(report.get("escalation").is_none());
        assert_eq!(leader.inbox().await["counts"]["handle"], 1);
        let report = leader
            .act(id, "escalate", json!({"reason": "组里没有设备"}))
            .await
            .ok();
        assert_eq!(report["escalation"]["from_tier"], "group");
        assert_eq!(report["escalation"]["to_tier"], "village");
        assert_eq!(report["escalation"]["requested_by"]["name"], "组长1之1");
    }
    let report = secretary.report(id).await;
    assert!(!allowed(&report).contains(&"return".to_owned()));
    secretary
        .act(id, "return", json!({"reason": "再退一次"}))
        .await
        .refused(Code::ReturnLimit);
    let town = world.town_officer().await;
    town.act(id, "return", json!({"reason": "镇里也不行"}))
        .await
        .refused(Code::ReturnLimit);
    let report = secretary.act(id, "approve", json!({})).await.ok();
    assert_eq!(report["tier"], "village");

    // The village's own escalations are counted apart.
    let officer = world.village_officer(1).await;
    officer.act(id, "escalate", json!({})).await.ok();
    let report = town
        .act(id, "return", json!({"reason": "村里先处置"}))
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("open"), &json!("village"))
    );
    assert_eq!(report["returns"], json!({"group": 2, "village": 1}));
    let reasons: Vec<_> = leader
        .record(id)
        .await
        .into_iter()
        .filter(|event| event["kind"] == "returned")
        .map(|event| event["details"]["reason"].clone())
        .collect();
    assert_eq!(
        reasons,
        ["照片看不清，请补拍", "照片看不清，请补拍", "村里先处置"]
    );
}

async fn a_resolution_that_does_not_pass_goes_back_to_who_did_the_work(world: World) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let group = world.here().group(1, 1);
    let id = id_of(&leader.file(&filing(group)).await);
    secretary.act(id, "approve", json!({})).await.ok();
    secretary
        .act(id, "assign", json!({"grid_id": group}))
        .await
        .ok();
    for times in 1..=3 {
        leader
            .act(id, "resolve", json!({"result": "已清运"}))
            .await
            .ok();
        assert_eq!(
            leader.inbox().await["counts"],
            json!({"handle": 0, "decide": 0, "verify": 0, "grant": 0})
        );
        assert_eq!(secretary.inbox().await["counts"]["verify"], 1);
        let report = secretary
            .act(id, "return", json!({"reason": "现场还有垃圾"}))
            .await
            .ok();
        assert_eq!(report["status"], "open");
        assert_eq!(report["handler"]["grid_id"], json!(group));
        assert_eq!(report["rework_count"], times);
        assert!(report.get("resolved_by").is_none() && report.get("resolved_at").is_none());
        assert_eq!(leader.inbox().await["counts"]["handle"], 1);
    }
    let report = leader
        .act(id, "resolve", json!({"result": "全部清运"}))
        .await
        .ok();
    assert_eq!(report["result"], "全部清运");
    assert_eq!(report["resolved_by"]["name"], "组长1之1");
    let report = secretary
        .act(id, "close", json!({"outcome": "handled"}))
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["rework_count"]),
        (&json!("closed"), &json!(3))
    );
    let failed = leader
        .record(id)
        .await
        .iter()
        .filter(|event| event["kind"] == "verification_failed")
        .count();
    assert_eq!(failed, 3);
}

async fn a_resolution_that_rose_to_be_verified_comes_back_to_the_former_holder(world: World) {
    let leader = world.leader(1, 1).await;
    let officer = world.village_officer(1).await;
    let filing = filing(world.here().group(1, 1))
        .severity("serious")
        .disposition("keep");
    let id = id_of(&leader.file(&filing).await);
    let report = leader
        .act(id, "resolve", json!({"result": "已清运"}))
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("resolved"), &json!("village"))
    );
    let report = officer
        .act(id, "return", json!({"reason": "未到位"}))
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("open"), &json!("village"))
    );
    assert_eq!(report["desk"]["grid_id"], json!(world.here().group(1, 1)));
    leader
        .act(id, "resolve", json!({"result": "已到位"}))
        .await
        .ok();
}

async fn assigned_work_is_given_back_to_the_holder(world: World) {
    let leader = world.leader(1, 1).await;
    let secretary = world.secretary(1).await;
    let (officer, town) = (world.village_officer(1).await, world.town_officer().await);
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    town.act(id, "approve", json!({"further": true})).await.ok();

    // Given to a grid: any of its officers gives it back.
    town.act(id, "assign", json!({"grid_id": world.here().village(1)}))
        .await
        .ok();
    town.act(id, "return", json!({"reason": "不是我的"}))
        .await
        .refused(Code::NotAtDesk);
    let report = secretary
        .act(id, "return", json!({"reason": "村里没有设备"}))
        .await
        .ok();
    assert_eq!(
        (&report["status"], &report["tier"]),
        (&json!("open"), &json!("town"))
    );
    assert!(report.get("handler").is_none());
    assert_eq!(report["desk"]["duty"], "handle");
    assert_eq!(town.inbox().await["counts"]["handle"], 1);

    // Given to a person: only that one, and it waits only there.
    let report = town
        .act(id, "assign", json!({"officer_id": officer.officer}))
        .await
        .ok();
    assert_eq!(report["handler"]["officer"]["name"], "村干部1");
    assert_eq!(report["desk"]["officers"], json!(["村干部1"]));
    assert_eq!(officer.inbox().await["counts"]["handle"], 1);
    assert_eq!(secretary.inbox().await["counts"]["handle"], 0);
    secretary
        .act(id, "return", json!({"reason": "代为退回"}))
        .await
        .refused(Code::NotAtDesk);
    secretary
        .act(id, "resolve", json!({"result": "x"}))
        .await
        .refused(Code::NotHolder);
    officer
        .act(id, "return", json!({"reason": "正在休假"}))
        .await
        .ok();
    let kinds: Vec<_> = town
        .record(id)
        .await
        .into_iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            "filed",
            "escalated",
            "approved",
            "approved",
            "assigned",
            "handed_back",
            "assigned",
            "handed_back"
        ]
    );
    // A report that nobody was given is nobody's to give back.
    town.act(id, "return", json!({"reason": "x"}))
        .await
        .refused(Code::WrongStatus);
}
