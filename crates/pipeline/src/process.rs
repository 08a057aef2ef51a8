//! What this process is called among all that share a database.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

/// Host, process and [`id`]: in containers every process has the same number, and hosts can share a name.
pub fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host: String =
            host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(40).collect();
        let host = if host.is_empty() { "host" } else { &host };
        format!("{host}-{}-{}", std::process::id(), id())
    })
}

/// A random part alone, for those who are to tell processes apart and need not know where they run.
pub fn id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        // Each state is seeded by the system.
        format!("{:016x}", RandomState::new().hash_one(std::process::id()))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_has_one_name() {
        assert_eq!(super::name(), super::name());
        assert!(super::name().contains(&std::process::id().to_string()));
    }

    #[test]
    fn the_name_ends_with_what_others_are_told() {
        assert!(super::name().ends_with(&format!("-{}", super::id())));
        assert!(super::id().chars().all(|c| c.is_ascii_hexdigit()));
    }
}
