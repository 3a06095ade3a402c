//! Wrong input is refused with a code and a pointer, all errors at once, in both languages, and does not
//! change the database.

use gridpatrol_domain::error::Code;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::id_of;
use crate::support::{Answer, Client, World, audit, filing, pictures};

/// A request that is wrong, and how it is refused.
struct Case {
    name: &'static str,
    method: Method,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    code: Code,
    wrong: Vec<(String, String)>,
}

fn case(name: &'static str, code: Code) -> Case {
    Case {
        name,
        method: Method::POST,
        target: "/v1/reports".to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: Vec::new(),
        code,
        wrong: Vec::new(),
    }
}

/// A case of `validation_failed` with all wrong values.
fn invalid(name: &'static str, body: &Value, wrong: &[(&str, &str)]) -> Case {
    let wrong = wrong
        .iter()
        .map(|(pointer, reason)| ((*pointer).to_owned(), (*reason).to_owned()))
        .collect();
    Case {
        wrong,
        ..case(name, Code::ValidationFailed)
    }
    .json(body)
}

impl Case {
    fn at(self, method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            ..self
        }
    }

    fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    fn bare(mut self) -> Self {
        self.headers.clear();
        self
    }

    async fn send(&self, client: &Client) -> Answer {
        let mut request = client.request(self.method.clone(), &self.target);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        client.send(request.body(self.body.clone())).await
    }
}

/// Sends every case in both languages; nothing may have changed at the end, nor the server be gone.
async fn refuse_all(world: &World, client: &Client, cases: Vec<Case>) {
    for case in cases {
        let rows = audit::rows(world).await;
        let mut chinese = case.send(client).await;
        chinese.asked = format!("{}: {}", case.name, chinese.asked);
        chinese.refused(case.code);
        if case.code == Code::ValidationFailed {
            let mut expected = case.wrong.clone();
            expected.sort();
            assert_eq!(
                chinese.wrong(),
                expected,
                "{}: {}",
                case.name,
                chinese.text()
            );
        }
        let english = Case {
            headers: [
                case.headers.clone(),
                vec![("accept-language", "en-GB,en;q=0.8".to_owned())],
            ]
            .concat(),
            ..case
        };
        let answer = english.send(client).await;
        assert_eq!(answer.header("content-language"), "en", "{}", english.name);
        answer.refused(english.code);
        assert_eq!(
            audit::rows(world).await,
            rows,
            "{} changed the database",
            english.name
        );
    }
    client.get("/v1/me").await.ok();
}

on_both!(
    bodies_that_cannot_be_read,
    a_filing_with_wrong_values,
    wrong_ids_and_wrong_parameters,
    actions_with_wrong_values,
    photos_that_are_none,
);

