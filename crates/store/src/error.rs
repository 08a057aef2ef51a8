//! Why the store could not do what it was asked, by what the caller can do about it.

/// A failed storage method. Nothing of it has happened, unless a variant says otherwise.
///
/// Where the database is another machine's, the answer to a commit can be lost on the way. Then it is not known whether
/// it was done, which is [`Self::Unavailable`] as well. Every method may be asked again all the same; whoever swaps a
/// setting reads first what stands there now.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not take it just now, or did not say that it had. Try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// More waits to be written than is sensible. Try again later.
    #[error("the database is busy: {0} requests already wait")]
    Busy(usize),
    /// No space is left on the disk. Everything goes on by itself once there is.
    #[error("the disk is full")]
    Full,
    /// What is stored makes no sense.
    #[error("the database holds something that cannot be: {0}")]
    Inconsistent(String),
    /// The file cannot be used at all.
    #[error("{0}")]
    Unusable(String),
}

impl StoreError {
    /// Whether trying again later can help.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Busy(_) | Self::Full => true,
            Self::Inconsistent(_) | Self::Unusable(_) => false,
        }
    }
}
