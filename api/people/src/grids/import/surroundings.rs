//! Reads the existing grids that the lines of a file refer to. Owns these lookups. It must not
//! write.

use std::collections::{HashMap, HashSet};

use gridpatrol_domain::grid_management;
use gridpatrol_domain::officer::Actor;
use uuid::Uuid;

use super::Entry;
use crate::auth::authenticate::active_postings;
use crate::grids::queries;
use crate::imports::Job;
use crate::towns::queries as towns;
use crate::towns::snapshot::Grid;
use gridpatrol_store::{Conn, Outcome};

/// The grids that a run of lines names, by code, and which towns the sender may change.
pub(super) struct Surroundings {
    known: HashMap<String, Grid>,
    /// Codes that grids had before.
    former: HashMap<String, Uuid>,
    /// How many grids each existing town has.
    sizes: HashMap<Uuid, usize>,
    /// Who sent the file. None: the command line, which may do everything.
    sender: Option<Actor>,
}

impl Surroundings {
    pub(super) fn read(conn: &mut Conn, job: &Job, entries: &[Entry]) -> Outcome<Self> {
        let mut codes: HashSet<String> = HashSet::new();
        for entry in entries {
            codes.insert(entry.code.as_str().to_owned());
            codes.insert(entry.code.town().as_str().to_owned());
            codes.extend(entry.code.parent().map(|code| code.as_str().to_owned()));
            codes.extend(entry.said.successor.clone());
        }
        let mut codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        // In index order.
        codes.sort_unstable();
        let known = towns::grids_coded(conn, &codes)?;
        let new: Vec<&str> = codes
            .iter()
            .copied()
            .filter(|code| !known.contains_key(*code))
            .collect();
        let towns: HashSet<Uuid> = known.values().map(|grid| grid.path.town_id()).collect();
        let sizes = if new.is_empty() {
            HashMap::new()
        } else {
            queries::sizes_of(conn, &towns)?
        };
        let sender = match job.actor_id {
            Some(officer_id) => Some(Actor {
                officer_id,
                postings: active_postings(conn, officer_id, job.now)?,
                service: None,
            }),
            None => None,
        };
        Ok(Self {
            former: queries::former_codes(conn, &new)?,
            known,
            sizes,
            sender,
        })
    }

    pub(super) fn grid(&self, code: &str) -> Option<&Grid> {
        self.known.get(code)
    }

    /// The town that these lines belong to, if it exists.
    pub(super) fn town_of(&self, entries: &[Entry]) -> Option<Uuid> {
        let code = entries.first()?.code.town();
        self.grid(code.as_str()).map(|grid| grid.id)
    }

    pub(super) fn size_of(&self, town: Uuid) -> usize {
        self.sizes.get(&town).copied().unwrap_or_default()
    }

    /// Whether a grid had this code before.
    pub(super) fn was_given(&self, code: &str) -> bool {
        self.former.contains_key(code)
    }

    /// Whether the sender may change this town. None: create a new one.
    pub(super) fn may_change(&self, town: Option<Uuid>) -> bool {
        self.sender.as_ref().is_none_or(|sender| match town {
            Some(town) => grid_management::may_manage(sender, town),
            None => grid_management::administers(sender),
        })
    }
}
