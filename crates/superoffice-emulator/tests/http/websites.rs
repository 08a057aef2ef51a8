//! The companies' websites.

use superoffice_emulator::story;

use crate::support::Tenant;

impl Tenant {
    async fn page(&self, host: &str, path: &str) -> reqwest::Result<(u16, String)> {
        let url = format!("{}{path}", self.details.login_url);
        let response = self.http.get(url).header("host", host).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}

#[tokio::test]
async fn a_website_is_found_by_its_host() {
    let tenant = Tenant::start().await;
    let story = story::story(24, 1);
    let up = |company: &&story::Company| company.website.as_ref().is_some_and(|site| !site.down);
    let company = story.companies.iter().find(up).unwrap();
    let site = company.website.as_ref().unwrap();
    let port = tenant.emulator.address().port();
    let host = format!("{}.localhost:{port}", site.host);
    let contact = tenant.world.contact_of(&company.slug).unwrap();
    assert_eq!(tenant.world.contact(contact).unwrap().url(), format!("http://{host}/"));

    let (status, body) = tenant.page(&host, "/").await.unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("<html"), "{body}");
    assert_eq!(tenant.page(&host.to_uppercase(), "/").await.unwrap(), (200, body));
    assert_eq!(tenant.page(&host, "/no-such-page").await.unwrap().0, 404);
    let robots = tenant.page(&host, "/robots.txt").await.unwrap().0;
    assert_eq!(robots, if site.robots.is_some() { 200 } else { 404 });
    assert_eq!(tenant.world.website_hits(&company.slug), 3, "robots.txt is not counted");
    assert_eq!(tenant.world.account(contact).unwrap().website_hits, 3);
    assert_eq!(tenant.page("nobody.localhost", "/").await.unwrap().0, 404);
}

#[tokio::test]
async fn a_site_that_is_down_says_nothing() {
    let tenant = Tenant::start().await;
    let story = story::story(24, 1);
    let down = story.companies.iter().filter_map(|company| company.website.as_ref()).find(|site| site.down);
    let host = format!("{}.localhost", down.expect("the story has a site that is down").host);
    assert!(tenant.page(&host, "/").await.is_err());
}
