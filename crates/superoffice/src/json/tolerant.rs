//! A serde deserializer that forgives. A derived type tells serde its field names and the kinds it wants; that is all
//! that is needed here to match keys without regard to case and to convert between text, numbers and null. Maps keep
//! their keys as they came, because the keys of user-defined fields are data.

use serde::de::value::MapDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Deserializes a JSON value into a derived type, tolerantly.
#[derive(Debug)]
pub struct Tolerant(pub Value);

impl Tolerant {
    fn wrong(&self, expected: &str) -> Error {
        let found = match &self.0 {
            Value::Bool(value) => Unexpected::Bool(*value),
            // The text itself is not repeated: messages must not carry the customer's data.
            Value::String(_) => Unexpected::Other("a text"),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
            Value::Number(_) => Unexpected::Other("a number"),
            Value::Null => Unexpected::Unit,
        };
        Error::invalid_type(found, &expected)
    }

    fn integer(&self) -> Option<i64> {
        match &self.0 {
            Value::Null => Some(0),
            Value::Bool(value) => Some(i64::from(*value)),
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) if text.trim().is_empty() => Some(0),
            Value::String(text) => text.trim().parse().ok(),
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match &self.0 {
            Value::Null => Some(0.0),
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.trim().is_empty() => Some(0.0),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn boolean(&self) -> Option<bool> {
        match &self.0 {
            Value::Null => Some(false),
            Value::Bool(value) => Some(*value),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" | "" => Some(false),
                _ => None,
            },
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn text(self) -> Result<String, Error> {
        match self.0 {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(value) => Ok(value.to_string()),
            Value::Array(_) | Value::Object(_) => Err(self.wrong("a text")),
        }
    }
}

/// `7.0` is an integer that took a detour; `7.5` is not one.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked: 2^53 is exact in both types")]
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// Brings an object's keys into the spelling of `fields`, and drops what no field claims.
///
/// Of several spellings of one key the exact one wins, so that an attacker or a proxy cannot shadow it.
fn known(object: Map<String, Value>, fields: &'static [&'static str]) -> Vec<(&'static str, Tolerant)> {
    let mut found: Vec<Option<(bool, Value)>> = fields.iter().map(|_| None).collect();
    for (key, value) in object {
        let Some(place) = fields.iter().position(|field| field.eq_ignore_ascii_case(&key)) else { continue };
        let exact = fields[place] == key;
        if exact || !matches!(found[place], Some((true, _))) {
            found[place] = Some((exact, value));
        }
    }
    let claimed = fields.iter().zip(found);
    claimed.filter_map(|(field, value)| value.map(|(_, value)| (*field, Tolerant(value)))).collect()
}

impl IntoDeserializer<'_, Error> for Tolerant {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|item| seed.deserialize(Tolerant(item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.integer() {
                Some(number) => visitor.visit_i64(number),
                None => Err(self.wrong("an integer")),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Tolerant {
    type Error = Error;

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.float() {
            Some(number) => visitor.visit_f64(number),
            None => Err(self.wrong("a number")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.boolean() {
            Some(value) => visitor.visit_bool(value),
            None => Err(self.wrong("a boolean")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Null => visitor.visit_seq(Items(Vec::new().into_iter())),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(self.wrong("an array"))
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(object) => visitor
                .visit_map(MapDeserializer::new(object.into_iter().map(|(key, value)| (key, Self(value))))),
            Value::Null => visitor.visit_map(MapDeserializer::new(std::iter::empty::<(String, Self)>())),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(self.wrong("an object"))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(object) => {
                visitor.visit_map(MapDeserializer::new(known(object, fields).into_iter()))
            }
            Value::Null => visitor.visit_map(MapDeserializer::new(std::iter::empty::<(&str, Self)>())),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(self.wrong("an object"))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}
