//! HTTP of sign-in.
//!
//! Owns paths and wire types. It must not decide what happens: `login`, `sessions` and
//! `change_password` do.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::change_password::{self, Change};
use super::login::{self, Attempt};
use super::me::{self, Me, Officer};
use super::security_log::Origin;
use super::sessions::{self, Device, End, Signing};
use super::tickets::{self, Holder};
use super::{refresh_token, session_routes};
use crate::auth::{Auth, Call};
use crate::towns::directory::Directory;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{Open, etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(sign_in)
        .service(refresh)
        .service(sign_out)
        .service(change_own_password)
        .service(who_am_i)
        .service(issue_ticket)
        .service(public_keys);
    session_routes::routes(config);
}

refusals! {
    SignInRefusals = [BODY, LIMITED] + [CredentialsInvalid, LoginLocked];
    RefreshRefusals = [BODY, LIMITED] + [SessionEnded];
    SignedRefusals = [SIGNED] + [];
    TicketRefusals = [BODY, SIGNED] + [];
    PasswordRefusals = [BODY, SIGNED] + [LoginLocked];
}

/// The longest body of this room in bytes.
const MOST_BYTES: usize = 16 * 1024;

/// A name, a password, and the device.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "username": "group_1_1", "password": "demo-Patrol-2026",
    "device": {"id": "0192f7a0-0000-7000-8000-0000000000d1", "name": "红米 Note 12", "platform": "android"}
}))]
#[schema(as = SignInRequest)]
pub struct SignIn {
    /// The name to sign in with; capital letters and spaces around it do not matter.
    #[schema(pattern = r"\S", max_length = 100)]
    username: String,
    /// The password.
    #[schema(min_length = 1, max_length = 128)]
    password: String,
    /// The device. A device has one session: signing in again on it replaces the one it had.
    device: Option<DeviceFacts>,
}

/// A device, as the app knows it.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Device)]
pub struct DeviceFacts {
    /// An id the app makes once and keeps on the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"\S", max_length = 100)]
    pub id: Option<String>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"\S", max_length = 100)]
    pub name: Option<String>,
    /// `android`, `ios`, `wechat` ….
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"\S", max_length = 40)]
    pub platform: Option<String>,
}

impl DeviceFacts {
    /// Adds each wrong value to `errors`.
    pub fn check(&self, errors: &mut Errors) {
        errors.filled("id", &self.id, 100);
        errors.filled("name", &self.name, 100);
        errors.filled("platform", &self.platform, 40);
    }
}

impl From<DeviceFacts> for Device {
    fn from(device: DeviceFacts) -> Self {
        Self {
            id: device.id,
            name: device.name,
            platform: device.platform,
        }
    }
}

impl Validate for SignIn {
    const MOST_BYTES: Option<usize> = Some(MOST_BYTES);

    fn validate(&self, errors: &mut Errors) {
        errors.filled("username", &self.username, 100);
        password(errors, "password", &self.password);
        if let Some(device) = &self.device {
            errors.nested("device", |errors| device.check(errors));
        }
    }
}

/// Checks the form of a password that we will compare.
fn password(errors: &mut Errors, segment: &str, password: &str) {
    if password.is_empty() {
        errors.add(segment, "too_short", "Must not be empty.");
    }
    errors.text(segment, &password, 128);
}

/// Tokens of a session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900,
    "refresh_token": "gpr_…", "must_change_password": false,
    "session_id": "0192f7a0-0000-7000-8000-000000000031",
    "officer": {"id": "0192f7a0-0000-7000-8000-000000000011", "username": "group_1_1", "name": "李一"}
}))]
#[schema(as = SessionTokens)]
pub struct Tokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: i64,
    /// Exchange it at `POST /v1/auth/refresh`. It is good until the one it is exchanged for is
    /// used itself.
    refresh_token: String,
    /// Whether the password must be changed before anything else.
    must_change_password: bool,
    /// The session.
    session_id: Uuid,
    /// Who signed in.
    officer: Officer,
}

impl Tokens {
    /// The answer to a sign-in or refresh. It must not be cached.
    #[must_use]
    pub fn respond(signing: Signing) -> HttpResponse {
        let tokens = Self {
            access_token: signing.access_token,
            token_type: "Bearer",
            expires_in: signing.expires_in,
            refresh_token: signing.refresh_token,
            must_change_password: signing.account.must_change_password,
            session_id: signing.session_id,
            officer: Officer {
                id: signing.account.id,
                username: signing.account.username,
                name: signing.account.name,
                phone: signing.account.phone,
            },
        };
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(tokens)
    }
}

