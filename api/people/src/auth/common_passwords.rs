//! Finds passwords that are easy to guess: common ones, keyboard runs, names and dates.
//!
//! Owns this check, made with a well-kept estimator and its dictionaries. It comes on top of the
//! domain's rules. It must not hash or store anything.

use gridpatrol_domain::password::{PasswordFault, PasswordRules};

/// The smallest accepted estimate, as a power of ten of guesses. A lock after five failures and
/// argon2 easily protect a password this strong.
const LEAST_LOG10: f64 = 6.0;

/// Lists every rule that this officer's password breaks, common passwords included.
#[must_use]
pub fn faults(rules: &PasswordRules, password: &str, username: &str) -> Vec<PasswordFault> {
    let mut faults = rules.faults(password, username);
    // If other rules are broken, we report those first. A long password does not need the estimate.
    if faults.is_empty() && is_common(password, username) {
        faults.push(PasswordFault::TooCommon);
    }
    faults
}

fn is_common(password: &str, username: &str) -> bool {
    let known = [username, "gridpatrol", "admin"];
    zxcvbn::zxcvbn(password, &known).guesses_log10() < LEAST_LOG10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_refused() {
        let rules = PasswordRules::default();
        for common in [
            "Password1",
            "P@ssw0rd",
            "Aa123456",
            "Abc123456",
            "Qwer1234",
            "1qaz@WSX",
            "Passw0rd!",
        ] {
            let found = faults(&rules, common, "group_1_1");
            assert_eq!(found, [PasswordFault::TooCommon], "{common}");
        }
        for fine in [
            "demo-Patrol-2026",
            "Weiyuan-2027",
            "hV7q-Rm3k-Xw9t",
            "网格员Patrol",
        ] {
            assert_eq!(faults(&rules, fine, "group_1_1"), [], "{fine}");
        }
        // Other rules come first.
        assert_eq!(
            faults(&rules, "password", "group_1_1"),
            [PasswordFault::TooFewClasses(3)]
        );
    }
}
