//! What the stories stand on: a running product, deliveries to it, and a look at what it did to the CRM.

mod cluster;
mod delivery;
mod ledger;
mod load;
mod product;
mod program;
mod strace;
mod tally;
mod turns;
mod wait;

pub(crate) use cluster::{Cluster, url};
pub(crate) use delivery::Delivery;
pub(crate) use ledger::Ledger;
pub(crate) use load::{COMPANIES, Load, assert_everything_held};
pub(crate) use product::{Product, Setup, TOKEN};
pub(crate) use program::{Ran, only_document, run, terminate};
pub(crate) use strace::{Fault, may_attach, may_trace};
pub(crate) use tally::{leave_out, seed, tell, wanted};
pub(crate) use turns::assert_one_at_a_time;
pub(crate) use wait::{SOON, until};

/// The tenant that the emulator plays.
pub(crate) const TENANT: &str = "Cust10001";
/// An associate in scope, and one that is not.
pub(crate) const INSIDER: i64 = 11;
/// See [`INSIDER`].
pub(crate) const OUTSIDER: i64 = 21;
/// The associate that the product signs in as.
pub(crate) const API_USER: i64 = 7;
