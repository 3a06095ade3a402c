//! What a caller is told when a report is not theirs to see, or the rules refuse.

use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::report::allowed::allowed_actions;
use gridpatrol_domain::report::{Context, Refusal, Report};

use crate::view::present::Viewer;
use gridpatrol_problem::{FieldError, Problem};

/// No such report within the caller's scope.
pub fn not_found() -> Problem {
    Problem::new(Code::NotFound).detail("There is no report of this id within your grids.")
}

/// The problem for a refusal of the domain; a conflict names what is possible instead.
pub fn refused(refusal: Refusal, at: Option<(&Report, &Viewer, &Context<'_>)>) -> Problem {
    if let Some(pointer) = refusal.pointer {
        return Problem::invalid(vec![FieldError::new(
            pointer,
            "not_allowed",
            refusal.detail,
        )]);
    }
    let mut problem = Problem::new(refusal.code).detail(refusal.detail);
    if let Some((report, viewer, context)) = at.filter(|_| refusal.code.status() == 409) {
        problem.current_version = Some(report.version);
        problem.allowed_actions = Some(
            allowed_actions(report, &viewer.actor, context)
                .into_iter()
                .map(|allowed| allowed.action.code().to_owned())
                .collect(),
        );
    }
    problem
}
