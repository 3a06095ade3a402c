//! How much is allowed: the `[traffic]` table of the settings.

use serde::Deserialize;

use super::Group;

/// Requests of one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute in the long run; 0: no limit.
    pub per_minute: u32,
    /// Requests at once, after a while without any.
    pub burst: u32,
}

/// The `[traffic]` table: what one caller may ask, and how long an answer may take. The bursts are
/// wide enough for a phone that comes back after a week with two hundred filings and their photos.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrafficSettings {
    /// Signing in and renewing, of one address. A whole county may share one.
    pub sign_in_per_minute: u32,
    /// At once.
    pub sign_in_burst: u32,
    /// Filing and acting, of one officer.
    pub filing_per_minute: u32,
    /// At once.
    pub filing_burst: u32,
    /// Reading one thing, of one officer.
    pub reads_per_minute: u32,
    /// At once.
    pub reads_burst: u32,
    /// Lists and searches, of one officer.
    pub lists_per_minute: u32,
    /// At once.
    pub lists_burst: u32,
    /// Uploads, of one officer.
    pub photos_per_minute: u32,
    /// At once.
    pub photos_burst: u32,
    /// Loading pictures, of one address.
    pub pictures_per_minute: u32,
    /// At once.
    pub pictures_burst: u32,
    /// Changes of grids, officers, accounts and settings, and packages of reports, of one officer.
    pub administration_per_minute: u32,
    /// At once.
    pub administration_burst: u32,
    /// Seconds until reading or listing must be answered.
    pub read_timeout_s: u64,
}

impl Default for TrafficSettings {
    fn default() -> Self {
        Self {
            sign_in_per_minute: 300,
            sign_in_burst: 600,
            filing_per_minute: 120,
            filing_burst: 600,
            reads_per_minute: 600,
            reads_burst: 1_200,
            lists_per_minute: 240,
            lists_burst: 480,
            photos_per_minute: 240,
            photos_burst: 2_000,
            pictures_per_minute: 3_000,
            pictures_burst: 6_000,
            administration_per_minute: 120,
            administration_burst: 240,
            read_timeout_s: 30,
        }
    }
}

impl TrafficSettings {
    /// What one caller may ask of a group.
    #[must_use]
    pub const fn allowance(&self, group: Group) -> Allowance {
        let (per_minute, burst) = match group {
            Group::SignIn => (self.sign_in_per_minute, self.sign_in_burst),
            Group::Filing => (self.filing_per_minute, self.filing_burst),
            Group::Reads => (self.reads_per_minute, self.reads_burst),
            Group::Lists => (self.lists_per_minute, self.lists_burst),
            Group::Photos => (self.photos_per_minute, self.photos_burst),
            Group::Pictures => (self.pictures_per_minute, self.pictures_burst),
            Group::Administration => (self.administration_per_minute, self.administration_burst),
        };
        Allowance { per_minute, burst }
    }

    /// No limits for callers, for measuring what the server can do.
    #[must_use]
    pub fn without_rates(mut self) -> Self {
        for rate in [
            &mut self.sign_in_per_minute,
            &mut self.filing_per_minute,
            &mut self.reads_per_minute,
            &mut self.lists_per_minute,
            &mut self.photos_per_minute,
            &mut self.pictures_per_minute,
            &mut self.administration_per_minute,
        ] {
            *rate = 0;
        }
        self
    }

    /// Every value that cannot be used, with what can.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = Group::ALL
            .into_iter()
            .flat_map(|group| {
                let Allowance { per_minute, burst } = self.allowance(group);
                [("per_minute", per_minute, 0), ("burst", burst, 1)]
                    .map(|(what, value, least)| (group, what, value, least))
            })
            .filter(|(_, _, value, least)| !(*least..=1_000_000).contains(value))
            .map(|(group, what, value, least)| {
                let group = group.code();
                format!("traffic.{group}_{what} is {value}; it must be between {least} and 1000000")
            })
            .collect();
        if !(1..=3600).contains(&self.read_timeout_s) {
            faults.push(format!(
                "traffic.read_timeout_s is {}; it must be between 1 and 3600",
                self.read_timeout_s
            ));
        }
        faults
    }
}
