//! Reads JSON into a request type and names every wrong member at once.
//!
//! serde stops at the first mistake. This module records the mistake, repairs it in a copy (removes the
//! wrong member or fills in a missing one) and reads again, so that a client sees all mistakes in one
//! answer. Owns this repair. It must not know any request type or serde's messages: `serde_errors`
//! translates those.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, json};

use super::serde_errors::{Fault, Step, steps};
use super::validate::{Errors, Validate, push_segment};

/// Most repairs. A request with more mistakes gets only the first ones in the answer.
const MOST_ROUNDS: usize = 200;

/// Reads and validates a JSON body. If it returns `None`, `errors` says why.
pub fn read<T: DeserializeOwned + Validate>(mut value: Value, errors: &mut Errors) -> Option<T> {
    refuse_nul(&value, "", errors);
    let mut mends: Vec<Mend> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        if errors.is_full() {
            return None;
        }
        let error = match serde_path_to_error::deserialize::<_, T>(Strict(&value)) {
            Ok(parsed) => return judge(parsed, &mends, errors),
            Err(error) => error,
        };
        let fault = Fault::new(&steps(error.path()), &error.inner().to_string());
        let pointer = fault.pointer();
        let filled = mends
            .iter_mut()
            .filter(|mend| mend.filled.is_some() && within(&pointer, &mend.pointer))
            .max_by_key(|mend| mend.pointer.len());
        if let Some(mend) = filled {
            if fault.missing && mend.filled == Some(EMPTY_OBJECT) && mend.pointer != pointer {
                // The filled-in value is an object with its own required members: fill them, without an error.
                let mut inner = Mend {
                    path: fault.path,
                    pointer,
                    filled: None,
                    unknown: false,
                };
                if !inner.fill_next(&mut value) {
                    return None;
                }
                mends.push(inner);
            } else if !mend.fill_next(&mut value) {
                return None;
            }
            continue;
        }
        let known = mends.iter_mut().find(|mend| mend.pointer == pointer);
        if let Some(mend) = known {
            // We removed it before, and it is required.
            if !mend.fill_next(&mut value) {
                return None;
            }
            continue;
        }
        // A value is missing only because it was wrong and we removed it: that is not another mistake.
        let follows = fault.code == "required"
            && mends
                .iter()
                .any(|mend| !mend.unknown && within(&mend.pointer, &pointer));
        if !follows {
            errors.add_at(&pointer, fault.code, fault.detail);
        }
        let mut mend = Mend {
            unknown: fault.code == "unknown_field",
            path: fault.path,
            pointer,
            filled: None,
        };
        let mended = if fault.missing || mend.is_element() {
            mend.fill_next(&mut value)
        } else {
            mend.take_out(&mut value)
        };
        if !mended {
            return None;
        }
        mends.push(mend);
    }
    None
}

/// Validates what was read. Leaves out errors that come only from the repair.
fn judge<T: Validate>(parsed: T, mends: &[Mend], errors: &mut Errors) -> Option<T> {
    let mut values = Errors::body();
    parsed.validate(&mut values);
    errors.extend(values.into_found().into_iter().filter(|error| {
        mends.is_empty()
            || (error.code != "required"
                && !mends.iter().any(|mend| {
                    within(&error.pointer, &mend.pointer)
                        || (mend.filled.is_some() && within(&mend.pointer, &error.pointer))
                }))
    }));
    errors.is_empty().then_some(parsed)
}

/// Whether `pointer` is `ancestor` or below it.
fn within(pointer: &str, ancestor: &str) -> bool {
    pointer
        .strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn refuse_nul(value: &Value, pointer: &str, errors: &mut Errors) {
    match value {
        Value::String(text) if text.contains('\0') => {
            errors.add_at(
                pointer,
                "not_allowed",
                "The character U+0000 is not allowed.",
            );
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                refuse_nul(item, &format!("{pointer}/{index}"), errors);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let mut pointer = pointer.to_owned();
                push_segment(&mut pointer, name);
                refuse_nul(member, &pointer, errors);
            }
        }
        _ => {}
    }
}

