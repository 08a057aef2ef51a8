//! User-defined fields: what a tenant has, and how their values are written.
//!
//! A value is kept in its own type and written in either of the two encodings that SuperOffice serves side by
//! side, `UserDefinedFields` and `CustomFields` (docs.superoffice.com, "Encoded values").

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::lists::Lists;

/// The two entities whose user-defined fields the emulator keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// A company.
    Contact,
    /// A human at a company.
    Person,
}

impl Entity {
    /// The word that webhooks and the control routes use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Person => "person",
        }
    }

    /// The name in paths and definitions.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Contact => "Contact",
            Self::Person => "Person",
        }
    }

    /// Reads either spelling, in any case.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "contact" => Some(Self::Contact),
            "person" => Some(Self::Person),
            _ => None,
        }
    }
}

/// The kind of a user-defined field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// At most 39 characters.
    ShortText,
    /// At most 199 characters.
    LongText,
    /// A whole number.
    Number,
    /// A number with a fraction.
    Decimal,
    /// A day.
    Date,
    /// Yes or no.
    Checkbox,
    /// An item of a list.
    List,
}

impl FieldType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ShortText => "ShortText",
            Self::LongText => "LongText",
            Self::Number => "Number",
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::Checkbox => "Checkbox",
            Self::List => "List",
        }
    }

    /// By name, in any case. `UnlimitedDate` is kept as a date.
    pub(crate) fn named(word: &str) -> Option<Self> {
        let found = match word.to_ascii_lowercase().as_str() {
            "shorttext" => Self::ShortText,
            "longtext" => Self::LongText,
            "number" => Self::Number,
            "decimal" => Self::Decimal,
            "date" | "unlimiteddate" => Self::Date,
            "checkbox" => Self::Checkbox,
            "list" => Self::List,
            _ => return None,
        };
        Some(found)
    }

    /// The longest text that a field of this kind can be given.
    pub(crate) fn longest(self) -> usize {
        match self {
            Self::ShortText => 39,
            Self::LongText => 199,
            _ => 0,
        }
    }

    /// The length that `FieldProperties` reports; for texts it is the configured one.
    fn length(self, text_length: usize) -> usize {
        match self {
            Self::ShortText | Self::LongText => text_length,
            Self::Number => 10,
            Self::Decimal => 14,
            Self::Date => 12,
            Self::Checkbox => 2,
            Self::List => 15,
        }
    }
}

/// A user-defined field of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdfField {
    /// The entity it belongs to.
    pub owner: Entity,
    /// Stable number; the default prog-id is made of it.
    pub identity: i64,
    /// A prog-id of the tenant's own; empty for the default one.
    pub own_prog_id: String,
    /// What people see.
    pub label: String,
    /// Kind of value.
    pub kind: FieldType,
    /// Longest text it takes.
    pub text_length: usize,
    /// The user-defined list behind a [`FieldType::List`].
    pub list: Option<i64>,
    /// Whether a write is refused.
    pub read_only: bool,
}

impl UdfField {
    /// The key in the dictionaries, such as `SuperOffice:4`.
    pub fn prog_id(&self) -> String {
        if !self.own_prog_id.is_empty() {
            return self.own_prog_id.clone();
        }
        format!("SuperOffice:{}", self.identity)
    }

    /// The definition as `UdefLayout` answers it.
    pub(crate) fn definition(&self, generation: i64, published: bool) -> Value {
        json!({
            "UDefFieldId": generation * 1000 + self.identity, "ColumnId": 8900 + self.identity,
            "FieldDefault": "", "FieldHeight": 0, "FieldLabel": self.label, "FieldLeft": 0, "FieldTop": 0,
            "FieldWidth": 0, "FieldType": self.kind.name(), "FormatMask": "", "HasBeenPublished": published,
            "HideLabel": false, "IsIndexed": false, "IsMandatory": false, "IsReadOnly": self.read_only,
            "Justification": "Left", "LabelHeight": 0, "LabelLeft": 0, "LabelTop": 0, "LabelWidth": 0,
            "LastVersionId": 0, "ListTableId": if self.list.is_some() { 136 } else { 0 },
            "MdoListName": self.list.filter(|_| published).map(|id| format!("udlist{id}")), "Page1LineNo": 0, "ProgId": self.prog_id(),
            "ShortLabel": self.label, "TabOrder": self.identity, "TemplateVariableName": "",
            "TextLength": self.text_length, "Tooltip": "", "Type": self.owner.title(),
            "UDListDefinitionId": self.list.unwrap_or(0), "UdefIdentity": self.identity, "Version": generation,
            "TableRight": null, "FieldProperties": {},
        })
    }

