//! More time, a rest and the county: what happens to them when nobody acts.

use super::*;
use crate::report::proceedings::{Extension, Milestone, Referral, Suspension};

#[test]
fn silence_refuses_more_time_and_the_step_goes_on() {
    let town = Town::new();
    let mut asking = at_village(&town);
    asking.proceedings.extension = Some(Extension {
        asked_by: Uuid::from_u128(9),
        asked_at: at("2026-11-19T10:00"),
        until: at("2026-11-27T17:00"),
        answer_due_at: at("2026-11-20T17:00"),
        step_since: asking.desk_since,
        step_due_at: at("2026-11-20T12:00"),
        accepted_at: None,
    });
    asking.next_due_at = Some(at("2026-11-20T17:00"));
    let steps = town.alone(&asking, 1);
    assert_eq!(told(&steps), [(Rule::Silence, at("2026-11-20T17:00"))]);
    let after = &steps[0].decision.report;
    assert_eq!(after.proceedings.extension, None);
    assert_eq!(after.deadline_at, asking.deadline_at);
    assert!(after.next_due_at > Some(at("2026-11-20T17:00")));
    assert_eq!(
        steps[0].decision.events[0].kind,
        EventKind::ExtensionRefused
    );
}

#[test]
fn what_is_suspended_is_looked_at_by_milestones_and_comes_back_to_the_town() {
    let town = Town::new();
    let mut suspended = at_village(&town);
    suspended.status = Status::Suspended;
    suspended.warning_due_at = None;
    let milestone = |due: &str| Milestone {
        due_at: at(due),
        title: "清淤".to_owned(),
    };
    suspended.proceedings.suspension = Some(Suspension {
        since: at("2026-11-18T12:00"),
        review_at: at("2026-12-18T12:00"),
        milestones: vec![milestone("2026-12-01T12:00"), milestone("2026-12-18T12:00")],
    });
    suspended.next_due_at = Some(at("2026-12-01T12:00"));
    let steps = town.alone(&suspended, 2);
    assert_eq!(
        told(&steps),
        [
            (Rule::Milestone, at("2026-12-01T12:00")),
            (Rule::Review, at("2026-12-18T12:00")),
        ]
    );
    let back = &steps[1].decision.report;
    assert_eq!((back.status, back.holder_tier), (Status::Open, Tier::Town));
    assert_eq!(back.proceedings.suspension, None);
    assert!(back.deadline_at > at("2026-12-18T12:00"));
    assert!(back.warning_due_at.is_some());
}

#[test]
fn the_town_is_reminded_of_a_county_that_does_not_reply() {
    let town = Town::new();
    let mut referred = at_village(&town);
    referred.holder_tier = Tier::Town;
    referred.warning_due_at = None;
    referred.proceedings.referral = Some(Referral {
        agency: "县生态环境局".to_owned(),
        reference: None,
        since: at("2026-11-18T12:00"),
        acknowledged_at: None,
        reply_due_at: at("2026-12-09T17:00"),
    });
    referred.next_due_at = Some(at("2026-12-09T17:00"));
    let steps = town.alone(&referred, 3);
    assert_eq!(
        told(&steps),
        [
            (Rule::ReplyLate, at("2026-12-09T17:00")),
            (Rule::ReplyLate, at("2026-12-10T09:00")),
            (Rule::ReplyLate, at("2026-12-11T09:00")),
        ]
    );
    let waiting = &steps[2].decision.report;
    assert_eq!(
        waiting.warning_level,
        WarningLevel::Green,
        "its clock stands still"
    );
    assert!(waiting.proceedings.referral.is_some());
}
