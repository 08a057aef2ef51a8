//! Named places at which a process can be told to die.

/// A place in the product where a crash would hurt most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Point {
    /// An intent is on disk; its request has not left.
    IntentStored,
}

impl Point {
    /// All of them.
    pub const ALL: &[Self] = &[Self::IntentStored];

    /// Its name in `SO_CONNECTOR_FAILPOINTS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IntentStored => "intent-stored",
        }
    }
}

/// Passes a place. Does nothing, in the shipped program.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn reach(_point: Point) {}

#[cfg(feature = "failpoints")]
mod here {
    use std::collections::BTreeMap;
    use std::sync::{LazyLock, Mutex};

    use super::Point;

    /// The environment variable that says what happens where: `intent-stored=abort@2`, several with commas.
    pub const VARIABLE: &str = "SO_CONNECTOR_FAILPOINTS";

    /// At which passing each place ends the process.
    static FATAL: LazyLock<BTreeMap<String, u64>> = LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "only test builds have this, and it is no configuration"
        )]
        let told = std::env::var(VARIABLE).unwrap_or_default();
        told.split(',').filter_map(read).collect()
    });
    static PASSED: Mutex<BTreeMap<Point, u64>> = Mutex::new(BTreeMap::new());

    fn read(told: &str) -> Option<(String, u64)> {
        let (name, action) = told.trim().split_once('=')?;
        let nth = action.strip_prefix("abort@")?.parse().ok()?;
        Some((name.to_owned(), nth))
    }

    /// Passes a place, and dies there if the environment says so: at once, as by `kill -9`.
    pub fn reach(point: Point) {
        let Some(nth) = FATAL.get(point.name()) else { return };
        let mut passed = PASSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = passed.entry(point).or_default();
        *count += 1;
        if count == nth {
            // Unlike a panic or an exit it runs nothing on its way, and no buffer is flushed.
            std::process::abort();
        }
    }
}

#[cfg(feature = "failpoints")]
pub use here::{VARIABLE, reach};
