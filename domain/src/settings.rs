//! The settings of a town, and since when each version of them holds.
//!
//! Owns the values that DOMAIN.md leaves open ([D]), their defaults and bounds, and the rule by which a
//! change never moves what was filed before. Each field says what it follows: what stands in `reports`
//! follows the receipt of the report in question, everything else the present. It must not know how
//! settings are kept.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::calendar::{QuietHours, Span, TimeOfDay, WorkingHours};
use crate::coded_value::CodedValue as _;
use crate::notice::NotificationMode;
use crate::report::Policy;
use crate::report::closing::UpTo;
use crate::validation::InvalidValue;

/// A change takes effect no earlier than this after it was asked for, so that no current request
/// stands on both sides of it.
pub const SOONEST: TimeDelta = TimeDelta::minutes(1);
/// And no later than this.
pub const LATEST: TimeDelta = TimeDelta::days(2 * 366);

/// The settings of a town. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TownSettings))]
pub struct Settings {
    /// Limits and closing rules. A report follows those that were in force when it was received.
    pub reports: Policy,
    /// What photos may be. Follows the present; the photos that a filing declares are always taken.
    pub photos: PhotoRules,
    /// The night: it stops limits in hours of what is less than critical. A report follows the one that
    /// was in force when it was received. At most 16 hours.
    pub quiet_hours: QuietHours,
    /// When people work: limits in days count and end by it. A report follows those that were in force
    /// when it was received.
    pub working_hours: WorkingHours,
    /// How accounts are handed out. Follows the present.
    pub accounts: AccountRules,
    /// What is accepted from phones that come back late. Follows the present.
    pub offline: OfflineRules,
    /// Which reports may be about the same matter. Follows the present.
    pub similar: SimilarRules,
    /// How officers are told of what they should know. Follows the present.
    pub notices: NoticeRules,
}

/// What photos may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoRules {
    /// Photos of one report at most: beyond that, none is added to it. 1 to 300.
    pub per_report: u32,
    /// Largest file in bytes; absent: as the server allows, and never more than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Most pixels, width by height; absent: as the server allows, and never more than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    /// The longer side in pixels to which apps should scale a photo before they send it. 640 to 8000.
    pub preferred_side_px: u32,
    /// The JPEG quality with which they should. 40 to 100.
    pub preferred_quality: u32,
}

impl Default for PhotoRules {
    fn default() -> Self {
        Self {
            per_report: 100,
            max_bytes: None,
            max_pixels: None,
            preferred_side_px: 1920,
            preferred_quality: 80,
        }
    }
}

/// How accounts are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountRules {
    /// Hours that an invitation is good, within what the server allows. 1 to 720.
    pub invitation_hours: u32,
}

impl Default for AccountRules {
    fn default() -> Self {
        Self {
            invitation_hours: 72,
        }
    }
}

/// What is accepted from phones that come back late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfflineRules {
    /// Days for which a filing counts by the posting that its filer held when it was seen, if the filer
    /// was transferred since. 0 to 180.
    pub filing_days: u32,
}

impl OfflineRules {
    /// The most days that a town may set.
    pub const MOST_FILING_DAYS: u32 = 180;
}

impl Default for OfflineRules {
    fn default() -> Self {
        Self { filing_days: 30 }
    }
}

/// Which reports of one category are suggested as being about the same matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimilarRules {
    /// Metres between their positions at most. 10 to 5000.
    pub metres: u32,
    /// Days between their receipts at most. 1 to 90.
    pub days: u32,
}

impl Default for SimilarRules {
    fn default() -> Self {
        Self {
            metres: 200,
            days: 7,
        }
    }
}

/// How officers are told of what they should know. What they must act on, and what is critical, is told
/// at once always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeRules {
    /// How those are told who have not chosen for themselves.
    pub notify: NotificationMode,
    /// When digests go out on working days. 1 to 6 times.
    pub digest_times: Vec<TimeOfDay>,
}

impl NoticeRules {
    /// The most times a day.
    const MOST_TIMES: usize = 6;
}

impl Default for NoticeRules {
    fn default() -> Self {
        Self {
            notify: NotificationMode::Digest,
            digest_times: vec![TimeOfDay::at(8, 30), TimeOfDay::at(16, 30)],
        }
    }
}

/// What the server itself allows, which no town may exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Largest photo in bytes.
    pub max_bytes: u64,
    /// Most pixels of a photo.
    pub max_pixels: u64,
}

