//! Who may call what: lists every operation of the document and who may call it.

mod matrix;
mod rows;
mod targets;

use std::collections::BTreeMap;

use gridpatrol_domain::error::Code;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::openapi::operations;
use crate::support::{World, audit};

/// How a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Anybody may call it.
    Open,
    /// By a bearer token.
    Signed,
    /// By a bearer token or a signed link.
    Linked,
}
use Known::{Linked, Open, Signed};

const TABLE: &[(&str, Known)] = &[
    ("get /healthz", Open),
    ("get /readyz", Open),
    ("get /", Open),
    ("get /openapi.yaml", Open),
    ("get /openapi.json", Open),
    ("get /docs", Open),
    ("get /docs/guide", Open),
    ("get /docs/guide/{topic}", Open),
    ("get /docs/{file}", Open),
    ("get /.well-known/jwks.json", Open),
    ("post /v1/auth/login", Open),
    ("post /v1/auth/refresh", Open),
    ("post /v1/auth/logout", Signed),
    ("post /v1/auth/password", Signed),
    ("post /v1/auth/tickets", Signed),
    ("get /v1/auth/sessions", Signed),
    ("delete /v1/auth/sessions/{id}", Signed),
    ("get /v1/me", Signed),
    ("get /v1/bootstrap", Signed),
    ("get /v1/audit", Signed),
    ("get /v1/audit/heads", Signed),
    ("get /v1/audit/security", Signed),
    ("get /v1/settings", Signed),
    ("put /v1/settings", Signed),
    ("get /v1/settings/history", Signed),
    ("get /v1/calendar", Signed),
    ("put /v1/calendar", Signed),
    ("get /v1/service-accounts", Signed),
    ("post /v1/service-accounts", Signed),
    ("get /v1/service-accounts/{id}", Signed),
    ("patch /v1/service-accounts/{id}", Signed),
    ("delete /v1/service-accounts/{id}", Signed),
    ("post /v1/service-accounts/{id}/keys", Signed),
    ("delete /v1/service-accounts/{id}/keys/{key_id}", Signed),
    ("get /v1/me/push-tokens", Signed),
    ("put /v1/me/push-tokens/{provider}", Signed),
    ("delete /v1/me/push-tokens/{provider}", Signed),
    ("get /v1/webhooks", Signed),
    ("post /v1/webhooks", Signed),
    ("get /v1/webhooks/{id}", Signed),
    ("patch /v1/webhooks/{id}", Signed),
    ("delete /v1/webhooks/{id}", Signed),
    ("post /v1/webhooks/{id}/secrets", Signed),
    ("get /v1/webhooks/{id}/deliveries", Signed),
    ("post /v1/webhooks/{id}/replay", Signed),
    ("post /v1/webhooks/{id}/test", Signed),
    ("get /v1/grids", Signed),
    ("get /v1/grids/tree", Signed),
    ("post /v1/grids/import", Signed),
    ("post /v1/grids", Signed),
    ("get /v1/grids/locate", Signed),
    ("get /v1/grids/{id}", Signed),
    ("patch /v1/grids/{id}", Signed),
    ("post /v1/grids/{id}/move", Signed),
    ("post /v1/grids/{id}/archive", Signed),
    ("get /v1/grids/{id}/history", Signed),
    ("get /v1/grids/{id}/boundary", Signed),
    ("put /v1/grids/{id}/boundary", Signed),
    ("delete /v1/grids/{id}/boundary", Signed),
    ("get /v1/imports", Signed),
    ("get /v1/imports/{id}", Signed),
    ("get /v1/imports/{id}/errors", Signed),
    ("delete /v1/auth/sessions", Signed),
    ("post /v1/auth/invitations/accept", Open),
    ("patch /v1/me", Signed),
    ("get /v1/me/absence", Signed),
    ("put /v1/me/absence", Signed),
    ("delete /v1/me/absence", Signed),
    ("get /v1/officers", Signed),
    ("post /v1/officers", Signed),
    ("post /v1/officers/import", Signed),
    ("get /v1/officers/{id}", Signed),
    ("patch /v1/officers/{id}", Signed),
    ("post /v1/officers/{id}/disable", Signed),
    ("post /v1/officers/{id}/enable", Signed),
    ("post /v1/officers/{id}/password", Signed),
    ("post /v1/officers/{id}/invite", Signed),
    ("post /v1/officers/{id}/erase", Signed),
    ("post /v1/officers/{id}/transfer", Signed),
    ("post /v1/officers/{id}/postings", Signed),
    ("patch /v1/officers/{id}/postings/{posting_id}", Signed),
    ("post /v1/officers/{id}/postings/{posting_id}/end", Signed),
    ("get /v1/officers/{id}/absence", Signed),
    ("put /v1/officers/{id}/absence", Signed),
    ("delete /v1/officers/{id}/absence", Signed),
    ("get /v1/officers/{id}/deputies", Signed),
    ("post /v1/officers/{id}/deputies", Signed),
    ("delete /v1/officers/{id}/deputies/{deputy_id}", Signed),
    ("get /v1/officers/{id}/sessions", Signed),
    ("delete /v1/officers/{id}/sessions", Signed),
    ("delete /v1/officers/{id}/sessions/{session_id}", Signed),
    ("get /v1/duty-roster", Signed),
    ("put /v1/duty-roster", Signed),
    ("get /v1/grids/{id}/responsible", Signed),
    ("get /v1/teams", Signed),
    ("post /v1/teams", Signed),
    ("get /v1/teams/{id}", Signed),
    ("patch /v1/teams/{id}", Signed),
    ("post /v1/teams/{id}/archive", Signed),
    ("get /v1/inbox", Signed),
    ("get /v1/inbox/counts", Signed),
    ("post /v1/inbox/decide", Signed),
    ("get /v1/reports", Signed),
    ("post /v1/reports", Signed),
    ("get /v1/reports/{id}", Signed),
    ("put /v1/reports/{id}", Signed),
    ("patch /v1/reports/{id}", Signed),
    ("get /v1/reports/similar", Signed),
    ("get /v1/reports/{id}/similar", Signed),
    ("get /v1/reports/{id}/events", Signed),
    ("get /v1/reports/{id}/forecast", Signed),
    ("get /v1/reports/{id}/package", Signed),
    ("get /v1/inbox/lapsed", Signed),
    ("post /v1/reports/{id}/escalate", Signed),
    ("post /v1/reports/{id}/approve", Signed),
    ("post /v1/reports/{id}/return", Signed),
    ("post /v1/reports/{id}/assign", Signed),
    ("post /v1/reports/{id}/resolve", Signed),
    ("post /v1/reports/{id}/close", Signed),
    ("post /v1/reports/{id}/void", Signed),
    ("post /v1/reports/{id}/restore", Signed),
    ("post /v1/reports/{id}/reclassify", Signed),
    ("post /v1/reports/{id}/accept", Signed),
    ("post /v1/reports/{id}/decline", Signed),
    ("post /v1/reports/{id}/take", Signed),
    ("post /v1/reports/{id}/transfer", Signed),
    ("post /v1/reports/{id}/recall", Signed),
    ("post /v1/reports/{id}/extend", Signed),
    ("post /v1/reports/{id}/grant", Signed),
    ("post /v1/reports/{id}/refuse", Signed),
    ("post /v1/reports/{id}/suspend", Signed),
    ("post /v1/reports/{id}/resume", Signed),
    ("post /v1/reports/{id}/urge", Signed),
    ("post /v1/reports/{id}/supervise", Signed),
    ("post /v1/reports/{id}/refer", Signed),
    ("post /v1/reports/{id}/acknowledge", Signed),
    ("post /v1/reports/{id}/reply", Signed),
    ("post /v1/reports/{id}/reopen", Signed),
    ("post /v1/reports/{id}/comment", Signed),
    ("post /v1/reports/{id}/erase", Signed),
    ("post /v1/photos", Signed),
    ("get /v1/photos/{id}", Signed),
    ("put /v1/photos/{id}", Signed),
    ("get /v1/photos/{id}/original", Linked),
    ("get /v1/photos/{id}/preview", Linked),
    ("get /v1/photos/{id}/thumbnail", Linked),
];

