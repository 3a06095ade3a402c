//! Made-up reports: as a client files them, and as rows written directly to the storage.
//!
//! The program's own statements write the rows in its order, without HTTP, sign-in, rules or directory.
//! That is the storage limit to compare the server with.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::calendar::Calendar;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::filing::{Filing, file};
use gridpatrol_domain::report::{
    self as domain, Category, Context, Decision, Disposition, Policy, Report, Severity, Source,
    Status,
};
use gridpatrol_reports::record::rows::{ReportRow, TextsRow};
use gridpatrol_reports::record::{queries, search};
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::types::{At, Coded};
use gridpatrol_store::{Conn, Outcome, counters, town};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Fallible;
use crate::town::{Officer, Seeded};

const WHERE: [&str; 8] = [
    "河边第三块稻田",
    "村委会后面的沟渠",
    "老学校旁的空地",
    "养殖合作社排口下游约五十米处",
    "水库取水口附近",
    "公路转弯处的采石场",
    "组道尽头的垃圾池",
    "后山林地边缘",
];
const WHAT: [(Category, &str); 6] = [
    (
        Category::StrawBurning,
        "有人正在焚烧秸秆，浓烟往村里飘，风大，担心引燃旁边的林地",
    ),
    (
        Category::LivestockPollution,
        "猪场的粪水直接排进沟里，水面发黑发臭，下游农户反映不能浇地",
    ),
    (
        Category::LivingEnvironment,
        "生活垃圾堆了半个多月没有清运，污水横流，苍蝇很多，老人小孩意见很大",
    ),
    (
        Category::DrinkingWaterSource,
        "发现有人在水源保护区内洗车、钓鱼，岸边丢弃了农药瓶和塑料袋",
    ),
    (
        Category::PollutingEnterprise,
        "加工厂夜间偷排，烟囱冒黄烟，气味刺鼻，附近群众晚上不敢开窗",
    ),
    (
        Category::EnvironmentalHazard,
        "化粪池盖板破损，旁边就是小学的必经之路，雨天已经外溢过两次",
    ),
];
const DONE: [&str; 4] = [
    "已当场劝阻并扑灭明火，拍照留存",
    "已通知业主停止排放，等村里来人处理",
    "已设警示带，提醒群众绕行",
    "联系不上责任人，请村里协助",
];

/// A number that looks like chance and is the same in every run.
const fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 32)
}

/// One of several, by chance that is none.
fn one_of<T: Copy>(all: &[T], chance: u64) -> Option<T> {
    let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
    let place = usize::try_from(chance % count).ok()?;
    all.get(place).copied()
}

/// What a report says.
struct Story {
    category: Category,
    severity: Severity,
    description: String,
    place_text: &'static str,
    on_site_action: &'static str,
    lat: f64,
    lon: f64,
}

fn story(number: u64) -> Story {
    let chance = scatter(number);
    let (category, what) = match (chance >> 4) % 1000 {
        0 => (
            Category::NatureReserve,
            "保护区围栏被剪开一段，有车辙和新砍的树桩",
        ),
        _ => one_of(&WHAT, chance >> 8).unwrap_or((Category::Unclassified, "情况不明")),
    };
    let place_text = one_of(&WHERE, chance >> 16).unwrap_or_default();
    let severity = match (chance >> 24) % 20 {
        0..4 => Severity::Minor,
        4..18 => Severity::General,
        _ => Severity::Serious,
    };
    let shift = |bits: u64| f64::from(u16::try_from(bits & 0xFFFF).unwrap_or(0)) / 655_360.0;
    Story {
        category,
        severity,
        description: format!(
            "{place_text}{what}，巡查时约{}点{:02}分发现，范围大概{}米，现场有{}个人。",
            6 + (chance >> 40) % 14,
            (chance >> 32) % 60,
            5 + (chance >> 44) % 200,
            1 + (chance >> 52) % 5,
        ),
        place_text,
        on_site_action: one_of(&DONE, chance >> 28).unwrap_or_default(),
        lat: 26.65 + shift(chance),
        lon: 101.80 + shift(chance >> 20),
    }
}

/// A filing as a phone sends it.
pub fn body(number: u64, filer: &Officer, observed_at: DateTime<Utc>) -> String {
    let story = story(number);
    json!({
        "grid_id": filer.grid.id(),
        "category": story.category,
        "severity": story.severity,
        "description": story.description,
        "location": {"lat": story.lat, "lon": story.lon, "crs": "gcj02", "accuracy_m": 12.0},
        "place_text": story.place_text,
        "on_site_action": story.on_site_action,
        "observed_at": observed_at,
        "disposition": "escalate",
        "source": "patrol",
        "photos": [],
    })
    .to_string()
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As it was filed.
    Filed,
    /// Somewhere on its way.
    UnderWay,
    /// Ended.
    Past,
}

/// A report and all that is written with it, decided before the clock runs.
#[derive(Clone)]
pub struct Prepared {
    row: ReportRow,
    texts: TextsRow,
    records: Vec<EventRecord>,
}

impl Prepared {
    /// The report's id.
    pub const fn id(&self) -> Uuid {
        self.row.id
    }

    /// The same one, with something due to it at this instant and not before.
    pub fn due_at(mut self, at: DateTime<Utc>) -> Self {
        self.row.next_due_at = Some(At(at));
        self.row.mark_due_at = Some(At(at + TimeDelta::days(1)));
        self
    }

