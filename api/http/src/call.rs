//! One request, read and checked in the same order for all operations.
//!
//! [`SignedCall`] is a request from a signed-in caller, [`Open`] one without sign-in. Handlers take
//! nothing else, so no operation can change the order or forget a check. Owns this order. It must not
//! know any feature.

use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use actix_web::web::Path;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::{Identity, RequestContext};
use super::etag::IfMatch;
use super::idempotency::{Key, Ticket};
use super::middleware::Context;
use super::page::Signer;
use super::query::{self, Parameters};
use super::validate::{Errors, Validate};
use super::{body, deserialize};
use crate::traffic::Caller;
use gridpatrol_problem::language::Language;
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::Store;
use gridpatrol_store::clock::Clock;

/// The query parameter that identifies the caller of a GET where the client cannot send headers.
pub const TICKET: &str = "ticket";

/// A request of the signed-in caller `I`: path `P`, query `Q`, JSON body `B`. `()` reads nothing: it
/// leaves the body to another extractor and refuses any query parameter.
#[derive(Debug)]
pub struct SignedCall<I, P = (), Q = (), B = ()> {
    /// Who calls.
    pub actor: I,
    /// When it was taken.
    pub now: DateTime<Utc>,
    /// The clock, for work that happens long after the request arrived.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Signs the cursors of lists.
    pub cursors: Signer,
    /// The path's parameters.
    pub path: P,
    /// The query's parameters.
    pub query: Q,
    /// The body.
    pub body: B,
    /// The body as the client sent it.
    pub sent: Value,
    /// The versions that the change may start from.
    pub if_match: Option<IfMatch>,
    /// The ETags that the caller already has.
    pub if_none_match: Option<String>,
    /// Makes a POST safe to repeat.
    pub idempotency_key: Option<Key>,
    /// The language of texts for people.
    pub language: Language,
    /// The request's id in the logs.
    pub request_id: String,
    /// The caller's network address.
    pub address: String,
    method: String,
    target: String,
}

/// A request without signing in.
#[derive(Debug)]
pub struct Open<P = (), Q = (), B = ()> {
    /// When it was taken.
    pub now: DateTime<Utc>,
    /// The database.
    pub store: Store,
    /// The path's parameters.
    pub path: P,
    /// The query's parameters.
    pub query: Q,
    /// The body.
    pub body: B,
    /// The language of texts for people.
    pub language: Language,
    /// The request's id in the logs.
    pub request_id: String,
    /// The caller's network address.
    pub address: String,
}

impl<I: Identity, P, Q, B> SignedCall<I, P, Q, B> {
    /// What identifies this request when the client repeats it: its key, if it has one, and the hash of
    /// operation and body.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket_for(&self.sent)
    }

    /// As [`SignedCall::ticket`], for a body that is not JSON: hashes `content` instead.
    #[must_use]
    pub fn ticket_for(&self, content: &Value) -> Ticket {
        Ticket::new(
            self.actor.id(),
            self.idempotency_key.clone(),
            &self.method,
            &self.target,
            content,
        )
    }
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl<I, P, Q, B> FromRequest for SignedCall<I, P, Q, B>
where
    I: Identity,
    P: DeserializeOwned + 'static,
    Q: DeserializeOwned + Validate + 'static,
    B: DeserializeOwned + Validate + 'static,
{
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = reads::<B>().then(|| payload.take());
        Box::pin(async move {
            let context = RequestContext::of(&request)?;
            let mut syntax = Syntax::read(context, &request, payload, B::MOST_BYTES).await?;
            let actor = I::authenticate(&request).await?;
            tracing::Span::current().record("officer", tracing::field::display(actor.id()));
            context.traffic.admit(&request, &actor.counted_as())?;
            // This parameter only identifies the caller; it is not a parameter of the operation.
            if request.method() == Method::GET {
                syntax.parameters.remove(TICKET);
            }
            let sent = syntax.body.clone();
            let mut headers = Errors::header();
            let if_match = conditions(request.headers(), &mut headers);
            let idempotency_key = Key::of(request.headers(), &mut headers);
            let (path, query, body) = syntax.shaped(&request, headers)?;
            let head = Context::of(&request);
            Ok(Self {
                actor,
                now: context.clock.now(),
                clock: context.clock.clone(),
                store: context.store.clone(),
                cursors: context.cursors.clone(),
                path,
                query,
                body,
                sent,
                if_match,
                if_none_match: text(request.headers(), IF_NONE_MATCH.as_str()),
                idempotency_key,
                language: head.language,
                request_id: head.request_id,
                address: head.address,
                method: request.method().to_string(),
                target: request
                    .uri()
                    .path_and_query()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            })
        })
    }
}

