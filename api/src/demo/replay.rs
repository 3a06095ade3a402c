//! Plays the scenarios: each step runs the same command that a request at that time would run.
//!
//! Owns which command a step runs. It must not write to the database itself.

use std::collections::{HashMap, HashSet};

use diesel::Connection as _;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::officer::Actor;
use gridpatrol_domain::report::{Action, Outcome as End, PhotoRole};
use gridpatrol_domain::scope::Scope;

use super::people::{Cast, Who};
use super::pictures::Scene;
use super::places::Places;
use super::report_plans::{Deed, Moment, Shot, Stories, Story, declaration};
use super::scenarios::Step;
use gridpatrol_http::etag::IfMatch;
use gridpatrol_http::idempotency::canonical_hash;
use gridpatrol_problem::Problem;
use gridpatrol_problem::language::Language;
use gridpatrol_reports::actions::action_translation::Asked;
use gridpatrol_reports::actions::commands::{self as actions, Acting};
use gridpatrol_reports::actions::requests::{Assignment, Reclassification};
use gridpatrol_reports::filing::commands as filings;
use gridpatrol_reports::filing::request::{PhotoDeclaration, ReportAmendment};
use gridpatrol_reports::photos::commands::{self as photos, Arrival};
use gridpatrol_reports::photos::digest::Digest;
use gridpatrol_reports::photos::imaging::Picture;
use gridpatrol_reports::services::Services;
use gridpatrol_reports::view::present::Viewer;
use gridpatrol_store::{Conn, Interrupt, Outcome};

/// A stored content.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its digest.
    pub digest: Digest,
    /// Its size.
    pub size: i64,
    /// What it says of itself.
    pub picture: Picture,
}

/// The contents by what they show: scene, view, whether afterwards.
pub type Album = HashMap<(Scene, u8, bool), Kept>;

/// What happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DemoSummary {
    /// Reports filed.
    pub reports: usize,
    /// Actions taken.
    pub actions: usize,
    /// Photos that arrived.
    pub photos: usize,
    /// Scenarios that ended early because a command was refused. None, unless the rules have changed.
    pub broken: usize,
}

/// The people, the places and the pictures of the stories.
pub struct Stage<'a> {
    /// Files and acts.
    pub services: &'a Services,
    /// Who acts.
    pub cast: &'a Cast,
    /// Where.
    pub places: &'a Places,
    /// What photos show.
    pub album: &'a Album,
}

