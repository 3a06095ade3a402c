//! What differs between the two databases: one macro, and the macros built on it.
//!
//! The shared connection type has no `ON CONFLICT`, no multi-row insert with `RETURNING` and no
//! `FOR UPDATE`. [`on_each!`](crate::on_each) gives the body the concrete connection instead. It must
//! not know any table.

/// Runs a body on the concrete connection inside a [`Conn`](crate::Conn).
///
/// `on_each!(conn, c => body)` compiles the same body for both databases;
/// `on_each!(conn, sqlite c => one, postgres c => other)` has one for each.
#[macro_export]
macro_rules! on_each {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::Conn::Sqlite($c) => $body,
            $crate::Conn::Pg($c) => $body,
        }
    };
    ($conn:expr, sqlite $s:ident => $sqlite:expr, postgres $p:ident => $postgres:expr $(,)?) => {
        match $conn {
            $crate::Conn::Sqlite($s) => $sqlite,
            $crate::Conn::Pg($p) => $postgres,
        }
    };
}

/// Reads rows and keeps them locked until the transaction ends: `locked!(conn, query, first)`, where
/// the last word is the loading method (`first`, `load`, `get_result`). SQLite has one writer and needs
/// no other lock.
#[macro_export]
macro_rules! locked {
    ($conn:expr, $query:expr, $load:ident) => {
        match $conn {
            $crate::Conn::Sqlite(c) => ::diesel::RunQueryDsl::$load($query, c),
            $crate::Conn::Pg(c) => {
                ::diesel::RunQueryDsl::$load(::diesel::QueryDsl::for_update($query), c)
            }
        }
    };
}

/// Reads the rows that no other transaction has locked, skips the others, and keeps the rows locked
/// until the transaction ends: `unclaimed!(conn, query)`. For work that several processes share.
#[macro_export]
macro_rules! unclaimed {
    ($conn:expr, $query:expr) => {
        match $conn {
            $crate::Conn::Sqlite(c) => ::diesel::RunQueryDsl::load($query, c),
            $crate::Conn::Pg(c) => ::diesel::RunQueryDsl::load(
                ::diesel::QueryDsl::skip_locked(::diesel::QueryDsl::for_update($query)),
                c,
            ),
        }
    };
}
