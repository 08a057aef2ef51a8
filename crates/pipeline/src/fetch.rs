//! Reads the record a job is about, and remembers its name and owner at once, before anything is decided.

use connector_domain::account::{Account, Person};
use connector_domain::ids::{ContactId, PersonId};
use connector_domain::reason::Reason;
use connector_store::accounts::Facts;

use crate::run::{Halt, Work};

pub(crate) async fn account(work: &mut Work<'_>, id: ContactId) -> Result<Account, Halt> {
    let ports = work.ports;
    let found = ports.crm.account(id, &work.definitions).await?;
    let Some(account) = found else {
        let gone = Facts { deleted: true, ..Facts::default() };
        ports
            .accounts
            .learn(&ports.tenant, id, gone, None, jiff::SignedDuration::ZERO, ports.clock.now())
            .await?;
        work.step("fetch", format!("company {id} is not there any more"));
        return Err(Halt::skip(
            Reason::Deleted,
            format!("company {id} does not exist in SuperOffice any more"),
        ));
    };
    work.step("fetch", format!("read company {id}: {}", account.name));
    Ok(account)
}

/// The person and the company it belongs to.
pub(crate) async fn person(work: &mut Work<'_>, id: PersonId) -> Result<(Person, ContactId), Halt> {
    let ports = work.ports;
    let Some(person) = ports.crm.person(id, &work.definitions).await? else {
        work.step("fetch", format!("person {id} is not there any more"));
        return Err(Halt::skip(
            Reason::Deleted,
            format!("person {id} does not exist in SuperOffice any more"),
        ));
    };
    let Some(contact) = person.contact else {
        return Err(Halt::skip(Reason::PersonWithoutContact, Reason::PersonWithoutContact.sentence()));
    };
    work.step("fetch", format!("read person {id} of company {contact}"));
    Ok((person, contact))
}
