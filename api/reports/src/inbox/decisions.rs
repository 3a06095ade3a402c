//! Many decisions in one request: what each one asks for, and its result.
//!
//! Owns the shapes, the coded reasons, and how an interrupted request continues. Each decision is a
//! transaction of its own with an idempotency key derived from the key of the request, so a repeated
//! request does what is missing and repeats nothing. If the database fails half-way, the rest is not
//! tried, and the answer says what is left beside what was done. `commands` carries out each
//! decision.

use std::collections::HashSet;
use std::sync::OnceLock;

use futures_util::StreamExt as _;
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::report::reason::{ReturnReason, VoidReason};
use gridpatrol_domain::report::{Action, Outcome, PhotoRole, Status, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actions::action_translation::Asked;
use crate::actions::commands::{self, Acting};
use crate::filing::request::longest;
use crate::services::Services;
use crate::view::present::{self, Viewer};
use crate::view::stored::Stored;
use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::etag::IfMatch;
use gridpatrol_http::idempotency::{self, Answer, Ticket};
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_problem::{Document, Problem};
use gridpatrol_store::Store;

/// The most decisions in one request.
pub const MOST: usize = 100;
/// How many decisions run at a time: enough to share a commit, few enough to leave room for other
/// requests.
const AT_ONCE: usize = 8;

/// Many decisions.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"decisions": [
    {"report_id": "0192f7a0-0000-7000-8000-0000000000c1", "action": "approve", "further": true},
    {"report_id": "0192f7a0-0000-7000-8000-0000000000c2", "action": "return", "reason_code": "unclear_photos"}
]})))]
pub struct Decisions {
    /// One to a hundred, each about another report.
    #[schema(min_items = 1, max_items = 100)]
    pub decisions: Vec<Decision>,
}

/// One decision.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboxDecision)]
pub struct Decision {
    /// The report.
    pub report_id: Uuid,
    /// What is decided.
    pub action: Choice<Verdict>,
    /// The version that was read: another one is refused with `version_mismatch`.
    #[schema(minimum = 1)]
    pub version: Option<i64>,
    /// For `approve` of what a group sent: on to the town in the same step.
    #[serde(default)]
    pub further: bool,
    /// For `return`: `unclear_photos`, `missing_facts`, `within_means`, `wrong_place` or
    /// `insufficient`; for `void`: `duplicate`, `mistake`, `trial` or `out_of_scope`. Its Chinese words
    /// go before `reason`.
    #[schema(example = "unclear_photos", max_length = 60)]
    pub reason_code: Option<String>,
    /// For `return` and `void`, which need it or `reason_code`; for `escalate` if you like. At most 800
    /// characters.
    #[schema(max_length = 800)]
    pub reason: Option<String>,
    /// For `approve` and `close`: a remark, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub comment: Option<String>,
    /// For `close`: how it ended.
    pub outcome: Option<Choice<Outcome>>,
    /// For `close` of an open report as handled: what was done, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub result: Option<String>,
    /// For `void`: the report it repeats. A village secretary must name it.
    pub duplicate_of: Option<Uuid>,
}

/// The longest free reason, in characters.
const LONGEST_REASON: usize = 800;

