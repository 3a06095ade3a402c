//! The scenarios of reports in the demonstration town, as data.
//!
//! Owns who does what and when. It must not decide what a step does: the domain does.

mod table;

use gridpatrol_domain::report::{Disposition, Severity, Source};

pub use table::COURSES;

/// Who acts, as seen from the report's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The leader of its group.
    Group,
    /// An officer of its village.
    VillageOfficer,
    /// The secretary of its village.
    Secretary,
    /// The town's officer.
    TownOfficer,
    /// The town's leader.
    TownLeader,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send it up, with a reason.
    Escalate(&'static str),
    /// Accept it, with a remark.
    Approve(&'static str),
    /// Accept it and send it on to the town, with a remark.
    ApproveFurther(&'static str),
    /// Send it back, with a reason.
    Return(&'static str),
    /// Give the work to the village.
    AssignVillage,
    /// Give the work to the team of the villages' officers.
    AssignTeam,
    /// Give the work to the group.
    AssignGroup,
    /// Give the work to the village's officer.
    AssignOfficer,
    /// Put right.
    PutRight,
    /// Close what was put right.
    Close,
    /// Put right and closed in one.
    CloseWithResult,
    /// There was nothing to put right; with a remark.
    Unfounded(&'static str),
    /// Handed to another authority; with a remark.
    Transferred(&'static str),
    /// Taken out of the figures, with a reason.
    Void(&'static str),
    /// Taken out as a duplicate of the report that it repeats.
    VoidDuplicate,
    /// Taken back, with a reason.
    Restore(&'static str),
    /// Graded anew.
    Grade(Severity),
    /// Given its category.
    Classify,
    /// Ledger fields are filled in.
    FillLedger,
    /// Something is said.
    Say(&'static str),
}

/// What a scenario may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Anything but a petition.
    Anything,
    /// What may be critical.
    Grave,
    /// A petition.
    Petition,
    /// Something an enterprise is responsible for, but no petition.
    Enterprise,
    /// Anything, and the filer cannot say what it is.
    Unclear,
    /// The same as an earlier report, filed by another group.
    Repetition,
}

/// A scenario.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// How many reports take it.
    pub reports: u8,
    /// Who files.
    pub filer: Part,
    /// What the filer asks for.
    pub disposition: Disposition,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// Who noticed; none: the usual mixture.
    pub source: Option<Source>,
    /// It is under way: so much of its limit has passed by now, in percent.
    pub passed: Option<(i32, i32)>,
    /// What happens, when, by whom.
    pub steps: &'static [(i32, Part, Step)],
}

const fn course(
    reports: u8,
    (filer, disposition, severity): (Part, Disposition, Severity),
    steps: &'static [(i32, Part, Step)],
) -> Course {
    Course {
        reports,
        filer,
        disposition,
        severity,
        about: match severity {
            Severity::Critical => About::Grave,
            _ => About::Anything,
        },
        source: None,
        passed: None,
        steps,
    }
}

impl Course {
    const fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    const fn noticed_by(self, source: Source) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    const fn under_way(self, from: i32, to: i32) -> Self {
        Self {
            passed: Some((from, to)),
            ..self
        }
    }

    /// Whether an after-photo is needed in the end.
    #[must_use]
    pub fn needs_evidence(&self) -> bool {
        self.severity >= Severity::Serious
            || self
                .steps
                .iter()
                .any(|(_, _, step)| *step == Step::Grade(Severity::Serious))
    }
}

#[cfg(test)]
mod tests {
    use super::{COURSES, Step};
    use gridpatrol_domain::coded_value::CodedValue;
    use gridpatrol_domain::report::{Disposition, Severity};

    #[test]
    fn the_courses_are_as_many_as_promised_and_their_steps_in_order() {
        let reports: u32 = COURSES.iter().map(|course| u32::from(course.reports)).sum();
        assert!((150..=250).contains(&reports), "{reports}");
        for course in COURSES {
            assert!(course.steps.is_sorted_by_key(|(when, ..)| *when));
        }
        for severity in Severity::ALL {
            assert!(COURSES.iter().any(|course| course.severity == *severity));
        }
        for disposition in Disposition::ALL {
            assert!(
                COURSES
                    .iter()
                    .any(|course| course.disposition == *disposition)
            );
        }
        let steps = || COURSES.iter().flat_map(|course| course.steps);
        assert!(steps().any(|(when, ..)| *when > 100));
        assert!(steps().any(|(_, _, step)| matches!(step, Step::Restore(_))));
    }
}
