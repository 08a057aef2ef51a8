//! One row for each column: name, type, and whether it can be filtered and ordered by.

use super::super::kind::Kind;
use super::Spec;

const fn column(name: &'static str, kind: Kind) -> Spec {
    Spec { name, kind, restrict: true, order: true }
}

/// A column that is for filters alone.
const fn restriction(name: &'static str, kind: Kind) -> Spec {
    Spec { name, kind, restrict: true, order: false }
}

/// A column that no filter may use.
const fn shown(name: &'static str, kind: Kind) -> Spec {
    Spec { name, kind, restrict: false, order: true }
}

/// What every list has.
pub(super) const SPECIAL: &[Spec] =
    &[restriction("getAllRows", Kind::Flag), restriction("getNoRows", Kind::Flag)];

/// What a free text search has besides.
pub(super) const WORDS: &[Spec] = &[restriction("searchwords", Kind::Text)];

pub(super) const CONTACT: &[Spec] = &[
    column("contactId", Kind::Int),
    column("name", Kind::TextOrKey),
    column("department", Kind::Text),
    shown("nameDepartment", Kind::Text),
    column("hasInfoText", Kind::Flag),
    column("hasInterests", Kind::Flag),
    column("associateId", Kind::Associate),
    column("category", Kind::List("category")),
    column("business", Kind::List("business")),
    column("country", Kind::List("country")),
    column("countryId", Kind::Int),
    column("number", Kind::Text),
    column("code", Kind::Text),
    column("orgnr", Kind::Text),
    column("stop", Kind::Flag),
    column("contactNoMail", Kind::Flag),
    column("updatedBy", Kind::Associate),
    column("updatedByFullName", Kind::Associate),
    column("updatedDate", Kind::Day),
    column("registeredBy", Kind::Associate),
    column("registeredByFullName", Kind::Associate),
    column("registeredDate", Kind::Day),
    column("contactDeleted", Kind::Flag),
    restriction("deletedDate", Kind::Time),
    restriction("phone/formattedNumber", Kind::Text),
    restriction("contactPhone/formattedNumber", Kind::Text),
    restriction("contactFax/formattedNumber", Kind::Text),
    column("email/emailAddress", Kind::Text),
    column("email/emailDescription", Kind::Text),
    column("url/URLAddress", Kind::Text),
    column("url/URLDescription", Kind::Text),
    column("postAddress/line1", Kind::Text),
    column("postAddress/line2", Kind::Text),
    column("postAddress/line3", Kind::Text),
    column("postAddress/county", Kind::Text),
    column("postAddress/city", Kind::Text),
    column("postAddress/zip", Kind::Text),
    column("postAddress/state", Kind::Text),
    column("streetAddress/line1", Kind::Text),
    column("streetAddress/line2", Kind::Text),
    column("streetAddress/line3", Kind::Text),
    column("streetAddress/county", Kind::Text),
    column("streetAddress/city", Kind::Text),
    column("streetAddress/zip", Kind::Text),
    column("streetAddress/state", Kind::Text),
    column("contactAssociate/firstName", Kind::Text),
    column("contactAssociate/lastName", Kind::Text),
    column("contactAssociate/fullName", Kind::Text),
    restriction("contactAssociate/personId", Kind::Int),
    column("contactAssociate/associateDbId", Kind::AssociateId),
    column("contactAssociate/usergroup", Kind::List("usergroup")),
    column("contactAssociate/assocName", Kind::Associate),
    column("contactAssociate/personEmail", Kind::Text),
];

/// The columns of its company that a list of persons has, as `contact/…`.
pub(super) const CONTACT_OF_PERSON: &[Spec] = CONTACT;

pub(super) const PERSON: &[Spec] = &[
    column("personId", Kind::Int),
    column("firstName", Kind::Text),
    column("middleName", Kind::Text),
    column("lastName", Kind::Text),
    column("fullName", Kind::TextOrKey),
    column("contactId", Kind::Int),
    column("title", Kind::Text),
    column("position", Kind::List("perspos")),
    column("mrMrs", Kind::Text),
    column("academicTitle", Kind::Text),
    column("personNumber", Kind::Text),
    column("personCountry", Kind::List("country")),
    column("personCountryId", Kind::Int),
    column("retired", Kind::Flag),
    column("personNoMail", Kind::Flag),
    column("personUpdatedBy", Kind::Associate),
    column("personUpdatedDate", Kind::Day),
    column("personRegisteredBy", Kind::Associate),
    column("personRegisteredDate", Kind::Day),
    column("personAssociateId", Kind::Associate),
    restriction("personDeletedDate", Kind::Time),
    column("hasStoreConsent", Kind::Flag),
    column("hasEmarketingConsent", Kind::Flag),
    column("withdrawnEmarketingConsent", Kind::Flag),
    column("legalBaseStore", Kind::List("legalbase")),
    column("legalBaseEmarketing", Kind::List("legalbase")),
    column("consentSourceStore", Kind::List("consentsource")),
    column("consentSourceEmarketing", Kind::List("consentsource")),
    column("email/emailAddress", Kind::Text),
    column("email/emailDescription", Kind::Text),
    restriction("phone/formattedNumber", Kind::Text),
    restriction("personDirectPhone/formattedNumber", Kind::Text),
    restriction("personMobilePhone/formattedNumber", Kind::Text),
    restriction("personPrivate/formattedNumber", Kind::Text),
    column("personUrl/URLAddress", Kind::Text),
];

pub(super) const USER: &[Spec] = &[
    column("associateDbId", Kind::AssociateId),
    column("assocName", Kind::Associate),
    column("firstName", Kind::Text),
    column("lastName", Kind::Text),
    column("fullName", Kind::Text),
    restriction("personId", Kind::Int),
    column("personEmail", Kind::Text),
    column("userName", Kind::Text),
    column("title", Kind::Text),
    column("usergroup", Kind::List("usergroup")),
    restriction("otherGroups", Kind::List("usergroup")),
    column("isActive", Kind::Flag),
];

pub(super) const EMAIL: &[Spec] = &[
    restriction("emailMatch", Kind::Text),
    column("emailId", Kind::Int),
    column("emailAddress", Kind::Text),
    column("emailDescription", Kind::Text),
    column("emailProtocol", Kind::Text),
    column("emailBounceCount", Kind::Int),
    column("emailHasBounced", Kind::Flag),
    column("contactId", Kind::Int),
    shown("personId", Kind::Int),
];
