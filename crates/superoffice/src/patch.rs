//! JSON Patch (RFC 6902) as SuperOffice takes it: `test`, `replace`, `add`, `remove`. A path's case does not matter and
//! its leading slash is optional when read. User-defined fields are changed in the documented form, one `replace` of
//! `CustomFields` by a dictionary of just the fields that change, and guarded by a `test` for each of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::json;

/// The dictionary that user-defined fields are written to.
pub const CUSTOM_FIELDS: &str = "/CustomFields";

/// One step of a patch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Fails the whole patch (409) unless the value is this one.
    Test {
        /// Where.
        path: String,
        /// What has to be there.
        value: Value,
    },
    /// Puts a value in the place of another.
    Replace {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Adds a value; to a list with `/-`.
    Add {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Takes a value away.
    Remove {
        /// Where.
        path: String,
    },
}

impl Operation {
    /// The path, as it was written.
    pub fn path(&self) -> &str {
        match self {
            Self::Test { path, .. }
            | Self::Replace { path, .. }
            | Self::Add { path, .. }
            | Self::Remove { path } => path,
        }
    }

    /// The path's segments, unescaped; the leading slash is optional.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        path.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
    }
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        let text = |key| json::get(&object, key).and_then(Value::as_str).map(str::to_owned);
        let path = text("path").ok_or_else(|| D::Error::missing_field("path"))?;
        let value = json::get(&object, "value").cloned().unwrap_or_default();
        match text("op").unwrap_or_default().to_ascii_lowercase().as_str() {
            "test" => Ok(Self::Test { path, value }),
            "replace" => Ok(Self::Replace { path, value }),
            "add" => Ok(Self::Add { path, value }),
            "remove" => Ok(Self::Remove { path }),
            _ => Err(D::Error::custom("an operation other than test, replace, add and remove")),
        }
    }
}

/// A list of steps, done together or not at all.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patch(Vec<Operation>);

impl Patch {
    /// A patch without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only if `path` holds `value`.
    pub fn test(self, path: &str, value: impl Into<Value>) -> Self {
        self.then(Operation::Test { path: path.to_owned(), value: value.into() })
    }

    /// Puts `value` at `path`.
    pub fn replace(self, path: &str, value: impl Into<Value>) -> Self {
        self.then(Operation::Replace { path: path.to_owned(), value: value.into() })
    }

    /// Only if the user-defined field holds this encoded text, exactly as it was read.
    pub fn test_custom_field(self, prog_id: &str, raw: &str) -> Self {
        let path = format!("{CUSTOM_FIELDS}/{}", escape(prog_id));
        self.test(&path, raw)
    }

    /// Sets these user-defined fields to these encoded texts, and leaves the others alone.
    pub fn replace_custom_fields<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().map(|(prog_id, raw)| (prog_id.to_owned(), Value::from(raw)));
        self.replace(CUSTOM_FIELDS, Value::Object(fields.collect()))
    }

    /// Adds a step.
    pub fn then(mut self, operation: Operation) -> Self {
        self.0.push(operation);
        self
    }

    /// The steps, in their order.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A patch shows what it touches, not the values: they are the customer's data.
impl fmt::Debug for Patch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(Operation::path)).finish()
    }
}

/// Escapes one segment of a path.
pub fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_defined_fields_are_patched_in_the_documented_form() {
        let patch = Patch::new()
            .test_custom_field("SuperOffice:1", "")
            .test_custom_field("odd/prog~id", "[I:3]")
            .replace_custom_fields([("SuperOffice:1", "Energy"), ("odd/prog~id", "[I:4]")]);
        insta::assert_json_snapshot!(patch, @r#"
        [
          {
            "op": "test",
            "path": "/CustomFields/SuperOffice:1",
            "value": ""
          },
          {
            "op": "test",
            "path": "/CustomFields/odd~1prog~0id",
            "value": "[I:3]"
          },
          {
            "op": "replace",
            "path": "/CustomFields",
            "value": {
              "SuperOffice:1": "Energy",
              "odd/prog~id": "[I:4]"
            }
          }
        ]
        "#);
    }

    #[test]
    fn a_path_finds_its_way_back() {
        let patch = Patch::new().test_custom_field("a/b~1c", "x");
        assert_eq!(patch.operations()[0].segments(), ["CustomFields", "a/b~1c"]);
    }

    #[test]
    fn a_patch_is_read_as_the_samples_write_it() {
        let patch: Patch = serde_json::from_str(
            r#"[{"Op":"Replace","Path":"Category/Id","Value":3},{"op":"remove","path":"/Urls/0"}]"#,
        )
        .unwrap();
        assert_eq!(patch.operations()[0].segments(), ["Category", "Id"]);
        assert_eq!(patch.operations()[1], Operation::Remove { path: "/Urls/0".to_owned() });
        assert!(serde_json::from_str::<Patch>(r#"[{"op":"move","path":"/a","from":"/b"}]"#).is_err());
    }

    #[test]
    fn a_patch_does_not_show_what_it_writes() {
        let patch = Patch::new().replace("/Name", "Nordlys AS");
        assert_eq!(format!("{patch:?}"), r#"["/Name"]"#);
    }
}
