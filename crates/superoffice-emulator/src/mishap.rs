//! What can be made to go wrong, and how often.
//!
//! A mishap stays until its `times` are used up or all are cleared. Chance comes from the world's seeded dice, so
//! that the same calls in the same order meet the same trouble.

mod meeting;
mod spoil;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::world::State;
use crate::world::webhook::HookState;

pub(crate) use meeting::{Mishaps, Place, Trouble};
pub(crate) use spoil::spoil;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Calls of `route` are answered with `status` and not carried out.
    Status,
    /// Calls of `route` are answered 429 with `Retry-After`.
    Throttle,
    /// Calls of `route` wait for `ms` first; `website HOST` slows down a website.
    Slow,
    /// `percent` of the deliveries are never sent.
    DropWebhooks,
    /// `percent` of the deliveries are sent twice, with the same event id.
    DuplicateWebhooks,
    /// `percent` of the deliveries are held back for a moment, so that others overtake them.
    ReorderWebhooks,
    /// All access tokens end now; at once, not lasting.
    ExpireToken,
    /// The tenant withdraws its consent: tokens end and refreshing is refused until the mishap is cleared.
    RevokeConsent,
    /// The tenant moves to another address; the old one answers 421.
    MoveTenant,
    /// Login and API do not answer at all, for `ms` if given.
    Offline,
    /// The dictionaries of user-defined fields are not dictionaries.
    MalformedUdf,
    /// The API user has no person behind it.
    NoPersonLink,
    /// The answer breaks off in the middle.
    TruncatedBody,
    /// A sign-in page comes with status 200 instead of JSON.
    HtmlLoginPage,
    /// The answer is JSON of `mb` megabytes.
    HugeBody,
    /// All webhooks are switched off as after nine failures; at once, not lasting.
    DisableWebhooks,
}

/// Something that goes wrong from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mishap {
    /// What.
    pub kind: Kind,
    /// Where: `PATCH Contact`, `GET Person/{id}`, `login/tokens`, `website HOST`; without it, every API call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Only calls about the record with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The status to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How often; without it, until cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How likely, 100 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// How long, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// How long, in seconds; an alternative to `ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Seconds for `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Megabytes of a huge body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mb: Option<usize>,
    #[serde(skip)]
    until: Option<jiff::Timestamp>,
}

impl Mishap {
    /// A mishap of this kind, everywhere and until cleared.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            route: None,
            id: None,
            status: None,
            times: None,
            percent: None,
            ms: None,
            seconds: None,
            retry_after: None,
            mb: None,
            until: None,
        }
    }

    /// Only where `route` says.
    pub fn on(mut self, route: &str) -> Self {
        self.route = Some(route.to_owned());
        self
    }

    /// Only so often.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// With this status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With this likelihood.
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = Some(percent);
        self
    }

    /// This long.
    pub fn ms(mut self, ms: u64) -> Self {
        self.ms = Some(ms);
        self
    }

    fn length(&self) -> Option<Duration> {
        self.ms.map(Duration::from_millis).or_else(|| self.seconds.map(Duration::from_secs))
    }

    fn meets(&self, place: &Place<'_>) -> bool {
        if self.id.is_some() && self.id != place.id {
            return false;
        }
        let Some(route) = &self.route else { return !place.website && !place.login };
        let (method, rest) = match route.split_once(' ') {
            Some((first, rest)) if first.chars().all(|c| c.is_ascii_uppercase()) => {
                (Some(first), rest.trim())
            }
            _ => (None, route.trim()),
        };
        if method.is_some_and(|method| method != place.method) {
            return false;
        }
        let (wanted, here) = (rest.to_ascii_lowercase(), place.route.to_ascii_lowercase());
        let wanted = wanted.trim_end_matches(".localhost");
        here == wanted
            || here.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(['/', ' ']))
            || (wanted == "*" && !place.website)
    }
}

impl State {
    /// Starts a mishap; the ones that happen at once do.
    pub(crate) fn start(&mut self, mut mishap: Mishap) {
        match mishap.kind {
            Kind::ExpireToken => self.access.end_tokens(),
            Kind::RevokeConsent => {
                self.access.end_tokens();
                self.access.consent = false;
                self.mishaps.active.push(mishap);
            }
            Kind::MoveTenant => self.move_away(),
            Kind::DisableWebhooks => {
                for hook in self.webhooks.values_mut() {
                    hook.state = HookState::TooManyErrors;
                    hook.consecutive_errors = 9;
                }
            }
            Kind::Offline => {
                // A length beyond all time is as good as none.
                mishap.until = mishap.length().and_then(|length| clock::now().checked_add(length).ok());
                self.mishaps.active.push(mishap);
            }
            _ => self.mishaps.active.push(mishap),
        }
    }

    /// Ends all mishaps. A tenant that moved stays where it is.
    pub(crate) fn clear_mishaps(&mut self) {
        self.mishaps.active.clear();
        self.access.consent = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(method: &'static str, route: &'static str) -> Place<'static> {
        Place {
            method,
            route,
            id: None,
            website: route.starts_with("website"),
            login: route.starts_with("login"),
        }
    }

    #[test]
    fn a_route_covers_what_lies_below_it() {
        let mishap = Mishap::new(Kind::Status).on("PATCH Contact");
        assert!(mishap.meets(&place("PATCH", "Contact/{id}")));
        assert!(!mishap.meets(&place("GET", "Contact/{id}")));
        assert!(!mishap.meets(&place("PATCH", "ContactX")));
    }

    #[test]
    fn without_a_route_websites_and_sign_in_are_spared() {
        let mishap = Mishap::new(Kind::Throttle);
        assert!(mishap.meets(&place("GET", "Contact")));
        assert!(!mishap.meets(&place("GET", "website falkenried")));
        assert!(!mishap.meets(&place("POST", "login/tokens")));
    }

    #[test]
    fn a_website_is_named_by_label_or_host() {
        for route in ["website falkenried", "website falkenried.localhost", "website"] {
            assert!(Mishap::new(Kind::Slow).on(route).meets(&place("GET", "website falkenried")), "{route}");
        }
    }

    #[test]
    fn times_are_used_up() {
        let mut mishaps = Mishaps::default();
        mishaps.active.push(Mishap::new(Kind::Status).times(2));
        let mut rng = fastrand::Rng::with_seed(1);
        let met = |_| mishaps.meet(&place("GET", "Contact"), &mut rng).refused.is_some();
        assert_eq!((0..4).map(met).collect::<Vec<_>>(), [true, true, false, false]);
    }
}
