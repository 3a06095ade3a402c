use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{House, PASSWORD, declaration};
use super::samples;
use crate::testing::KINDS;
use gridpatrol_reports::photos::digest::Digest;

struct Caller {
    address: String,
    token: String,
    client: Client,
}

impl Caller {
    async fn sign_in(address: &str, username: &str) -> Self {
        let client = Client::new();
        let answer: Value = client
            .post(format!("{address}/v1/auth/login"))
            .json(&json!({"username": username, "password": PASSWORD}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        Self {
            address: address.to_owned(),
            token: answer["access_token"].as_str().unwrap().to_owned(),
            client,
        }
    }

    fn put(&self, id: Uuid, query: &str, content: &[u8]) -> RequestBuilder {
        self.client
            .put(format!("{}/v1/photos/{id}{query}", self.address))
            .bearer_auth(&self.token)
            .header("content-type", "image/jpeg")
            .body(content.to_vec())
    }

    fn post(&self, form: Form) -> RequestBuilder {
        self.client
            .post(format!("{}/v1/photos", self.address))
            .bearer_auth(&self.token)
            .multipart(form)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client
            .get(format!("{}{path}", self.address))
            .bearer_auth(&self.token)
    }

    fn open(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address))
    }

    /// Asks for a copy until it is made.
    async fn copy(&self, path: &str) -> Response {
        for _ in 0..200 {
            let response = self.open(path).send().await.unwrap();
            if response.status() != StatusCode::NOT_FOUND {
                return response;
            }
            assert_eq!(response.headers()["retry-after"], "2");
            assert_eq!(problem(response).await["code"], "rendition_pending");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no copy was made");
    }
}

async fn problem(response: Response) -> Value {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    response.json().await.unwrap()
}

/// Status and code of a refusal.
async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let problem = problem(response).await;
    (status, problem["code"].as_str().unwrap().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[actix_web::test]
async fn a_photo_goes_up_and_its_pictures_come_down() {
    for kind in KINDS {
        let (house, address) = House::served(kind).await;
        let caller = Caller::sign_in(&address, "group_1_1").await;
        let content = samples::jpeg(800, 600);
        let id = Uuid::now_v7();
        let query = "?role=after&lat=26.6863034&lon=101.8554093&crs=gcj02&taken_at=2026-11-20T08:15:00%2B08:00";
        let response = caller.put(id, query, &content).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let first: Value = response.json().await.unwrap();
        assert_eq!(first["id"], id.to_string());
        assert_eq!(first["role"], "after");
        assert_eq!(first["state"], "ready");
        assert_eq!(first["size"], content.len());
        assert_eq!(
            (&first["width"], &first["height"]),
            (&json!(800), &json!(600))
        );
        assert_eq!(first["sha256"], Digest::of(&content).to_string());
        assert_eq!(first["taken_at"], "2026-11-20T00:15:00Z");
        let lat = first["position"]["lat"].as_f64().unwrap();
        assert!((lat - 26.69).abs() < 1e-6, "{lat} in WGS-84");

        let response = caller.put(id, "", &content).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "again");
        assert_eq!(
            refusal(caller.put(id, "", &samples::jpeg(80, 60))).await,
            refused(409, "id_conflict")
        );

        let link = |name: &str| first[name].as_str().unwrap().to_owned();
        let thumbnail = caller.copy(&link("thumbnail_url")).await;
        assert_eq!(thumbnail.status(), StatusCode::OK);
        assert_eq!(thumbnail.headers()["content-type"], "image/jpeg");
        assert!(
            thumbnail.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let tag = thumbnail.headers()["etag"].clone();
        let picture = image::load_from_memory(&thumbnail.bytes().await.unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (320, 240));
        let known = caller
            .open(&link("thumbnail_url"))
            .header("if-none-match", tag)
            .send()
            .await
            .unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let preview = caller
            .copy(&link("preview_url"))
            .await
            .bytes()
            .await
            .unwrap();
        let picture = image::load_from_memory(&preview).unwrap();
        assert_eq!((picture.width(), picture.height()), (800, 600));

        let original = caller.open(&link("original_url")).send().await.unwrap();
        assert_eq!(original.status(), StatusCode::OK);
        let headers = original.headers().clone();
        assert_eq!(headers["content-type"], "image/jpeg");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["accept-ranges"], "bytes");
        assert_eq!(
            headers["content-length"],
            content.len().to_string().as_str()
        );
        assert_eq!(
            headers["content-disposition"],
            format!("attachment; filename=\"{id}.jpg\"").as_str()
        );
        assert_eq!(original.bytes().await.unwrap(), content);
        let part = caller
            .get(&format!("/v1/photos/{id}/original"))
            .header("range", "bytes=100-299")
            .header("if-range", headers["etag"].clone())
            .send()
            .await
            .unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(
            part.headers()["content-range"],
            format!("bytes 100-299/{}", content.len()).as_str()
        );
        assert_eq!(part.bytes().await.unwrap(), content[100..300]);
        let beyond = caller
            .get(&format!("/v1/photos/{id}/original"))
            .header("range", "bytes=999999-");
        assert_eq!(refusal(beyond).await, refused(416, "range_not_satisfiable"));

        // A copy that was lost is made again.
        let copy = std::path::PathBuf::from(
            house
                .original(&content)
                .to_str()
                .unwrap()
                .replace("/original/", "/preview/"),
        );
        std::fs::remove_file(copy).unwrap();
        let again = caller.copy(&link("preview_url")).await;
        assert_eq!(again.bytes().await.unwrap(), preview);
    }
}

#[actix_web::test]
async fn only_who_sees_a_photo_or_has_its_link_gets_it() {
    for kind in KINDS {
        let (house, address) = House::served(kind).await;
        let caller = Caller::sign_in(&address, "group_1_1").await;
        let neighbour = Caller::sign_in(&address, "group_1_2").await;
        let secretary = Caller::sign_in(&address, "secretary_1").await;
        let id = Uuid::now_v7();
        let facts = format!("/v1/photos/{id}");
        let original = format!("/v1/photos/{id}/original");
        house
            .file(Uuid::now_v7(), vec![declaration(id)])
            .await
            .unwrap();
        assert_eq!(
            refusal(caller.get(&original)).await,
            refused(404, "photo_missing")
        );
        let content = samples::jpeg(80, 60);
        assert_eq!(
            refusal(neighbour.put(id, "", &content)).await,
            refused(409, "photo_taken")
        );
        caller.put(id, "", &content).send().await.unwrap();

        for path in [&facts, &original] {
            assert_eq!(
                caller.get(path).send().await.unwrap().status(),
                StatusCode::OK
            );
            assert_eq!(
                secretary.get(path).send().await.unwrap().status(),
                StatusCode::OK
            );
            assert_eq!(
                refusal(neighbour.get(path)).await,
                refused(404, "not_found")
            );
            assert_eq!(
                refusal(caller.open(path)).await,
                refused(401, "unauthenticated")
            );
        }
        let photo: Value = caller
            .get(&facts)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let link = photo["original_url"].as_str().unwrap();
        assert_eq!(
            neighbour.open(link).send().await.unwrap().status(),
            StatusCode::OK
        );
        let elsewhere = link.replace("/original", "/preview");
        for wrong in [
            elsewhere.as_str(),
            &link[..link.len() - 1],
            &format!("{original}?exp=99999999999"),
            &format!("{original}?sig=AAAA"),
        ] {
            assert_eq!(
                refusal(caller.get(wrong)).await,
                refused(403, "link_invalid"),
                "{wrong}"
            );
        }
        assert_eq!(
            refusal(caller.get(&format!("{original}?size=1"))).await,
            refused(422, "validation_failed")
        );
        house.app.clock.advance(chrono::TimeDelta::days(2));
        assert_eq!(
            refusal(caller.open(link)).await,
            refused(403, "link_invalid")
        );
        assert_eq!(
            refusal(caller.get(&format!("/v1/photos/{}", Uuid::now_v7())))
                .await
                .0,
            401,
            "the token has expired with the link"
        );
    }
}

#[actix_web::test]
async fn what_is_no_acceptable_photo_leaves_nothing() {
    for kind in KINDS {
        let (house, address) = House::served(kind).await;
        let caller = Caller::sign_in(&address, "group_1_1").await;
        let id = Uuid::now_v7();
        let jpeg = samples::jpeg(80, 60);
        let other = Digest::of(b"something else");
        let header = format!("sha-256=:{}:", STANDARD.encode(other.bytes()));
        let truncated = &jpeg[..jpeg.len() - 40];
        let png = samples::png_head(30_000, 30_000);
        for (request, expected) in [
            (
                caller.put(id, "", b"only a text, whatever its name"),
                refused(422, "photo_rejected"),
            ),
            (caller.put(id, "", b""), refused(422, "photo_rejected")),
            (
                caller.put(id, "", truncated),
                refused(422, "photo_rejected"),
            ),
            (caller.put(id, "", &png), refused(422, "photo_rejected")),
            (
                caller.put(id, "", &vec![0xFF; 200_001]),
                refused(413, "body_too_large"),
            ),
            (
                caller.put(id, &format!("?sha256={other}"), &jpeg),
                refused(422, "photo_rejected"),
            ),
            (
                caller.put(id, "", &jpeg).header("repr-digest", &header),
                refused(422, "photo_rejected"),
            ),
            (
                caller
                    .put(id, "", &jpeg)
                    .header("content-digest", "sha-256=:AA:"),
                refused(422, "validation_failed"),
            ),
            (
                caller.put(
                    id,
                    "?lat=101.85&lon=26.69&role=selfie&sha256=zz&typo=1",
                    &jpeg,
                ),
                refused(422, "validation_failed"),
            ),
            (
                caller.put(id, "?taken_at=2199-01-01T00:00:00Z", &jpeg),
                refused(422, "validation_failed"),
            ),
            (
                caller.put(id, &format!("?report_id={}", Uuid::now_v7()), &jpeg),
                refused(404, "not_found"),
            ),
            (
                caller
                    .client
                    .put(format!("{address}/v1/photos/{id}"))
                    .bearer_auth(&caller.token)
                    .header("content-type", "text/plain")
                    .body(jpeg.clone()),
                refused(415, "unsupported_media_type"),
            ),
            (
                caller
                    .client
                    .put(format!("{address}/v1/photos/{id}"))
                    .header("content-type", "image/jpeg")
                    .body(jpeg.clone()),
                refused(401, "unauthenticated"),
            ),
        ] {
            assert_eq!(refusal(request).await, expected);
            assert_eq!(
                refusal(caller.get(&format!("/v1/photos/{id}"))).await,
                refused(404, "not_found")
            );
        }
        assert_eq!(house.files(), 0);

        // Without a length, the limit holds while it streams.
        let pieces = (0..30).map(|_| Ok::<_, std::io::Error>(vec![0xFF_u8; 10_000]));
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let streamed = caller.put(id, "", b"").body(body).send().await;
        // The server may hang up before all is sent.
        if let Ok(response) = streamed {
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
        assert_eq!(house.files(), 0);
    }
}

#[actix_web::test]
async fn a_form_takes_its_fields_in_any_order() {
    for kind in KINDS {
        let (house, address) = House::served(kind).await;
        let caller = Caller::sign_in(&address, "group_1_1").await;
        let content = samples::encoded(samples::quarters(80, 60), ImageFormat::Png);
        let file = || {
            Part::bytes(content.clone())
                .file_name("照片.png")
                .mime_str("image/png")
                .unwrap()
        };
        let id = Uuid::now_v7();
        let before = Form::new()
            .text("id", id.to_string())
            .text("role", "before")
            .text("sha256", Digest::of(&content).to_string())
            .part("file", file());
        let after = Form::new()
            .part("file", file())
            .text("role", "before")
            .text("id", id.to_string());
        for (form, status) in [(before, StatusCode::CREATED), (after, StatusCode::OK)] {
            let response = caller.post(form).send().await.unwrap();
            assert_eq!(response.status(), status);
            let photo: Value = response.json().await.unwrap();
            assert_eq!(photo["id"], id.to_string());
            assert_eq!(photo["role"], "before");
            assert_eq!(photo["media_type"], "image/png");
        }

        // Without an id, a key makes it safe to repeat.
        let mut ids = Vec::new();
        for key in ["a", "a", "b"] {
            let response = caller
                .post(Form::new().part("file", file()))
                .header("idempotency-key", key)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), StatusCode::CREATED);
            let photo: Value = response.json().await.unwrap();
            ids.push(photo["id"].clone());
        }
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[0], ids[2]);
        let reused = caller
            .post(Form::new().part("file", file()).text("role", "after"))
            .header("idempotency-key", "a");
        assert_eq!(refusal(reused).await, refused(422, "key_reused"));

