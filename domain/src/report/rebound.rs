//! Rebounds: a matter that came back after its report was closed, filed as a report of its own
//! (DOMAIN.md 2). Its report is not reopened by that; `actions::reopening` does so.
//!
//! Owns what becomes of such a filing. It is never refused for this reason: an offline phone cannot ask.

use chrono::{DateTime, TimeDelta, Utc};

use super::code::Status;
use super::state::Report;
use crate::grid::GridPath;

/// What becomes of a filing that names a report whose matter came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebound {
    /// Both are linked.
    Linked {
        /// The report that is named, afterwards.
        original: Box<Report>,
        /// Whether it counts as a rebound: it came back soon enough.
        counted: bool,
    },
    /// They are not linked: the named report is not closed, or belongs to another town.
    NotLinked,
}

/// What becomes of a filing for `place` that names `original`, about what was seen at `seen_at`:
/// it counts within so many days of closing.
#[must_use]
pub fn rebound(original: &Report, place: GridPath, seen_at: DateTime<Utc>, days: u32) -> Rebound {
    let Some(closed_at) = original
        .closed_at
        .filter(|_| original.status == Status::Closed)
        .filter(|_| original.place.town_id() == place.town_id())
    else {
        return Rebound::NotLinked;
    };
    let counted = seen_at <= closed_at + TimeDelta::days(i64::from(days));
    Rebound::Linked {
        original: Box::new(Report {
            rebounds: original.rebounds + u32::from(counted),
            ..original.clone()
        }),
        counted,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::calendar::Calendar;
    use crate::officer::{Actor, Covers, Posting, Role, Staffing};
    use crate::report::filing::{Filing, file};
    use crate::report::{Category, Context, Disposition, Policy, Severity, Source};

    /// A report of a group that was put right on the spot and closed.
    fn closed() -> Report {
        let [town, village, group] = [1, 2, 3].map(Uuid::from_u128);
        let place = GridPath::group(town, village, group);
        let actor = Actor {
            officer_id: Uuid::from_u128(9),
            postings: vec![Posting {
                id: Uuid::nil(),
                role: Role::GroupLeader,
                grid: place,
                on_behalf_of: None,
                covers: Covers::All,
                manages: false,
            }],
            service: None,
        };
        let filing = Filing {
            id: Uuid::nil(),
            place,
            category: Category::StrawBurning,
            severity: Severity::Minor,
            source: Source::Patrol,
            disposition: Disposition::Resolved,
            as_of: None,
        };
        let context = Context {
            staffing: &Staffing::default(),
            policy: &Policy::default(),
            calendar: Calendar::default(),
            evidence: false,
            now: "2026-11-18T10:00:00+08:00".parse().unwrap(),
        };
        file(&filing, &actor, &context).unwrap().report
    }

    #[test]
    fn it_counts_for_so_long_and_is_linked_ever_after() {
        let original = closed();
        let closed_at = original.closed_at.unwrap();
        let after = |days| match rebound(
            &original,
            original.place,
            closed_at + TimeDelta::days(days),
            90,
        ) {
            Rebound::Linked {
                original: linked,
                counted,
            } => {
                let expected = Report {
                    rebounds: original.rebounds + u32::from(counted),
                    ..original.clone()
                };
                assert_eq!(*linked, expected, "nothing else changes");
                counted
            }
            Rebound::NotLinked => panic!("it is closed"),
        };
        // A phone's clock may say that it was seen before.
        assert!(after(-1) && after(0) && after(90));
        assert!(!after(91));
    }

    #[test]
    fn what_is_not_closed_or_lies_elsewhere_is_not_linked() {
        let original = closed();
        let seen_at = original.closed_at.unwrap();
        for status in [Status::Open, Status::Void] {
            let other = Report {
                status,
                ..original.clone()
            };
            assert_eq!(
                rebound(&other, original.place, seen_at, 90),
                Rebound::NotLinked
            );
        }
        let elsewhere = GridPath::town(Uuid::from_u128(99));
        assert_eq!(
            rebound(&original, elsewhere, seen_at, 90),
            Rebound::NotLinked
        );
    }
}
