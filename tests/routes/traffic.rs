//! Limits for callers, for kinds of requests, and of time.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use gridpatrol::config::Config;
use gridpatrol_domain::error::Code;
use gridpatrol_http::traffic::TrafficSettings;
use gridpatrol_store::Priority;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::client::id_of;
use crate::support::towns::PASSWORD;
use crate::support::{Kind, World, filing, run_in};

/// A story on both databases, with settings of its own.
macro_rules! on_both_with {
    ($settings:ident: $($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::run_in(super::Kind::Sqlite, super::$settings, super::$name);
            }

            #[test]
            fn postgres() {
                super::run_in(super::Kind::Postgres, super::$settings, super::$name);
            }
        }
    )+};
}

on_both_with!(few_requests: who_asks_too_often_waits_and_others_do_not);
on_both_with!(few_places: filing_finds_a_place_whatever_else_is_asked);
on_both_with!(little_time: who_sends_nothing_is_hung_up_on);

on_both!(texts_are_shorter_for_who_asks);

async fn texts_are_shorter_for_who_asks(world: World) {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let target = format!("/v1/reports/{id}");
    let whole = leader.get(&target).await;
    let ask = || {
        let request = leader.request(Method::GET, &target);
        request.header("accept-encoding", "gzip, deflate")
    };
    let packed = leader.send(ask()).await;
    assert_eq!(packed.status, 200);
    assert_eq!(packed.header("content-encoding"), "gzip");
    let varies = packed.headers.get_all("vary");
    assert!(varies.iter().any(|name| name == "accept-encoding"));
    assert!(packed.body.len() * 3 < whole.body.len() * 2);
    assert_eq!(packed.header("etag"), format!("W/{}", whole.header("etag")));
    let known = ask().header("if-none-match", packed.header("etag"));
    assert_eq!(leader.send(known).await.status, 304);
    // Tokens are not compressed.
    let stranger = world.stranger();
    let body = serde_json::json!({"username": "group_1_2", "password": PASSWORD});
    let sign_in = stranger.request(Method::POST, "/v1/auth/login").json(&body);
    let signed = stranger
        .send(sign_in.header("accept-encoding", "gzip"))
        .await;
    assert_eq!(signed.header("content-encoding"), "");
    signed.ok();
}

fn few_requests(config: &mut Config) {
    config.traffic = TrafficSettings {
        lists_per_minute: 60,
        lists_burst: 3,
        sign_in_per_minute: 1,
        sign_in_burst: 3,
        ..TrafficSettings::default()
    };
}

async fn who_asks_too_often_waits_and_others_do_not(world: World) {
    let (leader, secretary) = (world.leader(1, 1).await, world.secretary(1).await);
    for left in ["2", "1", "0"] {
        let answer = leader.get("/v1/reports").await;
        answer.ok();
        let standing = answer.header("ratelimit").to_owned();
        assert!(
            standing.starts_with(&format!("\"lists\";r={left};t=")),
            "{standing}"
        );
        assert_eq!(answer.header("ratelimit-policy"), "\"lists\";q=3;w=3");
    }
    // Counted before the values are looked at: this one would be 422.
    let refused = leader.get("/v1/grids?limit=0").await;
    let problem = refused.refused(Code::RateLimited);
    assert_eq!(problem["retry_after_s"], 1);
    assert_eq!(refused.header("ratelimit"), "\"lists\";r=0;t=3");
    // Who is not signed in is told so first.
    world
        .stranger()
        .get("/v1/reports")
        .await
        .refused(Code::Unauthenticated);
    // Another kind of request, and another officer.
    let filed = leader
        .put_report(uuid::Uuid::now_v7(), &filing(world.here().group(1, 1)))
        .await;
    filed.created();
    assert!(filed.header("ratelimit").starts_with("\"filing\";r=599;"));
    secretary.get("/v1/reports").await.ok();
    // As told, so it is.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    leader.get("/v1/reports").await.ok();

    // Where nobody is signed in, the address is counted: two have signed in above.
    let stranger = world.stranger();
    let third = stranger.sign_in("group_1_2", PASSWORD).await;
    third.ok();
    assert_eq!(third.header("ratelimit"), "\"sign_in\";r=0;t=180");
    stranger
        .sign_in("group_1_3", PASSWORD)
        .await
        .refused(Code::RateLimited);
    let probe = stranger.get("/healthz").await;
    probe.ok();
    assert_eq!(probe.header("ratelimit"), "");
}

