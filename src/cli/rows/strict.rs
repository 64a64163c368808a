//! A JSON line read strictly: a name that stands twice, or a list where an object belongs, is a fault and never a guess.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The only lists: those of lines.
const LIST: &str = "lines";

/// Reads an object.
pub(super) fn object(line: &str) -> Result<Value, String> {
    let Strict(value) = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if value.is_object() { lists(&value, "").map(|()| value) } else { Err("a line is not an object {…}".to_owned()) }
}

/// Looks whether lists stand where lists belong, and hold objects.
fn lists(value: &Value, name: &str) -> Result<(), String> {
    match value {
        Value::Object(object) => object.iter().try_for_each(|(name, value)| lists(value, name)),
        Value::Array(_) if name != LIST => Err(format!("{name:?} is a list")),
        Value::Array(list) => match list.iter().position(|entry| !entry.is_object()) {
            Some(at) => Err(format!("{name}[{at}] is not an object {{…}}")),
            None => list.iter().try_for_each(|entry| lists(entry, "")),
        },
        _ => Ok(()),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Err(E::custom("a number with a point is written as a text: \"12.50\""))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let Strict(value) = object.next_value()?;
            if values.contains_key(&name) {
                return Err(A::Error::custom(format!("{name:?} stands twice")));
            }
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_guessed() {
        assert!(object(r#"{"order":{"order_no":"1","lines":[{"number":"1"}]},"inventory":{"owner_registered":true}}"#).is_ok());
        for (bad, said) in [
            (r#"{"order":{"goods_value":"1","goods_value":"2"}}"#, "\"goods_value\" stands twice"),
            (r#"{"order":{"goods_\u0076alue":"1","goods_value":"2"}}"#, "\"goods_value\" stands twice"),
            (r#"{"order":{},"order":{}}"#, "\"order\" stands twice"),
            (r#"{"order":{"lines":[{"a":"1","a":"1"}]}}"#, "\"a\" stands twice"),
            (r#"[{"order_no":"1"}]"#, "not an object"),
            (r#"{"order":["1","E"]}"#, "\"order\" is a list"),
            (r#"{"order":{"lines":[["1"]]}}"#, "lines[0] is not an object"),
            (r#"{"order":{"goods_value":12.5}}"#, "written as a text"),
            ("null", "not an object"),
        ] {
            let told = object(bad).unwrap_err();
            assert!(told.contains(said), "{bad}: {told}");
        }
        assert!(object(&"[".repeat(100_000)).is_err(), "depth is bounded");
    }
}