impl<P, Q, B> FromRequest for Open<P, Q, B>
where
    P: DeserializeOwned + 'static,
    Q: DeserializeOwned + Validate + 'static,
    B: DeserializeOwned + Validate + 'static,
{
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = reads::<B>().then(|| payload.take());
        Box::pin(async move {
            let context = RequestContext::of(&request)?;
            let syntax = Syntax::read(context, &request, payload, B::MOST_BYTES).await?;
            let head = Context::of(&request);
            context
                .traffic
                .admit(&request, &Caller::Address(head.address.clone()))?;
            let (path, query, body) = syntax.shaped(&request, Errors::header())?;
            Ok(Self {
                now: context.clock.now(),
                store: context.store.clone(),
                path,
                query,
                body,
                language: head.language,
                request_id: head.request_id,
                address: head.address,
            })
        })
    }
}

/// The parts of a request that are read before their meaning is checked.
struct Syntax {
    body: Value,
    parameters: Parameters,
}

impl Syntax {
    async fn read(
        context: &RequestContext,
        request: &HttpRequest,
        payload: Option<Payload>,
        most: Option<usize>,
    ) -> Result<Self, Problem> {
        let parameters = query::parse(request.query_string())?;
        let body = match payload {
            Some(mut payload) => {
                let most = most.unwrap_or(context.settings.body_max_bytes);
                let deadline = Duration::from_secs(context.settings.body_timeout_s);
                body::json(request.headers(), &mut payload, most, deadline).await?
            }
            None => Value::Null,
        };
        Ok(Self { body, parameters })
    }

    /// Checks form and values of headers, query and body: all errors at once. Then the path.
    fn shaped<P, Q, B>(self, request: &HttpRequest, headers: Errors) -> Result<(P, Q, B), Problem>
    where
        P: DeserializeOwned + 'static,
        Q: DeserializeOwned + Validate + 'static,
        B: DeserializeOwned + Validate + 'static,
    {
        let mut parameters = Errors::query();
        let query = if reads::<Q>() {
            query::read(self.parameters, &mut parameters)
        } else {
            query::none(&self.parameters, &mut parameters);
            serde_json::from_value(Value::Null).ok()
        };
        let mut members = Errors::body();
        let body = if reads::<B>() {
            deserialize::read(self.body, &mut members)
        } else {
            serde_json::from_value(Value::Null).ok()
        };
        let mut errors: Vec<FieldError> = headers.into_found();
        errors.extend(parameters.into_found());
        errors.extend(members.into_found());
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let path = Path::<P>::from_request(request, &mut Payload::None)
            .into_inner()
            .map_err(|_| Problem::new(Code::NotFound))?
            .into_inner();
        match (query, body) {
            (Some(query), Some(body)) => Ok((path, query, body)),
            // Reading failed, but recorded no error.
            _ => Err(Problem::new(Code::ValidationFailed)
                .detail("The request does not have the documented form.")),
        }
    }
}

/// `()` stands for "nothing is read".
fn reads<T: 'static>() -> bool {
    TypeId::of::<T>() != TypeId::of::<()>()
}

fn conditions(headers: &HeaderMap, errors: &mut Errors) -> Option<IfMatch> {
    match IfMatch::parse(&text(headers, IF_MATCH.as_str())?) {
        Ok(if_match) => Some(if_match),
        Err(error) => {
            errors.extend([error]);
            None
        }
    }
}

/// All values of a list header, joined. A value that is not text becomes `?`.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

impl Context {
    /// What the middleware knows about a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::dev::Payload;
    use actix_web::http::header::CONTENT_TYPE;
    use actix_web::test::TestRequest;
    use actix_web::web::Data;
    use serde::Deserialize;
    use uuid::Uuid;

