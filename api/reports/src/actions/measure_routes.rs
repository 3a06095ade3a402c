//! The routes for measures: acceptance, handover, time limits, supervision, referral, reopening.
//!
//! Owns the HTTP side and nothing else. Like the routes in `routes`, each answers 200 with the whole
//! report.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use gridpatrol_domain::report::proceedings::Milestone;
use gridpatrol_domain::report::{Action, PhotoRole};

use crate::actions::action_translation::Asked;
use crate::actions::measures::{
    ExtensionGrant, ExtensionRequest, OptionalReason, ReferralAcknowledgement, ReferralOrder,
    ReferralReply, Remark, Reopening, RequiredReason, SupervisionOrder, SuspensionOrder,
    Transferral,
};
use crate::actions::routes::{act, action, plain};
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::response::Report;
use gridpatrol_http::refusals;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;

refusals! {
    Accept = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, AlreadyAccepted];
    Decline = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, DeclineOver];
    Take = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, NotAtDesk];
    Transfer = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, TargetInvalid];
    Recall = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, RecallOver];
    Extend = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, ExtensionOver];
    Answer = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, NothingAsked, OtherPersonGrants];
    Rest = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus];
    Urge = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotAtDesk, UrgedLately];
    Supervise = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, TargetInvalid];
    Refer = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, AlreadyReferred];
    FromCounty = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, NothingAsked];
    Reopen = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, VersionMismatch, WrongStatus, NotHolder, ReopenOver];
}

/// Adds the operations of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(accept_report)
        .service(decline_report)
        .service(take_report)
        .service(transfer_report)
        .service(recall_report)
        .service(extend_report)
        .service(grant_extension)
        .service(refuse_extension)
        .service(suspend_report)
        .service(resume_report)
        .service(urge_report)
        .service(supervise_report)
        .service(refer_report)
        .service(acknowledge_referral)
        .service(reply_to_referral)
        .service(reopen_report);
}

action!(
    /// Takes note that a report is one's own to do
    ///
    /// 受理. For the handler, or the holder where nobody handles it. Any other first act of theirs
    /// accepts it as well, so that nobody needs this who just does the work.
    accept_report, "acceptReport", "/v1/reports/{id}/accept", Remark, Accept,
    |body| plain(Action::Accept { comment: body.comment })
);

action!(
    /// Refuses work that was assigned
    ///
    /// 退单. For the handler: once, within a working day, and before accepting. The work goes back to
    /// the holder; the deadline stays.
    decline_report, "declineReport", "/v1/reports/{id}/decline", RequiredReason, Decline,
    |body| plain(Action::Decline { reason: body.reason })
);

action!(
    /// Makes one's own tier the holder
    ///
    /// 提级办理. For any tier above the holder, whoever's turn it is.
    take_report, "takeReport", "/v1/reports/{id}/take", OptionalReason, Take,
    |body| plain(Action::Take { reason: body.reason })
);

action!(
    /// Gives a report to another village or group
    ///
    /// 转办. For the holder and those above, within their own grids. The new grid holds it then, with
    /// the deadline that it has; what is critical stays with the town.
    transfer_report, "transferReport", "/v1/reports/{id}/transfer", Transferral, Transfer,
    |body| (Asked::Transfer(body), Vec::new(), PhotoRole::Other)
);

action!(
    /// Takes a report back that lapsed to the town
    ///
    /// 撤回. For the village's secretary, within two working days, once, and unless the town has acted.
    recall_report, "recallReport", "/v1/reports/{id}/recall", OptionalReason, Recall,
    |body| plain(Action::Recall { reason: body.reason })
);

action!(
    /// Asks for more time
    ///
    /// 申请延期. For whoever works on it, once, before the deadline. The tier above the holder decides
    /// within a working day, and the step clock stands still meanwhile; silence is refusal.
    extend_report, "extendReport", "/v1/reports/{id}/extend", ExtensionRequest, Extend,
    |body| plain(Action::Extend { until: body.until, reason: body.reason })
);

action!(
    /// Grants more time
    ///
    /// For the tier above the holder, and another person than the one who asked, where there is one.
    grant_extension, "grantExtension", "/v1/reports/{id}/grant", ExtensionGrant, Answer,
    |body| plain(Action::Grant { until: body.until, comment: body.comment })
);

action!(
    /// Refuses more time
    ///
    /// For those who may grant it. The step goes on with the time it had left.
    refuse_extension, "refuseExtension", "/v1/reports/{id}/refuse", RequiredReason, Answer,
    |body| plain(Action::Refuse { reason: body.reason })
);

action!(
    /// Lets a report rest until a review
    ///
    /// 挂账. For a leader of the town, where putting it right takes long. As much working
    /// time is left when it goes on as was left before; at the review it goes on by itself.
    suspend_report, "suspendReport", "/v1/reports/{id}/suspend", SuspensionOrder, Rest,
    |body| plain(Action::Suspend {
        reason: body.reason,
        review_at: body.review_at,
        milestones: body
            .milestones
            .into_iter()
            .map(|milestone| Milestone { due_at: milestone.due_at, title: milestone.title })
            .collect(),
    })
);

action!(
    /// Goes on with a suspended report
    ///
    /// For the town, before the review. It goes on where it stood.
    resume_report, "resumeReport", "/v1/reports/{id}/resume", Remark, Rest,
    |body| plain(Action::Resume { comment: body.comment })
);

action!(
    /// Reminds whoever has the report
    ///
    /// 催办. For those above the desk, and the reporter. Nothing else about the report changes, its
    /// version neither.
    urge_report, "urgeReport", "/v1/reports/{id}/urge", Remark, Urge,
    |body| plain(Action::Urge { comment: body.comment })
);

action!(
    /// Demands that a tier below puts it right
    ///
    /// 督办. For the town, which becomes the holder: the work goes to the tier that let it lapse, or that
    /// held it, to be done and answered by a day.
    supervise_report, "superviseReport", "/v1/reports/{id}/supervise", SupervisionOrder, Supervise,
    |body| (Asked::Supervise(body), Vec::new(), PhotoRole::Other)
);

action!(
    /// Sends a report to the county
    ///
    /// 移送. For the town as holder. The report stays open and the town answers for it, but the time
    /// until the reply is neither the town's own nor counted towards the deadline.
    refer_report, "referReport", "/v1/reports/{id}/refer", ReferralOrder, Refer,
    |body| plain(Action::Refer {
        agency: body.agency,
        reference: body.reference,
        reason: body.reason,
        reply_by: body.reply_by,
    })
);

action!(
    /// Records that the county has it
    ///
    /// For the town, once the agency has acknowledged the referral.
    acknowledge_referral, "acknowledgeReferral", "/v1/reports/{id}/acknowledge", ReferralAcknowledgement, FromCounty,
    |body| plain(Action::Acknowledge { reference: body.reference, comment: body.comment })
);

action!(
    /// Records what the county replied
    ///
    /// For the town. The report goes on there; its deadline moves by the time that it was away.
    reply_to_referral, "replyToReferral", "/v1/reports/{id}/reply", ReferralReply, FromCounty,
    |body| plain(Action::Reply { reply: body.reply })
);

action!(
    /// Begins a new round of a closed report
    ///
    /// For the grid that closed it and those above, within 90 days. The round has a deadline of its own;
    /// the age of the matter goes on.
    reopen_report, "reopenReport", "/v1/reports/{id}/reopen", Reopening, Reopen,
    |body| plain(Action::Reopen { reason: body.reason, rebound: body.rebound })
);
