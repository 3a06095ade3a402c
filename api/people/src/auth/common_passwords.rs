//! Passwords that are tried first: common ones, keyboard runs, names and dates with a little around.
//!
//! Owns the judgement, by a kept estimator with its dictionaries, beside the rules of the domain. It
//! must not hash or store anything.

use gridpatrol_domain::password::{PasswordFault, PasswordRules};

/// Of the powers of ten of guesses that an estimate needs, the fewest that pass: what a lock after
/// five failures and argon2 hold off easily.
const LEAST_LOG10: f64 = 6.0;

/// Every rule that this password of this officer breaks, the common ones included.
#[must_use]
pub fn faults(rules: &PasswordRules, password: &str, username: &str) -> Vec<PasswordFault> {
    let mut faults = rules.faults(password, username);
    // One that breaks other rules is told of those first; a long one is not worth the estimate.
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
