//! The reports of the demonstration town, from filing to their current status: scenarios with places and
//! times.
//!
//! Owns what is filed, by whom, when, with which photos, and in which order everything happens. It
//! must not touch the database: `replay` does.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use gridpatrol_domain::calendar::Calendar;
use gridpatrol_domain::geo::{Crs, Position};
use gridpatrol_domain::report::{Category, Disposition, PhotoRole, Policy, Severity, Source};
use uuid::Uuid;

use super::chance::Chance;
use super::people::Who;
use super::pictures::Scene;
use super::places::{Places, Spot};
use super::sample_texts::{MATTERS, Matter};
use super::scenarios::{About, COURSES, Course, Part, Step};
use gridpatrol_reports::filing::request::{
    LocationRequest, PhotoDeclaration, ReportFiling, ResponsibleParty,
};
use gridpatrol_reports::view::status_text::beijing;

/// Days that the demonstration reaches back.
pub const DAYS: i32 = 150;
/// Places that each scene is drawn of.
pub const VIEWS: u8 = 2;

/// A photo to be.
#[derive(Debug, Clone, Copy)]
pub struct Shot {
    /// Its id.
    pub id: Uuid,
    /// What it shows.
    pub scene: Scene,
    /// Where that was drawn.
    pub view: u8,
    /// Whether it was taken afterwards.
    pub after: bool,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Where it was taken.
    pub position: Position,
}

impl Shot {
    /// What it is on its report.
    #[must_use]
    pub const fn role(&self) -> PhotoRole {
        if self.after {
            PhotoRole::After
        } else {
            PhotoRole::Before
        }
    }
}

/// A report to be.
#[derive(Debug)]
pub struct Story {
    /// Its id.
    pub id: Uuid,
    /// Where it is.
    pub spot: Spot,
    /// What was found.
    pub matter: &'static Matter,
    /// When the whole is due, as it is filed.
    pub deadline: DateTime<Utc>,
    /// What is filed, but for the photos.
    pub filing: ReportFiling,
    /// The report that it repeats.
    pub repeats: Option<Uuid>,
}

/// Something that happens in a story.
#[derive(Debug)]
pub struct Moment {
    /// When.
    pub at: DateTime<Utc>,
    /// In which story.
    pub story: usize,
    /// Who does it.
    pub who: Who,
    /// What.
    pub deed: Deed,
}

/// What is done.
#[derive(Debug)]
pub enum Deed {
    /// The report is filed and declares these photos.
    File(Vec<Shot>),
    /// A photo's content arrives.
    Arrive(Shot),
    /// Somebody acts, and declares these photos.
    Act(Step, Vec<Shot>),
}

/// Everything that happened until now.
#[derive(Debug, Default)]
pub struct Stories {
    /// The reports.
    pub stories: Vec<Story>,
    /// What happens, in order of time.
    pub moments: Vec<Moment>,
}

/// Tells all stories until `now`. The same each time, but for the ids and the day.
#[must_use]
pub fn tell(places: &Places, policy: &Policy, now: DateTime<Utc>) -> Stories {
    let mut teller = Teller {
        places,
        policy,
        now,
        chance: Chance::new(20_260_605),
        told: Stories::default(),
        next_matter: 0,
        matters: Vec::new(),
    };
    teller.matters = teller.chance.shuffled(MATTERS);
    // Repetitions last: they look for what they repeat.
    let repeats = |course: &&Course| course.about == About::Repetition;
    for course in COURSES.iter().filter(|course| !repeats(course)) {
        for _ in 0..course.reports {
            teller.fresh(course);
        }
    }
    for course in COURSES.iter().filter(repeats) {
        for _ in 0..course.reports {
            teller.repetition(course);
        }
    }
    let mut told = teller.told;
    told.moments.retain(|moment| moment.at <= now);
    // Stable: what happens at the same instant in a story keeps its order.
    told.moments.sort_by_key(|moment| moment.at);
    told
}

