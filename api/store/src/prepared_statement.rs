//! Prepared statements that each connection keeps.
//!
//! Owns how diesel caches statements; it must not know any table. Diesel prepares every UPDATE and every
//! upsert again, because a changeset may leave columns out; for a small row that costs more than the
//! statement itself. [`prepared!`](crate::prepared) promises that the statement at this place in the code
//! always has the same text, so diesel caches it and does not build the text again. Diesel also prepares
//! statements with a list (`eq_any`) again. [`padded`] lists have only a few lengths, and
//! [`PreparedByText`] caches one statement for each.

use std::cell::Cell;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement whose text never changes; `Site` is its place in the code. See [`prepared!`](crate::prepared).
#[derive(Debug, Clone, Copy)]
pub struct PreparedAtSite<Site, Q> {
    query: Q,
    site: PhantomData<Site>,
}

impl<Site, Q> PreparedAtSite<Site, Q> {
    /// The statement at this place.
    pub const fn new(query: Q) -> Self {
        Self {
            query,
            site: PhantomData,
        }
    }
}

impl<Site: 'static, Q> QueryId for PreparedAtSite<Site, Q> {
    type QueryId = Site;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Site, Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for PreparedAtSite<Site, Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Diesel walks a query for its text, for its values, and to ask whether it may cache the
        // statement. This answers the last question: an UPDATE inside would say no.
        let text = Cell::new(false);
        let mut pass = pass.cast_database::<DB>(
            |values| values,
            |builder| {
                text.set(true);
                builder
            },
            |backend| backend,
            |lookup| lookup,
        );
        if text.get() || pass.bind_collector().is_some() || pass.debug_binds().is_some() {
            self.query.walk_ast(pass)
        } else {
            // It is not empty either.
            pass.push_sql(" ");
            Ok(())
        }
    }
}

impl<Site, Q: Query> Query for PreparedAtSite<Site, Q> {
    type SqlType = Q::SqlType;
}

impl<Site, Q, C> RunQueryDsl<C> for PreparedAtSite<Site, Q> {}

/// Caches the prepared statement of a query whose text never changes.
///
/// `prepared!(conn, query, execute)` runs it on the shared connection; the last word may be any loading
/// method (`get_result`, `first`, `load`). `prepared!(query)` wraps it for a concrete connection.
/// Through the shared connection itself diesel would build the text twice each time.
///
/// The caller makes the promise. It holds for typed queries with changesets of `eq`s, and breaks with
/// boxed queries, `eq_any` on SQLite, `AsChangeset` structs with options, inserts of options without
/// `treat_none_as_default_value = false`, multi-row inserts, and inside generic functions.
#[macro_export]
macro_rules! prepared {
    ($query:expr) => {{
        #[derive(Debug, Clone, Copy)]
        enum Site {}
        $crate::prepared_statement::PreparedAtSite::<Site, _>::new($query)
    }};
    ($conn:expr, $query:expr, $run:ident) => {
        match $conn {
            $crate::Conn::Sqlite(c) => ::diesel::RunQueryDsl::$run($crate::prepared!($query), c),
            $crate::Conn::Pg(c) => ::diesel::RunQueryDsl::$run($crate::prepared!($query), c),
        }
    };
}

/// A statement that each connection caches by its text. Never use it for a text that holds values, or
/// lists that are not [`padded`].
#[derive(Debug, Clone, Copy)]
pub struct PreparedByText<Q>(pub Q);

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for PreparedByText<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Its text identifies it.
impl<Q> QueryId for PreparedByText<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for PreparedByText<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for PreparedByText<Q> {}

/// The values of a list, with the last one repeated until their number is a power of four: lists then
/// have only a few lengths, and the query means the same.
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
