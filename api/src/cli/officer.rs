//! `officer create`: an account from the server's own command line, such as the first administrator.
//!
//! Owns these arguments. It must not take a password in the command line, which every process of the
//! machine can read: the command reads it from standard input or asks for it.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::officer::Role;
use uuid::Uuid;

use super::{CommandError, say};
use crate::app;
use crate::config::Config;
use gridpatrol_people::auth::common_passwords;
use gridpatrol_people::auth::passwords::Passwords;
use gridpatrol_people::officers::commands::{self, NewOfficer, NewPosting};
use gridpatrol_people::towns::queries as grids;
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::Lane;
use gridpatrol_store::clock::Clock;

/// The officer to create.
#[derive(Debug, Args)]
pub struct Create {
    /// The name to sign in with
    #[arg(long)]
    username: String,
    /// The person's name
    #[arg(long)]
    name: String,
    /// The role at the grid
    #[arg(long, value_parser = role)]
    role: Role,
    /// The code of the grid
    #[arg(long, value_name = "CODE")]
    grid: String,
    /// A phone number
    #[arg(long)]
    phone: Option<String>,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Let the officer choose another password at the first sign-in
    #[arg(long)]
    must_change_password: bool,
}

fn role(slug: &str) -> Result<Role, String> {
    Role::from_code(slug).ok_or_else(|| {
        let known: Vec<_> = Role::ALL.iter().map(|role| role.code()).collect();
        format!("one of {}", known.join(", "))
    })
}

/// Creates the officer with a posting from now on, and says the id.
pub(super) fn create(config: &Config, officer: Create) -> Result<(), CommandError> {
    let password = if officer.password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        asked()?
    };
    let faults =
        common_passwords::faults(&config.auth.password_rules(), &password, &officer.username);
    if !faults.is_empty() {
        let errors = faults
            .iter()
            .map(|fault| FieldError::new("/password", "not_allowed", fault.to_string()));
        return Err(CommandError::Refused(Problem::invalid(errors.collect())));
    }
    let password_hash = Passwords::new(&config.auth)?.hash_blocking(&password)?;
    let store = app::open_store(config)?;
    store.migrate()?;
    let now = Clock::system().now();
    let new = NewOfficer {
        id: Uuid::now_v7(),
        username: officer.username,
        name: officer.name,
        phone: officer.phone,
        password_hash,
        must_change_password: officer.must_change_password,
    };
    let (code, role) = (officer.grid, officer.role);
    let id = store
        .write_blocking(Lane::Interactive, move |conn| {
            let mut coded = grids::grids_coded(conn, &[&code])?;
            let grid = coded.remove(&code).ok_or_else(|| {
                let detail = "No grid has this code. Import the grids first.";
                Problem::invalid(vec![FieldError::new("/grid", "not_found", detail)])
            })?;
            let posting = NewPosting {
                role,
                grid_id: grid.id,
                from: now,
                to: None,
            };
            commands::create(conn, &new, posting, None, now)
        })
        .map_err(CommandError::Refused)?;
    say(&format!("{id}\n"))
}

/// Asks twice, without showing what is typed.
fn asked() -> Result<String, CommandError> {
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::Usage(
            "there is no terminal to ask for the password: pass --password-stdin",
        ));
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        return Err(CommandError::Usage("the passwords differ"));
    }
    Ok(password)
}
