//! The program's commands.
//!
//! Owns the command line and what a signal does. It must not hold rules: it calls the same commands as
//! the API.

mod audit;
mod grids;
mod holidays;
mod officer;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{self, StartError};
use crate::config::{Config, ConfigError, Given};
use crate::openapi;
use crate::telemetry::{self, TelemetryError};
use gridpatrol_people::auth::AuthError;
use gridpatrol_people::auth::passwords::HashError;
use gridpatrol_people::imports::cli_import::Ended;
use gridpatrol_problem::Problem;
use gridpatrol_store::StoreError;

/// Grid supervision of a town, its villages and their groups: the server.
#[derive(Debug, Parser)]
#[command(name = "gridpatrol", version, about, max_term_width = 100)]
pub struct Program {
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API; upgrades the database first
    Serve,
    /// Upgrade the database and say which migrations were applied
    Migrate,
    /// Officers
    #[command(subcommand)]
    Officer(OfficerCommand),
    /// Bring data in
    #[command(subcommand)]
    Import(ImportCommand),
    /// Verify the towns' chains of events; names the first broken link of each and exits with 1
    VerifyAudit(audit::Verify),
    /// The towns' chains of events
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Print the signed head of each chain, one a line, to be kept elsewhere
    Heads {
        /// The division code of a town, or all
        #[arg(long, value_name = "CODE", default_value = "all")]
        town: String,
    },
}

