//! Reading over HTTP, compared with the same queries on one connection in this process, while the
//! database grows; then starting with the largest database.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::report::{Category, Status};
use gridpatrol_reports::inbox::queries::{self as inbox, Desks};
use gridpatrol_reports::list::queries::{self as list, Filter, View};
use gridpatrol_reports::photos::queries::of_reports;
use gridpatrol_reports::record::queries;
use gridpatrol_reports::record::rows::ReportRow;
use gridpatrol_store::{Conn, Lane, Outcome, Store};
use uuid::Uuid;

use crate::client::{Requests, ask, drive, request, sign_in};
use crate::figures::{Beside, Line, Table};
use crate::place::{Place, close};
use crate::reports::{Stage, prepare, write};
use crate::server::Server;
use crate::town::{Officer, Seeded, seed};
use crate::{Fallible, Settings};

/// Reports that are not at their end, the newest, however many there are in all.
pub const UNDER_WAY: u64 = 3_000;
/// Reports in one commit while the database is filled.
const TOGETHER: u64 = 500;
const STATUSES: [Status; 3] = [Status::Open, Status::Escalating, Status::Closed];

/// The lines of the table that are compared with the bare queries.
pub const BY_ID: &str = "read by id";
/// See [`BY_ID`].
pub const BY_STATUS: &str = "list 50, village and status";

/// What is asked, over HTTP and of the storage alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    ById,
    ByStatus,
    ByCategory,
    Inbox,
    Search,
}

impl Ask {
    const ALL: [Self; 5] = [
        Self::ById,
        Self::ByStatus,
        Self::ByCategory,
        Self::Inbox,
        Self::Search,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::ById => BY_ID,
            Self::ByStatus => BY_STATUS,
            Self::ByCategory => "list, village, status and a rare category",
            Self::Inbox => "inbox of a secretary",
            Self::Search => "search two words in a village",
        }
    }
}

/// What the readers ask for.
struct Readers {
    /// The secretaries, their tokens and the reports of their villages.
    each: Vec<(Rc<str>, GridPath, Rc<[Uuid]>)>,
}

/// Measures at each size.
pub fn measure(settings: &Settings, place: Place, table: &mut Table) -> Fallible<()> {
    let store = place.store()?;
    let seeded = seed(&store)?;
    close(store)?;
    let newest = Utc::now();
    let mut ids: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let mut filled = 0;
    let mut medians: HashMap<&'static str, Vec<Duration>> = HashMap::new();
    for size in &settings.sizes {
        let store = place.store()?;
        fill(&store, &seeded, newest, filled..*size, &mut ids)?;
        filled = *size;
        place.settle()?;
        let last = settings.sizes.last() == Some(size);
        let bare = Ask::ALL.map(|ask| (ask, bare(&store, &seeded, &ids, ask, settings)));
        close(store)?;

        let server = Server::start(&place)?;
        table.fact(
            format!("start with {size} reports"),
            format!("{:.3} s until ready", server.started_in.as_secs_f64()),
        );
        let usernames: Vec<&str> = seeded
            .secretaries
            .iter()
            .map(|secretary| secretary.username.as_str())
            .collect();
        let tokens = sign_in(server.address, &usernames)?;
        let readers = readers(&seeded, &tokens, &ids);
        for (asked, bare) in bare {
            let bare = bare?;
            if let Some(short) = short(&server, asked, &readers)? {
                table.fact(format!("{}, of {size}", asked.name()), short);
            }
            let widths = if last {
                settings.connections.as_slice()
            } else {
                &[1]
            };
            for connections in widths {
                let measured = drive(&server, settings, *connections, 200, |number| {
                    requests(asked, &readers, number)
                })?;
                if *connections == 1 {
                    medians
                        .entry(asked.name())
                        .or_default()
                        .push(measured.median);
                }
                table.add(Line {
                    work: format!("{}, of {size}", asked.name()),
                    connections: Some(*connections),
                    measured,
                    beside: Some(Beside {
                        what: "its queries alone",
                        per_second: bare,
                    }),
                });
            }
        }
        table.fact(format!("memory after reading, of {size}"), server.memory());
    }
    for ask in Ask::ALL {
        let medians = medians.remove(ask.name()).unwrap_or_default();
        if let (Some(first), Some(last)) = (medians.first(), medians.last())
            && medians.len() > 1
        {
            table.fact(
                format!("{}: p50 at the largest size over the smallest", ask.name()),
                format!("{:.2}", last.as_secs_f64() / first.as_secs_f64()),
            );
        }
    }
    Ok(())
}

/// Adds the reports of these numbers: first those under way, then ever older ones.
pub fn fill(
    store: &Store,
    seeded: &Seeded,
    newest: DateTime<Utc>,
    numbers: std::ops::Range<u64>,
    ids: &mut HashMap<Uuid, Vec<Uuid>>,
) -> Fallible<()> {
    let mut next = numbers.start;
    while next < numbers.end {
        let mut batch = Vec::new();
        for number in next..numbers.end.min(next + TOGETHER) {
            let stage = if number < UNDER_WAY {
                Stage::UnderWay
            } else {
                Stage::Past
            };
            let age = TimeDelta::minutes(4) * i32::try_from(number)?;
            let prepared = prepare(seeded, number, newest - age, stage)?;
            if let Some(village) = prepared.village() {
                ids.entry(village).or_default().push(prepared.id());
            }
            batch.push(prepared);
        }
        store.write_blocking(Lane::Interactive, move |conn| {
            batch.iter().try_for_each(|prepared| write(conn, prepared))
        })?;
        next += TOGETHER;
    }
    Ok(())
}

