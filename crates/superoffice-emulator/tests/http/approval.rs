//! The browser's part of signing in: who may ask, who says yes, and where the answer goes.

use std::collections::HashMap;

use superoffice_emulator::{Approval, Denial, RedirectUris, SystemUserRefusal, TokenRefusal};
use url::Url;

use crate::support::{Tenant, policy, send};

const NATIVE: &str = "http://127.0.0.1:9999/callback?x=1";

impl Tenant {
    /// The answer to a browser that comes with these fields besides the usual ones.
    async fn browse(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let mut all = HashMap::from([
            ("client_id", self.details.client_id.as_str()),
            ("redirect_uri", NATIVE),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s \"1\""),
        ]);
        all.extend(fields.iter().copied());
        self.http.get(format!("{}{path}", self.details.login_url)).query(&all).send().await.unwrap()
    }

    async fn authorize(&self, fields: &[(&str, &str)]) -> reqwest::Response {
        self.browse("/login/common/oauth/authorize", fields).await
    }
}

/// What the browser is sent back with.
fn came_back(answer: &reqwest::Response) -> HashMap<String, String> {
    assert_eq!(answer.status(), 302);
    let target = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(target.as_str().starts_with("http://127.0.0.1:9999/callback?x=1"), "{target}");
    let fragment = target.fragment().unwrap_or_default().as_bytes().to_vec();
    let fragment = url::form_urlencoded::parse(&fragment).into_owned();
    target.query_pairs().into_owned().chain(fragment).collect()
}

#[tokio::test]
async fn everybody_has_said_yes_unless_the_policy_asks() {
    let tenant = Tenant::start().await;
    let fields = came_back(&tenant.authorize(&[]).await);
    assert_eq!(fields["state"], "s \"1\"");
    assert!(!fields["code"].is_empty());
    let fields = came_back(&tenant.authorize(&[("response_mode", "fragment")]).await);
    assert!(!fields["code"].is_empty());
    let page = tenant.authorize(&[("response_mode", "form_post")]).await.text().await.unwrap();
    assert!(
        page.contains("action=\"http://127.0.0.1:9999/callback?x=1\"") && page.contains("name=\"code\""),
        "{page}"
    );
}

#[tokio::test]
async fn a_page_with_two_buttons_asks_and_both_lead_back() {
    let tenant = Tenant::start().await;
    policy(&tenant, |policy| policy.approval = Approval::Page);
    let page = tenant.authorize(&[]).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert_eq!(page.matches("<button").count(), 2);
    assert!(page.contains("value=\"s &quot;1&quot;\""), "everything is sent once more: {page}");

    let fields = came_back(&tenant.authorize(&[("decision", "approve")]).await);
    assert!(fields["code"].len() > 20 && !fields.contains_key("error"));
    let fields = came_back(&tenant.authorize(&[("decision", "deny")]).await);
    assert_eq!((fields["error"].as_str(), fields["state"].as_str()), ("access_denied", "s \"1\""));
    assert!(!fields.contains_key("code"));

    policy(&tenant, |policy| policy.denial = Denial::Page);
    let page = tenant.authorize(&[("decision", "deny")]).await;
    assert_eq!(
        (page.status().as_u16(), page.text().await.unwrap().as_str()),
        (403, "Authorization error: Denied (4)")
    );
}

#[tokio::test]
async fn the_browser_is_sent_to_no_address_that_is_not_the_apps() {
    let tenant = Tenant::start().await;
    let strange = [
        "https://evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://evil@127.0.0.1:9999/callback",
        "http://localhost:9999/callback",
        "https://127.0.0.1:9999/callback",
        "http://127.0.0.1:9999/callback#fragment",
        "javascript:alert(1)",
        "",
    ];
    for uri in strange {
        let answer = tenant.authorize(&[("redirect_uri", uri)]).await;
        assert_eq!(answer.status(), 400, "{uri}");
        assert_eq!(answer.text().await.unwrap(), "Authorization error: InvalidRedirectUrl (2)", "{uri}");
    }
    for uri in ["http://[::1]:7/", "http://127.0.0.1/any/path", tenant.details.redirect_uri.as_str()] {
        assert_eq!(tenant.authorize(&[("redirect_uri", uri)]).await.status(), 302, "{uri}");
    }
    policy(&tenant, |policy| policy.redirect_uris = RedirectUris::Exact);
    assert_eq!(tenant.authorize(&[]).await.status(), 400);
    assert_eq!(tenant.authorize(&[("redirect_uri", &tenant.details.redirect_uri)]).await.status(), 302);
}

