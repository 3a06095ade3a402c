//! A report as the store keeps it, and the way from there to the state that the rules read.
//!
//! Owns the mapping alone: the narrow row that lists and clocks touch, and the texts.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::report::{
    Category, Disposition, Duty, Handler, Outcome, Proceedings, Report, Returns, Severity, Source,
    Status, Subtype, WarningLevel,
};
use uuid::Uuid;

use gridpatrol_store::counters::Counted;
use gridpatrol_store::schema::{report_texts, reports};
use gridpatrol_store::types::{At, Coded, Id};

/// The narrow row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reports, primary_key(town_id, id))]
#[diesel(treat_none_as_default_value = false)]
pub struct ReportRow {
    /// The town: the shard.
    #[diesel(serialize_as = Id)]
    pub town_id: Uuid,
    /// The report.
    #[diesel(serialize_as = Id)]
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// The grid where it is.
    #[diesel(serialize_as = Id)]
    pub grid_id: Uuid,
    /// The village on its path.
    pub village_id: Option<Id>,
    /// The group on its path.
    pub group_id: Option<Id>,
    /// The tier that filed it.
    pub filing_tier: Coded<Tier>,
    /// What is wrong.
    pub category: Coded<Category>,
    /// How bad it is.
    pub severity: Coded<Severity>,
    /// Who noticed.
    pub source: Coded<Source>,
    /// Where it stands.
    pub status: Coded<Status>,
    /// Where it stood before it was voided.
    pub status_before_void: Option<Coded<Status>>,
    /// The grid that answers for it.
    #[diesel(serialize_as = Id)]
    pub holder_id: Uuid,
    /// The tier of that grid.
    pub holder_tier: Coded<Tier>,
    /// The grid that does the work.
    pub handler_grid_id: Option<Id>,
    /// The officer who does the work.
    pub handler_officer_id: Option<Id>,
    /// The handler's own due instant.
    pub handler_due_at: Option<At>,
    /// The grid whose turn it is.
    pub desk_grid_id: Option<Id>,
    /// The officer or the team whose turn it is.
    pub desk_assignee_id: Option<Id>,
    /// What to do there.
    pub desk_duty: Option<Coded<Duty>>,
    /// Since when.
    #[diesel(serialize_as = At)]
    pub desk_since: DateTime<Utc>,
    /// Who asked for the escalation under way.
    pub escalation_requested_by: Option<Id>,
    /// How often it was sent back to the group.
    pub returns_from_group: i32,
    /// How often it was sent back to the village.
    pub returns_from_village: i32,
    /// How often a resolution did not pass.
    pub rework_count: i32,
    /// Who filed it.
    #[diesel(serialize_as = Id)]
    pub reporter_id: Uuid,
    /// When somebody other than the reporter first acted.
    pub first_acted_at: Option<At>,
    /// Who put it right.
    pub resolved_by: Option<Id>,
    /// When.
    pub resolved_at: Option<At>,
    /// When it ended.
    pub closed_at: Option<At>,
    /// How it ended.
    pub outcome: Option<Coded<Outcome>>,
    /// Whether who put it right verified it too.
    pub self_verified: bool,
    /// When the server received it.
    #[diesel(serialize_as = At)]
    pub received_at: DateTime<Utc>,
    /// When it was seen.
    #[diesel(serialize_as = At)]
    pub observed_at: DateTime<Utc>,
    /// When the whole matter is due.
    #[diesel(serialize_as = At)]
    pub deadline_at: DateTime<Utc>,
    /// When the desk must have acted.
    pub next_due_at: Option<At>,
    /// WGS-84 latitude.
    pub lat: Option<f64>,
    /// WGS-84 longitude.
    pub lon: Option<f64>,
    /// Photos declared.
    pub photos_declared: i32,
    /// Photos that have arrived.
    pub photos_ready: i32,
    /// Raised by every action and amendment.
    pub version: i64,
    /// The town's change that last touched it.
    pub change_seq: i64,
    /// When the present desk accepted it.
    pub accepted_at: Option<At>,
    /// Its round.
    pub round: i32,
    /// When the round began.
    #[diesel(serialize_as = At)]
    pub round_since: DateTime<Utc>,
    /// How often it came back.
    pub rebounds: i32,
    /// Milliseconds at the county.
    pub away_ms: i64,
    /// How much of the limit is used up.
    pub colour: Coded<WarningLevel>,
    /// When the colour changes.
    pub mark_due_at: Option<At>,
    /// What is under way beside its way through the tiers.
    #[diesel(serialize_as = Option<String>, deserialize_as = Option<String>)]
    pub proceedings: Underway,
    /// The team that does the work.
    pub handler_team_id: Option<Id>,
    /// Who works on it beside.
    #[diesel(serialize_as = Option<String>, deserialize_as = Option<String>)]
    pub co_handlers: Beside,
    /// The report that it repeats, as long as it is void for that.
    pub duplicate_of: Option<Id>,
}

