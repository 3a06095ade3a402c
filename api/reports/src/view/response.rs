//! The JSON that clients get for a report. Absent fields are left out; more enum values may come.
//!
//! Owns the shapes of answers. `present` fills them.

use chrono::{DateTime, Utc};
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::{
    ActionKind, Category, Disposition, Duty, Outcome, Severity, Source, Status, Subtype,
    WarningLevel,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::request::ResponsibleParty;
use crate::inbox::item::InboxItem;
use crate::notices::envelope::OriginalReport;
use crate::photos::wire::ReportPhoto;

/// A report as the caller sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    /// Its id.
    pub id: Uuid,
    /// Its number: town code, year, sequence.
    #[schema(example = "990001100-2026-000123")]
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// The status in the caller's language, with who has it and until when.
    #[schema(example = "待示范一村（张书记）审核上报，11月21日 08:15前")]
    pub status_text: String,
    /// The tier of the holder.
    pub tier: Tier,
    /// The grid where it is.
    pub grid_id: Uuid,
    /// Its name.
    #[schema(example = "示范一村一组")]
    pub grid_name: String,
    /// The grid that answers for it.
    pub holder: Holder,
    /// Who does the work, when not the holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<Handler>,
    /// Who must act now; absent when nobody has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk: Option<Desk>,
    /// The escalation under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// What is wrong.
    pub category: Category,
    /// A finer name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtype: Option<Subtype>,
    /// How bad it is.
    pub severity: Severity,
    /// Who noticed.
    pub source: Source,
    /// Reference at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// What the filer asked for.
    pub disposition: Disposition,
    /// In the filer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The place in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_text: Option<String>,
    /// What was done on the spot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_site_action: Option<String>,
    /// What the handler was told to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Who is responsible for what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responsible_party: Option<ResponsibleParty>,
    /// 包抓领导.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervising_leader: Option<String>,
    /// 整改措施.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measures: Option<String>,
    /// 备注.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Who filed it.
    pub reporter: Person,
    /// The tier that filed it.
    pub filing_tier: Tier,
    /// When it was seen.
    pub observed_at: DateTime<Utc>,
    /// When the server received it; all limits count from here.
    pub received_at: DateTime<Utc>,
    /// When the desk must have acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<DateTime<Utc>>,
    /// When the whole matter is due.
    pub deadline_at: DateTime<Utc>,
    /// Whether the deadline has passed, or had when it ended or its clock was stopped; to the second.
    pub overdue: bool,
    /// How much of the whole limit is used up, as the clock marks it within seconds: yellow is due soon,
    /// red overdue.
    pub colour: WarningLevel,
    /// 受理: when the present desk accepted it, or first acted on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// Its round: 1, and one more each time it is reopened.
    pub round: u32,
    /// How often it came back after it was closed.
    #[serde(skip_serializing_if = "is_zero")]
    pub rebounds: u32,
    /// The closed report whose matter came back with this one (反弹).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebound_of: Option<Uuid>,
    /// Seconds since it was received, until it was closed.
    pub gross_time_s: i64,
    /// The same without the time at the county.
    pub own_time_s: i64,
    /// More time was asked for, and nobody has answered yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<ExtensionAsked>,
    /// 挂账: it rests until a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionUnderWay>,
    /// It is at the county.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralUnderWay>,
    /// 督办: the town demands that a tier below puts it right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervision: Option<SupervisionUnderWay>,
    /// 超时自动上报: the step that lapsed last, until somebody above acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapse: Option<LapsedStep>,
    /// How often an escalation was sent back, by the tier that had sent it.
    pub returns: Returns,
    /// How often a resolution did not pass.
    pub rework_count: i32,
    /// Who put it right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<Person>,
    /// When it was put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Whether the one who put it right closed it too, because there was nobody else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub self_verified: bool,
    /// The report that it repeats, as long as it is void for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<OriginalReport>,
    /// Its photos, in the order they were declared.
    pub photos: Vec<ReportPhoto>,
    /// The server's word that every declared photo has arrived.
    pub complete: bool,
    /// Raised by every action and amendment, but not by comments and photos.
    pub version: i64,
    /// What the caller may do now.
    pub allowed_actions: Vec<AllowedAction>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A request for more time that waits for an answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PendingExtension)]
pub struct ExtensionAsked {
    /// Who asked.
    pub asked_by: Person,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// The deadline that is asked for.
    pub until: DateTime<Utc>,
    /// When silence becomes refusal.
    pub answer_due_at: DateTime<Utc>,
}

/// A suspension under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OpenSuspension)]
pub struct SuspensionUnderWay {
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it goes on by itself.
    pub review_at: DateTime<Utc>,
    /// What is still to be reached meanwhile, in order.
    pub milestones: Vec<SuspensionMilestone>,
}

/// A milestone of a suspension.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuspensionMilestone {
    /// By when.
    pub due_at: DateTime<Utc>,
    /// What.
    #[schema(example = "完成清淤")]
    pub title: String,
}

/// A referral to the county under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OpenReferral)]
pub struct ReferralUnderWay {
    /// To which agency.
    #[schema(example = "县生态环境局")]
    pub agency: String,
    /// The number of the letter, or of the matter there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the agency acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When a reply is due.
    pub reply_due_at: DateTime<Utc>,
}

