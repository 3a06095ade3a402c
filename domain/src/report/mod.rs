//! A report: what it is, what may happen to it, and by when.

pub mod code;

pub use code::{
    Category, Disposition, Duty, Outcome, PhotoRole, Severity, Source, Status, Subtype,
};
