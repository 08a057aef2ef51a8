//! Associates: the users of SuperOffice. There is no REST resource for them; they come as part of entities, from the
//! list `associate`, and from the Associate agent.

use http::Method;
use serde::{Deserialize, Serialize};

use super::text_enum::text_enum;
use super::{FieldProperties, Request, TableRight};
use crate::json::Record;

/// Reads several associates at once; the body is an array of ids.
pub const GET_LIST: &str = "v1/Agents/Associate/GetAssociateList";

/// The name of the list that has every associate.
pub const LIST: &str = "associate";

/// A request for the associates `ids`. The answer is an array of [`Associate`]. It reads, although agents are always
/// called with `POST`.
pub fn get_list(ids: &[i64]) -> Request {
    Request::to(Method::POST, GET_LIST).json(&ids).reading()
}

/// A user of SuperOffice, or of its API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Associate {
    /// The id; 0 is "nobody".
    pub associate_id: i64,
    /// The short name: initials or log-in name.
    pub name: String,
    /// The person that the associate is; 0 when there is none.
    pub person_id: i64,
    /// Order in lists.
    pub rank: i64,
    /// The tooltip.
    pub tooltip: String,
    /// What kind of user.
    #[serde(rename = "Type")]
    pub kind: AssociateType,
    /// The id of the primary group.
    pub group_idx: i64,
    /// The full name.
    pub full_name: String,
    /// The full name, formally.
    pub formal_name: String,
    /// Whether the user has left.
    pub deleted: bool,
    /// The id in Service.
    pub ej_user_id: i64,
    /// The name used to sign in; often null.
    pub user_name: Option<String>,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl Record for Associate {
    const KEY: &'static str = "AssociateId";
}

text_enum! {
    /// What kind of user an associate is.
    AssociateType {
        /// Not known.
        Unknown,
        /// An employee.
        InternalAssociate,
        /// A room or a thing.
        ResourceAssociate,
        /// A customer with access.
        ExternalAssociate,
        /// Nobody in particular.
        AnonymousAssociate,
        /// A program.
        SystemAssociate,
    }
}