    /// The entry in an entity's `FieldProperties`.
    pub(crate) fn right(&self) -> Value {
        let mask = if self.read_only { "ReadOnly" } else { "Update" };
        json!({"FieldRight": {"Mask": mask, "Reason": ""}, "FieldType": self.kind.name(),
               "FieldLength": self.kind.length(self.text_length)})
    }

    /// The value of a field that nobody filled in.
    pub(crate) fn empty(&self) -> UdfValue {
        match self.kind {
            FieldType::ShortText | FieldType::LongText => UdfValue::Text(String::new()),
            FieldType::Number | FieldType::Checkbox | FieldType::List => UdfValue::Int(0),
            FieldType::Decimal => UdfValue::Real(0.0),
            FieldType::Date => UdfValue::Day(None),
        }
    }

    /// Reads a value as a client may send it: encoded (`[I:5]`, `[D:2026.08.27]`) or bare.
    ///
    /// Returns what is wrong with it, in words, when the field cannot hold it.
    pub(crate) fn read(&self, sent: &Value, lists: &Lists) -> Result<UdfValue, String> {
        let text = crate::json::text(sent);
        let inner = unwrap(&text);
        let bad =
            || format!("the value '{text}' does not fit the field {} ({})", self.prog_id(), self.kind.name());
        match self.kind {
            FieldType::ShortText | FieldType::LongText => Ok(UdfValue::Text(text)),
            _ if inner.is_empty() => Ok(self.empty()),
            FieldType::Number => inner.parse().map(UdfValue::Int).map_err(|_| bad()),
            FieldType::Decimal => inner.parse().map(UdfValue::Real).map_err(|_| bad()),
            FieldType::Date => read_date(inner).ok_or_else(bad),
            FieldType::Checkbox => {
                crate::json::flag(&Value::from(inner)).map(|on| UdfValue::Int(i64::from(on))).ok_or_else(bad)
            }
            FieldType::List => {
                let id: i64 = inner.parse().map_err(|_| bad())?;
                let known = id == 0 || self.items(lists).iter().any(|item| item.id == id);
                if known { Ok(UdfValue::Int(id)) } else { Err(bad()) }
            }
        }
    }

    /// Reads what a person would type in the window: list items by name, yes or no, plain days.
    pub(crate) fn read_typed(&self, typed: &Value, lists: &Lists) -> Result<UdfValue, String> {
        if self.kind == FieldType::List
            && let Value::String(name) = typed
        {
            let item = self.items(lists).iter().find(|item| item.name.eq_ignore_ascii_case(name));
            if let Some(item) = item {
                return Ok(UdfValue::Int(item.id));
            }
        }
        self.read(typed, lists)
    }

    /// What a person would see in the window.
    pub(crate) fn shown(&self, value: &UdfValue, lists: &Lists) -> String {
        match (self.kind, value) {
            (FieldType::List, UdfValue::Int(id)) => self.item_name(*id, lists),
            (FieldType::Checkbox, UdfValue::Int(on)) => if *on == 0 { "no" } else { "yes" }.to_owned(),
            (_, UdfValue::Int(0) | UdfValue::Day(None)) => String::new(),
            (_, UdfValue::Int(number)) => number.to_string(),
            (_, UdfValue::Real(number)) => number.to_string(),
            (_, UdfValue::Day(Some(day))) => day.to_string(),
            (_, UdfValue::Text(text)) => text.clone(),
        }
    }

    /// Writes the value into the older dictionary, with its display twins.
    pub(crate) fn write_user_defined(&self, value: &UdfValue, lists: &Lists, into: &mut Map<String, Value>) {
        let key = self.prog_id();
        let encoded = match (self.kind, value) {
            (FieldType::Checkbox, UdfValue::Int(on)) => if *on == 0 { "False" } else { "True" }.to_owned(),
            (_, UdfValue::Day(day)) => format!("[D:{}]", long_date(*day)),
            (_, other) => other.encoded(),
        };
        into.insert(key.clone(), encoded.into());
        self.write_display(&key, value, lists, into);
    }

    /// Writes the value into the newer dictionary, with its `:org` and display twins.
    pub(crate) fn write_custom(&self, value: &UdfValue, lists: &Lists, into: &mut Map<String, Value>) {
        let key = self.prog_id();
        let encoded = match value {
            UdfValue::Day(day) => format!("[DT:{}]", long_date(*day)),
            other => other.encoded(),
        };
        into.insert(format!("{key}:org"), encoded.clone().into());
        into.insert(key.clone(), encoded.into());
        self.write_display(&key, value, lists, into);
    }

