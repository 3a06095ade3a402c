//! Who is calling: sign-in, sessions, access tokens, passwords.
//!
//! Owns everything from a password to a signed caller. It must not decide what the caller may
//! do: that is `gridpatrol_domain::officer` and `report::lifecycle`.

pub mod keys;
pub mod passwords;
pub mod random;
pub mod settings;
pub mod throttle;

mod caller;

pub use caller::{Officer, Signed, authenticate};
