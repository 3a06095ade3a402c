//! Finds which of the caller's towns a request means if it does not name one. Owns this choice; it
//! must not read the database.

use gridpatrol_domain::error::Code;
use uuid::Uuid;

use gridpatrol_problem::{FieldError, Problem};

/// The named town (any town for an admin), or the only town where the caller is posted.
///
/// # Errors
/// `not_found`, `validation_failed` if the request must name it.
pub fn town_of(towns: &[Uuid], admin: bool, asked: Option<Uuid>) -> Result<Uuid, Problem> {
    match (asked, towns) {
        (Some(asked), towns) if admin || towns.contains(&asked) => Ok(asked),
        (None, [only]) => Ok(*only),
        (None, [_, _, ..]) => Err(Problem::invalid(vec![FieldError::new(
            "query/town",
            "required",
            "You are posted in several towns. Name one.",
        )])),
        _ => Err(Problem::new(Code::NotFound)
            .detail("There is no such town among those where you are posted.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_town_is_named_where_there_are_several() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        assert_eq!(town_of(&[one], false, None).unwrap(), one);
        assert_eq!(town_of(&[one, other], false, Some(other)).unwrap(), other);
        let several = town_of(&[one, other], false, None).unwrap_err();
        assert_eq!(several.errors[0].pointer, "query/town");
        assert_eq!(town_of(&[], false, None).unwrap_err().code, Code::NotFound);
        assert_eq!(
            town_of(&[one], false, Some(other)).unwrap_err().code,
            Code::NotFound
        );
    }
}
