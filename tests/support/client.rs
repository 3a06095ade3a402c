//! An HTTP client: an officer's app, or a stranger.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::filing::Filing;

/// A client, signed in or not.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// The access token, once signed in.
    pub access_token: Option<String>,
    /// The refresh token, once signed in.
    pub refresh_token: String,
    /// The officer, once signed in.
    pub officer: Uuid,
    /// The account's name, once signed in.
    pub username: String,
}

impl Client {
    /// Somebody who is not signed in.
    pub fn new(http: reqwest::Client, base: String) -> Self {
        Self {
            http,
            base,
            access_token: None,
            refresh_token: String::new(),
            officer: Uuid::nil(),
            username: String::new(),
        }
    }

    /// Signs in.
    pub async fn signed_in(&self, username: &str, password: &str) -> Self {
        let tokens = self.sign_in(username, password).await.ok();
        self.with_tokens(username, &tokens)
    }

    /// The client that these tokens make.
    pub fn with_tokens(&self, username: &str, tokens: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            access_token: Some(text(&tokens["access_token"])),
            refresh_token: text(&tokens["refresh_token"]),
            officer: text(&tokens["officer"]["id"]).parse().expect("an id"),
            username: username.to_owned(),
            ..self.clone()
        }
    }

    /// The same client with another access token.
    pub fn bearing(&self, token: &str) -> Self {
        Self {
            access_token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Tries to sign in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        let body = json!({"username": username, "password": password});
        self.post("/v1/auth/login", &body).await
    }

    /// A request to be finished.
    pub fn request(&self, method: Method, target: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{target}", self.base));
        match &self.access_token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// `GET /v1/me` with a header of the test's own and without the token.
    pub fn http_request_with(&self, name: &str, value: &str) -> RequestBuilder {
        self.http
            .get(format!("{}/v1/me", self.base))
            .header(name, value)
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let asked = format!(
            "{} {} {}",
            self.username,
            request.method(),
            request.url().path()
        );
        let response = self
            .http
            .execute(request)
            .await
            .unwrap_or_else(|error| panic!("{asked}: {error}"));
        Answer::read(asked, response).await
    }

    /// Reads.
    pub async fn get(&self, target: &str) -> Answer {
        self.send(self.request(Method::GET, target)).await
    }

    /// Posts JSON.
    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, target).json(body))
            .await
    }

    /// Posts JSON with an `Idempotency-Key`.
    pub async fn post_keyed(&self, target: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, target).json(body);
        self.send(request.header("Idempotency-Key", key)).await
    }

    /// Puts JSON.
    pub async fn put(&self, target: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, target).json(body))
            .await
    }

    /// Patches with JSON, on what was read under this ETag.
    pub async fn patch(&self, target: &str, if_match: &str, body: &Value) -> Answer {
        let request = self.request(Method::PATCH, target).json(body);
        self.send(request.header("If-Match", if_match)).await
    }

    /// Deletes.
    pub async fn delete(&self, target: &str) -> Answer {
        self.send(self.request(Method::DELETE, target)).await
    }

    /// Files a report under an id of its own; the report.
    pub async fn file(&self, filing: &Filing) -> Value {
        self.put_report(Uuid::now_v7(), filing).await.created()
    }

    /// Files a report under this id.
    pub async fn put_report(&self, id: Uuid, filing: &Filing) -> Answer {
        self.put(&format!("/v1/reports/{id}"), &filing.0).await
    }

    /// A report as this client sees it.
    pub async fn report(&self, id: Uuid) -> Value {
        self.get(&format!("/v1/reports/{id}")).await.ok()
    }

    /// Tries to act on a report.
    pub async fn act(&self, id: Uuid, action: &str, body: Value) -> Answer {
        self.post(&format!("/v1/reports/{id}/{action}"), &body)
            .await
    }

    /// The record of a report: its events in full, however many pages.
    pub async fn record(&self, id: Uuid) -> Vec<Value> {
        self.all(&format!("/v1/reports/{id}/events?limit=200"))
            .await
    }

    /// The items of a list, however many pages. The target has a query.
    pub async fn all(&self, target: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = target.to_owned();
        loop {
            let page = self.get(&next).await.ok();
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{target}&cursor={cursor}"),
                None => return items,
            }
        }
    }

    /// The inbox.
    pub async fn inbox(&self) -> Value {
        self.get("/v1/inbox").await.ok()
    }

    /// Uploads a photo under this id.
    pub async fn put_photo(&self, id: Uuid, picture: &[u8]) -> Answer {
        self.put_photo_as(id, picture, "image/jpeg").await
    }

    /// Uploads a photo under this id, with a content type.
    pub async fn put_photo_as(&self, id: Uuid, picture: &[u8], media_type: &str) -> Answer {
        let request = self
            .request(Method::PUT, &format!("/v1/photos/{id}"))
            .header("Content-Type", media_type)
            .body(picture.to_vec());
        self.send(request).await
    }

    /// Uploads a photo under this id, for this report.
    pub async fn put_photo_for(&self, id: Uuid, report: Uuid, picture: &[u8]) -> Answer {
        let request = self
            .request(Method::PUT, &format!("/v1/photos/{id}?report_id={report}"))
            .header("Content-Type", "image/jpeg")
            .body(picture.to_vec());
        self.send(request).await
    }
}

/// The id of a report or another thing that has one.
#[track_caller]
pub fn id_of(thing: &Value) -> Uuid {
    thing["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(|| panic!("no id in {thing}"))
}

/// The names of the actions that a report allows its reader.
#[track_caller]
pub fn allowed(report: &Value) -> Vec<String> {
    report["allowed_actions"]
        .as_array()
        .unwrap_or_else(|| panic!("no allowed_actions in {report}"))
        .iter()
        .map(|action| action["action"].as_str().expect("an action").to_owned())
        .collect()
}

/// An instant of an answer.
#[track_caller]
pub fn instant(value: &Value) -> chrono::DateTime<chrono::Utc> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no instant: {value}"))
}
