//! What the company does, in its own sentences, as many as fit.

use connector_domain::profile::Claim;
use connector_domain::text::units;

use super::exhibits::Exhibits;
use super::sentence::Sentence;

/// A sentence that says less than this is no good summary.
const GOOD: f64 = 3.0;
/// Without a good sentence one like this is better than none.
const LEAST: f64 = 1.0;

/// Writes the summary: the sentence that says most, and others while there is room, in the order of the site.
pub(super) fn write(sentences: &[Sentence], room: usize, exhibits: &mut Exhibits) -> Option<Claim> {
    let at_least = |worth: f64| -> Vec<usize> {
        (0..sentences.len()).filter(|at| sentences[*at].says >= worth).collect()
    };
    let good = at_least(GOOD);
    let mut order = if good.is_empty() { at_least(LEAST) } else { good };
    order.sort_by(|a, b| sentences[*b].says.total_cmp(&sentences[*a].says).then(a.cmp(b)));
    let mut chosen: Vec<usize> = Vec::new();
    let mut length = 0;
    for at in order {
        let longer = units(sentences[at].text) + usize::from(length > 0);
        let alike = chosen.iter().any(|other| is_alike(sentences[*other].text, sentences[at].text));
        if length + longer <= room && !alike {
            length += longer;
            chosen.push(at);
        }
    }
    // The best one first, because a reader may read no further; then as on the site.
    let (first, rest) = chosen.split_first_mut()?;
    rest.sort_unstable();
    let ordered: Vec<&Sentence> =
        std::iter::once(&*first).chain(rest.iter()).map(|at| &sentences[*at]).collect();
    let text = ordered.iter().map(|sentence| sentence.text).collect::<Vec<_>>().join(" ");
    let mut cites: Vec<String> = Vec::new();
    for sentence in ordered {
        let id = exhibits.cite(sentence.place, sentence.text);
        if !cites.contains(&id) {
            cites.push(id);
        }
    }
    Some(Claim { text, cites })
}

/// Whether two sentences say much the same: more than half of the longer words of one are in the other.
fn is_alike(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 4);
        words.map(str::to_lowercase).collect()
    };
    let (a, b) = (words(a), words(b));
    let (few, many) = if a.len() < b.len() { (&a, &b) } else { (&b, &a) };
    let shared = few.iter().filter(|word| many.contains(word)).count();
    !few.is_empty() && shared * 2 > few.len()
}
