//! Notices: who is told of what happened to a report, and in which words.
//!
//! Owns who receives a notice, and the sentence that an app may show as it is. A notice leaves the
//! system: it names grids, codes and the number of the report, and persons only by id. When digests
//! are due and which hours are quiet stands in `hours`, when a delivery is tried again in `retry`. It
//! must not know how notices are kept or sent.

pub mod delivery;
pub mod hours;
pub mod kind;
pub mod retry;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::calendar::china;
use crate::coded_value::{CodedValue, coded_values};
use crate::grid::Tier;
use crate::officer::Staffing;
use crate::report::{EventKind, Report, Severity, Status};

coded_values! {
    /// Why somebody should know.
    Why as "RecipientReason" {
        /// Filed the report.
        Reporter = "reporter", "上报人", "Reporter";
        /// The report lies on their desk.
        Desk = "desk", "当前办理人", "It lies on their desk";
        /// It lay on their desk before.
        FormerDesk = "former_desk", "原办理人", "It lay on their desk before";
        /// It is their village's.
        Village = "village", "所在村", "It is their village's";
        /// Put it right.
        Resolver = "resolver", "处置人", "Put it right";
        /// Filed the same matter again, in a report that is void as a duplicate of it.
        DuplicateReporter = "duplicate_reporter", "重复件上报人", "Filed it again";
        /// Their grid holds it, whoever does the work.
        Holder = "holder", "责任网格", "Their grid holds it";
    }
}

coded_values! {
    /// How an officer is told of what they should know. What they must act on is told at once always.
    NotificationMode {
        /// As it happens.
        AtOnce = "at_once", "即时提醒", "At once";
        /// Gathered, at the times that the town has set.
        Digest = "digest", "定时汇总", "In a digest";
    }
}

/// One who should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NoticeRecipient))]
pub struct Informed {
    /// The officer.
    pub officer_id: Uuid,
    /// Why.
    #[serde(rename = "as")]
    pub why: Why,
}

/// Who is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Who must act because of this event: the officers of the desk, or the town's where the town must
    /// press, deputies and fallbacks included.
    pub must_act: Vec<Uuid>,
    /// Who else should know, each once, by the first reason.
    pub should_know: Vec<Informed>,
    /// Who should know as well, but wants it gathered.
    pub in_digest: Vec<Informed>,
}

impl Recipients {
    /// Moves those who should know to the digest if they chose that. What breaks the
    /// quiet waits for no digest.
    #[must_use]
    pub fn gathered(
        mut self,
        severity: Severity,
        mode_of: impl Fn(Uuid) -> NotificationMode,
    ) -> Self {
        if !breaks_quiet(severity) {
            (self.in_digest, self.should_know) = self
                .should_know
                .into_iter()
                .partition(|one| mode_of(one.officer_id) == NotificationMode::Digest);
        }
        self
    }
}

/// What happened, as far as it decides who is notified.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// The report before; none when it was filed.
    pub before: Option<&'a Report>,
    /// The report afterwards.
    pub after: &'a Report,
    /// Who did it; none for the system.
    pub actor_id: Option<Uuid>,
    /// Who is posted where.
    pub staffing: &'a Staffing,
    /// Who filed the reports that are void as duplicates of it.
    pub filed_again_by: &'a [Uuid],
}

/// Whether those who filed the same matter again are told as well: how it ends, and that it goes on.
#[must_use]
pub const fn concerns_duplicates(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Closed | EventKind::Reopened | EventKind::Voided | EventKind::Restored
    )
}

