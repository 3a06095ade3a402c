//! Statements whose text takes few forms, kept prepared.
//!
//! Diesel prepares a statement anew each time when a list (`eq_any`) stands in it, for lists have
//! any length. SQLite then spends more on preparing than on reading a page by its ids. With lists
//! [`padded`], such a statement takes few forms, and [`Kept`] promises so. What has one form is
//! [`fixed!`](crate::fixed).

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement that is kept prepared by its text, on each connection. So never one whose text holds
/// values, or lists that are not [`padded`].
#[derive(Debug, Clone, Copy)]
pub struct Kept<Q>(pub Q);

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Kept<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

/// It is known by its text.
impl<Q> QueryId for Kept<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Kept<Q> {}

/// The values of a list, the last one repeated until their number is a power of four: lists of any
/// length then take few forms, and mean the same.
#[must_use]
pub fn padded<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        let mut length = 1;
        while length < values.len() {
            length *= 4;
        }
        values.resize(length, last);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn lists_take_few_lengths_and_mean_the_same() {
        assert!(padded::<i32>([]).is_empty());
        assert_eq!(padded([1]), [1]);
        assert_eq!(padded([1, 2, 3]), [1, 2, 3, 3]);
        assert_eq!(padded(0..4).len(), 4);
        assert_eq!(padded(0..51).len(), 64);
    }
}
