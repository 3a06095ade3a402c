//! The performance goals that this run can check.

use std::io::Write as _;

use crate::figures::{Line, Table};
use crate::{Fallible, clock, creations, fairness, process, reads};

/// A quarter of the storage limit.
const CREATIONS: f64 = 0.25;
/// Half of what is filed when nothing else is asked.
const FAIRNESS: f64 = 0.5;
/// Flat: at most 1.2 times as long.
const FLAT: f64 = 1.0 / 1.2;
/// Within a factor of four of the bare queries.
const READS: f64 = 0.25;

/// Says of each bar whether the run keeps it, at the most connections.
pub fn print(table: &Table) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    for (work, least) in [
        (creations::FILING, CREATIONS),
        (reads::BY_ID, READS),
        (reads::BY_STATUS, READS),
        (fairness::BESIDE, FAIRNESS),
        (clock::SMALL, FLAT),
    ] {
        let widest = |line: &&Line| line.connections;
        let line = table
            .lines()
            .iter()
            .filter(|line| line.work.starts_with(work) && line.ratio().is_some())
            // The last of several: the largest size.
            .max_by_key(widest);
        let Some((line, ratio)) = line.and_then(|line| Some((line, line.ratio()?))) else {
            continue;
        };
        let over = line.connections.map_or_else(String::new, |connections| {
            format!(" over {connections} connections")
        });
        writeln!(
            out,
            "bar: {}{over}, ratio {ratio:.2}, at least {least:.2}: {}",
            line.work,
            if ratio >= least { "kept" } else { "MISSED" }
        )?;
    }
    if let Some(load) = process::machine_load() {
        writeln!(out, "load of the machine at the end: {load}")?;
    }
    Ok(())
}
