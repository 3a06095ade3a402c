//! The program in its own process, with default settings. It ends when its handle is dropped.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::Place;
use crate::{Fallible, process};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kinds of requests whose callers are not limited here: the load is no caller's.
const UNLIMITED: [&str; 7] = [
    "sign-in",
    "filing",
    "reads",
    "lists",
    "photos",
    "pictures",
    "administration",
];

/// A server that answers.
pub struct Server {
    child: Child,
    /// Where.
    pub address: SocketAddr,
    /// From the start of the process until it said that it is ready.
    pub started_in: Duration,
}

impl Server {
    /// Starts it on the database of a place and waits until it is ready. What it logs goes to a
    /// file, as it would in service.
    pub fn start(place: &Place) -> Fallible<Self> {
        let address = free_address()?;
        let log = File::create(place.folder.join("server.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_gridpatrol"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GRIDPATROL_") {
                command.env_remove(name);
            }
        }
        command
            .arg("serve")
            .args(["--bind", &address.to_string()])
            .arg("--data-dir")
            .arg(&place.folder)
            // All the load comes from one address and few officers.
            .args(UNLIMITED.map(|group| format!("--traffic-{group}-per-minute=0")))
            // A run outlasts the usual 15 minutes.
            .args(["--auth-access-minutes", "600"])
            .arg("--clock-enabled=false")
            .env("GRIDPATROL_DATABASE_URL", &place.url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let begun = Instant::now();
        let mut server = Self {
            child: command.spawn()?,
            address,
            started_in: Duration::ZERO,
        };
        while !ready(address) {
            if let Some(status) = server.child.try_wait()? {
                let log = std::fs::read_to_string(place.folder.join("server.log"))?;
                return Err(format!("the server ended ({status}):\n{log}").into());
            }
            if begun.elapsed() > PATIENCE {
                return Err("the server does not become ready".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.started_in = begun.elapsed();
        Ok(server)
    }

    /// The process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its memory, for the table.
    pub fn memory(&self) -> String {
        process::resident_megabytes(self.process()).map_or_else(
            || "unknown".to_owned(),
            |megabytes| format!("{megabytes:.0} MB"),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It keeps its promises when killed, too.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("load: the server cannot be ended: {error}");
        }
    }
}

/// A free port of loopback.
fn free_address() -> Fallible<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
