//! Companies that this program makes to try something out. They are marked, so that they are known again and removed, and
//! so that nothing else ever is.

use superoffice::api::contact::ContactEntity;
use superoffice::odata::{Filter, Query};
use superoffice::{Client, Error};

/// What every such company's name begins with.
const NAME: &str = "so-connector test";
/// What its description holds. The name alone proves nothing: people name companies as they like.
const MARK: &str = "[so-connector:test-object]";
const ROWS: u32 = 500;

/// Makes one.
pub(crate) async fn make(client: &Client) -> Result<ContactEntity, Error> {
    let blank = client.default_contact().await?;
    let company = ContactEntity {
        name: format!("{NAME} {}", uuid::Uuid::new_v4().simple()),
        description: format!("Made by SuperOffice Connector to try out whether it can write. {MARK}"),
        ..blank
    };
    client.create_contact(&company).await
}

/// Whether a company is one.
pub(crate) fn is_one(company: &ContactEntity) -> bool {
    company.name.starts_with(NAME) && company.description.contains(MARK)
}

/// All there are.
pub(crate) async fn all(client: &Client) -> Result<Vec<ContactEntity>, Error> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let filter = Filter::begins("name", NAME).and(Filter::gt("contactId", after));
        let query = Query::select(["contactId", "name"]).filter(filter).order_by("contactId").top(ROWS);
        let page = client.contacts(&query).await?;
        let Some(last) = page.rows.last() else { return Ok(found) };
        after = last.primary_key;
        for row in &page.rows {
            match client.contact(row.primary_key).await {
                Ok(company) if is_one(&company) => found.push(company),
                Ok(_) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_name_and_mark_together_make_a_test_company() {
        let company = |name: &str, description: &str| ContactEntity {
            name: name.to_owned(),
            description: description.to_owned(),
            ..ContactEntity::default()
        };
        assert!(is_one(&company("so-connector test 1", &format!("x {MARK}"))));
        assert!(!is_one(&company("so-connector test 1", "somebody's own")));
        assert!(!is_one(&company("Falkenried Pumpen GmbH", MARK)));
    }
}