/// Sign in
///
/// Wrong names and wrong passwords are answered alike. From the second failure on there is a pause
/// that grows, after five the name is locked for half an hour (settings): 429 says for how long.
#[utoipa::path(
    operation_id = "signIn",
    tag = "auth",
    request_body = SignIn,
    responses((status = 200, description = "Signed in.", body = Tokens), SignInRefusals)
)]
#[post("/v1/auth/login")]
async fn sign_in(auth: Data<Auth>, call: Open<(), (), SignIn>) -> Result<HttpResponse, Problem> {
    let SignIn {
        username,
        password,
        device,
    } = call.body;
    let attempt = Attempt {
        username,
        password,
        device: device.map(Device::from),
        origin: Origin {
            address: call.address,
            request_id: call.request_id,
        },
    };
    let signing = login::sign_in(&call.store, &auth, call.now, attempt).await?;
    Ok(Tokens::respond(signing))
}

/// A refresh token.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "gpr_…"}))]
#[schema(as = RefreshRequest)]
pub struct Refresh {
    /// The refresh token in hand.
    #[schema(pattern = r"\S", max_length = 200)]
    refresh_token: String,
}

impl Validate for Refresh {
    const MOST_BYTES: Option<usize> = Some(MOST_BYTES);

    fn validate(&self, errors: &mut Errors) {
        errors.filled("refresh_token", &self.refresh_token, 200);
    }
}

/// Exchange a refresh token
///
/// Safe to repeat: until the new refresh token is first used, the old one stays good, so that a
/// lost answer signs nobody out. When the old one comes back after that, the session ends.
#[utoipa::path(
    operation_id = "refreshTokens",
    tag = "auth",
    request_body = Refresh,
    responses((status = 200, description = "New tokens of the same session.", body = Tokens), RefreshRefusals)
)]
#[post("/v1/auth/refresh")]
async fn refresh(auth: Data<Auth>, call: Open<(), (), Refresh>) -> Result<HttpResponse, Problem> {
    let origin = Origin {
        address: call.address,
        request_id: call.request_id,
    };
    let presented = &call.body.refresh_token;
    if refresh_token::hash(presented).is_none() {
        return Err(sessions::ended());
    }
    let now = call.now;
    let signing = sessions::refresh(&call.store, &auth, now, presented, origin).await?;
    Ok(Tokens::respond(signing))
}

/// Where a signed-in request came from.
pub fn origin<P, Q, B>(call: &Call<P, Q, B>) -> Origin {
    Origin {
        address: call.address.clone(),
        request_id: call.request_id.clone(),
    }
}

/// Sign out
///
/// Ends the session of this access token at once. Repeated, it is answered with `session_ended`:
/// that is as good.
#[utoipa::path(
    operation_id = "signOut",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "Signed out."), SignedRefusals)
)]
#[post("/v1/auth/logout")]
async fn sign_out(call: Call) -> Result<HttpResponse, Problem> {
    let (officer, session) = (call.actor.officer.id, call.actor.session_id);
    let (origin, now) = (origin(&call), call.now);
    call.store
        .write(Lane::Interactive, move |conn| {
            let end = End::SignedOut;
            Ok(sessions::end_own(
                conn, officer, session, end, &origin, now,
            )?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A change of the caller's own password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "demo-Patrol-2026", "new_password": "Weiyuan-2027"}))]
pub struct PasswordChange {
    /// The current password. Absent only where the account has none: its owner was invited.
    #[schema(min_length = 1, max_length = 128)]
    current_password: Option<String>,
    /// The new one: 8 to 128 characters, three of the four classes (lower case, upper case, digits,
    /// others), without the username in it, none that is commonly used, none of the last five
    /// (settings).
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
}

impl Validate for PasswordChange {
    const MOST_BYTES: Option<usize> = Some(MOST_BYTES);

    fn validate(&self, errors: &mut Errors) {
        if let Some(current) = &self.current_password {
            password(errors, "current_password", current);
        }
    }
}

/// Change one's password, or set the first
///
/// Ends the caller's other sessions. A wrong current password is `wrong_password` at
/// `/current_password`, and guessing it is slowed down like signing in. Safe to repeat.
#[utoipa::path(
    operation_id = "changePassword",
    tag = "auth",
    security(("bearer" = [])),
    request_body = PasswordChange,
    responses((status = 204, description = "It is changed."), PasswordRefusals)
)]
#[post("/v1/auth/password")]
async fn change_own_password(
    auth: Data<Auth>,
    call: Call<(), (), PasswordChange>,
) -> Result<HttpResponse, Problem> {
    let change = Change {
        officer_id: call.actor.officer.id,
        username: call.actor.officer.username.clone(),
        session_id: call.actor.session_id,
        origin: origin(&call),
        current: call.body.current_password,
        new: call.body.new_password,
    };
    change_password::change(&call.store, &auth, call.now, change).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who the caller is
///
/// The officer and the postings active now, which decide what is seen and what may be done.
#[utoipa::path(
    operation_id = "getMe",
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The caller.", body = Me),
        (status = 304, description = "It has not changed."),
        SignedRefusals
    )
)]
#[get("/v1/me")]
async fn who_am_i(directory: Data<Directory>, call: Call) -> Result<HttpResponse, Problem> {
    let (directory, signed) = (directory.clone(), call.actor);
    let version = signed.officer.version;
    let me = call
        .store
        .read(move |conn| me::me(conn, &directory, &signed))
        .await?;
    etag::json(call.if_none_match.as_deref(), version, &me)
}

