//! What is recorded of a report.
//!
//! Owns the kinds of events and the form of one. What the rules say in each stands in `event_data`.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::coded_value::coded_values;

coded_values! {
    /// What happened, as the record names it.
    EventKind {
        /// Received from a phone or a desk.
        Filed = "filed", "登记", "Filed";
        /// The village was told of a critical report that went straight to the town.
        VillageNotified = "village_notified", "通知村级", "Village notified";
        /// Sent up.
        Escalated = "escalated", "上报", "Escalated";
        /// The escalation was accepted.
        Approved = "approved", "同意上报", "Approved";
        /// The escalation was sent back.
        Returned = "returned", "退回", "Returned";
        /// The resolution did not pass.
        VerificationFailed = "verification_failed", "核查不通过", "Verification failed";
        /// The handler gave the work back.
        HandedBack = "handed_back", "退回交办", "Handed back";
        /// Given to a handler.
        Assigned = "assigned", "交办", "Assigned";
        /// Put right.
        Resolved = "resolved", "处置完成", "Resolved";
        /// Ended.
        Closed = "closed", "结案", "Closed";
        /// Taken out of the figures.
        Voided = "voided", "作废", "Voided";
        /// Another report turned out to be about the same matter.
        DuplicateLinked = "duplicate_linked", "合并重复件", "A duplicate was linked";
        /// Its matter came back after it was closed, and was filed anew.
        ReboundLinked = "rebound_linked", "反弹件登记", "A rebound was linked";
        /// It is about a matter that came back after it was closed.
        FiledAsRebound = "filed_as_rebound", "登记为反弹", "Filed as a rebound";
        /// It was said to be a rebound, and could not be linked.
        ReboundUnlinked = "rebound_unlinked", "反弹未关联", "Not linked as a rebound";
        /// Taken back.
        Restored = "restored", "恢复", "Restored";
        /// Ledger fields changed.
        Amended = "amended", "修改", "Amended";
        /// Category, severity or grid changed.
        Reclassified = "reclassified", "重新分类", "Reclassified";
        /// Its grid moved or ended, and it followed.
        Relocated = "relocated", "随网格调整", "Relocated";
        /// The desk confirmed that it has it.
        Accepted = "accepted", "受理", "Accepted";
        /// The handler refused the work.
        Declined = "declined", "退单", "Declined";
        /// A superior made itself the holder.
        Taken = "taken", "提级办理", "Taken over";
        /// Given to another village or group.
        Transferred = "transferred", "转办", "Transferred";
        /// Taken back after a lapse.
        Recalled = "recalled", "撤回", "Recalled";
        /// More time was asked for.
        ExtensionAsked = "extension_asked", "申请延期", "Extension asked for";
        /// More time was granted.
        ExtensionGranted = "extension_granted", "同意延期", "Extension granted";
        /// More time was refused; by the system, when nobody answered.
        ExtensionRefused = "extension_refused", "不同意延期", "Extension refused";
        /// It rests until a review.
        Suspended = "suspended", "挂账", "Suspended";
        /// It goes on.
        Resumed = "resumed", "恢复办理", "Resumed";
        /// Whoever has it was reminded by somebody.
        Urged = "urged", "催办", "Urged";
        /// The town demands that a tier below puts it right.
        Supervised = "supervised", "督办", "Supervised";
        /// Sent to the county.
        Referred = "referred", "移送县级", "Referred to the county";
        /// The county has it.
        ReferralAcknowledged = "referral_acknowledged", "县级已签收", "Acknowledged by the county";
        /// The county replied.
        ReferralReplied = "referral_replied", "县级已回复", "Replied by the county";
        /// A new round began.
        Reopened = "reopened", "重新办理", "Reopened";
        /// 超时自动上报: the system sent it up, because a step was over and nobody had acted. No approval.
        Lapsed = "lapsed", "超时自动上报", "Sent up by lapse of time";
        /// The handler's time was over, and the work came back to the holder.
        HandlerLapsed = "handler_lapsed", "交办超时收回", "Taken back by lapse of time";
        /// The desk was reminded by the system.
        Reminded = "reminded", "系统提醒", "Reminded";
        /// So much of the limit is used up that it is due soon: yellow.
        DueSoon = "due_soon", "临期预警", "Due soon";
        /// The deadline has passed: red.
        Overdue = "overdue", "超期", "Overdue";
        /// It has been overdue for so long that the town should supervise it.
        SupervisionDue = "supervision_due", "应督办", "Supervision is due";
        /// It has been overdue for so long that the town should make it known.
        CircularDue = "circular_due", "应通报", "A circular is due";
        /// A milestone of a suspension has come.
        MilestoneDue = "milestone_due", "挂账节点到期", "Milestone due";
        /// Somebody said something.
        Commented = "commented", "留言", "Commented";
        /// A photo's content arrived.
        PhotoArrived = "photo_arrived", "照片到达", "Photo arrived";
        /// Personal data was erased from it.
        DataErased = "data_erased", "删除个人信息", "Personal data erased";
    }
}

/// One entry of the record. Texts and names stand only in `payload`, which can be erased.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The officer on whose behalf the actor acted.
    pub on_behalf_of: Option<Uuid>,
    /// What was said and changed.
    pub payload: Map<String, Value>,
}
