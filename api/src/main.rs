//! The program `gridpatrol`.

use std::process::ExitCode;

use clap::Parser;
use gridpatrol::cli;

fn main() -> ExitCode {
    match cli::run(cli::Program::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gridpatrol: {error}");
            ExitCode::FAILURE
        }
    }
}
