//! The figures as lines while they come in, and as Markdown at the end.

use std::fmt::Write as _;

/// What a figure is held against.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    None,
}

impl Bar {
    fn is_met(self, figure: f64) -> Option<bool> {
        match self {
            Self::AtLeast(bar) => Some(figure >= bar),
            Self::AtMost(bar) => Some(figure <= bar),
            Self::None => None,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(bar) => format!("≥ {bar}"),
            Self::AtMost(bar) => format!("≤ {bar}"),
            Self::None => String::new(),
        }
    }
}

/// Everything that was found.
#[derive(Default)]
pub(crate) struct Report {
    rows: String,
    details: String,
    idle: Vec<f64>,
    short: usize,
}

impl Report {
    /// Notes one figure, and says whether it is good enough.
    pub(crate) fn figure(&mut self, what: &str, figure: f64, unit: &str, bar: Bar) {
        let met = bar.is_met(figure);
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "short",
            None => "",
        };
        self.short += usize::from(met == Some(false));
        let (shown, bar) = (number(figure), bar.words());
        println!("  {what}: {shown} {unit}  {bar} {verdict}");
        writeln!(self.rows, "| {what} | {shown} | {unit} | {bar} | {verdict} |")
            .expect("a string takes everything");
    }

    /// Adds a table or a sentence below the figures.
    pub(crate) fn detail(&mut self, text: &str) {
        println!("{text}");
        self.details.push_str(text);
        self.details.push('\n');
    }

    /// Notes how quiet the machine was before a measurement.
    pub(crate) fn idle(&mut self, share: f64) {
        self.idle.push(share);
    }

    /// The whole as Markdown.
    pub(crate) fn markdown(&self, head: &str) -> String {
        let mut idle = self.idle.clone();
        let quiet = idle.iter().filter(|share| **share > super::machine::QUIET).count();
        let least = idle.iter().copied().fold(1.0, f64::min);
        format!(
            "{head}\nIdle share of the processors before each of the {} measurements: median {:.0} %, least {:.0} %; \
             {quiet} of them were quiet (> 85 %).\n\n\
             | what | figure | unit | bar | |\n|---|---:|---|---|---|\n{}\n{}",
            self.idle.len(),
            median(&mut idle) * 100.0,
            least * 100.0,
            self.rows,
            self.details
        )
    }

    /// How many figures missed their bar.
    pub(crate) fn short(&self) -> usize {
        self.short
    }
}

/// A number with as many digits as make sense.
pub(crate) fn number(figure: f64) -> String {
    let size = figure.abs();
    if size >= 100.0 {
        let digits = format!("{figure:.0}");
        // Groups of three, because six digits in a row cannot be read.
        let head = digits.len() % 3;
        let mut text = digits[..head].to_owned();
        for group in digits.as_bytes()[head..].chunks(3) {
            if !text.is_empty() && text != "-" {
                text.push(' ');
            }
            text.push_str(&String::from_utf8_lossy(group));
        }
        text
    } else if size >= 10.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

/// The median; not a number when there is nothing.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    quantile(figures, 0.5)
}

/// The figure below which the given part of all lies.
pub(crate) fn quantile(figures: &mut [f64], part: f64) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    let Some(last) = figures.len().checked_sub(1) else { return f64::NAN };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
    let at = (last as f64 * part).ceil() as usize;
    figures[at.min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_to_be_read() {
        assert_eq!(number(50_595.4), "50 595");
        assert_eq!(number(123.0), "123");
        assert_eq!(number(0.567), "0.57");
        assert_eq!(number(15.14), "15.1");
    }

    #[test]
    fn a_missed_bar_is_short() {
        let mut report = Report::default();
        report.figure("a", 0.49, "", Bar::AtLeast(0.5));
        report.figure("b", 0.5, "", Bar::AtLeast(0.5));
        report.figure("c", f64::NAN, "", Bar::AtMost(1.0));
        assert_eq!(report.short(), 2);
        assert!(report.markdown("").contains("| a | 0.49 |  | ≥ 0.5 | short |"));
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!(median(&mut []).is_nan());
        assert!((quantile(&mut [1.0, 2.0, 3.0, 4.0], 0.99) - 4.0).abs() < 1e-9);
    }
}
