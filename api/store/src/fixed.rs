//! Statements whose text never varies, prepared once a connection.
//!
//! Diesel prepares every UPDATE and every upsert anew, for a changeset may leave columns out; for a
//! small row that costs more than the statement itself. [`fixed!`](crate::fixed) promises that the
//! text of the statement at this place in the code is always the same, and diesel then keeps it and
//! does not even build the text again.

use std::cell::Cell;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement of unvarying text; `Site` is the place in the code. Made by [`fixed!`](crate::fixed).
#[derive(Debug, Clone, Copy)]
pub struct Fixed<Site, Q> {
    query: Q,
    site: PhantomData<Site>,
}

impl<Site, Q> Fixed<Site, Q> {
    /// The statement at this place.
    pub const fn new(query: Q) -> Self {
        Self {
            query,
            site: PhantomData,
        }
    }
}

impl<Site: 'static, Q> QueryId for Fixed<Site, Q> {
    type QueryId = Site;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Site, Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Fixed<Site, Q> {
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

impl<Site, Q: Query> Query for Fixed<Site, Q> {
    type SqlType = Q::SqlType;
}

impl<Site, Q, C> RunQueryDsl<C> for Fixed<Site, Q> {}

/// Keeps the prepared statement of a query whose text never varies.
///
/// `fixed!(conn, query, execute)` runs it on the shared connection; the last word may be any loading
/// method (`get_result`, `first`, `load`). `fixed!(query)` wraps it for a concrete connection.
/// Through the shared connection itself diesel would build the text twice each time.
///
/// The promise is the caller's. It holds for typed queries with changesets of `eq`s, and breaks with
/// boxed queries, `eq_any` on SQLite, `AsChangeset` structs with options, inserts of options without
/// `treat_none_as_default_value = false`, multi-row inserts, and inside generic functions.
#[macro_export]
macro_rules! fixed {
    ($query:expr) => {{
        #[derive(Debug, Clone, Copy)]
        enum Site {}
        $crate::fixed::Fixed::<Site, _>::new($query)
    }};
    ($conn:expr, $query:expr, $run:ident) => {
        match $conn {
            $crate::Conn::Sqlite(c) => ::diesel::RunQueryDsl::$run($crate::fixed!($query), c),
            $crate::Conn::Pg(c) => ::diesel::RunQueryDsl::$run($crate::fixed!($query), c),
        }
    };
}
