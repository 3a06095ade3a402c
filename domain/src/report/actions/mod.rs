//! What each action does to a report, one function each, grouped by what they are about.
//!
//! A function changes `next`, records what it did, and refuses what its body may not ask. Who may act
//! is checked before in `permission`; what follows every change is done after it in `consequences`.

pub(crate) mod assignment;
pub(crate) mod correction;
pub(crate) mod escalation;
pub(crate) mod extension;
pub(crate) mod referral;
pub(crate) mod reopening;
pub(crate) mod resolution;
pub(crate) mod supervision;
pub(crate) mod suspension;
pub(crate) mod takeover;
pub(crate) mod voiding;

pub use suspension::MOST_MILESTONES;

#[cfg(test)]
mod tests;
