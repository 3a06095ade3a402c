//! A report: what it is, what may happen to it, and by when.
//!
//! Where to read: `state` is a report; `lifecycle` decides on an action, `permission` says who may,
//! `actions` what each does, `consequences` what follows every change; `lapse` is what happens by
//! itself, `deadlines` by when, `filing` the first state. Files use those above them in this list and
//! never the other way round:
//!
//! ```text
//! code, refusal, event, proceedings, handler, assignment
//! state, action, event_data
//! closing, deadlines, decision
//! holding, pause, change, permission
//! actions, consequences
//! lifecycle, allowed, filing, lapse, relocation, rebound
//! ```

pub mod action;
mod actions;
pub mod allowed;
pub mod assignment;
mod change;
pub mod closing;
pub mod code;
mod consequences;
pub mod deadlines;
pub mod decision;
pub mod event;
pub mod event_data;
pub mod filing;
pub mod handler;
mod holding;
pub mod lapse;
pub mod lifecycle;
mod pause;
pub mod permission;
pub mod proceedings;
pub mod reason;
pub mod rebound;
pub mod refusal;
pub mod relocation;
pub mod state;

pub use action::{Action, ActionKind, Verdict};
pub use actions::MOST_MILESTONES;
pub use assignment::Assignment;
pub use code::{Disposition, Duty, Outcome, PhotoRole, Severity, Source, Status, WarningLevel};
pub use deadlines::Policy;
pub use decision::{Context, Decision};
pub use event::{Event, EventKind};
pub use handler::Handler;
pub use proceedings::Proceedings;
pub use refusal::Refusal;
pub use state::{Desk, Report, Returns};

pub use crate::category::{Category, Subtype};
