//! Who we are: `User/currentPrincipal`. It answers online even where the rest of `/User` is closed, and even for an
//! API user without a person, so it is the place to learn one's own associate id.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use super::associate::AssociateType;
use crate::json::Record;

/// The signed-in user.
pub const CURRENT_PRINCIPAL: &str = "v1/User/currentPrincipal";

/// The signed-in user, as an associate.
pub const CURRENT_ASSOCIATE: &str = "v1/User/currentAssociate";

/// A request for the signed-in user as an associate. The answer is an [`super::associate::Associate`].
pub fn current_associate() -> Request {
    Request::to(Method::GET, CURRENT_ASSOCIATE)
}

/// A request for the signed-in user. The answer is a [`SoPrincipal`].
pub fn current_principal() -> Request {
    Request::to(Method::GET, CURRENT_PRINCIPAL)
}

/// The signed-in user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SoPrincipal {
    /// What kind of user.
    pub user_type: AssociateType,
    /// The short name.
    pub associate: String,
    /// The associate's id: the id that our own writes carry.
    pub associate_id: i64,
    /// Whether a person is linked.
    pub is_person: bool,
    /// The linked person; 0 when there is none, and then mailing has no sender.
    pub person_id: i64,
    /// Country of the person.
    pub country_id: i64,
    /// Country of the installation.
    pub home_country_id: i64,
    /// The contact of the person.
    pub contact_id: i64,
    /// The primary group.
    pub group_id: i64,
    /// Business of the contact.
    pub business_id: i64,
    /// Category of the contact.
    pub category_id: i64,
    /// Owner of the contact.
    pub contact_owner: i64,
    /// The role.
    pub role_id: i64,
    /// The role's name.
    pub role_name: String,
    /// What the role is for.
    pub role_description: String,
    /// `Employee`, `ExternalUser`, `Anonymous`, `System`.
    pub role_type: String,
    /// Modules that the tenant has bought.
    pub licenses: Vec<Value>,
    /// The full name.
    pub full_name: String,
    /// The e-mail address.
    pub e_mail_address: String,
    /// Functional rights, by name.
    pub function_rights: Vec<String>,
    /// The id in Service.
    pub ej_user_id: i64,
    /// Access in Service.
    pub ej_access_level: i64,
    /// State in Service.
    pub ej_user_status: String,
    /// How the user signed in.
    pub provided_credentials: Vec<Value>,
    /// Further groups.
    pub secondary_groups: Vec<i64>,
    /// The tenant: `Cust12345`.
    pub database_context_identifier: String,
    /// The name used to sign in.
    pub user_name: String,
}

impl Record for SoPrincipal {
    const KEY: &'static str = "AssociateId";
}
