//! Which mishaps a call or a delivery meets, and how they are used up.

use std::time::Duration;

use super::{Kind, Mishap};
use crate::answer::Answer;
use crate::clock;

/// Where a call goes, as mishaps are matched against it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) id: Option<i64>,
    pub(crate) website: bool,
    pub(crate) login: bool,
}

/// What one call meets.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) wait: Duration,
    pub(crate) hang_up: bool,
    pub(crate) refused: Option<Answer>,
    pub(crate) spoiled: Vec<Mishap>,
}

/// The mishaps that are on.
#[derive(Debug, Default)]
pub(crate) struct Mishaps {
    pub(super) active: Vec<Mishap>,
}

impl Mishaps {
    pub(crate) fn all(&self) -> &[Mishap] {
        &self.active
    }

    /// Whether a lasting mishap of this kind is on.
    pub(crate) fn on(&self, kind: Kind) -> bool {
        self.active.iter().any(|mishap| mishap.kind == kind)
    }

    /// Whether a mishap of the webhooks hits this delivery.
    pub(crate) fn strikes(&mut self, kind: Kind, rng: &mut fastrand::Rng) -> bool {
        let Some(at) = self.active.iter().position(|mishap| mishap.kind == kind) else { return false };
        let hit = rng.u8(0..100) < self.active[at].percent.unwrap_or(100);
        if hit {
            self.use_up(at);
        }
        hit
    }

    /// What a call meets, in the order in which the mishaps were started.
    pub(crate) fn meet(&mut self, place: &Place<'_>, rng: &mut fastrand::Rng) -> Trouble {
        let mut trouble = Trouble::default();
        let now = clock::now();
        self.active.retain(|mishap| mishap.until.is_none_or(|until| now < until));
        let mut at = 0;
        while let Some(mishap) = self.active.get(at) {
            at += 1;
            let concerned = match mishap.kind {
                Kind::Offline => !place.website,
                Kind::Status
                | Kind::Throttle
                | Kind::Slow
                | Kind::MalformedUdf
                | Kind::TruncatedBody
                | Kind::HtmlLoginPage
                | Kind::HugeBody => mishap.meets(place),
                Kind::DropWebhooks
                | Kind::DuplicateWebhooks
                | Kind::ReorderWebhooks
                | Kind::ExpireToken
                | Kind::RevokeConsent
                | Kind::MoveTenant
                | Kind::NoPersonLink
                | Kind::DisableWebhooks => false,
            };
            let refuses = matches!(mishap.kind, Kind::Status | Kind::Throttle);
            if !concerned || (refuses && trouble.refused.is_some()) {
                continue;
            }
            if rng.u8(0..100) >= mishap.percent.unwrap_or(100) {
                continue;
            }
            trouble.add(mishap);
            if self.use_up(at - 1) {
                at -= 1;
            }
        }
        trouble
    }

    /// Counts one use; a mishap that was used up goes away, and that is said.
    fn use_up(&mut self, at: usize) -> bool {
        let Some(times) = &mut self.active[at].times else { return false };
        *times = times.saturating_sub(1);
        let gone = *times == 0;
        if gone {
            self.active.remove(at);
        }
        gone
    }
}

impl Trouble {
    fn add(&mut self, mishap: &Mishap) {
        match mishap.kind {
            Kind::Slow => {
                self.wait = self.wait.saturating_add(mishap.length().unwrap_or(Duration::from_secs(1)));
            }
            Kind::Offline => self.hang_up = true,
            Kind::Status => {
                let status = mishap.status.unwrap_or(500);
                let mut answer =
                    Answer::problem(status, "SoServerException", "The emulator was told to fail");
                if let Some(seconds) = mishap.retry_after {
                    answer = answer.with("retry-after", seconds.to_string());
                }
                self.refused = Some(answer);
            }
            Kind::Throttle => {
                let answer = Answer::problem(429, "SoThrottledException", "Too many requests");
                self.refused = Some(
                    answer
                        .with("retry-after", mishap.retry_after.or(mishap.seconds).unwrap_or(1).to_string()),
                );
            }
            _ => self.spoiled.push(mishap.clone()),
        }
    }
}
