//! Words of the query language.

use crate::company::faults::Fault;

/// Where a token begins, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// As written.
    pub(super) image: String,
    pub(super) at: Position,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A reserved word, in lower case.
    Keyword(&'static str),
    Identifier,
    /// The text between the quotes, without escapes.
    Text(String),
    Number,
    /// `*`, `,`, `(`, `)` or a comparison.
    Symbol(&'static str),
    End,
}

const KEYWORDS: &[&str] = &[
    "and",
    "asc",
    "by",
    "count",
    "desc",
    "false",
    "from",
    "in",
    "iterator",
    "like",
    "maxresults",
    "null",
    "or",
    "order",
    "orderby",
    "select",
    "startposition",
    "true",
    "where",
];

const SYMBOLS: &[&str] = &["<=", ">=", "<", ">", "=", "*", ",", "(", ")"];

impl TokenKind {
    /// The kind as the parser's messages spell it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Keyword(word @ ("and" | "or" | "in" | "like")) => format!("<{}>", word.to_uppercase()),
            Self::Keyword(word) => format!("\"{word}\""),
            Self::Identifier => "<IDENTIFIER>".to_owned(),
            Self::Text(_) => "<STRING>".to_owned(),
            Self::Number => "<NUMBER>".to_owned(),
            Self::Symbol(symbol) => format!("\"{symbol}\""),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

/// Splits a statement into tokens; the last one is the end.
pub(super) fn tokens(statement: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { rest: statement, at: Position { line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let ended = token.kind == TokenKind::End;
        tokens.push(token);
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    at: Position,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Token, Fault> {
        let blank = self.rest.len() - self.rest.trim_start().len();
        self.take(blank);
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token { kind: TokenKind::End, image: String::new(), at: self.at });
        };
        if first == '\'' {
            return self.text();
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest.starts_with(*symbol)) {
            return Ok(self.token(symbol.len(), |_| TokenKind::Symbol(symbol)));
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let digits = self.rest.strip_prefix('-').unwrap_or(self.rest);
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            let sign = self.rest.len() - digits.len();
            let length = digits.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(digits.len());
            return Ok(self.token(sign + length, |_| TokenKind::Number));
        }
        if first.is_alphabetic() || first == '_' {
            let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            return Ok(self.token(length, word));
        }
        Err(self.lexical_error(first, ""))
    }

    /// A text in single quotes, where a backslash takes the next character as it is.
    fn text(&mut self) -> Result<Token, Fault> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((position, character)) = characters.next() {
            match character {
                '\'' => return Ok(self.token(position + 1, |_| TokenKind::Text(text))),
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                _ => text.push(character),
            }
        }
        let so_far = self.rest.to_owned();
        self.take(so_far.len());
        let Position { line, column } = self.at;
        Err(Fault::query_syntax(&format!(
            "Invalid content. Lexical error at line {line}, column {column}. Encountered: <EOF> after : \"{so_far}\""
        )))
    }

    fn token(&mut self, length: usize, kind: impl FnOnce(&str) -> TokenKind) -> Token {
        let at = self.at;
        let image = self.rest[..length].to_owned();
        self.take(length);
        Token { kind: kind(&image), image, at }
    }

    fn take(&mut self, length: usize) {
        for character in self.rest[..length].chars() {
            if character == '\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.rest = &self.rest[length..];
    }

    fn lexical_error(&self, character: char, after: &str) -> Fault {
        let Position { line, column } = self.at;
        let shown = if character.is_ascii() && !character.is_ascii_control() {
            character.to_string()
        } else {
            format!("\\u{:04x}", u32::from(character))
        };
        Fault::query_syntax(&format!(
            "Invalid content. Lexical error at line {line}, column {column}. Encountered: \"{shown}\" ({}), \
             after : \"{after}\"",
            u32::from(character)
        ))
    }
}

fn word(image: &str) -> TokenKind {
    match KEYWORDS.iter().find(|keyword| keyword.eq_ignore_ascii_case(image)) {
        Some(keyword) => TokenKind::Keyword(keyword),
        None => TokenKind::Identifier,
    }
}
