//! Fills the answer for a report: names, desk, photos, and what the caller may do.
//!
//! Owns how answers are filled. A page of reports takes a fixed number of queries, however many
//! reports it has. It must not write anything.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::geo::{Crs, Position};
use gridpatrol_domain::officer::{Actor, Staffing};
use gridpatrol_domain::report::allowed::{Allowed, allowed_actions};
use gridpatrol_domain::report::{self as domain, PhotoRole};
use gridpatrol_domain::scope::Scope;
use uuid::Uuid;

use crate::filing::request::ResponsibleParty;
use crate::notices::envelope::OriginalReport;
use crate::photos;
use crate::photos::rows::PhotoRow;
use crate::photos::wire::ReportPhoto;
use crate::record::apply::By;
use crate::record::queries;
use crate::record::rows::{ReportRow, TextsRow};
use crate::services::Services;
use crate::view::response::{
    AllowedAction, Desk, Escalation, Handler, HandlingTeam, Holder, Location, Person, Point,
    PointInSystem, Report, Returns,
};
use crate::view::{proceedings_view, status_text};
use gridpatrol_people::auth::{Call, Signed};
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_problem::language::Language;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, Outcome};

/// Who reads, when, and in which language.
#[derive(Clone)]
pub struct Viewer {
    /// The caller as the rules see it.
    pub actor: Actor,
    /// Which reports the caller may see.
    pub scope: Scope,
    /// The language of texts for people.
    pub language: Language,
    /// The instant of the request.
    pub now: DateTime<Utc>,
    /// A second coordinate system in which the answer gives positions.
    pub crs: Option<Crs>,
}

impl Viewer {
    /// The same viewer, who also gets positions in this system.
    #[must_use]
    pub fn in_system(mut self, crs: Option<Crs>) -> Self {
        self.crs = crs;
        self
    }

    /// The caller as the one who changes a report.
    #[must_use]
    pub const fn by(&self) -> By {
        By {
            officer: Some(self.actor.officer_id),
            at: self.now,
        }
    }

    /// The caller of a request.
    #[must_use]
    pub fn new(signed: &Signed, language: Language, now: DateTime<Utc>) -> Self {
        Self {
            actor: signed.actor.clone(),
            scope: Scope::of(&signed.actor),
            language,
            now,
            crs: None,
        }
    }

    /// The caller of a request.
    #[must_use]
    pub fn of<P, Q, B>(call: &Call<P, Q, B>) -> Self {
        Self::new(&call.actor, call.language, call.now)
    }

    fn label<T: CodedValue>(&self, value: T) -> &'static str {
        match self.language {
            Language::Chinese => value.label_zh(),
            Language::English => value.label_en(),
        }
    }
}

/// A town with its staff at the moment of a request.
#[derive(Clone)]
pub struct StaffedTown {
    /// Grids and names.
    pub town: Arc<Town>,
    /// Who is posted where.
    pub staffing: Arc<Staffing>,
}

impl StaffedTown {
    /// Reads the town.
    pub fn read(
        conn: &mut Conn,
        directory: &Directory,
        town: Uuid,
        now: DateTime<Utc>,
    ) -> Outcome<Self> {
        let town = directory.town(conn, town)?;
        let staffing = town.staffing(now);
        Ok(Self { town, staffing })
    }

    /// The town and who is posted there, side by side.
    #[must_use]
    pub fn parts(&self) -> (&Town, &Staffing) {
        (&self.town, &self.staffing)
    }

    /// What the rules need to decide about a report of this town. A report follows the settings
    /// that were in force when it was received; later changes do not touch it.
    #[must_use]
    pub fn context(
        &self,
        received_at: DateTime<Utc>,
        evidence: bool,
        now: DateTime<Utc>,
    ) -> domain::Context<'_> {
        domain::Context {
            staffing: &self.staffing,
            policy: &self.town.settings().at(received_at).reports,
            calendar: self.town.calendar(received_at),
            evidence,
            now,
        }
    }

    /// An officer by name.
    pub fn person(&self, officer: Uuid) -> Person {
        Person {
            officer_id: officer,
            name: self.officer_name(officer),
        }
    }

    /// A team by name.
    fn team(&self, team: Uuid) -> HandlingTeam {
        HandlingTeam {
            id: team,
            name: self
                .town
                .team(team)
                .map(|team| team.name.clone())
                .unwrap_or_default(),
        }
    }

    /// The names of those whose turn it is.
    #[must_use]
    pub fn desk_people(&self, state: &domain::Report) -> Vec<String> {
        state
            .desk_officers(&self.staffing)
            .into_iter()
            .map(|officer| self.officer_name(officer))
            .collect()
    }

    fn officer_name(&self, officer: Uuid) -> String {
        self.town
            .officer_name(officer)
            .unwrap_or_default()
            .to_owned()
    }

    fn grid_name(&self, grid: Uuid) -> String {
        self.town
            .grid(grid)
            .map(|grid| grid.name.clone())
            .unwrap_or_default()
    }
}

