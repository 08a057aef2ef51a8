use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Answers with one list after the other, the last one for ever.
struct Scripted {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Scripted {
    async fn lookup(&self, _name: &str) -> std::io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Ok(self.answers[turn].iter().map(|ip| ip.parse().unwrap()).collect())
    }
}

fn guard(allow: &str, answers: &[&[&'static str]]) -> Guard {
    let answers = answers.iter().map(|answer| answer.to_vec()).collect();
    Guard::new(Allow::parse(allow).unwrap(), Arc::new(Scripted { answers, asked: AtomicUsize::new(0) }))
}

/// What must never be requested, whatever it resolves to.
const FORBIDDEN: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://127.0.0.1.:80/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",
    "http://%31%32%37.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://168.63.129.16/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.0.1/",
    "http://192.168.1.254:80/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[100::1]/",
    "http://[2001::1]/",
    "http://[2001:10::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[3fff::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://firm.localhost/",
    "http://router/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://wiki.intranet/",
    "http://nas.lan/",
    "http://nas.home.arpa/",
    "http://firm.example/",
    "https://firm.test/",
    "http://firm.de:8080/",
    "https://firm.de:22/",
    "http://9.9.9.9:6379/",
    "http://user@firm.de/",
    "http://user:secret@firm.de/",
    "http://firm.de@127.0.0.1/",
    "ftp://firm.de/",
    "file:///etc/passwd",
    "gopher://firm.de/",
    "data:text/html,hello",
    "javascript:alert(1)",
];

#[test]
fn nothing_but_the_public_web_is_requested() {
    let guard = guard("", &[&["9.9.9.9"]]);
    let let_through: Vec<&str> = FORBIDDEN
        .iter()
        .copied()
        .filter(|url| Url::parse(url).is_ok_and(|url| guard.check(&url).is_ok()))
        .collect();
    assert!(let_through.is_empty(), "{let_through:#?}");
    assert!(FORBIDDEN.len() >= 60);
}

#[test]
fn the_public_web_is_requested() {
    let guard = guard("", &[&["9.9.9.9"]]);
    for url in [
        "https://firm.de/",
        "http://www.firm.co.uk/about?x=1",
        "http://firm.de:80/",
        "https://firm.de:443/",
        "http://9.9.9.9/",
        "http://172.32.0.1/",
        "http://100.128.0.1/",
        "http://[2606:4700::1111]/",
        "https://müller-metallbau.de/",
    ] {
        assert_eq!(guard.check(&Url::parse(url).unwrap()), Ok(()), "{url}");
    }
}

#[tokio::test]
async fn one_forbidden_address_spoils_the_whole_answer() {
    for answer in [
        &["127.0.0.1"][..],
        &["9.9.9.9", "10.0.0.1"],
        &["2606:4700::1111", "::ffff:10.0.0.1"],
        &["fd00::1"],
        &["169.254.169.254"],
    ] {
        assert!(guard("", &[answer]).resolve_name("firm.de").await.is_err(), "{answer:?}");
    }
    let good = guard("", &[&["9.9.9.9", "2606:4700::1111"]]).resolve_name("firm.de").await;
    assert_eq!(good.unwrap().len(), 2);
    assert!(guard("", &[&[]]).resolve_name("firm.de").await.unwrap_err().0.contains("not known"));
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused_when_it_does() {
    let guard = guard("", &[&["9.9.9.9"], &["127.0.0.1"]]);
    assert_eq!(guard.resolve_name("firm.de").await, Ok(vec!["9.9.9.9".parse().unwrap()]));
    assert!(guard.resolve_name("firm.de").await.is_err());
}

#[tokio::test]
async fn what_the_operator_allows_is_let_through_and_no_more() {
    let url = |text: &str| Url::parse(text).unwrap();
    let some = guard("http://127.0.0.1:8390/, intranet.example", &[&["10.0.0.5"]]);
    assert!(some.check(&url("http://127.0.0.1:8390/x")).is_ok());
    assert!(some.check(&url("http://firm.localhost:8390/")).is_ok());
    assert!(some.check(&url("http://127.0.0.1:22/")).is_err());
    assert!(some.check(&url("http://firm.localhost/")).is_err());
    assert!(some.check(&url("http://intranet.example:8080/")).is_ok());
    assert!(some.check(&url("http://[::ffff:127.0.0.1]:8390/")).is_err());
    assert_eq!(some.resolve_name("firm.localhost").await, Ok(vec![LOOPBACK]));
    assert!(some.resolve_name("intranet.example").await.is_ok());
    // Another name that leads to an allowed address does not inherit its port, so it stays outside.
    assert!(guard("127.0.0.1:8390", &[&["127.0.0.1"]]).resolve_name("firm.de").await.is_err());
}

#[tokio::test]
async fn names_of_this_machine_are_never_looked_up() {
    let guard = guard("", &[&["9.9.9.9"]]);
    for name in ["localhost", "firm.localhost", "FIRM.LOCALHOST.", "router", "nas.local"] {
        assert!(guard.resolve_name(name).await.is_err(), "{name}");
    }
}
