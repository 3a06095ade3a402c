//! What reading any request needs, and who the caller is.
//!
//! Owns the handles that every operation works with. It must not know a feature: how a caller signs
//! in is an [`Identity`]'s business.

use std::fmt::Debug;
use std::future::Future;

use actix_web::HttpRequest;
use actix_web::web::Data;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use super::page::Signer;
use super::settings::HttpSettings;
use crate::clock::Clock;
use crate::problem::Problem;
use crate::store::Store;
use crate::traffic::{self, Traffic};

/// What every operation works with. The program registers one with the server.
pub struct RequestContext {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Signs the cursors of lists.
    pub cursors: Signer,
    /// How much callers may ask.
    pub traffic: Traffic,
    /// How requests are taken.
    pub settings: HttpSettings,
}

impl RequestContext {
    /// The context behind a request.
    ///
    /// # Errors
    /// `internal` if the server was put together without it.
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

    /// The caller's id: whose keys make requests safe to repeat.
    fn id(&self) -> Uuid;

    /// Whose requests are counted together.
    fn counted_as(&self) -> traffic::Caller;
}
