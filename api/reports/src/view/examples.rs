//! Examples of answers for the API document: one report, and other answers about it.
//!
//! Owns sample data only: no request uses it. All examples show the same report, as it could exist
//! in the demonstration town.

use serde_json::{Value, json};

/// Adds these members to an example, or replaces those it has.
fn with(mut example: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut example, more) {
        members.extend(more);
    }
    example
}

/// A report that waits for a village secretary.
pub fn report() -> Value {
    json!({
        "id": "0192f7a0-0000-7000-8000-0000000000c1", "number": "990001100-2026-000123",
        "status": "escalating", "status_text": "待示范一村（张书记）审核上报，11月20日 09:03前",
        "tier": "group",
        "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "示范一村一组",
        "holder": {"grid_id": "0192f7a0-0000-7000-8000-000000000003", "name": "示范一村一组"},
        "desk": {
            "grid_id": "0192f7a0-0000-7000-8000-000000000002", "grid_name": "示范一村",
            "duty": "decide", "officers": ["张书记"],
        },
        "escalation": {"from_tier": "group", "to_tier": "village"},
        "category": "straw_burning", "severity": "general", "source": "patrol",
        "disposition": "escalate", "description": "路边田里烧秸秆",
        "reporter": {"officer_id": "0192f7a0-0000-7000-8000-000000000014", "name": "王组长"},
        "filing_tier": "group",
        "observed_at": "2026-11-20T00:10:00Z", "received_at": "2026-11-20T00:15:00Z",
        "next_due_at": "2026-11-20T01:03:00Z", "deadline_at": "2026-11-20T02:15:00Z",
        "overdue": false, "colour": "green", "round": 1, "gross_time_s": 900, "own_time_s": 900,
        "returns": {"group": 0, "village": 0}, "rework_count": 0,
        "photos": [{
            "id": "0192f7a0-0000-7000-8000-0000000000a1", "role": "before", "state": "missing",
        }],
        "complete": false, "version": 1,
        "allowed_actions": [
            {"action": "approve", "label": "同意上报", "requires": []},
            {"action": "return", "label": "退回", "requires": ["reason"]},
        ],
    })
}

/// What happens if nobody decides on it.
pub fn step() -> Value {
    json!({
        "at": "2026-11-20T01:03:00Z", "rule": "undecided", "label": "审核超时自动上报",
        "kind": "lapsed", "repeats": false,
        "from": {
            "grid_id": "0192f7a0-0000-7000-8000-000000000002", "grid_name": "示范一村",
            "tier": "village", "duty": "decide", "officers": ["张书记"],
        },
        "to": {
            "grid_id": "0192f7a0-0000-7000-8000-000000000002", "grid_name": "示范一村",
            "tier": "village", "duty": "handle", "officers": ["张书记", "赵主任"],
        },
        "next_due_at": "2026-11-20T01:39:00Z", "colour": "green",
        "text": {
            "zh": "【超时自动上报】示范一村一组：秸秆焚烧（一般），编号990001100-2026-000123。待示范一村处置，11月20日09:39前。",
            "en": "Lapsed: Straw burning (general), 示范一村一组, no. 990001100-2026-000123. 示范一村: handle by 2026-11-20 09:39.",
        },
    })
}

/// The forecast for this report.
pub fn forecast() -> Value {
    json!({
        "report_id": "0192f7a0-0000-7000-8000-0000000000c1", "version": 1, "steps": [step()],
    })
}

/// This report in the inbox of the secretary's deputy.
pub fn inbox_item() -> Value {
    let more = json!({
        "by": "deputy",
        "on_behalf_of": {"id": "0192f7a0-0000-7000-8000-000000000012", "name": "张书记"},
        "if_nobody_acts": step(),
    });
    with(report(), more)
}

/// An inbox with only this report.
pub fn inbox() -> Value {
    json!({
        "counts": {"handle": 0, "decide": 1, "verify": 0, "grant": 0}, "items": [inbox_item()],
    })
}

/// A report similar to one that is about to be filed.
pub fn similar() -> Value {
    json!({
        "items": [{
            "id": "0192f7a0-0000-7000-8000-0000000000c1", "number": "990001100-2026-000123",
            "distance_m": 35, "status": "escalating",
            "status_text": "待示范一村（张书记）审核上报，11月20日 09:03前", "severity": "general",
            "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "示范一村一组",
            "description": "路边田里烧秸秆",
            "reporter": {"officer_id": "0192f7a0-0000-7000-8000-000000000014", "name": "王组长"},
            "received_at": "2026-11-20T00:15:00Z",
        }],
        "hidden": 1, "within_m": 200, "within_days": 7,
    })
}

/// This report after the village missed its deadline: the town has it now.
pub fn lapsed() -> Value {
    let town = "0192f7a0-0000-7000-8000-000000000001";
    let more = json!({
        "status": "open", "status_text": "由示范镇（郑示范、韩样例）处置，11月20日 10:15前",
        "tier": "town", "holder": {"grid_id": town, "name": "示范镇"},
        "desk": {
            "grid_id": town, "grid_name": "示范镇", "duty": "handle",
            "officers": ["郑示范", "韩样例"],
        },
        "next_due_at": "2026-11-20T02:15:00Z", "colour": "yellow",
        "lapse": {
            "tier": "village", "due_at": "2026-11-20T01:39:00Z", "at": "2026-11-20T01:39:02Z",
        },
        "version": 3,
        "allowed_actions": [{"action": "recall", "label": "撤回", "requires": []}],
    });
    let mut report = with(report(), more);
    if let Some(members) = report.as_object_mut() {
        members.remove("escalation");
    }
    json!({
        "rule": "step_over", "label": "办理超时自动上报",
        "grid_id": "0192f7a0-0000-7000-8000-000000000002", "tier": "village",
        "due_at": "2026-11-20T01:39:00Z", "lapsed_at": "2026-11-20T01:39:02Z", "charged": true,
        "recall_until": "2026-11-23T01:39:02Z", "report": report,
    })
}

/// A page of what lapsed.
pub fn lapsed_page() -> Value {
    json!({"items": [lapsed()]})
}
