//! The types of columns, as the vendor's restriction types name them; a column's type says which operators it takes.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Decimal,
    Text,
    /// The name of a record, by which its key can be meant too.
    TextOrKey,
    Flag,
    /// An associate by short name; compared by id.
    Associate,
    /// The id of an associate: of type `associate`, yet a number in the vendor's samples.
    AssociateId,
    /// An item of the named list.
    List(&'static str),
    /// An item of a list of the tenant's own.
    OwnList(i64),
    /// Only the day counts.
    Day,
    /// The time counts too.
    Time,
}

impl Kind {
    /// The vendor's word for it.
    pub(super) fn restriction(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Decimal => "decimal",
            Self::Text => "string",
            Self::TextOrKey => "stringorPK",
            Self::Flag => "bool",
            Self::Associate | Self::AssociateId => "associate",
            Self::List("usergroup") => "userGroup",
            Self::List(_) | Self::OwnList(_) => "listAny",
            Self::Day => "date",
            Self::Time => "datetime",
        }
    }

    /// The list that its values are items of; nothing for other types.
    pub(super) fn list(self) -> String {
        match self {
            Self::List(name) => name.to_owned(),
            Self::OwnList(id) => format!("udlist{id}"),
            Self::Associate | Self::AssociateId => "associate".to_owned(),
            _ => String::new(),
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::TextOrKey)
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Decimal | Self::AssociateId)
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::List(_) | Self::OwnList(_))
    }

    pub(super) fn is_date(self) -> bool {
        matches!(self, Self::Day | Self::Time)
    }
}
