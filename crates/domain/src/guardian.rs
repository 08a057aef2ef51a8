//! What follows from how our webhook stands in the CRM: when to switch it on again, which span may have been missed,
//! and what to tell a person, once each way.
//!
//! Values in, orders out. Looking, testing, switching on and telling are the pipeline's.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rhythm::Rhythm;

/// A delivery may come so long after its change.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);
/// When nobody looked for so long, nobody knows what was missed.
const UNWATCHED: SignedDuration = SignedDuration::from_mins(5);
/// What failed longer before it was seen for the first time is not asked for.
const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(24);
/// How often a test proves that the way is open.
const TEST_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// After a silence that turned out to be one, or while the way is shut, the next test is no sooner than this.
const TEST_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// A silence this unlikely is looked into.
const UNLIKELY: f64 = 1e-6;
/// The pauses between switching on and switching on again, when it does not hold.
const PAUSES: [SignedDuration; 5] = [
    SignedDuration::ZERO,
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
];
/// When it was on for so long, switching it on has held.
const HELD: SignedDuration = SignedDuration::from_hours(1);

/// Which webhooks are switched on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rearm {
    /// Those that the CRM switched off after too many errors; what a person stopped stays stopped.
    #[default]
    Errors,
    /// Those that a person stopped or changed, too.
    Always,
    /// None; it is only told.
    Never,
}

impl Rearm {
    /// Reads the word of the configuration.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "errors" => Some(Self::Errors),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

/// Whether a webhook is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookState {
    /// The CRM says something else.
    Unknown,
    /// It is.
    Active,
    /// Somebody stopped it.
    Stopped,
    /// The CRM stopped it, after too many errors.
    TooManyErrors,
}

impl HookState {
    /// The number in the CRM and in the metrics.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Active => 1,
            Self::Stopped => 2,
            Self::TooManyErrors => 3,
        }
    }
}

/// Our webhook as the CRM has it. What a CRM does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its number.
    pub id: i64,
    /// Whether it is sent to.
    pub state: HookState,
    /// When it was registered, by the CRM's clock.
    pub registered_at: Option<Timestamp>,
    /// Who changed it last.
    pub changed_by: Option<String>,
    /// What is not as it has to be: its address, its events, its token.
    pub amiss: Vec<String>,
    /// Deliveries tried.
    pub calls: Option<u64>,
    /// Deliveries that failed.
    pub errors: Option<u64>,
    /// Deliveries that failed in a row.
    pub in_a_row: Option<u64>,
}

/// What looking for our webhook came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// There is none.
    Missing,
    /// There are several; only a person can decide.
    Several(Vec<i64>),
    /// There it is.
    There(Hook),
}

/// What has arrived here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrivals {
    /// The place of the newest delivery in the order of arrival.
    pub newest: i64,
    /// When it arrived.
    pub at: Option<Timestamp>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Tell that it is out of order.
    Alert {
        /// What is the matter.
        words: String,
        /// What a person can do.
        remedy: String,
    },
    /// Tell that it is in order again.
    Recovered {
        /// What was the matter.
        words: String,
        /// Since when.
        since: Timestamp,
    },
    /// Ask for a sweep of this span.
    Sweep {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// Why.
        why: String,
    },
    /// Have a test sent, and say whether it arrived.
    Test,
    /// See that we would receive, then switch it on again, and say what came of it.
    Rearm {
        /// Which.
        id: i64,
        /// Whether to put right besides what is amiss with it.
        mend: bool,
    },
}

/// What is known of our webhook; kept, so that a restart knows how long it was away.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Guard {
    /// When it was last known that deliveries arrive.
    pub good_at: Option<Timestamp>,
    /// When something last arrived, a delivery or a test: only that proves that the way is open.
    pub proved_at: Option<Timestamp>,
    /// What is the matter.
    pub trouble: Option<Trouble>,
    /// When it was last switched on again, and how often in a row that did not hold.
    pub rearmed_at: Option<Timestamp>,
    /// How often in a row it was switched on.
    pub rearms: u32,
    /// No attempt to switch it on before then.
    pub next_try: Option<Timestamp>,
    /// When a test was last sent.
    pub tested_at: Option<Timestamp>,
    /// Until when a silence has been looked into.
    pub silence_from: Option<Timestamp>,
    /// Failed deliveries at the last look.
    pub errors: Option<u64>,
    /// Deliveries tried at the last look.
    pub calls: Option<u64>,
    /// The newest arrival at the last look.
    pub newest: i64,
    /// The state at the last look.
    pub state: Option<HookState>,
    /// When deliveries usually come.
    pub rhythm: Rhythm,
}

/// Something that is the matter with the webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What, for programs.
    pub kind: Kind,
    /// What, in words.
    pub words: String,
    /// Since when it is known.
    pub since: Timestamp,
    /// From when on deliveries may be missing.
    pub from: Timestamp,
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Switched off by the CRM.
    TooManyErrors,
    /// Switched off by a person.
    Stopped,
    /// There is none.
    Missing,
    /// There are several.
    Several,
    /// It sends elsewhere, too little, or with another token.
    Amiss,
    /// It is switched on, and nothing arrives.
    Dead,
}

