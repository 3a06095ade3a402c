//! The envelope of a notice: CloudEvents 1.0 in its JSON format.
//!
//! Owns the shape that is sent. Everything in it is true at the instant of the event; later changes
//! do not touch it.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::notice::{Informed, Text, Why};
use gridpatrol_domain::report::{Category, Duty, EventKind, Severity, Source, Status};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The version of CloudEvents.
pub const SPECVERSION: &str = "1.0";
/// The media type of `data`.
pub const CONTENT_TYPE: &str = "application/json";
/// The prefix of every event type.
pub const TYPES: &str = "org.gridpatrol";

/// The source of all notices of a town.
#[must_use]
pub fn source(town: Uuid) -> String {
    format!("urn:gridpatrol:town:{town}")
}

/// The id of a notice of a town. It stays the same however often the notice is sent.
#[must_use]
pub fn id(town: Uuid, seq: i64) -> String {
    format!("notice_{}_{seq}", town.simple())
}

/// What happened to a report, as a CloudEvents 1.0 envelope. It was frozen when it happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "specversion": "1.0",
    "id": "notice_0192f7a0000070008000000000000001_1207",
    "source": "urn:gridpatrol:town:0192f7a0-0000-7000-8000-000000000001",
    "type": "org.gridpatrol.report.escalated",
    "subject": "0192f7a0-0000-7000-8000-0000000000c1",
    "time": "2026-11-20T00:15:00Z",
    "datacontenttype": "application/json",
    "data": {
        "seq": 1207, "event_seq": 4711, "kind": "escalated",
        "actor_id": "0192f7a0-0000-7000-8000-000000000014",
        "report": {
            "id": "0192f7a0-0000-7000-8000-0000000000c1", "number": "990001100-2026-000012",
            "status": "escalating", "tier": "group",
            "grid_id": "0192f7a0-0000-7000-8000-000000000003", "grid_name": "青山村一组",
            "holder_id": "0192f7a0-0000-7000-8000-000000000003",
            "desk": {"grid_id": "0192f7a0-0000-7000-8000-000000000002", "grid_name": "青山村", "duty": "decide"},
            "category": "straw_burning", "severity": "serious", "source": "patrol",
            "received_at": "2026-11-20T00:15:00Z", "next_due_at": "2026-11-20T01:03:00Z",
            "deadline_at": "2026-11-20T02:15:00Z", "version": 1
        },
        "recipients": {
            "must_act": ["0192f7a0-0000-7000-8000-000000000012"], "should_know": []
        },
        "text": {
            "zh": "【上报】青山村一组：秸秆焚烧（较重），编号990001100-2026-000012。待青山村审核上报，11月20日09:03前。",
            "en": "Escalated: Straw burning (serious), 青山村一组, no. 990001100-2026-000012. 青山村: decide by 2026-11-20 09:03."
        }
    }
}))]
pub struct ReportNotice {
    /// The version of CloudEvents.
    pub specversion: &'static str,
    /// The notice's id, the same each time it is sent: who has it already may drop it.
    pub id: String,
    /// The town.
    pub source: String,
    /// What happened: `org.gridpatrol.report.` and the kind of the event.
    pub r#type: String,
    /// The report.
    pub subject: Uuid,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// `application/json`.
    pub datacontenttype: &'static str,
    /// What happened, in detail.
    pub data: ReportNoticeData,
}

/// What happened to a report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportNoticeData {
    /// The notice's number in the town: 1, 2, 3 … in the order in which things happened. A gap means
    /// that an envelope was filtered out or has not come yet.
    pub seq: i64,
    /// The event's place in the town's record.
    pub event_seq: i64,
    /// The kind of the event, as in `GET /v1/reports/{id}/events`.
    pub kind: EventKind,
    /// Who did it; absent: the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<Uuid>,
    /// On whose behalf, when by deputy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Uuid>,
    /// The report after the event. Its texts and photos are read over the API.
    pub report: NoticeReport,
    /// Who is told.
    pub recipients: NoticeRecipients,
    /// Until when the town has quiet hours; absent: it is not quiet, or the report is critical. An app
    /// waits so long before it makes a sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<DateTime<Utc>>,
    /// A sentence that may be shown as it is. It names no person.
    pub text: Text,
    /// Only to the webhook of a push service: the tokens of the phones to be reached, as of the moment
    /// of sending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub push_addresses: Vec<PushAddress>,
}

/// Where a push service reaches an officer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PushAddress {
    /// The officer.
    pub officer_id: Uuid,
    /// The tokens of the officer's phones.
    pub tokens: Vec<String>,
}

/// A report as a notice tells it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeReport {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// The tier of its holder.
    pub tier: Tier,
    /// The grid where it is.
    pub grid_id: Uuid,
    /// That grid's name.
    pub grid_name: String,
    /// The grid that answers for it.
    pub holder_id: Uuid,
    /// Whose turn it is; absent: nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk: Option<NoticeDesk>,
    /// What is wrong.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// Who noticed.
    pub source: Source,
    /// When the server received it.
    pub received_at: DateTime<Utc>,
    /// When the desk must have acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<DateTime<Utc>>,
    /// When the whole matter is due.
    pub deadline_at: DateTime<Utc>,
    /// Its version.
    pub version: i64,
    /// The report that it repeats, as long as it is void for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<OriginalReport>,
}