/// A repaired place.
struct Mend {
    path: Vec<Step>,
    pointer: String,
    /// How many fill-in values were tried. `None`: the member was removed.
    filled: Option<usize>,
    /// Whether the type does not know this member.
    unknown: bool,
}

impl Mend {
    fn is_element(&self) -> bool {
        matches!(self.path.last(), Some(Step::Element(_)))
    }

    /// Removes the member from its object.
    fn take_out(&mut self, document: &mut Value) -> bool {
        let Some((Step::Member(name), parents)) = self.path.split_last() else {
            return false;
        };
        find(document, parents)
            .and_then(Value::as_object_mut)
            .is_some_and(|object| object.remove(name).is_some())
    }

    /// Puts the next fill-in value in its place. The type may accept it.
    fn fill_next(&mut self, document: &mut Value) -> bool {
        let tried = self.filled.map_or(0, |tried| tried + 1);
        self.filled = Some(tried);
        let Some(filling) = filling(tried) else {
            return false;
        };
        let Some((last, parents)) = self.path.split_last() else {
            return false;
        };
        let Some(parent) = find(document, parents) else {
            return false;
        };
        match (last, parent) {
            (Step::Member(name), Value::Object(object)) => {
                object.insert(name.clone(), filling);
                true
            }
            (Step::Element(index), Value::Array(items)) => {
                items.get_mut(*index).map(|item| *item = filling).is_some()
            }
            _ => false,
        }
    }
}

/// The last fill-in value: an object, whose required members are then filled too.
const EMPTY_OBJECT: usize = 6;

/// Values to try one after another. Most types accept one of them.
fn filling(attempt: usize) -> Option<Value> {
    Some(match attempt {
        0 => json!("00000000-0000-0000-0000-000000000000"),
        1 => json!("2000-01-01T00:00:00Z"),
        2 => json!("2000-01-01"),
        3 => json!(1),
        4 => json!(false),
        5 => json!([]),
        EMPTY_OBJECT => Value::Object(Map::new()),
        _ => return None,
    })
}

fn find<'a>(document: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(document, |value, step| match step {
        Step::Member(name) => value.get_mut(name),
        Step::Element(index) => value.get_mut(*index),
    })
}

/// A JSON value that, unlike serde_json, does not accept a list as an object.
struct Strict<'de>(&'de Value);

impl<'de> IntoDeserializer<'de, serde_json::Error> for Strict<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// `12.0` is the whole number 12 (JSON Schema): some languages have only such numbers.
fn whole(number: &serde_json::Number) -> Option<i64> {
    /// Up to this value a double can hold every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|_| number.is_f64())?;
    (value.fract() == 0.0 && value.abs() <= EXACT)
        .then(|| format!("{value:.0}").parse().ok())
        .flatten()
}