impl Happening<'_> {
    /// Whether the report came to another desk, or to the same with another duty.
    fn moved(&self) -> bool {
        self.before
            .is_none_or(|before| !before.same_desk(self.after))
    }

    /// Which of these events calls the desk to act, if any: the last one that is the report's own
    /// way. An officer is called once for what one request did. Who is urged, reminded or supervised
    /// is called again, though nothing has moved.
    #[must_use]
    pub fn calling(&self, kinds: &[EventKind]) -> Option<usize> {
        let calls = |kind: &EventKind| match kind {
            EventKind::Urged | EventKind::Reminded | EventKind::Supervised => true,
            EventKind::VillageNotified => false,
            _ => self.moved(),
        };
        kinds.iter().rposition(calls)
    }

    /// Whether the town must act on this event, whoever has the report.
    fn calls_town(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::SupervisionDue | EventKind::CircularDue | EventKind::MilestoneDue => {
                !matches!(self.after.status, Status::Closed | Status::Void)
            }
            // It is the county that is late, and the town that asks there.
            EventKind::Reminded => {
                self.after.status == Status::Open && self.after.proceedings.referral.is_some()
            }
            _ => false,
        }
    }

    /// Who is told of an event. `calls`: it is the one that calls the desk to act.
    #[must_use]
    pub fn recipients(&self, kind: EventKind, calls: bool) -> Recipients {
        let desk = self.after.desk_officers(self.staffing);
        let must_act = if self.calls_town(kind) {
            self.staffing.officers(self.after.place.up_to(Tier::Town))
        } else if calls {
            desk.clone()
        } else {
            Vec::new()
        };
        let mut should_know: Vec<Informed> = Vec::new();
        let mut tell = |officers: Vec<Uuid>, why: Why| {
            for officer_id in officers {
                let known = Some(officer_id) == self.actor_id
                    || must_act.contains(&officer_id)
                    || should_know.iter().any(|one| one.officer_id == officer_id);
                if !known {
                    should_know.push(Informed { officer_id, why });
                }
            }
        };
        if kind == EventKind::VillageNotified {
            if let Some(village) = self.after.place.village_id() {
                let village = crate::grid::GridPath::village(self.after.place.town_id(), village);
                tell(self.staffing.officers(village), Why::Village);
            }
            return Recipients {
                must_act,
                should_know,
                in_digest: Vec::new(),
            };
        }
        // A photo follows its report: only those who work on it care when it arrives.
        if kind != EventKind::PhotoArrived {
            tell(vec![self.after.reporter_id], Why::Reporter);
        }
        if concerns_duplicates(kind) {
            tell(self.filed_again_by.to_vec(), Why::DuplicateReporter);
        }
        if matches!(self.after.status, Status::Closed | Status::Void)
            && let Some(resolver) = self.after.resolved_by
        {
            tell(vec![resolver], Why::Resolver);
        }
        if !self.moved() {
            tell(desk, Why::Desk);
        } else if let Some(before) = self.before {
            tell(before.desk_officers(self.staffing), Why::FormerDesk);
        }
        // Who holds it answers for the limit, and learns that it runs out, though another does the work.
        if matches!(
            kind,
            EventKind::DueSoon
                | EventKind::Overdue
                | EventKind::SupervisionDue
                | EventKind::CircularDue
        ) && self.after.status != Status::Void
        {
            tell(self.staffing.officers(self.after.holder()), Why::Holder);
        }
        Recipients {
            must_act,
            should_know,
            in_digest: Vec::new(),
        }
    }
}

/// What the sentence names.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The report's number.
    pub number: &'a str,
    /// The name of the grid where it is.
    pub place: &'a str,
    /// The name of the grid that must act; empty: none.
    pub desk: &'a str,
    /// The number of the report that it repeats, if it is void for that reason.
    pub original: Option<&'a str>,
}

/// A sentence for people in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NoticeText))]
pub struct Text {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// The sentence about an event.
#[must_use]
pub fn text(kind: EventKind, report: &Report, naming: &Naming<'_>, now: DateTime<Utc>) -> Text {
    let Naming {
        number,
        place,
        desk: desk_name,
        original,
    } = naming;
    let (category, severity) = (report.category, report.severity);
    let mut zh = format!(
        "【{}】{place}：{}（{}），编号{number}。",
        kind.label_zh(),
        category.label_zh(),
        severity.label_zh()
    );
    let mut en = format!(
        "{}: {} ({}), {place}, no. {number}.",
        kind.label_en(),
        category.label_en(),
        severity.label_en().to_lowercase()
    );
    match report.desk() {
        Some(desk) => {
            zh.push_str(&format!("待{desk_name}{}", desk.duty.label_zh()));
            en.push_str(&format!(
                " {desk_name}: {}",
                desk.duty.label_en().to_lowercase()
            ));
            if let Some(due) = report.next_due_at.map(china) {
                zh.push_str(&due.format("，%-m月%-d日%H:%M前").to_string());
                en.push_str(&due.format(" by %Y-%m-%d %H:%M").to_string());
            }
            if report.overdue(now) {
                zh.push_str("，已超期");
                en.push_str(", overdue");
            }
            zh.push('。');
            en.push('.');
        }
        None => {
            let how = match (report.status, report.outcome, original) {
                (Status::Closed, Some(outcome), _) => Some((
                    outcome.label_zh().to_owned(),
                    outcome.label_en().to_lowercase(),
                )),
                (Status::Void, _, Some(original)) => Some((
                    format!("与{original}重复"),
                    format!("a duplicate of no. {original}"),
                )),
                _ => None,
            };
            match how {
                Some((how_zh, how_en)) => {
                    zh.push_str(&format!("{}（{how_zh}）。", report.status.label_zh()));
                    en.push_str(&format!(" {} ({how_en}).", report.status.label_en()));
                }
                None => {
                    zh.push_str(&format!("{}。", report.status.label_zh()));
                    en.push_str(&format!(" {}.", report.status.label_en()));
                }
            }
        }
    }
    Text { zh, en }
}

/// The sentence of a digest: so many notices about so many reports.
#[must_use]
pub fn digest_text(notices: usize, reports: usize) -> Text {
    let plural = |count: usize, one: &str, more: &str| {
        format!("{count} {}", if count == 1 { one } else { more })
    };
    Text {
        zh: format!("【动态汇总】您关注的{reports}件事件有{notices}条新动态。"),
        en: format!(
            "Digest: {} about {} that you follow.",
            plural(notices, "notice", "notices"),
            plural(reports, "report", "reports")
        ),
    }
}

/// Whether the quiet hours do not hold for a report.
#[must_use]
pub const fn breaks_quiet(severity: Severity) -> bool {
    matches!(severity, Severity::Critical)
}

#[cfg(test)]
mod tests;