/// Co-handlers, as one JSON array; absent where there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside(pub Vec<Uuid>);

impl TryFrom<Option<String>> for Beside {
    type Error = serde_json::Error;

    fn try_from(kept: Option<String>) -> Result<Self, Self::Error> {
        kept.map_or_else(
            || Ok(Self::default()),
            |kept| serde_json::from_str(&kept).map(Self),
        )
    }
}

impl From<Beside> for Option<String> {
    fn from(Beside(officers): Beside) -> Self {
        (!officers.is_empty()).then(|| serde_json::to_string(&officers).unwrap_or_default())
    }
}

/// What is under way, as one JSON object; absent where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Underway(pub Proceedings);

impl TryFrom<Option<String>> for Underway {
    type Error = serde_json::Error;

    fn try_from(kept: Option<String>) -> Result<Self, Self::Error> {
        kept.map_or_else(
            || Ok(Self::default()),
            |kept| serde_json::from_str(&kept).map(Self),
        )
    }
}

impl From<Underway> for Option<String> {
    fn from(Underway(proceedings): Underway) -> Self {
        (proceedings != Proceedings::default())
            .then(|| serde_json::to_string(&proceedings).unwrap_or_default())
    }
}

/// The texts of a report.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = report_texts)]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct TextsRow {
    /// The report.
    #[diesel(serialize_as = Id)]
    pub report_id: Uuid,
    /// Its town.
    #[diesel(serialize_as = Id)]
    pub town_id: Uuid,
    /// SHA-256 of the canonical filing request.
    pub filing_hash: Vec<u8>,
    /// What the filer asked for.
    pub disposition: Coded<Disposition>,
    /// In the filer's words.
    pub description: Option<String>,
    /// The place in words.
    pub place_text: Option<String>,
    /// What was done on the spot.
    pub on_site_action: Option<String>,
    /// What the handler was told.
    pub instruction: Option<String>,
    /// What was done.
    pub result: Option<String>,
    /// Latitude as sent.
    pub location_lat: Option<f64>,
    /// Longitude as sent.
    pub location_lon: Option<f64>,
    /// Coordinate system as sent.
    pub location_crs: Option<Coded<Crs>>,
    /// Accuracy as sent.
    pub location_accuracy_m: Option<f64>,
    /// A finer name for what is wrong.
    pub subtype: Option<Coded<Subtype>>,
    /// Reference at the source.
    pub source_ref: Option<String>,
    /// Who is responsible: name.
    pub responsible_name: Option<String>,
    /// Who is responsible: credit code.
    pub responsible_credit_code: Option<String>,
    /// Who is responsible: person.
    pub responsible_person: Option<String>,
    /// 包抓领导.
    pub supervising_leader: Option<String>,
    /// 整改措施.
    pub measures: Option<String>,
    /// 备注.
    pub remark: Option<String>,
    /// The report whose matter came back.
    pub rebound_of: Option<Id>,
}

fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

impl ReportRow {
    /// As what it is counted.
    #[must_use]
    pub const fn counted(&self) -> Counted {
        Counted {
            status: self.status.0,
            category: self.category.0,
            severity: self.severity.0,
            colour: self.colour.0,
        }
    }

    /// The path of the grid where it is.
    #[must_use]
    pub fn place(&self) -> GridPath {
        match (self.village_id, self.group_id) {
            (Some(Id(village)), Some(Id(group))) => GridPath::group(self.town_id, village, group),
            (Some(Id(village)), None) => GridPath::village(self.town_id, village),
            _ => GridPath::town(self.town_id),
        }
    }

    /// The state that the rules read. `path` finds the path of the handler's grid.
    #[must_use]
    pub fn state(&self, path: impl Fn(Uuid) -> Option<GridPath>) -> Report {
        Report {
            id: self.id,
            place: self.place(),
            filing_tier: self.filing_tier.0,
            category: self.category.0,
            severity: self.severity.0,
            source: self.source.0,
            status: self.status.0,
            status_before_void: self.status_before_void.map(|status| status.0),
            duplicate_of: self.duplicate_of.map(|original| original.0),
            holder_tier: self.holder_tier.0,
            handler: self.handler_grid_id.map(|Id(grid)| Handler {
                // A grid that is no more is reached by way of the town.
                grid: path(grid).unwrap_or(GridPath::town(self.town_id)),
                officer: self.handler_officer_id.map(|id| id.0),
                team: self.handler_team_id.map(|id| id.0),
                co_handlers: self.co_handlers.0.clone(),
                due_at: self.handler_due_at.map(|at| at.0),
            }),
            desk_since: self.desk_since,
            escalation_requested_by: self.escalation_requested_by.map(|id| id.0),
            returns: Returns {
                group: self.returns_from_group.unsigned_abs(),
                village: self.returns_from_village.unsigned_abs(),
            },
            rework_count: self.rework_count.unsigned_abs(),
            reporter_id: self.reporter_id,
            first_acted_at: self.first_acted_at.map(|at| at.0),
            accepted_at: self.accepted_at.map(|at| at.0),
            resolved_by: self.resolved_by.map(|id| id.0),
            resolved_at: self.resolved_at.map(|at| at.0),
            closed_at: self.closed_at.map(|at| at.0),
            outcome: self.outcome.map(|outcome| outcome.0),
            self_verified: self.self_verified,
            received_at: self.received_at,
            round: self.round.unsigned_abs(),
            round_since: self.round_since,
            rebounds: self.rebounds.unsigned_abs(),
            away: TimeDelta::milliseconds(self.away_ms),
            proceedings: self.proceedings.0.clone(),
            deadline_at: self.deadline_at,
            next_due_at: self.next_due_at.map(|at| at.0),
            warning_level: self.colour.0,
            warning_due_at: self.mark_due_at.map(|at| at.0),
            version: self.version,
        }
    }

    /// When it was reopened; none in the first round.
    #[must_use]
    pub fn again_since(&self) -> Option<DateTime<Utc>> {
        (self.round > 1).then_some(self.round_since)
    }

    /// Who works on it now in person: the officer or the team named, and the co-handlers.
    #[must_use]
    pub fn assignees(&self) -> Vec<Uuid> {
        if self.desk_duty != Some(Coded(Duty::Handle)) {
            return Vec::new();
        }
        let named = self.handler_officer_id.or(self.handler_team_id);
        let co_handlers = self.co_handlers.0.iter().copied();
        named
            .map(|named| named.0)
            .into_iter()
            .chain(co_handlers)
            .collect()
    }

