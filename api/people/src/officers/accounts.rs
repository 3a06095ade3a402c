//! Creates, edits, disables and enables accounts, and sets one-time passwords, for managers.
//!
//! Owns these transactions: check sight, authority, version and state; then make the change and
//! record it in the towns' chains and the security log. It must not decide who manages whom:
//! `gridpatrol_domain::officer::managing` does.

use gridpatrol_domain::error::Code;
use gridpatrol_domain::notice::NotificationMode;
use gridpatrol_domain::officer::{Held, Role};
use serde_json::json;
use uuid::Uuid;

use super::chains::Chains;
use super::commands::{self, NewOfficer, NewPosting};
use super::subject::{Manager, Subject, not_permitted};
use super::{invitations, queries};
use crate::auth::queries as sign_in;
use crate::auth::security_log::{self, Kind, Record};
use crate::auth::sessions::{self, End};
use crate::towns::directory::Directory;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::Problem;
use gridpatrol_store::types::Coded;
use gridpatrol_store::{Conn, Outcome};

/// The first posting of a new officer.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The posting.
    pub posting: NewPosting,
    /// With the managing right.
    pub manages: bool,
}

/// Answers 404 unless the grid is in one of the caller's towns, and 403 unless the caller may give
/// this post.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn may_give(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    wanted: &Wanted,
) -> Outcome<()> {
    let (_, path) = manager.place(conn, directory, wanted.posting.grid_id)?;
    manager.grants(Held {
        role: wanted.posting.role,
        grid: path,
        manages: wanted.manages,
    })?;
    Ok(())
}

/// Creates an officer.
///
/// # Errors
/// `not_found`, `not_permitted`, `validation_failed`; otherwise if the database fails.
pub fn create(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    officer: &NewOfficer,
    wanted: &Wanted,
) -> Outcome<Uuid> {
    may_give(conn, directory, manager, wanted)?;
    let actor = Some(manager.actor.officer_id);
    commands::create_managing(
        conn,
        officer,
        wanted.posting,
        wanted.manages,
        actor,
        manager.now,
    )
}

/// The changes to an account.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Another name.
    pub name: Option<String>,
    /// The new phone number. Empty: remove it.
    pub phone: Option<String>,
    /// The new way to receive notices.
    pub telling: Option<NotificationMode>,
}

/// Changes the caller's own account, or one that the caller manages.
///
/// # Errors
/// `not_found`, `not_permitted`, `version_mismatch`, `precondition_required`.
pub fn edit(
    conn: &mut Conn,
    manager: &Manager,
    id: Uuid,
    edit: &Edit,
    if_match: Option<&IfMatch>,
) -> Outcome<()> {
    let subject = Subject::own_or_managed(conn, manager, id)?;
    etag::require(if_match, subject.row.version)?;
    let name = edit
        .name
        .as_deref()
        .map_or(subject.row.name.as_str(), str::trim);
    let phone = match edit.phone.as_deref().map(str::trim) {
        None => subject.row.phone.as_deref(),
        Some("") => None,
        given => given,
    };
    let before = subject.row.telling.map(|Coded(telling)| telling);
    let telling = edit.telling.or(before);
    if name == subject.row.name && phone == subject.row.phone.as_deref() && telling == before {
        return Ok(());
    }
    let mut chains = Chains::lock(conn, subject.towns())?;
    queries::update_officer(conn, id, name, phone, telling)?;
    let row = &subject.row;
    let payload = if telling == before {
        json!({
            "before": {"name": row.name, "phone": row.phone},
            "after": {"name": name, "phone": phone},
        })
    } else {
        json!({
            "before": {"name": row.name, "phone": row.phone, "notify": before},
            "after": {"name": name, "phone": phone, "notify": telling},
        })
    };
    chains.add_everywhere(&manager.event(id, "officer_changed", json!({}), Some(payload)));
    chains.save(conn)?;
    Ok(())
}

