//! Who the caller is.
//!
//! There is no `Associate` resource in the vendor's API description; when the API user has no person behind it,
//! callers in the field saw 500 there, and so they do here.

use serde_json::json;

use super::shared;
use crate::answer::Answer;
use crate::mishap::Kind;
use crate::world::State;

/// `GET User/currentPrincipal`
pub(super) fn principal(state: &State) -> Answer {
    let Some(user) = state.associate(state.api_user()) else {
        return Answer::problem(500, "SoServerException", "There is no API user");
    };
    let linked = !state.mishaps.on(Kind::NoPersonLink);
    Answer::ok(&json!({
        "UserType": "InternalAssociate", "Associate": user.short_name, "AssociateId": user.id, "IsPerson": linked,
        "PersonId": if linked { user.person_id() } else { 0 }, "CountryId": 276, "HomeCountryId": 276,
        "ContactId": 0, "GroupId": user.group_id, "BusinessId": 0, "CategoryId": 0, "ContactOwner": 0, "RoleId": 1,
        "RoleName": "User level 0", "RoleDescription": "", "RoleType": "Employee", "Licenses": [],
        "FullName": user.full_name, "EMailAddress": if linked { user.email() } else { String::new() },
        "FunctionRights": [], "EjUserId": 0, "EjAccessLevel": 0, "EjUserStatus": "StatusNormal",
        "ProvidedCredentials": [], "SecondaryGroups": [], "DatabaseContextIdentifier": state.context,
        "UserName": user.email(), "TableRight": null, "FieldProperties": {},
    }))
}

/// `GET User/currentAssociate`
pub(super) fn current_associate(state: &State) -> Answer {
    Answer::ok(&shared::associate(state, state.api_user()))
}

/// `GET Associate/{id}`: not part of the API.
pub(super) fn associate(state: &State) -> Result<Answer, Answer> {
    if state.mishaps.on(Kind::NoPersonLink) {
        return Err(Answer::problem(
            500,
            "NullReferenceException",
            "Object reference not set to an instance of an object.",
        ));
    }
    Err(Answer::json(404, &json!({"Message": "No HTTP resource was found that matches the request URI."})))
}
