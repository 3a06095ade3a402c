//! Sending a report to the county (移送), and what comes back from there.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::Span;
use crate::report::change::Change;
use crate::report::decision::Context;
use crate::report::event_data::EventData;
use crate::report::pause::{Pause, give_back, give_back_to_handler};
use crate::report::proceedings::Referral;
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// Sends it to an agency of the county.
pub(crate) fn refer(
    change: &mut Change<'_>,
    agency: &str,
    reference: Option<&str>,
    reason: &str,
    reply_by: Option<DateTime<Utc>>,
) -> Result<(), Refusal> {
    let (context, now) = (change.context, change.context.now);
    let reply_due_at = reply_by.unwrap_or_else(|| {
        let days = context.policy.proceedings.referral_reply_working_days;
        context.calendar.after(now, Span::WorkingDays(days))
    });
    if reply_due_at <= now {
        return Err(Refusal::invalid(
            "/reply_by",
            "The day of the reply must lie ahead.",
        ));
    }
    change.next.proceedings.referral = Some(Referral {
        agency: agency.to_owned(),
        reference: reference.map(str::to_owned),
        since: now,
        acknowledged_at: None,
        reply_due_at,
    });
    change.record(&EventData::Referred {
        agency,
        reference,
        reason,
        reply_due_at,
    });
    Ok(())
}

/// Records that the county has it.
pub(crate) fn acknowledge(change: &mut Change<'_>, reference: Option<&str>, comment: Option<&str>) {
    if let Some(referral) = &mut change.next.proceedings.referral {
        referral.acknowledged_at = Some(change.context.now);
        if let Some(reference) = reference {
            referral.reference = Some(reference.to_owned());
        }
    }
    change.record(&EventData::ReferralAcknowledged { reference, comment });
}

/// Records the county's reply: the town goes on with it.
pub(crate) fn reply(change: &mut Change<'_>, reply: &str) {
    let (context, next) = (change.context, &mut change.next);
    let before = next.deadline_at;
    if let Some(pause) = come_back(next, context) {
        give_back_to_handler(next, pause, context);
    }
    let after = next.deadline_at;
    change.record(&EventData::ReferralReplied {
        reply,
        before,
        after,
    });
}

/// The report is back from the county: that time counts neither towards its deadline nor as the town's
/// own. Answers from when until when it was there.
pub(crate) fn come_back(report: &mut Report, context: &Context<'_>) -> Option<Pause> {
    let pause = (report.proceedings.referral.take()?.since, context.now);
    report.away += (pause.1 - pause.0).max(TimeDelta::zero());
    give_back(report, pause, context);
    Some(pause)
}
