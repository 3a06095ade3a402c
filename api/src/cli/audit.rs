//! `verify-audit` checks that the record is unchanged; `audit heads` prints heads to prove that later.
//!
//! Owns these arguments and what they print. It must not verify chains itself: `audit` does.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{CommandError, say};
use crate::app;
use crate::audit::heads::{self, ByTown, Head};
use crate::audit::queries::NamedTown;
use crate::audit::verify as chains;
use crate::config::Config;
use gridpatrol_people::auth::Auth;
use gridpatrol_people::auth::keys::statements::PublicKeys;
use gridpatrol_problem::Problem;
use gridpatrol_store::clock::Clock;
use gridpatrol_store::{DatabaseUrl, Store, events};

/// What is verified.
#[derive(Debug, Args)]
pub struct Verify {
    /// The division code of a town, or all
    #[arg(long, value_name = "CODE", default_value = "all")]
    town: String,
    /// Signed heads that were kept: lines of `audit heads`, or the answer of GET /v1/audit/heads
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// The key set that was kept with them (/.well-known/jwks.json), to trust instead of the server's
    /// own keys
    #[arg(long, value_name = "FILE", requires = "heads")]
    keys: Option<PathBuf>,
}

/// Verifies, says how each chain stands, and fails if one does not hold. It changes nothing, and a
/// server may run meanwhile.
pub(super) fn verify(config: &Config, wanted: &Verify) -> Result<(), CommandError> {
    let store = opened(config)?;
    let kept = match &wanted.heads {
        Some(file) => kept(config, &store, file, wanted.keys.as_deref())?,
        None => ByTown::new(),
    };
    let towns = towns(&store, &wanted.town)?;
    let mut broken = Vec::new();
    for town in &towns {
        let heads = kept.get(&town.id).map(Vec::as_slice).unwrap_or_default();
        let called = format!("{} {}", town.code, town.name);
        match chains::chain(&store, town.id, heads).map_err(unreadable)? {
            Ok(verified) => say(&format!(
                "{called}: {} events hold, {} of them erased; {} kept heads lie on it; head {}\n",
                verified.end.seq,
                verified.erased,
                heads.len(),
                hex::encode(verified.end.hash),
            ))?,
            Err(fault) => {
                say(&format!("{called}: broken at {fault}\n"))?;
                broken.push(format!("{called}: {fault}"));
            }
        }
    }
    for (town, heads) in &kept {
        if wanted.town == "all" && !towns.iter().any(|known| known.id == *town) {
            let seqs: Vec<String> = heads.iter().map(|(seq, _)| seq.to_string()).collect();
            broken.push(format!(
                "town {town}: heads were signed (event {}), and there is no such town",
                seqs.join(", ")
            ));
        }
    }
    if wanted.town == "all" {
        for town in chains::missing_towns(&store).map_err(unreadable)? {
            broken.push(format!(
                "town {town}: its events are there, and there is no such town"
            ));
        }
    }
    for line in chains::damage(&store).map_err(unreadable)? {
        broken.push(format!("the table of events is damaged: {line}"));
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(CommandError::Broken(format!(
        "what was recorded does not hold:\n  {}",
        broken.join("\n  ")
    )))
}

/// Prints the signed head of each town that anybody sees: one that an import still writes may be taken
/// back, and its head would cry theft.
pub(super) fn heads(config: &Config, town: &str) -> Result<(), CommandError> {
    let store = opened(config)?;
    let auth = auth(config, &store)?;
    let mut towns = towns(&store, town)?;
    towns.retain(|town| town.published);
    for town in towns {
        let (seq, hash) = store
            .read_blocking(|conn| Ok(events::head(conn, town.id)?))
            .map_err(unreadable)?;
        let head = Head {
            iss: auth.keys.issuer().to_owned(),
            town: town.id,
            code: town.code,
            seq,
            hash: hex::encode(hash),
            at: Clock::system().now(),
        };
        let signed = head.sign(&auth.keys).map_err(CommandError::Refused)?;
        say(&format!("{signed}\n"))?;
    }
    Ok(())
}

/// The database as it is: to verify it, nothing is upgraded and nothing made.
fn opened(config: &Config) -> Result<Store, CommandError> {
    if let DatabaseUrl::Sqlite(path) = config.database()
        && !path.exists()
    {
        return Err(CommandError::Usage(
            "there is no database: name it with --data-dir or --database-url",
        ));
    }
    Ok(app::open_store(config)?)
}

fn auth(config: &Config, store: &Store) -> Result<Auth, CommandError> {
    let url = config.database();
    let opening = Auth::open(
        config.auth.clone(),
        &url,
        &config.data_dir,
        store,
        Clock::system().now(),
    );
    Ok(actix_web::rt::System::new().block_on(opening)?)
}

/// The heads in a file, checked with the server's keys and the saved keys.
fn kept(
    config: &Config,
    store: &Store,
    file: &Path,
    keys: Option<&Path>,
) -> Result<ByTown, CommandError> {
    let known = match keys {
        Some(path) => PublicKeys::from_jwks(&text(path)?).map_err(|fault| useless(path, fault))?,
        None => auth(config, store)?.keys.public(),
    };
    heads::read(&text(file)?, &known).map_err(|fault| useless(file, fault))
}

fn text(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|source| CommandError::Unreadable {
        path: path.display().to_string(),
        source,
    })
}

fn useless(path: &Path, fault: impl std::fmt::Display) -> CommandError {
    CommandError::Kept {
        path: path.display().to_string(),
        fault: fault.to_string(),
    }
}

fn towns(store: &Store, code: &str) -> Result<Vec<NamedTown>, CommandError> {
    let code = Some(code).filter(|code| *code != "all");
    let found = chains::towns(store, code).map_err(unreadable)?;
    if found.is_empty() && code.is_some() {
        return Err(CommandError::Usage("no town has this division code"));
    }
    Ok(found)
}

/// The logs say why.
fn unreadable(_: Problem) -> CommandError {
    CommandError::Usage(
        "the database cannot be read: is it one of gridpatrol's, and of this version (gridpatrol migrate)?",
    )
}