/// What a ticket is to be good for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"path_prefix": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1"}))]
pub struct TicketRequest {
    /// The path that it opens, with everything below: two segments or more (`/v1/reports`), of letters,
    /// digits and `-._~`. Nothing below `/v1/auth`.
    #[schema(max_length = 200)]
    path_prefix: String,
}

impl Validate for TicketRequest {
    const MOST_BYTES: Option<usize> = Some(MOST_BYTES);

    fn validate(&self, errors: &mut Errors) {
        match tickets::canonical(&self.path_prefix) {
            None => errors.add(
                "path_prefix",
                "bad_format",
                "Give a path below /v1/ in plain segments, such as /v1/reports.",
            ),
            Some(prefix) if prefix == "/v1/auth" || prefix.starts_with("/v1/auth/") => {
                errors.add("path_prefix", "not_allowed", "No ticket opens /v1/auth.");
            }
            Some(_) => {}
        }
    }
}

/// A ticket.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "ticket": "gpt_n4bQ…", "path_prefix": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1",
    "expires_in": 300, "expires_at": "2026-11-20T00:20:00Z"
}))]
pub struct Ticket {
    /// Append it to a GET below the prefix as `?ticket=…`, instead of the header.
    ticket: String,
    /// The prefix in its one spelling.
    path_prefix: String,
    /// For how many seconds it is good.
    expires_in: i64,
    /// Until when.
    expires_at: DateTime<Utc>,
}

/// Get a ticket for EventSource and image tags
///
/// For what can send no header: five minutes of GET below one path, as the caller of this request. It
/// is dead when the session or the key ends. A stream that was opened in time goes on. Harmless to
/// repeat: each request gets a ticket of its own, and none is stored.
#[utoipa::path(
    operation_id = "issueTicket",
    tag = "auth",
    request_body = TicketRequest,
    responses((status = 201, description = "The ticket.", body = Ticket), TicketRefusals)
)]
#[post("/v1/auth/tickets")]
async fn issue_ticket(
    auth: Data<Auth>,
    call: Call<(), (), TicketRequest>,
) -> Result<HttpResponse, Problem> {
    let holder = match call.actor.service {
        None => Holder::Session {
            officer_id: call.actor.officer.id,
            session_id: call.actor.session_id,
        },
        Some(_) => Holder::Key(call.actor.session_id),
    };
    // The body is already validated, so the prefix has a canonical form.
    let path_prefix = tickets::canonical(&call.body.path_prefix).unwrap_or_default();
    let (ticket, expires_at) = auth.tickets.issue(holder, &path_prefix, call.now);
    let ticket = Ticket {
        ticket,
        path_prefix,
        expires_in: tickets::LIFETIME.num_seconds(),
        expires_at,
    };
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(ticket))
}

/// Public keys (RFC 7517).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicKeys {
    /// The keys accepted now.
    keys: Vec<PublicKey>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicKey {
    /// `OKP`.
    kty: &'static str,
    /// `Ed25519`.
    crv: &'static str,
    /// `EdDSA`.
    alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// Its id, which access tokens name: the RFC 7638 thumbprint.
    kid: String,
    /// The key itself, base64url.
    x: String,
}

impl PublicKey {
    fn of(jwk: &Jwk) -> Option<Self> {
        match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => Some(Self {
                kty: "OKP",
                crv: "Ed25519",
                alg: "EdDSA",
                usage: "sig",
                kid: jwk.common.key_id.clone()?,
                x: pair.x.clone(),
            }),
            _ => None,
        }
    }
}

/// The keys that access tokens are verified with
///
/// For services beside this one. A signature alone does not tell whether the session still lasts.
#[utoipa::path(
    operation_id = "getPublicKeys",
    tag = "auth",
    responses((status = 200, description = "A JWK set.", body = PublicKeys), refusals::Open)
)]
#[get("/.well-known/jwks.json")]
async fn public_keys(auth: Data<Auth>, _: Open) -> HttpResponse {
    let keys = auth.keys.set().keys.iter().filter_map(PublicKey::of);
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .json(PublicKeys {
            keys: keys.collect(),
        })
}