impl PhotoRules {
    /// What photos may be now, within what the server allows.
    #[must_use]
    pub fn within(&self, server: Allowed) -> Allowed {
        let least = |own: Option<u64>, server: u64| own.unwrap_or(server).min(server);
        Allowed {
            max_bytes: least(self.max_bytes, server.max_bytes),
            max_pixels: least(self.max_pixels, server.max_pixels),
        }
    }
}

/// Longest limit.
const LONGEST_DAYS: u32 = 366;
/// Longest night, in minutes: time goes on.
const LONGEST_NIGHT: u32 = 16 * 60;

/// A span in hours, to compare limits with one another.
const fn hours(span: Span) -> u32 {
    match span {
        Span::Hours(hours) => hours,
        Span::Days(days) | Span::WorkingDays(days) => days.saturating_mul(24),
    }
}

impl Settings {
    /// Completes what was left out of the table of limits.
    #[must_use]
    pub fn completed(mut self) -> Self {
        for category in crate::report::Category::ALL {
            let limits = self.reports.limits_of(*category);
            self.reports.limits.insert(*category, limits);
        }
        self
    }

    /// Every value that cannot be accepted, at once.
    #[must_use]
    pub fn faults(&self, allowed: Allowed) -> Vec<InvalidValue> {
        let mut faults = Faults::default();
        self.check_reports(&mut faults);
        if self.quiet_hours.minutes() > LONGEST_NIGHT {
            faults.add("/quiet_hours/to", "A night has at most 16 hours.");
        }
        if self.working_hours.to <= self.working_hours.from {
            faults.add(
                "/working_hours/to",
                "Close of business must be later than the beginning.",
            );
        }
        let photos = &self.photos;
        faults.within("/photos/per_report", photos.per_report, 1, 300);
        faults.within(
            "/photos/preferred_side_px",
            photos.preferred_side_px,
            640,
            8000,
        );
        faults.within(
            "/photos/preferred_quality",
            photos.preferred_quality,
            40,
            100,
        );
        if let Some(bytes) = photos.max_bytes {
            faults.within("/photos/max_bytes", bytes, 65_536, allowed.max_bytes);
        }
        if let Some(pixels) = photos.max_pixels {
            faults.within("/photos/max_pixels", pixels, 1_000_000, allowed.max_pixels);
        }
        faults.within(
            "/accounts/invitation_hours",
            self.accounts.invitation_hours,
            1,
            720,
        );
        faults.within(
            "/offline/filing_days",
            self.offline.filing_days,
            0,
            OfflineRules::MOST_FILING_DAYS,
        );
        faults.within("/similar/metres", self.similar.metres, 10, 5000);
        faults.within("/similar/days", self.similar.days, 1, 90);
        if !(1..=NoticeRules::MOST_TIMES).contains(&self.notices.digest_times.len()) {
            faults.add("/notices/digest_times", "Give 1 to 6 times.");
        }
        faults.0
    }

    fn check_reports(&self, faults: &mut Faults) {
        let reports = &self.reports;
        for (category, limits) in &reports.limits {
            let at = |severity: &str| format!("/reports/limits/{}/{severity}", category.code());
            faults.span(&at("critical"), limits.critical);
            faults.span(&at("serious"), limits.serious);
            faults.span(&at("general"), limits.general);
            if hours(limits.critical) > hours(limits.serious) {
                faults.add(
                    &at("critical"),
                    "The limit for critical reports must not be longer than that for serious ones.",
                );
            }
            if hours(limits.serious) > hours(limits.general) {
                faults.add(
                    &at("serious"),
                    "The limit for serious reports must not be longer than that for general ones.",
                );
            }
        }
        faults.span("/reports/minor", reports.minor);
        faults.within("/reports/group_share", reports.group_share, 1, 100);
        faults.within("/reports/decision_share", reports.decision_share, 1, 100);
        faults.within("/reports/village_share", reports.village_share, 1, 100);
        if reports.decision_share < reports.group_share {
            faults.add(
                "/reports/decision_share",
                "The decision must not be due before the group's step ends.",
            );
        }
        if reports.village_share < reports.decision_share {
            faults.add(
                "/reports/village_share",
                "The village's step must not end before the decision is due.",
            );
        }
        faults.within("/reports/least_share", reports.least_share, 0, 50);
        faults.within("/reports/least_minutes", reports.least_minutes, 1, 1440);
        faults.within("/reports/most_returns", reports.most_returns, 0, 10);
        faults.within("/reports/yellow_share", reports.yellow_share, 1, 100);
        let rules = &reports.proceedings;
        for (field, value, least, most) in [
            ("decline_working_days", rules.decline_working_days, 0, 30),
            ("recall_working_days", rules.recall_working_days, 0, 30),
            (
                "extension_answer_working_days",
                rules.extension_answer_working_days,
                1,
                30,
            ),
            ("extension_most_days", rules.extension_most_days, 0, 366),
            ("suspension_most_days", rules.suspension_most_days, 1, 3660),
            (
                "referral_reply_working_days",
                rules.referral_reply_working_days,
                1,
                366,
            ),
            ("reopen_days", rules.reopen_days, 0, 3660),
            ("urge_minutes", rules.urge_minutes, 0, 10_080),
        ] {
            faults.within(&format!("/reports/proceedings/{field}"), value, least, most);
        }
        let pressing = &reports.pressing;
        faults.span(
            "/reports/pressing/supervision_after",
            pressing.supervision_after,
        );
        faults.span("/reports/pressing/circular_after", pressing.circular_after);
        faults.within(
            "/reports/pressing/critical_reminder_minutes",
            pressing.critical_reminder_minutes,
            15,
            1440,
        );
        let closing = &reports.closing;
        if closing.group > UpTo::General {
            faults.add(
                "/reports/closing/group",
                "A group closes general reports at most.",
            );
        }
        if closing.village < closing.group {
            faults.add(
                "/reports/closing/village",
                "A village must be allowed to close at least what its groups may.",
            );
        }
    }
}

