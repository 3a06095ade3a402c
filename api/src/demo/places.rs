//! The grids of the demonstration town.
//!
//! Owns codes, names, contacts and positions. It must not name a real town: its code is in no list.

use chrono::{DateTime, Utc};
use gridpatrol_domain::geo::Position;
use gridpatrol_domain::grid::GridPath;
use uuid::Uuid;

use super::chance::Chance;
use gridpatrol_people::towns::snapshot::Grid;

/// The town's code.
pub const TOWN_CODE: &str = "990001100000";
/// Villages, and groups of each.
pub const EACH: u8 = 3;

const TOWN_NAME: &str = "示范镇";
const VILLAGES: [&str; 3] = ["青山村", "绿水村", "丰年村"];
const GROUPS: [&str; 3] = ["一组", "二组", "三组"];
/// Where the town lies.
const CENTRE: Position = Position {
    lat: 26.69,
    lon: 101.85,
};

/// A village or one of its groups, each counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// Which village.
    pub village: u8,
    /// Which group of it; none: the village itself.
    pub group: Option<u8>,
}

impl Spot {
    /// Every group.
    pub fn groups() -> impl Iterator<Item = Self> {
        (1..=EACH).flat_map(|village| {
            (1..=EACH).map(move |group| Self {
                village,
                group: Some(group),
            })
        })
    }

    /// The village that it is or lies in.
    #[must_use]
    pub const fn up(self) -> Self {
        Self {
            village: self.village,
            group: None,
        }
    }

    /// Somewhere there.
    pub fn somewhere(self, chance: &mut Chance) -> Position {
        let village = i32::from(self.village) - 2;
        let group = self.group.map_or(0, |group| i32::from(group) - 2);
        // In hundred-thousandths of a degree: about a metre.
        let north = village * 2400 + group * 500 + chance.between(-220, 220);
        let east = village * 1900 - group * 700 + chance.between(-300, 300);
        Position {
            lat: CENTRE.lat + f64::from(north) / 100_000.0,
            lon: CENTRE.lon + f64::from(east) / 100_000.0,
        }
    }
}

/// The grids, under ids of their own.
#[derive(Debug)]
pub struct Places {
    /// The town.
    pub town: Uuid,
    grids: Vec<(Option<Spot>, Grid)>,
}

impl Places {
    /// Lays the town out.
    #[must_use]
    pub fn new() -> Self {
        let town = Uuid::now_v7();
        let mut places = Self {
            town,
            grids: Vec::new(),
        };
        let office = "镇环保办 100-0000-0100".to_owned();
        places.add(
            None,
            TOWN_CODE.to_owned(),
            TOWN_NAME.to_owned(),
            Some(office),
            |_| GridPath::town(town),
        );
        for (village, name) in (1..=EACH).zip(VILLAGES) {
            let spot = Spot {
                village,
                group: None,
            };
            let code = format!("990001100{:03}", 199 + u16::from(village));
            let contact = format!("村委会 100-0000-0{village}00");
            let village_id = places.add(
                Some(spot),
                code.clone(),
                name.to_owned(),
                Some(contact),
                |id| GridPath::village(town, id),
            );
            for (group, group_name) in (1..=EACH).zip(GROUPS) {
                let spot = Spot {
                    group: Some(group),
                    ..spot
                };
                places.add(
                    Some(spot),
                    format!("{code}{group:03}"),
                    format!("{name}{group_name}"),
                    Some(format!("100-0000-0{village}0{group}")),
                    |id| GridPath::group(town, village_id, id),
                );
            }
        }
        places
    }

    fn add(
        &mut self,
        spot: Option<Spot>,
        code: String,
        name: String,
        contact: Option<String>,
        path: impl FnOnce(Uuid) -> GridPath,
    ) -> Uuid {
        let id = if spot.is_some() {
            Uuid::now_v7()
        } else {
            self.town
        };
        let path = path(id);
        let parent_id = path
            .upward()
            .map(|(_, above)| above)
            .find(|above| *above != id);
        self.grids.push((
            spot,
            Grid {
                id,
                code,
                name,
                path,
                parent_id,
                contact,
                version: 1,
                valid_from: DateTime::UNIX_EPOCH,
                valid_to: None,
                successor_id: None,
                code_from: DateTime::UNIX_EPOCH,
            },
        ));
        id
    }

    /// All grids as of an instant, each before those below it.
    #[must_use]
    pub fn grids(&self, began: DateTime<Utc>) -> Vec<Grid> {
        self.grids
            .iter()
            .map(|(_, grid)| Grid {
                valid_from: began,
                code_from: began,
                ..grid.clone()
            })
            .collect()
    }

    /// The grid of a spot; the town where there is none.
    #[must_use]
    pub fn id(&self, spot: Option<Spot>) -> Uuid {
        self.grid(spot).map_or(self.town, |grid| grid.id)
    }

    /// The name of a spot's grid.
    #[must_use]
    pub fn name(&self, spot: Option<Spot>) -> &str {
        self.grid(spot).map_or(TOWN_NAME, |grid| &grid.name)
    }

    fn grid(&self, spot: Option<Spot>) -> Option<&Grid> {
        self.grids
            .iter()
            .find(|(each, _)| *each == spot)
            .map(|(_, grid)| grid)
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Places, Spot};
    use gridpatrol_domain::division::DivisionCode;

    #[test]
    fn the_town_has_three_villages_of_three_groups_with_sound_codes() {
        let places = Places::new();
        let grids = places.grids(chrono::DateTime::UNIX_EPOCH);
        assert_eq!(grids.len(), 13);
        for grid in &grids {
            let code = DivisionCode::parse(&grid.code).unwrap();
            assert_eq!(code.tier(), grid.tier());
            let above = grids.iter().find(|above| Some(above.id) == grid.parent_id);
            assert_eq!(
                above.map(|above| above.code.clone()),
                code.parent().map(|parent| parent.as_str().to_owned())
            );
        }
        assert_eq!(Spot::groups().count(), 9);
        let last = Spot {
            village: 3,
            group: Some(3),
        };
        assert_eq!(places.name(Some(last)), "丰年村三组");
        assert_eq!(places.grid(Some(last)).unwrap().code, "990001100202003");
    }
}
