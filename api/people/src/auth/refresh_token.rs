//! Refresh tokens: what they look like, and when one is still good.
//!
//! Owns the grace rule as a pure function: a rotated token stays usable until a
//! successor is first used, so that an answer lost in the hills does not sign a phone out; what
//! comes back after that was stolen or leaked. It must not touch the database (`sessions` does).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use gridpatrol_store::random;

/// What every refresh token begins with, so that people and scanners know it for what it is.
const PREFIX: &str = "gpr_";

/// A new refresh token and the hash that is stored of it.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn new() -> Result<(String, Vec<u8>), random::NoRandomness> {
    let secret: [u8; 32] = random::bytes()?;
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    Ok((text, Sha256::digest(secret).to_vec()))
}

/// The stored hash of a presented token; none when it cannot be one of ours.
#[must_use]
pub fn hash(text: &str) -> Option<Vec<u8>> {
    let secret = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (secret.len() == 32).then(|| Sha256::digest(&secret).to_vec())
}

/// What is stored of a token, as far as the rule needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When it stops being good, used or not.
    pub expires_at: DateTime<Utc>,
    /// When it was first exchanged.
    pub first_used_at: Option<DateTime<Utc>>,
    /// When a successor or a sibling was first exchanged.
    pub superseded_at: Option<DateTime<Utc>>,
}

/// What becomes of a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Exchange it. The first time, every other token of its session is superseded.
    Renew {
        /// Whether it is the first time.
        first: bool,
    },
    /// It came back after its successor was used: end the session.
    Reused,
    /// It has expired.
    Expired,
}

/// The grace rule.
#[must_use]
pub fn decide(token: Standing, now: DateTime<Utc>) -> Decision {
    if token.superseded_at.is_some() {
        Decision::Reused
    } else if now >= token.expires_at {
        Decision::Expired
    } else {
        Decision::Renew {
            first: token.first_used_at.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Standing, decide, hash, new};
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    #[test]
    fn only_a_token_of_ours_has_a_hash() {
        let (text, stored) = new().unwrap();
        assert!(text.starts_with("gpr_") && text.len() == 47);
        assert_eq!(hash(&text), Some(stored));
        assert_ne!(new().unwrap().0, text);
        let short = text.get(..46).unwrap();
        for wrong in [
            "",
            "gpr_",
            short,
            &text.replace("gpr_", "abc_"),
            &format!("{text}="),
        ] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
    }

    /// Tokens of one session, as `sessions` keeps them.
    #[derive(Default)]
    struct Family {
        tokens: Vec<(Option<usize>, Standing)>,
        ended: bool,
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    impl Family {
        fn issue(&mut self, predecessor: Option<usize>) {
            self.tokens.push((
                predecessor,
                Standing {
                    expires_at: now() + TimeDelta::days(30),
                    first_used_at: None,
                    superseded_at: None,
                },
            ));
        }

        fn present(&mut self, at: usize) -> bool {
            if self.ended {
                return false;
            }
            match decide(self.tokens[at].1, now()) {
                Decision::Renew { first } => {
                    if first {
                        for (other, (_, token)) in self.tokens.iter_mut().enumerate() {
                            if other != at && token.superseded_at.is_none() {
                                token.superseded_at = Some(now());
                            }
                        }
                        self.tokens[at].1.first_used_at = Some(now());
                    }
                    self.issue(Some(at));
                    true
                }
                Decision::Reused => {
                    self.ended = true;
                    false
                }
                Decision::Expired => false,
            }
        }
    }

    #[test]
    fn a_lost_answer_signs_nobody_out_and_a_late_token_ends_the_family() {
        let mut family = Family::default();
        family.issue(None);
        assert!(family.present(0), "first exchange, its answer is lost");
        assert!(family.present(0), "repeated: another successor");
        assert!(family.present(0), "and another");
        assert!(family.present(2), "one of the successors is used");
        assert!(!family.present(0), "the old one comes back");
        assert!(family.ended);
        assert!(!family.present(4), "nothing of the family is good any more");
    }

    #[test]
    fn a_sibling_is_good_until_another_is_used() {
        let mut family = Family::default();
        family.issue(None);
        assert!(family.present(0) && family.present(0));
        assert!(family.present(1));
        assert!(!family.present(2) && family.ended);
    }

    #[test]
    fn an_expired_token_ends_nothing() {
        let token = Standing {
            expires_at: now(),
            first_used_at: None,
            superseded_at: None,
        };
        assert_eq!(decide(token, now()), Decision::Expired);
    }

    proptest! {
        /// An honest client that loses any answer it likes, and goes on with the newest token it
        /// got, is never signed out.
        #[test]
        fn an_honest_client_is_never_signed_out(lost in prop::collection::vec(any::<bool>(), 1..60)) {
            let mut family = Family::default();
            family.issue(None);
            let mut held = 0;
            for lost in lost {
                prop_assert!(family.present(held));
                if !lost {
                    held = family.tokens.len() - 1;
                }
            }
        }

        /// At any time, the tokens that are good belong to one generation: a used one and its
        /// successors.
        #[test]
        fn what_is_good_is_one_generation(presented in prop::collection::vec(0_usize..100, 0..40)) {
            let mut family = Family::default();
            family.issue(None);
            for at in presented {
                let at = at % family.tokens.len();
                family.present(at);
                let used: Vec<usize> = (0..family.tokens.len())
                    .filter(|at| {
                        let token = family.tokens[*at].1;
                        token.superseded_at.is_none() && token.first_used_at.is_some()
                    })
                    .collect();
                prop_assert!(used.len() <= 1);
                for (predecessor, token) in &family.tokens {
                    if token.superseded_at.is_none() && token.first_used_at.is_none() {
                        prop_assert_eq!(*predecessor, used.first().copied());
                    }
                }
            }
        }
    }
}