impl Guard {
    /// Takes in how things stand.
    pub fn looked(
        &mut self,
        look: &Look,
        arrivals: Arrivals,
        rearm: Rearm,
        every: SignedDuration,
        now: Timestamp,
    ) -> Vec<Order> {
        let mut orders = Vec::new();
        let arrived = arrivals.newest > self.newest;
        self.proved_at = self.proved_at.max(arrivals.at);
        let hook = match look {
            Look::There(hook) => hook,
            Look::Missing => {
                self.state = None;
                if self.good_at.is_none() && self.trouble.is_none() {
                    // Nobody has registered it yet.
                    return orders;
                }
                let words = "SuperOffice has no webhook of ours, so it tells nothing".to_owned();
                self.suffer(
                    Kind::Missing,
                    words,
                    "register one: so-connector webhook register",
                    now,
                    &mut orders,
                );
                return orders;
            }
            Look::Several(ids) => {
                self.state = None;
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                let words = format!("there is more than one webhook of ours: {}", ids.join(", "));
                self.suffer(
                    Kind::Several,
                    words,
                    "remove all but one: so-connector webhook remove ID",
                    now,
                    &mut orders,
                );
                return orders;
            }
        };
        self.state = Some(hook.state);
        if let Some((kind, words, remedy)) = ailment(hook) {
            self.suffer(kind, words, remedy, now, &mut orders);
            self.order_rearm(hook, kind, rearm, now, &mut orders);
        } else if self.trouble.as_ref().is_some_and(|trouble| trouble.kind == Kind::Dead) && !arrived {
            if self.is_test_due(TEST_AGAIN, now) {
                orders.push(Order::Test);
            }
        } else {
            self.well(hook, arrived, now, &mut orders);
            self.listen(arrivals, arrived, every, now, &mut orders);
        }
        self.newest = arrivals.newest;
        // While some fail, those before them are not answered for yet.
        match hook.in_a_row.unwrap_or(0) {
            0 => self.errors = hook.errors.or(self.errors),
            failing => {
                let before = hook.errors.map(|errors| errors.saturating_sub(failing));
                self.errors = self.errors.or(before);
            }
        }
        self.calls = hook.calls.or(self.calls);
        orders
    }

    /// Takes in what came of a test: whether it arrived, or why not.
    pub fn tested(&mut self, arrived: Result<(), String>, now: Timestamp) -> Vec<Order> {
        self.tested_at = Some(now);
        let mut orders = Vec::new();
        match arrived {
            Ok(()) => {
                self.proved_at = Some(now);
                if self.trouble.as_ref().is_some_and(|trouble| trouble.kind == Kind::Dead) {
                    self.recover(now, &mut orders);
                    self.good_at = Some(now);
                }
            }
            Err(why) => {
                let words = format!("the webhook is switched on, and a test does not arrive: {why}");
                let remedy =
                    "see that the public address leads to this service, then: so-connector webhook test";
                self.suffer(Kind::Dead, words, remedy, now, &mut orders);
            }
        }
        orders
    }

    /// Takes in what came of switching it on again.
    pub fn rearmed(&mut self, done: Result<(), String>, now: Timestamp) -> Vec<Order> {
        let mut orders = Vec::new();
        self.rearms = self.rearms.saturating_add(1);
        let pause = PAUSES[usize::try_from(self.rearms).unwrap_or(usize::MAX).min(PAUSES.len() - 1)];
        self.next_try = now.checked_add(pause).ok();
        match done {
            Ok(()) => {
                self.rearmed_at = Some(now);
                self.tested_at = Some(now);
                self.proved_at = Some(now);
                self.state = Some(HookState::Active);
                self.recover(now, &mut orders);
                self.good_at = Some(now);
            }
            Err(why) => self.postponed(&why),
        }
        orders
    }

    /// Takes in that nothing came of an attempt, because the CRM did not answer: it is made again at the next look.
    pub fn postponed(&mut self, why: &str) {
        if let Some(trouble) = &mut self.trouble {
            trouble.words = format!("{} (it was not switched on again: {why})", plain(&trouble.words));
        }
    }

