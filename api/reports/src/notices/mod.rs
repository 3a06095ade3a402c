//! Notices: they tell what happened to those who must act and those who should know.
//!
//! Owns the phones that push services reach (`push_tokens`), the outbox (one CloudEvents 1.0
//! envelope for each event of a report, written in the transaction of the event and never changed
//! after that), and the digests made from it. The domain decides who is told and in which words
//! (`gridpatrol_domain::notice`); the `webhooks` room sends. Envelopes leave the server, so they
//! must name a person only by id, and must hold no text that a person wrote.

pub mod digest;
pub mod envelope;
pub mod outbox;
pub mod provider;
pub mod push;
pub mod push_tokens;
pub mod routes;
