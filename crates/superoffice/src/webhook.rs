//! Deliveries: what SuperOffice posts to a webhook's target. The body is read by [`Payload`], its signature checked
//! by [`Signature`]; the webhook itself, as a record, is in [`crate::api::webhook`].

mod payload;
mod signature;

pub use payload::{Payload, PayloadError};
pub use signature::Signature;

/// Headers of a delivery. HTTP does not care about their case, and the samples vary it.
pub mod header {
    /// The event's name.
    pub const EVENT: &str = "x-superoffice-event";
    /// The event's id. In some samples it differs from the body's, so the body's counts.
    pub const EVENT_ID: &str = "x-superoffice-eventid";
    /// How many times this delivery was tried before; may be missing.
    pub const RETRY: &str = "x-superoffice-retry";
    /// The signature; only when the webhook has a secret.
    pub const SIGNATURE: &str = "x-superoffice-signature";
    /// `true` on a test.
    pub const TEST: &str = "x-hook-test";
}