#[test]
fn the_table_names_every_operation_and_the_document_agrees() {
    let mut documented = BTreeMap::new();
    for (method, path, operation) in operations() {
        let ways = operation["security"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let signed = ways.iter().any(|way| way.get("bearer").is_some());
        let open = ways.is_empty() || ways.iter().any(|way| way == &json!({}));
        let known = match (signed, open) {
            (false, _) => Open,
            (true, false) => Signed,
            (true, true) => Linked,
        };
        documented.insert(format!("{method} {path}"), known);
    }
    let table: BTreeMap<String, Known> = TABLE
        .iter()
        .map(|(operation, known)| ((*operation).to_owned(), *known))
        .collect();
    assert_eq!(documented, table);
}

on_both!(without_a_token_nothing_signed_is_served,);

async fn without_a_token_nothing_signed_is_served(world: World) {
    let (stranger, leader) = (world.stranger(), world.leader(1, 1).await);
    leader.post("/v1/auth/logout", &json!({})).await.expect(204);
    let rows = audit::rows(&world).await;
    for (operation, known) in TABLE {
        let (method, path) = operation.split_once(' ').expect("two words");
        let method: Method = method.to_uppercase().parse().expect("a method");
        // Ids of nothing.
        let target = path
            .replace("{file}", "")
            .split('/')
            .map(|segment| match segment.strip_prefix('{') {
                Some(_) => Uuid::now_v7().to_string(),
                None => segment.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("/");
        let ask = |client: &crate::support::Client| {
            let request = client.request(method.clone(), &target);
            if *operation == "post /v1/photos" {
                request
                    .header("content-type", "multipart/form-data; boundary=x")
                    .body("--x--\r\n")
            } else if *operation == "put /v1/photos/{id}" {
                request.header("content-type", "image/jpeg").body("x")
            } else if operation.ends_with("/import") {
                request.header("content-type", "text/csv").body("x")
            } else if method == Method::GET || method == Method::DELETE {
                request
            } else {
                // Sound or not: who calls is asked first.
                request.json(&json!({"unknown": 1}))
            }
        };
        let answer = stranger.send(ask(&stranger)).await;
        let after = leader.send(ask(&leader)).await;
        if *known == Open {
            assert_ne!(answer.status, 401, "{operation}");
        } else {
            answer.refused(Code::Unauthenticated);
            after.refused(Code::SessionEnded);
        }
    }
    assert_eq!(audit::rows(&world).await, rows);
}
