//! Lists in pages: limits, and opaque cursors that belong to one set of filters.
//!
//! A cursor holds the sort key of the last item, signed with the server's key: clients cannot make one
//! themselves or use one with other filters. Owns the wire form. It must not know what the key means:
//! the query does.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gridpatrol_domain::error::Code;
use hmac::{Hmac, Mac};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};

use gridpatrol_problem::{FieldError, Problem};

/// One page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The items, in the order of the list. There may be fewer than `limit` while a cursor follows.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

// Not derived: the derive would write the item's schema out instead of referring to it.
impl<T: utoipa::ToSchema> utoipa::__dev::ComposeSchema for Page<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let items = ArrayBuilder::new()
            .items(Ref::from_schema_name(T::name()))
            .description(Some(
                "In the order of the list. There may be fewer than `limit` while a cursor follows.",
            ));
        let next_cursor = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "Pass it as `cursor`, with the same filters, for the next page; absent at the end.",
            ));
        ObjectBuilder::new()
            .description(Some("One page of a list."))
            .property("items", items)
            .required("items")
            .property("next_cursor", next_cursor)
            .into()
    }
}

impl<T: utoipa::ToSchema> utoipa::ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Page")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T> Page<T> {
    /// A page of at most `limit` rows. The query must have read one row more than that.
    ///
    /// # Errors
    /// `internal` if a key cannot be written as JSON.
    pub fn of<R, K: Serialize>(
        mut rows: Vec<R>,
        limit: Limit,
        signer: &Signer,
        filters: &impl Serialize,
        key: impl Fn(&R) -> K,
        item: impl FnMut(R) -> T,
    ) -> Result<Self, Problem> {
        let more = rows.len() > limit.size();
        rows.truncate(limit.size());
        let next_cursor = match rows.last() {
            Some(last) if more => Some(signer.seal(filters, &key(last))?),
            _ => None,
        };
        Ok(Self {
            items: rows.into_iter().map(item).collect(),
            next_cursor,
        })
    }
}

/// How many items a page may hold: 1 to 200, 50 unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// For SQL's LIMIT.
    #[must_use]
    pub fn get(self) -> i64 {
        i64::from(self.0)
    }

    /// For SQL's LIMIT: one row more than the page, to see whether another page follows.
    #[must_use]
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// As a length.
    #[must_use]
    pub fn size(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Within;
        impl Visitor<'_> for Within {
            type Value = Limit;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a whole number from 1 to 200")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Limit, E> {
                u8::try_from(number)
                    .ok()
                    .filter(|number| (1..=200).contains(number))
                    .map(Limit)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
            }
        }
        deserializer.deserialize_i64(Within)
    }
}

impl utoipa::PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(200))
            .default(Some(50.into()))
            .into()
    }
}

impl utoipa::ToSchema for Limit {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PageLimit")
    }
}

/// A cursor as the client sent it back.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl utoipa::PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "`next_cursor` of the page before, with the same filters.",
            ))
            .into()
    }
}

impl utoipa::ToSchema for Cursor {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PageCursor")
    }
}

/// Signs cursors. All processes of a service share its key.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

const TAG_LENGTH: usize = 16;
const FILTERS_LENGTH: usize = 8;