    use super::super::settings::HttpSettings;
    use crate::traffic::{Traffic, TrafficSettings};
    use gridpatrol_store::{DatabaseUrl, StoreSettings};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        text: String,
    }

    impl Validate for Note {
        fn validate(&self, errors: &mut Errors) {
            errors.text("text", &self.text, 3);
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Listing {
        #[serde(default)]
        limit: super::super::page::Limit,
    }

    impl Validate for Listing {
        fn validate(&self, _: &mut Errors) {}
    }

    /// A caller who gives a name.
    #[derive(Debug)]
    struct Somebody;

    impl Identity for Somebody {
        async fn authenticate(request: &HttpRequest) -> Result<Self, Problem> {
            match request.headers().get("authorization") {
                Some(_) => Ok(Self),
                None => Err(Problem::new(Code::Unauthenticated)),
            }
        }

        fn id(&self) -> Uuid {
            Uuid::nil()
        }

        fn counted_as(&self) -> Caller {
            Caller::Officer(self.id())
        }
    }

    type Call = SignedCall<Somebody, Uuid, Listing, Note>;

    fn context(folder: &std::path::Path) -> Data<RequestContext> {
        let url = DatabaseUrl::Sqlite(folder.join("gridpatrol.db"));
        Data::new(RequestContext {
            store: Store::open(&StoreSettings::new(url)).unwrap(),
            clock: Clock::system(),
            cursors: Signer::new(&[7; 32]),
            traffic: Traffic::new(&TrafficSettings::default()),
            settings: HttpSettings::default(),
        })
    }

    async fn read<T: FromRequest<Error = Problem>>(
        context: &Data<RequestContext>,
        request: TestRequest,
        id: &'static str,
        body: &'static str,
    ) -> Result<T, Problem> {
        let (request, mut payload): (_, Payload) = request
            .param("id", id)
            .insert_header((CONTENT_TYPE, "application/json"))
            .app_data(context.clone())
            .set_payload(body)
            .to_http_parts();
        T::from_request(&request, &mut payload).await
    }

    const ID: &str = "0192f7a0-0000-7000-8000-000000000001";

    #[actix_web::test]
    async fn checks_come_in_their_order() {
        let app = context(&std::env::temp_dir());
        type Anybody = Open<Uuid, Listing, Note>;
        let wrong = || TestRequest::post().uri("/x?limit=0&typo=1");

        // Syntax before sign-in, sign-in before values.
        let code = |outcome: Result<Call, Problem>| outcome.unwrap_err().code;
        let broken = read::<Call>(&app, wrong(), "x", "{").await;
        assert_eq!(code(broken), Code::MalformedRequest);
        let unsigned = read::<Call>(&app, wrong(), "x", "{}").await;
        assert_eq!(code(unsigned), Code::Unauthenticated);

        // Values of query and body together, before the path.
        let refused = read::<Anybody>(&app, wrong(), "x", "{\"text\": \"too long\"}").await;
        let pointers: Vec<_> = refused
            .unwrap_err()
            .errors
            .into_iter()
            .map(|error| error.pointer)
            .collect();
        assert_eq!(pointers, ["query/limit", "query/typo", "/text"]);

        // Then the path: an invalid id names nothing.
        let right = || TestRequest::post().uri("/x?limit=2");
        let body = "{\"text\": \"abc\"}";
        let nothing = read::<Anybody>(&app, right(), "x", body).await.unwrap_err();
        assert_eq!(nothing.code, Code::NotFound);
        let open = read::<Anybody>(&app, right(), ID, body).await.unwrap();
        assert_eq!(open.path.to_string(), ID);
        assert_eq!(
            (open.query.limit.get(), open.body.text.as_str()),
            (2, "abc")
        );
    }

    #[actix_web::test]
    async fn operations_without_parameters_refuse_any() {
        let app = context(&std::env::temp_dir());
        let request = TestRequest::get().uri("/x?a=1");
        let refused = read::<Open>(&app, request, ID, "").await.unwrap_err();
        assert_eq!(refused.errors[0].pointer, "query/a");
    }
}
