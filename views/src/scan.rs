//! Reads out of a template's text what the engine keeps to itself: references, blocks, components, calls.
//!
//! The scan follows the engine's lexer (tags, comments, raw blocks, three kinds of quotes) and nothing beyond it. What is
//! no valid template is left for the engine to refuse; a scan never fails.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::call::REQUEST;

/// What one template refers to and defines.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) extends: Option<Reference>,
    pub(crate) includes: Vec<Reference>,
    pub(crate) blocks: Vec<Block>,
    /// How deep blocks stand inside each other.
    pub(crate) block_depth: usize,
    pub(crate) components: Vec<Component>,
    pub(crate) component_calls: BTreeSet<String>,
    pub(crate) function_calls: BTreeSet<String>,
    pub(crate) links: Vec<LinkCall>,
}

/// A template or part that is named in `extends` or `include`, and where.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) offset: usize,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: String,
    /// From the `{%` of `block` to the `%}` of `endblock`.
    pub(crate) range: Range<usize>,
    /// Whether `super()` is called in it, or in a block inside it.
    pub(crate) calls_super: bool,
}

#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) name: String,
    /// Behind the parenthesis that opens the parameters.
    pub(crate) parameters: usize,
    /// Whether its parameters name the request.
    pub(crate) takes_request: bool,
    /// Whether its body calls functions or includes templates, which may want to know the request.
    pub(crate) wants_request: bool,
}

/// A call of `url`: the literal route, if it is one, and the names of the other arguments.
#[derive(Debug)]
pub(crate) struct LinkCall {
    pub(crate) offset: usize,
    pub(crate) route: Option<String>,
    pub(crate) vars: Vec<String>,
}

impl Block {
    /// Whether another block of the same template stands inside this one.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.range.start < other.range.start && other.range.end < self.range.end
    }
}

/// Scans one template.
pub(crate) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner::default();
    let mut at = 0;
    while let Some(start) = next_marker(text, at) {
        at = match &text[start..start + 2] {
            "{#" => text[start + 2..]
                .find("#}")
                .map_or(text.len(), |end| start + 2 + end + 2),
            "{{" => {
                let tag = Tag::read(text, start, "}}");
                scanner.calls(&tag);
                tag.range.end
            }
            _ => {
                let tag = Tag::read(text, start, "%}");
                match tag.tokens.as_slice() {
                    [Token::Word("raw")] => end_of_raw(text, tag.range.end),
                    _ => {
                        scanner.tag(&tag);
                        tag.range.end
                    }
                }
            }
        };
    }
    let Scanner { mut scan, .. } = scanner;
    // What was never closed is for the engine to complain about.
    scan.blocks.retain(|block| !block.range.is_empty());
    scan
}

/// Line and column of an offset, both from 1, the column in characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[derive(Default)]
struct Scanner {
    scan: Scan,
    /// Indexes of the blocks that are not closed yet.
    open_blocks: Vec<usize>,
    in_component: bool,
}

impl Scanner {
    /// Takes a `{% … %}`.
    fn tag(&mut self, tag: &Tag<'_>) {
        let reference = |name: &str| Reference {
            name: name.to_owned(),
            offset: tag.offsets[1],
        };
        match tag.tokens.as_slice() {
            [Token::Word("extends"), Token::Text(name), ..] => {
                self.scan.extends = Some(reference(name));
            }
            [Token::Word("include"), Token::Text(name), ..] => {
                self.scan.includes.push(reference(name));
                self.want_request();
            }
            [Token::Word("block"), Token::Word(name), ..] => {
                self.open_blocks.push(self.scan.blocks.len());
                self.scan.block_depth = self.scan.block_depth.max(self.open_blocks.len());
                let range = tag.range.start..tag.range.start;
                self.scan.blocks.push(Block {
                    name: (*name).to_owned(),
                    range,
                    calls_super: false,
                });
            }
            [Token::Word("endblock"), ..] => {
                if let Some(index) = self.open_blocks.pop() {
                    self.scan.blocks[index].range.end = tag.range.end;
                }
            }
            [Token::Word("component"), rest @ ..] => {
                self.in_component = true;
                if let Some(paren) = rest.iter().position(|token| *token == Token::Mark(b'(')) {
                    self.scan.components.push(Component {
                        name: dotted_name(rest),
                        parameters: tag.offsets[1 + paren] + 1,
                        takes_request: rest.contains(&Token::Word(REQUEST)),
                        wants_request: false,
                    });
                }
                // A definition with parameters is no call.
                return;
            }
            [Token::Word("endcomponent"), ..] => self.in_component = false,
            _ => {}
        }
        self.calls(tag);
    }

    /// Takes the calls of components and functions out of a tag.
    fn calls(&mut self, tag: &Tag<'_>) {
        for index in 0..tag.tokens.len() {
            let (before, from) = tag.tokens.split_at(index);
            match from {
                [Token::Mark(b'<'), name @ ..] if matches!(name, [Token::Word(_), ..]) => {
                    self.scan.component_calls.insert(dotted_name(name));
                }
                [Token::Word(name), Token::Mark(b'('), arguments @ ..] if !is_filter(before) => {
                    match *name {
                        "super" => {
                            for block in &self.open_blocks {
                                self.scan.blocks[*block].calls_super = true;
                            }
                        }
                        "url" => self.scan.links.push(link(tag.offsets[index], arguments)),
                        _ => {}
                    }
                    self.scan.function_calls.insert((*name).to_owned());
                    self.want_request();
                }
                _ => {}
            }
        }
    }