impl Stage<'_> {
    /// Runs all steps in order of time.
    ///
    /// # Errors
    /// If the database fails.
    pub fn play(&self, conn: &mut Conn, told: &Stories) -> Outcome<DemoSummary> {
        let mut happened = DemoSummary::default();
        let mut broken = HashSet::new();
        for moment in &told.moments {
            let Some(story) = told.stories.get(moment.story) else {
                continue;
            };
            if broken.contains(&story.id) {
                continue;
            }
            match conn.transaction(|conn| self.moment(conn, story, moment)) {
                Ok(()) => match moment.deed {
                    Deed::File(_) => happened.reports += 1,
                    Deed::Act(..) => happened.actions += 1,
                    Deed::Arrive(_) => happened.photos += 1,
                },
                Err(Interrupt::Refused(problem)) => {
                    tracing::warn!(
                        code = %problem.code, detail = problem.detail.as_deref(), deed = ?moment.deed, who = ?moment.who,
                        "a story of the demonstration breaks off"
                    );
                    broken.insert(story.id);
                }
                Err(fault) => return Err(fault),
            }
        }
        happened.broken = broken.len();
        Ok(happened)
    }

    fn moment(&self, conn: &mut Conn, story: &Story, moment: &Moment) -> Outcome<()> {
        let actor = self.actor(moment.who)?;
        let viewer = Viewer {
            scope: Scope::of(actor),
            actor: actor.clone(),
            language: Language::Chinese,
            now: moment.at,
            crs: None,
        };
        match &moment.deed {
            Deed::File(shots) => {
                let mut filing = story.filing.clone();
                filing.photos = self.declarations(shots);
                let sent = serde_json::to_value(&filing).unwrap_or_default();
                let hash = canonical_hash(&sent);
                filings::file(conn, self.services, &viewer, story.id, &filing, hash)?;
            }
            Deed::Arrive(shot) => {
                let kept = self.kept(shot)?;
                let arrival = Arrival {
                    id: shot.id,
                    actor: viewer.actor,
                    report_id: None,
                    role: Some(shot.role()),
                    taken_at: Some(shot.taken_at),
                    position: Some((shot.position.lat, shot.position.lon)),
                    sent: Some((shot.position.lat, shot.position.lon, Crs::Wgs84)),
                    digest: kept.digest,
                    size: kept.size,
                    picture: kept.picture.clone(),
                };
                photos::arrive(conn, &self.services.directory, &arrival, moment.at)?;
            }
            Deed::Act(step, shots) => {
                let acting = Acting {
                    id: story.id,
                    asked: self.asked(*step, story, moment)?,
                    photos: self.declarations(shots),
                    usual_role: PhotoRole::After,
                    // The latest one: nobody else works at the same time.
                    if_match: IfMatch::parse("*").ok(),
                };
                actions::act(conn, self.services, &viewer, &acting)?;
            }
        }
        Ok(())
    }

    fn asked(&self, step: Step, story: &Story, moment: &Moment) -> Result<Asked, Problem> {
        let text = |text: &str| Some(text.to_owned());
        let result = || story.matter.result.to_owned();
        let ended = |outcome, result, comment: &str| Action::Close {
            outcome,
            result,
            comment: text(comment),
        };
        Ok(Asked::Action(match step {
            Step::Escalate(reason) => Action::Escalate {
                reason: text(reason),
            },
            Step::Approve(comment) => Action::Approve {
                further: false,
                comment: text(comment),
            },
            Step::ApproveFurther(comment) => Action::Approve {
                further: true,
                comment: text(comment),
            },
            Step::Return(reason) => Action::Return {
                reason: reason.to_owned(),
            },
            Step::AssignVillage | Step::AssignGroup | Step::AssignOfficer | Step::AssignTeam => {
                return self.assignment(step, story, moment).map(Asked::Assign);
            }
            Step::PutRight => Action::Resolve { result: result() },
            Step::Close => ended(End::Handled, None, "现场核查合格"),
            Step::CloseWithResult => ended(End::Handled, Some(result()), "已处理完"),
            Step::Unfounded(comment) => ended(End::Unfounded, None, comment),
            Step::Transferred(comment) => ended(End::Transferred, None, comment),
            Step::Void(reason) => Action::Void {
                reason: reason.to_owned(),
                duplicate_of: None,
            },
            Step::VoidDuplicate => Action::Void {
                reason: "与已上报的是同一处".to_owned(),
                duplicate_of: story.repeats,
            },
            Step::Restore(reason) => Action::Restore {
                reason: text(reason),
            },
            Step::Grade(severity) => {
                return Ok(Asked::Reclassify(Reclassification {
                    category: None,
                    severity: Some(severity.into()),
                    grid_id: None,
                }));
            }
            Step::Classify => {
                return Ok(Asked::Reclassify(Reclassification {
                    category: Some(story.matter.category.into()),
                    severity: None,
                    grid_id: None,
                }));
            }
            Step::FillLedger => return Ok(Asked::Amend(Box::new(ledger(story)))),
            Step::Say(words) => Action::Comment {
                text: words.to_owned(),
            },
        }))
    }

    fn assignment(
        &self,
        step: Step,
        story: &Story,
        moment: &Moment,
    ) -> Result<Assignment, Problem> {
        let officer = Who::VillageOfficer(story.spot.village);
        let left = story.deadline - moment.at;
        Ok(Assignment {
            grid_id: match step {
                Step::AssignVillage => Some(self.places.id(Some(story.spot.up()))),
                Step::AssignGroup => Some(self.places.id(Some(story.spot))),
                _ => None,
            },
            officer_id: match step {
                Step::AssignOfficer => Some(self.actor(officer)?.officer_id),
                _ => None,
            },
            team_id: self.cast.team().filter(|_| step == Step::AssignTeam),
            co_handlers: None,
            instruction: Some("请到现场核实处置，处置后拍照反馈".to_owned()),
            due_at: (step == Step::AssignVillage && left.num_minutes() > 10)
                .then(|| moment.at + left * 3 / 4),
        })
    }

    fn declarations(&self, shots: &[Shot]) -> Vec<PhotoDeclaration> {
        shots
            .iter()
            .map(|shot| {
                // Some phones cannot: those whose photo's id ends in a low digit.
                let knows = shot.id.as_bytes().last().is_some_and(|byte| *byte > 80);
                let kept = self.kept(shot).ok().filter(|_| knows);
                declaration(shot, kept.map(|kept| (kept.digest.to_string(), kept.size)))
            })
            .collect()
    }

    fn kept(&self, shot: &Shot) -> Result<&Kept, Problem> {
        self.album
            .get(&(shot.scene, shot.view, shot.after))
            .ok_or_else(|| missing("picture"))
    }

    fn actor(&self, who: Who) -> Result<&Actor, Problem> {
        self.cast.actor(who).ok_or_else(|| missing("officer"))
    }
}

/// The demonstration lacks something of its own.
fn missing(what: &str) -> Problem {
    Problem::new(gridpatrol_domain::error::Code::NotFound)
        .detail(format!("The demonstration has no such {what}."))
}

fn ledger(story: &Story) -> ReportAmendment {
    let party = story.matter.party;
    ReportAmendment {
        description: None,
        place_text: None,
        subtype: None,
        source_ref: None,
        responsible_party: party.map(|party| {
            gridpatrol_reports::filing::request::ResponsibleParty {
                name: Some(party.name.to_owned()),
                credit_code: Some(party.credit_code.to_owned()),
                person: Some(party.person.to_owned()),
            }
        }),
        supervising_leader: Some("郑示范".to_owned()),
        measures: Some("立行立改，落实专人每日检查，整改后组织回头看".to_owned()),
        remark: None,
    }
}
