//! The forecast: when a report moves if nobody acts, to whom, and by which rule.
//!
//! Owns only the simulation. It calls the clock's own function for each instant at which the clock
//! would come to the report, with the officers who will be posted then. It must not write anything.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::notice::{Naming, Text, text};
use gridpatrol_domain::officer::Staffing;
use gridpatrol_domain::report::lapse::{self, Rule};
use gridpatrol_domain::report::{Context, Duty, EventKind, Report, WarningLevel};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::present::StaffedTown;
use gridpatrol_people::towns::directory::Town;
use gridpatrol_problem::language::Language;

/// The most steps in a forecast.
const MOST_STEPS: usize = 60;
/// The most steps that are simulated: a repeated step is shown only once.
const MOST_LOOKS: usize = 400;

/// What happens to a report if nobody acts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(crate::view::examples::forecast()))]
pub struct Forecast {
    /// The report.
    pub report_id: Uuid,
    /// Its version, of which this is true.
    pub version: i64,
    /// What happens, in order. Empty: nothing, it has ended.
    pub steps: Vec<ForecastStep>,
}

/// Something that happens if nobody acts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(crate::view::examples::step()))]
pub struct ForecastStep {
    /// When.
    pub at: DateTime<Utc>,
    /// By which rule.
    pub rule: Rule,
    /// Its name in the caller's language.
    #[schema(example = "办理超时自动上报")]
    pub label: String,
    /// The event that is recorded then.
    pub kind: EventKind,
    /// Whether it comes again and again until somebody acts; told once.
    pub repeats: bool,
    /// Whose turn it was until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ForecastDesk>,
    /// Whose turn it is from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<ForecastDesk>,
    /// When something happens by itself next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<DateTime<Utc>>,
    /// How much of the limit is used up then.
    pub colour: WarningLevel,
    /// The notice that is sent then, for people.
    pub text: Text,
}

/// A desk, and who would be there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ForecastDesk {
    /// The grid.
    pub grid_id: Uuid,
    /// Its name.
    #[schema(example = "示范一村")]
    pub grid_name: String,
    /// Its tier.
    pub tier: Tier,
    /// The name of the team, when it is a team's turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What to do there.
    pub duty: Duty,
    /// The names of those whose turn it would be.
    pub officers: Vec<String>,
}

/// Forecasts what happens to a report if nobody acts from `now` on.
#[must_use]
pub fn forecast(
    staffed: &StaffedTown,
    report: &Report,
    number: &str,
    now: DateTime<Utc>,
    language: Language,
) -> Forecast {
    let walk = Walk {
        staffed,
        number,
        now,
        language,
    };
    Forecast {
        report_id: report.id,
        version: report.version,
        steps: walk.steps(report, MOST_STEPS, |_| true),
    }
}

/// The first step that is more than a change of the warning level: what happens to the report, and
/// when, if the desk does nothing.
#[must_use]
pub fn next(
    staffed: &StaffedTown,
    report: &Report,
    number: &str,
    now: DateTime<Utc>,
    language: Language,
) -> Option<ForecastStep> {
    let walk = Walk {
        staffed,
        number,
        now,
        language,
    };
    walk.steps(report, 1, |rule| !rule.is_warning()).pop()
}

/// A look ahead at one report.
struct Walk<'a> {
    staffed: &'a StaffedTown,
    number: &'a str,
    now: DateTime<Utc>,
    language: Language,
}

impl Walk<'_> {
    /// The steps by the wanted rules, in order, at most `most`.
    fn steps(
        &self,
        report: &Report,
        most: usize,
        wanted: impl Fn(Rule) -> bool,
    ) -> Vec<ForecastStep> {
        let town = &self.staffed.town;
        let mut report = report.clone();
        let mut steps: Vec<ForecastStep> = Vec::new();
        for _ in 0..MOST_LOOKS {
            let Some(due) = lapse::due_at(&report).filter(|_| steps.len() < most) else {
                break;
            };
            let at = due.max(self.now);
            let staffing = town.staffing(at);
            let received_at = report.received_at;
            let context = |at| Context {
                staffing: &staffing,
                ..self.staffed.context(received_at, false, at)
            };
            let Some(step) = lapse::step(&report, &context(at)) else {
                break;
            };
            let before = std::mem::replace(&mut report, step.decision.report);
            let told = steps
                .iter()
                .any(|told| told.repeats && told.rule == step.rule);
            // Reminders repeat for ever; between them only changes of the warning level can come.
            // The clock skips reminders that it missed while it stood still. The forecast skips
            // them in the same way, up to the next change.
            if told {
                let Some(mark) = report.warning_due_at else {
                    break;
                };
                let last = mark - TimeDelta::microseconds(1);
                if last > at
                    && let Some(step) = lapse::step(&before, &context(last))
                {
                    report = step.decision.report;
                }
                continue;
            }
            let Some(kind) = step.decision.events.last().map(|event| event.kind) else {
                break;
            };
            if !wanted(step.rule) {
                continue;
            }
            let (from, to) = (
                desk(town, &staffing, &before),
                desk(town, &staffing, &report),
            );
            let name = report.desk();
            let name = name.map(|desk| town.desk_name(&desk, &staffing));
            let naming = Naming {
                number: self.number,
                place: town.grid_name(report.place.id()).unwrap_or_default(),
                desk: name.as_deref().unwrap_or_default(),
                original: None,
            };
            steps.push(ForecastStep {
                at: step.due_at,
                rule: step.rule,
                label: label(step.rule, self.language).to_owned(),
                kind,
                repeats: step.rule.repeats(),
                text: text(kind, &report, &naming, at),
                from,
                to,
                next_due_at: lapse::due_at(&report),
                colour: report.warning_level,
            });
        }
        steps
    }
}

/// The name of a rule in this language.
#[must_use]
pub fn label(rule: Rule, language: Language) -> &'static str {
    match language {
        Language::Chinese => rule.label_zh(),
        Language::English => rule.label_en(),
    }
}

fn desk(town: &Town, staffing: &Staffing, report: &Report) -> Option<ForecastDesk> {
    let desk = report.desk()?;
    Some(ForecastDesk {
        grid_id: desk.grid.id(),
        grid_name: town
            .grid_name(desk.grid.id())
            .unwrap_or_default()
            .to_owned(),
        tier: desk.grid.tier(),
        team: desk
            .team
            .and_then(|team| town.team(team))
            .map(|team| team.name.clone()),
        duty: desk.duty,
        officers: report
            .desk_officers(staffing)
            .into_iter()
            .map(|officer| town.officer_name(officer).unwrap_or_default().to_owned())
            .collect(),
    })
}