fn few_places(config: &mut Config) {
    config.store.readers = 4;
    config.store.connections = 4;
    config.store.patience_ms = 300;
    config.traffic.read_timeout_s = 2;
}

async fn filing_finds_a_place_whatever_else_is_asked(world: World) {
    let leader = world.leader(1, 1).await;
    let here = filing(world.here().group(1, 1));
    leader.file(&here).await;
    // All that is not reserved for filing is taken.
    let mut hold = Vec::new();
    for _ in 0..3 {
        let (release, released) = mpsc::channel::<()>();
        let (enter, entered) = tokio::sync::oneshot::channel();
        hold.push(release);
        let store = world.app().store.clone();
        tokio::spawn(Priority::Common.within(async move {
            store
                .read(move |_| {
                    let _ = enter.send(());
                    let _ = released.recv();
                    Ok(())
                })
                .await
        }));
        entered.await.unwrap();
    }
    for target in ["/v1/reports", "/v1/inbox", "/v1/grids/tree"] {
        let problem = leader.get(target).await.refused(Code::Overloaded);
        assert!(
            (1..=5).contains(&problem["retry_after_s"].as_u64().unwrap()),
            "{target}"
        );
    }
    let begun = Instant::now();
    for _ in 0..5 {
        leader.file(&here).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    drop(hold);
    assert_eq!(leader.all("/v1/reports?limit=50").await.len(), 6);
}

fn little_time(config: &mut Config) {
    config.http.head_timeout_s = 1;
    config.http.body_timeout_s = 1;
    config.http.keep_alive_s = 1;
    config.photos.upload_timeout_s = 1;
}

async fn who_sends_nothing_is_hung_up_on(world: World) {
    let leader = world.leader(1, 1).await;
    let head = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n";
    let body = "POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 500\r\n\r\n{";
    let token = leader.access_token.clone().unwrap();
    let photo = format!(
        "PUT /v1/photos/{} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/jpeg\r\n\
         authorization: Bearer {token}\r\ncontent-length: 5000\r\n\r\n\u{1}",
        uuid::Uuid::now_v7()
    );
    let whole = format!("{head}\r\n");
    let (slow_head, slow_body, slow_photo, idle) = tokio::join!(
        drip(&world, head, "x-filler: "),
        drip(&world, body, " "),
        drip(&world, &photo, "."),
        drip(&world, &whole, ""),
    );
    assert!(slow_head.starts_with("HTTP/1.1 408 "), "{slow_head}");
    for answer in [&slow_body, &slow_photo] {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
    }
    assert!(idle.starts_with("HTTP/1.1 200 "), "{idle}");
    // Meanwhile nobody else was kept waiting.
    leader.inbox().await;
}

/// Sends a beginning, and then a little every quarter of a second, until the server hangs up: what it
/// said. It hangs up within seconds.
async fn drip(world: &World, beginning: &str, filler: &str) -> String {
    let request = world.stranger().request(Method::GET, "/").build().unwrap();
    let (host, port) = (
        request.url().host_str().unwrap(),
        request.url().port().unwrap(),
    );
    let mut stream = TcpStream::connect((host, port)).await.unwrap();
    stream.write_all(beginning.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut said = Vec::new();
    let listen = reader.read_to_end(&mut said);
    let speak = async {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            if writer.write_all(filler.as_bytes()).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let ended = async {
        tokio::select! {
            ended = listen => ended,
            () = speak => unreachable!(),
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    let ended = ended.unwrap_or_else(|_| panic!("still open: {beginning}"));
    // It may hang up while something is under way to it.
    drop(ended);
    String::from_utf8_lossy(&said).into_owned()
}
