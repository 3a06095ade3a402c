//! What developers read: the OpenAPI document, its reader, and the guides, in Chinese and English.
//!
//! Owns the routes that serve them. Everything is prepared when the program is built (`build/`); it
//! must not make the document from the code, which the command `openapi` does.

mod embedded;
pub mod routes;
mod served;
#[cfg(test)]
mod translation;

#[cfg(test)]
mod tests;

pub use embedded::ROUTES;
pub use served::Served;
