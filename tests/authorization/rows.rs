//! How to call each signed-in operation for a grid: one row for each operation.
//!
//! The body is valid, so that only the caller, the target or the state can cause a refusal.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::targets::Target;
use crate::support::{Client, pictures};

/// What stands at the grid that an operation is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// The caller alone: asked once a caller.
    Caller,
    /// The grid itself.
    Grid,
    /// A report filed there, with a photo that has arrived.
    Report,
    /// A service account bound to it.
    Account,
    /// A webhook bound to it.
    Webhook,
    /// A team of its town.
    Team,
    /// An import that the leader of its town began.
    Import,
    /// An officer posted there, with a deputy and a session.
    Officer,
}
use About::{Account, Caller, Grid, Import, Officer, Report, Team, Webhook};

/// How an operation is asked.
pub struct Row {
    /// Method and path, as the document has them.
    pub operation: &'static str,
    /// What it is about.
    pub about: About,
    /// Query (`?…`) and body.
    pub ask: fn(&Target) -> (String, Value),
}

const fn row(operation: &'static str, about: About, ask: fn(&Target) -> (String, Value)) -> Row {
    Row {
        operation,
        about,
        ask,
    }
}

fn nothing(_: &Target) -> (String, Value) {
    (String::new(), Value::Null)
}

fn body(value: Value) -> (String, Value) {
    (String::new(), value)
}