        let response = caller
            .post(
                Form::new()
                    .text("role", "selfie")
                    .text("id", "7")
                    .text("lat", "x")
                    .text("typo", "1"),
            )
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem = problem(response).await;
        let mut pointers: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/file", "/id", "/lat", "/role", "/typo"]);

        let two = Form::new().part("file", file()).part("file", file());
        assert_eq!(
            refusal(caller.post(two)).await,
            refused(400, "malformed_request")
        );
        let no_form = caller
            .client
            .post(format!("{address}/v1/photos"))
            .bearer_auth(&caller.token)
            .header("content-type", "image/png")
            .body(content.clone());
        assert_eq!(
            refusal(no_form).await,
            refused(415, "unsupported_media_type")
        );
        let broken = caller
            .client
            .post(format!("{address}/v1/photos"))
            .bearer_auth(&caller.token)
            .header("content-type", "multipart/form-data; boundary=x")
            .body("--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nhalf a pict");
        assert_eq!(refusal(broken).await, refused(400, "malformed_request"));
        // One original; its copies may be there or not.
        let originals = house.original(&content);
        assert!(originals.is_file());
        assert!(house.files() <= 3);
    }
}

#[actix_web::test]
async fn ten_identical_uploads_at_once_are_one_photo() {
    for kind in KINDS {
        let (_house, address) = House::served(kind).await;
        let caller = Caller::sign_in(&address, "group_1_1").await;
        let content = samples::jpeg(80, 60);
        let id = Uuid::now_v7();
        let uploads = (0..10).map(|_| caller.put(id, "", &content).send());
        let mut statuses: Vec<u16> = futures_util::future::join_all(uploads)
            .await
            .into_iter()
            .map(|response| response.unwrap().status().as_u16())
            .collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 200, 201]);
    }
}