/// Disables an account. Its sessions and invitations end at once, and its postings no longer staff
/// a grid. A repeated call changes nothing.
///
/// # Errors
/// `not_found`, `not_permitted` (also for the caller's own account), `last_admin`.
pub fn disable(conn: &mut Conn, manager: &Manager, id: Uuid, reason: Option<&str>) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    if subject.row.disabled_at.is_some() {
        return Ok(());
    }
    let now = manager.now;
    let mut chains = Chains::lock(conn, subject.towns())?;
    queries::set_disabled(conn, id, Some(now))?;
    if subject.lasting(now).any(|one| one.role == Role::Admin) {
        admin_remains(conn, now)?;
    }
    if manager.is(id) {
        return Err(Problem::new(Code::NotPermitted)
            .detail("You cannot disable your own account. If you lost a phone, end its session.")
            .into());
    }
    let payload = reason.map(|reason| json!({"reason": reason}));
    chains.add_everywhere(&manager.event(id, "officer_disabled", json!({}), payload));
    chains.save(conn)?;
    end_access(conn, manager, id, End::Disabled)?;
    log(conn, manager, &subject, Kind::Disabled)
}

/// Enables an account again. A repeated call changes nothing.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn enable(conn: &mut Conn, manager: &Manager, id: Uuid, reason: Option<&str>) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    if subject.row.disabled_at.is_none() {
        return Ok(());
    }
    let mut chains = Chains::lock(conn, subject.towns())?;
    queries::set_disabled(conn, id, None)?;
    let payload = reason.map(|reason| json!({"reason": reason}));
    chains.add_everywhere(&manager.event(id, "officer_enabled", json!({}), payload));
    chains.save(conn)?;
    log(conn, manager, &subject, Kind::Enabled)
}

/// Answers 403 or 404 before we hash a password for nothing.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn may_reset(conn: &mut Conn, manager: &Manager, id: Uuid) -> Outcome<String> {
    let subject = Subject::seen(conn, manager, id)?;
    not_oneself(manager, id)?;
    if !subject.managed_by(manager) {
        return Err(not_permitted("You do not manage this officer.").into());
    }
    Ok(subject.row.username)
}

/// Sets a one-time password, given as its hash. The officer must change it at the next sign-in. All
/// sessions and invitations end.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn reset(conn: &mut Conn, manager: &Manager, id: Uuid, hash: &str) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, id)?;
    not_oneself(manager, id)?;
    let now = manager.now;
    let mut chains = Chains::lock(conn, subject.towns())?;
    queries::set_first_password(conn, id, hash)?;
    sign_in::remember_hash(conn, id, hash, now, 24)?;
    chains.add_everywhere(&manager.event(id, "officer_password_reset", json!({}), None));
    chains.save(conn)?;
    end_access(conn, manager, id, End::PasswordReset)?;
    log(conn, manager, &subject, Kind::PasswordReset)
}

/// A manager may not do this to their own account, because it would bypass their own password.
///
/// # Errors
/// `not_permitted` for the caller's own account.
pub fn not_oneself(manager: &Manager, id: Uuid) -> Result<(), Problem> {
    if manager.is(id) {
        return Err(not_permitted(
            "You cannot do this for yourself. Change your password with POST /v1/auth/password.",
        ));
    }
    Ok(())
}

/// Ends all sessions and invitations of an officer.
fn end_access(conn: &mut Conn, manager: &Manager, id: Uuid, reason: End) -> Outcome<()> {
    let open: Vec<Uuid> = sign_in::open_sessions(conn, id, manager.now)?
        .into_iter()
        .map(|session| session.id)
        .collect();
    sessions::end(conn, id, &open, reason, &manager.origin, manager.now)?;
    invitations::end_all(conn, id, manager.now)?;
    Ok(())
}

fn log(conn: &mut Conn, manager: &Manager, subject: &Subject, kind: Kind) -> Outcome<()> {
    let by = format!("by {}", manager.actor.officer_id);
    security_log::record(
        conn,
        manager.now,
        &manager.origin,
        Record {
            kind,
            officer_id: Some(subject.row.id),
            username: Some(&subject.row.username),
            detail: Some(&by),
        },
    )?;
    Ok(())
}

/// Answers 409 if the transaction would leave no admin at this instant. Only one transaction checks
/// at a time, so that two admins cannot remove each other.
pub(super) fn admin_remains(conn: &mut Conn, at: chrono::DateTime<chrono::Utc>) -> Outcome<()> {
    queries::lock_admins(conn)?;
    if queries::admins(conn, at)? == 0 {
        return Err(Problem::new(Code::LastAdmin)
            .detail("Post another admin first.")
            .into());
    }
    Ok(())
}
