//! Random bytes from the operating system for secrets: salts, tokens, keys.
//!
//! Owns nothing else. It must not fall back to a weaker source: a failing generator is an error.

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no randomness: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// Random bytes.
///
/// # Errors
/// When the operating system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
