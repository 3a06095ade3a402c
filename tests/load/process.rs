//! What a process has used, from `/proc` on Linux. Other systems give no values.

use std::time::Duration;

/// The unit of times in `/proc`: a hundredth of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// Processor time used so far by a process, or by this one.
pub fn cpu(process: Option<u32>) -> Option<Duration> {
    let path = process.map_or_else(
        || "/proc/self/stat".to_owned(),
        |process| format!("/proc/{process}/stat"),
    );
    let stat = std::fs::read_to_string(path).ok()?;
    // The name in parentheses may hold anything; user and system time are 14th and 15th of all.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// Memory of a process that is resident, in megabytes.
pub fn resident_megabytes(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// The load of the machine over the last minute.
pub fn machine_load() -> Option<String> {
    let load = std::fs::read_to_string("/proc/loadavg").ok()?;
    load.split_whitespace().next().map(str::to_owned)
}