/// The photos of one report.
pub fn photos_of(conn: &mut Conn, report: Uuid) -> Outcome<Vec<PhotoRow>> {
    Ok(photos::queries::of_reports(conn, &[report])?
        .remove(&report)
        .unwrap_or_default())
}

/// Whether an after-photo has arrived. `again_since` is when the report was reopened: a photo sent
/// before that proves nothing about the new round.
#[must_use]
pub fn evidence(photos: &[PhotoRow], again_since: Option<DateTime<Utc>>) -> bool {
    photos.iter().any(|photo| {
        photo.role.0 == PhotoRole::After
            && photo.is_ready()
            && again_since.is_none_or(|since| photo.created_at >= since)
    })
}

/// The answers for a page of reports, in the same order.
pub fn page(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    rows: Vec<ReportRow>,
) -> Outcome<Vec<Report>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let texts: HashMap<Uuid, TextsRow> = queries::texts_of(conn, &ids)?
        .into_iter()
        .map(|texts| (texts.report_id, texts))
        .collect();
    let photos = photos::queries::of_reports(conn, &ids)?;
    let originals = rows.iter().filter_map(|row| row.duplicate_of);
    let numbers = queries::numbers_of(conn, originals.map(|Id(id)| id).collect())?;
    let mut towns: HashMap<Uuid, StaffedTown> = HashMap::new();
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        let staffed = match towns.entry(row.town_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(StaffedTown::read(
                conn,
                &services.directory,
                row.town_id,
                viewer.now,
            )?),
        };
        // A report may appear in a page more than once.
        let texts = texts.get(&row.id).ok_or(diesel::result::Error::NotFound)?;
        let photos = photos.get(&row.id).map_or(&[][..], Vec::as_slice);
        let original = row.duplicate_of.and_then(|Id(id)| {
            let number = numbers.get(&id)?.clone();
            Some(OriginalReport { id, number })
        });
        page.push(report(
            services, viewer, staffed, &row, texts, photos, original,
        ));
    }
    Ok(page)
}

/// The answer for one report.
#[must_use]
pub fn report(
    services: &Services,
    viewer: &Viewer,
    staffed: &StaffedTown,
    row: &ReportRow,
    texts: &TextsRow,
    photos: &[PhotoRow],
    original: Option<OriginalReport>,
) -> Report {
    let now = viewer.now;
    let state = row.state(|grid| staffed.town.path(grid));
    let context = staffed.context(row.received_at, evidence(photos, row.again_since()), now);
    let proceedings = &state.proceedings;
    let people = staffed.desk_people(&state);
    Report {
        id: row.id,
        number: row.number.clone(),
        status: state.status,
        status_text: status_words(viewer, staffed, &state, &people),
        tier: state.holder_tier,
        grid_id: row.grid_id,
        grid_name: staffed.grid_name(row.grid_id),
        holder: Holder {
            grid_id: row.holder_id,
            name: staffed.grid_name(row.holder_id),
            contact: staffed
                .town
                .grid(row.holder_id)
                .and_then(|grid| grid.contact.clone()),
        },
        handler: state.handler.as_ref().map(|handler| Handler {
            grid_id: handler.grid.id(),
            grid_name: staffed.grid_name(handler.grid.id()),
            officer: handler.officer.map(|officer| staffed.person(officer)),
            team: handler.team.map(|team| staffed.team(team)),
            co_handlers: handler
                .co_handlers
                .iter()
                .map(|officer| staffed.person(*officer))
                .collect(),
            due_at: handler.due_at,
        }),
        escalation: (state.status == domain::Status::Escalating).then(|| Escalation {
            from_tier: state.holder_tier,
            to_tier: state.holder_tier.above().unwrap_or(state.holder_tier),
            requested_by: state
                .escalation_requested_by
                .map(|officer| staffed.person(officer)),
        }),
        desk: state.desk().map(|desk| Desk {
            grid_id: desk.grid.id(),
            grid_name: staffed.grid_name(desk.grid.id()),
            team: desk.team.map(|team| staffed.team(team)),
            duty: desk.duty,
            officers: people,
        }),
        category: state.category,
        subtype: texts.subtype.map(|subtype| subtype.0),
        severity: state.severity,
        source: state.source,
        source_ref: texts.source_ref.clone(),
        disposition: texts.disposition.0,
        description: texts.description.clone(),
        location: location(row, texts, viewer.crs),
        place_text: texts.place_text.clone(),
        on_site_action: texts.on_site_action.clone(),
        instruction: texts.instruction.clone(),
        result: texts.result.clone(),
        responsible_party: responsible_party(texts),
        supervising_leader: texts.supervising_leader.clone(),
        measures: texts.measures.clone(),
        remark: texts.remark.clone(),
        reporter: staffed.person(row.reporter_id),
        filing_tier: state.filing_tier,
        observed_at: row.observed_at,
        received_at: row.received_at,
        next_due_at: state.next_due_at,
        deadline_at: row.deadline_at,
        overdue: state.overdue(now),
        colour: state.warning_level,
        accepted_at: state.accepted_at,
        round: state.round,
        rebounds: state.rebounds,
        rebound_of: texts.rebound_of.map(|report| report.0),
        gross_time_s: state.gross_time(now).num_seconds(),
        own_time_s: state.own_time(now).num_seconds(),
        extension: proceedings_view::extension(staffed, proceedings),
        suspension: proceedings_view::suspension(proceedings),
        referral: proceedings_view::referral(proceedings),
        supervision: proceedings_view::supervision(proceedings),
        lapse: proceedings_view::lapse(proceedings),
        returns: Returns {
            group: row.returns_from_group,
            village: row.returns_from_village,
        },
        rework_count: row.rework_count,
        resolved_by: state.resolved_by.map(|officer| staffed.person(officer)),
        resolved_at: state.resolved_at,
        closed_at: state.closed_at,
        outcome: state.outcome,
        self_verified: row.self_verified,
        duplicate_of: original,
        photos: photos
            .iter()
            .map(|photo| ReportPhoto::of(photo, &services.links, now))
            .collect(),
        complete: row.photos_ready >= row.photos_declared,
        version: row.version,
        // An officer who files this report after moving to another town gets this one answer, and
        // does not see the report later.
        allowed_actions: if viewer.scope.in_town(row.town_id) {
            allowed_actions(&state, &viewer.actor, &context)
                .into_iter()
                .map(|allowed| allowed_action(viewer, allowed))
                .collect()
        } else {
            Vec::new()
        },
    }
}

