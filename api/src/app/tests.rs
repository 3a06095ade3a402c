use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use uuid::Uuid;

use super::{Clock, build_at};
use crate::config::Config;

struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    serving: actix_web::rt::task::JoinHandle<std::io::Result<()>>,
    folder: PathBuf,
}

async fn running(adjust: impl FnOnce(&mut Config)) -> Running {
    let folder = std::env::temp_dir().join(format!("gridpatrol-app-{}", Uuid::now_v7()));
    let mut config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.clone(),
        ..Config::default()
    };
    config.http.workers = 1;
    config.auth.argon2_memory_kib = 8;
    config.auth.argon2_passes = 1;
    adjust(&mut config);
    let server = build_at(config, Clock::system()).await.unwrap();
    Running {
        address: server.address(),
        handle: server.handle(),
        serving: actix_web::rt::spawn(server.run()),
        folder,
    }
}

impl Running {
    async fn stop(self) {
        self.handle.stop(true).await;
        self.serving.await.unwrap().unwrap();
        std::fs::remove_dir_all(self.folder).unwrap();
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        let request = request.to_owned();
        blocking(move || {
            stream.write_all(request.as_bytes()).unwrap();
            answer(&mut stream)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    actix_web::rt::task::spawn_blocking(work).await.unwrap()
}

/// Everything up to the end of the connection.
fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn half_of_a_sign_in(close: &str) -> String {
    format!(
        "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\n{close}Content-Type: application/json\r\n\
         Content-Length: 45\r\n\r\n{{\"username\": \"nobody\", "
    )
}

#[actix_web::test]
async fn a_body_that_does_not_come_in_time_is_answered_408() {
    let server = running(|config| config.http.body_timeout_s = 1).await;
    let answer = server
        .ask(&half_of_a_sign_in("Connection: close\r\n"))
        .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
    server.stop().await;
}

#[actix_web::test]
async fn stopping_lets_what_is_in_flight_finish() {
    let server = running(|_| {}).await;
    let mut stream = server.connect();
    let mut stream = blocking(move || {
        stream.write_all(half_of_a_sign_in("").as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        stream
    })
    .await;
    let stopping = actix_web::rt::spawn(server.handle.stop(true));
    let answer = blocking(move || {
        std::thread::sleep(Duration::from_millis(200));
        stream.write_all(b"\"password\": \"wrong-1\"}").unwrap();
        answer(&mut stream)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("credentials_invalid"), "{answer}");
    stopping.await.unwrap();
    server.stop().await;
}

#[actix_web::test]
async fn what_nobody_serves_is_a_problem() {
    let server = running(|_| {}).await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let nowhere = server.ask(&get("/v1/nowhere")).await;
    assert!(nowhere.starts_with("HTTP/1.1 404 "), "{nowhere}");
    assert!(nowhere.contains("no_such_route"), "{nowhere}");
    let wrong = server.ask(&get("/v1/auth/login")).await;
    assert!(wrong.starts_with("HTTP/1.1 405 "), "{wrong}");
    assert!(wrong.contains("allow: POST\r\n"), "{wrong}");
    let document = server.ask(&get("/openapi.yaml")).await;
    assert!(document.contains("\nopenapi: 3.1.0\n"), "{document}");
    let root = server.ask(&get("/")).await;
    assert!(root.starts_with("HTTP/1.1 303 "), "{root}");
    // Relative, for a proxy may put something in front.
    assert!(root.contains("location: docs\r\n"), "{root}");
    let docs = server.ask(&get("/docs")).await;
    assert!(docs.contains("src=\"docs/main.js\""), "{docs}");
    assert!(
        !docs.contains("://"),
        "nothing comes from elsewhere: {docs}"
    );
    let start = server.ask(&get("/docs/main.js")).await;
    assert!(start.starts_with("HTTP/1.1 200 "), "{start}");
    assert!(start.contains("openapi.json"), "{start}");
    let ready = server.ask(&get("/readyz")).await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    server.stop().await;
}
