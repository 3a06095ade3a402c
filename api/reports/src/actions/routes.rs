//! The routes that act on a report: one operation for each action, all built the same way.
//!
//! Owns the HTTP side and nothing else. Each answers 200 with the whole report.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use gridpatrol_domain::report::{Action, Outcome, PhotoRole};

use crate::actions::action_translation::Asked;
use crate::actions::commands::{self, Acting};
use crate::actions::requests::{
    Approval, Assignment, Closing, Comment, Escalating, Reclassification, Resolution, Restoring,
    Returning, Voiding,
};
use crate::filing::request::PhotoDeclaration;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::Viewer;
use crate::view::response::Report;
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::refusals;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;

refusals! {
    Escalate = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, NothingAbove];
    Approve = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus];
    Return = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, NotHolder, ReturnLimit];
    Assign = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, TargetInvalid];
    Resolve = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, PhotoTaken, PhotoRejected, LimitReached];
    Close = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, HigherTierCloses, AfterPhotoRequired, OtherPersonCloses, ResultRequired];
    Void = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus];
    Restore = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus];
    Reclassify = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, TargetInvalid];
    Say = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, PhotoTaken, PhotoRejected, LimitReached];
}

/// Adds the operations of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(escalate_report)
        .service(approve_report)
        .service(return_report)
        .service(assign_report)
        .service(resolve_report)
        .service(close_report)
        .service(void_report)
        .service(restore_report)
        .service(reclassify_report)
        .service(comment_report);
}

/// Does to the report what the body asks for, and answers with the report.
pub(super) async fn act<B>(
    services: Data<Services>,
    call: Call<ById, (), B>,
    asked: impl FnOnce(B) -> (Asked, Vec<PhotoDeclaration>, PhotoRole),
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let ticket = call.ticket();
    let (store, now) = (call.store, call.now);
    let (asked, photos, usual_role) = asked(call.body);
    let acting = Acting {
        id: call.path.id,
        asked,
        photos,
        usual_role,
        if_match: call.if_match,
    };
    let inner = services.clone();
    idempotency::run(&store, now, ticket, move |conn| {
        let stored = commands::act(conn, &inner, &viewer, &acting)?;
        // A replay answers this again, so it is put together and kept in the same transaction.
        Ok(Answer::ok(&stored.present(&inner, &viewer))?)
    })
    .await
}

/// Wraps an action that needs no lookup and has no photos.
pub fn plain(action: Action) -> (Asked, Vec<PhotoDeclaration>, PhotoRole) {
    (Asked::Action(action), Vec::new(), PhotoRole::Other)
}

/// Declares an operation that acts on a report.
macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $operation:literal, $path:literal, $body:ident, $refusals:ident, $asked:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            operation_id = $operation,
            tag = "actions",
            request_body = $body,
            params(ById),
            responses((status = 200, body = Report, description = "The report as it stands."), $refusals)
        )]
        #[post($path)]
        pub async fn $name(services: Data<Services>, call: Call<ById, (), $body>) -> Result<HttpResponse, Problem> {
            act(services, call, $asked).await
        }
    };
}
pub(super) use action;

action!(
    /// Sends a report up
    ///
    /// For the holder at a group or a village. What a village secretary sends up is decided thereby.
    escalate_report, "escalateReport", "/v1/reports/{id}/escalate", Escalating, Escalate,
    |body| plain(Action::Escalate { reason: body.reason })
);

action!(
    /// Accepts an escalation
    ///
    /// For the village's secretary, a deputy, or the town. `further` sends what a group sent on to
    /// the town in the same step.
    approve_report, "approveReport", "/v1/reports/{id}/approve", Approval, Approve,
    |body| plain(Action::Approve { further: body.further, comment: body.comment })
);

action!(
    /// Sends a report back
    ///
    /// An escalation to its sender (at most twice), a resolution that does not pass to whoever did the
    /// work, or assigned work to the holder.
    return_report, "returnReport", "/v1/reports/{id}/return", Returning, Return,
    |body| plain(Action::Return { reason: body.reason })
);

action!(
    /// Gives the work to a grid or an officer below, or to a team
    ///
    /// For the holder at a village or the town. The holder keeps answering for the report; the handler
    /// does the work, and is asked to have done it by `due_at`. One leads: the officer named, or the
    /// team's lead; the other members and the co-handlers have it in their inbox too, and may accept,
    /// ask for time and put it right. Giving it back (`return`, `decline`) is the lead's. Where nobody
    /// named is there any more, the officers of the handler's grid act, for a team those of the holder.
    assign_report, "assignReport", "/v1/reports/{id}/assign", Assignment, Assign,
    |body| (Asked::Assign(body), Vec::new(), PhotoRole::Other)
);

action!(
    /// Says that it was put right
    ///
    /// The lowest grid from the holder upward whose officers may close it verifies.
    resolve_report, "resolveReport", "/v1/reports/{id}/resolve", Resolution, Resolve,
    |body| (Asked::Action(Action::Resolve { result: body.result }), body.photos, PhotoRole::After)
);

action!(
    /// Ends a report
    ///
    /// By the closing rule; `allowed_actions` of the report names the outcomes that are possible.
    close_report, "closeReport", "/v1/reports/{id}/close", Closing, Close,
    |body| plain(Action::Close {
        // The body was checked before, so the outcome is known.
        outcome: body.outcome.get().unwrap_or(Outcome::Handled),
        result: body.result,
        comment: body.comment,
    })
);

action!(
    /// Takes a report out of the figures
    ///
    /// For the town; for the secretary if it is a duplicate; for the reporter before anybody acted.
    void_report, "voidReport", "/v1/reports/{id}/void", Voiding, Void,
    |body| plain(Action::Void { reason: body.reason, duplicate_of: body.duplicate_of })
);

action!(
    /// Takes a voided report back
    ///
    /// For the town. The report goes on where it stood, with the deadline it had.
    restore_report, "restoreReport", "/v1/reports/{id}/restore", Restoring, Restore,
    |body| plain(Action::Restore { reason: body.reason })
);

action!(
    /// Changes category, severity or grid
    ///
    /// Another limit counts from receipt, or from reopening, with what was granted beyond the former; only
    /// the town makes the deadline later, and a corrected place moves none. What becomes critical
    /// moves to the town.
    reclassify_report, "reclassifyReport", "/v1/reports/{id}/reclassify", Reclassification, Reclassify,
    |body| (Asked::Reclassify(body), Vec::new(), PhotoRole::Other)
);

action!(
    /// Says something about a report
    ///
    /// For whoever sees it, at any time. Nothing else about the report changes, its version neither.
    comment_report, "commentReport", "/v1/reports/{id}/comment", Comment, Say,
    |body| (Asked::Action(Action::Comment { text: body.text }), body.photos, PhotoRole::Other)
);