/// The report that another one repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OriginalReport {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    #[schema(example = "990001100-2026-000007")]
    pub number: String,
}

/// Whose turn it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeDesk {
    /// The grid.
    pub grid_id: Uuid,
    /// That grid's name.
    pub grid_name: String,
    /// The one officer, when the work was given to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub officer_id: Option<Uuid>,
    /// The team, when the work was given to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// What to do.
    pub duty: Duty,
}

/// Who is told, each officer once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeRecipients {
    /// Officers whose turn it is by this event, deputies and fallbacks included.
    pub must_act: Vec<Uuid>,
    /// Officers who should know at once.
    pub should_know: Vec<Informed>,
    /// Officers who should know as well, but are told by their next digest: a push service leaves them
    /// alone now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_digest: Vec<Informed>,
}

/// What an officer should know, gathered, as a CloudEvents 1.0 envelope. One goes out at each of the
/// times that the town has set, to each officer for whom there is news.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "specversion": "1.0",
    "id": "notice_0192f7a0000070008000000000000001_1260",
    "source": "urn:gridpatrol:town:0192f7a0-0000-7000-8000-000000000001",
    "type": "org.gridpatrol.digest",
    "subject": "0192f7a0-0000-7000-8000-000000000014",
    "time": "2026-11-20T08:30:00Z",
    "datacontenttype": "application/json",
    "data": {
        "seq": 1260, "officer_id": "0192f7a0-0000-7000-8000-000000000014", "notices": 2,
        "reports": [{
            "id": "0192f7a0-0000-7000-8000-0000000000c1", "number": "990001100-2026-000012",
            "status": "closed", "as": "reporter", "notices": 2, "kind": "closed",
            "time": "2026-11-20T06:15:00Z",
            "text": {
                "zh": "【结案】青山村一组：秸秆焚烧（一般），编号990001100-2026-000012。已结案（已处置）。",
                "en": "Closed: Straw burning (general), 青山村一组, no. 990001100-2026-000012. Closed (handled)."
            }
        }],
        "text": {
            "zh": "【动态汇总】您关注的1件事件有2条新动态。",
            "en": "Digest: 2 notices about 1 report that you follow."
        }
    }
}))]
pub struct DigestNotice {
    /// The version of CloudEvents.
    pub specversion: &'static str,
    /// The notice's id, the same each time it is sent.
    pub id: String,
    /// The town.
    pub source: String,
    /// `org.gridpatrol.digest`.
    pub r#type: String,
    /// Whose digest it is.
    pub subject: Uuid,
    /// When it was made.
    pub time: DateTime<Utc>,
    /// `application/json`.
    pub datacontenttype: &'static str,
    /// What there is to know.
    pub data: DigestNoticeData,
}

/// What an officer should know.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DigestNoticeData {
    /// The notice's number in the town.
    pub seq: i64,
    /// Whose digest it is.
    pub officer_id: Uuid,
    /// How many notices were gathered.
    pub notices: usize,
    /// The reports that they are about, the latest news first; at most 50.
    pub reports: Vec<DigestReport>,
    /// How many more reports there is news of.
    #[serde(skip_serializing_if = "is_zero")]
    pub reports_left_out: usize,
    /// A sentence that may be shown as it is.
    pub text: Text,
    /// Only to the webhook of a push service: the tokens of the officer's phones, as of the moment of
    /// sending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub push_addresses: Vec<PushAddress>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so.
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The news of a report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DigestReport {
    /// The report.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Where it stood after the last of them.
    pub status: String,
    /// Why the officer should know.
    #[serde(rename = "as")]
    pub why: Why,
    /// How many there are.
    pub notices: usize,
    /// The kind of the last event.
    pub kind: String,
    /// When that was.
    pub time: DateTime<Utc>,
    /// The sentence about it.
    pub text: Text,
}

/// A test of a webhook, as a CloudEvents 1.0 envelope.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "specversion": "1.0", "id": "ping_0192f7a00000700080000000000000a1_7",
    "source": "urn:gridpatrol:town:0192f7a0-0000-7000-8000-000000000001", "type": "org.gridpatrol.ping",
    "subject": "0192f7a0-0000-7000-8000-0000000000a1", "time": "2026-11-20T00:15:00Z",
    "datacontenttype": "application/json",
    "data": {"webhook_id": "0192f7a0-0000-7000-8000-0000000000a1", "name": "镇平台对接"}
}))]
#[schema(as = PingNotice)]
pub struct Ping {
    /// The version of CloudEvents.
    pub specversion: &'static str,
    /// The ping's id.
    pub id: String,
    /// The town.
    pub source: String,
    /// `org.gridpatrol.ping`.
    pub r#type: String,
    /// The webhook.
    pub subject: Uuid,
    /// When it was asked for.
    pub time: DateTime<Utc>,
    /// `application/json`.
    pub datacontenttype: &'static str,
    /// What it is about.
    pub data: PingData,
}

/// What a ping is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PingNoticeData)]
pub struct PingData {
    /// The webhook.
    pub webhook_id: Uuid,
    /// What it is for.
    pub name: String,
}
