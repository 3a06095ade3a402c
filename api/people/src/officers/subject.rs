//! The manager, and the officer whom they manage.
//!
//! Owns the order of the checks before any change of an officer: first sight (404), then authority
//! (403). The rule is `gridpatrol_domain::officer::managing`. It must not change anything.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Held};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use super::queries::{self, OfficerRow, PostingRow};
use crate::auth::Call;
use crate::auth::security_log::Origin;
use crate::towns::directory::{Directory, Town};
use crate::towns::queries as grids;
use gridpatrol_problem::Problem;
use gridpatrol_store::events::EventRecord;
use gridpatrol_store::{Conn, Outcome};

/// The manager, the time, and where the request came from.
#[derive(Debug, Clone)]
pub struct Manager {
    /// The caller in the form that the rules use.
    pub actor: Actor,
    /// What the caller can see.
    pub scope: Scope,
    /// The instant of the request.
    pub now: DateTime<Utc>,
    /// Where the request came from.
    pub origin: Origin,
}

impl Manager {
    /// The caller of a request.
    #[must_use]
    pub fn of<P, Q, B>(call: &Call<P, Q, B>) -> Self {
        Self {
            actor: call.actor.actor.clone(),
            scope: call.actor.scope(),
            now: call.now,
            origin: Origin {
                address: call.address.clone(),
                request_id: call.request_id.clone(),
            },
        }
    }

    /// Whether it is the caller's own account.
    #[must_use]
    pub fn is(&self, officer: Uuid) -> bool {
        self.actor.officer_id == officer
    }

    /// A grid in the caller's towns, or in any town for an admin.
    ///
    /// # Errors
    /// `not_found`; otherwise if the database fails.
    pub fn place(
        &self,
        conn: &mut Conn,
        directory: &Directory,
        grid: Uuid,
    ) -> Outcome<(Arc<Town>, GridPath)> {
        if let Some(found) = directory.find(conn, self.scope.towns(), grid)? {
            return Ok(found);
        }
        if self.actor.is_admin()
            && let Some(grid) = grids::grid_by_id(conn, grid)?
        {
            return Ok((directory.town(conn, grid.path.town_id())?, grid.path));
        }
        Err(Problem::new(Code::NotFound)
            .detail("There is no grid with this id in the towns where you are posted.")
            .into())
    }

    /// Answers 403 unless the caller may give and take this post.
    ///
    /// # Errors
    /// `not_permitted`.
    pub fn grants(&self, post: Held) -> Result<(), Problem> {
        if self.actor.may_grant(post) {
            Ok(())
        } else {
            Err(not_permitted(
                "You may not give or take this role at this grid.",
            ))
        }
    }

    /// An event about an officer, by this caller.
    #[must_use]
    pub fn event(
        &self,
        officer: Uuid,
        kind: &'static str,
        facts: serde_json::Value,
        payload: Option<serde_json::Value>,
    ) -> EventRecord {
        record(
            officer,
            kind,
            Some(self.actor.officer_id),
            self.now,
            facts,
            payload,
        )
    }
}

/// An event about an officer. Absent facts are left out.
#[must_use]
pub fn record(
    officer: Uuid,
    kind: &'static str,
    actor: Option<Uuid>,
    now: DateTime<Utc>,
    facts: serde_json::Value,
    payload: Option<serde_json::Value>,
) -> EventRecord {
    let facts = match facts {
        serde_json::Value::Object(facts) => facts
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        _ => serde_json::Map::new(),
    };
    EventRecord {
        subject_kind: "officer",
        subject_id: officer,
        kind,
        at: now,
        actor_id: actor,
        facts,
        payload,
    }
}

/// An officer with all their postings.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The account.
    pub row: OfficerRow,
    /// All postings, past, current and future, in order.
    pub postings: Vec<PostingRow>,
}

impl Subject {
    /// The officer, if they are or were posted in one of the caller's towns. An admin can see every
    /// officer, and callers can see themselves.
    ///
    /// # Errors
    /// `not_found`; otherwise if the database fails.
    pub fn seen(conn: &mut Conn, manager: &Manager, id: Uuid) -> Outcome<Self> {
        let row = queries::officer(conn, id)?.ok_or_else(not_found)?;
        Self::of(conn, manager, row)
    }

    /// The officer, if the caller manages them. Locked until the transaction ends.
    ///
    /// # Errors
    /// `not_found`, `not_permitted`; otherwise if the database fails.
    pub fn managed(conn: &mut Conn, manager: &Manager, id: Uuid) -> Outcome<Self> {
        let row = queries::officer_locked(conn, id)?.ok_or_else(not_found)?;
        let subject = Self::of(conn, manager, row)?;
        if !subject.managed_by(manager) {
            return Err(not_permitted("You do not manage this officer.").into());
        }
        Ok(subject)
    }

    /// The officer, if the caller manages them or is that officer. Locked until the transaction
    /// ends.
    ///
    /// # Errors
    /// Like [`Subject::managed`].
    pub fn own_or_managed(conn: &mut Conn, manager: &Manager, id: Uuid) -> Outcome<Self> {
        if manager.is(id) {
            let row = queries::officer_locked(conn, id)?.ok_or_else(not_found)?;
            return Self::of(conn, manager, row);
        }
        Self::managed(conn, manager, id)
    }

    fn of(conn: &mut Conn, manager: &Manager, row: OfficerRow) -> Outcome<Self> {
        let postings = queries::postings(conn, row.id)?;
        // An account without any posting is a service account, not an officer.
        let known = (manager.actor.is_admin() && !postings.is_empty())
            || postings
                .iter()
                .any(|posting| manager.scope.in_town(posting.grid.town_id()));
        if !known && !manager.is(row.id) {
            return Err(not_found().into());
        }
        Ok(Self { row, postings })
    }

    /// The officer's towns that a caller can see.
    #[must_use]
    pub fn towns_seen(&self, manager: &Manager) -> Vec<Uuid> {
        let mut towns: Vec<Uuid> = self
            .towns()
            .filter(|town| manager.actor.is_admin() || manager.scope.in_town(*town))
            .collect();
        towns.sort_unstable();
        towns.dedup();
        towns
    }

    /// Whether this caller manages the officer.
    #[must_use]
    pub fn managed_by(&self, manager: &Manager) -> bool {
        manager.actor.may_manage(&self.held(manager.now))
    }

    /// The current and future postings of the officer. If there are none, the last ones.
    #[must_use]
    pub fn held(&self, now: DateTime<Utc>) -> Vec<Held> {
        let lasting: Vec<Held> = self.lasting(now).map(PostingRow::held).collect();
        if !lasting.is_empty() {
            return lasting;
        }
        let last = self.postings.iter().filter_map(|posting| posting.to).max();
        self.postings
            .iter()
            .filter(|posting| posting.to == last)
            .map(PostingRow::held)
            .collect()
    }

    /// The current and future postings.
    pub fn lasting(&self, now: DateTime<Utc>) -> impl Iterator<Item = &PostingRow> {
        self.postings
            .iter()
            .filter(move |posting| posting.lasts(now))
    }

    /// The towns where the officer is or was posted. A change affects their records and names.
    pub fn towns(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.postings.iter().map(|posting| posting.grid.town_id())
    }
}

/// The caller can see no such officer.
pub(super) fn not_found() -> Problem {
    Problem::new(Code::NotFound)
        .detail("There is no officer with this id in the towns where you are posted.")
}

/// The caller can see it but may not do this.
pub(super) fn not_permitted(detail: &str) -> Problem {
    Problem::new(Code::NotPermitted).detail(detail)
}