macro_rules! whole_numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            match self.0.as_number().and_then(whole) {
                Some(whole) => visitor.visit_i64(whole),
                None => self.deserialize_any(visitor),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Strict<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(Strict)))
            }
            Value::Object(members) => visitor.visit_map(MapDeserializer::new(
                members
                    .iter()
                    .map(|(name, member)| (name.as_str(), Strict(member))),
            )),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(_) => Err(Self::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use uuid::Uuid;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Place {
        lat: f64,
        lon: f64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Photo {
        id: Uuid,
        size: Option<i64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Filing {
        grid_id: Uuid,
        description: Option<String>,
        location: Option<Place>,
        observed_at: Option<chrono::DateTime<chrono::Utc>>,
        count: Option<u8>,
        #[serde(default)]
        photos: Vec<Photo>,
    }

    impl Validate for Filing {
        fn validate(&self, errors: &mut Errors) {
            errors.text("description", &self.description, 5);
            if self.description.is_none() && self.location.is_none() {
                errors.add("", "required", "One of description and location.");
            }
            let ids = self.photos.iter().map(|photo| photo.id);
            if ids.clone().collect::<std::collections::HashSet<_>>().len() < ids.count() {
                errors.add("photos", "not_allowed", "Each once.");
            }
        }
    }

    fn found(body: Value) -> Vec<(String, String)> {
        let mut errors = Errors::body();
        assert!(read::<Filing>(body, &mut errors).is_none());
        let mut found: Vec<_> = errors
            .into_found()
            .into_iter()
            .map(|error| (error.pointer, error.code))
            .collect();
        found.sort();
        found
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned()))
            .collect()
    }

    const GRID: &str = "0192f7a0-0000-7000-8000-000000000001";

    #[test]
    fn a_right_one_is_read() {
        let mut errors = Errors::body();
        let filing = read::<Filing>(
            json!({"grid_id": GRID, "description": "烟", "photos": [{"id": GRID}]}),
            &mut errors,
        );
        assert_eq!(filing.unwrap().photos.len(), 1);
        assert!(errors.is_empty());
    }

    #[test]
    fn a_whole_number_may_have_a_point() {
        let read = |number: Value| {
            let body = json!({"grid_id": GRID, "description": "烟", "count": number});
            read::<Filing>(body, &mut Errors::body()).map(|filing| filing.count)
        };
        assert_eq!(read(json!(12.0)), Some(Some(12)));
        assert_eq!(read(json!(1e1)), Some(Some(10)));
        for wrong in [json!(12.5), json!(-1.0), json!(300.0), json!(1e300)] {
            assert_eq!(read(wrong), None);
        }
    }

    #[test]
    fn every_shape_error_is_named_with_the_value_errors() {
        assert_eq!(
            found(json!({
                "grid_id": 7, "description": "太长太长太长", "loc": {}, "observed_at": "yesterday",
                "location": {"lat": "26", "lan": 1}, "count": 300,
                "photos": [{"id": GRID, "size": "big"}, 5, {"id": "x"}, {}],
            })),
            pairs(&[
                ("/count", "out_of_range"),
                ("/description", "too_long"),
                ("/grid_id", "wrong_type"),
                ("/loc", "unknown_field"),
                ("/location/lan", "unknown_field"),
                ("/location/lat", "wrong_type"),
                ("/location/lon", "required"),
                ("/observed_at", "bad_format"),
                ("/photos/0/size", "wrong_type"),
                ("/photos/1", "wrong_type"),
                ("/photos/2/id", "bad_format"),
                ("/photos/3/id", "required"),
            ])
        );
    }

    #[test]
    fn mending_invents_no_error() {
        // Without the repaired location, "one of" would be a false error.
        assert_eq!(
            found(json!({"grid_id": GRID, "location": 5})),
            pairs(&[("/location", "wrong_type")])
        );
        assert_eq!(
            found(json!({"description": "烟"})),
            pairs(&[("/grid_id", "required")])
        );
        // The same value is filled in for both ids.
        assert_eq!(
            found(json!({"grid_id": GRID, "photos": [{}, {"id": "x"}]})),
            pairs(&[("/photos/0/id", "required"), ("/photos/1/id", "bad_format")])
        );
    }

    #[test]
    fn lists_and_scalars_are_no_objects() {
        for body in [json!([GRID]), json!("x"), json!(null), json!(1)] {
            assert_eq!(found(body), pairs(&[("", "wrong_type")]));
        }
        assert_eq!(
            found(json!({"grid_id": GRID, "location": [1.0, 2.0]})),
            pairs(&[("/location", "wrong_type")])
        );
    }

    #[test]
    fn nul_is_refused_where_it_stands() {
        assert_eq!(
            found(json!({"grid_id": GRID, "description": "a\u{0}b"})),
            pairs(&[("/description", "not_allowed")])
        );
    }
}
