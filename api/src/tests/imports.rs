//! Imports that pause, die and fail, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::testing::{Database, KINDS, Kind};
use gridpatrol_people::grids::import::GridImporter;
use gridpatrol_people::imports::file::PIECE;
use gridpatrol_people::imports::queries::{self, ImportRow, NewImport, Progress};
use gridpatrol_people::imports::run::{Round, Runner, counts};
use gridpatrol_people::imports::{Counts, Faults, ImportKind, ImportState, sheet};
use gridpatrol_people::towns::directory::Directory;
use gridpatrol_people::towns::queries::grids_coded;
use gridpatrol_reports::relocation::FollowingReports;
use gridpatrol_store::schema::{events as event_rows, grids, towns};
use gridpatrol_store::{Conn, Lane, Outcome, Store, StoreSettings, events};

/// More than are published at once.
const TOWNS: usize = 150;
const VILLAGES: usize = 15;
const LINES: i64 = 150 * 16;

/// From the last town to the first: the order of the file means nothing.
fn sound() -> String {
    let mut file = String::from("code,name\n");
    for town in (0..TOWNS).rev() {
        for village in 0..VILLAGES {
            file.push_str(&format!("{},村{village}\n", code(town, 200 + village)));
        }
        file.push_str(&format!("{},镇{town}\n", code(town, 0)));
    }
    file
}

/// Of a village of a town; 0: of the town.
fn code(town: usize, village: usize) -> String {
    format!("990000{:03}{village:03}", 100 + town)
}

struct House {
    _database: Database,
    store: Store,
    seconds: Arc<AtomicI64>,
}

impl House {
    fn new(kind: Kind) -> Self {
        let database = Database::fresh(kind);
        let store = Store::open(&StoreSettings::new(database.url.parse().unwrap())).unwrap();
        store.migrate().unwrap();
        Self {
            _database: database,
            store,
            seconds: Arc::new(AtomicI64::new(1_790_000_000)),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.seconds.load(Ordering::SeqCst), 0).unwrap()
    }

    fn later(&self, by: TimeDelta) {
        self.seconds.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }

    /// A runner that pauses after this many steps. Setting the steps restarts the count.
    fn runner(&self, steps: &Arc<AtomicUsize>) -> Runner {
        let (seconds, steps) = (Arc::clone(&self.seconds), Arc::clone(steps));
        let importer = GridImporter::new(Directory::default(), Arc::new(FollowingReports));
        Runner::new(
            self.store.clone(),
            vec![Arc::new(importer)],
            move || DateTime::from_timestamp(seconds.load(Ordering::SeqCst), 0).unwrap(),
            move || {
                let left = steps.load(Ordering::SeqCst);
                steps.store(left.saturating_sub(1), Ordering::SeqCst);
                left == 0
            },
        )
    }