#[actix_web::test]
async fn a_photo_that_does_not_come_makes_room_for_others() {
    let (house, address) = House::served_with(KINDS[0], |config| {
        config.photos.uploads = 1;
        config.photos.upload_timeout_s = 2;
        config.store.patience_ms = 500;
    })
    .await;
    let caller = Caller::sign_in(&address, "group_1_1").await;
    let content = samples::jpeg(80, 60);
    let start = futures_util::stream::iter([Ok::<_, std::io::Error>(content[..100].to_vec())]);
    let stalled = futures_util::StreamExt::chain(start, futures_util::stream::pending());
    let slow = caller
        .put(Uuid::now_v7(), "", b"")
        .body(reqwest::Body::wrap_stream(stalled));
    let others = async {
        while house.files() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let refused = caller
            .put(Uuid::now_v7(), "", &content)
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let seconds = refused.headers()["retry-after"].to_str().unwrap();
        assert!(
            (1..=5).contains(&seconds.parse::<u32>().unwrap()),
            "{seconds}"
        );
    };
    let (slow, ()) = tokio::join!(refusal(slow), others);
    assert_eq!(slow, refused(408, "request_timeout"));
    assert_eq!(house.files(), 0);
    let accepted = caller
        .put(Uuid::now_v7(), "", &content)
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.status(), StatusCode::CREATED);
}