struct Teller<'a> {
    places: &'a Places,
    policy: &'a Policy,
    now: DateTime<Utc>,
    chance: Chance,
    told: Stories,
    matters: Vec<&'static Matter>,
    next_matter: usize,
}

impl Teller<'_> {
    /// A report of something new.
    fn fresh(&mut self, course: &Course) {
        let groups: Vec<Spot> = Spot::groups().collect();
        let Some(spot) = self.chance.pick(&groups).copied() else {
            return;
        };
        let Some(matter) = self.matter(course.about) else {
            return;
        };
        let filed_at = match course.passed {
            None => self.some_day(),
            Some((from, to)) => {
                let limit = self.limit(category(course, matter), course.severity, self.now);
                let passed = self.chance.between(from, to);
                daytime(self.now - limit * passed / 100, limit).min(self.now)
            }
        };
        self.story(course, spot, matter, filed_at, None);
    }

    /// What another group of the village reported a little later again.
    fn repetition(&mut self, course: &Course) {
        let first: Vec<(Uuid, Spot, &'static Matter, DateTime<Utc>)> = self
            .told
            .moments
            .iter()
            .filter(|moment| matches!(moment.deed, Deed::File(_)))
            .filter(|moment| moment.at < self.now - TimeDelta::days(10))
            .filter_map(|moment| {
                let story = self.told.stories.get(moment.story)?;
                let escalated = story.filing.disposition == Some(Disposition::Escalate.into());
                escalated.then_some((story.id, story.spot, story.matter, moment.at))
            })
            .collect();
        let Some((id, spot, matter, at)) = self.chance.pick(&first).copied() else {
            return;
        };
        let filed_at = at + TimeDelta::minutes(self.chance.between(12, 90).into());
        self.story(course, spot, matter, filed_at, Some(id));
    }

    fn story(
        &mut self,
        course: &Course,
        spot: Spot,
        matter: &'static Matter,
        filed_at: DateTime<Utc>,
        repeats: Option<Uuid>,
    ) {
        let limit = self.limit(category(course, matter), course.severity, filed_at);
        let place = spot.somewhere(&mut self.chance);
        let view = u8::try_from(self.chance.between(0, i32::from(VIEWS) - 1)).unwrap_or(0);
        let index = self.told.stories.len();
        let filer = match (course.about, spot.group) {
            (About::Repetition, Some(group)) => Who::GroupLeader(spot.village, group % 3 + 1),
            _ => who(course.filer, spot),
        };
        let filing = self.filing(course, spot, matter, place, filed_at);
        self.told.stories.push(Story {
            id: id_at(filed_at),
            spot,
            matter,
            deadline: filed_at + limit,
            filing,
            repeats,
        });

        let shot = |after, at: DateTime<Utc>| Shot {
            id: id_at(at),
            scene: matter.scene,
            view,
            after,
            taken_at: at,
            position: place,
        };
        let mut shots = Vec::new();
        let serious = course.needs_evidence();
        let before = match self.chance.between(1, 100) {
            1..=10 if !serious => 0,
            85.. => 2,
            _ => 1,
        };
        for minutes in 1..=before {
            shots.push(shot(false, filed_at - TimeDelta::minutes(minutes)));
        }
        let on_the_spot = course.disposition == Disposition::Resolved;
        if on_the_spot && self.chance.percent(75) {
            shots.push(shot(true, filed_at - TimeDelta::seconds(40)));
        }
        // A weak signal: some photos come first, most a little later, some much later or never.
        for shot in &shots {
            let seconds = match self.chance.between(1, 100) {
                1..=8 => -20,
                9..=88 => self.chance.between(5, 240),
                89..=97 => self.chance.between(1200, 9000),
                _ if serious || self.chance.percent(50) => 300,
                _ => continue,
            };
            self.happens(
                index,
                filer,
                filed_at + TimeDelta::seconds(seconds.into()),
                Deed::Arrive(*shot),
            );
        }
        self.happens(index, filer, filed_at, Deed::File(shots));

        let mut last = filed_at;
        for (percent, part, step) in course.steps {
            let slack = self.chance.between(0, 300);
            let planned = filed_at + limit * (percent * 100 + slack) / 10_000;
            let at = daytime(planned, limit).max(last + TimeDelta::minutes(6));
            let actor = match course.about {
                // Only who filed it may take it back.
                About::Repetition if *part == Part::Group => filer,
                _ => who(*part, spot),
            };
            let mut shots = Vec::new();
            if *step == Step::PutRight && (serious || self.chance.percent(65)) {
                let taken = shot(true, at - TimeDelta::minutes(2));
                let arrival = at + TimeDelta::seconds(self.chance.between(10, 240).into());
                self.happens(index, actor, arrival, Deed::Arrive(taken));
                shots.push(taken);
            }
            self.happens(index, actor, at, Deed::Act(*step, shots));
            last = at;
        }
    }

    fn happens(&mut self, story: usize, who: Who, at: DateTime<Utc>, deed: Deed) {
        self.told.moments.push(Moment {
            at,
            story,
            who,
            deed,
        });
    }

    fn filing(
        &mut self,
        course: &Course,
        spot: Spot,
        matter: &'static Matter,
        place: Position,
        filed_at: DateTime<Utc>,
    ) -> ReportFiling {
        let chance = &mut self.chance;
        let seen_before = match chance.between(1, 100) {
            // Without a signal until the evening.
            1..=6 => chance.between(120, 900),
            _ => chance.between(1, 15),
        };
        let crs = if chance.percent(40) {
            Crs::Gcj02
        } else {
            Crs::Wgs84
        };
        let sent = crs.from_wgs84(place);
        let accuracy = match chance.between(1, 100) {
            1..=4 => chance.between(110, 400),
            _ => chance.between(4, 30),
        };
        let location = LocationRequest {
            lat: micro(sent.lat),
            lon: micro(sent.lon),
            crs: crs.into(),
            accuracy_m: Some(accuracy.into()),
        };
        let located = chance.percent(93);
        let source = course
            .source
            .unwrap_or_else(|| match chance.between(1, 100) {
                1..=72 => Source::Patrol,
                73..=82 => Source::Complaint,
                83..=90 => Source::Volunteer,
                91..=96 => Source::LookBack,
                _ => Source::Other,
            });
        let on_site = course.disposition == Disposition::Resolved || chance.percent(35);
        let reference = match source {
            Source::Hotline => Some(format!("12369-{}", chance.between(100_000, 999_999))),
            Source::SuperiorList => Some(format!("督查清单第{}项", chance.between(1, 40))),
            Source::Petition => Some(format!("来信登记{}号", chance.between(1, 60))),
            _ => None,
        };
        let party = matter.party.filter(|_| chance.percent(70));
        ReportFiling {
            grid_id: self.places.id(Some(spot)),
            category: Some(category(course, matter).into()),
            severity: Some(course.severity.into()),
            description: Some(matter.description.to_owned()),
            location: located.then_some(location),
            place_text: Some(format!("{}{}", self.places.name(Some(spot)), matter.place)),
            observed_at: Some(filed_at - TimeDelta::minutes(seen_before.into())),
            disposition: Some(course.disposition.into()),
            on_site_action: on_site.then(|| matter.on_site.to_owned()),
            source: Some(source.into()),
            photos: Vec::new(),
            subtype: matter.subtype.map(Into::into),
            source_ref: reference,
            responsible_party: party.map(|party| ResponsibleParty {
                name: Some(party.name.to_owned()),
                credit_code: Some(party.credit_code.to_owned()),
                person: Some(party.person.to_owned()),
            }),
            supervising_leader: None,
            measures: None,
            remark: None,
            rebound_of: None,
        }
    }

    /// The next matter for a scenario. Takes them one after another, so that each is used.
    fn matter(&mut self, about: About) -> Option<&'static Matter> {
        let petition = |matter: &Matter| matter.category == Category::PetitionCase;
        let fits = |matter: &Matter| match about {
            About::Petition => petition(matter),
            About::Grave => matter.grave,
            About::Enterprise => matter.party.is_some() && !petition(matter),
            About::Anything | About::Unclear | About::Repetition => !petition(matter),
        };
        for _ in 0..self.matters.len() {
            let matter = self.matters.get(self.next_matter % self.matters.len())?;
            self.next_matter += 1;
            if fits(matter) {
                return Some(matter);
            }
        }
        None
    }

    /// An hour of work on one of the days before today.
    fn some_day(&mut self) -> DateTime<Utc> {
        let days = self.chance.between(1, DAYS);
        let minutes = self.chance.between(7 * 60, 19 * 60);
        let seconds = self.chance.between(0, 59);
        let midnight =
            self.now - TimeDelta::seconds(beijing(self.now).num_seconds_from_midnight().into());
        midnight - TimeDelta::days(days.into())
            + TimeDelta::minutes(minutes.into())
            + TimeDelta::seconds(seconds.into())
    }

    fn limit(&self, category: Category, severity: Severity, at: DateTime<Utc>) -> TimeDelta {
        self.policy
            .deadline(Calendar::default(), at, category, severity)
            - at
    }
}