    /// A runner that goes on to the end.
    fn tireless(&self) -> Runner {
        self.runner(&Arc::new(AtomicUsize::new(usize::MAX)))
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> T {
        self.store.write_blocking(Lane::Background, work).unwrap()
    }

    fn look<T>(&self, work: impl FnOnce(&mut Conn) -> Outcome<T>) -> T {
        self.store.read_blocking(work).unwrap()
    }

    fn arrive(&self, file: &str) -> Uuid {
        let (id, now) = (Uuid::now_v7(), self.now());
        let pieces: Vec<Vec<u8>> = file.as_bytes().chunks(PIECE).map(<[u8]>::to_vec).collect();
        let size = i64::try_from(file.len()).unwrap();
        self.write(move |conn| {
            let new = NewImport {
                id,
                kind: ImportKind::Grids,
                dry_run: false,
                actor_id: None,
                file_name: None,
            };
            queries::begin(conn, &new, now)?;
            for (position, piece) in pieces.iter().enumerate() {
                queries::add_piece(conn, id, i32::try_from(position).unwrap(), piece)?;
            }
            queries::arrived(conn, id, size)?;
            Ok(())
        });
        id
    }

    fn import(&self, id: Uuid) -> ImportRow {
        self.look(move |conn| Ok(queries::find(conn, id)?)).unwrap()
    }

    fn seen(&self) -> usize {
        let codes: Vec<String> = (0..TOWNS).map(|town| code(town, 0)).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        self.look(|conn| Ok(grids_coded(conn, &codes)?.len()))
    }

    fn rows(&self) -> i64 {
        self.look(|conn| Ok(grids::table.count().get_result(conn)?))
    }
}

#[test]
fn an_import_that_pauses_again_and_again_is_seen_all_at_once() {
    for kind in KINDS {
        let house = House::new(kind);
        let id = house.arrive(&sound());
        // Reading is begun anew after a pause: it is given its time.
        let steps = Arc::new(AtomicUsize::new(12));
        let runner = house.runner(&steps);
        let (mut pauses, mut hidden) = (0, 0);
        loop {
            let round = runner.round();
            steps.store(2, Ordering::SeqCst);
            match round.unwrap() {
                Round::Paused => pauses += 1,
                Round::Ended(ended) => {
                    assert_eq!(ended, id);
                    break;
                }
                Round::Idle => panic!("it waits, and nobody works on it"),
            }
            let import = house.import(id);
            if import.state.0 == ImportState::Publishing && import.pass == 0 {
                hidden = hidden.max(house.rows());
            }
            if import.pass == 0 {
                assert_eq!(house.seen(), 0, "{kind:?}: nothing is seen before all is");
            }
        }
        assert!(pauses > 3 && hidden > 0, "{pauses} pauses, {hidden} hidden");
        assert_eq!((house.seen(), house.rows()), (TOWNS, LINES));
        let import = house.import(id);
        assert_eq!(import.state.0, ImportState::Done);
        assert_eq!((import.lines, import.lines_done), (LINES, LINES));
        let all = Counts {
            created: LINES,
            ..Counts::default()
        };
        assert_eq!(counts(&import), all);
        house.look(|conn| {
            for town in towns::table.select(towns::id).load::<Uuid>(conn)? {
                assert_eq!(events::verify(conn, town)?.unwrap().end.seq, 16);
            }
            Ok(())
        });
        while runner.sweep().unwrap() > 0 {}
        assert!(!house.look(move |conn| Ok(queries::is_staged(conn, id)?)));
        assert_eq!(
            house.look(move |conn| Ok(queries::piece(conn, id, 0)?)),
            None
        );
        assert_eq!(house.tireless().round().unwrap(), Round::Idle);
    }
}

#[test]
fn whoever_lost_an_import_writes_nothing_more() {
    for kind in KINDS {
        let house = House::new(kind);
        let id = house.arrive("code,name\n990000101000,镇\n");
        let (dead, now) = (Uuid::now_v7(), house.now());
        let leased = house.write(move |conn| Ok(queries::lease(conn, dead, now)?));
        assert_eq!(leased.unwrap().id, id);
        // It is taken for dead after a while, not before.
        let runner = house.tireless();
        assert_eq!(runner.round().unwrap(), Round::Idle);
        house.later(TimeDelta::minutes(3));
        assert_eq!(runner.round().unwrap(), Round::Ended(id));
        let progress = Progress {
            state: ImportState::Publishing,
            lines: 0,
            lines_done: 0,
            pass: 0,
            last_key: String::new(),
            counts: Counts::default(),
        };
        let late = house.now();
        let written =
            house.write(move |conn| Ok(queries::advance(conn, id, dead, &progress, late)?));
        assert!(!written, "it is another's");
        assert_eq!(house.import(id).state.0, ImportState::Done);
    }
}

#[test]
fn an_import_that_dies_too_often_leaves_nothing_behind() {
    for kind in KINDS {
        let house = House::new(kind);
        let id = house.arrive(&sound());
        let steps = Arc::new(AtomicUsize::new(12));
        let runner = house.runner(&steps);
        while house.rows() == 0 {
            assert_eq!(runner.round().unwrap(), Round::Paused);
            steps.store(2, Ordering::SeqCst);
        }
        // The process that takes it dies with it.
        for _ in 0..queries::MOST_ATTEMPTS {
            house.later(TimeDelta::minutes(3));
            let (dead, now) = (Uuid::now_v7(), house.now());
            let leased = house.write(move |conn| Ok(queries::lease(conn, dead, now)?));
            assert!(leased.is_some());
        }
        house.later(TimeDelta::minutes(3));
        let runner = house.tireless();
        assert_eq!(runner.round().unwrap(), Round::Ended(id));
        assert_eq!(house.import(id).state.0, ImportState::Failed);
        let error = house
            .look(move |conn| Ok(queries::errors_of(conn, id, 0, 9)?))
            .remove(0);
        assert_eq!(error.code, "interrupted");
        while runner.sweep().unwrap() > 0 {}
        assert_eq!(house.rows(), 0, "{kind:?}");
        let left: i64 = house.look(|conn| Ok(event_rows::table.count().get_result(conn)?));
        assert_eq!(left, 0);
        // The same file is welcome again.
        let again = house.arrive(&sound());
        assert_eq!(house.tireless().round().unwrap(), Round::Ended(again));
        assert_eq!(house.seen(), TOWNS);
    }
}

fn read(file: &[u8]) -> (Faults, usize) {
    let columns = gridpatrol_people::imports::Column {
        name: "code",
        also: &["代码"],
        required: true,
    };
    let (mut faults, mut rows) = (Faults::default(), 0);
    let ended = sheet::read(
        std::io::Cursor::new(file),
        &[columns],
        &mut faults,
        &mut |_, _| {
            rows += 1;
            Ok(())
        },
    );
    if let Err(sheet::Stopped::Unreadable(line, code, detail)) = ended {
        faults.add(line, None, code, detail);
    }
    (faults, rows)
}

#[test]
fn files_of_many_encodings_are_read() {
    let text = "代码\n一\n二\n";
    let (gbk, ..) = encoding_rs::GBK.encode(text);
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for file in [text.as_bytes(), &gbk, &utf16, &marked] {
        let (faults, rows) = read(file);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(rows, 2);
    }
    let (faults, _) = read("code\n\"never closed\n".as_bytes());
    assert!(faults.is_empty(), "a lenient reader takes it: {faults:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_file_is_more_than_refused(
        file in prop::collection::vec(any::<u8>(), 0..600),
        packed in any::<bool>(),
    ) {
        let mut file = file;
        if packed {
            file.splice(0..0, *b"PK\x03\x04");
        }
        read(&file);
    }
}
