//! The grammar of the query language. Intuit: Data queries.
//!
//! ```text
//! SELECT * | COUNT(*) | members FROM Entity [WHERE member op value {AND ...}]
//!     [ORDERBY member [ASC|DESC] {, ...}] [STARTPOSITION n] [MAXRESULTS n]
//! ```

use super::lexer::{Token, TokenKind, tokens};
use crate::company::faults::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) selection: Selection,
    pub(super) entity: String,
    /// All must hold.
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Vec<Sorting>,
    pub(super) start: Option<String>,
    pub(super) most: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    Everything,
    Count,
    Members(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) member: String,
    pub(super) comparison: Comparison,
    /// One, or for `IN` at least one.
    pub(super) values: Vec<Literal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    In,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Number(String),
    Flag(bool),
    /// `CURRENT_DATE`.
    Today,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sorting {
    pub(super) member: String,
    pub(super) descending: bool,
}

/// Reads a statement. Every fault is 4000 with the position of what was not expected.
pub(super) fn parse(statement: &str) -> Result<Statement, Fault> {
    let tokens = tokens(statement)?;
    Parser { tokens: &tokens, position: 0 }.statement()
}

const COMPARISONS: &[&str] =
    &["\"<\" ...", "\"<=\" ...", "\"=\" ...", "\">\" ...", "\">=\" ...", "<IN> ...", "<LIKE> ..."];
const VALUES: &[&str] = &["\"false\" ...", "\"true\" ...", "<NUMBER> ...", "<STRING> ..."];
const AFTER_CONDITION: &[&str] = &[
    "<EOF> ",
    "<AND> ...",
    "\"iterator\" ...",
    "\"maxresults\" ...",
    "<OR> ...",
    "\"order\" ...",
    "\"orderby\" ...",
    "\"startposition\" ...",
];
const AFTER_ENTITY: &[&str] = &[
    "<EOF> ",
    "\"iterator\" ...",
    "\"maxresults\" ...",
    "\"order\" ...",
    "\"orderby\" ...",
    "\"startposition\" ...",
    "\"where\" ...",
];

struct Parser<'a> {
    tokens: &'a [Token],
    position: usize,
}

