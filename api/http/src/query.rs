//! Reads a query string into a request type and names every wrong parameter at once.
//!
//! Parameters are texts: numbers and booleans are parsed; lists repeat the parameter or use commas.
//! Unknown parameters are refused, so that a typo never silently drops a filter. Owns this reading. It
//! must not know any request type.

use std::collections::BTreeMap;

use actix_web::web;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::serde_errors::{Fault, Step, steps};
use super::validate::{Errors, Validate};
use gridpatrol_domain::error::Code;
use gridpatrol_problem::Problem;

/// The parameters as the client wrote them.
pub type Parameters = BTreeMap<String, Vec<String>>;

/// Splits a query string.
///
/// # Errors
/// `malformed_request` if it is not UTF-8 after percent-decoding.
pub fn parse(query: &str) -> Result<Parameters, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(|error| {
        Problem::new(Code::MalformedRequest)
            .detail(format!("The query string cannot be read: {error}."))
    })?;
    let mut parameters = Parameters::new();
    for (name, value) in pairs.into_inner() {
        parameters.entry(name).or_default().push(value);
    }
    Ok(parameters)
}

/// Reads and validates parameters. If it returns `None`, `errors` says why.
pub fn read<T: DeserializeOwned + Validate>(
    mut parameters: Parameters,
    errors: &mut Errors,
) -> Option<T> {
    let mut refused: Vec<String> = Vec::new();
    parameters.retain(|name, values| {
        let fine = !values.iter().any(|value| value.contains('\0')) && !name.contains('\0');
        if !fine {
            errors.add(name, "not_allowed", "The character U+0000 is not allowed.");
            refused.push(name.clone());
        }
        fine
    });
    loop {
        let document = MapDeserializer::new(
            parameters
                .iter()
                .map(|(name, values)| (name.as_str(), Parameter::Written(values))),
        );
        let error = match serde_path_to_error::deserialize::<_, T>(document) {
            Ok(parsed) => {
                parsed.validate(errors);
                return errors.is_empty().then_some(parsed);
            }
            Err(error) => error,
        };
        let fault = Fault::new(&steps(error.path()), &error.inner().to_string());
        let Some(Step::Member(name)) = fault.path.first().cloned() else {
            errors.add("", fault.code, fault.detail);
            return None;
        };
        if !refused.contains(&name) {
            errors.add(&name, fault.code, fault.detail);
        }
        if fault.missing || parameters.remove(&name).is_none() {
            return None;
        }
        refused.push(name);
    }
}

/// For operations without parameters: every parameter is unknown.
pub fn none(parameters: &Parameters, errors: &mut Errors) {
    for name in parameters.keys() {
        errors.add(
            name,
            "unknown_field",
            "This operation has no query parameters.",
        );
    }
}

#[derive(Clone, Copy)]
enum Parameter<'de> {
    /// All values of a parameter.
    Written(&'de [String]),
    /// One element of a list.
    Element(&'de str),
}

type Fails = serde::de::value::Error;

impl<'de> IntoDeserializer<'de, Fails> for Parameter<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Parameter<'de> {
    fn text(self) -> Result<&'de str, Fails> {
        match self {
            Self::Element(text) => Ok(text),
            Self::Written([text]) => Ok(text),
            Self::Written(_) => Err(Fails::custom("it is given more than once")),
        }
    }

    fn number<T: std::str::FromStr>(self, visitor: &impl serde::de::Expected) -> Result<T, Fails> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| Fails::invalid_type(Unexpected::Str(text), visitor))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            let number = self.number(&visitor)?;
            visitor.$visit(number)
        }
    )+};
}

impl<'de> Deserializer<'de> for Parameter<'de> {
    type Error = Fails;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    numbers! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i64 deserialize_i16 visit_i64 deserialize_i32 visit_i64
        deserialize_i64 visit_i64 deserialize_u8 visit_u64 deserialize_u16 visit_u64
        deserialize_u32 visit_u64 deserialize_u64 visit_u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let number: f64 = self.number(&visitor)?;
        if number.is_finite() {
            visitor.visit_f64(number)
        } else {
            Err(Fails::invalid_value(Unexpected::Float(number), &visitor))
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let written: Vec<&'de str> = match self {
            Self::Written(values) => values.iter().map(String::as_str).collect(),
            Self::Element(text) => vec![text],
        };
        visitor.visit_seq(SeqDeserializer::new(
            written
                .into_iter()
                .flat_map(|text| text.split(','))
                .map(Parameter::Element),
        ))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let text: serde::de::value::BorrowedStrDeserializer<'de, Fails> =
            serde::de::value::BorrowedStrDeserializer::new(self.text()?);
        text.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Limit;
    use serde::Deserialize;
    use uuid::Uuid;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Listing {
        #[serde(default)]
        limit: Limit,
        overdue: Option<bool>,
        grid: Option<Uuid>,
        #[serde(default)]
        bbox: Vec<f64>,
    }

    impl Validate for Listing {
        fn validate(&self, errors: &mut Errors) {
            if !self.bbox.is_empty() && self.bbox.len() != 4 {
                errors.add("bbox", "wrong_type", "Give four numbers.");
            }
        }
    }

    fn listing(query: &str) -> (Option<Listing>, Vec<(String, String)>) {
        let mut errors = Errors::query();
        let listing = read(parse(query).unwrap(), &mut errors);
        let mut found: Vec<_> = errors
            .into_found()
            .into_iter()
            .map(|error| (error.pointer, error.code))
            .collect();
        found.sort();
        (listing, found)
    }

    #[test]
    fn texts_become_values() {
        let (listing, _) = listing(
            "limit=7&overdue=true&bbox=1.5,2,3,4&grid=0192f7a0-0000-7000-8000-000000000001",
        );
        let listing = listing.unwrap();
        assert_eq!(listing.limit.get(), 7);
        assert_eq!(listing.overdue, Some(true));
        assert!(listing.grid.is_some());
        assert_eq!(listing.bbox, [1.5, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let (_, found) = listing("limit=500&overdue=yes&grid=x&bbox=1,a&typo=1&nul=%00");
        let expected = [
            ("query/bbox/1", "wrong_type"),
            ("query/grid", "bad_format"),
            ("query/limit", "out_of_range"),
            ("query/nul", "not_allowed"),
            ("query/overdue", "wrong_type"),
            ("query/typo", "unknown_field"),
        ];
        let found: Vec<_> = found
            .iter()
            .map(|(pointer, code)| (pointer.as_str(), code.as_str()))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(pointer, code)| {
                (
                    if pointer == "query/bbox/1" {
                        "query/bbox"
                    } else {
                        pointer
                    },
                    code,
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_value_that_is_repeated_is_refused() {
        let (_, found) = listing("limit=5&limit=6");
        assert_eq!(found, [("query/limit".to_owned(), "bad_format".to_owned())]);
        assert_eq!(listing("bbox=1,2&bbox=3,4").0.unwrap().bbox.len(), 4);
    }
}