/// What a report of this is filed as.
fn category(course: &Course, matter: &Matter) -> Category {
    match course.about {
        About::Unclear => Category::Unclassified,
        _ => matter.category,
    }
}

const fn who(part: Part, spot: Spot) -> Who {
    match (part, spot.group) {
        (Part::Group, Some(group)) => Who::GroupLeader(spot.village, group),
        (Part::VillageOfficer, _) => Who::VillageOfficer(spot.village),
        (Part::Secretary, _) | (Part::Group, None) => Who::Secretary(spot.village),
        (Part::TownOfficer, _) => Who::TownOfficer,
        (Part::TownLeader, _) => Who::TownLeader,
    }
}

/// The instant moved into waking hours, where there are days for it.
fn daytime(at: DateTime<Utc>, limit: TimeDelta) -> DateTime<Utc> {
    if limit < TimeDelta::days(2) {
        return at;
    }
    let hour = i64::from(beijing(at).hour());
    match hour {
        0..8 => at + TimeDelta::hours(8 - hour),
        20.. => at - TimeDelta::hours(hour - 19),
        _ => at,
    }
}

/// An id of version 7, as a phone would choose at that instant.
fn id_at(at: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(at.timestamp()).unwrap_or_default();
    let timestamp =
        uuid::Timestamp::from_unix(uuid::NoContext, seconds, at.timestamp_subsec_nanos());
    Uuid::new_v7(timestamp)
}

