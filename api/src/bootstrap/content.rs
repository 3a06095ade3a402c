//! The answer of `GET /v1/bootstrap`.
//!
//! Owns its schema and how it is filled. It must not define codes: the domain does, in their order.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use gridpatrol_domain::calendar::Span;
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::officer::Role;
use gridpatrol_domain::report::reason::{ReturnReason, VoidReason};
use gridpatrol_domain::report::{
    ActionKind, Category, Disposition, Duty, Outcome as Ending, PhotoRole, Policy, Severity,
    Source, Status, Subtype,
};
use gridpatrol_domain::settings::Settings;
use gridpatrol_domain::team::TeamKind;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use gridpatrol_people::auth::Signed;
use gridpatrol_people::auth::me::{self, Me};
use gridpatrol_people::towns::directory::{Directory, Town};
use gridpatrol_people::towns::snapshot::Grid;
use gridpatrol_reports::filing::request::MOST_PHOTOS;
use gridpatrol_reports::inbox::queries::{self, Desks};
use gridpatrol_reports::photos::settings::PhotoLimits;
use gridpatrol_reports::view::response::InboxCounts;
use gridpatrol_store::{Conn, Outcome};

/// Grids listed at most.
const MOST_GRIDS: usize = 2_000;

/// What this server has, beyond the least that every one had. Clients switch parts of theirs on by it.
const FEATURES: &[&str] = &[
    "absences",
    "audit",
    "bootstrap",
    "boundaries",
    "calendar",
    "decisions",
    "digests",
    "duty_roster",
    "forecast",
    "imports",
    "invitations",
    "measures",
    "packages",
    "photo_links",
    "push_tokens",
    "rebounds",
    "service_accounts",
    "settings",
    "similar_reports",
    "teams",
    "tickets",
    "webhooks",
];

/// What an app needs when it starts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Bootstrap {
    /// Who the caller is, with the postings active now.
    me: Me,
    /// The grids where the caller may file: the caller's own first, each part by code.
    grids: Vec<FilingGrid>,
    /// Whether there are more grids than the 2,000 listed: then ask `GET /v1/grids`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more_grids: bool,
    /// What can be wrong, with the limits that the caller's town has set.
    categories: Vec<CategoryFacts>,
    /// Finer names for it, whatever the category.
    subtypes: Vec<Code>,
    /// How bad it can be, least first.
    severities: Vec<Code>,
    /// Who can have noticed it.
    sources: Vec<Code>,
    /// What a filer can ask for.
    dispositions: Vec<Code>,
    /// How a report can end.
    outcomes: Vec<Code>,
    /// Where a report can stand.
    statuses: Vec<Code>,
    /// What a desk can have to do.
    duties: Vec<Code>,
    /// What can be done to a report.
    actions: Vec<Code>,
    /// What a photo can show.
    photo_roles: Vec<Code>,
    /// Coordinate systems in which places can be sent.
    coordinate_systems: Vec<Code>,
    /// Tiers of grids, lowest first.
    tiers: Vec<Code>,
    /// Roles of officers.
    roles: Vec<Code>,
    /// Kinds of teams.
    team_kinds: Vec<Code>,
    /// The teams that the caller belongs to, by id.
    teams: Vec<OwnTeam>,
    /// Usual reasons to offer for `return`. `reason_code` of `decideInbox` takes the code; `reason` of
    /// `returnReport` takes the label, or any text.
    return_reasons: Vec<Code>,
    /// Usual reasons to offer for `void`. `reason_code` of `decideInbox` takes the code; `reason` of
    /// `voidReport` takes the label, or any text.
    void_reasons: Vec<Code>,
    /// What photos may be.
    photos: PhotoFacts,
    /// How many reports wait for the caller; absent for a service account, for which none do.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbox: Option<InboxCounts>,
    /// What this server has; tolerate names that you do not know.
    #[schema(example = json!(["bootstrap", "photo_links", "service_accounts", "settings", "tickets"]))]
    features: &'static [&'static str],
    /// The server's time. The ETag does not follow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required)]
    pub server_time: Option<DateTime<Utc>>,
}

/// A grid where the caller may file.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000003", "code": "990001100200001", "name": "一组",
    "tier": "group", "parent_id": "0192f7a0-0000-7000-8000-000000000002", "own": true
}))]
pub struct FilingGrid {
    /// Its id.
    id: Uuid,
    /// Its division code.
    code: String,
    /// Its name.
    name: String,
    /// Its tier.
    tier: Tier,
    /// The grid above; absent for a town.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<Uuid>,
    /// Whether it is one of the caller's grids, or below one.
    own: bool,
}

/// A team that the caller belongs to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000d1", "name": "东片检查组", "kind": "inspection", "leads": true
}))]
pub struct OwnTeam {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// What it is.
    kind: TeamKind,
    /// Whether the caller leads it.
    leads: bool,
}

/// A code with its names.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LabelledCode, example = json!({"code": "general", "label": {"zh-CN": "一般", "en": "General"}}))]
pub struct Code {
    /// What requests and answers hold.
    code: &'static str,
    /// What people read.
    label: Label,
}

/// A name in both languages.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Label {
    /// In Chinese.
    #[serde(rename = "zh-CN")]
    zh: &'static str,
    /// In English.
    en: &'static str,
}

/// A category with its names and limits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "code": "straw_burning", "label": {"zh-CN": "秸秆焚烧", "en": "Straw burning"},
    "limits": {"minor": {"working_days": 15}, "general": {"hours": 24}, "serious": {"hours": 2}, "critical": {"hours": 1}}
}))]
#[schema(as = CategoryDetails)]
pub struct CategoryFacts {
    /// What requests and answers hold.
    code: &'static str,
    /// What people read.
    label: Label,
    /// By when a report received now is due in all, by severity.
    limits: CategoryLimits,
}

