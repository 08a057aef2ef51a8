//! Who may look behind the curtain: callers that name this machine. A page in a browser on this machine reaches the
//! port too, from a site of its own or by a name that was made to point here, so connections from this machine are not
//! proof enough. The password that control routes do not have is replaced by no more than this.

use std::net::IpAddr;

use http::header::ORIGIN;
use http::uri::Authority;
use url::Url;

use crate::answer::{Answer, Call};

/// Why a call is not answered, if it is not.
pub(crate) fn objection(call: &Call, local: bool) -> Option<Answer> {
    if !local {
        return Some(refusal("The control routes answer on this machine only"));
    }
    if !call.host.parse::<Authority>().is_ok_and(|authority| is_here(authority.host())) {
        return Some(refusal("The control routes answer to localhost and to loopback addresses only"));
    }
    let from_here = |origin: &http::HeaderValue| {
        let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
        origin.is_some_and(|origin| origin.host_str().is_some_and(is_here))
    };
    if !call.headers.get_all(ORIGIN).iter().all(from_here) {
        return Some(refusal("The control routes do not answer pages of other sites"));
    }
    None
}

fn refusal(words: &'static str) -> Answer {
    Answer::page(403, "text/plain", words)
}

/// Whether a host is this machine: a loopback address, `localhost`, or a name below it.
fn is_here(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = address.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn only_loopback_and_localhost_are_here() {
        for host in ["localhost", "LocalHost", "shop.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::1"] {
            assert!(is_here(host), "{host}");
        }
        let others =
            ["", "crm.example", "localhost.example", "notlocalhost", "127.0.0.1.example", "10.0.0.1"];
        for host in others {
            assert!(!is_here(host), "{host}");
        }
    }
}