/// A supervision that nobody has answered yet.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OpenSupervision)]
pub struct SupervisionUnderWay {
    /// Its number.
    #[schema(example = "镇环督〔2026〕3号")]
    pub number: String,
    /// The tier that has to answer.
    pub tier: Tier,
    /// Since when.
    pub since: DateTime<Utc>,
    /// By when it has to answer.
    pub reply_due_at: DateTime<Utc>,
}

/// A step that lapsed: the system moved the report, nobody approved it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LapsedStep {
    /// The tier that let it lapse.
    pub tier: Tier,
    /// When the step was due.
    pub due_at: DateTime<Utc>,
    /// When the report moved.
    pub at: DateTime<Utc>,
}

/// The grid that answers for a report.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReportHolder)]
pub struct Holder {
    /// The grid.
    pub grid_id: Uuid,
    /// Its name.
    #[schema(example = "示范一村一组")]
    pub name: String,
    /// How it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Who does the work, when not the holder.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReportHandler)]
pub struct Handler {
    /// The grid.
    pub grid_id: Uuid,
    /// Its name.
    pub grid_name: String,
    /// The one officer, when the work was given to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub officer: Option<Person>,
    /// The team, when the work was given to one; its grid is then that of the holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<HandlingTeam>,
    /// Who works on it beside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub co_handlers: Vec<Person>,
    /// The handler's own due instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
}

/// A team that does the work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HandlingTeam {
    /// The team.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "东片检查组")]
    pub name: String,
}

/// Who must act now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Desk {
    /// The grid.
    pub grid_id: Uuid,
    /// Its name.
    #[schema(example = "示范一村")]
    pub grid_name: String,
    /// The team, when it is a team's turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<HandlingTeam>,
    /// What to do.
    pub duty: Duty,
    /// The names of those whose turn it is, those who stand in for a vacant post included.
    pub officers: Vec<String>,
}

/// An escalation under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PendingEscalation)]
pub struct Escalation {
    /// The tier that sent it up.
    pub from_tier: Tier,
    /// The tier it goes to.
    pub to_tier: Tier,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Person>,
}

/// An officer by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OfficerName)]
pub struct Person {
    /// The officer's id.
    pub officer_id: Uuid,
    /// The officer's name.
    #[schema(example = "张三")]
    pub name: String,
}

/// Where it is: as it was sent, and the canonical WGS-84 position.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Location {
    /// Latitude as sent.
    pub lat: f64,
    /// Longitude as sent.
    pub lon: f64,
    /// The coordinate system of both.
    pub crs: Crs,
    /// Radius of uncertainty in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<f64>,
    /// The same point in WGS-84, to seven decimals.
    pub wgs84: Point,
    /// The same point in the system that `crs` asked for, to seven decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted: Option<PointInSystem>,
}

/// A point in degrees, in a system that was asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ConvertedPoint)]
pub struct PointInSystem {
    /// Latitude.
    pub lat: f64,
    /// Longitude.
    pub lon: f64,
    /// The system of both.
    pub crs: Crs,
}

/// A point in degrees.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Wgs84Point)]
pub struct Point {
    /// Latitude.
    pub lat: f64,
    /// Longitude.
    pub lon: f64,
}

/// How often an escalation was sent back.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReturnCounts)]
pub struct Returns {
    /// Sent up by the group.
    pub group: i32,
    /// Sent up by the village.
    pub village: i32,
}

/// An action that would succeed now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AllowedAction {
    /// The action: the last segment of its path; `amend` is PATCH.
    pub action: ActionKind,
    /// Its name in the caller's language.
    #[schema(example = "同意上报")]
    pub label: String,
    /// Fields of the body that suffice: of alternatives, the usual ones.
    #[schema(example = json!([]))]
    pub requires: &'static [&'static str],
    /// Where there is a choice: each of these lists of fields suffices by itself, and `requires` is the
    /// first of them. Absent where there is none.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Vec<String>>, required = false, example = json!([["grid_id"], ["officer_id"], ["team_id"]]))]
    pub requires_one_of: &'static [&'static [&'static str]],
    /// For `close`: the outcomes that are possible.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
}

/// One entry of a report's record.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportEvent {
    /// Its place in the town's chain; rising, with gaps where other reports' events stand.
    pub seq: i64,
    /// What happened: `filed`, `escalated`, `approved`, `returned`, …; more may come.
    #[schema(example = "approved")]
    pub kind: String,
    /// The same in the caller's language.
    #[schema(example = "同意上报")]
    pub label: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who; absent: the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Person>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Person>,
    /// The report's status afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The report's version afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// What was said and changed; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub details: Option<serde_json::Value>,
    /// SHA-256 of this link of the chain, in hexadecimal.
    pub hash: String,
}

/// One page of the inbox: what waits for the caller, what is due first coming first.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(crate::view::examples::inbox()))]
pub struct Inbox {
    /// How many wait, in all.
    pub counts: InboxCounts,
    /// This page.
    pub items: Vec<InboxItem>,
    /// Pass it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// How many reports wait for the caller, by duty.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct InboxCounts {
    /// To work on.
    pub handle: i64,
    /// To decide on.
    pub decide: i64,
    /// To verify.
    pub verify: i64,
    /// Requests for more time to answer.
    pub grant: i64,
}

impl InboxCounts {
    /// How many in all.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.handle + self.decide + self.verify + self.grant
    }
}
