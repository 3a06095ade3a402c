//! The columns of a report that an action changed.
//!
//! Owns the difference between two states of a row. SQLite writes every index anew in which an updated
//! column stands, whether or not its value is another; a report stands in some twenty. So what did not
//! change is not named.

use diesel::prelude::*;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::{Category, Duty, Outcome, Severity, Source, Status, WarningLevel};

use crate::record::rows::ReportRow;
use gridpatrol_store::schema::reports;
use gridpatrol_store::types::{At, Coded, Id};

/// Declares the columns that may change, each with the type it is bound as.
macro_rules! changes {
    ($($column:ident: $bound:ty,)+) => {
        /// The columns that differ, as they are now.
        #[derive(Debug, AsChangeset)]
        #[diesel(table_name = reports)]
        pub struct Changes {
            $($column: Option<$bound>,)+
        }

        impl Changes {
            /// What differs between these states of one report; none, where nothing does.
            #[must_use]
            pub fn between(before: &ReportRow, after: &ReportRow) -> Option<Self> {
                // Whoever adds a column is told here.
                let ReportRow { town_id: _, id: _, $($column: _,)+ } = before;
                let mut any = false;
                $(
                    let changed = before.$column != after.$column;
                    any |= changed;
                    let $column = changed.then(|| after.$column.clone().into());
                )+
                any.then_some(Self { $($column,)+ })
            }
        }
    };
}

changes! {
    number: String,
    grid_id: Id,
    village_id: Option<Id>,
    group_id: Option<Id>,
    filing_tier: Coded<Tier>,
    category: Coded<Category>,
    severity: Coded<Severity>,
    source: Coded<Source>,
    status: Coded<Status>,
    status_before_void: Option<Coded<Status>>,
    holder_id: Id,
    holder_tier: Coded<Tier>,
    handler_grid_id: Option<Id>,
    handler_officer_id: Option<Id>,
    handler_due_at: Option<At>,
    desk_grid_id: Option<Id>,
    desk_assignee_id: Option<Id>,
    desk_duty: Option<Coded<Duty>>,
    desk_since: At,
    escalation_requested_by: Option<Id>,
    returns_from_group: i32,
    returns_from_village: i32,
    rework_count: i32,
    reporter_id: Id,
    first_acted_at: Option<At>,
    resolved_by: Option<Id>,
    resolved_at: Option<At>,
    closed_at: Option<At>,
    outcome: Option<Coded<Outcome>>,
    self_verified: bool,
    received_at: At,
    observed_at: At,
    deadline_at: At,
    next_due_at: Option<At>,
    lat: Option<f64>,
    lon: Option<f64>,
    photos_declared: i32,
    photos_ready: i32,
    version: i64,
    change_seq: i64,
    accepted_at: Option<At>,
    round: i32,
    round_since: At,
    rebounds: i32,
    away_ms: i64,
    colour: Coded<WarningLevel>,
    mark_due_at: Option<At>,
    proceedings: Option<String>,
    handler_team_id: Option<Id>,
    co_handlers: Option<String>,
    duplicate_of: Option<Id>,
}
