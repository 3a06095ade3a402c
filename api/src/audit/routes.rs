//! The record over HTTP: a town's chain, its signed heads, and the security log.
//!
//! Owns the wire form and who may read: a town's record for its auditors, leader and administrators; the
//! security log, which belongs to no town, only for administrators. It must not change anything.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::answer::{self, AuditEvent, AuditHead, AuditHeads, SecurityEntry};
use super::erase_routes;
use super::heads::Head;
use super::queries::{self, Filter, SecurityFilter, SecurityKey};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::{Auth, Call, Signed};
use gridpatrol_people::towns::choice::town_of;
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_problem::Problem;
use gridpatrol_store::events;

refusals! {
    ReadAudit = [SIGNED] + [NotFound, NotPermitted];
}

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_audit)
        .service(list_heads)
        .service(list_security);
    erase_routes::routes(config);
}

/// Longest slug of a kind that is asked for.
const LONGEST_KIND: usize = 60;

/// What the record is narrowed to.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// The town; absent: the only one where the caller is posted.
    town: Option<Uuid>,
    /// Only about this kind of thing: `report`, `officer`, `grid`, `town`, `settings`,
    /// `service_account`, ….
    #[param(max_length = 60)]
    subject_kind: Option<String>,
    /// Only about this thing.
    subject_id: Option<Uuid>,
    /// Only what happened in this way: `approved`, `officer_posted`, ….
    #[param(max_length = 60)]
    kind: Option<String>,
    /// Only what this officer did.
    actor: Option<Uuid>,
    /// From then on.
    from: Option<DateTime<Utc>>,
    /// Before then.
    to: Option<DateTime<Utc>>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many events at most.
    limit: Limit,
}

impl Validate for AuditQuery {
    fn validate(&self, errors: &mut Errors) {
        errors.text("subject_kind", &self.subject_kind, LONGEST_KIND);
        errors.text("kind", &self.kind, LONGEST_KIND);
        errors.instant("from", self.from);
        errors.instant("to", self.to);
    }
}

/// The requested town, if the caller may read its record.
fn audited(signed: &Signed, asked: Option<Uuid>) -> Result<Uuid, Problem> {
    let town = town_of(signed.scope().towns(), signed.actor.is_admin(), asked)?;
    if signed.actor.audits(GridPath::town(town)) {
        Ok(town)
    } else {
        Err(Problem::new(Code::NotPermitted).detail(
            "Only auditors, the leader and administrators of the town may read its record.",
        ))
    }
}