impl Decision {
    /// The words of the coded reason; none if the code does not belong to this action.
    fn coded(&self) -> Option<&'static str> {
        let code = self.reason_code.as_deref()?;
        match self.action.get()? {
            Verdict::Return => ReturnReason::from_code(code).map(CodedValue::label_zh),
            Verdict::Void => VoidReason::from_code(code).map(CodedValue::label_zh),
            _ => None,
        }
    }

    /// The whole reason, with the coded words first.
    fn reason(&self) -> Option<String> {
        let said = self
            .reason
            .as_deref()
            .map(str::trim)
            .filter(|said| !said.is_empty());
        match (self.coded(), said) {
            (Some(coded), Some(said)) => Some(format!("{coded}：{said}")),
            (Some(coded), None) => Some(coded.to_owned()),
            (None, said) => said.map(str::to_owned),
        }
    }

    fn check(&self, errors: &mut Errors) {
        let action = self.action.check("action", errors);
        errors.text("reason", &self.reason, LONGEST_REASON);
        errors.text("comment", &self.comment, longest::STATEMENT);
        errors.filled("result", &self.result, longest::STATEMENT);
        errors.within("version", self.version, 1..=i64::MAX);
        self.outcome.check("outcome", errors);
        if self.reason_code.is_some() && self.coded().is_none() {
            let detail = format!(
                "Give one of: {} (return); {} (void).",
                slugs::<ReturnReason>(),
                slugs::<VoidReason>()
            );
            errors.add("reason_code", "not_allowed", detail);
        }
        let needs_reason = matches!(action, Some(Verdict::Return | Verdict::Void));
        if needs_reason && self.reason_code.is_none() && self.reason().is_none() {
            errors.add("reason", "required", "Give reason, reason_code, or both.");
        }
        if action == Some(Verdict::Close) && self.outcome.is_none() {
            errors.add(
                "outcome",
                "required",
                "Give the outcome: how the report ended.",
            );
        }
        self.check_members(action, errors);
    }

    /// Refuses members that this action does not take; otherwise they would be ignored silently.
    fn check_members(&self, action: Option<Verdict>, errors: &mut Errors) {
        use Verdict::{Approve, Close, Escalate, Return, Void};
        let Some(action) = action else { return };
        let given: [(&str, bool, &[Verdict]); 6] = [
            ("further", self.further, &[Approve]),
            ("reason", self.reason.is_some(), &[Return, Void, Escalate]),
            ("comment", self.comment.is_some(), &[Approve, Close]),
            ("outcome", self.outcome.is_some(), &[Close]),
            ("result", self.result.is_some(), &[Close]),
            ("duplicate_of", self.duplicate_of.is_some(), &[Void]),
        ];
        for (member, given, takes) in given {
            if given && !takes.contains(&action) {
                let detail = format!("The action {} does not accept this field.", action.code());
                errors.add(member, "not_allowed", detail);
            }
        }
    }

    /// The action of the domain. The decision was checked before.
    fn action(&self) -> Option<Action> {
        Some(match self.action.get()? {
            Verdict::Approve => Action::Approve {
                further: self.further,
                comment: self.comment.clone(),
            },
            Verdict::Return => Action::Return {
                reason: self.reason()?,
            },
            Verdict::Escalate => Action::Escalate {
                reason: self.reason(),
            },
            Verdict::Close => Action::Close {
                outcome: self.outcome.get()?,
                result: self.result.clone(),
                comment: self.comment.clone(),
            },
            Verdict::Void => Action::Void {
                reason: self.reason()?,
                duplicate_of: self.duplicate_of,
            },
        })
    }
}

fn slugs<T: CodedValue>() -> String {
    let slugs: Vec<&str> = T::ALL.iter().map(|value| value.code()).collect();
    slugs.join(", ")
}

impl Validate for Decisions {
    fn validate(&self, errors: &mut Errors) {
        if self.decisions.is_empty() {
            errors.add("decisions", "too_short", "Give at least one decision.");
        }
        errors.most("decisions", &self.decisions, MOST);
        errors.each("decisions", &self.decisions, Decision::check);
        let mut known = HashSet::new();
        for (place, decision) in self.decisions.iter().enumerate() {
            if !known.insert(decision.report_id) {
                errors.add_at(
                    &format!("/decisions/{place}/report_id"),
                    "not_allowed",
                    "A request may hold only one decision for each report.",
                );
            }
        }
    }
}

/// What became of many decisions.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"done": 1, "refused": 1, "left": 0, "items": [
    {"report_id": "0192f7a0-0000-7000-8000-0000000000c1", "status": 200, "report": {
        "version": 3, "status": "open", "status_text": "由示范镇（郑示范、韩样例）处置，11月21日 08:15前"}},
    {"report_id": "0192f7a0-0000-7000-8000-0000000000c2", "status": 409, "problem": {
        "type": "urn:gridpatrol:problem:wrong_status", "title": "当前状态不允许此操作", "status": 409,
        "code": "wrong_status", "current_version": 4, "allowed_actions": ["comment"]}}
]}))]
#[schema(as = DecisionResults)]
pub struct Decided {
    /// How many were done.
    pub done: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many are left, because the server could not serve: their status is 503, and nothing is known
    /// against them. Repeat the request, with its key; what was done is not done again.
    pub left: usize,
    /// One a decision, in the order of the request.
    pub items: Vec<DecisionResult>,
}

