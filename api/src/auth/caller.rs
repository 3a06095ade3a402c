//! Who a request says it is. Nobody can sign in yet, so every token is refused.
//! The sign-in of this room takes this file's place.

use actix_web::HttpRequest;
use gridpatrol_domain::error::Code;
use uuid::Uuid;

use crate::app::App;
use crate::problem::Problem;

/// A signed-in officer.
#[derive(Debug, Clone)]
pub struct Officer {
    /// Their id.
    pub id: Uuid,
}

/// A signed-in caller.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who it is.
    pub officer: Officer,
}

/// The caller behind a request.
///
/// # Errors
/// `unauthenticated`.
pub async fn authenticate(_: &App, _: &HttpRequest) -> Result<Signed, Problem> {
    Err(Problem::new(Code::Unauthenticated).detail("Send Authorization: Bearer <access token>."))
}
