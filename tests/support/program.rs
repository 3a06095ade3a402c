//! The program itself, in its own process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use super::database::Database;
use super::world::Folder;

/// A server that can be killed.
pub struct Program {
    child: Child,
    /// Where it serves.
    pub base: String,
}

/// The program with the settings of tests, its command still to be said.
fn program(database: &Database, folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gridpatrol"));
    command
        .arg("--data-dir")
        .arg(&folder.0)
        .args(["--database-url", &database.url]);
    command
}

/// Runs a command of the program to its end.
pub fn run(database: &Database, folder: &Folder, arguments: &[&str]) -> Output {
    program(database, folder)
        .args(arguments)
        .output()
        .expect("the program")
}

impl Program {
    /// Starts it.
    pub fn start(database: &Database, folder: &Folder) -> Self {
        let mut child = program(database, folder)
            .args(["serve", "--bind", "127.0.0.1:0", "--log-format", "json"])
            .args(["--http-workers", "1", "--store-connections", "6"])
            .args(["--auth-argon2-memory-kib", "8", "--auth-argon2-passes", "1"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
            .find_map(|line| {
                let fields = line.get("fields").unwrap_or(&line);
                fields["address"].as_str().map(str::to_owned)
            })
            .expect("it says where it serves");
        // Nobody reads the rest, but the program must not wait for it.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            base: format!("http://{address}"),
        }
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