async fn bodies_that_cannot_be_read(world: World) {
    let leader = world.leader(1, 1).await;
    let sound = filing(world.here().group(1, 1)).0.to_string();
    let mut broken = sound.clone().into_bytes();
    let at = broken
        .iter()
        .position(|byte| *byte > 0x7f)
        .expect("a Chinese letter");
    broken.remove(at);
    let long = filing(world.here().group(1, 1))
        .description(&"长".repeat(100_000))
        .0;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    refuse_all(
        &world,
        &leader,
        vec![
            case("broken off", Code::MalformedRequest).raw(&sound.as_bytes()[..sound.len() - 2]),
            case("no JSON", Code::MalformedRequest).raw("grid_id=1"),
            case("two values", Code::MalformedRequest).raw(format!("{sound}{sound}")),
            case("a number out of all bounds", Code::MalformedRequest).raw(r#"{"grid_id": 1e999}"#),
            case("half a letter", Code::MalformedRequest).raw(r#"{"description": "\ud800"}"#),
            case("broken UTF-8", Code::MalformedRequest).raw(broken),
            case("UTF-16", Code::MalformedRequest).raw(vec![0xff, 0xfe, b'{', 0, b'}', 0]),
            case("deeper than anybody needs", Code::MalformedRequest).raw(deep),
            case("too large", Code::BodyTooLarge).json(&long),
            case("a form", Code::UnsupportedMediaType)
                .header("content-type", "application/x-www-form-urlencoded")
                .raw("a=b"),
            case("JSON in another coding", Code::UnsupportedMediaType)
                .header("content-type", "application/json; charset=gbk")
                .raw(sound.clone()),
            case("no type", Code::UnsupportedMediaType)
                .bare()
                .raw(sound.clone()),
            case("squeezed", Code::UnsupportedMediaType)
                .header("content-encoding", "gzip")
                .raw(sound.clone()),
            case("a method of no sense", Code::MalformedRequest)
                .header("x-http-method-override", "CONNECT")
                .raw(sound.clone()),
            case("no such path", Code::NoSuchRoute)
                .at(Method::GET, "/v1/nothing")
                .bare(),
            case("no such method", Code::MethodNotAllowed)
                .at(Method::DELETE, "/v1/reports")
                .bare(),
        ],
    )
    .await;
}

async fn a_filing_with_wrong_values(world: World) {
    let leader = world.leader(1, 1).await;
    let sound = filing(world.here().group(1, 1));
    let with = |member: &str, value: Value| sound.clone().with(member, value).0;
    let at = |lat: f64, lon: f64, crs: &str| {
        with("location", json!({"lat": lat, "lon": lon, "crs": crs}))
    };
    let later = world.now() + chrono::TimeDelta::minutes(30);
    let photo = Uuid::now_v7();
    refuse_all(
        &world,
        &leader,
        vec![
            invalid("nothing", &json!({}), &[("/grid_id", "required")]),
            invalid("a list", &json!([1]), &[("", "wrong_type")]),
            invalid(
                "nothing to say",
                &sound.clone().without("description").0,
                &[("", "required")],
            ),
            invalid(
                "blank",
                &with("description", json!(" 　\n")),
                &[("", "required")],
            ),
            invalid(
                "unknown members",
                &sound.clone().with("grid", 1).with("Severity", "minor").0,
                &[("/Severity", "unknown_field"), ("/grid", "unknown_field")],
            ),
            invalid(
                "everything at once",
                &json!({
                    "grid_id": "no id",
                    "category": "fire",
                    "severity": 3,
                    "description": ["x"],
                    "location": {"lat": "north", "lon": 101.85, "crs": "mars", "height": 1},
                    "observed_at": "yesterday",
                    "photos": [{"id": 1}, {"role": "middle"}],
                    "responsible_party": {"credit_code": "91510422MA62"},
                    "remark": "长".repeat(1001),
                    "colour": "red",
                }),
                &[
                    ("/category", "not_allowed"),
                    ("/colour", "unknown_field"),
                    ("/description", "wrong_type"),
                    ("/grid_id", "bad_format"),
                    ("/location/crs", "not_allowed"),
                    ("/location/height", "unknown_field"),
                    ("/location/lat", "wrong_type"),
                    ("/observed_at", "bad_format"),
                    ("/photos/0/id", "wrong_type"),
                    ("/photos/1/id", "required"),
                    ("/photos/1/role", "not_allowed"),
                    ("/remark", "too_long"),
                    ("/responsible_party/credit_code", "bad_format"),
                    ("/severity", "wrong_type"),
                ],
            ),
            invalid(
                "NUL",
                &with("description", json!("a\u{0}b")),
                &[("/description", "not_allowed")],
            ),
            invalid(
                "too long",
                &with("description", json!("长".repeat(2001))),
                &[("/description", "too_long")],
            ),
            invalid(
                "no position",
                &at(0.0, 0.0, "wgs84"),
                &[("/location/lat", "out_of_range")],
            ),
            invalid(
                "swapped",
                &at(101.85, 26.69, "gcj02"),
                &[("/location/lat", "out_of_range")],
            ),
            invalid(
                "abroad",
                &at(48.85, 2.35, "wgs84"),
                &[("/location/lat", "out_of_range")],
            ),
            invalid(
                "no coordinate system",
                &with("location", json!({"lat": 26.69, "lon": 101.85})),
                &[("/location/crs", "required")],
            ),
            invalid(
                "a negative accuracy",
                &with(
                    "location",
                    json!({"lat": 26.69, "lon": 101.85, "crs": "wgs84", "accuracy_m": -1}),
                ),
                &[("/location/accuracy_m", "out_of_range")],
            ),
            invalid(
                "seen tomorrow",
                &with("observed_at", json!(later)),
                &[("/observed_at", "in_the_future")],
            ),
            invalid(
                "seen in the year 1",
                &with("observed_at", json!("0001-01-01T00:00:00Z")),
                &[("/observed_at", "out_of_range")],
            ),
            invalid(
                "a time without its offset",
                &with("observed_at", json!("2026-01-01T00:00:00")),
                &[("/observed_at", "bad_format")],
            ),
            invalid(
                "a photo twice",
                &sound.clone().photo(photo, "before").photo(photo, "after").0,
                &[("/photos", "not_allowed")],
            ),
            invalid(
                "too many photos",
                &with(
                    "photos",
                    json!(
                        (0..31)
                            .map(|_| json!({"id": Uuid::now_v7()}))
                            .collect::<Vec<_>>()
                    ),
                ),
                &[("/photos", "too_long")],
            ),
            invalid(
                "a photo of no size",
                &with("photos", json!([{"id": photo, "size": 0, "sha256": "12"}])),
                &[
                    ("/photos/0/sha256", "bad_format"),
                    ("/photos/0/size", "out_of_range"),
                ],
            ),
            invalid(
                "a key of no sense",
                &sound.0,
                &[("header/Idempotency-Key", "bad_format")],
            )
            .header("idempotency-key", "two words"),
        ],
    )
    .await;
}

async fn wrong_ids_and_wrong_parameters(world: World) {
    let leader = world.leader(1, 1).await;
    let id = id_of(&leader.file(&filing(world.here().group(1, 1))).await);
    let get = |name, target: &str, wrong: &[(&str, &str)]| {
        invalid(name, &Value::Null, wrong)
            .at(Method::GET, target)
            .bare()
            .raw("")
    };
    refuse_all(&world, &leader, vec![
        case("no UUID", Code::NotFound).at(Method::GET, "/v1/reports/1").bare(),
        case("an unknown one", Code::NotFound).at(Method::GET, format!("/v1/reports/{}", Uuid::now_v7())).bare(),
        case("no UUID to act on", Code::NotFound).at(Method::POST, "/v1/reports/x/approve").json(&json!({})),
        case("an unknown photo", Code::NotFound).at(Method::GET, format!("/v1/photos/{id}")).bare(),
        case("an unknown grid", Code::NotFound).json(&filing(Uuid::now_v7()).0),
        case("a grid of another town", Code::NotFound).json(&filing(world.beside().id()).0),
        get("an unknown parameter", "/v1/reports?state=open", &[("query/state", "unknown_field")]),
        get("a parameter where there are none", &format!("/v1/reports/{id}?full=1"), &[("query/full", "unknown_field")]),
        get("all parameters", "/v1/reports?limit=0&status=open,ajar&tier=county&overdue=perhaps&grid=x&from=now&bbox=1,2&q=x&view=all", &[
            ("query/bbox", "bad_format"),
            ("query/from", "bad_format"),
            ("query/grid", "bad_format"),
            ("query/limit", "out_of_range"),
            ("query/overdue", "wrong_type"),
            ("query/q", "too_short"),
            ("query/status", "not_allowed"),
            ("query/tier", "not_allowed"),
            ("query/view", "not_allowed"),
        ]),
        get("no UTF-8", "/v1/reports?status=%ff%fe", &[("query/status", "not_allowed")]),
        get("too many", "/v1/reports?limit=201", &[("query/limit", "out_of_range")]),
        get("one parameter twice", "/v1/reports?limit=2&limit=3", &[("query/limit", "bad_format")]),
        get("NUL", "/v1/reports?q=%E7%A7%B8%00%E7%A7%86", &[("query/q", "not_allowed")]),
    ])
    .await;
}

async fn actions_with_wrong_values(world: World) {
    let town = world.town_officer().await;
    let id = id_of(&town.file(&filing(world.here().group(1, 1))).await);
    let on = |action: &str| format!("/v1/reports/{id}/{action}");
    let act = |name, action: &str, body: Value, wrong: &[(&str, &str)]| {
        invalid(name, &body, wrong).at(Method::POST, on(action))
    };
    let later = world.now() + chrono::TimeDelta::days(300);
    let group = world.here().group(1, 1);
    refuse_all(
        &world,
        &town,
        vec![
            act("no reason", "return", json!({}), &[("/reason", "required")]),
            act(
                "a blank reason",
                "return",
                json!({"reason": "  "}),
                &[("/reason", "too_short")],
            ),
            act(
                "a long reason",
                "return",
                json!({"reason": "长".repeat(1001)}),
                &[("/reason", "too_long")],
            ),
            act("no target", "assign", json!({}), &[("", "required")]),
            act(
                "a wrong target",
                "assign",
                json!({"grid_id": 1, "officer_id": "x", "due_at": "soon"}),
                &[
                    ("/due_at", "bad_format"),
                    ("/grid_id", "wrong_type"),
                    ("/officer_id", "bad_format"),
                ],
            ),
            act(
                "due after the deadline",
                "assign",
                json!({"grid_id": group, "due_at": later}),
                &[("/due_at", "not_allowed")],
            ),
            act(
                "due yesterday",
                "assign",
                json!({"grid_id": group, "due_at": "2020-01-01T00:00:00Z"}),
                &[("/due_at", "not_allowed")],
            ),
            act(
                "no result",
                "resolve",
                json!({}),
                &[("/result", "required")],
            ),
            act(
                "no outcome",
                "close",
                json!({"result": "x"}),
                &[("/outcome", "required")],
            ),
            act(
                "a wrong outcome",
                "close",
                json!({"outcome": "lost", "result": " "}),
                &[("/outcome", "not_allowed"), ("/result", "too_short")],
            ),
            act(
                "a wrong duplicate",
                "void",
                json!({"reason": "x", "duplicate_of": "y"}),
                &[("/duplicate_of", "bad_format")],
            ),
            act(
                "a duplicate of nothing",
                "void",
                json!({"reason": "x", "duplicate_of": Uuid::now_v7()}),
                &[("/duplicate_of", "not_found")],
            ),
            act("nothing new", "reclassify", json!({}), &[("", "required")]),
            act(
                "a wrong category",
                "reclassify",
                json!({"category": "fire", "severity": "huge"}),
                &[("/category", "not_allowed"), ("/severity", "not_allowed")],
            ),
            act(
                "no word",
                "comment",
                json!({"text": ""}),
                &[("/text", "too_short")],
            ),
            act(
                "an unknown member",
                "approve",
                json!({"further": "yes", "note": "x"}),
                &[("/further", "wrong_type"), ("/note", "unknown_field")],
            ),
            invalid("nothing to amend", &json!({}), &[("", "required")])
                .at(Method::PATCH, format!("/v1/reports/{id}"))
                .header("if-match", "*"),
            invalid(
                "what may not be amended",
                &json!({"status": "closed", "subtype": "smoke"}),
                &[("/status", "unknown_field"), ("/subtype", "not_allowed")],
            )
            .at(Method::PATCH, format!("/v1/reports/{id}"))
            .header("if-match", "*"),
            case("a grid that is not below", Code::TargetInvalid)
                .at(Method::POST, on("assign"))
                .json(&json!({"grid_id": world.here().id()})),
            case("a grid of another town", Code::TargetInvalid)
                .at(Method::POST, on("assign"))
                .json(&json!({"grid_id": world.beside().village(1)})),
            case("nobody", Code::TargetInvalid)
                .at(Method::POST, on("assign"))
                .json(&json!({"officer_id": Uuid::now_v7()})),
            case("an officer who is posted elsewhere", Code::TargetInvalid)
                .at(Method::POST, on("assign"))
                .json(&json!({"grid_id": group, "officer_id": world.officer("group_1_2")})),
            case("a move to another town", Code::TargetInvalid)
                .at(Method::POST, on("reclassify"))
                .json(&json!({"grid_id": world.beside().group(1, 1)})),
        ],
    )
    .await;
}

async fn photos_that_are_none(world: World) {
    let leader = world.leader(1, 1).await;
    let declared = Uuid::now_v7();
    let other = pictures::snapshot();
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let mut report = filing(world.here().group(1, 1)).0;
    report["photos"] = json!([{"id": declared, "sha256": digest, "size": 12}]);
    leader
        .put(&format!("/v1/reports/{}", Uuid::now_v7()), &report)
        .await
        .created();
    let photo = |name, code, body: Vec<u8>| {
        case(name, code)
            .at(Method::PUT, format!("/v1/photos/{}", Uuid::now_v7()))
            .header("content-type", "image/jpeg")
            .raw(body)
    };
    let whole = pictures::jpeg(320, 240, 3);
    let png = pictures::png(64, 64, 3);
    refuse_all(&world, &leader, vec![
        photo("nothing", Code::PhotoRejected, Vec::new()),
        photo("a text named .jpg", Code::PhotoRejected, "这不是照片\n".repeat(50).into_bytes()),
        photo("a truncated JPEG", Code::PhotoRejected, whole[..whole.len() / 2].to_vec()),
        photo("three bytes of a JPEG", Code::PhotoRejected, whole[..3].to_vec()),
        photo("a truncated PNG", Code::PhotoRejected, png[..png.len() / 2].to_vec()),
        photo("30,000 × 30,000 in one colour", Code::PhotoRejected, pictures::vast_png(30_000)),
        photo("a program", Code::PhotoRejected, b"\x7fELF\x02\x01\x01".repeat(40)),
        case("another file than declared", Code::PhotoRejected).at(Method::PUT, format!("/v1/photos/{declared}")).header("content-type", "image/jpeg").raw(other.clone()),
        photo("damaged on its way", Code::PhotoRejected, other.clone()).at(Method::PUT, format!("/v1/photos/{}?sha256={digest}", Uuid::now_v7())),
        invalid("wrong particulars", &Value::Null, &[
            ("query/crs", "not_allowed"),
            ("query/lon", "required"),
            ("query/role", "not_allowed"),
            ("query/sha256", "bad_format"),
            ("query/size", "unknown_field"),
            ("query/taken_at", "bad_format"),
        ])
        .at(Method::PUT, format!("/v1/photos/{}?role=middle&lat=26.1&crs=mars&sha256=1&taken_at=now&size=3", Uuid::now_v7()))
        .header("content-type", "image/jpeg")
        .raw(other.clone()),
        case("no such report", Code::NotFound).at(Method::PUT, format!("/v1/photos/{}?report_id={}", Uuid::now_v7(), Uuid::now_v7())).header("content-type", "image/jpeg").raw(other.clone()),
        case("JSON for a form", Code::UnsupportedMediaType).at(Method::POST, "/v1/photos").raw("{}"),
        case("a form without an end", Code::MalformedRequest).at(Method::POST, "/v1/photos").header("content-type", "multipart/form-data; boundary=x").raw("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc"),
        invalid("a form without a file", &Value::Null, &[("/file", "required"), ("/role", "not_allowed"), ("/colour", "unknown_field")])
            .at(Method::POST, "/v1/photos")
            .header("content-type", "multipart/form-data; boundary=x")
            .raw("--x\r\nContent-Disposition: form-data; name=\"role\"\r\n\r\nmiddle\r\n--x\r\nContent-Disposition: form-data; name=\"colour\"\r\n\r\nred\r\n--x--\r\n"),
    ])
    .await;
}