    /// Takes over what the rules decided.
    pub fn take_over(&mut self, report: &Report) {
        let desk = report.desk();
        self.grid_id = report.place.id();
        self.village_id = report.place.village_id().map(Id);
        self.group_id = report.place.group_id().map(Id);
        self.category = Coded(report.category);
        self.severity = Coded(report.severity);
        self.status = Coded(report.status);
        self.status_before_void = report.status_before_void.map(Coded);
        self.duplicate_of = report.duplicate_of.map(Id);
        self.holder_id = report.holder().id();
        self.holder_tier = Coded(report.holder_tier);
        let handler = report.handler.as_ref();
        self.handler_grid_id = handler.map(|handler| Id(handler.grid.id()));
        self.handler_officer_id = handler.and_then(|handler| handler.officer).map(Id);
        self.handler_team_id = handler.and_then(|handler| handler.team).map(Id);
        self.handler_due_at = handler.and_then(|handler| handler.due_at).map(At);
        self.co_handlers =
            Beside(handler.map_or_else(Vec::new, |handler| handler.co_handlers.clone()));
        self.desk_grid_id = desk.map(|desk| Id(desk.grid.id()));
        self.desk_assignee_id = desk.and_then(|desk| desk.officer.or(desk.team)).map(Id);
        self.desk_duty = desk.map(|desk| Coded(desk.duty));
        self.desk_since = report.desk_since;
        self.escalation_requested_by = report.escalation_requested_by.map(Id);
        self.returns_from_group = count(report.returns.group);
        self.returns_from_village = count(report.returns.village);
        self.rework_count = count(report.rework_count);
        self.first_acted_at = report.first_acted_at.map(At);
        self.resolved_by = report.resolved_by.map(Id);
        self.resolved_at = report.resolved_at.map(At);
        self.closed_at = report.closed_at.map(At);
        self.outcome = report.outcome.map(Coded);
        self.self_verified = report.self_verified;
        self.deadline_at = report.deadline_at;
        self.next_due_at = report.next_due_at.map(At);
        self.version = report.version;
        self.accepted_at = report.accepted_at.map(At);
        self.round = count(report.round);
        self.round_since = report.round_since;
        self.rebounds = count(report.rebounds);
        self.away_ms = report.away.num_milliseconds();
        self.colour = Coded(report.warning_level);
        self.mark_due_at = report.warning_due_at.map(At);
        self.proceedings = Underway(report.proceedings.clone());
    }

    /// The row of a report just filed.
    #[must_use]
    pub fn filed(
        report: &Report,
        number: String,
        observed_at: DateTime<Utc>,
        change_seq: i64,
    ) -> Self {
        let mut row = Self {
            town_id: report.place.town_id(),
            id: report.id,
            number,
            grid_id: report.place.id(),
            village_id: None,
            group_id: None,
            filing_tier: Coded(report.filing_tier),
            category: Coded(report.category),
            severity: Coded(report.severity),
            source: Coded(report.source),
            status: Coded(report.status),
            status_before_void: None,
            holder_id: report.holder().id(),
            holder_tier: Coded(report.holder_tier),
            handler_grid_id: None,
            handler_officer_id: None,
            handler_due_at: None,
            desk_grid_id: None,
            desk_assignee_id: None,
            desk_duty: None,
            desk_since: report.desk_since,
            escalation_requested_by: None,
            returns_from_group: 0,
            returns_from_village: 0,
            rework_count: 0,
            reporter_id: report.reporter_id,
            first_acted_at: None,
            resolved_by: None,
            resolved_at: None,
            closed_at: None,
            outcome: None,
            self_verified: false,
            received_at: report.received_at,
            observed_at,
            deadline_at: report.deadline_at,
            next_due_at: None,
            lat: None,
            lon: None,
            photos_declared: 0,
            photos_ready: 0,
            version: report.version,
            change_seq,
            accepted_at: None,
            round: 1,
            round_since: report.round_since,
            rebounds: 0,
            away_ms: 0,
            colour: Coded(report.warning_level),
            mark_due_at: None,
            proceedings: Underway::default(),
            handler_team_id: None,
            co_handlers: Beside::default(),
            duplicate_of: None,
        };
        row.take_over(report);
        row
    }
}