impl Signer {
    /// A signer with this key of 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new(&block))
    }

    /// The cursor after the item with this sort key, for a list with these filters.
    ///
    /// # Errors
    /// `internal` if the key or the filters cannot be written as JSON.
    pub fn seal(&self, filters: &impl Serialize, key: &impl Serialize) -> Result<String, Problem> {
        let mut payload = fingerprint(filters)?.to_vec();
        serde_json::to_writer(&mut payload, key).map_err(|error| unwritable(&error))?;
        let mut sealed = self.tag(&payload).to_vec();
        sealed.extend(payload);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The sort key inside a cursor.
    ///
    /// # Errors
    /// `validation_failed` at `query/cursor` if this server did not make it for these filters.
    pub fn open<K: DeserializeOwned>(
        &self,
        cursor: &Cursor,
        filters: &impl Serialize,
    ) -> Result<K, Problem> {
        let foreign = || refusal("This is no cursor of this list. Start again without one.");
        let sealed = URL_SAFE_NO_PAD.decode(&cursor.0).map_err(|_| foreign())?;
        let (tag, payload) = sealed.split_at_checked(TAG_LENGTH).ok_or_else(foreign)?;
        let mut mac = self.0.clone();
        mac.update(payload);
        mac.verify_truncated_left(tag).map_err(|_| foreign())?;
        let (made_for, key) = payload
            .split_at_checked(FILTERS_LENGTH)
            .ok_or_else(foreign)?;
        if made_for != fingerprint(filters)? {
            return Err(refusal(
                "The cursor belongs to other filters. Repeat the filters of the first page, or start again without a cursor.",
            ));
        }
        serde_json::from_slice(key).map_err(|_| foreign())
    }

    /// [`Signer::open`] for a cursor that may be absent.
    ///
    /// # Errors
    /// As [`Signer::open`].
    pub fn open_optional<K: DeserializeOwned>(
        &self,
        cursor: Option<&Cursor>,
        filters: &impl Serialize,
    ) -> Result<Option<K>, Problem> {
        cursor.map(|cursor| self.open(cursor, filters)).transpose()
    }

    fn tag(&self, payload: &[u8]) -> [u8; TAG_LENGTH] {
        let mut mac = self.0.clone();
        mac.update(payload);
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; TAG_LENGTH];
        for (to, from) in tag.iter_mut().zip(whole) {
            *to = from;
        }
        tag
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Signer")
    }
}

fn fingerprint(filters: &impl Serialize) -> Result<[u8; FILTERS_LENGTH], Problem> {
    let written = serde_json::to_vec(filters).map_err(|error| unwritable(&error))?;
    let mut fingerprint = [0; FILTERS_LENGTH];
    for (to, from) in fingerprint.iter_mut().zip(Sha256::digest(written)) {
        *to = from;
    }
    Ok(fingerprint)
}

fn unwritable(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "a cursor could not be written");
    Problem::new(Code::Internal)
}

fn refusal(detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new("query/cursor", "not_allowed", detail)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn opened(
        signer: &Signer,
        cursor: &str,
        filters: &serde_json::Value,
    ) -> Result<(i64, String), Problem> {
        signer.open(&Cursor(cursor.to_owned()), filters)
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let signer = Signer::new(&[7; 32]);
        let filters = json!({"status": "open"});
        let cursor = signer.seal(&filters, &(42, "x")).unwrap();
        assert_eq!(
            opened(&signer, &cursor, &filters).unwrap(),
            (42, "x".to_owned())
        );
    }

    #[test]
    fn a_cursor_of_other_filters_or_another_server_is_refused() {
        let signer = Signer::new(&[7; 32]);
        let filters = json!({"status": "open"});
        let cursor = signer.seal(&filters, &(42, "x")).unwrap();
        let others = opened(&signer, &cursor, &json!({})).unwrap_err();
        assert_eq!(others.errors[0].pointer, "query/cursor");
        assert!(opened(&Signer::new(&[8; 32]), &cursor, &filters).is_err());
    }

    #[test]
    fn no_changed_byte_passes() {
        let signer = Signer::new(&[7; 32]);
        let filters = json!({});
        let cursor = signer.seal(&filters, &(42, "x")).unwrap();
        let raw = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        for at in 0..raw.len() {
            let mut changed = raw.clone();
            changed[at] ^= 1;
            assert!(opened(&signer, &URL_SAFE_NO_PAD.encode(changed), &filters).is_err());
        }
        for foreign in ["", "x", "AAAA", "鼠", &cursor[1..]] {
            assert!(opened(&signer, foreign, &filters).is_err());
        }
    }

    #[test]
    fn a_page_names_the_next_only_if_there_is_one() {
        let signer = Signer::new(&[7; 32]);
        let page = |rows: Vec<i64>| {
            Page::of(rows, Limit(2), &signer, &json!({}), |row| *row, |row| row).unwrap()
        };
        let full = page(vec![1, 2, 3]);
        assert_eq!(full.items, [1, 2]);
        let key: i64 = signer
            .open(&Cursor(full.next_cursor.unwrap()), &json!({}))
            .unwrap();
        assert_eq!(key, 2);
        assert!(page(vec![1, 2]).next_cursor.is_none());
        assert!(page(vec![]).next_cursor.is_none());
    }
}
