//! The benchmark: what the server does in a second, compared with its storage alone, in one run on one
//! machine.
//!
//! `cargo bench --bench load` prints the table (`-- --quick` a short one, `-- --help` the options).
//! The server is the program itself, in its own process, with default settings, on loopback. The load
//! generator runs on the same machine, and the table shows how much processor time each used. Owns the
//! order of the phases; each phase has its own file.

mod bars;
mod client;
mod clock;
mod creations;
mod fairness;
mod figures;
mod imports;
mod inbox;
mod photo;
mod place;
mod process;
mod reads;
mod reports;
mod server;
mod sign_in;
mod town;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use figures::Table;
use place::Place;

/// What can go wrong here.
type Fault = Box<dyn std::error::Error + Send + Sync>;
/// What every step returns.
type Fallible<T> = Result<T, Fault>;

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Phase {
    /// Filing reports.
    Creations,
    /// Reading reports, lists and the inbox; starting on an existing database.
    Reads,
    /// Signing in.
    SignIn,
    /// Filing while photos, lists and an import are under way.
    Fairness,
    /// Making the smaller copies of a photo.
    Photo,
    /// Importing the divisions of a nation, alone and beside filing. Only where it is named.
    Import,
    /// The clock: many reports due at once, and a few due of ever more that are open. Only where it is
    /// named.
    Clock,
    /// The inbox of an officer for whom ten thousand reports wait. Only where it is named.
    Inbox,
}

/// What could starve filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Disturbance {
    /// Uploads of 12 megapixels over 16 connections.
    Photos,
    /// Lists that no index serves, over 16 connections.
    Lists,
    /// An import of the nation.
    Import,
}

/// Measures the server beside its storage.
#[derive(Debug, Parser)]
#[command(name = "load", max_term_width = 100)]
struct Options {
    /// A short run: the order of magnitude within a minute
    #[arg(long)]
    quick: bool,
    /// Seconds measured in each phase [default: 8; quick: 2]
    #[arg(long)]
    seconds: Option<f64>,
    /// Seconds of load before measuring begins [default: 2; quick: 0.5]
    #[arg(long)]
    warm_up: Option<f64>,
    /// Connections at once
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<usize>,
    /// Reports in the database when lists and inboxes are measured, open ones when the clock is, rising
    /// [default: 10000,100000; quick: 5000,20000]
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<u64>,
    /// Reports due at once when the clock is measured [default: 100000; quick: 5000]
    #[arg(long)]
    due: Option<u64>,
    /// How much of the nation is imported
    #[arg(long, default_value_t = 1.0)]
    nation: f64,
    /// What is done beside filing when fairness is measured: to find which of them costs what
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "photos,lists,import"
    )]
    beside: Vec<Disturbance>,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Phase>,
    /// Measure on this PostgreSQL server as well, in databases made for it and dropped afterwards
    #[arg(
        long,
        value_name = "URL",
        env = "GRIDPATROL_LOAD_POSTGRES",
        hide_env_values = true
    )]
    postgres: Option<String>,
    /// Leave SQLite out
    #[arg(long)]
    skip_sqlite: bool,
    /// Where the data lies meanwhile: a folder on the disk to be measured
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"), hide_default_value = true)]
    folder: PathBuf,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// How long and how wide each phase is.
#[derive(Debug, Clone)]
struct Settings {
    seconds: Duration,
    warm_up: Duration,
    connections: Vec<usize>,
    sizes: Vec<u64>,
}

/// The database a part of the run is on.
#[derive(Debug, Clone)]
enum Kind {
    Sqlite,
    Postgres(String),
}

impl Options {
    fn settings(&self) -> Fallible<Settings> {
        let seconds = self.seconds.unwrap_or(if self.quick { 2.0 } else { 8.0 });
        let warm_up = self.warm_up.unwrap_or(if self.quick { 0.5 } else { 2.0 });
        let mut sizes = match (self.sizes.as_slice(), self.quick) {
            ([], true) => vec![5_000, 20_000],
            ([], false) => vec![10_000, 100_000],
            (given, _) => given.to_vec(),
        };
        sizes.sort_unstable();
        Ok(Settings {
            seconds: Duration::try_from_secs_f64(seconds)?,
            warm_up: Duration::try_from_secs_f64(warm_up)?,
            connections: self.connections.clone(),
            sizes,
        })
    }

    fn does(&self, phase: Phase) -> bool {
        self.only.is_empty() || self.only.contains(&phase)
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Fallible<()> {
    let settings = options.settings()?;
    let mut kinds = Vec::new();
    if !options.skip_sqlite {
        kinds.push(Kind::Sqlite);
    }
    kinds.extend(options.postgres.clone().map(Kind::Postgres));
    let mut failed = 0;
    for kind in kinds {
        let mut table = Table::new(match kind {
            Kind::Sqlite => "SQLite",
            Kind::Postgres(_) => "PostgreSQL",
        });
        if options.does(Phase::Creations) {
            creations::measure(
                &settings,
                &mut || Place::make(&kind, &options.folder),
                &mut table,
            )?;
        }
        if options.does(Phase::Reads) {
            reads::measure(&settings, Place::make(&kind, &options.folder)?, &mut table)?;
        }
        if options.does(Phase::SignIn) {
            sign_in::measure(&settings, Place::make(&kind, &options.folder)?, &mut table)?;
        }
        if options.only.contains(&Phase::Import) {
            imports::measure(
                &settings,
                options.nation,
                &mut || Place::make(&kind, &options.folder),
                &mut table,
            )?;
        }
        if options.only.contains(&Phase::Clock) {
            let due = options
                .due
                .unwrap_or(if options.quick { 5_000 } else { 100_000 });
            clock::measure(
                &settings,
                due,
                &mut || Place::make(&kind, &options.folder),
                &mut table,
            )?;
        }
        if options.only.contains(&Phase::Inbox) {
            inbox::measure(&settings, Place::make(&kind, &options.folder)?, &mut table)?;
        }
        if options.does(Phase::Fairness) {
            let place = Place::make(&kind, &options.folder)?;
            fairness::measure(
                &settings,
                &options.beside,
                options.nation,
                place,
                &mut table,
            )?;
        }
        failed += table.failures();
        table.print()?;
        bars::print(&table)?;
    }
    if options.does(Phase::Photo) {
        let mut table = Table::new("photos");
        photo::measure(&settings, &mut table)?;
        table.print()?;
    }
    if failed > 0 {
        return Err(format!("{failed} requests were not answered as expected").into());
    }
    Ok(())
}
