//! From the text of a `$filter` to its meaning: words, then conditions, then `and` before `or`.
//!
//! What is not understood is refused with 400 and a sentence; the vendor's own answer is not documented.

use super::super::columns::Column;
use super::{Filter, Literal, Operator};
use crate::answer::Answer;
use crate::world::policy::Policy;

impl Operator {
    /// By word. How many values follow: none, one, or a list in parentheses.
    fn named(word: &str, policy: &Policy) -> Option<(Self, Values)> {
        let found = match word.to_ascii_lowercase().as_str() {
            "eq" | "=" | "equals" | "is" | "set" => (Self::Equal, Values::One),
            "ne" | "unequals" | "isnot" | "<>" => (Self::Unequal, Values::One),
            "lt" | "less" | "<" => (Self::Less, Values::One),
            "gt" | "greater" | ">" => (Self::Greater, Values::One),
            "le" | "<=" if policy.ge_and_le => (Self::LessOrEqual, Values::One),
            "ge" | ">=" if policy.ge_and_le => (Self::GreaterOrEqual, Values::One),
            "between" | "datebetween" => (Self::Between, Values::List),
            "in" | "oneof" | "associateisoneof" => (Self::OneOf, Values::List),
            "notoneof" | "associateisnotoneof" => (Self::NotOneOf, Values::List),
            "begins" => (Self::Begins, Values::One),
            "contains" => (Self::Contains, Values::One),
            "notbegins" => (Self::NotBegins, Values::One),
            "notcontains" => (Self::NotContains, Values::One),
            "before" => (Self::BeforeDay, Values::One),
            "date" => (Self::OnDay, Values::One),
            "after" => (Self::AfterDay, Values::One),
            "beforeorequal" => (Self::UpToDay, Values::One),
            "beforetime" => (Self::BeforeTime, Values::One),
            "aftertime" => (Self::AfterTime, Values::One),
            "today" => (Self::Today, Values::None),
            "currentassociate" => (Self::CurrentAssociate, Values::None),
            _ => return None,
        };
        Some(found)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    None,
    One,
    List,
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
    policy: &Policy,
) -> Result<Filter, Answer> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, column, policy };
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
            _ => {
                let mut word = String::new();
                while let Some(&c) = rest.peek()
                    && !" \t\r\n(),'".contains(c)
                {
                    word.push(c);
                    rest.next();
                }
                // `inf` and `nan` are words here, whatever Rust thinks of them.
                let number =
                    word.starts_with(|c: char| c.is_ascii_digit() || c == '-').then(|| word.parse().ok());
                tokens.push(number.flatten().map_or(Token::Word(word), Token::Number));
            }
        }
    }
    Ok(tokens)
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
    column: Lookup<'a>,
    policy: &'a Policy,
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
                let inner = self.any()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if self.tokens.get(self.at) == Some(&Token::Open) => self.function(&word),
            Some(Token::Word(word)) => self.condition(&word),
            _ => Err(Answer::bad("The filter has no column where one should be")),
        }
    }

    fn condition(&mut self, column: &str) -> Result<Filter, Answer> {
        let column = (self.column)(column)?;
        let Some(Token::Word(word)) = self.next() else {
            return Err(Answer::bad(&format!("The filter has no operator after '{}'", column.asked)));
        };
        let unknown = || Answer::bad(&format!("The operator '{word}' is not supported"));
        let (operator, values) = Operator::named(&word, self.policy).ok_or_else(unknown)?;
        let literals = match values {
            Values::None => Vec::new(),
            Values::One => vec![self.literal()?],
            Values::List => self.list()?,
        };
        if operator == Operator::Between && literals.len() != 2 {
            return Err(Answer::bad("The operator 'between' takes two values"));
        }
        Ok(Filter::Is(column, operator, literals))
    }

    /// `startswith(name,'A')`; `substringof` takes its arguments in either order.
    fn function(&mut self, name: &str) -> Result<Filter, Answer> {
        let operator = match name.to_ascii_lowercase().as_str() {
            "startswith" => Operator::Begins,
            "endswith" => Operator::Ends,
            "substringof" => Operator::Contains,
            _ => return Err(Answer::bad(&format!("The function '{name}' is not supported"))),
        };
        self.expect(&Token::Open)?;
        let first = self.literal()?;
        self.expect(&Token::Comma)?;
        let second = self.literal()?;
        self.expect(&Token::Close)?;
        let ((Literal::Word(column), value) | (value, Literal::Word(column))) = (first, second) else {
            return Err(Answer::bad(&format!("The function '{name}' has no column")));
        };
        Ok(Filter::Is((self.column)(&column)?, operator, vec![value]))
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

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
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
        parse(text, &column, &Policy::default())
    }

    #[test]
    fn a_key_bound_is_found_only_where_it_binds_every_row() {
        let bound = |text| read(text).unwrap().lower_bound();
        assert_eq!(bound("contactId gt 7"), Some(7));
        assert_eq!(bound("name is 'a' and (contactId gt 7 and contactId gt 9)"), Some(9));
        assert_eq!(bound("contactId gt 7 or name is 'a'"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_stumble(text in ".{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn no_mixture_of_filter_words_makes_the_reader_stumble(words in "(name|contactId|is|gt|in|and|or|\\(|\\)|,|'a'|5| ){0,20}") {
            let _ = read(&words);
        }
    }
}
