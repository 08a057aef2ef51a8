//! From the text of a `$filter` to its meaning: words, then conditions, then `and` before `or`.
//!
//! What is not understood is refused with a sentence; the vendor's own answer is not documented. Reading takes time in
//! proportion to the text; its length, its nesting and the number of its conditions are bounded.

use jiff::Timestamp;
use jiff::civil::Date;

use super::operator::{For, Operator, Values};
use super::period::{Period, Unit};
use super::{Filter, prepare};
use crate::answer::Answer;
use crate::clock::DateStyle;
use crate::routes::archive::columns::Column;
use crate::world::policy::Policy;

/// Longest filter, in bytes.
const LONGEST: usize = 1 << 20;

/// Most parentheses within each other.
const DEEPEST: usize = 64;

/// Most conditions.
const MOST: usize = 2000;

/// What the meaning of a filter depends on besides its text.
#[derive(Debug, Clone, Copy)]
pub(in crate::routes::archive) struct Settings<'a> {
    pub(in crate::routes::archive) policy: &'a Policy,
    pub(in crate::routes::archive) style: DateStyle,
    /// Who asks.
    pub(in crate::routes::archive) caller: i64,
    /// When.
    pub(in crate::routes::archive) now: Timestamp,
}

impl Settings<'_> {
    pub(super) fn today(&self) -> Date {
        self.style.day(self.now)
    }

    /// In which time zone a filter means its times.
    pub(super) fn times(&self) -> DateStyle {
        if self.policy.filter_times_are_local { DateStyle::base(self.policy) } else { self.style }
    }
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    Text(String),
    /// A bare word, such as `true`.
    Word(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Open,
    Close,
    Comma,
}

/// How columns are looked up while parsing.
type Lookup<'a> = &'a dyn Fn(&str) -> Result<Column, Answer>;

/// Reads a filter.
pub(in crate::routes::archive) fn parse(
    text: &str,
    column: Lookup<'_>,
    settings: &Settings<'_>,
) -> Result<Filter, Answer> {
    if text.len() > LONGEST {
        return Err(Answer::bad("The filter is too long"));
    }
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, conditions: 0, column, settings };
    let filter = reader.any()?;
    if reader.at < reader.tokens.len() {
        return Err(Answer::bad("The filter goes on after its end"));
    }
    Ok(filter)
}

fn tokens(text: &str) -> Result<Vec<Token>, Answer> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(&next) = rest.peek() {
        match next {
            ' ' | '\t' | '\n' | '\r' => drop(rest.next()),
            '(' | ')' | ',' => {
                rest.next();
                tokens.push(match next {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
            }
            '\'' => {
                rest.next();
                tokens.push(Token::Text(quoted(&mut rest)?));
            }
            _ => tokens.push(word(&mut rest)),
        }
    }
    Ok(tokens)
}

fn word(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Token {
    let mut word = String::new();
    while let Some(&c) = rest.peek() {
        // `category.(contact->category_idx).name`: the dot syntax has parentheses of its own.
        let joins = c == '(' && word.ends_with('.') || c == ')' && word.contains('(') && !word.contains(')');
        if " \t\r\n(),'".contains(c) && !joins {
            break;
        }
        word.push(c);
        rest.next();
    }
    // `inf` and `nan` are words here, whatever Rust thinks of them.
    let plain = word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    let number = plain.then(|| word.parse().ok()).flatten().filter(|number: &f64| number.is_finite());
    number.map_or(Token::Word(word), Token::Number)
}

/// The rest of a quoted text. A backslash takes the next character as it is; a doubled quote ends the text.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, Answer> {
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\'' => return Ok(text),
            '\\' => text.extend(rest.next()),
            c => text.push(c),
        }
    }
    Err(Answer::bad("A text in the filter is not closed"))
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    conditions: usize,
    column: Lookup<'a>,
    settings: &'a Settings<'a>,
}