impl Parser<'_> {
    fn statement(mut self) -> Result<Statement, Fault> {
        self.expect_keyword("select")?;
        let selection = self.selection()?;
        self.expect_keyword("from")?;
        let entity = self.identifier()?;
        let mut statement = Statement {
            selection,
            entity,
            conditions: Vec::new(),
            order: Vec::new(),
            start: None,
            most: None,
        };
        let mut expected = AFTER_ENTITY;
        if self.accept_keyword("where") {
            statement.conditions = self.conditions()?;
            expected = AFTER_CONDITION;
        }
        self.clauses(&mut statement, expected)?;
        Ok(statement)
    }

    fn selection(&mut self) -> Result<Selection, Fault> {
        if self.accept_keyword("count") {
            for symbol in ["(", "*", ")"] {
                self.expect_symbol(symbol)?;
            }
            return Ok(Selection::Count);
        }
        let mut everything = false;
        let mut members = Vec::new();
        loop {
            if self.accept_symbol("*") {
                everything = true;
            } else if self.peek() == &TokenKind::Identifier {
                members.push(self.identifier()?);
            } else {
                return Err(self.unexpected(&["\"*\" ...", "\"count\" ...", "<IDENTIFIER> ..."]));
            }
            if !self.accept_symbol(",") {
                return Ok(if everything { Selection::Everything } else { Selection::Members(members) });
            }
        }
    }

    fn conditions(&mut self) -> Result<Vec<Condition>, Fault> {
        let mut conditions = vec![self.condition()?];
        while self.accept_keyword("and") {
            conditions.push(self.condition()?);
        }
        Ok(conditions)
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let member = self.identifier()?;
        let comparison = match self.peek() {
            TokenKind::Symbol("=") => Comparison::Equal,
            TokenKind::Symbol("<") => Comparison::Less,
            TokenKind::Symbol("<=") => Comparison::LessOrEqual,
            TokenKind::Symbol(">") => Comparison::Greater,
            TokenKind::Symbol(">=") => Comparison::GreaterOrEqual,
            TokenKind::Keyword("like") => Comparison::Like,
            TokenKind::Keyword("in") => Comparison::In,
            _ => return Err(self.unexpected(COMPARISONS)),
        };
        self.position += 1;
        let values = if comparison == Comparison::In { self.values()? } else { vec![self.value()?] };
        Ok(Condition { member, comparison, values })
    }

    fn values(&mut self) -> Result<Vec<Literal>, Fault> {
        self.expect_symbol("(")?;
        let mut values = vec![self.value()?];
        while self.accept_symbol(",") {
            values.push(self.value()?);
        }
        self.expect_symbol(")")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Literal, Fault> {
        let image = self.token().image.clone();
        let literal = match self.peek().clone() {
            TokenKind::Text(text) => Literal::Text(text),
            TokenKind::Number => Literal::Number(image),
            TokenKind::Keyword("true") => Literal::Flag(true),
            TokenKind::Keyword("false") => Literal::Flag(false),
            TokenKind::Identifier if image.eq_ignore_ascii_case("CURRENT_DATE") => Literal::Today,
            _ => return Err(self.unexpected(VALUES)),
        };
        self.position += 1;
        Ok(literal)
    }

    /// Sorting and paging, in any order, each at most once.
    fn clauses(&mut self, statement: &mut Statement, mut expected: &[&str]) -> Result<(), Fault> {
        loop {
            match self.peek() {
                TokenKind::End => return Ok(()),
                TokenKind::Keyword("orderby" | "order") if statement.order.is_empty() => {
                    statement.order = self.sorting()?;
                }
                TokenKind::Keyword("startposition") if statement.start.is_none() => {
                    statement.start = Some(self.count()?);
                }
                TokenKind::Keyword("maxresults") if statement.most.is_none() => {
                    statement.most = Some(self.count()?)
                }
                _ => return Err(self.unexpected(expected)),
            }
            expected = &["<EOF> ", "\"maxresults\" ...", "\"orderby\" ...", "\"startposition\" ..."];
        }
    }

    fn sorting(&mut self) -> Result<Vec<Sorting>, Fault> {
        if self.accept_keyword("order") {
            self.expect_keyword("by")?;
        } else {
            self.position += 1;
        }
        let mut order = Vec::new();
        loop {
            let member = self.identifier()?;
            let descending = self.accept_keyword("desc");
            if !descending {
                self.accept_keyword("asc");
            }
            order.push(Sorting { member, descending });
            if !self.accept_symbol(",") {
                return Ok(order);
            }
        }
    }

    fn count(&mut self) -> Result<String, Fault> {
        self.position += 1;
        if self.peek() != &TokenKind::Number {
            return Err(self.unexpected(&["<NUMBER> ..."]));
        }
        let image = self.token().image.clone();
        self.position += 1;
        Ok(image)
    }

    fn identifier(&mut self) -> Result<String, Fault> {
        if self.peek() != &TokenKind::Identifier {
            return Err(self.unexpected(&["<IDENTIFIER> ..."]));
        }
        let image = self.token().image.clone();
        self.position += 1;
        Ok(image)
    }

    fn expect_keyword(&mut self, keyword: &str) -> Result<(), Fault> {
        if self.accept_keyword(keyword) {
            Ok(())
        } else {
            Err(self.unexpected(&[&format!("\"{keyword}\" ...")]))
        }
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.accept_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(&[&format!("\"{symbol}\" ...")]))
        }
    }

    fn accept_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Keyword(word) if *word == keyword);
        self.position += usize::from(found);
        found
    }

    fn accept_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Symbol(one) if *one == symbol);
        self.position += usize::from(found);
        found
    }

    fn peek(&self) -> &TokenKind {
        &self.token().kind
    }

    /// The end stays the present token however far one reads.
    fn token(&self) -> &Token {
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn unexpected(&self, expected: &[&str]) -> Fault {
        let token = self.token();
        let encountered = match token.kind {
            TokenKind::End => "\"<EOF>\"".to_owned(),
            _ => format!("\" {} \"{} \"\"", token.kind.shown(), token.image),
        };
        let intro = if expected.len() == 1 { "Was expecting:" } else { "Was expecting one of:" };
        let list: String = expected.iter().map(|one| format!("    {one}\n")).collect();
        Fault::query_syntax(&format!(
            "Encountered {encountered} at line {}, column {}.\n{intro}\n{list}    ",
            token.at.line, token.at.column
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detail(statement: &str) -> String {
        parse(statement).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_full_statement() {
        let statement = parse(
            "select * from Customer where DisplayName LIKE 'O\\'T%' and Active IN (true, false) and Balance >= 10.5 \
             orderby DisplayName desc, Id startposition 11 maxresults 10",
        )
        .unwrap();
        assert_eq!(statement.entity, "Customer");
        assert_eq!(statement.conditions[0].values, [Literal::Text("O'T%".to_owned())]);
        assert_eq!(statement.conditions[1].values, [Literal::Flag(true), Literal::Flag(false)]);
        assert_eq!(statement.conditions[2].comparison, Comparison::GreaterOrEqual);
        assert_eq!(
            statement.order.iter().map(|sorting| sorting.descending).collect::<Vec<_>>(),
            [true, false]
        );
        assert_eq!((statement.start.as_deref(), statement.most.as_deref()), (Some("11"), Some("10")));
    }

    #[test]
    fn clauses_come_in_any_order() {
        let one = parse("SELECT * FROM Item MAXRESULTS 2 STARTPOSITION 1 ORDER BY Name").unwrap();
        let other = parse("SELECT * FROM Item ORDERBY Name ASC STARTPOSITION 1 MAXRESULTS 2").unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn what_clients_in_use_send() {
        assert_eq!(parse("SELECT *, Sku FROM Item").unwrap().selection, Selection::Everything);
        assert_eq!(
            parse("select count(*) from customer startposition 1").unwrap().selection,
            Selection::Count
        );
        assert_eq!(
            parse("select Id,Name from Item").unwrap().selection,
            Selection::Members(vec!["Id".into(), "Name".into()])
        );
    }

    #[test]
    fn an_unescaped_apostrophe() {
        let statement = "SELECT * FROM Customer WHERE DisplayName = 'Otter's'";
        // What follows the text up to the apostrophe is an identifier, and then an unfinished text.
        assert!(
            detail(statement)
                .starts_with("QueryParserError: Invalid content. Lexical error at line 1, column 53.")
        );
        assert_eq!(
            detail("SELECT * FROM Customer WHERE DisplayName = 'A' R"),
            "QueryParserError: Encountered \" <IDENTIFIER> \"R \"\" at line 1, column 48.\nWas expecting one of:\n    \
             <EOF> \n    <AND> ...\n    \"iterator\" ...\n    \"maxresults\" ...\n    <OR> ...\n    \"order\" ...\n    \
             \"orderby\" ...\n    \"startposition\" ...\n    "
        );
    }

    #[test]
    fn a_missing_entity() {
        assert_eq!(
            detail("SELECT * FROM NULL"),
            "QueryParserError: Encountered \" \"null\" \"NULL \"\" at line 1, column 15.\nWas expecting:\n    \
             <IDENTIFIER> ...\n    "
        );
        assert!(
            detail("select * from")
                .starts_with("QueryParserError: Encountered \"<EOF>\" at line 1, column 14.")
        );
    }

    #[test]
    fn unknown_characters_are_lexical_errors() {
        assert_eq!(
            detail("SELECT * FROM Item \u{2013}"),
            "QueryParserError: Invalid content. Lexical error at line 1, column 20. Encountered: \"\\u2013\" (8211), \
             after : \"\""
        );
        assert!(
            detail("SELECT * FROM Item WHERE Name != 'x'").contains("Lexical error at line 1, column 31.")
        );
    }

    #[test]
    fn what_the_language_does_not_have() {
        for statement in [
            "SELECT * FROM Item WHERE Name = 'a' OR Name = 'b'",
            "SELECT * FROM Item WHERE (Name = 'a')",
            "SELECT * FROM Item WHERE Name IS NULL",
            "SELECT * FROM Item, Customer",
            "SELECT * FROM Item GROUP BY Name",
            "SELECT * FROM Item WHERE Name IN ()",
            "SELECT * FROM Item STARTPOSITION 1 STARTPOSITION 2",
            "SELECT * FROM Item;",
            "UPDATE Item",
            "",
        ] {
            assert_eq!(parse(statement).unwrap_err().code(), "4000", "{statement}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(statement in "\\PC*") {
            let _outcome = parse(&statement);
        }

        #[test]
        fn never_panics_near_the_language(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "select", "*", "count", "(", ")", "from", "Customer", "where", "Name", "=", "'a'", "'\\", "\\'", "'",
                    "like", "in", ",", "and", "or", "orderby", "order", "by", "desc", "startposition", "maxresults",
                    "1", "-1", "1.5.2", "true", "\n", "ä", "'ä\\ß'", "!", "null",
                ]),
                0..20,
            )
        ) {
            let _outcome = parse(&words.join(" "));
        }

        #[test]
        fn any_text_survives_escaping(text in "[^\\x00]*") {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
            let statement = parse(&format!("select * from Item where Name = '{escaped}'")).unwrap();
            prop_assert_eq!(&statement.conditions[0].values, &[Literal::Text(text)]);
        }
    }
}
