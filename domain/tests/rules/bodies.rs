//! Bodies that say no more than `allowed_actions` asks for.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::report::{
    Action, ActionKind, Assignment, Category, Outcome, Report, Severity,
};
use uuid::Uuid;

use super::town::{People, grids, officers};

/// A body for an allowed action, made of nothing but the fields of one alternative. None: the town has
/// nothing that fits.
pub fn sufficient(
    (kind, requires, outcomes): (ActionKind, &[&str], &[Outcome]),
    report: &Report,
    actor: &Actor,
    people: &People,
    now: DateTime<Utc>,
) -> Option<Action> {
    let has = |field: &str| requires.contains(&field);
    let said = |field: &str| has(field).then(|| "好".to_owned());
    let soon = |field: &str| has(field).then(|| now + TimeDelta::seconds(60));
    Some(match kind {
        ActionKind::Escalate => Action::Escalate { reason: None },
        ActionKind::Approve => Action::Approve {
            further: false,
            comment: None,
        },
        ActionKind::Return => Action::Return {
            reason: said("reason")?,
        },
        ActionKind::Assign => Action::Assign(assignee(requires, report, people, now)?),
        ActionKind::Resolve => Action::Resolve {
            result: said("result")?,
        },
        ActionKind::Close => Action::Close {
            outcome: *outcomes.first()?,
            result: said("result"),
            comment: None,
        },
        ActionKind::Void => Action::Void {
            reason: said("reason")?,
            duplicate_of: has("duplicate_of").then_some(Uuid::from_u128(0x77)),
        },
        ActionKind::Restore => Action::Restore { reason: None },
        ActionKind::Amend => Action::Amend {
            changes: serde_json::Map::new(),
        },
        ActionKind::Reclassify => Action::Reclassify {
            category: has("category").then_some(Category::StrawBurning),
            severity: has("severity").then_some(Severity::General),
            place: if has("grid_id") {
                Some(grids().into_iter().find(|grid| {
                    let mut acting = actor.acting();
                    acting.any(|one| one.grid.covers(report.place) && one.grid.covers(*grid))
                })?)
            } else {
                None
            },
        },
        ActionKind::Comment => Action::Comment {
            text: said("text")?,
        },
        ActionKind::Accept => Action::Accept { comment: None },
        ActionKind::Decline => Action::Decline {
            reason: said("reason")?,
        },
        ActionKind::Take => Action::Take { reason: None },
        ActionKind::Transfer => {
            assert!(has("grid_id"));
            let reach = |grid: GridPath| {
                actor
                    .working()
                    .any(|posting| posting.grid.covers(report.place) && posting.grid.covers(grid))
            };
            let place = grids()
                .into_iter()
                .find(|grid| *grid != report.place && grid.tier() != Tier::Town && reach(*grid))?;
            Action::Transfer {
                place,
                reason: said("reason")?,
            }
        }
        ActionKind::Recall => Action::Recall { reason: None },
        ActionKind::Extend => {
            assert!(has("until"));
            Action::Extend {
                until: report.deadline_at + TimeDelta::seconds(1),
                reason: said("reason")?,
            }
        }
        ActionKind::Grant => Action::Grant {
            until: None,
            comment: None,
        },
        ActionKind::Refuse => Action::Refuse {
            reason: said("reason")?,
        },
        ActionKind::Suspend => Action::Suspend {
            reason: said("reason")?,
            review_at: soon("review_at")?,
            milestones: Vec::new(),
        },
        ActionKind::Resume => Action::Resume { comment: None },
        ActionKind::Urge => Action::Urge { comment: None },
        // What lies at the town itself has nobody below.
        ActionKind::Supervise if report.place.tier() == Tier::Town => return None,
        ActionKind::Supervise => Action::Supervise {
            number: "1".to_owned(),
            demand: said("demand")?,
            reply_by: soon("reply_by")?,
            tier: None,
        },
        ActionKind::Refer => {
            assert!(has("agency"));
            Action::Refer {
                agency: "县生态环境局".to_owned(),
                reference: None,
                reason: said("reason")?,
                reply_by: None,
            }
        }
        ActionKind::Acknowledge => Action::Acknowledge {
            reference: None,
            comment: None,
        },
        ActionKind::Reply => Action::Reply {
            reply: said("reply")?,
        },
        ActionKind::Reopen => Action::Reopen {
            reason: said("reason")?,
            rebound: true,
        },
    })
}

/// Somebody below the holder, named by the one field that is required.
fn assignee(
    requires: &[&str],
    report: &Report,
    people: &People,
    now: DateTime<Utc>,
) -> Option<Assignment> {
    let (holder, staffing) = (report.holder(), people.at(now));
    Some(match requires {
        ["grid_id"] => Assignment {
            grid: Some(
                grids()
                    .into_iter()
                    .find(|grid| holder.covers(*grid) && *grid != holder)?,
            ),
            ..Assignment::default()
        },
        ["officer_id"] => Assignment {
            officer: Some(
                officers(staffing)
                    .into_iter()
                    .find(|(_, posted)| posted.iter().any(|grid| holder.covers(*grid)))?,
            ),
            ..Assignment::default()
        },
        ["team_id"] => Assignment {
            team: Some(
                people
                    .teams
                    .iter()
                    .find(|team| team.works_for(holder) && staffing.team_serves(team.id))?
                    .clone(),
            ),
            ..Assignment::default()
        },
        other => panic!("assign requires {other:?}"),
    })
}
