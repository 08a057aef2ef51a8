//! Whether a request was addressed to this machine by one of its own names.
//!
//! There are no logins, so being reachable from this machine alone is what protects pages and API. A foreign site can
//! let its own name point here (DNS rebinding), and a browser then takes us for that site; but it still sends the
//! foreign name in `Host`. Any port will do, because a tunnel may end on another one.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::HOST;

/// Whether the one `Host` is a loopback address, `localhost`, or a name below `localhost`.
pub(crate) fn is_meant(headers: &HeaderMap) -> bool {
    host(headers).is_some_and(|host| is_ours(split(host).0))
}

/// Where the same page is answered, as far as the request tells the port.
pub(crate) fn address(headers: &HeaderMap) -> String {
    let port = host(headers).map_or("", |host| split(host).1);
    format!("http://127.0.0.1:{}/", if port.is_empty() { "PORT" } else { port })
}

fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None | Some(_), _) => None,
    }
}

/// The name and the port; what does not end in a port is all name.
fn split(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        Some(_) | None => (host, ""),
    }
}

fn is_ours(name: &str) -> bool {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(ip) = bare.unwrap_or(name).parse::<IpAddr>() {
        return ip.is_loopback() && ip.is_ipv6() == bare.is_some();
    }
    let mut labels = name.rsplit('.');
    labels.next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
        && labels.all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(hosts: &[&str]) -> HeaderMap {
        hosts.iter().map(|host| (HOST, host.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_ours() {
        for ours in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.8.9.1:1",
            "[::1]",
            "[::1]:8080",
            "localhost",
            "LocalHost:9",
            "connector.localhost:8080",
            "a.b-c.localhost",
        ] {
            assert!(is_meant(&hosts(&[ours])), "{ours}");
        }
        for foreign in [
            "",
            ":8080",
            "desk.example",
            "desk.example:8080",
            "127.0.0.1.desk.example",
            "localhost.desk.example:8080",
            "notlocalhost",
            ".localhost",
            "a@localhost",
            "desk.example#.localhost",
            "desk.example/.localhost",
            "localhost:8080:x",
            "0.0.0.0:8080",
            "192.168.1.20:8080",
            "10.0.0.1",
            "[::]:8080",
            "[fe80::1]",
            "[127.0.0.1]",
            "::1",
            "2130706433",
        ] {
            assert!(!is_meant(&hosts(&[foreign])), "{foreign}");
        }
        assert!(!is_meant(&hosts(&[])));
        assert!(!is_meant(&hosts(&["localhost", "desk.example"])));
    }

    #[test]
    fn the_address_to_open_has_the_port_that_was_asked_for() {
        assert_eq!(address(&hosts(&["desk.example:8080"])), "http://127.0.0.1:8080/");
        assert_eq!(address(&hosts(&["desk.example"])), "http://127.0.0.1:PORT/");
        assert_eq!(address(&hosts(&["desk.example:<b>"])), "http://127.0.0.1:PORT/");
        assert_eq!(address(&hosts(&[])), "http://127.0.0.1:PORT/");
    }
}
