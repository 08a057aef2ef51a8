//! Whether we are let in, as whom, and whether that user may see what is needed.

use connector_domain::policy::Scope;
use connector_domain::sender::{self, Candidate};
use superoffice::api::user::SoPrincipal;
use superoffice::odata::Query;
use superoffice::{AssociateName, Error};

use super::{Code, Examination, Finding, Patient};

/// `None` when we are not let in; `Some(None)` when we are, and SuperOffice does not tell who we are.
pub(super) async fn sign_in(exam: &mut Examination, patient: &Patient<'_>) -> Option<Option<SoPrincipal>> {
    let principal = match patient.client.current_principal().await {
        Ok(principal) => principal,
        Err(Error::Refused { status, message }) if status.is_server_error() => {
            // Some tenants answer so for as long as the API user has no person.
            exam.note("sign-in", Vec::new(), format!("let in; who we are is refused ({message})"));
            return Some(None);
        }
        Err(error) => {
            exam.note("sign-in", vec![Finding::new(code(&error), error.in_full())], "");
            return None;
        }
    };
    let context = &principal.database_context_identifier;
    let findings = if context.is_empty() || context.eq_ignore_ascii_case(&patient.tenant.context) {
        Vec::new()
    } else {
        let words = format!("the token is for {context}, and {} is configured", patient.tenant.context);
        vec![Finding::new(Code::WrongTenant, words)]
    };
    exam.fact("role", principal.role_name.clone());
    exam.fact("licences", principal.licenses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    exam.fact("rights", principal.function_rights.join(" "));
    exam.note("sign-in", findings, format!("as {} ({})", principal.associate, principal.user_type));
    Some(Some(principal))
}

/// What a failure of the first call means.
fn code(error: &Error) -> Code {
    match error {
        Error::AccessWithdrawn(_) | Error::Unauthorized => Code::SignInRefused,
        Error::ForeignHost(_) => Code::TenantForeignHost,
        Error::Offline { .. } | Error::Misdirected => Code::TenantOffline,
        Error::Unreachable { .. } | Error::NotTheApi(_) | Error::Throttled { .. } => Code::ApiUnreachable,
        _ => Code::ApiRefused,
    }
}

pub(super) async fn identity(exam: &mut Examination, patient: &Patient<'_>, principal: Option<&SoPrincipal>) {
    let mut findings = Vec::new();
    let known = principal.filter(|principal| principal.associate_id > 0);
    if known.is_none() {
        findings.push(Finding::new(Code::IdentityUnknown, "SuperOffice tells no user for our calls"));
    }
    let own = known.map(candidate_of);
    // A refusal to list users leaves one link less.
    let users = users(patient).await;
    let words = match sender::choose(patient.config.mailing_sender.as_deref(), own.as_ref(), &users) {
        Ok(sender) => format!("mailings are sent as {} ({})", sender.candidate.short_name, sender.link),
        Err(missing) => {
            findings.push(Finding::new(Code::NoSender, missing.to_string()));
            String::new()
        }
    };
    exam.note("identity", findings, words);
}

/// The users, as the list of them tells. It has no short names, so these come from elsewhere.
async fn users(patient: &Patient<'_>) -> Vec<Candidate> {
    let users = patient.client.internal_users().await.unwrap_or_default();
    let named = patient.client.associates().await.map(|associates| associates.named).unwrap_or_default();
    let short = |id: i64| named.iter().find(|user| user.id == id).and_then(|user| user.short_name.clone());
    users
        .into_iter()
        .map(|user| Candidate {
            associate: user.id,
            short_name: short(user.id).unwrap_or_default(),
            person: user.person_id,
            email: user.email,
        })
        .collect()
}

fn candidate_of(principal: &SoPrincipal) -> Candidate {
    Candidate {
        associate: principal.associate_id,
        short_name: principal.associate.clone(),
        person: Some(principal.person_id).filter(|id| *id > 0),
        email: principal.e_mail_address.clone(),
    }
}

pub(super) async fn owners(exam: &mut Examination, patient: &Patient<'_>) {
    let mut findings = Vec::new();
    let associates = match patient.client.associates().await {
        Ok(associates) => associates,
        Err(error) => {
            exam.note("owners", vec![Finding::new(Code::UsersRefused, error.in_full())], "");
            return;
        }
    };
    if let Some(refusal) = &associates.refusal {
        findings.push(Finding::new(Code::UsersRefused, refusal.clone()));
    }
    let words = match &patient.config.policy.scope {
        Scope::Everyone => format!("everybody's accounts; {} users", associates.named.len()),
        Scope::Only { ids, short_names } => {
            let names_are_known = associates.refusal.is_none();
            let is_user = |id: i64| associates.named.iter().any(|user| user.id == id);
            let is_name = |name: &str| associates.named.iter().any(|user| is_named(user, name));
            let strange_ids = ids.iter().filter(|id| !is_user(id.0)).map(ToString::to_string);
            let strange_names =
                short_names.iter().filter(|name| names_are_known && !is_name(name)).map(Clone::clone);
            let strange: Vec<String> = strange_ids.chain(strange_names).collect();
            findings.extend(strange.into_iter().map(|owner| {
                Finding::new(
                    Code::OwnerUnknown,
                    format!("OWNERS names {owner}, who is no user of the tenant"),
                )
            }));
            format!("{} in scope", ids.len() + short_names.len())
        }
    };
    exam.note("owners", findings, words);
}

fn is_named(user: &AssociateName, name: &str) -> bool {
    user.short_name.as_deref().is_some_and(|short| short.to_uppercase() == name.to_uppercase())
}

pub(super) async fn accounts(exam: &mut Examination, patient: &Patient<'_>) {
    let query = Query::select(["contactId"]).order_by("contactId").top(1);
    let findings = match patient.client.contacts(&query).await {
        Ok(_) => Vec::new(),
        Err(error) => vec![Finding::new(Code::AccountsRefused, error.in_full())],
    };
    exam.note("accounts", findings, "companies can be listed");
}
