//! Archives: any list of SuperOffice as rows, by the name of its provider. `FindContact`, `InternalUsers` and the recycle
//! bins are such; `Dynamic` takes columns of the database, as `contact.name`.

use http::Method;

use super::Request;
use crate::odata::Query;

/// Rows of a provider.
pub const ROWS: &str = "v1/Archive/{provider}";

/// The provider of every user of the tenant.
pub const INTERNAL_USERS: &str = "InternalUsers";
/// The provider of deleted contacts.
pub const RECYCLE_CONTACT: &str = "RecycleContact";
/// The provider of deleted persons.
pub const RECYCLE_PERSON: &str = "RecyclePerson";
/// The provider whose columns are those of the database.
pub const DYNAMIC: &str = "Dynamic";

/// An address that would be longer than this is sent as a form instead; what fits is not documented.
const LONGEST: usize = 4_000;

/// A request for rows of a provider. The answer is a [`super::odata::Page`].
pub fn rows(provider: &str, query: &Query) -> Request {
    let parameters = query.parameters();
    let length: usize = parameters.iter().map(|(name, value)| name.len() + 3 * value.len()).sum();
    if length > LONGEST {
        return form(provider, query);
    }
    Request { query: parameters, ..Request::get(ROWS, provider) }
}

/// The same with the parameters in a form body, for long questions. It reads, although it is a `POST`.
pub fn form(provider: &str, query: &Query) -> Request {
    Request::to(Method::POST, ROWS).fill(provider).form(&query.parameters()).reading()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::Filter;

    #[test]
    fn a_long_question_is_sent_as_a_form() {
        let ids: Vec<i64> = (100_000..101_000).collect();
        let query = |ids| Query::select(["contactId"]).filter(Filter::is_in("contactId", ids).unwrap());

        let short = rows("FindContact", &query(&ids[..3]));
        assert_eq!((short.method, short.path.as_str()), (Method::GET, "v1/Archive/FindContact"));
        assert_eq!(short.query[1].1, "contactId in (100000,100001,100002)");

        let long = rows("FindContact", &query(&ids));
        assert_eq!((&long.method, long.reads, long.query.len()), (&Method::POST, true, 0));
        let body = String::from_utf8(long.body.unwrap()).unwrap();
        assert!(body.starts_with("%24select=contactId&%24filter=contactId+in+"), "{body}");
    }
}
