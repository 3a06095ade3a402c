//! Tests of the limits, without a server.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use uuid::Uuid;

use super::*;

fn few(per_minute: u32, burst: u32) -> Traffic {
    Traffic::new(&TrafficSettings {
        lists_per_minute: per_minute,
        lists_burst: burst,
        ..TrafficSettings::default()
    })
}

/// One request of a caller: the problem if it was refused, and the headers.
fn ask(traffic: &Traffic, group: Group, caller: &Caller) -> (Option<Problem>, HeaderMap) {
    let request = TestRequest::get().to_http_request();
    let meter = Meter::new(Some(group));
    request.extensions_mut().insert(meter.clone());
    let refused = traffic.admit(&request, caller).err();
    let mut headers = HeaderMap::new();
    meter.tell(&mut headers);
    (refused, headers)
}

fn header(headers: &HeaderMap, name: &HeaderName) -> String {
    let value = headers.get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or_default().to_owned()
}

#[test]
fn operations_belong_where_their_cost_lies() {
    for (method, path, group) in [
        (Method::POST, "/v1/auth/login", Some(Group::SignIn)),
        (Method::POST, "/v1/auth/refresh", Some(Group::SignIn)),
        (Method::GET, "/v1/auth/sessions", Some(Group::Reads)),
        (Method::PUT, "/v1/reports/{id}", Some(Group::Filing)),
        (Method::POST, "/v1/reports", Some(Group::Filing)),
        (
            Method::POST,
            "/v1/reports/{id}/approve",
            Some(Group::Filing),
        ),
        (Method::GET, "/v1/reports", Some(Group::Lists)),
        (Method::GET, "/v1/reports/{id}", Some(Group::Reads)),
        (Method::GET, "/v1/reports/{id}/events", Some(Group::Reads)),
        (
            Method::GET,
            "/v1/reports/{id}/package",
            Some(Group::Administration),
        ),
        (Method::GET, "/v1/inbox", Some(Group::Reads)),
        (Method::GET, "/v1/inbox/counts", Some(Group::Reads)),
        (Method::POST, "/v1/inbox/decide", Some(Group::Filing)),
        (Method::GET, "/v1/grids/tree", Some(Group::Lists)),
        (Method::GET, "/v1/grids/{id}", Some(Group::Reads)),
        (
            Method::POST,
            "/v1/grids/import",
            Some(Group::Administration),
        ),
        (
            Method::PATCH,
            "/v1/officers/{id}",
            Some(Group::Administration),
        ),
        (Method::PUT, "/v1/photos/{id}", Some(Group::Photos)),
        (Method::GET, "/v1/photos/{id}", Some(Group::Reads)),
        (
            Method::GET,
            "/v1/photos/{id}/thumbnail",
            Some(Group::Pictures),
        ),
        (Method::GET, "/healthz", None),
        (Method::GET, "/openapi.yaml", None),
        (Method::GET, "/.well-known/jwks.json", None),
    ] {
        assert_eq!(Group::of(&method, path), group, "{method} {path}");
        let real = path.replace("{id}", &Uuid::now_v7().to_string());
        assert_eq!(Group::of(&method, &real), group, "{method} {real}");
    }
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back_and_others_are_served() {
    let traffic = few(60, 3);
    let (one, other) = (
        Caller::Officer(Uuid::now_v7()),
        Caller::Officer(Uuid::now_v7()),
    );
    for left in [2, 1, 0] {
        let (refused, headers) = ask(&traffic, Group::Lists, &one);
        assert!(refused.is_none());
        let now = header(&headers, &RATE_LIMIT);
        assert_eq!(now, format!("\"lists\";r={left};t={}", 3 - left));
        assert_eq!(header(&headers, &RATE_LIMIT_POLICY), "\"lists\";q=3;w=3");
    }
    let (refused, headers) = ask(&traffic, Group::Lists, &one);
    let problem = refused.unwrap();
    assert_eq!(problem.code, Code::RateLimited);
    assert_eq!(problem.retry_after_s, Some(1));
    assert_eq!(header(&headers, &RATE_LIMIT), "\"lists\";r=0;t=3");
    // Another kind of request, and another caller.
    assert!(ask(&traffic, Group::Filing, &one).0.is_none());
    assert!(ask(&traffic, Group::Lists, &other).0.is_none());
    // A caller who waits as long as the answer says is served.
    std::thread::sleep(std::time::Duration::from_millis(1_001));
    assert!(ask(&traffic, Group::Lists, &one).0.is_none());
}

#[test]
fn a_phone_that_was_away_for_a_week_files_all_at_once() {
    let traffic = Traffic::new(&TrafficSettings::default());
    let phone = Caller::Officer(Uuid::now_v7());
    for _ in 0..200 {
        assert!(ask(&traffic, Group::Filing, &phone).0.is_none());
        for _ in 0..9 {
            assert!(ask(&traffic, Group::Photos, &phone).0.is_none());
        }
    }
}

#[test]
fn an_account_has_one_limit_of_its_own_for_everything() {
    let traffic = few(60, 1);
    let account = |per_minute| Caller::Account {
        id: Uuid::now_v7(),
        per_minute,
    };
    let (slow, fast, free) = (account(2), account(5), account(0));
    assert!(ask(&traffic, Group::Lists, &slow).0.is_none());
    assert!(ask(&traffic, Group::Reads, &slow).0.is_none());
    let (refused, headers) = ask(&traffic, Group::Filing, &slow);
    assert!(refused.is_some());
    assert_eq!(header(&headers, &RATE_LIMIT_POLICY), "\"account\";q=2;w=60");
    for _ in 0..5 {
        assert!(ask(&traffic, Group::Lists, &fast).0.is_none());
    }
    assert!(ask(&traffic, Group::Lists, &fast).0.is_some());
    for _ in 0..100 {
        let (refused, headers) = ask(&traffic, Group::Lists, &free);
        assert!(refused.is_none() && headers.is_empty());
    }
}

#[test]
fn no_limit_is_no_limit() {
    let traffic = few(0, 1);
    let caller = Caller::Address("203.0.113.7".into());
    for _ in 0..1_000 {
        let (refused, headers) = ask(&traffic, Group::Lists, &caller);
        assert!(refused.is_none() && headers.is_empty());
    }
}

#[test]
fn a_network_is_one_caller() {
    let traffic = few(60, 1);
    let address = |text: &str| Caller::Address(text.to_owned());
    assert!(
        ask(&traffic, Group::Lists, &address("2001:db8::1"))
            .0
            .is_none()
    );
    assert!(
        ask(&traffic, Group::Lists, &address("2001:db8::2"))
            .0
            .is_some()
    );
    assert!(
        ask(&traffic, Group::Lists, &address("2001:db8:1::1"))
            .0
            .is_none()
    );
}

#[test]
fn who_is_quiet_is_forgotten() {
    // A bucket for one request that refills within a millisecond.
    let allowance = Allowance {
        per_minute: 60_000,
        burst: 1,
    };
    let buckets = rate::Buckets::new("lists", allowance).unwrap();
    for number in 0..20_000 {
        let _ = buckets.count(&format!("officer:{number}"));
    }
    assert!(buckets.callers() < 10_000, "{}", buckets.callers());
}

#[test]
fn settings_out_of_bounds_are_named() {
    assert!(TrafficSettings::default().faults().is_empty());
    let wrong = TrafficSettings {
        lists_burst: 0,
        photos_per_minute: 2_000_000,
        read_timeout_s: 0,
        ..TrafficSettings::default()
    };
    let faults = wrong.faults();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("traffic.lists_burst is 0"));
}
