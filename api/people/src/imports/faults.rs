//! Collects what is wrong with the lines of a file. It must not know what a line means.

/// The most bad lines that we list. We count all of them.
pub const MOST_NAMED: i64 = 1000;

/// A bad line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number in the file, from 1; the header is line 1.
    pub line: i64,
    /// The column, if one is wrong.
    pub column: Option<&'static str>,
    /// A stable code of the reason.
    pub code: &'static str,
    /// What is wrong and what to do about it.
    pub detail: String,
}

/// Bad lines: lists the first ones and counts the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The listed ones.
    pub named: Vec<Fault>,
    /// How many there are in all.
    pub total: i64,
}

impl Faults {
    /// Adds one.
    pub fn add(
        &mut self,
        line: i64,
        column: impl Into<Option<&'static str>>,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        self.total += 1;
        if self.total <= MOST_NAMED {
            self.named.push(Fault {
                line,
                column: column.into(),
                code,
                detail: detail.into(),
            });
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}