/// Limits by severity.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CategoryLimits {
    /// For what is minor.
    minor: Span,
    /// For what is general.
    general: Span,
    /// For what is serious.
    serious: Span,
    /// For what is critical.
    critical: Span,
}

/// What photos may be.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({
    "max_bytes": 31_457_280, "max_pixels": 40_000_000, "per_request": 30, "per_report": 100,
    "preferred_side_px": 1920, "preferred_quality": 80
}))]
#[schema(as = PhotoLimits)]
pub struct PhotoFacts {
    /// Largest file in bytes.
    max_bytes: u64,
    /// Most pixels, width by height.
    max_pixels: u64,
    /// Photos that one filing or action declares at most.
    per_request: usize,
    /// Photos of one report at most.
    per_report: u32,
    /// The longer side in pixels to which the server would like photos scaled before they are sent.
    preferred_side_px: u32,
    /// The JPEG quality that it would like.
    preferred_quality: u32,
}

fn label<T: CodedValue>(value: T) -> Label {
    Label {
        zh: value.label_zh(),
        en: value.label_en(),
    }
}

fn codes<T: CodedValue>() -> Vec<Code> {
    T::ALL
        .iter()
        .map(|value| Code {
            code: value.code(),
            label: label(*value),
        })
        .collect()
}

fn categories(policy: &Policy) -> Vec<CategoryFacts> {
    Category::ALL
        .iter()
        .map(|category| {
            let limits = policy.limits_of(*category);
            CategoryFacts {
                code: category.code(),
                label: label(*category),
                limits: CategoryLimits {
                    minor: policy.minor,
                    general: limits.general,
                    serious: limits.serious,
                    critical: limits.critical,
                },
            }
        })
        .collect()
}

impl PhotoFacts {
    fn of(settings: &Settings, server: &PhotoLimits) -> Self {
        let rules = &settings.photos;
        let allowed = rules.within(server.allowed());
        Self {
            max_bytes: allowed.max_bytes,
            max_pixels: allowed.max_pixels,
            per_request: MOST_PHOTOS,
            per_report: rules.per_report,
            preferred_side_px: rules.preferred_side_px,
            preferred_quality: rules.preferred_quality,
        }
    }
}

/// Whether the caller may file there: any grid of a town where a posting acts; a service account
/// within its own.
fn may_file(signed: &Signed, grid: &Grid) -> bool {
    let acts = |town: Uuid| {
        let mut acting = signed.actor.acting();
        acting.any(|posting| posting.grid.town_id() == town)
    };
    match &signed.service {
        Some(facts) => facts.service.files_for(grid.path).is_some(),
        None => acts(grid.path.town_id()),
    }
}

fn own_teams(towns: &[Arc<Town>], officer: Uuid) -> Vec<OwnTeam> {
    towns
        .iter()
        .flat_map(|town| town.teams())
        .filter(|team| team.archived_at.is_none() && team.member_ids.contains(&officer))
        .map(|team| OwnTeam {
            id: team.id,
            name: team.name.clone(),
            kind: team.kind,
            leads: team.lead_id == officer,
        })
        .collect()
}

/// Puts the answer together, but for the server's time.
///
/// # Errors
/// If the database fails.
pub fn read(
    conn: &mut Conn,
    directory: &Directory,
    limits: &PhotoLimits,
    signed: &Signed,
    now: DateTime<Utc>,
) -> Outcome<Bootstrap> {
    let scope = signed.scope();
    let towns: Vec<Arc<Town>> = scope
        .towns()
        .iter()
        .map(|id| directory.town(conn, *id))
        .collect::<Outcome<_>>()?;
    let mut grids: Vec<FilingGrid> = towns
        .iter()
        .flat_map(|town| town.grids())
        .filter(|grid| may_file(signed, grid))
        .map(|grid| FilingGrid {
            id: grid.id,
            code: grid.code.clone(),
            name: grid.name.clone(),
            tier: grid.tier(),
            parent_id: grid.parent_id,
            own: scope.sees(grid.path),
        })
        .collect();
    grids.sort_by(|one, other| (!one.own, &one.code).cmp(&(!other.own, &other.code)));
    let more_grids = grids.len() > MOST_GRIDS;
    grids.truncate(MOST_GRIDS);
    let inbox = match signed.service {
        Some(_) => None,
        None => {
            let desks: Vec<Desks> = towns
                .iter()
                .map(|town| Desks::of(&signed.actor, town, &town.staffing(now)))
                .collect();
            Some(queries::counts(conn, &desks)?)
        }
    };
    // Who is posted in several towns is told the limits of the first.
    let settings = towns
        .first()
        .map(|town| Arc::clone(town.settings().at(now)))
        .unwrap_or_default();
    Ok(Bootstrap {
        me: me::me(conn, directory, signed)?,
        grids,
        more_grids,
        categories: categories(&settings.reports),
        subtypes: codes::<Subtype>(),
        severities: codes::<Severity>(),
        sources: codes::<Source>(),
        dispositions: codes::<Disposition>(),
        outcomes: codes::<Ending>(),
        statuses: codes::<Status>(),
        duties: codes::<Duty>(),
        actions: codes::<ActionKind>(),
        photo_roles: codes::<PhotoRole>(),
        coordinate_systems: codes::<Crs>(),
        tiers: codes::<Tier>(),
        roles: codes::<Role>(),
        team_kinds: codes::<TeamKind>(),
        teams: own_teams(&towns, signed.actor.officer_id),
        return_reasons: codes::<ReturnReason>(),
        void_reasons: codes::<VoidReason>(),
        photos: PhotoFacts::of(&settings, limits),
        inbox,
        features: FEATURES,
        server_time: None,
    })
}
