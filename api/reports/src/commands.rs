//! Filing, amending and acting: one transaction each. Load, ask the domain, save, record.
//!
//! Owns the order of the steps and of the locks (DESIGN.md 6: photos, report, town row, then the
//! rest). What may happen is the domain's to say; statements stand in `queries`.

use chrono::Datelike;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::allowed::allowed_actions;
use gridpatrol_domain::report::code::RelocationReason;
use gridpatrol_domain::report::filing::{Filing, file as decide_filing};
use gridpatrol_domain::report::lapse;
use gridpatrol_domain::report::lifecycle::decide;
use gridpatrol_domain::report::permission::role_may;
use gridpatrol_domain::report::relocation::relocate;
use gridpatrol_domain::report::{
    Action, Category, Context, Decision, Disposition, Handler, PhotoRole, Refusal, Report,
    Severity, Source,
};
use serde_json::json;
use uuid::Uuid;

use crate::actions::action_translation::Asked;
use crate::deadlines::lapses;
use crate::filing::filing_target::{Place, answered_lately, spot};
use crate::filing::request::{PhotoDeclaration, ReportFiling};
use crate::filing::texts;
use crate::links::{duplicates, recurrence};
use crate::record::apply::{Decided, Kept, Texts, apply};
use crate::record::queries::{self, Found};
use crate::record::rows::ReportRow;
use crate::record::same_matter;
use crate::services::Services;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::response;
use crate::view::status_text::beijing;
use crate::{photos, relocation};
use gridpatrol_http::choice::OptionalChoice;
use gridpatrol_http::etag::{self, IfMatch};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::town;
use gridpatrol_store::{Conn, Outcome};

/// A report that was filed, now or before.
pub struct Filed {
    /// The report as it stands.
    pub report: response::Report,
    /// Whether this request filed it.
    pub created: bool,
}

/// Files a report, or answers with it as it stands if the same request filed it before.
pub fn file(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    id: Uuid,
    filing: &ReportFiling,
    hash: [u8; 32],
) -> Outcome<Filed> {
    queries::lock_id(conn, id)?;
    if let Some((reporter, known)) = queries::filing_of(conn, id)? {
        if reporter != viewer.actor.officer_id || known != hash {
            return Err(Problem::new(Code::IdConflict)
                .detail("A report of this id was filed with another content. Choose a new id for a new report.")
                .into());
        }
        let found = match queries::find(conn, &viewer.scope, id)? {
            // A transfer to another town in between; the answer to this very filing may be lost.
            None => answered_lately(conn, &services.directory, viewer, filing, id)?,
            found => found,
        };
        return Ok(Filed {
            report: answer_for(conn, services, viewer, &found.ok_or_else(not_found)?)?,
            created: false,
        });
    }

    let Place {
        staffed,
        path: place,
        ended,
        as_of,
        ..
    } = spot(conn, &services.directory, viewer, filing)?;
    let declared = declare(
        conn,
        viewer,
        place.town_id(),
        id,
        &filing.photos,
        PhotoRole::Before,
    )?;
    // A new report has no photos but those it declares.
    let photos = if filing.photos.is_empty() {
        Vec::new()
    } else {
        present::photos_of(conn, id)?
    };
    let facts = Filing {
        id,
        place,
        category: filing.category.get().unwrap_or(Category::Unclassified),
        severity: filing.severity.get().unwrap_or(Severity::General),
        source: filing.source.get().unwrap_or(Source::Patrol),
        disposition: filing.disposition.get().unwrap_or(Disposition::Escalate),
        as_of,
    };
    let context = staffed.context(viewer.now, present::evidence(&photos, None), viewer.now);
    let Decision { report, mut events } =
        decide_filing(&facts, &viewer.actor, &context).map_err(|refusal| refused(refusal, None))?;

    let named = recurrence::named(conn, viewer, filing.rebound_of)?;
    let mut head = town::advance(conn, place.town_id())?;
    // The grid must not have moved or ended since it was looked up.
    head.unchanged_since(staffed.town.version())?;
    let year = beijing(viewer.now).year();
    let (year, sequence) = head.next_number(year);
    let code = staffed.town.code.get(..9).unwrap_or(&staffed.town.code);
    let number = format!("{code}-{year}-{sequence:06}");
    let mut row = ReportRow::filed(
        &report,
        number,
        filing.observed_at.unwrap_or(viewer.now),
        head.change_seq,
    );
    let mut texts = texts::filed(filing, &row, hash);
    let linked = named.and_then(|named| {
        let seen_at = row.observed_at.min(viewer.now);
        let (event, linked) = named.link(&staffed, &report, &mut texts, seen_at);
        events.push(event);
        linked
    });
    if let Some(location) = &filing.location {
        let position = location
            .crs
            .get()
            .and_then(|crs| crs.to_wgs84(location.lat, location.lon).ok());
        row.lat = position.map(|position| position.lat);
        row.lon = position.map(|position| position.lon);
    }
    row.photos_declared = declared.declared;
    row.photos_ready = declared.ready;

    wake(services, &report);
    // The request itself is part of the record; it may name people, so it stands in the payload.
    if let Some(first) = events.first_mut() {
        let request = serde_json::to_value(filing).unwrap_or_default();
        first.payload.insert("request".to_owned(), request);
        if ended {
            let successor = json!({"before": filing.grid_id, "after": place.id()});
            first.payload.insert("successor".to_owned(), successor);
        }
    }
    let kept = Kept {
        before: None,
        after: &row,
        texts: Texts::Filed(&texts),
        participants: vec![viewer.actor.officer_id],
    };
    let decided = Decided::new(None, Decision { report, events }, viewer.by());
    apply(conn, &mut head, staffed.parts(), &kept, vec![decided])?;
    if let Some(linked) = linked {
        linked.save(conn, &mut head, viewer, &staffed, &row)?;
    }
    Ok(Filed {
        report: present::report(services, viewer, &staffed, &row, &texts, &photos, None),
        created: true,
    })
}

