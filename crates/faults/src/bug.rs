//! Known defects that can be put back, to see whether the tests find them.

/// A defect that product code holds ready, switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Bug {
    /// A result is stored whoever holds the lease by now.
    LeaseWithoutFence,
}

impl Bug {
    /// All of them.
    pub const ALL: &[Self] = &[Self::LeaseWithoutFence];

    /// Its name on a command line and in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeaseWithoutFence => "lease-without-fence",
        }
    }
}

/// Whether a defect is there. Never, in the shipped program.
#[cfg(not(feature = "simulation"))]
#[inline]
pub const fn planted(_bug: Bug) -> bool {
    false
}

#[cfg(feature = "simulation")]
mod here {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether a defect is there, on this thread.
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Plants a defect for everything that this thread does from now on, or takes it away.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }
}

#[cfg(feature = "simulation")]
pub use here::{plant, planted};
