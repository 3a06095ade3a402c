//! Records one change in the chains of several towns.
//!
//! Owns the order of the locks: towns by id, before the command writes anything else. An officer
//! may be posted in more than one town. Each town's record must hold only what concerns that town,
//! and each directory is read again.

use std::collections::BTreeMap;

use diesel::QueryResult;
use uuid::Uuid;

use gridpatrol_store::Conn;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::town::{self, TownSequence};

/// The locked rows of some towns, with the events to record in each.
pub struct Chains {
    towns: BTreeMap<Uuid, (TownSequence, Vec<EventRecord>)>,
}

impl Chains {
    /// Locks the towns' rows, each once.
    ///
    /// # Errors
    /// If the database fails.
    pub fn lock(conn: &mut Conn, towns: impl IntoIterator<Item = Uuid>) -> QueryResult<Self> {
        let mut ids: Vec<Uuid> = towns.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut towns = BTreeMap::new();
        for id in ids {
            towns.insert(id, (town::advance(conn, id)?, Vec::new()));
        }
        Ok(Self { towns })
    }

    /// Records something in one of the locked towns.
    pub fn add(&mut self, town: Uuid, record: EventRecord) {
        if let Some((_, records)) = self.towns.get_mut(&town) {
            records.push(record);
        }
    }

    /// Records something in all of them.
    pub fn add_everywhere(&mut self, record: &EventRecord) {
        for (_, records) in self.towns.values_mut() {
            records.push(record.clone());
        }
    }

    /// Appends the added events and tells every process that the directories have changed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn save(self, conn: &mut Conn) -> QueryResult<()> {
        for (id, (mut head, records)) in self.towns {
            events::append(conn, &mut head, records)?;
            town::touch_directory(conn, id)?;
        }
        Ok(())
    }
}
