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

/// A piece of the inside of a tag, and where it stands.
#[derive(Debug, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    Text(Cow<'t, str>),
    Mark(u8),
}

type Tokens<'t> = Vec<(usize, Token<'t>)>;

/// Scans one template.
pub(crate) fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut open_blocks = Vec::new();
    let mut in_component = false;
    let mut at = 0;
    while let Some(start) = next_marker(text, at) {
        let inside = start + 2;
        if text[start..].starts_with("{#") {
            at = text[inside..]
                .find("#}")
                .map_or(text.len(), |end| inside + end + 2);
            continue;
        }
        let is_tag = text[start..].starts_with("{%");
        let (tokens, end) = tokenize(text, inside, if is_tag { "%}" } else { "}}" });
        at = end;
        if is_tag {
            match tokens.as_slice() {
                [(_, Token::Word("raw"))] => {
                    at = end_of_raw(text, end);
                    continue;
                }
                [(_, Token::Word("extends")), (offset, Token::Text(name)), ..] => {
                    scan.extends = Some(Reference {
                        name: name.to_string(),
                        offset: *offset,
                    });
                }
                [(_, Token::Word("include")), (offset, Token::Text(name)), ..] => {
                    scan.includes.push(Reference {
                        name: name.to_string(),
                        offset: *offset,
                    });
                    mark_request(&mut scan, in_component);
                }
                [(_, Token::Word("block")), (_, Token::Word(name)), ..] => {
                    open_blocks.push(scan.blocks.len());
                    scan.blocks.push(Block {
                        name: (*name).to_owned(),
                        range: start..start,
                        calls_super: false,
                    });
                }
                [(_, Token::Word("endblock")), ..] => {
                    if let Some(index) = open_blocks.pop() {
                        scan.blocks[index].range.end = end;
                    }
                }
                [(_, Token::Word("component")), rest @ ..] => {
                    let paren = rest
                        .iter()
                        .position(|(_, token)| *token == Token::Mark(b'('));
                    if let Some(paren) = paren {
                        scan.components.push(Component {
                            name: dotted_name(rest),
                            parameters: rest[paren].0 + 1,
                            takes_request: rest
                                .iter()
                                .any(|(_, token)| *token == Token::Word(REQUEST)),
                            wants_request: false,
                        });
                        in_component = true;
                    }
                    // Its parameters are no calls.
                    continue;
                }
                [(_, Token::Word("endcomponent")), ..] => in_component = false,
                _ => {}
            }
        }
        for index in 0..tokens.len() {
            match &tokens[index..] {
                [(_, Token::Mark(b'<')), rest @ ..]
                    if matches!(rest, [(_, Token::Word(_)), ..]) =>
                {
                    scan.component_calls.insert(dotted_name(rest));
                }
                [
                    (offset, Token::Word(name)),
                    (_, Token::Mark(b'(')),
                    rest @ ..,
                ] if !is_filter(&tokens[..index]) => {
                    match *name {
                        "super" => open_blocks
                            .iter()
                            .for_each(|&block| scan.blocks[block].calls_super = true),
                        "url" => scan.links.push(link(*offset, rest)),
                        _ => {}
                    }
                    scan.function_calls.insert((*name).to_owned());
                    mark_request(&mut scan, in_component);
                }
                _ => {}
            }
        }
    }
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

fn next_marker(text: &str, from: usize) -> Option<usize> {
    let markers = text.as_bytes()[from..].windows(2);
    markers
        .into_iter()
        .position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
        .map(|found| from + found)
}

/// Cuts the inside of a tag into tokens; returns them and the offset behind the tag.
fn tokenize<'t>(text: &'t str, mut at: usize, close: &str) -> (Tokens<'t>, usize) {
    let mut tokens = Vec::new();
    while let Some(&byte) = text.as_bytes().get(at) {
        let rest = &text[at..];
        if rest.starts_with(close) {
            return (tokens, at + close.len());
        }
        let length = match byte {
            b'"' | b'\'' | b'`' => {
                let (content, length) = quoted(rest, byte);
                tokens.push((at, Token::Text(content)));
                length
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let length = rest
                    .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
                    .unwrap_or(rest.len());
                tokens.push((at, Token::Word(&rest[..length])));
                length
            }
            // The dash of `{%-` and `-%}` means nothing here.
            b'-' => 1,
            byte if byte.is_ascii_whitespace() => 1,
            byte => {
                tokens.push((at, Token::Mark(byte)));
                rest.chars().next().map_or(1, char::len_utf8)
            }
        };
        at += length;
    }
    (tokens, text.len())
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
fn end_of_raw(text: &str, mut at: usize) -> usize {
    while let Some(start) = text[at..].find("{%") {
        let (tokens, end) = tokenize(text, at + start + 2, "%}");
        if matches!(tokens.as_slice(), [(_, Token::Word("endraw"))]) {
            return end;
        }
        at += start + 2;
    }
    text.len()
}

/// Reads `name` or `group.name` at the start of `tokens`.
fn dotted_name(tokens: &[(usize, Token<'_>)]) -> String {
    let mut name = String::new();
    for (_, token) in tokens {
        match token {
            Token::Word(word) if name.is_empty() || name.ends_with('.') => name.push_str(word),
            Token::Mark(b'.') if !name.is_empty() => name.push('.'),
            _ => break,
        }
    }
    name
}

/// Whether what follows `before` is applied with `|` or `is`, and so no function.
fn is_filter(before: &[(usize, Token<'_>)]) -> bool {
    match before {
        [.., (_, Token::Mark(b'|'))] | [.., (_, Token::Word("is"))] => true,
        [.., (_, Token::Word("is")), (_, Token::Word("not"))] => true,
        [(_, Token::Word("filter"))] => true,
        _ => false,
    }
}

/// Reads the arguments of `url`, of which `tokens` are those behind the parenthesis.
fn link(offset: usize, tokens: &[(usize, Token<'_>)]) -> LinkCall {
    let mut call = LinkCall {
        offset,
        route: None,
        vars: Vec::new(),
    };
    let mut depth = 1;
    let mut at_argument = true;
    for (index, (_, token)) in tokens.iter().enumerate() {
        match token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') => depth -= 1,
            Token::Word(name) if at_argument => match (*name, &tokens[index + 1..]) {
                (
                    "route",
                    [
                        _,
                        (_, Token::Text(route)),
                        (_, Token::Mark(b',' | b')')),
                        ..,
                    ],
                ) => {
                    call.route = Some(route.to_string());
                }
                ("route", _) => {}
                (name, _) => call.vars.push(name.to_owned()),
            },
            _ => {}
        }
        at_argument = depth == 1 && *token == Token::Mark(b',');
        if depth == 0 {
            break;
        }
    }
    call
}

fn mark_request(scan: &mut Scan, in_component: bool) {
    if let Some(component) = scan.components.last_mut().filter(|_| in_component) {
        component.wants_request = true;
    }
}
