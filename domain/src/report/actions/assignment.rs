//! Giving the work to somebody, and what that one says to it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::Code;
use crate::grid::GridPath;
use crate::officer::Staffing;
use crate::report::assignment::{Assignment, MOST_CO_HANDLERS};
use crate::report::change::Change;
use crate::report::event_data::EventData;
use crate::report::handler::Handler;
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// Gives the work to a grid, an officer or a team below the holder.
pub(crate) fn assign(change: &mut Change<'_>, to: &Assignment) -> Result<(), Refusal> {
    let context = change.context;
    let handler = assigned(change.before, to, context.staffing, context.now)?;
    let beside = Some(handler.co_handlers.as_slice()).filter(|beside| !beside.is_empty());
    change.record(&EventData::Assigned {
        grid_id: handler.grid.id(),
        officer_id: handler.officer,
        team_id: handler.team,
        co_handler_ids: beside,
        instruction: to.instruction.as_deref(),
        due_at: to.due_at,
    });
    change.next.handler = Some(handler);
    Ok(())
}

/// Says that one has taken note of it (受理).
pub(crate) fn accept(change: &mut Change<'_>, comment: Option<&str>) {
    change.next.accepted_at = Some(change.context.now);
    change.record(&EventData::Accepted { comment });
}

/// Refuses the work (退单): it goes back to the holder. Each handler may do so once.
pub(crate) fn decline(change: &mut Change<'_>, reason: &str) {
    let Some(handler) = change.next.handler.take() else {
        return;
    };
    change.next.proceedings.declined.push(handler.assignee_id());
    change.record(&EventData::Declined {
        reason,
        grid_id: handler.grid.id(),
        officer_id: handler.officer,
        team_id: handler.team,
    });
}

/// Gives the work back to the holder.
pub(crate) fn hand_back(change: &mut Change<'_>, reason: &str) {
    change.next.handler = None;
    change.record(&EventData::HandedBack { reason });
}

/// The handler that an assignment makes.
///
/// # Errors
/// `target_invalid`, `validation_failed`.
fn assigned(
    report: &Report,
    assignment: &Assignment,
    staffing: &Staffing,
    now: DateTime<Utc>,
) -> Result<Handler, Refusal> {
    const OUTSIDE: Refusal = Refusal::new(
        Code::TargetInvalid,
        "Assign to a grid below the holder, to an officer posted at the holder or below, or to a team of the town that has somebody there; a village to its liaison team alone.",
    );
    let Assignment {
        grid,
        officer,
        team,
        due_at,
        ..
    } = assignment;
    let holder = report.holder();
    if due_at
        .is_some_and(|due| due <= now || (report.deadline_at > now && due > report.deadline_at))
    {
        return Err(Refusal::invalid(
            "/due_at",
            "The due instant must lie ahead, and not past the report's deadline.",
        ));
    }
    let below = |grid: &GridPath| holder.covers(*grid) && *grid != holder;
    let (grid, officer, team_id) = match (grid, officer, team) {
        (Some(grid), None, None) if below(grid) => (*grid, None, None),
        (Some(grid), Some((officer, posted)), None) if below(grid) && posted.contains(grid) => {
            (*grid, Some(*officer), None)
        }
        (None, Some((officer, posted)), None) => posted
            .iter()
            .filter(|grid| holder.covers(**grid))
            .min_by_key(|grid| (!grid.covers(report.place), grid.tier()))
            .map(|grid| (*grid, Some(*officer), None))
            .ok_or(OUTSIDE)?,
        (None, None, Some(team)) if team.works_for(holder) && staffing.team_serves(team.id) => {
            (holder, None, Some(team.id))
        }
        _ => return Err(OUTSIDE),
    };
    let lead = officer.or(team.as_ref().map(|team| team.lead));
    Ok(Handler {
        grid,
        officer,
        team: team_id,
        co_handlers: co_handlers(assignment, holder, lead)?,
        due_at: *due_at,
    })
}

/// The co-handlers: each once, none of them the lead, all within reach.
fn co_handlers(
    assignment: &Assignment,
    holder: GridPath,
    lead: Option<Uuid>,
) -> Result<Vec<Uuid>, Refusal> {
    let member = |officer: &Uuid| {
        let team = assignment.team.as_ref();
        team.is_some_and(|team| team.members.contains(officer))
    };
    let mut found: Vec<Uuid> = Vec::new();
    for (officer, posted) in &assignment.co_handlers {
        if found.contains(officer) || lead == Some(*officer) {
            return Err(Refusal::invalid(
                "/co_handlers",
                "Name each co-handler once, and not who leads the work.",
            ));
        }
        if !member(officer) && !posted.iter().any(|grid| holder.covers(*grid)) {
            return Err(Refusal::invalid(
                "/co_handlers",
                "A co-handler is posted at the holder or below, or belongs to the team.",
            ));
        }
        found.push(*officer);
    }
    if found.len() > MOST_CO_HANDLERS {
        return Err(Refusal::invalid("/co_handlers", "Ten co-handlers at most."));
    }
    Ok(found)
}
