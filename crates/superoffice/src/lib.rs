//! SuperOffice CRM Online's API in types, and a client for it.
//!
//! The types are in [`api`], one endpoint family to a file, in the vendor's own shape; [`json`] reads them
//! tolerantly. [`webhook`], [`udf`], [`patch`] and [`odata`] hold what is not a plain record. The client (feature
//! `client`) sends the requests that the types describe. Nothing here knows what the data is used for.

pub mod api;
pub mod error;
pub mod json;
pub mod odata;
pub mod patch;
pub mod secret;
pub mod udf;
pub mod webhook;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "client")]
pub mod jwt;
#[cfg(feature = "client")]
pub mod private_key;

#[cfg(feature = "client")]
pub use client::{
    AssociateName, Associates, CallCount, Client, Concern, Config, ContactName, Credentials, InternalUser,
    Limits, Publishing, Shared, SharedToken, SignIn, SignedIn,
};
pub use error::{Error, RecordRef, Remedy};
#[cfg(feature = "client")]
pub use private_key::PrivateKey;
pub use secret::Secret;
