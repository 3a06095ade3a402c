//! Measured values, and the table that shows them.
//!
//! Owns how values are printed. It must not measure anything.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use crate::Fallible;

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Done in a second.
    pub per_second: f64,
    /// Half took no longer.
    pub median: Duration,
    /// All but one in a hundred took no longer.
    pub slow: Duration,
    /// Processors' share that this process took: 1 is one processor.
    pub generator_cpu: Option<f64>,
    /// Processors' share that the server took.
    pub server_cpu: Option<f64>,
    /// Answers with another status than expected.
    pub failures: u64,
}

impl Measured {
    /// From how long each took.
    pub fn of(mut took: Vec<Duration>, within: Duration) -> Self {
        took.sort_unstable();
        let at = |share: usize| {
            let place = (took.len().saturating_sub(1) * share).div_ceil(100);
            took.get(place).copied().unwrap_or_default()
        };
        Self {
            per_second: took.len() as f64 / within.as_secs_f64().max(f64::MIN_POSITIVE),
            median: at(50),
            slow: at(99),
            ..Self::default()
        }
    }
}

/// What a figure is compared with.
#[derive(Debug, Clone)]
pub struct Beside {
    /// What it is.
    pub what: &'static str,
    /// How much of it in a second.
    pub per_second: f64,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Line {
    /// What was done.
    pub work: String,
    /// Over how many connections; none where there is none.
    pub connections: Option<usize>,
    /// What it came to.
    pub measured: Measured,
    /// What it is compared with.
    pub beside: Option<Beside>,
}

impl Line {
    /// The figure as a share of what it is compared with.
    pub fn ratio(&self) -> Option<f64> {
        self.beside
            .as_ref()
            .map(|beside| self.measured.per_second / beside.per_second)
    }
}

/// All that was measured on one database.
pub struct Table {
    title: &'static str,
    lines: Vec<Line>,
    facts: Vec<(String, String)>,
}

const HEAD: [&str; 10] = [
    "work",
    "connections",
    "per second",
    "p50 ms",
    "p99 ms",
    "beside",
    "per second",
    "ratio",
    "CPU generator",
    "CPU server",
];

impl Table {
    /// An empty one.
    pub fn new(title: &'static str) -> Self {
        Self {
            title,
            lines: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// Adds a line, and shows on standard error that there is progress.
    pub fn add(&mut self, line: Line) {
        eprintln!(
            "{}: {} {} {:.0}/s",
            self.title,
            line.work,
            line.connections
                .map(|connections| format!("({connections})"))
                .unwrap_or_default(),
            line.measured.per_second
        );
        self.lines.push(line);
    }

    /// Adds a single figure.
    pub fn fact(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.facts.push((what.into(), value.into()));
    }

    /// The lines so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Requests that were not answered as expected.
    pub fn failures(&self) -> u64 {
        self.lines.iter().map(|line| line.measured.failures).sum()
    }

    /// Writes it to standard output, as Markdown.
    pub fn print(&self) -> Fallible<()> {
        let mut rows: Vec<Vec<String>> = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(self.lines.iter().map(cells));
        let mut widths = HEAD.map(str::len);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = format!("\n{}\n\n", self.title);
        if !self.lines.is_empty() {
            for (number, row) in rows.iter().enumerate() {
                for (width, cell) in widths.iter().zip(row) {
                    write!(text, "| {cell:<width$} ")?;
                }
                text.push_str("|\n");
                if number == 0 {
                    for width in widths {
                        write!(text, "|{:-<1$}", "", width + 2)?;
                    }
                    text.push_str("|\n");
                }
            }
            text.push('\n');
        }
        for (what, value) in &self.facts {
            writeln!(text, "{what}: {value}")?;
        }
        std::io::stdout().lock().write_all(text.as_bytes())?;
        Ok(())
    }
}

fn cells(line: &Line) -> Vec<String> {
    let measured = &line.measured;
    let milliseconds = |took: Duration| {
        if took.is_zero() {
            String::new()
        } else {
            format!("{:.2}", took.as_secs_f64() * 1000.0)
        }
    };
    let share =
        |cpu: Option<f64>| cpu.map_or_else(String::new, |cpu| format!("{:.0} %", cpu * 100.0));
    let mut work = line.work.clone();
    if measured.failures > 0 {
        work.push_str(&format!(" ({} FAILED)", measured.failures));
    }
    vec![
        work,
        line.connections
            .map_or_else(String::new, |connections| connections.to_string()),
        amount(measured.per_second),
        milliseconds(measured.median),
        milliseconds(measured.slow),
        line.beside
            .as_ref()
            .map_or_else(String::new, |beside| beside.what.to_owned()),
        line.beside
            .as_ref()
            .map_or_else(String::new, |beside| amount(beside.per_second)),
        line.ratio()
            .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        share(measured.generator_cpu),
        share(measured.server_cpu),
    ]
}

fn amount(per_second: f64) -> String {
    if per_second < 100.0 {
        format!("{per_second:.1}")
    } else {
        format!("{per_second:.0}")
    }
}