fn readers(seeded: &Seeded, tokens: &[String], ids: &HashMap<Uuid, Vec<Uuid>>) -> Readers {
    let each = seeded.secretaries.iter().zip(tokens);
    Readers {
        each: each
            .map(|(secretary, token)| {
                let ids = ids.get(&secretary.grid.id()).cloned().unwrap_or_default();
                (token.as_str().into(), secretary.grid, ids.into())
            })
            .collect(),
    }
}

/// The requests of one connection: always the same secretary's.
fn requests(ask: Ask, readers: &Readers, connection: usize) -> Requests {
    let reader = readers.each.iter().cycle().nth(connection).cloned();
    let (token, grid, ids) = reader.unwrap_or(("".into(), GridPath::town(Uuid::nil()), [].into()));
    let mut turn = connection * 7919;
    Box::new(move |into| {
        turn += 1;
        let path = match ask {
            Ask::ById => format!("/v1/reports/{}", chosen(&ids, turn).unwrap_or_default()),
            Ask::ByStatus => format!(
                "/v1/reports?grid={}&status={}",
                grid.id(),
                chosen(&STATUSES, turn).map_or("", |status| status.code())
            ),
            Ask::ByCategory => format!(
                "/v1/reports?grid={}&status=closed&category={}",
                grid.id(),
                Category::NatureReserve.code()
            ),
            Ask::Inbox => "/v1/inbox".to_owned(),
            // 秸秆 取水口, percent-encoded.
            Ask::Search => format!(
                "/v1/reports?grid={}&q=%E7%A7%B8%E7%A7%86%20%E5%8F%96%E6%B0%B4%E5%8F%A3",
                grid.id()
            ),
        };
        request(into, "GET", &path, &token, "");
    })
}

/// That a page is not as long as it should be to be measured.
fn short(server: &Server, asked: Ask, readers: &Readers) -> Fallible<Option<String>> {
    let mut written = Vec::new();
    requests(asked, readers, 0)(&mut written);
    let (_, answer) = ask(server.address, &written)?;
    let items = answer.get("items").and_then(serde_json::Value::as_array);
    Ok(items
        .filter(|items| items.len() < 50)
        .map(|items| format!("only {} on a page", items.len())))
}

/// One of several in turn, in an order that does not follow theirs.
fn chosen<T: Copy>(all: &[T], turn: usize) -> Option<T> {
    let place = turn.wrapping_mul(7919) % all.len().max(1);
    all.get(place).copied()
}

/// How often in a second the storage alone answers: the queries that an answer is made of, on one
/// connection, one after the other.
fn bare(
    store: &Store,
    seeded: &Seeded,
    ids: &HashMap<Uuid, Vec<Uuid>>,
    ask: Ask,
    settings: &Settings,
) -> Fallible<f64> {
    let run = |time: Duration| -> Fallible<f64> {
        let begun = Instant::now();
        let mut done = 0_u32;
        while begun.elapsed() < time {
            for (turn, secretary) in seeded.secretaries.iter().enumerate() {
                let turn = turn + usize::try_from(done)?;
                let none = Vec::new();
                let ids = ids.get(&secretary.grid.id()).unwrap_or(&none);
                store.read_blocking(|conn| query(conn, seeded, secretary, ids, ask, turn))?;
                done += 1;
            }
        }
        Ok(f64::from(done) / begun.elapsed().as_secs_f64())
    };
    run(settings.warm_up)?;
    run(settings.seconds)
}

fn query(
    conn: &mut Conn,
    seeded: &Seeded,
    secretary: &Officer,
    ids: &[Uuid],
    ask: Ask,
    turn: usize,
) -> Outcome<()> {
    let scope = secretary.scope();
    let view = View::Areas(vec![secretary.grid]);
    let mut filter = Filter::default();
    let mut search = None;
    match ask {
        Ask::ById => {
            if let Some(id) = chosen(ids, turn) {
                queries::find(conn, &scope, id)?;
                of_reports(conn, &[id])?;
            }
            return Ok(());
        }
        Ask::Inbox => {
            let desks = Desks::of(&secretary.actor, &seeded.town, &seeded.staffing);
            let desks = [desks];
            inbox::counts(conn, &desks)?;
            let rows = inbox::page(conn, &desks, None, None, 51)?;
            return details(conn, &rows);
        }
        Ask::ByStatus => filter.statuses.extend(chosen(&STATUSES, turn)),
        Ask::ByCategory => {
            filter.statuses.push(Status::Closed);
            filter.categories.push(Category::NatureReserve);
        }
        Ask::Search => {
            search = gridpatrol_reports::record::search::Search::new("秸秆 取水口");
            filter.from = Some(Utc::now() - TimeDelta::days(366));
        }
    }
    let page = list::page(conn, &scope, &view, &filter, search.as_ref(), None, 50)?;
    details(conn, &page.rows)
}

/// What an answer says of reports beyond their rows.
fn details(conn: &mut Conn, rows: &[ReportRow]) -> Outcome<()> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    queries::texts_of(conn, &ids)?;
    of_reports(conn, &ids)?;
    Ok(())
}