/// Every signed operation.
pub const ROWS: &[Row] = &[
    row("post /v1/auth/logout", Caller, nothing),
    row("post /v1/auth/password", Caller, |_| {
        body(json!({"current_password": "wrong-Patrol-2026", "new_password": "Weiyuan-2027"}))
    }),
    row("get /v1/auth/sessions", Caller, nothing),
    row("delete /v1/auth/sessions/{id}", Grid, nothing),
    row("get /v1/me", Caller, nothing),
    row("get /v1/grids", Grid, |target| {
        (format!("?parent={}", target.grid), Value::Null)
    }),
    row("get /v1/grids/tree", Caller, nothing),
    row("get /v1/grids/{id}", Grid, nothing),
    row("post /v1/grids", Grid, |target| {
        body(json!({"parent_id": target.grid, "code": "990001100299", "name": "新村"}))
    }),
    row("patch /v1/grids/{id}", Grid, |_| {
        body(json!({"contact": "0812-1234567"}))
    }),
    // Into itself, and by itself: refused after everything else.
    row("post /v1/grids/{id}/move", Grid, |target| {
        body(json!({"parent_id": target.grid}))
    }),
    row("post /v1/grids/{id}/archive", Grid, |target| {
        body(json!({"successor_id": target.grid}))
    }),
    row("get /v1/grids/{id}/history", Grid, nothing),
    row("put /v1/grids/{id}/boundary", Grid, |_| {
        let ring = json!([[101.8, 26.6], [101.9, 26.6], [101.9, 26.7], [101.8, 26.6]]);
        body(json!({"geometry": {"type": "Polygon", "coordinates": [ring]}, "crs": "wgs84"}))
    }),
    row("get /v1/grids/{id}/boundary", Grid, nothing),
    row("delete /v1/grids/{id}/boundary", Grid, nothing),
    row("get /v1/grids/locate", Caller, |_| {
        ("?lat=26.69&lon=101.85".to_owned(), Value::Null)
    }),
    row("post /v1/grids/import", Caller, |_| {
        ("?dry_run=true".to_owned(), Value::Null)
    }),
    row("get /v1/imports", Caller, nothing),
    row("get /v1/imports/{id}", Import, nothing),
    row("get /v1/imports/{id}/errors", Import, nothing),
    row("get /v1/grids/{id}/responsible", Grid, nothing),
    row("delete /v1/auth/sessions", Caller, nothing),
    row("patch /v1/me", Caller, |_| {
        body(json!({"phone": "13900000009"}))
    }),
    row("get /v1/me/absence", Caller, nothing),
    row("put /v1/me/absence", Caller, |_| body(days(40, 41))),
    row("delete /v1/me/absence", Caller, nothing),
    row("get /v1/duty-roster", Grid, |target| {
        (format!("?town={}", target.town), Value::Null)
    }),
    row("put /v1/duty-roster", Grid, |target| {
        let mut window = days(40, 41);
        window["shifts"] = json!([]);
        (format!("?town={}", target.town), window)
    }),
    row("get /v1/officers", Grid, |target| {
        (format!("?grid={}", target.grid), Value::Null)
    }),
    row("post /v1/officers", Grid, |target| body(target.recruit())),
    row("post /v1/officers/import", Caller, |_| {
        ("?dry_run=true".to_owned(), Value::Null)
    }),
    row("get /v1/officers/{id}", Officer, nothing),
    row("patch /v1/officers/{id}", Officer, |_| {
        body(json!({"phone": "13900000008"}))
    }),
    row("post /v1/officers/{id}/disable", Officer, |_| {
        body(json!({"reason": "离任"}))
    }),
    row("post /v1/officers/{id}/enable", Officer, |_| {
        body(json!({}))
    }),
    row("post /v1/officers/{id}/password", Officer, nothing),
    row("post /v1/officers/{id}/invite", Officer, nothing),
    row("post /v1/officers/{id}/postings", Officer, |target| {
        let mut posting = target.posting();
        posting["from"] = days(400, 401)["from"].clone();
        body(posting)
    }),
    row(
        "patch /v1/officers/{id}/postings/{posting_id}",
        Officer,
        |_| body(json!({"to": days(40, 41)["to"]})),
    ),
    row(
        "post /v1/officers/{id}/postings/{posting_id}/end",
        Officer,
        |_| body(json!({})),
    ),
    row("post /v1/officers/{id}/transfer", Officer, |target| {
        body(target.posting())
    }),
    row("post /v1/officers/{id}/erase", Officer, |_| {
        body(json!({"reason": "依法删除"}))
    }),
    row("get /v1/officers/{id}/absence", Officer, nothing),
    row("put /v1/officers/{id}/absence", Officer, |_| {
        body(days(40, 41))
    }),
    row("delete /v1/officers/{id}/absence", Officer, nothing),
    row("get /v1/officers/{id}/deputies", Officer, nothing),
    row("post /v1/officers/{id}/deputies", Officer, |target| {
        body(json!({"deputy_id": target.officer.officer, "to": days(1, 2)["to"]}))
    }),
    row(
        "delete /v1/officers/{id}/deputies/{deputy_id}",
        Officer,
        nothing,
    ),
    row("get /v1/officers/{id}/sessions", Officer, nothing),
    row("delete /v1/officers/{id}/sessions", Officer, nothing),
    row(
        "delete /v1/officers/{id}/sessions/{session_id}",
        Officer,
        nothing,
    ),
    row("get /v1/inbox", Caller, nothing),
    row("get /v1/inbox/counts", Caller, nothing),
    row("post /v1/inbox/decide", Caller, |_| {
        let decision = json!({"report_id": uuid::Uuid::nil(), "action": "approve"});
        body(json!({"decisions": [decision]}))
    }),
    row("get /v1/reports", Grid, |target| {
        (format!("?grid={}", target.grid), Value::Null)
    }),
    row("post /v1/reports", Grid, |target| body(target.filing())),
    row("get /v1/reports/{id}", Report, nothing),
    row("put /v1/reports/{id}", Grid, |target| body(target.filing())),
    row("patch /v1/reports/{id}", Report, |_| {
        body(json!({"remark": "已电话核实"}))
    }),
    row("get /v1/reports/similar", Grid, |target| {
        let matter = "category=living_environment&lat=26.69&lon=101.85&crs=wgs84";
        (format!("?{matter}&town={}", target.town), Value::Null)
    }),
    row("get /v1/reports/{id}/similar", Report, nothing),
    row("get /v1/reports/{id}/events", Report, nothing),
    row("get /v1/reports/{id}/forecast", Report, nothing),
    row("get /v1/reports/{id}/package", Report, nothing),
    row("get /v1/inbox/lapsed", Caller, nothing),
    row("post /v1/reports/{id}/escalate", Report, |_| {
        body(json!({}))
    }),
    row("post /v1/reports/{id}/approve", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/return", Report, |_| {
        body(json!({"reason": "照片看不清"}))
    }),
    row("post /v1/reports/{id}/assign", Report, |target| {
        body(json!({"grid_id": target.grid}))
    }),
    row("post /v1/reports/{id}/resolve", Report, |_| {
        body(json!({"result": "已清运"}))
    }),
    row("post /v1/reports/{id}/close", Report, |_| {
        body(json!({"outcome": "handled", "result": "已清运"}))
    }),
    row("post /v1/reports/{id}/void", Report, |_| {
        body(json!({"reason": "误报"}))
    }),
    row("post /v1/reports/{id}/restore", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/reclassify", Report, |_| {
        body(json!({"category": "straw_burning"}))
    }),
    row("post /v1/reports/{id}/accept", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/decline", Report, |_| {
        body(json!({"reason": "不在本组"}))
    }),
    row("post /v1/reports/{id}/take", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/transfer", Report, |target| {
        body(json!({"grid_id": target.grid, "reason": "不在本村"}))
    }),
    row("post /v1/reports/{id}/recall", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/extend", Report, |_| {
        body(json!({"until": "2099-01-01T00:00:00Z", "reason": "等设备"}))
    }),
    row("post /v1/reports/{id}/grant", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/refuse", Report, |_| {
        body(json!({"reason": "不同意"}))
    }),
    row("post /v1/reports/{id}/suspend", Report, |_| {
        body(json!({"reason": "整改需跨季", "review_at": days(40, 41)["from"]}))
    }),
    row("post /v1/reports/{id}/resume", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/urge", Report, |_| body(json!({}))),
    row("post /v1/reports/{id}/supervise", Report, |_| {
        body(json!({"demand": "限期整改", "reply_by": "2099-01-01T00:00:00Z"}))
    }),
    row("post /v1/reports/{id}/refer", Report, |_| {
        body(json!({"agency": "县生态环境局", "reason": "需执法"}))
    }),
    row("post /v1/reports/{id}/acknowledge", Report, |_| {
        body(json!({}))
    }),
    row("post /v1/reports/{id}/reply", Report, |_| {
        body(json!({"reply": "已立案"}))
    }),
    row("post /v1/reports/{id}/reopen", Report, |_| {
        body(json!({"reason": "反弹"}))
    }),
    row("post /v1/reports/{id}/comment", Report, |_| {
        body(json!({"text": "已知悉"}))
    }),
    row("post /v1/reports/{id}/erase", Report, |_| {
        body(json!({"reason": "依法删除", "words": ["生活垃圾"]}))
    }),
    row("post /v1/photos", Report, nothing),
    row("get /v1/photos/{id}", Report, nothing),
    row("put /v1/photos/{id}", Report, |target| {
        (format!("?report_id={}", target.report), Value::Null)
    }),
    row("get /v1/photos/{id}/original", Report, nothing),
    row("get /v1/photos/{id}/preview", Report, nothing),
    row("get /v1/photos/{id}/thumbnail", Report, nothing),
    row("post /v1/auth/tickets", Caller, |_| {
        body(json!({"path_prefix": "/v1/reports"}))
    }),
    row("get /v1/bootstrap", Caller, nothing),
    row("get /v1/audit", Grid, |target| {
        (format!("?town={}", target.town), Value::Null)
    }),
    row("get /v1/audit/heads", Caller, nothing),
    row("get /v1/audit/security", Caller, nothing),
    row("get /v1/settings", Grid, |target| {
        (format!("?grid={}", target.grid), Value::Null)
    }),
    row("put /v1/settings", Grid, |target| {
        (format!("?grid={}", target.grid), json!({"settings": {}}))
    }),
    row("get /v1/settings/history", Grid, |target| {
        (format!("?grid={}", target.grid), Value::Null)
    }),
    row("get /v1/calendar", Caller, nothing),
    row("put /v1/calendar", Caller, |_| {
        body(json!({"year": 2030, "days": []}))
    }),
    row("get /v1/service-accounts", Caller, nothing),
    row("post /v1/service-accounts", Grid, |target| {
        body(json!({"name": "大屏", "grid_id": target.grid, "access": "read"}))
    }),
    row("get /v1/service-accounts/{id}", Account, nothing),
    row("patch /v1/service-accounts/{id}", Account, |_| {
        body(json!({"name": "大屏二"}))
    }),
    row("delete /v1/service-accounts/{id}", Account, nothing),
    row("post /v1/service-accounts/{id}/keys", Account, |_| {
        body(json!({}))
    }),
    row(
        "delete /v1/service-accounts/{id}/keys/{key_id}",
        Account,
        nothing,
    ),
    row("get /v1/me/push-tokens", Caller, nothing),
    row("put /v1/me/push-tokens/{provider}", Caller, |_| {
        body(json!({"token": uuid::Uuid::new_v4()}))
    }),
    row("delete /v1/me/push-tokens/{provider}", Caller, nothing),
    row("get /v1/webhooks", Caller, nothing),
    row("post /v1/webhooks", Grid, |target| {
        body(json!({"name": "对接", "grid_id": target.grid, "url": NOWHERE}))
    }),
    row("get /v1/webhooks/{id}", Webhook, nothing),
    row("patch /v1/webhooks/{id}", Webhook, |_| {
        body(json!({"name": "对接二"}))
    }),
    row("delete /v1/webhooks/{id}", Webhook, nothing),
    row("post /v1/webhooks/{id}/secrets", Webhook, |_| {
        body(json!({}))
    }),
    row("get /v1/webhooks/{id}/deliveries", Webhook, nothing),
    row("post /v1/webhooks/{id}/replay", Webhook, |_| {
        body(json!({"numbers": [1]}))
    }),
    row("post /v1/webhooks/{id}/test", Webhook, nothing),
    row("get /v1/teams", Grid, |target| {
        (format!("?town={}", target.town), Value::Null)
    }),
    row("post /v1/teams", Grid, |target| body(target.new_team())),
    row("get /v1/teams/{id}", Team, nothing),
    row("patch /v1/teams/{id}", Team, |_| {
        body(json!({"kind": "other"}))
    }),
    row("post /v1/teams/{id}/archive", Team, |_| body(json!({}))),
];

