//! Whether the sign-in server and the tenant answer, and whether our clock agrees with theirs.

use std::time::Duration;

use connector_domain::clock::{Clock as _, SystemClock};
use jiff::SignedDuration;
use superoffice::Error;
use superoffice::api::state::TenantState;

use super::{Code, Examination, Finding, Patient};

/// A signed token is good for a few minutes at most, and a `Date` is exact to a second.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(30);

pub(super) async fn clock(exam: &mut Examination, patient: &Patient<'_>) {
    match skew(patient).await {
        Ok(Some(skew)) => {
            let words = format!("{} s off SuperOffice's", skew.as_secs());
            let is_off = skew.abs() > MOST_SKEW;
            let findings =
                if is_off { vec![Finding::new(Code::ClockSkew, words.clone())] } else { Vec::new() };
            exam.note("clock", findings, words);
        }
        Ok(None) => exam.skip(&["clock"], "the sign-in server did not tell its time"),
        // The next look says why.
        Err(_) => exam.skip(&["clock"], "the sign-in server has to answer first"),
    }
}

/// How far our clock is ahead of the sign-in server's.
async fn skew(patient: &Patient<'_>) -> reqwest::Result<Option<SignedDuration>> {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let answer = http.head(patient.tenant.login_url.clone()).send().await?;
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    Ok(date.map(|date| SystemClock::default().now().duration_since(date.timestamp())))
}

/// Says whether the tenant can be worked with.
pub(super) async fn state(exam: &mut Examination, patient: &Patient<'_>) -> bool {
    let findings = match patient.client.tenant_state().await {
        Ok(status) if status.state == TenantState::Unknown => {
            vec![unknown(patient)]
        }
        Ok(status) if !status.state.api_usable() => {
            vec![Finding::new(Code::TenantOffline, format!("the tenant's state is {}", status.state))]
        }
        Ok(status) => {
            exam.fact("release", status.version.unwrap_or_default());
            exam.fact("api", status.api);
            exam.note("tenant", Vec::new(), format!("{} is {}", patient.tenant.context, status.state));
            return true;
        }
        Err(Error::Offline { state: TenantState::Unknown, .. }) => vec![unknown(patient)],
        Err(error) => {
            let words = format!("{}: {}", patient.tenant.login_url, error.in_full());
            vec![Finding::new(Code::LoginUnreachable, words)]
        }
    };
    exam.note("tenant", findings, "");
    false
}

fn unknown(patient: &Patient<'_>) -> Finding {
    let words = format!("{} does not know {}", patient.tenant.login_url, patient.tenant.context);
    Finding::new(Code::TenantUnknown, words)
}
