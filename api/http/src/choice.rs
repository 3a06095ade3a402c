//! One of a closed set of codes in a request.
//!
//! Reading accepts an unknown code; the check then names the field and every allowed value, together
//! with the other errors of the request. Owns the wire form of coded values in requests. It must not be
//! used in answers.

use std::borrow::Cow;
use std::marker::PhantomData;

use gridpatrol_domain::coded_value::{CodedValue, explained};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use super::validate::Errors;

/// A code as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    written: String,
    kind: PhantomData<T>,
}

impl<T: CodedValue> Choice<T> {
    /// The value, if the code is known.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        T::from_code(&self.written)
    }

    /// The value. An unknown code is an error that names the allowed codes.
    pub fn check(&self, segment: &str, errors: &mut Errors) -> Option<T> {
        let value = self.get();
        if value.is_none() {
            errors.add(
                segment,
                "not_allowed",
                format!("Give one of: {}.", allowed::<T>()),
            );
        }
        value
    }
}

impl<T: CodedValue> From<T> for Choice<T> {
    fn from(value: T) -> Self {
        Self {
            written: value.code().to_owned(),
            kind: PhantomData,
        }
    }
}

impl<T: CodedValue> serde::Serialize for Choice<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de, T> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            written: String::deserialize(deserializer)?,
            kind: PhantomData,
        })
    }
}

/// An optional code: absent is fine, unknown is an error.
pub trait OptionalChoice<T> {
    /// The value, if one is given and known.
    fn check(&self, segment: &str, errors: &mut Errors) -> Option<T>;
    /// The value, if one is given and known.
    fn get(&self) -> Option<T>;
}

impl<T: CodedValue> OptionalChoice<T> for Option<Choice<T>> {
    fn check(&self, segment: &str, errors: &mut Errors) -> Option<T> {
        self.as_ref()
            .and_then(|choice| choice.check(segment, errors))
    }

    fn get(&self) -> Option<T> {
        self.as_ref().and_then(Choice::get)
    }
}

/// Several codes: a list in JSON; in a query string repeated or separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices<T>(Vec<Choice<T>>);

// Not derived: T need not have a default.
impl<T> Default for Choices<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: CodedValue> Choices<T> {
    /// The known values, each once, in the order given. Empty where none was given: no restriction.
    #[must_use]
    pub fn get(&self) -> Vec<T> {
        let mut values = Vec::new();
        for value in self.0.iter().filter_map(Choice::get) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// As [`Choices::get`]; unknown codes are one error.
    pub fn check(&self, segment: &str, errors: &mut Errors) -> Vec<T> {
        if self.0.iter().any(|choice| choice.get().is_none()) {
            errors.add(
                segment,
                "not_allowed",
                format!("Give one or several of: {}.", allowed::<T>()),
            );
        }
        self.get()
    }
}

impl<'de, T> Deserialize<'de> for Choices<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Codes<T>(PhantomData<T>);
        impl<'de, T> Visitor<'de> for Codes<T> {
            type Value = Choices<T>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a list of codes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut codes = Vec::new();
                while let Some(code) = list.next_element()? {
                    codes.push(code);
                }
                Ok(Choices(codes))
            }
        }
        deserializer.deserialize_seq(Codes(PhantomData))
    }
}

fn allowed<T: CodedValue>() -> String {
    let slugs: Vec<_> = T::ALL.iter().map(|value| value.code()).collect();
    slugs.join(", ")
}

fn closed_set<T: CodedValue>() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(T::ALL.iter().map(|value| value.code())))
        .description(Some(explained::<T>()))
        .into()
}

impl<T: CodedValue> utoipa::__dev::ComposeSchema for Choice<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        closed_set::<T>().into()
    }
}

impl<T: CodedValue> utoipa::ToSchema for Choice<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Choice")
    }
}

impl<T: CodedValue> utoipa::__dev::ComposeSchema for Choices<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        Schema::Array(
            ArrayBuilder::new()
                .items(RefOr::T(closed_set::<T>()))
                .build(),
        )
        .into()
    }
}

impl<T: CodedValue> utoipa::ToSchema for Choices<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Choices")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridpatrol_domain::report::{Severity, Status};
    use serde_json::{Value, json};
    use utoipa::{IntoParams, OpenApi, ToSchema};

    use crate::page::{Cursor, Limit, Page};

    #[derive(ToSchema, serde::Deserialize)]
    #[allow(dead_code)]
    struct Filing {
        /// How bad it is.
        severity: Option<Choice<Severity>>,
        status: Choice<Status>,
    }

    #[derive(IntoParams, serde::Deserialize)]
    #[into_params(parameter_in = Query)]
    #[allow(dead_code)]
    struct Listing {
        /// Which ones.
        #[param(inline)]
        #[serde(default)]
        status: Choices<Status>,
        #[serde(default)]
        limit: Limit,
        cursor: Option<Cursor>,
    }

    #[derive(ToSchema, serde::Serialize)]
    #[allow(dead_code)]
    struct Shown {
        status: Status,
    }

    #[utoipa::path(post, path = "/x", params(Listing), request_body = Filing,
        responses((status = 200, body = Page<Shown>)))]
    #[allow(dead_code)]
    fn operation() {}

    #[derive(OpenApi)]
    #[openapi(paths(operation))]
    struct Document;

    #[test]
    fn requests_are_documented_closed_and_answers_open() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let schemas = &document["components"]["schemas"];
        let slugs: Vec<Value> = Status::ALL
            .iter()
            .map(|status| json!(status.code()))
            .collect();
        assert_eq!(schemas["Choice_ReportStatus"]["enum"], json!(slugs));
        assert_eq!(
            schemas["Filing"]["properties"]["status"]["$ref"],
            "#/components/schemas/Choice_ReportStatus"
        );
        assert_eq!(schemas["Filing"]["required"], json!(["status"]));
        assert!(schemas["ReportStatus"]["enum"].is_null());
        assert_eq!(schemas["ReportStatus"]["type"], "string");
        let page = &schemas["Page_Shown"];
        assert_eq!(page["required"], json!(["items"]));
        assert_eq!(
            page["properties"]["items"]["items"]["$ref"],
            "#/components/schemas/Shown"
        );
        let parameters = document["paths"]["/x"]["post"]["parameters"]
            .as_array()
            .unwrap();
        assert!(
            parameters
                .iter()
                .all(|parameter| parameter["required"] == false)
        );
    }

    #[test]
    fn an_unknown_code_is_answered_with_the_known_ones() {
        let choice: Choice<Status> = serde_json::from_value(json!("opened")).unwrap();
        let mut errors = Errors::body();
        assert!(choice.check("status", &mut errors).is_none());
        assert!(errors.found()[0].detail.contains("escalating"));
        assert_eq!(Choice::from(Status::Open).get(), Some(Status::Open));
    }
}