#[derive(Default)]
struct Faults(Vec<InvalidValue>);

impl Faults {
    fn add(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(InvalidValue {
            pointer: pointer.to_owned(),
            detail: detail.into(),
        });
    }

    fn within<N: PartialOrd + std::fmt::Display>(
        &mut self,
        pointer: &str,
        value: N,
        least: N,
        most: N,
    ) {
        if value < least || value > most {
            self.add(pointer, format!("Give a value from {least} to {most}."));
        }
    }

    fn span(&mut self, pointer: &str, span: Span) {
        let (length, most) = match span {
            Span::Hours(hours) => (hours, LONGEST_DAYS * 24),
            Span::Days(days) | Span::WorkingDays(days) => (days, LONGEST_DAYS),
        };
        if length < 1 || length > most {
            self.add(pointer, "Give a limit from one hour to 366 days.");
        }
    }
}

/// One version of a town's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: i64,
    /// Since or from when it holds.
    pub from: DateTime<Utc>,
    /// The settings.
    pub settings: Arc<Settings>,
}

/// All versions of a town's settings, past and to come. Before the first, the defaults hold.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// In the order in which they take effect; of two at one instant, the later one holds.
    versions: Vec<Version>,
    defaults: Arc<Settings>,
}

impl Timeline {
    /// The timeline of these versions.
    #[must_use]
    pub fn new(mut versions: Vec<Version>) -> Self {
        versions.sort_by_key(|version| (version.from, version.number));
        Self {
            versions,
            defaults: Arc::default(),
        }
    }

    /// The version in force at an instant; none: the defaults.
    #[must_use]
    pub fn version_at(&self, at: DateTime<Utc>) -> Option<&Version> {
        let next = self.versions.partition_point(|version| version.from <= at);
        next.checked_sub(1)
            .and_then(|index| self.versions.get(index))
    }

    /// The settings in force at an instant.
    #[must_use]
    pub fn at(&self, at: DateTime<Utc>) -> &Arc<Settings> {
        self.version_at(at)
            .map_or(&self.defaults, |version| &version.settings)
    }

    /// The versions that take effect after an instant, in order.
    pub fn after(&self, at: DateTime<Utc>) -> impl Iterator<Item = &Version> {
        self.versions
            .iter()
            .filter(move |version| version.from > at)
    }

    /// The number of the latest version; 0: there is none yet.
    #[must_use]
    pub fn latest(&self) -> i64 {
        self.versions
            .iter()
            .map(|version| version.number)
            .max()
            .unwrap_or(0)
    }
}

/// From when on a change holds that is asked for now.
///
/// # Errors
/// What is wrong with the instant that was asked for.
pub fn effective_from(
    asked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, &'static str> {
    let soonest = now + SOONEST;
    match asked {
        None => Ok(soonest),
        Some(at) if at < soonest => Err(
            "Settings change at least one minute from now: what is past stays as it was. Leave it out for as soon as possible.",
        ),
        Some(at) if at > now + LATEST => Err("Settings change within two years."),
        Some(at) => Ok(at),
    }
}
