//! Translates what a request asks for into an action of the domain.
//!
//! Owns that translation: it looks up the places and officers behind the ids, and works out the
//! texts of the report after the action. The domain decides whether the action is allowed.

use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::{self as domain, Action};
use uuid::Uuid;

use crate::actions::measures::{SupervisionOrder, Transferral};
use crate::actions::requests::{Assignment, Reclassification};
use crate::filing::request::ReportAmendment;
use crate::filing::texts;
use crate::record::queries::Found;
use crate::record::rows::TextsRow;
use crate::view::present::StaffedTown;
use gridpatrol_http::choice::OptionalChoice as _;

/// What a caller asks for.
pub enum Asked {
    /// An action that needs no lookup.
    Action(Action),
    /// An assignment; its targets must be looked up.
    Assign(Assignment),
    /// A reclassification; its grid must be looked up.
    Reclassify(Reclassification),
    /// A transfer; its grid must be looked up.
    Transfer(Transferral),
    /// A supervision; its number may have to be generated.
    Supervise(SupervisionOrder),
    /// A change of texts.
    Amend(Box<ReportAmendment>),
}

impl Asked {
    /// The original report, if this one is to be voided as its duplicate.
    pub const fn repeats(&self) -> Option<Uuid> {
        match self {
            Self::Action(Action::Void { duplicate_of, .. }) => *duplicate_of,
            _ => None,
        }
    }

    /// The action of the domain, and the texts of the report after it.
    pub fn translated(&self, staffed: &StaffedTown, found: &Found) -> (Action, Option<TextsRow>) {
        // A grid that the town does not know, or that has ended, is treated as another town: it
        // then lies below no grid here.
        let path = |grid: Uuid| staffed.town.living(grid).unwrap_or(GridPath::town(grid));
        match self {
            Self::Action(action) => {
                let texts = match action {
                    Action::Resolve { result } => Some(TextsRow {
                        result: Some(result.clone()),
                        ..found.texts.clone()
                    }),
                    Action::Close {
                        result: Some(result),
                        ..
                    } => Some(TextsRow {
                        result: Some(result.clone()),
                        ..found.texts.clone()
                    }),
                    _ => None,
                };
                (action.clone(), texts)
            }
            Self::Assign(assignment) => {
                let posted = |officer: Uuid| {
                    let grids = staffed.staffing.grids_of(officer).map(path).collect();
                    (officer, grids)
                };
                let beside = assignment.co_handlers.iter().flatten().copied();
                let action = Action::Assign(domain::Assignment {
                    grid: assignment.grid_id.map(path),
                    officer: assignment.officer_id.map(posted),
                    team: assignment
                        .team_id
                        .map(|team| staffed.town.team_at_work(team)),
                    co_handlers: beside.map(posted).collect(),
                    instruction: assignment.instruction.clone(),
                    due_at: assignment.due_at,
                });
                let texts = TextsRow {
                    instruction: texts::filled(&assignment.instruction),
                    ..found.texts.clone()
                };
                (action, Some(texts))
            }
            Self::Reclassify(change) => (
                Action::Reclassify {
                    category: change.category.get(),
                    severity: change.severity.get(),
                    place: change.grid_id.map(path),
                },
                None,
            ),
            Self::Transfer(transfer) => (
                Action::Transfer {
                    place: path(transfer.grid_id),
                    reason: transfer.reason.clone(),
                },
                None,
            ),
            Self::Supervise(order) => {
                let count = found.row.proceedings.0.supervisions + 1;
                let number = texts::filled(&order.number)
                    .unwrap_or_else(|| format!("{}-{count}", found.row.number));
                let action = Action::Supervise {
                    number,
                    demand: order.demand.clone(),
                    reply_by: order.reply_by,
                    tier: order.tier.get(),
                };
                (action, None)
            }
            Self::Amend(amendment) => {
                let texts = texts::amended(&found.texts, amendment);
                let changes = texts::changes(&found.texts, &texts);
                (Action::Amend { changes }, Some(texts))
            }
        }
    }
}
