//! Amending a report and acting on it: load, ask the domain, apply; one transaction.
//!
//! Owns the order of the steps and of the locks (photos, report, town row, then the
//! rest). What may happen is the domain's to say; what is written stands in `record`.

use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::code::RelocationReason;
use gridpatrol_domain::report::lifecycle::decide;
use gridpatrol_domain::report::permission::role_may;
use gridpatrol_domain::report::relocation::relocate;
use gridpatrol_domain::report::{Action, Context, Decision, Handler, PhotoRole, Report};
use uuid::Uuid;

use crate::actions::action_translation::Asked;
use crate::deadlines::lapses;
use crate::filing::commands::declare;
use crate::filing::request::PhotoDeclaration;
use crate::links::duplicates;
use crate::record::apply::{Decided, Kept, Texts, apply};
use crate::record::rows::ReportRow;
use crate::record::{queries, same_matter};
use crate::services::Services;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::refusals::{not_found, refused};
use crate::view::stored::Stored;
use crate::{photos, relocation};
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::Problem;
use gridpatrol_store::town;
use gridpatrol_store::{Conn, Outcome};

/// An action on a report, as a request brings it.
pub struct Acting {
    /// The report.
    pub id: Uuid,
    /// What is asked.
    pub asked: Asked,
    /// Photos that come with it, and the role they have unless said otherwise.
    pub photos: Vec<PhotoDeclaration>,
    /// Their usual role.
    pub usual_role: PhotoRole,
    /// The versions it may start from.
    pub if_match: Option<IfMatch>,
}

/// Acts on a report.
pub fn act(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    acting: &Acting,
) -> Outcome<Stored> {
    let town_id = queries::town_of(conn, &viewer.scope, acting.id)?.ok_or_else(not_found)?;
    if !acting.photos.is_empty() {
        // Photos are locked before the report, and are no way around the checks that come first.
        let found = queries::find(conn, &viewer.scope, acting.id)?.ok_or_else(not_found)?;
        let staffed = StaffedTown::read(conn, &services.directory, town_id, viewer.now)?;
        let (action, _) = acting.asked.translated(&staffed, &found);
        checked(&found.row, &action, acting, viewer, &staffed)?;
    }
    let declared = declare(
        conn,
        viewer,
        town_id,
        acting.id,
        &acting.photos,
        acting.usual_role,
    )?;
    if let Some(original) = acting.asked.repeats() {
        queries::lock(conn, town_id, &[acting.id, original])?;
    }
    let mut found = queries::find_locked(conn, &viewer.scope, acting.id)?.ok_or_else(not_found)?;
    let staffed = StaffedTown::read(conn, &services.directory, town_id, viewer.now)?;
    let rules = &staffed.town.settings().at(viewer.now).photos;
    photos::commands::room(found.row.photos_declared, declared.declared, rules)?;
    let photos = present::photos_of(conn, acting.id)?;
    let received_at = found.row.received_at;
    let evidence = present::evidence(&photos, found.row.again_since());
    let context = staffed.context(received_at, evidence, viewer.now);
    let (action, texts) = acting.asked.translated(&staffed, &found);
    let unmarked = checked(&found.row, &action, acting, viewer, &staffed)?;
    let (before, marks) = lapses::marked(&unmarked, &context);
    let original = match &action {
        Action::Void {
            duplicate_of: Some(original),
            ..
        } if *original != acting.id => {
            Some(duplicates::original_of(conn, viewer, town_id, *original)?)
        }
        _ => None,
    };
    let decision = decide(&before, &action, &viewer.actor, &context)
        .map_err(|refusal| refused(refusal, Some((&before, viewer, &context))))?;
    let Decision { report, events } = caught_up(decision, &action, &staffed, &context);

    let mut head = town::advance(conn, town_id)?;
    head.unchanged_since(staffed.town.version())?;
    let former = found.row.clone();
    found.row.take_over(&report);
    found.row.photos_declared += declared.declared;
    found.row.photos_ready += declared.ready;
    found.row.change_seq = head.change_seq;
    services.wake(&report);
    let texts = match texts {
        Some(texts) => {
            found.texts = texts;
            Texts::Changed(found.search_id, &found.texts)
        }
        None if before.place != report.place => Texts::Moved(found.search_id, &found.texts),
        None => Texts::Same,
    };
    let kept = Kept {
        texts,
        participants: report
            .handler
            .iter()
            .flat_map(|handler| works(handler, report.place, &staffed))
            .collect(),
        ..Kept::row(&former, &found.row)
    };
    // What the clock had not come to yet happens first.
    let mut decided = lapses::marks(unmarked, marks, viewer.now);
    let decision = Decision { report, events };
    decided.push(Decided::new(Some(before), decision, viewer.by()));
    apply(conn, &mut head, staffed.parts(), &kept, decided)?;
    if let Some(original) = original {
        duplicates::link(conn, &mut head, viewer, &staffed, &original, &found.row)?;
    }
    let original = same_matter::original(conn, &found.row)?;
    Ok(Stored {
        staffed,
        row: found.row,
        texts: found.texts,
        photos,
        original,
    })
}

/// Who gets lasting sight of a report by working on it: the grid with those above, to whom the work
/// falls where it has nobody, and those named. Who joins a team later is given it then.
fn works(handler: &Handler, place: GridPath, staffed: &StaffedTown) -> Vec<Uuid> {
    let roster = handler.team.and_then(|team| staffed.staffing.roster(team));
    let members = roster.into_iter().flat_map(|roster| &roster.members);
    relocation::sight(handler.grid, place)
        .chain(handler.officer)
        .chain(members.copied())
        .chain(handler.co_handlers.iter().copied())
        .collect()
}

/// A report that is taken back or reopened comes to where its grids are now: while it was void or
/// closed, it followed none of them.
fn caught_up(
    decision: Decision,
    action: &Action,
    staffed: &StaffedTown,
    context: &Context<'_>,
) -> Decision {
    if !matches!(action, Action::Restore { .. } | Action::Reopen { .. }) {
        return decision;
    }
    let report = &decision.report;
    let place = staffed.town.home(report.place.id());
    let handler = report
        .handler
        .as_ref()
        .map(|handler| staffed.town.home(handler.grid.id()));
    match relocate(report, place, handler, RelocationReason::Restored, context) {
        Some(relocated) => Decision {
            report: relocated.report,
            events: [decision.events, relocated.events].concat(),
        },
        None => decision,
    }
}

/// What comes before the rules of the lifecycle: role (403), then version (412).
fn checked(
    row: &ReportRow,
    action: &Action,
    acting: &Acting,
    viewer: &Viewer,
    staffed: &StaffedTown,
) -> Result<Report, Problem> {
    let report = row.state(|grid| staffed.town.path(grid));
    role_may(&report, action.kind(), &viewer.actor, &staffed.staffing)
        .map_err(|refusal| refused(refusal, None))?;
    match action {
        Action::Amend { .. } => etag::require(acting.if_match.as_ref(), report.version)?,
        _ => etag::check(acting.if_match.as_ref(), report.version)?,
    }
    Ok(report)
}
