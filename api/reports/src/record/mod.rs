//! What is kept of a report: its row, its texts, how they are found, written and searched.

pub mod apply;
pub mod changes;
pub mod queries;
pub mod rows;
pub mod same_matter;
pub mod search;