impl Reader<'_> {
    fn any(&mut self) -> Result<Filter, Answer> {
        let mut parts = vec![self.all()?];
        while self.skip_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self) -> Result<Filter, Answer> {
        let mut parts = vec![self.one()?];
        while self.skip_word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self) -> Result<Filter, Answer> {
        match self.next() {
            Some(Token::Open) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(Answer::bad("The filter has too many parentheses within each other"));
                }
                let inner = self.any()?;
                self.expect(&Token::Close)?;
                self.depth -= 1;
                Ok(inner)
            }
            Some(Token::Word(word)) => {
                self.conditions += 1;
                if self.conditions > MOST {
                    return Err(Answer::bad("The filter has too many conditions"));
                }
                if self.tokens.get(self.at) == Some(&Token::Open) {
                    return self.function(&word);
                }
                self.condition(&word)
            }
            _ => Err(Answer::bad("The filter has no column where one should be")),
        }
    }

    fn condition(&mut self, column: &str) -> Result<Filter, Answer> {
        let column = (self.column)(column)?;
        let Some(Token::Word(word)) = self.next() else {
            return Err(Answer::bad(&format!("The filter has no operator after '{}'", column.asked)));
        };
        let (operator, values, takes) = if column.is_words() {
            // "The operator is ignored", says the vendor of the words of a free text search.
            (Operator::Is, Values::One, For::Texts)
        } else {
            let unknown = || Answer::bad(&format!("The operator '{word}' is not supported"));
            Operator::named(&word, self.settings.policy).ok_or_else(unknown)?
        };
        let literals = match values {
            Values::None => Vec::new(),
            Values::One => vec![self.literal()?],
            Values::List => self.list()?,
        };
        let test = prepare::condition(&column, &word, (operator, takes), &literals, self.settings)?;
        Ok(Filter::Is(column, test))
    }

    /// `startswith(name,'A')`, or `previous(updatedDate,3,month)`; `substringof` takes its arguments in either order.
    fn function(&mut self, name: &str) -> Result<Filter, Answer> {
        let arguments = self.list()?;
        let lower = name.to_ascii_lowercase();
        let no_column = || Answer::bad(&format!("The function '{name}' has no column"));
        if Period::is_function(&lower) {
            let (Some(Literal::Word(column)), Some(last)) = (arguments.first(), arguments.last()) else {
                return Err(no_column());
            };
            let count = match arguments.as_slice() {
                [_, _] => Some(None),
                [_, Literal::Number(count), _] => Some(Some(*count)),
                _ => None,
            };
            let period = count.and_then(|count| Period::function(&lower, count, Unit::named(&last.text())?));
            let period =
                period.ok_or_else(|| Answer::bad(&format!("The function '{name}' names no period")))?;
            let column = (self.column)(column)?;
            let what = (Operator::During(period), For::Ordered);
            if self.settings.policy.operators_by_type && !column.kind().is_date() {
                return Err(Answer::bad(&format!("The function '{name}' takes a date")));
            }
            let test = prepare::condition(&column, name, what, &[], self.settings)?;
            return Ok(Filter::Is(column, test));
        }
        let operator = Operator::of_function(name);
        let operator =
            operator.ok_or_else(|| Answer::bad(&format!("The function '{name}' is not supported")))?;
        let ([Literal::Word(column), value] | [value, Literal::Word(column)]) = arguments.as_slice() else {
            return Err(no_column());
        };
        let column = (self.column)(column)?;
        let value = std::slice::from_ref(value);
        let test = prepare::condition(&column, name, (operator, For::Texts), value, self.settings)?;
        Ok(Filter::Is(column, test))
    }

    fn list(&mut self) -> Result<Vec<Literal>, Answer> {
        self.expect(&Token::Open)?;
        let mut values = vec![self.literal()?];
        while self.tokens.get(self.at) == Some(&Token::Comma) {
            self.at += 1;
            values.push(self.literal()?);
        }
        self.expect(&Token::Close)?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, Answer> {
        match self.next() {
            Some(Token::Number(number)) => Ok(Literal::Number(number)),
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => Ok(Literal::Word(word)),
            _ => Err(Answer::bad("The filter has no value where one should be")),
        }
    }

    /// The next token; each is taken once.
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get_mut(self.at).map(|token| std::mem::replace(token, Token::Comma));
        self.at += 1;
        token
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Answer> {
        if self.next().as_ref() == Some(wanted) {
            Ok(())
        } else {
            Err(Answer::bad("The filter's parentheses do not match"))
        }
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let here =
            matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        if here {
            self.at += 1;
        }
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Filter, Answer> {
        let column = |name: &str| Column::plain(name).ok_or_else(|| Answer::bad(name));
        let policy = Policy { ge_and_le: true, ..Policy::default() };
        parse(
            text,
            &column,
            &Settings {
                policy: &policy,
                style: DateStyle::base(&policy),
                caller: 7,
                now: Timestamp::UNIX_EPOCH,
            },
        )
    }

    #[test]
    fn key_bounds_are_found_only_where_they_bind_every_row() {
        let bounds = |text| {
            let keys = read(text).unwrap().keys();
            (*keys.start(), *keys.end())
        };
        assert_eq!(bounds("contactId gt 7"), (7, i64::MAX));
        assert_eq!(bounds("name is 'a' and (contactId gt 7 and contactId gt 9)"), (9, i64::MAX));
        assert_eq!(bounds("contactId in (9, 4, 7) and contactId lt 8"), (4, 8));
        assert_eq!(bounds("contactId eq 5"), (5, 5));
        assert_eq!(bounds("contactId gt 7 or name is 'a'"), (i64::MIN, i64::MAX));
    }

    #[test]
    fn length_nesting_and_conditions_are_bounded() {
        let nested = |depth: usize| format!("{}contactId eq 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(read(&nested(DEEPEST)).is_ok());
        assert!(read(&nested(DEEPEST + 1)).is_err());
        assert!(read(&"(".repeat(LONGEST)).is_err());
        assert!(read(&" ".repeat(LONGEST + 1)).is_err());
        let many = |count: usize| vec!["contactId eq 1"; count].join(" or ");
        assert!(read(&many(MOST)).is_ok());
        assert!(read(&many(MOST + 1)).is_err());
    }

    const WORDS: &str = "(name|contactId|category|updatedDate|stop|is|gt|in|oneOf|between|set|thisWeek|after|and|or\
                         |this|next|startswith|\\(|\\)|,|'a'|'2026-1-1'|5|-1e999|true|month| ){0,24}";

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_stumble(text in ".{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn no_mixture_of_filter_words_makes_the_reader_stumble(words in WORDS) {
            let _ = read(&words);
        }
    }
}
