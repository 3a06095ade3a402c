//! Foresight: when a report moves if nobody acts, to whom, and by which rule.
//!
//! Owns nothing but the walk: the clock's own function, asked again and again at the instants at which
//! it would come to the report, with the officers who would be there then. It writes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::notice::{Naming, Text, text};
use gridpatrol_domain::officer::Staffing;
use gridpatrol_domain::report::lapse::{self, Rule};
use gridpatrol_domain::report::{Colour, Context, Duty, EventKind, Report};
use gridpatrol_domain::slug::Slug as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::StaffedTown;
use crate::problem::language::Language;
use crate::towns::directory::Town;

/// Steps that are foretold at most.
const MOST_STEPS: usize = 60;
/// Steps that are looked at for it: what repeats is told once.
const MOST_LOOKS: usize = 400;

/// What happens to a report if nobody acts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(super::examples::forecast()))]
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
#[schema(example = json!(super::examples::step()))]
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
    pub colour: Colour,
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

/// Foretells what happens to a report if nobody acts from `now` on.
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

/// The first of these steps that is more than a change of colour: what becomes of it, and when, if the
/// desk does nothing.
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
    walk.steps(report, 1, |rule| !rule.marks()).pop()
}

/// A look ahead at one report.
struct Walk<'a> {
    staffed: &'a StaffedTown,
    number: &'a str,
    now: DateTime<Utc>,
    language: Language,
}

impl Walk<'_> {
    /// The steps by rules that are wanted, in order, so many at most.
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
            // Reminders go on for ever; what else there is to come are marks between them. The clock
            // passes over those that a standstill has swallowed, and so does this, up to the next mark.
            if told {
                let Some(mark) = report.mark_due_at else {
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
                colour: report.colour,
            });
        }
        steps
    }
}

/// A rule's name in this language.
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