fn declare(
    conn: &mut Conn,
    viewer: &Viewer,
    town: Uuid,
    report: Uuid,
    photos: &[PhotoDeclaration],
    usual: PhotoRole,
) -> Outcome<photos::commands::Declared> {
    let declarations: Vec<photos::commands::Declaration> = photos
        .iter()
        .map(|photo| photos::commands::Declaration {
            id: photo.id,
            sha256: photo.digest(),
            size: photo.size,
            role: photo.role.get().unwrap_or(usual),
        })
        .collect();
    photos::commands::declare(
        conn,
        report,
        town,
        viewer.actor.officer_id,
        &declarations,
        viewer.now,
    )
}

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
) -> Outcome<response::Report> {
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
    wake(services, &report);
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
    Ok(present::report(
        services,
        viewer,
        &staffed,
        &found.row,
        &found.texts,
        &photos,
        original,
    ))
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

/// Lets the clock know what is due to the report next.
fn wake(services: &Services, report: &Report) {
    if let Some(due) = lapse::due_at(report) {
        services.wake_timer.set(due);
    }
}

/// The answer for a report that was found.
pub fn answer_for(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    found: &Found,
) -> Outcome<response::Report> {
    let staffed = StaffedTown::read(conn, &services.directory, found.row.town_id, viewer.now)?;
    let photos = present::photos_of(conn, found.row.id)?;
    let original = same_matter::original(conn, &found.row)?;
    Ok(present::report(
        services,
        viewer,
        &staffed,
        &found.row,
        &found.texts,
        &photos,
        original,
    ))
}

/// No such report within the caller's scope.
pub fn not_found() -> Problem {
    Problem::new(Code::NotFound).detail("There is no report of this id within your grids.")
}

/// The problem for a refusal of the domain; a conflict names what is possible instead.
fn refused(refusal: Refusal, at: Option<(&Report, &Viewer, &Context<'_>)>) -> Problem {
    if let Some(pointer) = refusal.pointer {
        return Problem::invalid(vec![FieldError::new(
            pointer,
            "not_allowed",
            refusal.detail,
        )]);
    }
    let mut problem = Problem::new(refusal.code).detail(refusal.detail);
    if let Some((report, viewer, context)) = at.filter(|_| refusal.code.status() == 409) {
        problem.current_version = Some(report.version);
        problem.allowed_actions = Some(
            allowed_actions(report, &viewer.actor, context)
                .into_iter()
                .map(|allowed| allowed.action.code().to_owned())
                .collect(),
        );
    }
    problem
}