/// The status in the caller's language, with who has the report and until when.
pub fn status_words(
    viewer: &Viewer,
    staffed: &StaffedTown,
    state: &domain::Report,
    people: &[String],
) -> String {
    let desk = state.desk();
    let name = desk.map(|desk| staffed.town.desk_name(&desk, &staffed.staffing));
    let name = name.unwrap_or_default();
    status_text::status_text(state, &name, people, viewer.now, viewer.language)
}

fn allowed_action(viewer: &Viewer, allowed: Allowed) -> AllowedAction {
    AllowedAction {
        action: allowed.action,
        label: viewer.label(allowed.action).to_owned(),
        requires: allowed.requires(),
        requires_one_of: allowed.alternatives(),
        outcomes: allowed.outcomes,
    }
}

fn location(row: &ReportRow, texts: &TextsRow, asked: Option<Crs>) -> Option<Location> {
    let (lat, lon) = (row.lat?, row.lon?);
    Some(Location {
        lat: texts.location_lat?,
        lon: texts.location_lon?,
        crs: texts.location_crs.map_or(Crs::Wgs84, |crs| crs.0),
        accuracy_m: texts.location_accuracy_m,
        wgs84: Point { lat, lon },
        converted: asked.map(|crs| {
            let position = crs.from_wgs84(Position { lat, lon });
            PointInSystem {
                lat: position.lat,
                lon: position.lon,
                crs,
            }
        }),
    })
}

fn responsible_party(texts: &TextsRow) -> Option<ResponsibleParty> {
    let party = ResponsibleParty {
        name: texts.responsible_name.clone(),
        credit_code: texts.responsible_credit_code.clone(),
        person: texts.responsible_person.clone(),
    };
    (party != ResponsibleParty::default()).then_some(party)
}

/// The record of a report as the caller sees it.
pub fn events(
    staffed: &StaffedTown,
    viewer: &Viewer,
    rows: Vec<queries::EventRow>,
) -> Vec<super::response::ReportEvent> {
    rows.into_iter()
        .map(|row| {
            let header: serde_json::Value = serde_json::from_str(&row.header).unwrap_or_default();
            let fact = |name: &str| {
                header
                    .get("facts")
                    .and_then(|facts| facts.get(name))
                    .cloned()
            };
            let kind = domain::EventKind::from_code(&row.kind);
            super::response::ReportEvent {
                seq: row.seq,
                label: kind
                    .map_or(row.kind.as_str(), |kind| viewer.label(kind))
                    .to_owned(),
                kind: row.kind,
                at: row.at,
                actor: row.actor_id.map(|officer| staffed.person(officer)),
                on_behalf_of: fact("on_behalf_of")
                    .and_then(|officer| serde_json::from_value(officer).ok())
                    .map(|officer| staffed.person(officer)),
                status: fact("status").and_then(|status| status.as_str().map(str::to_owned)),
                version: fact("version").and_then(|version| version.as_i64()),
                details: row
                    .payload
                    .and_then(|payload| serde_json::from_str(&payload).ok()),
                hash: hex::encode(&row.hash),
            }
        })
        .collect()
}