/// What became of one decision.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionResult {
    /// The report.
    pub report_id: Uuid,
    /// The HTTP status that this decision by itself would have been answered with.
    pub status: u16,
    /// The report as it stands afterwards, in short; absent where the decision was refused or is
    /// left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DecidedReport)]
    pub report: Option<Value>,
    /// Why it was refused, or is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Document<'static>)]
    pub problem: Option<Value>,
}

/// A report after a decision, in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecidedReport {
    /// Its version.
    version: i64,
    /// Where it stands.
    status: Status,
    /// The status in the caller's language, with who has it and until when.
    status_text: String,
}

impl DecidedReport {
    /// The report in the caller's words. Only this is kept for a replay, so only this is put together
    /// while the writer waits.
    fn of(stored: &Stored, viewer: &Viewer) -> Self {
        let staffed = &stored.staffed;
        let state = stored.row.state(|grid| staffed.town.path(grid));
        let people = staffed.desk_people(&state);
        Self {
            version: state.version,
            status: state.status,
            status_text: present::status_words(viewer, staffed, &state, &people),
        }
    }
}

/// Who decides, and with what.
pub struct Deciding {
    /// The database.
    pub store: Store,
    /// What commands of reports need.
    pub services: Services,
    /// The caller.
    pub viewer: Viewer,
    /// Recognises the request when it is repeated.
    pub ticket: Ticket,
}

/// Carries out the decisions, some at a time. A refused one does not stop the others. Once the
/// server cannot serve one of them, the rest is left undone.
///
/// # Errors `unavailable` or `overloaded`, if the server could serve none of them.
pub async fn decide(deciding: &Deciding, decisions: Vec<Decision>) -> Result<Decided, Problem> {
    let away = OnceLock::new();
    let items: Vec<DecisionResult> = futures_util::stream::iter(decisions)
        .map(|decision| one(deciding, decision, &away))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let count = |status| items.iter().filter(|item| item.status == status).count();
    let (done, left) = (count(200), count(AWAY));
    match away.into_inner() {
        Some(problem) if left == items.len() => Err(problem),
        _ => Ok(Decided {
            done,
            refused: items.len() - done - left,
            left,
            items,
        }),
    }
}

/// The status of a decision that the server could not serve.
const AWAY: u16 = 503;

/// Carries out one decision, or leaves it undone if the server could not serve an earlier one
/// (`away`).
async fn one(deciding: &Deciding, decision: Decision, away: &OnceLock<Problem>) -> DecisionResult {
    let report_id = decision.report_id;
    let answered = match away.get() {
        Some(problem) => Err(problem.clone()),
        None => decided(deciding, decision).await,
    };
    match answered {
        Ok(report) => DecisionResult {
            report_id,
            status: 200,
            report: Some(report),
            problem: None,
        },
        Err(problem) => {
            let status = problem.code.status();
            let document =
                serde_json::to_value(problem.document(deciding.viewer.language, None)).ok();
            if status == AWAY {
                // Only the first such problem is kept; any of them would do.
                drop(away.set(problem));
            }
            DecisionResult {
                report_id,
                status,
                report: None,
                problem: document,
            }
        }
    }
}

async fn decided(deciding: &Deciding, decision: Decision) -> Result<Value, Problem> {
    let invalid = || Problem::new(gridpatrol_domain::error::Code::ValidationFailed);
    let version = decision.version.map(|version| version.to_string());
    let if_match = version.as_deref().map(IfMatch::parse).transpose();
    let acting = Acting {
        id: decision.report_id,
        asked: Asked::Action(decision.action().ok_or_else(invalid)?),
        photos: Vec::new(),
        usual_role: PhotoRole::Other,
        if_match: if_match.map_err(|error| Problem::invalid(vec![error]))?,
    };
    let (services, viewer) = (deciding.services.clone(), deciding.viewer.clone());
    let part = deciding.ticket.part(&decision.report_id.to_string());
    let answered = idempotency::answered(&deciding.store, viewer.now, part, move |conn| {
        let stored = commands::act(conn, &services, &viewer, &acting)?;
        Ok(Answer::ok(&DecidedReport::of(&stored, &viewer))?)
    })
    .await?;
    serde_json::from_str(answered.body()).map_err(|error| {
        tracing::error!(%error, "a decision's answer cannot be read");
        Problem::new(gridpatrol_domain::error::Code::Internal)
    })
}