    fn want_request(&mut self) {
        if let Some(component) = self
            .scan
            .components
            .last_mut()
            .filter(|_| self.in_component)
        {
            component.wants_request = true;
        }
    }
}

/// A piece of the inside of a tag.
#[derive(Debug, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    /// What stands between quotes.
    Text(Cow<'t, str>),
    Mark(u8),
}

/// A `{{ … }}` or `{% … %}`.
struct Tag<'t> {
    tokens: Vec<Token<'t>>,
    /// Where each token begins.
    offsets: Vec<usize>,
    range: Range<usize>,
}

impl<'t> Tag<'t> {
    /// Reads from a marker to the matching `close`, or the end of the text.
    fn read(text: &'t str, start: usize, close: &str) -> Self {
        let mut tag = Self {
            tokens: Vec::new(),
            offsets: Vec::new(),
            range: start..text.len(),
        };
        let mut at = start + 2;
        while let Some(&byte) = text.as_bytes().get(at) {
            let rest = &text[at..];
            if rest.starts_with(close) {
                tag.range.end = at + close.len();
                break;
            }
            let (token, length) = match byte {
                b'"' | b'\'' | b'`' => {
                    let (content, length) = quoted(rest, byte);
                    (Some(Token::Text(content)), length)
                }
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                    let is_end = |c: char| c != '_' && !c.is_ascii_alphanumeric();
                    let length = rest.find(is_end).unwrap_or(rest.len());
                    (Some(Token::Word(&rest[..length])), length)
                }
                // The dash of `{%-` and `-%}` means nothing here.
                b'-' => (None, 1),
                byte if byte.is_ascii_whitespace() => (None, 1),
                byte => (
                    Some(Token::Mark(byte)),
                    rest.chars().next().map_or(1, char::len_utf8),
                ),
            };
            if let Some(token) = token {
                tag.tokens.push(token);
                tag.offsets.push(at);
            }
            at += length;
        }
        tag
    }
}

fn next_marker(text: &str, from: usize) -> Option<usize> {
    let mut pairs = text.as_bytes()[from..].windows(2);
    pairs
        .position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
        .map(|found| from + found)
}

/// Reads a string at the start of `rest`; returns its content and its length with quotes.
fn quoted(rest: &str, quote: u8) -> (Cow<'_, str>, usize) {
    let mut escaped = false;
    let close = rest.bytes().skip(1).position(|byte| {
        let closes = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    let Some(length) = close else {
        return (Cow::Borrowed(&rest[1..]), rest.len());
    };
    let content = &rest[1..=length];
    if !content.contains('\\') {
        return (Cow::Borrowed(content), length + 2);
    }
    let mut plain = String::with_capacity(content.len());
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    (Cow::Owned(plain), length + 2)
}

/// Returns the offset behind `{% endraw %}`.
fn end_of_raw(text: &str, from: usize) -> usize {
    let starts = text[from..]
        .match_indices("{%")
        .map(|(found, _)| Tag::read(text, from + found, "%}"));
    let mut ends = starts.filter(|tag| tag.tokens == [Token::Word("endraw")]);
    ends.next().map_or(text.len(), |tag| tag.range.end)
}

/// Reads `name` or `group.name` at the start of `tokens`.
fn dotted_name(tokens: &[Token<'_>]) -> String {
    let mut name = String::new();
    for token in tokens {
        match token {
            Token::Word(word) if name.is_empty() || name.ends_with('.') => name.push_str(word),
            Token::Mark(b'.') if !name.is_empty() => name.push('.'),
            _ => break,
        }
    }
    name
}

/// Whether what follows `before` is applied with `|` or `is`, and so no function.
fn is_filter(before: &[Token<'_>]) -> bool {
    matches!(
        before,
        [.., Token::Mark(b'|') | Token::Word("is")]
            | [.., Token::Word("is"), Token::Word("not")]
            | [Token::Word("filter")]
    )
}

/// Reads the arguments of `url`, of which `tokens` are those behind the parenthesis.
fn link(offset: usize, tokens: &[Token<'_>]) -> LinkCall {
    let mut call = LinkCall {
        offset,
        route: None,
        vars: Vec::new(),
    };
    let mut depth = 1;
    let mut begins_argument = true;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') => depth -= 1,
            Token::Word("route") if begins_argument => {
                // A string and nothing else: `"game" ~ kind` is known when it renders.
                if let [_, Token::Text(route), Token::Mark(b',' | b')'), ..] = &tokens[index + 1..]
                {
                    call.route = Some(route.to_string());
                }
            }
            Token::Word(name) if begins_argument => call.vars.push((*name).to_owned()),
            _ => {}
        }
        begins_argument = depth == 1 && *token == Token::Mark(b',');
        if depth == 0 {
            break;
        }
    }
    call
}
