//! Filing alone, and together with work that could starve it: photos, heavy lists and an import, all at
//! once unless `--beside` names some.

use std::collections::HashMap;

use chrono::{TimeDelta, Utc};
use uuid::Uuid;

use crate::client::{Requests, drive, request, sign_in, upload};
use crate::creations::{filers, filing};
use crate::figures::{Beside, Line, Measured, Table};
use crate::imports::{import, nation, stage, token};
use crate::place::Place;
use crate::{Disturbance, Fallible, Settings, photo, reads};

/// Connections that file.
const FILING: usize = 64;
/// Connections of each kind that disturb them.
const OTHERS: usize = 16;
/// Reports in the lists.
const REPORTS: u64 = 20_000;
/// Filing beside all that, in the table, with what it is.
pub const BESIDE: &str = "file beside ";

/// Lists that no index serves: each page looks at as many rows as a page may.
const LISTS: [&str; 3] = [
    "/v1/reports?limit=200&severity=critical&source=hotline",
    "/v1/reports?limit=200&overdue=true&severity=minor",
    "/v1/reports?limit=200&q=%E7%A7%B8%E7%A7%86",
];

/// Measures both, one after the other on the same server; `share` of the nation is imported.
pub fn measure(
    settings: &Settings,
    disturbances: &[Disturbance],
    share: f64,
    place: Place,
    table: &mut Table,
) -> Fallible<()> {
    let newest = Utc::now() - TimeDelta::hours(1);
    let (_place, server, seeded) = stage(place, |store, seeded| {
        reads::fill(store, seeded, newest, 0..REPORTS, &mut HashMap::new())
    })?;
    let filers = filers(server.address, &seeded, FILING)?;
    let town = sign_in(server.address, &["town_officer"])?.concat();
    let picture = photo::picture()?;

    let file = || {
        drive(&server, settings, FILING, 201, |number| {
            filing(&filers, number)
        })
    };
    let alone = file()?;
    let quiet = alone.per_second;
    let line = |work: &str, connections, measured, beside| Line {
        work: work.to_owned(),
        connections: Some(connections),
        measured,
        beside,
    };
    table.add(line("file with nothing beside it", FILING, alone, None));

    let others = |expected, work: &(dyn Fn(usize) -> Requests + Sync)| {
        drive(&server, settings, OTHERS, expected, |number| work(number))
            .map_err(|fault| fault.to_string())
    };
    let does = |one| disturbances.contains(&one);
    let admin = token(server.address)?;
    let (address, process) = (server.address, server.process());
    let importing = does(Disturbance::Import).then(|| {
        let (divisions, rows) = nation(share);
        let imported = move || import(address, process, &admin, &divisions);
        (std::thread::spawn(imported), rows)
    });
    let photos = |_: usize| photos(&town, &picture);
    let lists = |number: usize| lists(&town, number);
    let (beside, photos, lists) = std::thread::scope(|scope| {
        let photos = does(Disturbance::Photos).then(|| scope.spawn(|| others(201, &photos)));
        let lists = does(Disturbance::Lists).then(|| scope.spawn(|| others(200, &lists)));
        let beside = file();
        (
            beside,
            photos.map(|it| it.join()),
            lists.map(|it| it.join()),
        )
    });
    let beside = beside?;
    let p99 = beside.slow;
    let names: Vec<String> = disturbances
        .iter()
        .map(|one| format!("{one:?}").to_lowercase())
        .collect();
    table.add(line(
        &format!("{BESIDE}{}", names.join(", ")),
        FILING,
        beside,
        Some(Beside {
            what: "alone",
            per_second: quiet,
        }),
    ));
    for (work, measured) in [("upload 12 megapixels", photos), ("heavy lists", lists)] {
        let Some(measured) = measured else { continue };
        let measured = measured.map_err(|_| "a part of the load was lost")??;
        // They may be told to come back later: that is the point.
        table.fact(
            format!("{work}: told to come back"),
            measured.failures.to_string(),
        );
        table.add(line(
            work,
            OTHERS,
            Measured {
                failures: 0,
                ..measured
            },
            None,
        ));
    }
    if let Some((importing, rows)) = importing {
        let imported = importing.join().map_err(|_| "the import was lost")??;
        table.fact("import beside all that", imported.told(rows));
    }
    table.fact("p99 of filing beside the rest", format!("{p99:.1?}"));
    table.fact("memory after all that", server.memory());
    Ok(())
}

/// The uploads of one connection, each a file of its own.
fn photos(token: &str, picture: &[u8]) -> Requests {
    let (token, mut picture) = (token.to_owned(), picture.to_vec());
    let end = picture.len();
    Box::new(move |into| {
        let id = Uuid::now_v7();
        // What follows a picture's end does not show, and makes it another file.
        picture.truncate(end);
        picture.extend_from_slice(id.as_bytes());
        let target = format!("PUT /v1/photos/{id}");
        upload(into, &target, &token, "image/jpeg", &picture);
    })
}

/// The lists of one connection, in turn.
fn lists(token: &str, connection: usize) -> Requests {
    let token = token.to_owned();
    let mut turn = connection;
    Box::new(move |into| {
        turn += 1;
        let path = LISTS.get(turn % LISTS.len()).copied().unwrap_or_default();
        request(into, "GET", path, &token, "");
    })
}
