//! A door for `fuzz/` to a reader that is private. Nobody else uses it, and it promises nothing.

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::answer::Call;
use crate::clock::DateStyle;
use crate::routes::{Ask, Target, at_once};
use crate::world::World;
use crate::world::seed::Setup;
use crate::{Options, story};

/// A tenant with few companies that nobody listens for.
#[derive(Debug)]
pub struct Tenant(World);

impl Tenant {
    /// Three companies and their persons.
    pub fn small() -> Self {
        let options = Options { companies: 3, ..Options::default() };
        let story = story::story(options.companies, options.seed);
        Self(World::new(Setup::new(story, 1, &options)).0)
    }

    /// Asks an archive provider for the rows that pass a filter.
    pub fn rows(&self, provider: &str, filter: &str) {
        let call = Call {
            method: Method::GET,
            host: "127.0.0.1:1".to_owned(),
            path: "/Cust12345/api/v1/Archive".to_owned(),
            query: vec![("$filter".to_owned(), filter.to_owned())],
            headers: HeaderMap::new(),
            body: Bytes::new(),
            application: String::new(),
        };
        let _ = self.0.with(|state| {
            let ask = Ask { call: &call, style: DateStyle::base(&state.policy) };
            at_once(state, &Target::Archive(provider.to_owned()), ask)
        });
    }
}
