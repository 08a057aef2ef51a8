//! A door for `fuzz/` to a reader that is private. Nobody else uses it, and it promises nothing.

use bytes::Bytes;
use connector_store::inbox::Delivery;
use jiff::Timestamp;

use crate::webhook::read::{self, Read};

/// Reads a body as one that was sent for a tenant; nothing when it is only a test.
pub fn delivery(body: Bytes) -> Option<Delivery> {
    match read::delivery(&"Cust12345".into(), body, Timestamp::UNIX_EPOCH) {
        Read::Test => None,
        Read::Delivery(delivery) => Some(*delivery),
    }
}
