//! Signing in, compared with only hashing the password.

use std::time::Instant;

use gridpatrol_people::auth::AuthSettings;
use gridpatrol_people::auth::passwords::Passwords;

use crate::client::{drive, sign_in_request};
use crate::figures::{Beside, Line, Table};
use crate::place::{Place, close};
use crate::server::Server;
use crate::town::{PASSWORD, seed};
use crate::{Fallible, Settings};

/// Measures at most this many connections: more would only wait for the processors.
const MOST: usize = 16;

/// Measures both.
pub fn measure(settings: &Settings, place: Place, table: &mut Table) -> Fallible<()> {
    let store = place.store()?;
    let seeded = seed(&store)?;
    close(store)?;

    let passwords = Passwords::new(&AuthSettings::default())?;
    let begun = Instant::now();
    let mut hashed = 0_u32;
    while begun.elapsed() < settings.seconds {
        passwords.hash_blocking(PASSWORD)?;
        hashed += 1;
    }
    let alone = f64::from(hashed) / begun.elapsed().as_secs_f64();

    let server = Server::start(&place)?;
    let names: Vec<String> = seeded
        .leaders
        .iter()
        .map(|leader| leader.username.clone())
        .collect();
    for connections in settings.connections.iter().filter(|wide| **wide <= MOST) {
        let measured = drive(&server, settings, *connections, 200, |number| {
            let mut names = names.clone().into_iter().cycle().skip(number);
            Box::new(move |into| sign_in_request(into, &names.next().unwrap_or_default()))
        })?;
        table.add(Line {
            work: "sign in".to_owned(),
            connections: Some(*connections),
            measured,
            beside: Some(Beside {
                what: "argon2id, one thread",
                per_second: alone,
            }),
        });
    }
    Ok(())
}