    /// The village where it is.
    pub fn village(&self) -> Option<Uuid> {
        self.row.village_id.map(|village| village.0)
    }
}

/// Decides on the report of this number.
pub fn prepare(
    seeded: &Seeded,
    number: u64,
    received_at: DateTime<Utc>,
    stage: Stage,
) -> Fallible<Prepared> {
    let (story, chance) = (story(number), scatter(number ^ 0x5EED));
    let count = u64::try_from(seeded.leaders.len())?;
    let filer = seeded
        .leaders
        .get(usize::try_from(number % count)?)
        .ok_or("the town has no group leader")?;
    let policy = Policy::default();
    let context = Context {
        staffing: &seeded.staffing,
        policy: &policy,
        calendar: Calendar::default(),
        evidence: false,
        now: received_at,
    };
    let filing = Filing {
        id: Uuid::now_v7(),
        place: filer.grid,
        category: story.category,
        severity: story.severity,
        source: Source::Patrol,
        disposition: Disposition::Escalate,
        as_of: None,
    };
    let Decision { mut report, events } = file(&filing, &filer.actor, &context)?;
    move_on(&mut report, stage, chance, &policy);

    let mut row = ReportRow::filed(&report, String::new(), received_at, 0);
    let position = Crs::Gcj02.to_wgs84(story.lat, story.lon)?;
    (row.lat, row.lon) = (Some(position.lat), Some(position.lon));
    let texts = TextsRow {
        disposition: Coded(Disposition::Escalate),
        report_id: row.id,
        town_id: row.town_id,
        filing_hash: chance.to_be_bytes().repeat(4),
        description: Some(story.description),
        place_text: Some(story.place_text.to_owned()),
        on_site_action: Some(story.on_site_action.to_owned()),
        result: report
            .resolved_at
            .map(|_| "已清理完毕，现场恢复原状".to_owned()),
        location_lat: Some(story.lat),
        location_lon: Some(story.lon),
        location_crs: Some(Coded(Crs::Gcj02)),
        location_accuracy_m: Some(12.0),
        instruction: None,
        subtype: None,
        source_ref: None,
        responsible_name: None,
        responsible_credit_code: None,
        responsible_person: None,
        supervising_leader: None,
        measures: None,
        remark: None,
        rebound_of: None,
    };
    let request: Value = serde_json::from_str(&body(number, filer, received_at))?;
    let records = events
        .into_iter()
        .enumerate()
        .map(|(place, event)| recorded(event, place == 0, &request, &report, received_at))
        .collect();
    Ok(Prepared {
        row,
        texts,
        records,
    })
}

fn recorded(
    mut event: domain::Event,
    first: bool,
    request: &Value,
    report: &Report,
    at: DateTime<Utc>,
) -> EventRecord {
    if first {
        event.payload.insert("request".to_owned(), request.clone());
    }
    let mut facts = Map::new();
    facts.insert("status".to_owned(), json!(report.status));
    facts.insert("holder_id".to_owned(), json!(report.holder().id()));
    facts.insert("version".to_owned(), json!(report.version));
    EventRecord {
        subject_kind: "report",
        subject_id: report.id,
        kind: event.kind.code(),
        at,
        actor_id: Some(report.reporter_id),
        facts,
        payload: Some(Value::Object(event.payload)),
    }
}

/// Brings a report where it would be after a while.
fn move_on(report: &mut Report, stage: Stage, chance: u64, policy: &Policy) {
    let later = |hours: i64| report.received_at + TimeDelta::hours(hours);
    let status = match (stage, chance % 100) {
        (Stage::Filed, _) | (Stage::UnderWay, 0..40) => return,
        (Stage::UnderWay, 40..80) => Status::Open,
        (Stage::UnderWay, 80..92) => Status::Resolved,
        (Stage::UnderWay, _) => Status::Suspended,
        (Stage::Past, 0..6) => Status::Void,
        (Stage::Past, _) => Status::Closed,
    };
    let (resolved_at, closed_at) = (later(20), later(40));
    report.status = status;
    report.escalation_requested_by = None;
    report.holder_tier = if chance & 0x100 == 0 {
        Tier::Village
    } else {
        Tier::Town
    };
    report.desk_since = later(4);
    report.first_acted_at = Some(report.desk_since);
    report.version = 3;
    if matches!(status, Status::Resolved | Status::Closed) {
        report.resolved_by = Some(report.reporter_id);
        report.resolved_at = Some(resolved_at);
    }
    if status == Status::Void {
        report.status_before_void = Some(Status::Open);
    }
    if status == Status::Closed {
        report.outcome = Some(domain::Outcome::Handled);
        report.closed_at = Some(closed_at);
    }
    report.next_due_at = policy.next_due(Calendar::default(), report);
}

/// Writes one report with everything that belongs to it: its rows, sight of it, the search index,
/// counters, events, the town's row.
pub fn write(conn: &mut Conn, prepared: &Prepared) -> Outcome<()> {
    let mut row = prepared.row.clone();
    let mut head = town::advance(conn, row.town_id)?;
    let (year, number) = head.next_number(2026);
    row.number = format!("990001100-{year}-{number:06}");
    row.change_seq = head.change_seq;
    let search_id = queries::insert(conn, &row, &prepared.texts)?;
    queries::add_participant(conn, &row, row.reporter_id)?;
    search::index(conn, search_id, &row, &prepared.texts)?;
    counters::shift(conn, row.place(), row.counted(), 1)?;
    events::append(conn, &mut head, prepared.records.clone())?;
    Ok(())
}
