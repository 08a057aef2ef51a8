//! A SuperOffice CRM Online in memory, over real HTTP, for demos and tests: sign-in, REST, webhooks and the websites
//! of its companies on one port, and `/_emulator` to look behind it and to let things go wrong.
//!
//! It follows the vendor's public documentation (docs.superoffice.com). Where that is silent, the choice has a name
//! and a default in [`Policy`]. It shares types with the `superoffice` crate, never its client.

mod answer;
mod clock;
mod control;
mod deliver;
mod emulator;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod language;
mod login;
mod mishap;
mod play;
mod routes;
mod serve;
mod sites;
pub mod story;
mod world;

pub use emulator::{Details, Emulator, Options, OtherApplication, StartError};
pub use superoffice::api::state::TenantState;

pub use mishap::{Kind, Mishap};
pub use play::Pace;
pub use world::accounts::{Account, AccountExpected, AccountPerson, AccountWrite};
pub use world::changes::{Author, FieldChange, Write};
pub use world::consent::Consent;
pub use world::contact::{Address, Contact, Element, Stamps};
pub use world::edit::{Edit, EditError};
pub use world::lists::{ListItem, Lists};
pub use world::person::Person;
pub use world::policy::{
    Approval, Audience, Closed, Denial, DisplayFlags, ErrorKey, Issuer, NextLink, Overlong, Policy,
    RedirectUris, SWITCHES, Switch, SystemUserRefusal, TokenRefusal, UnknownTenant, WideRows,
};
pub use world::served::RecordCall;
pub use world::tenant::{Change, Notice};
pub use world::udf::{Entity, FieldType, UdfField, UdfValue};
pub use world::webhook::{Attempt, Delivery, HookState, Outcome, Webhook};
pub use world::{Associate, Group, World};
