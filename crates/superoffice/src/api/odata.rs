//! Lists as rows: the envelope and the slim rows in it. Columns are camelCase and named as they were asked for, joins
//! included (`contactAssociate/associateDbId`); ids are numbers, list values are text, `PrimaryKey` is text.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::json::{self, Record};

/// One page of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Page {
    /// Address of a description of the columns.
    #[serde(rename = "odata.metadata")]
    pub metadata: String,
    /// Address of the next page. Recorded answers have null or nothing here, so do not rely on it.
    #[serde(rename = "odata.nextLink")]
    pub next_link: Option<String>,
    /// The rows.
    #[serde(rename = "value")]
    pub rows: Vec<Row>,
}

impl Record for Page {
    const KEY: &'static str = "value";
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The id of the record. Text in slim answers, a number in full ones.
    pub primary_key: i64,
    /// What the record is: `contact`, `person`.
    pub entity_name: String,
    /// The columns that were asked for.
    pub columns: BTreeMap<String, Value>,
}

impl Row {
    /// A column as it came: as written, else without regard to case. Null is nothing.
    pub fn column(&self, name: &str) -> Option<&Value> {
        let found = self.columns.get(name).or_else(|| {
            let mut others = self.columns.iter();
            others.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    /// A column as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.column(name)?.as_str()
    }

    /// A column as a whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        json::tolerant(self.column(name)?.clone()).ok()
    }

    /// A column as yes or no.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        json::tolerant(self.column(name)?.clone()).ok()
    }

    /// A column as a date; "no date" is nothing.
    pub fn date(&self, name: &str) -> Option<Timestamp> {
        json::date::parse(self.text(name)?).ok().flatten()
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len() + 2))?;
        map.serialize_entry("PrimaryKey", &self.primary_key.to_string())?;
        map.serialize_entry("EntityName", &self.entity_name)?;
        for (name, value) in &self.columns {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let columns = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let (known, columns): (BTreeMap<_, _>, BTreeMap<_, _>) =
            columns.into_iter().partition(|(name, _)| {
                ["PrimaryKey", "EntityName"].iter().any(|key| key.eq_ignore_ascii_case(name))
            });
        let known: serde_json::Map<String, Value> = known.into_iter().collect();

        let key = json::get(&known, "PrimaryKey").filter(|key| !key.is_null());
        let key = key.ok_or_else(|| D::Error::missing_field("PrimaryKey"))?;
        let primary_key =
            json::tolerant(key.clone()).map_err(|_| D::Error::custom("a PrimaryKey that is no number"))?;
        let entity_name =
            json::get(&known, "EntityName").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { primary_key, entity_name, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_any_next_link() {
        let page = |link: &str| {
            json::record::<Page>(format!(r#"{{"odata.metadata":"m",{link}"value":[]}}"#).as_bytes()).unwrap()
        };
        assert_eq!(page("").next_link, None);
        assert_eq!(page(r#""odata.nextLink":null,"#).next_link, None);
        assert_eq!(page(r#""odata.nextLink":"https://x/","#).next_link.as_deref(), Some("https://x/"));
        assert!(json::record::<Page>(br#"{"Error":true}"#).is_err());
    }

    #[test]
    fn a_primary_key_is_text_or_number() {
        for key in [r#""7""#, "7"] {
            let body =
                format!(r#"{{"value":[{{"PrimaryKey":{key},"EntityName":"contact","contactId":7}}]}}"#);
            let page: Page = json::record(body.as_bytes()).unwrap();
            assert_eq!((page.rows[0].primary_key, page.rows[0].integer("contactid")), (7, Some(7)));
        }
        assert!(json::record::<Page>(br#"{"value":[{"EntityName":"contact"}]}"#).is_err());
    }
}