/// The record of a town, the latest first
///
/// Its chain of events: what happened, to what, when and by whom, with the hashes that bind it. For the
/// auditors, the leader and the administrators of the town. A page may hold fewer than `limit` while a
/// cursor follows: filters other than `subject_id` look at 10,000 events a page. How a header is written
/// canonically and hashed is told at the top of this document.
#[utoipa::path(
    operation_id = "listAudit",
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, description = "One page.", body = Page<AuditEvent>), ReadAudit)
)]
#[get("/v1/audit")]
async fn list_audit(
    directory: Data<Directory>,
    call: Call<(), AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let town = audited(&call.actor, call.query.town)?;
    let query = call.query;
    let filter = Filter {
        subject_kind: query.subject_kind,
        subject_id: query.subject_id,
        kind: query.kind,
        actor_id: query.actor,
        from: query.from,
        to: query.to,
    };
    let signature = (
        ("audit", town, &filter.subject_kind, filter.subject_id),
        (&filter.kind, filter.actor_id, filter.from, filter.to),
    );
    let below: Option<i64> = call
        .cursors
        .open_optional(query.cursor.as_ref(), &signature)?;
    let (limit, language, wanted) = (query.limit.get(), call.language, filter.clone());
    let directory = directory.clone();
    let (items, next) = call
        .store
        .read(move |conn| {
            // An admin may name any town: it must be there.
            directory.town(conn, town)?;
            let below = below.unwrap_or(i64::MAX);
            let below = below.min(events::head(conn, town)?.0 + 1);
            let (rows, next) = queries::page(conn, town, &wanted, below, limit)?;
            Ok((answer::events(conn, rows, language)?, next))
        })
        .await?;
    let next_cursor = next
        .map(|next| call.cursors.seal(&signature, &next))
        .transpose()?;
    let page = Page { items, next_cursor };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

/// The head of each chain, signed
///
/// Of the towns where the caller is posted and may read the record. Keep one with the key set of
/// `/.well-known/jwks.json`, elsewhere: `gridpatrol verify-audit --heads FILE --keys FILE` proves later
/// that nothing before it was changed, left out or added. Take one now and then, such as each month.
#[utoipa::path(
    operation_id = "listAuditHeads",
    tag = "audit",
    responses((status = 200, description = "The heads.", body = AuditHeads), ReadAudit)
)]
#[get("/v1/audit/heads")]
async fn list_heads(
    auth: Data<Auth>,
    directory: Data<Directory>,
    call: Call,
) -> Result<HttpResponse, Problem> {
    let signed = call.actor;
    let scope = signed.scope();
    let towns: Vec<Uuid> = scope
        .towns()
        .iter()
        .copied()
        .filter(|town| signed.actor.audits(GridPath::town(*town)))
        .collect();
    if towns.is_empty() {
        audited(&signed, scope.towns().first().copied())?;
    }
    let (keys, directory, at) = (auth.keys.clone(), directory.clone(), call.now);
    let mut items = call
        .store
        .read(move |conn| {
            let mut items = Vec::new();
            for id in towns {
                let town = directory.town(conn, id)?;
                let (seq, hash) = events::head(conn, id)?;
                let head = Head {
                    iss: keys.issuer().to_owned(),
                    town: id,
                    code: town.code.clone(),
                    seq,
                    hash: hex::encode(hash),
                    at,
                };
                items.push(AuditHead {
                    town_id: id,
                    town_code: town.code.clone(),
                    town_name: town.grid_name(id).unwrap_or_default().to_owned(),
                    seq,
                    at,
                    jws: head.sign(&keys)?,
                    hash: head.hash,
                });
            }
            Ok(items)
        })
        .await?;
    items.sort_by(|one, other| one.town_code.cmp(&other.town_code));
    let heads = etag::write(&AuditHeads { items })?;
    Ok(etag::answer(StatusCode::OK, None, heads))
}

/// What the security log is narrowed to.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SecurityQuery {
    /// Only about this officer.
    officer: Option<Uuid>,
    /// Only what happened in this way: `signed_in`, `sign_in_refused`, ….
    #[param(max_length = 60)]
    kind: Option<String>,
    /// From then on.
    from: Option<DateTime<Utc>>,
    /// Before then.
    to: Option<DateTime<Utc>>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many entries at most.
    limit: Limit,
}

impl Validate for SecurityQuery {
    fn validate(&self, errors: &mut Errors) {
        errors.text("kind", &self.kind, LONGEST_KIND);
        errors.instant("from", self.from);
        errors.instant("to", self.to);
    }
}

/// The security log, the latest first
///
/// Sign-ins, refusals, locks, ends of sessions, invitations and keys, of all towns: for administrators.
/// It is apart from the towns' chains, so that strangers cannot write into those. A page may hold fewer
/// than `limit` while a cursor follows: with `kind` it looks at 10,000 entries a page.
#[utoipa::path(
    operation_id = "listSecurityLog",
    tag = "audit",
    params(SecurityQuery),
    responses((status = 200, description = "One page.", body = Page<SecurityEntry>), ReadAudit)
)]
#[get("/v1/audit/security")]
async fn list_security(call: Call<(), SecurityQuery>) -> Result<HttpResponse, Problem> {
    if !call.actor.actor.is_admin() {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Only administrators may read the security log."));
    }
    let query = call.query;
    let filter = SecurityFilter {
        officer_id: query.officer,
        kind: query.kind,
        from: query.from,
        to: query.to,
    };
    let signature = (
        ("security", filter.officer_id, &filter.kind),
        (filter.from, filter.to),
    );
    let after: Option<SecurityKey> = call
        .cursors
        .open_optional(query.cursor.as_ref(), &signature)?;
    let (limit, language, wanted) = (query.limit.get(), call.language, filter.clone());
    let (items, next) = call
        .store
        .read(move |conn| {
            let (rows, next) = queries::security(conn, &wanted, after, limit)?;
            Ok((answer::entries(conn, rows, language)?, next))
        })
        .await?;
    let next_cursor = next
        .map(|next| call.cursors.seal(&signature, &next))
        .transpose()?;
    let page = Page { items, next_cursor };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}
