//! Random histories of a report in a random town: what must hold after every step.

use chrono::TimeDelta;
use gridpatrol_domain::calendar::Calendar;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::{GridPath, Tier};
use gridpatrol_domain::report::allowed::allowed_actions;
use gridpatrol_domain::report::filing::{Filing, file};
use gridpatrol_domain::report::lifecycle::decide;
use gridpatrol_domain::report::{
    Action, ActionKind, Category, Context, Decision, Disposition, EventKind, Outcome, Severity,
    Source, Status,
};
use gridpatrol_domain::settings::Settings;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::actions::action;
use super::bodies::sufficient;
use super::invariants::{deadline_keeps, holds, lapse};
use super::settings::sound;
use super::town::{Leaving, People, TOWN, grids, group, leaving, people, start, village};

/// The defaults as often as others.
fn settings() -> impl Strategy<Value = Settings> {
    prop_oneof![Just(Settings::default()), sound()]
}

type Step = (usize, Action, bool, u32);

fn history() -> impl Strategy<Value = (People, Filing, usize, Vec<Step>)> {
    let members = || proptest::collection::vec(0x10..0x1A_u128, 1..4);
    let town = (
        proptest::collection::vec(any::<bool>(), 8),
        [members(), members()],
        leaving(),
    );
    town.prop_flat_map(|(posts, members, leaving)| {
        let people = people(&posts, &members, &leaving);
        let actors = people.actors.len();
        let step = (0..actors, action(&people), any::<bool>(), 1..400_000u32);
        let filing = (
            select(grids()),
            select(Category::ALL),
            select(Severity::ALL),
            select(Source::ALL),
            select(Disposition::ALL),
        )
            .prop_map(|(place, category, severity, source, disposition)| Filing {
                id: Uuid::from_u128(0x99),
                place,
                category,
                severity,
                source,
                disposition,
                as_of: None,
            });
        (
            Just(people),
            filing,
            0..actors,
            proptest::collection::vec(step, 1..25),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold((people, filing, filer, steps) in history(), settings in settings()) {
        let policy = settings.reports;
        let context = |now, evidence| Context { staffing: people.at(now), policy: &policy, calendar: Calendar::default(), evidence, now };
        let filed = file(&filing, &people.actors[filer], &context(start(), false));
        let files = &people.actors[filer];
        let acts = files.postings.iter().any(|posting| posting.role.acts() && posting.grid.town_id() == TOWN)
            || files.service.is_some_and(|service| service.files_for(filing.place).is_some());
        prop_assert_eq!(filed.is_ok(), acts, "a filing is refused only to those who never file");
        let Ok(Decision { mut report, events }) = filed else { return Ok(()) };
        prop_assert_eq!(events[0].kind, EventKind::Filed);
        if filing.severity == Severity::Critical && report.status != Status::Closed {
            prop_assert_eq!(report.holder_tier, Tier::Town);
        }
        if files.service.is_some() {
            prop_assert_ne!(report.status, Status::Closed, "a service account closes nothing");
        }
        holds(&report, &people, &policy, start())?;

        let mut now = start();
        for (who, action, evidence, seconds) in steps {
            now += TimeDelta::seconds(i64::from(seconds));
            let actor = &people.actors[who];
            let context = context(now, evidence);
            // At times the clock stands still for a while.
            if seconds % 3 > 0 {
                lapse(&mut report, &people, &context)?;
            }
            let allowed = allowed_actions(&report, actor, &context);
            prop_assert!(actor.service.is_none() || allowed.is_empty(), "a service account acts on nothing");

            // What is allowed succeeds with the fields of each alternative.
            for entry in &allowed {
                for requires in entry.requires_one_of {
                    let said = (entry.action, *requires, entry.outcomes.as_slice());
                    if let Some(body) = sufficient(said, &report, actor, &people, now) {
                        let done = decide(&report, &body, actor, &context);
                        prop_assert!(done.is_ok(), "{:?} was allowed and refused: {:?} of {:?}", body, done, report);
                    }
                }
            }
            let listed = allowed.iter().any(|entry| entry.action == action.kind());
            match decide(&report, &action, actor, &context) {
                Ok(decision) => {
                    prop_assert!(listed, "{action:?} succeeded and was not allowed");
                    prop_assert!(!decision.events.is_empty());
                    let before = report;
                    report = decision.report;
                    // Closed and void stay so, but for comments, a new round and the town's restoring.
                    if before.status == Status::Closed && action.kind() != ActionKind::Reopen {
                        prop_assert_eq!(report.clone(), before.clone());
                    }
                    if before.status == Status::Void && report.status != Status::Void {
                        prop_assert_eq!(action.kind(), ActionKind::Restore);
                    }
                    deadline_keeps(&before, &report, action.kind(), &context)?;
                    // The closing rule: evidence, another person while there is one, and the tier.
                    if before.status != Status::Closed && report.status == Status::Closed && report.outcome == Some(Outcome::Handled) {
                        let rules = &policy.closing;
                        prop_assert!(evidence || !rules.after_photo_from.reached(report.severity));
                        prop_assert!(
                            report.self_verified
                                || report.resolved_by != Some(actor.officer_id)
                                || !rules.other_person_from.reached(report.severity)
                        );
                        let by_tier = match report.holder_tier {
                            Tier::Group => rules.group.includes(report.severity),
                            Tier::Village => rules.village.includes(report.severity),
                            Tier::Town => true,
                        };
                        prop_assert!(by_tier);
                    }
                    holds(&report, &people, &policy, now)?;
                }
                Err(refusal) => {
                    let by_body = matches!(refusal.code, Code::ValidationFailed | Code::TargetInvalid | Code::ResultRequired)
                        || matches!((&action, refusal.code), (Action::Close { .. }, Code::AfterPhotoRequired | Code::OtherPersonCloses));
                    prop_assert!(!listed || by_body, "{action:?} was allowed and refused: {refusal:?}");
                }
            }
            // Nobody from outside the path ever acts, but the reporter and the handler.
            let outsider = !actor.acting().any(|posting| posting.grid.covers(report.place))
                && report.reporter_id != actor.officer_id
                && report.handler.is_none();
            if outsider {
                prop_assert!(allowed_actions(&report, actor, &context).iter().all(|entry| entry.action == ActionKind::Comment));
            }
        }
    }
}

/// Everybody is there, and nobody leaves.
fn everybody() -> People {
    let nobody = Leaving {
        officers: Vec::new(),
        teams_left: 2,
        after: 0,
    };
    people(&[true; 8], &[vec![0x11], vec![0x13]], &nobody)
}

#[test]
fn work_is_assigned_to_a_grid_an_officer_or_a_team() {
    let (people, policy) = (everybody(), gridpatrol_domain::report::Policy::default());
    let context = Context {
        staffing: people.at(start()),
        policy: &policy,
        calendar: Calendar::default(),
        evidence: false,
        now: start(),
    };
    let filing = Filing {
        id: Uuid::from_u128(0x99),
        place: group(1, 1),
        category: Category::LivingEnvironment,
        severity: Severity::General,
        source: Source::Patrol,
        disposition: Disposition::Keep,
        as_of: None,
    };
    for grid in [GridPath::town(TOWN), village(1)] {
        let actor = people
            .actors
            .iter()
            .find(|actor| actor.postings.iter().any(|one| one.grid == grid))
            .unwrap();
        let report = file(&filing, actor, &context).unwrap().report;
        let allowed = allowed_actions(&report, actor, &context);
        let assign = allowed
            .iter()
            .find(|entry| entry.action == ActionKind::Assign)
            .unwrap();
        assert_eq!(assign.alternatives().len(), 3);
        assert_eq!(assign.requires(), ["grid_id"]);
        for requires in assign.requires_one_of {
            let said = (ActionKind::Assign, *requires, &[][..]);
            let body = sufficient(said, &report, actor, &people, start())
                .unwrap_or_else(|| panic!("{grid:?} has nobody by {requires:?}"));
            let done = decide(&report, &body, actor, &context);
            assert!(done.is_ok(), "{requires:?}: {done:?}");
        }
    }
}