#[tokio::test]
async fn an_app_or_a_tenant_that_is_not_known_is_denied() {
    let tenant = Tenant::start().await;
    let words = "Authorization error: Denied (4)";
    assert_eq!(tenant.authorize(&[("client_id", "another")]).await.text().await.unwrap(), words);
    assert_eq!(tenant.authorize(&[("acr_values", "tenant:Cust99999")]).await.text().await.unwrap(), words);
    let pinned = |context: &str| format!("/login/{context}/oauth/authorize");
    assert_eq!(tenant.browse(&pinned("Cust99999"), &[]).await.text().await.unwrap(), words);
    came_back(&tenant.browse(&pinned("cust10001"), &[("acr_values", "tenant:Cust10001")]).await);
    let fields = came_back(&tenant.authorize(&[("response_type", "token")]).await);
    assert_eq!(fields["error"], "unsupported_response_type");
}

#[tokio::test]
async fn a_code_is_for_whoever_has_the_verifier() {
    let tenant = Tenant::start().await;
    // The example of RFC 7636.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let redeem = async |method: &str, challenge: &str, verifier: &str, secret: bool| {
        let asked = [("code_challenge", challenge), ("code_challenge_method", method)];
        let code = came_back(&tenant.authorize(&asked).await).remove("code").unwrap();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", tenant.details.client_id.as_str()),
            ("redirect_uri", NATIVE),
            ("code", &code),
            ("code_verifier", verifier),
        ];
        if secret {
            fields.push(("client_secret", &tenant.details.client_secret));
        }
        tenant.tokens(&fields).await.0
    };
    assert_eq!(redeem("S256", challenge, verifier, true).await, 200);
    assert_eq!(redeem("S256", challenge, verifier, false).await, 200, "a native app has no secret");
    assert_eq!(redeem("plain", verifier, verifier, true).await, 200);
    assert_eq!(redeem("S256", challenge, "another", true).await, 400);
    assert_eq!(redeem("S256", challenge, challenge, true).await, 400);
    let odd = [("code_challenge", challenge), ("code_challenge_method", "S512")];
    assert_eq!(tenant.authorize(&odd).await.status(), 400);
}

#[tokio::test]
async fn refusals_have_the_form_that_the_policy_says() {
    let tenant = Tenant::start().await;
    let details = &tenant.details;
    let url = format!("{}/login/common/oauth/tokens", details.login_url);
    let refused = async || {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", &details.client_id),
            ("client_secret", &details.client_secret),
        ];
        let answer = tenant.http.post(&url).form(&fields).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        answer.text().await.unwrap()
    };
    let forms = [
        (TokenRefusal::Rfc6749, "{\"error\":\"invalid_grant\""),
        (TokenRefusal::Vendor, "{\"Error\":true"),
        (TokenRefusal::Page, "<!DOCTYPE html>"),
        (TokenRefusal::Empty, ""),
    ];
    for (form, start) in forms {
        policy(&tenant, |policy| policy.token_refusal = form);
        let body = refused().await;
        assert!(body.starts_with(start) && body.is_empty() == start.is_empty(), "{body}");
    }
    let url = format!("{}/Login/api/PartnerSystemUser/Authenticate", details.login_url);
    policy(&tenant, |policy| policy.system_user_refusal = SystemUserRefusal::Status);
    let (status, body) =
        send(tenant.http.post(url).json(&serde_json::json!({"ApplicationToken": "x"}))).await;
    assert_eq!((status, &body["Error"]), (401, &true.into()));
}

#[tokio::test]
async fn a_refresh_token_stays_good_unless_it_rotates() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.refresh().await.0, 200);
    policy(&tenant, |policy| policy.refresh_token_rotates = true);
    let (_, body) = tenant.refresh().await;
    assert!(body["refresh_token"].is_string());
    assert_eq!(tenant.refresh().await.0, 400, "the old one has ended");
}

#[tokio::test]
async fn somebody_can_sign_out() {
    let tenant = Tenant::start().await;
    let discovery = format!("{}/login/.well-known/openid-configuration", tenant.details.login_url);
    let (_, discovery) = send(tenant.http.get(discovery)).await;
    let answer = tenant.http.get(discovery["end_session_endpoint"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
