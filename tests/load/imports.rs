//! Importing the divisions of a whole country, alone and while reports are filed: time, memory, and how
//! much it slows filing.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use gridpatrol_domain::officer::Role;
use gridpatrol_people::auth::AuthSettings;
use gridpatrol_people::auth::passwords::Passwords;
use gridpatrol_people::officers::commands::{self, NewOfficer, NewPosting};
use gridpatrol_store::{Lane, Store};
use serde_json::Value;
use uuid::Uuid;

use crate::client::{ask, drive, sign_in};
use crate::creations::{FILING, filers, filing};
use crate::figures::{Beside, Line, Measured, Table};
use crate::place::{Place, close};
use crate::process::resident_megabytes;
use crate::server::Server;
use crate::town::{PASSWORD, Seeded, seed};
use crate::{Fallible, Fault, Settings};

/// Connections that file meanwhile.
const CONNECTIONS: usize = 64;
/// The counties of the nation, and the towns of each.
const COUNTIES: u32 = 2_930;
const TOWNS: u32 = 14;
/// Villages of a town; every third has one more.
const VILLAGES: u32 = 15;

/// A file like the public list: about 41,000 towns and 630,000 villages. `share` of it, at most 1.
pub fn nation(share: f64) -> (String, u64) {
    let counties = (f64::from(COUNTIES) * share).ceil();
    let (mut file, mut lines) = (String::from("code,name,tier,parent_code\n"), 0);
    for county in (0..COUNTIES).take_while(|county| f64::from(*county) < counties) {
        let county_code = 110_001 + county * 7;
        for town in 0..TOWNS {
            let digits = format!("{county_code:06}{:03}", 100 + town);
            let _ = writeln!(file, "{digits}000,第{town}镇,town,");
            let villages = VILLAGES + u32::from((county + town) % 3 == 0);
            for village in 0..villages {
                let _ = writeln!(
                    file,
                    "{digits}{:03},第{village}村民委员会,village,{digits}000",
                    200 + village
                );
            }
            lines += u64::from(villages) + 1;
        }
    }
    (file, lines)
}

/// Measures both.
pub fn measure(
    settings: &Settings,
    share: f64,
    place: &mut dyn FnMut() -> Fallible<Place>,
    table: &mut Table,
) -> Fallible<()> {
    let (file, lines) = nation(share);
    {
        let (_place, server, _) = stage(place()?, |_, _| Ok(()))?;
        let admin = token(server.address)?;
        let imported = import(server.address, server.process(), &admin, &file)?;
        table.fact("import alone", imported.told(lines));
    }
    let (_place, server, seeded) = stage(place()?, |_, _| Ok(()))?;
    let admin = token(server.address)?;
    let filers = filers(server.address, &seeded, CONNECTIONS)?;
    let quiet = drive(&server, settings, CONNECTIONS, 201, |number| {
        filing(&filers, number)
    })?;
    let beside = quiet.per_second;
    table.add(Line {
        work: FILING.to_owned(),
        connections: Some(CONNECTIONS),
        measured: quiet,
        beside: None,
    });
    let (address, process) = (server.address, server.process());
    let ended = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ended);
    let importing = std::thread::spawn(move || {
        let imported = import(address, process, &admin, &file);
        told.store(true, Ordering::SeqCst);
        imported
    });
    let mut rounds: Vec<Measured> = Vec::new();
    let settings = Settings {
        warm_up: Duration::ZERO,
        ..settings.clone()
    };
    while !ended.load(Ordering::SeqCst) {
        let round = drive(&server, &settings, CONNECTIONS, 201, |number| {
            filing(&filers, number)
        })?;
        // The last one outlasts the import.
        if !ended.load(Ordering::SeqCst) || rounds.is_empty() {
            rounds.push(round);
        }
    }
    let imported = importing
        .join()
        .map_err(|_| Fault::from("the import panicked"))??;
    table.add(Line {
        work: "file a report, beside the import".to_owned(),
        connections: Some(CONNECTIONS),
        measured: together(&rounds),
        beside: Some(Beside {
            what: FILING,
            per_second: beside,
        }),
    });
    table.fact("import beside filing", imported.told(lines));
    Ok(())
}

