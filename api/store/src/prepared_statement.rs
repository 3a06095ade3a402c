//! Statements that are kept prepared, once a connection.
//!
//! Diesel prepares every UPDATE and every upsert anew, because a changeset may leave columns out; for
//! a small row that costs more than the statement itself. [`prepared!`](crate::prepared) promises that
//! the text of the statement at this place in the code is always the same, so diesel keeps it and does
//! not build the text again. Statements with a list (`eq_any`) are prepared anew as well. With lists
//! that are [`padded`] they take few forms, and [`PreparedByText`] keeps each form.

use std::cell::Cell;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement of unvarying text; `Site` is the place in the code. Made by [`prepared!`](crate::prepared).
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
        // Diesel walks a query for its text, for its values, and to ask whether it may be kept
        // prepared. The last one is answered here: an UPDATE inside would say no.
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
            // It is not empty, either.
            pass.push_sql(" ");
            Ok(())
        }
    }
}

impl<Site, Q: Query> Query for PreparedAtSite<Site, Q> {
    type SqlType = Q::SqlType;
}

impl<Site, Q, C> RunQueryDsl<C> for PreparedAtSite<Site, Q> {}

/// Keeps the prepared statement of a query whose text never varies.
///
/// `prepared!(conn, query, execute)` runs it on the shared connection; the last word may be any loading
/// method (`get_result`, `first`, `load`). `prepared!(query)` wraps it for a concrete connection.
/// Through the shared connection itself diesel would build the text twice each time.
///
/// The promise is the caller's. It holds for typed queries with changesets of `eq`s, and breaks with
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

/// A statement that is kept prepared by its text, on each connection. So never one whose text holds
/// values, or lists that are not [`padded`].
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

/// It is known by its text.
impl<Q> QueryId for PreparedByText<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for PreparedByText<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for PreparedByText<Q> {}

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
