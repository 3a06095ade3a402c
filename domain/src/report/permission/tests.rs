//! Every action belongs to somebody, and to nobody without a role.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::calendar::Calendar;
use crate::category::Category;
use crate::coded_value::CodedValue as _;
use crate::grid::GridPath;
use crate::officer::{Covers, Post, Posting, Role};
use crate::report::filing::{Filing, file};
use crate::report::handler::Handler;
use crate::report::proceedings::{Extension, Lapse, Referral};
use crate::report::{Disposition, Policy, Source};

const TOWN: GridPath = GridPath::town(Uuid::from_u128(1));
const VILLAGE: GridPath = GridPath::village(Uuid::from_u128(1), Uuid::from_u128(2));
const GROUP: GridPath = GridPath::group(Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));

fn of(role: Role, grid: GridPath) -> Actor {
    Actor {
        officer_id: Uuid::from_u128(100 + grid.id().as_u128()),
        postings: vec![Posting {
            id: Uuid::nil(),
            role,
            grid,
            on_behalf_of: None,
            covers: Covers::All,
            manages: false,
        }],
        service: None,
    }
}

fn people() -> [Actor; 3] {
    [
        of(Role::TownLeader, TOWN),
        of(Role::VillageSecretary, VILLAGE),
        of(Role::GroupLeader, GROUP),
    ]
}

/// The report in every status, at every holder, with and without what may be in progress.
fn states(now: DateTime<Utc>, filed: &Report) -> Vec<Report> {
    let mut states = Vec::new();
    for status in Status::ALL {
        for holder_tier in Tier::ALL {
            for progress in 0..5 {
                let mut report = Report {
                    status: *status,
                    holder_tier: *holder_tier,
                    accepted_at: None,
                    closed_at: (*status == Status::Closed).then_some(now),
                    ..filed.clone()
                };
                let proceedings = &mut report.proceedings;
                match progress {
                    1 => report.handler = Some(Handler::of(GROUP)),
                    2 => {
                        proceedings.extension = Some(Extension {
                            asked_by: Uuid::from_u128(7),
                            asked_at: now,
                            until: now + TimeDelta::days(9),
                            answer_due_at: now + TimeDelta::days(1),
                            step_since: now,
                            step_due_at: now + TimeDelta::days(1),
                            accepted_at: None,
                        });
                    }
                    3 => {
                        proceedings.referral = Some(Referral {
                            agency: "县生态环境分局".to_owned(),
                            reference: None,
                            since: now,
                            acknowledged_at: None,
                            reply_due_at: now + TimeDelta::days(9),
                        });
                    }
                    4 => {
                        proceedings.lapse = Some(Lapse {
                            tier: Tier::Village,
                            due_at: now,
                            at: now,
                        });
                    }
                    _ => {}
                }
                states.push(report);
            }
        }
    }
    states
}

#[test]
fn every_action_is_somebodys_and_none_is_an_auditors() {
    let now: DateTime<Utc> = "2026-11-18T10:00:00+08:00".parse().unwrap();
    let people = people();
    let staffing = Staffing::new(people.iter().map(|actor| Post {
        grid_id: actor.postings[0].grid.id(),
        officer_id: actor.officer_id,
        role: actor.postings[0].role,
        on_behalf_of: None,
        covers: Covers::All,
    }));
    let policy = Policy::default();
    let context = Context {
        staffing: &staffing,
        policy: &policy,
        calendar: Calendar::default(),
        evidence: true,
        now,
    };
    let filing = Filing {
        id: Uuid::from_u128(7),
        place: GROUP,
        category: Category::LivingEnvironment,
        severity: Severity::Minor,
        source: Source::Patrol,
        disposition: Disposition::Keep,
        as_of: None,
    };
    let filed = file(&filing, &people[2], &context).unwrap().report;
    let states = states(now, &filed);
    let auditor = of(Role::Auditor, TOWN);
    for kind in ActionKind::ALL {
        let may = |actor: &Actor| {
            let mut states = states.iter();
            states.any(|report| permitted(report, *kind, actor, &context).is_ok())
        };
        assert!(people.iter().any(may), "{kind} is nobody's");
        for report in &states {
            let refused = permitted(report, *kind, &auditor, &context).map_err(|no| no.code);
            assert_eq!(refused, Err(Code::NotPermitted), "{kind}");
        }
    }
}