/// The mean of the rounds; the slowest is the slowest of any.
fn together(rounds: &[Measured]) -> Measured {
    let count = rounds.len().max(1) as f64;
    let mean = |of: fn(&Measured) -> f64| rounds.iter().map(of).sum::<f64>() / count;
    let longest = |of: fn(&Measured) -> Duration| rounds.iter().map(of).max().unwrap_or_default();
    Measured {
        per_second: mean(|round| round.per_second),
        median: longest(|round| round.median),
        slow: longest(|round| round.slow),
        generator_cpu: Some(mean(|round| round.generator_cpu.unwrap_or_default())),
        server_cpu: Some(mean(|round| round.server_cpu.unwrap_or_default())),
        failures: rounds.iter().map(|round| round.failures).sum(),
    }
}

/// A town, what is prepared in it, an administrator and a server.
pub fn stage(
    place: Place,
    prepare: impl FnOnce(&Store, &Seeded) -> Fallible<()>,
) -> Fallible<(Place, Server, Seeded)> {
    let store = place.store()?;
    let seeded = seed(&store)?;
    prepare(&store, &seeded)?;
    let (now, town) = (Utc::now(), seeded.town.id);
    let hash = Passwords::new(&AuthSettings::default())?.hash_blocking(PASSWORD)?;
    store.write_blocking(Lane::Interactive, move |conn| {
        let officer = NewOfficer {
            id: Uuid::now_v7(),
            username: "admin".to_owned(),
            name: "管理员".to_owned(),
            phone: None,
            password_hash: hash.clone(),
            must_change_password: false,
        };
        let posting = NewPosting {
            role: Role::Admin,
            grid_id: town,
            from: now - TimeDelta::days(1),
            to: None,
        };
        commands::create(conn, &officer, posting, None, now)
    })?;
    close(store)?;
    let server = Server::start(&place)?;
    Ok((place, server, seeded))
}

/// Signs the administrator in.
pub fn token(address: SocketAddr) -> Fallible<String> {
    let tokens = sign_in(address, &["admin"])?;
    Ok(tokens.into_iter().next().unwrap_or_default())
}

/// What an import took.
pub struct Imported {
    arrived: Duration,
    ended: Duration,
    before: f64,
    peak: f64,
}

impl Imported {
    /// In words.
    pub fn told(&self, lines: u64) -> String {
        format!(
            "{lines} lines in {:.1} s ({:.1} s until they had arrived), memory {:.0} MB before, {:.0} MB at most",
            self.ended.as_secs_f64(),
            self.arrived.as_secs_f64(),
            self.before,
            self.peak
        )
    }
}

/// Imports a file, and waits until that is done.
pub fn import(address: SocketAddr, process: u32, token: &str, file: &str) -> Fallible<Imported> {
    let memory = || resident_megabytes(process).unwrap_or_default();
    let (begun, before) = (Instant::now(), memory());
    let mut request = format!(
        "POST /v1/grids/import HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: text/csv\r\ncontent-length: {}\r\n\r\n",
        file.len()
    )
    .into_bytes();
    request.extend_from_slice(file.as_bytes());
    let (status, import) = ask(address, &request)?;
    if status != 202 {
        return Err(format!("the import was answered {status}: {import}").into());
    }
    let arrived = begun.elapsed();
    let id = text(&import, "id").to_owned();
    let mut peak = before.max(memory());
    loop {
        std::thread::sleep(Duration::from_millis(200));
        peak = peak.max(memory());
        let request = format!(
            "GET /v1/imports/{id} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );
        let (status, import): (u16, Value) = ask(address, request.as_bytes())?;
        if status == 200 && !text(&import, "finished_at").is_empty() {
            if text(&import, "state") != "done" {
                return Err(format!("the import failed: {import}").into());
            }
            return Ok(Imported {
                arrived,
                ended: begun.elapsed(),
                before,
                peak,
            });
        }
    }
}

/// A text of an answer; empty where there is none.
fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