    /// It is as it has to be. Whatever may have been missed until now is asked for.
    fn well(&mut self, hook: &Hook, arrived: bool, now: Timestamp, orders: &mut Vec<Order>) {
        if let Some(trouble) = &self.trouble {
            if trouble.kind != Kind::Dead {
                // Somebody else put it right, so how often we tried counts no more.
                (self.rearmed_at, self.rearms, self.next_try) = (None, 0, None);
            }
            self.recover(now, orders);
            self.good_at = Some(now);
            return;
        }
        if self.rearmed_at.is_some_and(|at| now.duration_since(at) >= HELD) {
            (self.rearmed_at, self.rearms, self.next_try) = (None, 0, None);
        }
        if hook.in_a_row.is_some_and(|errors| errors > 0) {
            // Some are failing right now: the span ends when the next one arrives.
            return;
        }
        // Of one that is seen for the first time, all that failed lately may have been missed.
        let failed = hook.errors.is_some_and(|errors| errors > self.errors.unwrap_or(0));
        let first = hook.registered_at.map(|at| at.max(now - LOOKS_BACK));
        let is_silent_sender = matches!((self.calls, hook.calls), (Some(before), Some(now)) if now >= before + 3)
            && !failed
            && !arrived
            && self.newest > 0;
        let unwatched = self.good_at.is_some_and(|at| now.duration_since(at) > UNWATCHED);
        let why = if failed {
            Some("deliveries failed")
        } else if unwatched {
            Some("nobody saw whether deliveries arrived")
        } else if is_silent_sender {
            Some("SuperOffice counts deliveries that did not arrive here")
        } else {
            None
        };
        if let (Some(why), Some(from)) = (why, self.good_at.or(first)) {
            orders.push(Order::Sweep { from: from - OVERLAP, until: now, why: why.to_owned() });
        }
        if is_silent_sender && self.is_test_due(TEST_AGAIN, now) {
            orders.push(Order::Test);
        }
        self.good_at = Some(now);
    }

    /// Learns when deliveries come, and looks into a silence that is unlikely.
    fn listen(
        &mut self,
        arrivals: Arrivals,
        arrived: bool,
        every: SignedDuration,
        now: Timestamp,
        orders: &mut Vec<Order>,
    ) {
        let heard = arrivals.at.max(self.silence_from);
        if let Some(from) = heard.filter(|_| !arrived) {
            let unlikely = self.rhythm.probability_of_silence(from, now, every) < UNLIKELY;
            if unlikely && self.is_test_due(TEST_AGAIN, now) {
                // The test tells whether the way is open; only reading the CRM tells whether there was nothing to say.
                orders.push(Order::Test);
                let why = "nothing arrived for an unusually long time".to_owned();
                orders.push(Order::Sweep { from: from - OVERLAP, until: now, why });
                self.silence_from = Some(now);
                return;
            }
        }
        self.rhythm.note(now, arrived);
        if self.is_test_due(TEST_EVERY, now) && !orders.contains(&Order::Test) {
            orders.push(Order::Test);
        }
    }

    fn is_test_due(&self, after: SignedDuration, now: Timestamp) -> bool {
        self.tested_at.is_none_or(|at| now.duration_since(at).abs() >= after)
    }

    /// Something is the matter. It is told when it was not known, not when it is only seen again.
    fn suffer(&mut self, kind: Kind, words: String, remedy: &str, now: Timestamp, orders: &mut Vec<Order>) {
        match &mut self.trouble {
            Some(trouble) if trouble.kind == kind => {}
            Some(trouble) => (trouble.kind, trouble.words) = (kind, words),
            None => {
                // What is switched on may be dead since the last proof that it is not.
                let proof = if kind == Kind::Dead { self.proved_at } else { None };
                let good = self.good_at.unwrap_or(now);
                let from = proof.map_or(good, |proof| proof.min(good)) - OVERLAP;
                self.trouble = Some(Trouble { kind, words: words.clone(), since: now, from });
                orders.push(Order::Alert { words, remedy: remedy.to_owned() });
            }
        }
    }

    fn order_rearm(&self, hook: &Hook, kind: Kind, rearm: Rearm, now: Timestamp, orders: &mut Vec<Order>) {
        let wanted = match (rearm, kind) {
            (Rearm::Errors, Kind::TooManyErrors) => true,
            (Rearm::Errors | Rearm::Never, _) => false,
            (Rearm::Always, _) => true,
        };
        // A clock that was set back must not keep it switched off.
        let is_due = self.next_try.is_none_or(|at| at <= now || at > now + HELD);
        if wanted && is_due {
            orders.push(Order::Rearm { id: hook.id, mend: rearm == Rearm::Always });
        }
    }

    fn recover(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        let Some(trouble) = self.trouble.take() else { return };
        let words = plain(&trouble.words).to_owned();
        orders.push(Order::Sweep { from: trouble.from, until: now, why: words.clone() });
        orders.push(Order::Recovered { words, since: trouble.since });
    }
}

/// The words without what was added to them.
fn plain(words: &str) -> &str {
    words.split(" (it was not").next().unwrap_or_default()
}

/// What is the matter with a webhook that is there.
fn ailment(hook: &Hook) -> Option<(Kind, String, &'static str)> {
    let (id, by) = (hook.id, hook.changed_by.as_deref());
    match hook.state {
        HookState::TooManyErrors => Some((
            Kind::TooManyErrors,
            format!("SuperOffice has switched webhook {id} off after too many failed deliveries"),
            "nothing, when it is switched on again by itself; else: so-connector webhook reactivate",
        )),
        HookState::Stopped => Some((
            Kind::Stopped,
            format!("webhook {id} was stopped{}", by.map(|by| format!(" by {by}")).unwrap_or_default()),
            "if that was no intention: so-connector webhook reactivate",
        )),
        HookState::Active | HookState::Unknown if !hook.amiss.is_empty() => Some((
            Kind::Amiss,
            format!("webhook {id} is not as it has to be: {}", hook.amiss.join("; ")),
            "put it right: so-connector webhook register",
        )),
        HookState::Active | HookState::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
