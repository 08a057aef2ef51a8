//! What this process is called among all that share a database.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

/// Host, process and a random part: in containers every process has the same number, and hosts can share a name.
pub fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host: String =
            host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(40).collect();
        let host = if host.is_empty() { "host" } else { &host };
        // Each state is seeded by the system.
        let random = RandomState::new().hash_one(std::process::id());
        format!("{host}-{}-{random:016x}", std::process::id())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_has_one_name() {
        assert_eq!(super::name(), super::name());
        assert!(super::name().contains(&std::process::id().to_string()));
    }
}
