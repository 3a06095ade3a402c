//! Notices: what happened, as it is told to those who must act and those who should know.
//!
//! Owns the phones that are reached (`push_tokens`), the outbox (one CloudEvents 1.0 envelope for each
//! event of a report, written in the transaction of the event and frozen there), and the digests made of
//! it. Who is told and in which words the domain says (`gridpatrol_domain::notice`); sending is the room
//! of `webhooks`. An envelope leaves the house, so it names no person but by id, and holds nothing that
//! anybody wrote.

pub mod digest;
pub mod envelope;
pub mod outbox;
pub mod provider;
pub mod push;
pub mod push_tokens;
pub mod routes;
