//! One webhook delivery as SuperOffice sends it (docs.superoffice.com, "Webhook notification"), as bytes in which only
//! the event's id and the record's number change.

use std::net::SocketAddr;

/// The tenant that deliveries are for.
pub(crate) const TENANT: &str = "Cust12345";

const NO_ID: &str = "00000000-0000-4000-8000-000000000000";
/// All numbers have so many digits, so that a body's length never changes.
const NO_NUMBER: &str = "1000000000";

/// A request whose body can be given another event.
pub(crate) struct Template {
    bytes: Vec<u8>,
    ids: Vec<usize>,
    numbers: Vec<usize>,
}

impl Template {
    /// A delivery to `path`.
    pub(crate) fn new(path: &str, address: SocketAddr, token: &str) -> Self {
        let body = format!(
            r#"{{"EventId":"{NO_ID}","Timestamp":"2026-05-14T10:48:07.8912039Z","Changes":["contact_id","updated_associate_id","soundEx","updated","name","updatedCount"],"Event":"contact.changed","PrimaryKey":{NO_NUMBER},"Entity":"contact","ContextIdentifier":"{TENANT}","ChangedByAssociateId":5,"WebhookName":"SuperOffice Connector","FieldValues":{{"activeInterests":0,"associate_id":12,"business_idx":2,"category_idx":4,"country_id":826,"deleted":0,"DeletedDate":"0001-01-01T00:00:00","registered":"2020-02-16T17:50:17","registered_associate_id":5,"source":0,"updated":"2026-05-14T10:48:07.8912039+02:00","userdef2_id":0,"userdef_id":22}}}}"#
        );
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json; charset=utf-8\r\n\
             User-Agent: NetServer-Webhook/12.1.0.0\r\nX-SuperOffice-Event: contact.changed\r\n\
             X-SuperOffice-EventId: {NO_ID}\r\nX-SuperOffice-Retry: 0\r\nX-Webhook-Token: {token}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let ids = text.match_indices(NO_ID).map(|(at, _)| at).collect();
        let numbers = text.match_indices(NO_NUMBER).map(|(at, _)| at).collect();
        Self { bytes: text.into_bytes(), ids, numbers }
    }

    /// The request.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes it the delivery with this number: a random-looking id, and a record of its own.
    pub(crate) fn number(&mut self, number: u64) {
        let (high, low) = (scatter(number), scatter(!number));
        let hex = b"0123456789abcdef";
        for &start in &self.ids {
            let id = &mut self.bytes[start..start + NO_ID.len()];
            let digits =
                id.iter_mut().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 14 | 18 | 19 | 23));
            for (at, (_, digit)) in digits.enumerate() {
                let half = if at < 15 { high } else { low };
                *digit = hex[((half >> (at % 15 * 4)) & 15) as usize];
            }
        }
        for &start in &self.numbers {
            let mut rest = number;
            for digit in self.bytes[start + 1..start + NO_NUMBER.len()].iter_mut().rev() {
                *digit = hex[(rest % 10) as usize];
                rest /= 10;
            }
        }
    }
}

/// Neighbouring numbers far apart, each number to another one.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn body(template: &Template) -> serde_json::Value {
        let text = std::str::from_utf8(template.bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn each_number_makes_another_event_of_another_record() {
        let mut template = Template::new("/x", "127.0.0.1:1".parse().unwrap(), "t");
        let mut ids = BTreeSet::new();
        for number in 0..2000 {
            template.number(number);
            let body = body(&template);
            assert_eq!(body["PrimaryKey"], 1_000_000_000 + number);
            ids.insert(body["EventId"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 2000);
    }

    #[test]
    fn the_body_is_about_as_large_as_a_real_one() {
        let template = Template::new("/x", "127.0.0.1:1".parse().unwrap(), "t");
        let length = body(&template).to_string().len();
        assert!((550..750).contains(&length), "{length}");
    }
}
