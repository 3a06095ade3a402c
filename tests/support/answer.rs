//! An answer of the server, and checks on it.

use gridpatrol_domain::error::Code;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked: method and target.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads an answer to its end.
    pub async fn read(asked: String, response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response
            .bytes()
            .await
            .unwrap_or_else(|error| panic!("{asked}: the body broke off: {error}"))
            .to_vec();
        Self {
            asked,
            status,
            headers,
            body,
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {:?}", self.asked, self.text()))
    }

    /// A header; absent: empty.
    pub fn header(&self, name: impl Into<Name>) -> &str {
        self.headers
            .get(name.into().0)
            .map_or("", |value| value.to_str().unwrap_or("?"))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The body of a 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.expect(200)
    }

    /// The body of a 201.
    #[track_caller]
    pub fn created(&self) -> Value {
        self.expect(201)
    }

    /// The code of a problem; absent where it is none.
    pub fn code(&self) -> Option<String> {
        let problem: Value = serde_json::from_slice(&self.body).ok()?;
        (self.status >= 400).then(|| problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The problem document of a refusal with this code, itself checked.
    #[track_caller]
    pub fn refused(&self, code: Code) -> Value {
        let told = format!("{}: {} {}", self.asked, self.status, self.text());
        assert_eq!(self.code().as_deref(), Some(code.code()), "{told}");
        assert_eq!(self.status, code.status(), "{told}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{told}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{told}");
        assert_eq!(
            problem["type"],
            format!("urn:gridpatrol:problem:{}", code.code()),
            "{told}"
        );
        let english = self.header("content-language") == "en";
        let title = if english {
            code.title_en()
        } else {
            code.title_zh()
        };
        assert_eq!(problem["title"], title, "{told}");
        assert!(!self.header("x-request-id").is_empty(), "{told}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{told}");
        if code == Code::ValidationFailed {
            assert!(problem["errors"].is_array(), "{told}");
        }
        match problem["retry_after_s"].as_u64() {
            Some(seconds) => assert_eq!(self.header("retry-after"), seconds.to_string(), "{told}"),
            None => assert!(
                !matches!(self.status, 429 | 503),
                "{told}: it does not say when to try again"
            ),
        }
        if matches!(
            code,
            Code::Unauthenticated | Code::TokenExpired | Code::SessionEnded
        ) {
            assert!(
                self.header("www-authenticate").starts_with("Bearer"),
                "{told}"
            );
        }
        problem
    }

    /// The wrong values of a `validation_failed`: each pointer with its reason, sorted.
    #[track_caller]
    pub fn wrong(&self) -> Vec<(String, String)> {
        let problem = self.refused(Code::ValidationFailed);
        let mut wrong: Vec<(String, String)> = problem["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|error| {
                let text = |name: &str| error[name].as_str().expect(name).to_owned();
                assert!(!text("detail").is_empty(), "{error}");
                (text("pointer"), text("code"))
            })
            .collect();
        wrong.sort();
        wrong
    }

    /// Whether these are the wrong values, and all of them.
    #[track_caller]
    pub fn wrong_at(&self, expected: &[(&str, &str)]) {
        let mut expected: Vec<(String, String)> = expected
            .iter()
            .map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned()))
            .collect();
        expected.sort();
        assert_eq!(self.wrong(), expected, "{}: {}", self.asked, self.text());
    }
}

/// A header's name.
pub struct Name(HeaderName);

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self(HeaderName::from_static(name))
    }
}