    fn write_display(&self, key: &str, value: &UdfValue, lists: &Lists, into: &mut Map<String, Value>) {
        let UdfValue::Int(number) = value else { return };
        if self.kind == FieldType::Checkbox {
            let shown = if *number == 0 { "[SR_NO]" } else { "[SR_YES]" };
            into.insert(format!("{key}:DisplayText"), shown.into());
        }
        if self.kind == FieldType::List {
            into.insert(format!("{key}:DisplayText"), self.item_name(*number, lists).into());
            into.insert(format!("{key}:DisplayTooltip"), "".into());
        }
    }

    fn items<'a>(&self, lists: &'a Lists) -> &'a [super::lists::ListItem] {
        self.list.map_or(&[], |id| lists.items(&format!("udlist{id}")))
    }

    fn item_name(&self, id: i64, lists: &Lists) -> String {
        self.items(lists).iter().find(|item| item.id == id).map(|item| item.name.clone()).unwrap_or_default()
    }
}

/// The value of one user-defined field. Check boxes and list items are numbers, as in the database.
#[derive(Debug, Clone, PartialEq)]
pub enum UdfValue {
    /// A short or long text.
    Text(String),
    /// A number, a list item's id, or 1 for a ticked box.
    Int(i64),
    /// A number with a fraction.
    Real(f64),
    /// A day, or none.
    Day(Option<Date>),
}

impl UdfValue {
    fn encoded(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => format!("[I:{number}]"),
            Self::Real(number) => format!("[F:{number}]"),
            Self::Day(day) => format!("[D:{}]", long_date(*day)),
        }
    }
}

/// `[I:5]` → `5`; anything else as it is.
fn unwrap(text: &str) -> &str {
    let inner =
        text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(|rest| rest.split_once(':'));
    match inner {
        Some(("I" | "F" | "D" | "DT" | "B" | "M", value)) => value.trim(),
        _ => text.trim(),
    }
}

fn long_date(day: Option<Date>) -> String {
    day.map_or_else(
        || "01/01/0001 00:00:00.0000000".to_owned(),
        |day| format!("{} 00:00:00.0000000", day.strftime("%m/%d/%Y")),
    )
}

/// Reads `2026.08.27`, `2026-08-27` and `08/27/2026 00:00:00.0000000`. Year 1 is "no date".
fn read_date(text: &str) -> Option<UdfValue> {
    let day = text.split([' ', 'T']).next()?;
    let date = if day.contains('/') {
        let mut parts = day.split('/');
        let (month, date, year) = (parts.next()?, parts.next()?, parts.next()?);
        Date::new(year.parse().ok()?, month.parse().ok()?, date.parse().ok()?).ok()?
    } else {
        crate::clock::read_day(day)?
    };
    Some(UdfValue::Day((date.year() > 1).then_some(date)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldType) -> UdfField {
        UdfField {
            owner: Entity::Contact,
            identity: 4,
            own_prog_id: String::new(),
            label: "Field".to_owned(),
            kind,
            text_length: 39,
            list: None,
            read_only: false,
        }
    }

    fn both(kind: FieldType, sent: &str) -> (String, String) {
        let (field, lists) = (field(kind), Lists::default());
        let value = field.read(&json!(sent), &lists).unwrap();
        let (mut old, mut new) = (Map::new(), Map::new());
        field.write_user_defined(&value, &lists, &mut old);
        field.write_custom(&value, &lists, &mut new);
        (crate::json::text(&old["SuperOffice:4"]), crate::json::text(&new["SuperOffice:4"]))
    }

    #[test]
    fn the_two_dictionaries_differ_for_check_boxes_and_dates() {
        assert_eq!(both(FieldType::Checkbox, "True"), ("True".to_owned(), "[I:1]".to_owned()));
        let (old, new) = both(FieldType::Date, "[D:2026.08.27]");
        assert_eq!(old, "[D:08/27/2026 00:00:00.0000000]");
        assert_eq!(new, "[DT:08/27/2026 00:00:00.0000000]");
        assert_eq!(both(FieldType::Number, "42"), ("[I:42]".to_owned(), "[I:42]".to_owned()));
    }

    #[test]
    fn what_is_served_can_be_sent_back() {
        for (kind, sent) in [
            (FieldType::Date, "[D:2026.08.27]"),
            (FieldType::Checkbox, "[I:1]"),
            (FieldType::Decimal, "4.43"),
        ] {
            let (old, new) = both(kind, sent);
            assert_eq!(both(kind, &old), both(kind, &new));
        }
    }

    #[test]
    fn nonsense_in_a_number_is_refused() {
        assert!(field(FieldType::Number).read(&json!("many"), &Lists::default()).is_err());
    }
}
