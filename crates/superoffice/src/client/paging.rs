//! All rows of a list, as a stream. The server's own link to the next page is followed where there is one; where there
//! is none, which is what is recorded, the walk goes on by primary key until a page is empty.

use futures::stream::{self, Stream, TryStreamExt as _};
use http::Method;
use url::Url;

use super::Client;
use crate::api::odata::{Page, Row};
use crate::api::{Request, contact, person};
use crate::error::Error;
use crate::odata::{KeySet, Query};

struct Walk {
    client: Client,
    keys: KeySet,
    search: fn(&Query) -> Request,
    link: Option<String>,
}

impl Client {
    /// All contacts of `query`, `rows` to a page, behind the contact `after` (0 for all), in the order of their ids.
    pub fn all_contacts(
        &self,
        query: Query,
        rows: u32,
        after: i64,
    ) -> impl Stream<Item = Result<Row, Error>> + Send + use<> {
        self.walk(KeySet::after(query, "contactId", rows, after), contact::search)
    }

    /// All persons of `query`, `rows` to a page, behind the person `after` (0 for all), in the order of their ids.
    pub fn all_persons(
        &self,
        query: Query,
        rows: u32,
        after: i64,
    ) -> impl Stream<Item = Result<Row, Error>> + Send + use<> {
        self.walk(KeySet::after(query, "personId", rows, after), person::search)
    }

    /// The page that a page's link leads to; `None` when it has none.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignHost`] when the link leads to a host that may not see the token.
    pub async fn next_page(&self, page: &Page, route: &'static str) -> Result<Option<Page>, Error> {
        match page.next_link.as_deref().filter(|link| !link.trim().is_empty()) {
            Some(link) => self.one(&self.follow(link, route).await?, None).await.map(Some),
            None => Ok(None),
        }
    }

    fn walk(
        &self,
        keys: KeySet,
        search: fn(&Query) -> Request,
    ) -> impl Stream<Item = Result<Row, Error>> + Send + use<> {
        let walk = Walk { client: self.clone(), keys, search, link: None };
        let pages = stream::try_unfold(walk, |mut walk| async move {
            let by_link = walk.link.is_some();
            let page = walk.page().await?;
            let more = walk.keys.advance(&page).map_err(|stuck| Error::Malformed(stuck.to_string()))?;
            // An empty page behind a link is not the end; an empty answer to "what comes after this key" is.
            walk.link = page.next_link.filter(|link| more && !link.trim().is_empty());
            let go_on = more || by_link;
            Ok::<_, Error>(go_on.then(|| (stream::iter(page.rows.into_iter().map(Ok)), walk)))
        });
        pages.try_flatten()
    }

    /// A request for the address in a link. It goes to the tenant's own address: a link decides what is read, not where
    /// the token is sent.
    async fn follow(&self, link: &str, route: &'static str) -> Result<Request, Error> {
        let base = self.0.tenant.base(self).await?.url;
        let url = base
            .join(link)
            .map_err(|_| Error::Malformed("the link to the next page is no address".to_owned()))?;
        if !self.0.config.trusts(&url) {
            return Err(Error::ForeignHost(url.host_str().unwrap_or("an address without a host").to_owned()));
        }
        let path =
            below(&base, &url).ok_or_else(|| Error::Malformed("the link leads out of the API".to_owned()))?;
        let query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Ok(Request { path, query, ..Request::to(Method::GET, route) })
    }
}

impl Walk {
    async fn page(&self) -> Result<Page, Error> {
        let request = (self.search)(&self.keys.next());
        match &self.link {
            Some(link) => self.client.one(&self.client.follow(link, request.route).await?, None).await,
            None => self.client.one(&request, None).await,
        }
    }
}

/// The part of `url`'s path below `base`; for a link with another host's base, the part behind `/api/`.
fn below(base: &Url, url: &Url) -> Option<String> {
    let path = url.path();
    let rest = path.strip_prefix(base.path()).or_else(|| path.split_once("/api/").map(|(_, rest)| rest))?;
    let rest = rest.trim_start_matches('/');
    rest.starts_with("v1/").then(|| rest.to_owned())
}
