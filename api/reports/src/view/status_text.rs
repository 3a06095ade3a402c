//! One sentence for people: who has the report, and until when.
//!
//! Owns the wording in both languages. It must not decide anything.

use chrono::{DateTime, FixedOffset, Utc};
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::report::{Duty, Report, Status};

use gridpatrol_problem::language::Language;

/// China has one time zone.
const BEIJING: Option<FixedOffset> = FixedOffset::east_opt(8 * 3600);

/// A time, written in Beijing time.
#[must_use]
pub fn beijing(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.with_timezone(
        &BEIJING.unwrap_or_else(|| FixedOffset::east_opt(0).unwrap_or(chrono::Offset::fix(&Utc))),
    )
}

/// Builds the sentence. `place` is the name of the desk's grid, `people` are those who must act.
#[must_use]
pub fn status_text(
    report: &Report,
    place: &str,
    people: &[String],
    now: DateTime<Utc>,
    language: Language,
) -> String {
    let status = report.status;
    let Some(desk) = report.desk() else {
        return match (
            language,
            report.outcome.filter(|_| status == Status::Closed),
        ) {
            (Language::Chinese, Some(outcome)) => {
                format!("{}（{}）", status.label_zh(), outcome.label_zh())
            }
            (Language::Chinese, None) => status.label_zh().to_owned(),
            (Language::English, Some(outcome)) => {
                format!(
                    "{} ({})",
                    status.label_en(),
                    outcome.label_en().to_lowercase()
                )
            }
            (Language::English, None) => status.label_en().to_owned(),
        };
    };
    let late = report.overdue(now);
    match language {
        Language::Chinese => {
            let who = if people.is_empty() {
                place.to_owned()
            } else {
                format!("{place}（{}）", people.join("、"))
            };
            let mut sentence = match desk.duty {
                Duty::Handle => format!("由{who}处置"),
                Duty::Decide => format!("待{who}审核上报"),
                Duty::Verify => format!("待{who}核查"),
                Duty::Grant => format!("待{who}审批延期"),
            };
            if let Some(due) = report.next_due_at {
                sentence.push_str(&beijing(due).format("，%-m月%-d日 %H:%M前").to_string());
            }
            if late {
                sentence.push_str("，已超期");
            }
            sentence
        }
        Language::English => {
            let who = if people.is_empty() {
                place.to_owned()
            } else {
                format!("{place} ({})", people.join(", "))
            };
            let mut sentence = match desk.duty {
                Duty::Handle => format!("{who} works on it"),
                Duty::Decide => format!("{who} decides on the escalation"),
                Duty::Verify => format!("{who} verifies it"),
                Duty::Grant => format!("{who} decides on more time"),
            };
            if let Some(due) = report.next_due_at {
                sentence.push_str(&beijing(due).format(", due %Y-%m-%d %H:%M").to_string());
            }
            if late {
                sentence.push_str(", overdue");
            }
            sentence
        }
    }
}