/// Where no webhook arrives.
pub const NOWHERE: &str = "http://127.0.0.1:9/";

/// A file of one line that changes nothing.
pub const SHEET: &str = "code,name\n990001100000,示范镇\n";

const PEOPLE: &str = "username,name,role,grid_code\nsheet.1,表中人,group_leader,990001100200001\n";

/// From one day to another, counted from now.
fn days(from: i64, to: i64) -> Value {
    let day = |days| chrono::Utc::now() + chrono::TimeDelta::days(days);
    json!({"from": day(from), "to": day(to)})
}

impl Row {
    /// The request of this caller about this target.
    pub fn request(&self, caller: &Client, target: &Target) -> RequestBuilder {
        let (method, path) = self.operation.split_once(' ').expect("two words");
        let method: Method = method.to_uppercase().parse().expect("a method");
        let (query, body) = (self.ask)(target);
        let path = path
            .replace("{id}", &target.id_for(self.operation).to_string())
            .replace("{provider}", "getui")
            .replace("{key_id}", &target.key.to_string())
            .replace("{posting_id}", &target.posting_id.to_string())
            .replace("{deputy_id}", &target.deputy.to_string())
            .replace("{session_id}", &target.session.to_string());
        let request = caller.request(method.clone(), &format!("{path}{query}"));
        if method == Method::PATCH {
            // Any version of it.
            return request.header("If-Match", "*").json(&body);
        }
        match self.operation {
            "post /v1/photos" => request.multipart(
                reqwest::multipart::Form::new()
                    .text("report_id", target.report.to_string())
                    .part(
                        "file",
                        reqwest::multipart::Part::bytes(pictures::snapshot()),
                    ),
            ),
            "put /v1/photos/{id}" => request
                .header("content-type", "image/jpeg")
                .body(pictures::snapshot()),
            "post /v1/officers/import" => request.header("content-type", "text/csv").body(PEOPLE),
            "post /v1/grids/import" => request.header("content-type", "text/csv").body(SHEET),
            _ if body.is_null() => request,
            _ => request.json(&body),
        }
    }
}