/// Degrees to six decimals, as phones give them.
fn micro(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

/// How a photo is declared; some phones cannot tell its digest.
#[must_use]
pub fn declaration(shot: &Shot, facts: Option<(String, i64)>) -> PhotoDeclaration {
    let (sha256, size) = facts.unzip();
    PhotoDeclaration {
        id: shot.id,
        sha256,
        size,
        role: Some(shot.role().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Deed, tell};
    use crate::demo::places::Places;
    use chrono::{DateTime, TimeDelta};
    use gridpatrol_domain::report::Policy;
    use gridpatrol_http::validate::{Errors, Validate};

    #[test]
    fn every_story_is_told_in_order_with_filings_that_the_api_would_take() {
        for (at, hours) in (0..24).map(|hours| (1_795_000_000_i64, hours)) {
            let now = DateTime::from_timestamp(at, 0).unwrap() + TimeDelta::hours(hours * 31);
            let told = tell(&Places::new(), &Policy::default(), now);
            assert!(told.moments.is_sorted_by_key(|moment| moment.at));
            assert!(told.moments.iter().all(|moment| moment.at <= now));
            let filed = told
                .moments
                .iter()
                .filter(|moment| matches!(moment.deed, Deed::File(_)));
            assert!((150..=250).contains(&filed.count()));
            for story in &told.stories {
                let mut errors = Errors::default();
                story.filing.validate(&mut errors);
                assert!(errors.is_empty(), "{:?}: {errors:?}", story.filing);
            }
        }
    }
}
