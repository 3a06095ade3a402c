//! What reading any request needs, and who the caller is.
//!
//! Owns the handles that every operation uses. It must not know any feature: an [`Identity`] decides how
//! a caller signs in.

use std::fmt::Debug;
use std::future::Future;

use actix_web::HttpRequest;
use actix_web::web::Data;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use super::page::Signer;
use super::settings::HttpSettings;
use crate::traffic::{self, Traffic};
use gridpatrol_problem::Problem;
use gridpatrol_store::Store;
use gridpatrol_store::clock::Clock;

/// What every operation uses. The program registers one with the server.
pub struct RequestContext {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Signs the cursors of lists.
    pub cursors: Signer,
    /// The limits of callers.
    pub traffic: Traffic,
    /// How the server reads requests.
    pub settings: HttpSettings,
}

impl RequestContext {
    /// The context behind a request.
    ///
    /// # Errors
    /// `internal` if the program did not register it.
    pub fn of(request: &HttpRequest) -> Result<&Self, Problem> {
        registered(request)
    }
}

/// Something that the program registered with the server.
///
/// # Errors
/// `internal` if it did not.
pub fn registered<T: 'static>(request: &HttpRequest) -> Result<&T, Problem> {
    request
        .app_data::<Data<T>>()
        .map(Data::get_ref)
        .ok_or_else(|| {
            tracing::error!(missing = std::any::type_name::<T>(), "not registered");
            Problem::new(Code::Internal)
        })
}

/// A caller who is signed in.
pub trait Identity: Debug + Sized + 'static {
    /// Who sends this request.
    ///
    /// # Errors
    /// 401, 403 or 503.
    fn authenticate(request: &HttpRequest) -> impl Future<Output = Result<Self, Problem>>;

    /// The caller's id. Each caller has their own idempotency keys.
    fn id(&self) -> Uuid;

    /// Which requests count together for the limits.
    fn counted_as(&self) -> traffic::Caller;
}
