//! Unified social credit codes of enterprises (统一社会信用代码, DOMAIN.md 4; GB 32100-2015).
//!
//! Owns the check character. Whether such an enterprise exists is nobody's business here.

const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [usize; 17] = [
    1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
];

/// Whether the code has 18 characters of the alphabet, of which the last is the check character.
#[must_use]
pub fn is_valid(code: &str) -> bool {
    let values: Option<Vec<usize>> = code
        .bytes()
        .map(|byte| ALPHABET.iter().position(|letter| *letter == byte))
        .collect();
    values.is_some_and(|values| {
        values.len() == 18 && {
            let sum: usize = values
                .iter()
                .zip(WEIGHTS)
                .map(|(value, weight)| value * weight)
                .sum();
            values.last() == Some(&((31 - sum % 31) % 31))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn the_check_character_is_checked() {
        // The standard's own example.
        assert!(is_valid("91350100M000100Y43"));
        assert!(!is_valid("91350100M000100Y44"));
        assert!(!is_valid("91350100M000100I43"));
        assert!(!is_valid("9135"));
        assert!(!is_valid("91350100m000100Y43"));
    }
}
