//! From bytes to text: byte order mark, then the header, then the page's own word, then a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Only so much of a page is searched for its own word on the encoding.
const PRESCAN: usize = 4096;

/// Decodes a page. Bytes that make no sense become replacement characters.
pub(crate) fn decode(bytes: &[u8], content_type: &str) -> String {
    let encoding = from_header(content_type).or_else(|| from_meta(bytes)).unwrap_or_else(|| guess(bytes));
    // `decode` lets a byte order mark win over what was found.
    encoding.decode(bytes).0.into_owned()
}

fn from_header(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    label(lower.split_once("charset=")?.1)
}

fn from_meta(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = bytes[..bytes.len().min(PRESCAN)].to_ascii_lowercase();
    let start = String::from_utf8_lossy(&start);
    let found = start.match_indices("charset").find_map(|(at, word)| {
        label(start[at + word.len()..].trim_start().strip_prefix('=')?.trim_start())
    })?;
    // A page whose declaration could be read as ASCII is not in UTF-16.
    Some(if found == UTF_16LE || found == UTF_16BE { UTF_8 } else { found })
}

fn label(rest: &str) -> Option<&'static Encoding> {
    let rest = rest.trim_start_matches(['"', '\'']);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':' | '.'));
    Encoding::for_label(&rest.as_bytes()[..end.unwrap_or(rest.len())])
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATIN: &[u8] = b"<meta charset=iso-8859-1><p>T\xfcren und Tore f\xfcr gro\xdfe Hallen";

    #[test]
    fn the_header_wins_over_the_page() {
        assert!(
            decode("<meta charset=latin1>Türen".as_bytes(), "text/html; charset=\"UTF-8\"").contains("Türen")
        );
    }

    #[test]
    fn the_page_wins_over_a_guess() {
        assert!(decode(LATIN, "text/html").contains("Türen und Tore für große"));
    }

    #[test]
    fn without_a_word_it_is_guessed() {
        assert!(decode(&LATIN[25..], "").contains("Türen"));
        assert!(decode("Türen für große Hallen".as_bytes(), "").contains("Türen"));
    }

    #[test]
    fn a_byte_order_mark_wins_over_everything() {
        let utf16 = b"\xff\xfeT\x00\xfc\x00r\x00";
        assert_eq!(decode(utf16, "text/html; charset=utf-8"), "Tür");
    }
}
