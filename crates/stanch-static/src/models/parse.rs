//! Text of expressions, conditions and effects to their values, by recursive descent.
use super::language::{Comparison, Condition, Effect, Expression, NewBlock};

/// Why a text of the language is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{text}`: expected {expected} at `{rest}`")]
pub struct TextError {
    text: String,
    expected: &'static str,
    rest: String,
}

/// Nesting beyond this is refused, so that no text overflows the stack.
const DEPTH_MAX: usize = 32;

/// Reads an expression.
///
/// # Errors
/// Where `text` is none.
pub(super) fn expression(text: &str) -> Result<Expression, TextError> {
    let mut parser = Parser::new(text);
    let expression = parser.sum()?;
    parser.end(expression)
}

/// Reads a comparison.
///
/// # Errors
/// Where `text` is none.
pub(super) fn condition(text: &str) -> Result<Condition, TextError> {
    let mut parser = Parser::new(text);
    let left = parser.sum()?;
    let comparison = parser.comparison()?;
    let right = parser.sum()?;
    parser.end(Condition { left, comparison, right })
}

/// Reads an effect.
///
/// # Errors
/// Where `text` is none.
pub(super) fn effect(text: &str) -> Result<Effect, TextError> {
    let mut parser = Parser::new(text);
    let effect = parser.effect()?;
    parser.end(effect)
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        Parser { text, rest: text.trim_start(), depth: 0 }
    }

    fn error<T>(&self, expected: &'static str) -> Result<T, TextError> {
        Err(TextError { text: self.text.to_owned(), expected, rest: self.rest.to_owned() })
    }

    fn end<T>(&self, value: T) -> Result<T, TextError> {
        if self.rest.is_empty() { Ok(value) } else { self.error("nothing more") }
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Result<(), TextError> {
        if self.take(token) { Ok(()) } else { self.error(expected) }
    }

    fn word(&mut self) -> &'a str {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
        let length = self.rest.find(|letter| !is_word(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest.trim_start();
        word
    }

    fn sum(&mut self) -> Result<Expression, TextError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.error("less nesting");
        }
        let mut sum = self.product()?;
        while self.take("+") {
            sum = Expression::Sum(Box::new(sum), Box::new(self.product()?));
        }
        self.depth -= 1;
        Ok(sum)
    }

    fn product(&mut self) -> Result<Expression, TextError> {
        let mut product = self.primary()?;
        while self.take("*") {
            product = Expression::Product(Box::new(product), Box::new(self.primary()?));
        }
        Ok(product)
    }

    fn primary(&mut self) -> Result<Expression, TextError> {
        if self.rest.len() < self.text.len() && self.depth > DEPTH_MAX {
            return self.error("less nesting");
        }
        if self.take("*") {
            self.depth += 1;
            let content = Expression::Content(Box::new(self.primary()?));
            self.depth -= 1;
            return Ok(content);
        }
        if self.take("(") {
            let inner = self.sum()?;
            self.expect(")", "`)`")?;
            return Ok(inner);
        }
        if self.rest.starts_with(|first: char| first == '-' || first == '.' || first.is_ascii_digit()) {
            return self.number_or_range();
        }
        self.named()
    }

    fn number_or_range(&mut self) -> Result<Expression, TextError> {
        let low = self.number()?;
        if !self.take("..") {
            return low.map_or_else(|| self.error("a number"), |number| Ok(Expression::Int(number)));
        }
        let high = self.number()?;
        Ok(Expression::Range(low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX)))
    }

    fn number(&mut self) -> Result<Option<i64>, TextError> {
        let sign = if self.rest.starts_with('-') { 1 } else { 0 };
        let digits = self.rest[sign..].find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len() - sign);
        if digits == 0 {
            return Ok(None);
        }
        let (text, rest) = self.rest.split_at(sign + digits);
        let Ok(number) = text.parse() else { return self.error("a number of 64 bits") };
        self.rest = rest.trim_start();
        Ok(Some(number))
    }

    fn named(&mut self) -> Result<Expression, TextError> {
        let before = self.rest;
        let word = self.word();
        match word {
            "null" => Ok(Expression::Int(0)),
            "any" => Ok(Expression::Any),
            "non_null" => Ok(Expression::NonNull),
            "rest" => Ok(Expression::Rest),
            "inside" => {
                let [inner] = self.arguments()?;
                Ok(Expression::Inside(Box::new(inner)))
            }
            "new" => {
                self.expect("(", "`(`")?;
                Ok(Expression::New(self.new_block()?))
            }
            "resize" => {
                self.expect("(", "`(`")?;
                let old = self.sum()?;
                self.expect(",", "`,`")?;
                Ok(Expression::Resize(Box::new(old), self.new_block()?))
            }
            "call" => {
                let mut all = self.list()?;
                if all.is_empty() {
                    return self.error("a function to call");
                }
                let function = all.remove(0);
                Ok(Expression::Call(Box::new(function), all))
            }
            _ => match word.strip_prefix("arg").and_then(|index| index.parse().ok()) {
                Some(index) => Ok(Expression::Argument(index)),
                None => {
                    self.rest = before;
                    self.error("a value")
                }
            },
        }
    }

    /// `family, size = expression, zero)`, the parenthesis before it taken already.
    fn new_block(&mut self) -> Result<NewBlock, TextError> {
        let family = self.word().to_owned();
        if family.is_empty() {
            return self.error("the name of a family");
        }
        let mut block = NewBlock { family, size: None, is_zero: false, or_null: false };
        while self.take(",") {
            match self.word() {
                "zero" => block.is_zero = true,
                "or_null" => block.or_null = true,
                "size" => {
                    self.expect("=", "`=`")?;
                    block.size = Some(Box::new(self.sum()?));
                }
                _ => return self.error("`size = …`, `zero` or `or_null`"),
            }
        }
        self.expect(")", "`,` or `)`")?;
        Ok(block)
    }

    fn list(&mut self) -> Result<Vec<Expression>, TextError> {
        self.expect("(", "`(`")?;
        let mut all = Vec::new();
        while !self.take(")") {
            if !all.is_empty() {
                self.expect(",", "`,` or `)`")?;
            }
            all.push(self.sum()?);
        }
        Ok(all)
    }

    fn arguments<const COUNT: usize>(&mut self) -> Result<[Expression; COUNT], TextError> {
        match self.list()?.try_into() {
            Ok(arguments) => Ok(arguments),
            Err(_) => self.error("another number of arguments before this"),
        }
    }

    fn comparison(&mut self) -> Result<Comparison, TextError> {
        const ALL: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        match ALL.into_iter().find(|(token, _)| self.rest.starts_with(token)) {
            Some((token, comparison)) => {
                self.take(token);
                Ok(comparison)
            }
            None => self.error("a comparison"),
        }
    }

    fn effect(&mut self) -> Result<Effect, TextError> {
        if self.take("*") {
            let address = self.primary()?;
            self.expect("=", "`=`")?;
            return Ok(Effect::Store { address, value: self.sum()? });
        }
        let before = self.rest;
        match self.word() {
            "release" => {
                self.expect("(", "`(`")?;
                let value = self.sum()?;
                self.expect(",", "`,`")?;
                let family = self.word().to_owned();
                self.expect(")", "`)`")?;
                Ok(Effect::Release { value, family })
            }
            "keep" => match self.list()?.as_slice() {
                [value] => Ok(Effect::Keep { value: value.clone(), holder: None }),
                [value, holder] => Ok(Effect::Keep { value: value.clone(), holder: Some(holder.clone()) }),
                _ => self.error("one or two arguments before this"),
            },
            "write" => match self.list()?.as_slice() {
                [address] => Ok(Effect::Write { address: address.clone(), size: None }),
                [address, size] => Ok(Effect::Write { address: address.clone(), size: Some(size.clone()) }),
                _ => self.error("one or two arguments before this"),
            },
            "zero" => {
                let [address, size] = self.arguments()?;
                Ok(Effect::Zero { address, size })
            }
            "copy" => match self.list()?.as_slice() {
                [to, from] => Ok(Effect::Copy { to: to.clone(), from: from.clone(), size: None }),
                [to, from, size] => Ok(Effect::Copy { to: to.clone(), from: from.clone(), size: Some(size.clone()) }),
                _ => self.error("two or three arguments before this"),
            },
            "call" => {
                self.rest = before;
                Ok(Effect::Call(self.named()?))
            }
            _ => {
                self.rest = before;
                self.error("an effect")
            }
        }
    }
}
