//! Values as both databases store them natively: ids, instants, slugs.
//!
//! Owns the conversions. It must not know any table.
//!
//! | SQL type | Rust, read | Rust, bound | PostgreSQL | SQLite |
//! |---|---|---|---|---|
//! | [`sql::Id`] | `Uuid` | [`Id`]`(uuid)` | `uuid` | `BLOB` of 16 bytes |
//! | [`sql::Instant`] | `DateTime<Utc>` | [`At`]`(instant)` | `timestamptz` | `INTEGER`, µs since 1970 |
//! | `Text` | [`Coded`]`<T>` | [`Coded`]`(value)` | `text` | `TEXT` |
//!
//! Rows are read as plain `Uuid` and `DateTime<Utc>`. A bound value (in a filter, an insert, a changeset)
//! needs a wrapper, because Rust's orphan rule forbids diesel's traits on types of other crates:
//! `id.eq(Id(report))`, `id.eq_any(ids.iter().copied().map(Id))`, `received_at.lt(At(now))`. Options
//! need no wrapping: `village_id.eq(Some(uuid))`, and fields `Option<Uuid>` in inserts.

use chrono::{DateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, HasSqlType, Text, Timestamptz};
use diesel::sqlite::Sqlite;
use gridpatrol_domain::coded_value::CodedValue;
use uuid::Uuid;

use super::conn::{MultiBackend, MultiRawValue};

/// The SQL types of the columns.
pub mod sql {
    pub use diesel::sql_types::*;

    use diesel::query_builder::QueryId;

    /// An id.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951))]
    #[diesel(sqlite_type(name = "Binary"))]
    pub struct Id;

    /// A moment, precise to the microsecond.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 1184, array_oid = 1185))]
    #[diesel(sqlite_type(name = "Long"))]
    pub struct Instant;

    impl SqlOrd for Instant {}
}

/// An id to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Id)]
pub struct Id(pub Uuid);

/// A moment to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Instant)]
pub struct At(pub DateTime<Utc>);

/// Implements the conversions of a native value for the shared connection type, and the same for its
/// wrapper.
macro_rules! native {
    ($sql:ty, $rust:ty, $wrapper:ident) => {
        impl HasSqlType<$sql> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                Self::lookup_sql_type::<$sql>(lookup)
            }
        }

        impl ToSql<$sql, MultiBackend> for $rust {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((<$sql>::default(), self));
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql, MultiBackend> for $rust {
            fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<Self, $sql>()
            }
        }

        impl<DB: Backend> ToSql<$sql, DB> for $wrapper
        where
            $rust: ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<$sql, DB> for $wrapper
        where
            $rust: FromSql<$sql, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                <$rust as FromSql<$sql, DB>>::from_sql(value).map(Self)
            }
        }

        impl From<$rust> for $wrapper {
            fn from(value: $rust) -> Self {
                Self(value)
            }
        }
    };
}

native!(sql::Id, Uuid, Id);
native!(sql::Instant, DateTime<Utc>, At);

impl ToSql<sql::Id, Pg> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Self as ToSql<diesel::sql_types::Uuid, Pg>>::to_sql(self, out)
    }
}

impl FromSql<sql::Id, Pg> for Uuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Self as FromSql<diesel::sql_types::Uuid, Pg>>::from_sql(value)
    }
}

impl ToSql<sql::Id, Sqlite> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Id, Sqlite> for Uuid {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_slice(value.read_blob())?)
    }
}

impl ToSql<sql::Instant, Pg> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Self as ToSql<Timestamptz, Pg>>::to_sql(self, out)
    }
}

impl FromSql<sql::Instant, Pg> for DateTime<Utc> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Self as FromSql<Timestamptz, Pg>>::from_sql(value)
    }
}

impl ToSql<sql::Instant, Sqlite> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Instant, Sqlite> for DateTime<Utc> {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        Self::from_timestamp_micros(micros)
            .ok_or_else(|| format!("{micros} µs is no instant").into())
    }
}

/// A coded value, stored as its slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Coded<T: CodedValue>(pub T);

impl<T: CodedValue> From<T> for Coded<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: CodedValue> Coded<T> {
    fn read(slug: &str) -> deserialize::Result<Self> {
        T::from_code(slug)
            .map(Self)
            .ok_or_else(|| format!("unknown {}: {slug:?}", std::any::type_name::<T>()).into())
    }
}

impl<T: CodedValue, DB: Backend> ToSql<Text, DB> for Coded<T>
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.code().to_sql(out)
    }
}

impl<T: CodedValue> FromSql<Text, Pg> for Coded<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Self::read(std::str::from_utf8(value.as_bytes())?)
    }
}

impl<T: CodedValue> FromSql<Text, Sqlite> for Coded<T> {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Self::read(value.read_text())
    }
}

impl<T: CodedValue> FromSql<Text, MultiBackend> for Coded<T> {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Text>()
    }
}
