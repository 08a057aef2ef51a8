//! The operators: their words, how many values follow, and the types of columns that take them
//! (docs.superoffice.com, "Restriction types"; the list of operators in the vendor's API description).

use super::period::Period;
use crate::routes::archive::kind::Kind;
use crate::world::policy::Policy;

/// What an operator asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Between,
    OneOf,
    NotOneOf,
    Set,
    Is,
    IsNot,
    Begins,
    NotBegins,
    Contains,
    NotContains,
    Ends,
    Before,
    On,
    After,
    UpTo,
    AtTime,
    BeforeTime,
    AfterTime,
    BeforeToday,
    AfterToday,
    During(Period),
    CurrentAssociate,
}

/// How many values follow an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    None,
    One,
    /// In parentheses.
    List,
}

/// The types of columns that an operator is listed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Numbers and lists.
    Numbers,
    Texts,
    NumbersAndTexts,
    /// Numbers, lists and dates.
    Ordered,
    /// Numbers, lists, texts and days.
    Spans,
    FlagsAndNumbers,
    Associates,
    Lists,
    Days,
    Times,
}

impl For {
    pub(super) fn takes(self, kind: Kind) -> bool {
        // The vendor's sample `category gt 1` compares the ids of list items.
        let number = kind.is_number() || kind.is_list();
        match self {
            Self::Numbers => number,
            Self::Texts => kind.is_text(),
            Self::NumbersAndTexts => number || kind.is_text(),
            Self::Ordered => number || kind.is_date(),
            Self::Spans => number || kind.is_text() || kind == Kind::Day,
            Self::FlagsAndNumbers => kind == Kind::Flag || kind.is_number(),
            Self::Associates => matches!(kind, Kind::Associate | Kind::AssociateId),
            Self::Lists => kind.is_list(),
            Self::Days => kind == Kind::Day,
            Self::Times => kind == Kind::Time,
        }
    }
}

impl Operator {
    /// By word, in any case.
    pub(super) fn named(word: &str, policy: &Policy) -> Option<(Self, Values, For)> {
        use {For as F, Operator as O, Values as V};
        let word = word.to_ascii_lowercase();
        let found = match word.as_str() {
            "eq" | "=" => (O::Equal, V::One, F::NumbersAndTexts),
            "equals" => (O::Equal, V::One, F::Numbers),
            "ne" | "<>" | "unequals" => (O::Unequal, V::One, F::Numbers),
            "lt" | "<" | "less" => (O::Less, V::One, F::Numbers),
            "gt" | ">" | "greater" => (O::Greater, V::One, F::Numbers),
            "le" | "<=" if policy.ge_and_le => (O::AtMost, V::One, F::Ordered),
            "ge" | ">=" if policy.ge_and_le => (O::AtLeast, V::One, F::Ordered),
            "between" => (O::Between, V::List, F::Spans),
            "datebetween" => (O::Between, V::List, F::Days),
            "in" => (O::OneOf, V::List, F::NumbersAndTexts),
            "oneof" => (O::OneOf, V::List, F::Lists),
            "notoneof" => (O::NotOneOf, V::List, F::Lists),
            "associateisoneof" => (O::OneOf, V::List, F::Associates),
            "associateisnotoneof" => (O::NotOneOf, V::List, F::Associates),
            "currentassociate" => (O::CurrentAssociate, V::None, F::Associates),
            "set" => (O::Set, V::One, F::FlagsAndNumbers),
            "is" => (O::Is, V::One, F::Texts),
            "isnot" => (O::IsNot, V::One, F::Texts),
            "begins" => (O::Begins, V::One, F::Texts),
            "notbegins" => (O::NotBegins, V::One, F::Texts),
            "contains" => (O::Contains, V::One, F::Texts),
            "notcontains" => (O::NotContains, V::One, F::Texts),
            "before" => (O::Before, V::One, F::Days),
            "date" => (O::On, V::One, F::Days),
            "after" => (O::After, V::One, F::Days),
            "beforeorequal" => (O::UpTo, V::One, F::Days),
            "datetime" => (O::AtTime, V::One, F::Times),
            "beforetime" => (O::BeforeTime, V::One, F::Times),
            "aftertime" => (O::AfterTime, V::One, F::Times),
            "beforetoday" => (O::BeforeToday, V::None, F::Days),
            "aftertoday" => (O::AfterToday, V::None, F::Days),
            word => (O::During(Period::unary(word)?), V::None, F::Days),
        };
        Some(found)
    }

    /// The functions that ask something of a text.
    pub(super) fn of_function(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "startswith" => Some(Self::Begins),
            "endswith" => Some(Self::Ends),
            "substringof" => Some(Self::Contains),
            _ => None,
        }
    }
}