#[derive(Debug, Subcommand)]
enum OfficerCommand {
    /// Create an officer with a posting, such as the first administrator
    Create(officer::Create),
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Import towns, villages and groups from a CSV or XLSX file
    Grids {
        /// The file
        file: PathBuf,
        /// Only say what would be done, and what is wrong
        #[arg(long)]
        dry_run: bool,
    },
    /// Give a year its holidays and make-up days from a JSON file, for all towns
    Holidays {
        /// The file
        file: PathBuf,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The logs.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password cannot be hashed.
    #[error(transparent)]
    Password(#[from] HashError),
    /// The command was refused, as the API would refuse it.
    #[error("{}", explained(.0))]
    Refused(Problem),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{0} cannot be used:\n  {1}")]
    Malformed(String, String),
    /// The file has bad lines.
    #[error("nothing was imported:\n{0}")]
    BadLines(Ended),
    /// Sign-in, whose keys sign, cannot be made ready.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Kept heads or key sets are of no use.
    #[error("{path}: {fault}")]
    Kept {
        /// Which file.
        path: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Chains do not hold.
    #[error("{0}")]
    Broken(String),
    /// The command was not used as it must be.
    #[error("{0}")]
    Usage(&'static str),
    /// Input or output.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A refusal for the command line: each wrong value under its option.
fn explained(problem: &Problem) -> String {
    let mut lines = vec![problem.code.title_en().to_owned()];
    lines.extend(problem.detail.clone());
    lines.extend(problem.errors.iter().map(|error| {
        format!(
            "--{}: {}",
            error.pointer.trim_start_matches('/'),
            error.detail
        )
    }));
    lines.join("\n  ")
}

/// Runs the program's command.
///
/// # Errors
/// Why it failed, for the operator.
pub fn run(program: Program) -> Result<(), CommandError> {
    let config = Config::load(program.given)?;
    match program.command {
        Command::Serve => {
            telemetry::start(&config)?;
            actix_web::rt::System::new().block_on(serve(config))
        }
        Command::Migrate => {
            telemetry::start(&config)?;
            let applied = app::open_store(&config)?.migrate()?;
            for migration in &applied {
                say(&format!("applied {migration}\n"))?;
            }
            if applied.is_empty() {
                say("nothing to apply\n")?;
            }
            Ok(())
        }
        Command::Officer(OfficerCommand::Create(officer)) => {
            telemetry::start(&config)?;
            officer::create(&config, officer)
        }
        Command::Import(ImportCommand::Grids { file, dry_run }) => {
            telemetry::start(&config)?;
            grids::import(&config, &file, dry_run)
        }
        Command::VerifyAudit(verify) => {
            telemetry::start(&config)?;
            audit::verify(&config, &verify)
        }
        Command::Audit(AuditCommand::Heads { town }) => {
            telemetry::start(&config)?;
            audit::heads(&config, &town)
        }
        Command::Import(ImportCommand::Holidays { file }) => {
            telemetry::start(&config)?;
            holidays::import(&config, &file)
        }
        Command::Openapi => {
            let document = openapi::document(config.http.public_url.as_deref());
            say(&openapi::yaml(&document))
        }
    }
}

async fn serve(config: Config) -> Result<(), CommandError> {
    let server = app::build(config).await?;
    let handle = server.handle();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    actix_web::rt::spawn(async move {
        let mut asked_before = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked_before {
                tracing::warn!("stopping at once: asked again");
            } else {
                tracing::info!("stopping: what is in flight may finish");
            }
            // The first signal stops gracefully. We do not wait here, so that a second signal can end it at once.
            drop(actix_web::rt::spawn(handle.stop(!asked_before)));
            asked_before = true;
        }
    });
    server.run().await?;
    Ok(())
}

/// Writes to standard output; a reader that has gone is no fault.
fn say(text: &str) -> Result<(), CommandError> {
    let mut output = std::io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Program::command().debug_assert();
        for line in [
            "gridpatrol serve --bind 127.0.0.1:0 --demo",
            "gridpatrol --data-dir /x serve",
            "gridpatrol migrate --database-url sqlite:///x.db",
            "gridpatrol openapi",
            "gridpatrol officer create --username a --name b --role admin --grid 990001100000",
            "gridpatrol import grids divisions.csv",
            "gridpatrol import grids divisions.xlsx --dry-run",
            "gridpatrol verify-audit",
            "gridpatrol verify-audit --town 990001100000 --heads heads.txt --keys jwks.json",
            "gridpatrol audit heads --town all",
            "gridpatrol import holidays 2026.json",
        ] {
            assert!(Program::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in [
            "gridpatrol serve --bnid x",
            "gridpatrol officer create --username a --name b --role mayor --grid 1",
            "gridpatrol officer create --username a --name b --role admin --grid 1 --password x",
        ] {
            assert!(Program::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    /// One setting, as a row of a guide lists it.
    #[derive(Debug, PartialEq, Eq)]
    struct Setting {
        flag: String,
        what: String,
        default: String,
    }

    impl Setting {
        fn row(&self) -> String {
            format!("| `--{}` | {} | {} |", self.flag, self.what, self.default)
        }
    }

    /// The settings as the program knows them.
    fn known() -> Vec<Setting> {
        let program = Program::command();
        let options = program.get_arguments();
        options
            .filter_map(|option| {
                let (flag, help) = (option.get_long()?, option.get_help()?.to_string());
                option.get_env()?;
                let (what, default) = help.split_once(" [default: ").unwrap_or((&help, ""));
                Some(Setting {
                    flag: flag.to_owned(),
                    what: what.to_owned(),
                    default: default.strip_suffix(']').unwrap_or(default).to_owned(),
                })
            })
            .collect()
    }

    /// The settings as a guide lists them, section by section.
    fn listed(guide: &str) -> Vec<Setting> {
        guide
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `--")?.strip_suffix(" |")?.split(" | ");
                Some(Setting {
                    flag: cells.next()?.trim_end_matches('`').to_owned(),
                    what: cells.next()?.to_owned(),
                    default: cells.next()?.trim().to_owned(),
                })
            })
            .collect()
    }

    #[test]
    fn the_guide_lists_every_setting_as_it_is() {
        let (known, listed) = (known(), listed(include_str!("../docs/settings.en.md")));
        let rows: Vec<_> = known.iter().map(Setting::row).collect();
        assert!(
            listed == known,
            "settings.en.md must list, in this order:\n{}",
            rows.join("\n")
        );
    }

    /// Defaults in words, and what the Chinese guide calls them. All others stand there as they are.
    const DEFAULTS_IN_WORDS: &[(&str, &str)] = &[
        (
            "gridpatrol.db in the data folder",
            "数据目录中的 gridpatrol.db",
        ),
        ("none", "无"),
        ("relative", "相对地址"),
        ("made at first start", "首次启动时生成"),
        ("a folder in the data folder", "数据目录中的文件夹"),
        ("Amazon's", "亚马逊的地址"),
        ("AWS_… variables", "AWS_… 环境变量"),
    ];

    #[test]
    fn the_chinese_guide_lists_the_same_settings() {
        let expected: Vec<_> = known()
            .into_iter()
            .map(|setting| {
                let in_words = DEFAULTS_IN_WORDS
                    .iter()
                    .find(|(english, _)| *english == setting.default);
                let default =
                    in_words.map_or(setting.default, |(_, chinese)| (*chinese).to_owned());
                (setting.flag, default)
            })
            .collect();
        let chinese = listed(include_str!("../docs/settings.zh-CN.md"));
        let untold: Vec<_> = chinese
            .iter()
            .filter(|setting| !setting.what.chars().any(|c| ('一'..='鿿').contains(&c)))
            .map(|setting| &setting.flag)
            .collect();
        assert!(untold.is_empty(), "not told in Chinese: {untold:?}");
        let listed: Vec<_> = chinese
            .into_iter()
            .map(|setting| (setting.flag, setting.default))
            .collect();
        assert_eq!(listed, expected, "settings.zh-CN.md");
    }
}
