//! How large the tags of a template may be. The engine parses by recursion, some of it without a limit of its own; a bounded tag bounds its stack.

use super::bounds::{KEPT, NUMBER};

/// Most characters between `{{` and `}}`, or `{%` and `%}`.
pub const MAX_CHARACTERS: usize = 1000;

/// Most tags in one text.
pub const MAX_TAGS: usize = 1000;

/// Most `elif` in one text; each of them nests in the one before.
pub const MAX_BRANCHES: usize = 100;

/// Most `~`, `+` and `*` in one expression.
pub const MAX_OPERATORS: usize = 32;

/// Why a template is not even tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TagError {
    /// One expression is too long.
    #[error("an expression of the template is longer than {MAX_CHARACTERS} characters")]
    Length,
    /// There are too many.
    #[error("the template has more than {MAX_TAGS} expressions")]
    Count,
    /// There are too many `elif`.
    #[error("the template has more than {MAX_BRANCHES} `elif`")]
    Branches,
    /// One expression has too many operators.
    #[error(
        "an expression of the template has more than {MAX_OPERATORS} of `~`, `+` and `*`; pass what is to be joined as a list, and use `join`"
    )]
    Operators,
    /// A form whose values have no size that could be looked at.
    #[error("`{0}` cannot be used in a template here; write `{{% set name = value %}}`")]
    Form(&'static str),
}

/// Measure every tag the way the engine reads it: a tag ends at its end mark outside quotes and brackets.
pub(crate) fn check(text: &str) -> Result<(), TagError> {
    let mut rest = text;
    let (mut tags, mut branches) = (0, 0);
    while let Some(start) = rest.find('{') {
        let (_, after) = rest.split_at_checked(start + 1).unwrap_or_default();
        rest = after;
        if let Some(inside) = after.strip_prefix(['{', '%']) {
            tags += 1;
            branches += usize::from(inside.trim_start_matches(['-', '+']).trim_start().starts_with("elif"));
            let length = length(inside);
            if length > MAX_CHARACTERS {
                return Err(TagError::Length);
            }
            if tags > MAX_TAGS {
                return Err(TagError::Count);
            }
            if branches > MAX_BRANCHES {
                return Err(TagError::Branches);
            }
            rest = inside
                .char_indices()
                .nth(length)
                .map_or("", |(at, _)| inside.split_at_checked(at).unwrap_or_default().1);
        }
    }
    Ok(())
}

/// The text with a look at the size of what is given a name, and at what is multiplied ([`super::bounds`]).
pub(crate) fn bounded(text: &str) -> Result<String, TagError> {
    let mut bounded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.find('{').and_then(|start| rest.split_at_checked(start + 1)) {
        bounded.push_str(before);
        rest = after;
        let Some(mark) = after.chars().next().filter(|mark| matches!(mark, '{' | '%')) else { continue };
        let (_, inside) = after.split_at_checked(1).unwrap_or_default();
        let end = inside.char_indices().nth(length(inside)).map_or(inside.len(), |(at, _)| at);
        let (inside, after) = inside.split_at_checked(end).unwrap_or_default();
        let word = words(inside).next().unwrap_or_default();
        bounded.push(mark);
        if mark == '%' {
            bounded.push_str(&block(inside, word)?)
        } else {
            bounded.push_str(&expression(inside)?)
        }
        rest = after;
        if mark == '%' && word == "raw" {
            let (raw, after) = after.split_at_checked(raw_length(after)).unwrap_or_default();
            bounded.push_str(raw);
            rest = after;
        }
    }
    bounded.push_str(rest);
    Ok(bounded)
}

/// Bytes up to the tag that ends what is raw; nothing else is read before it.
fn raw_length(text: &str) -> usize {
    let tags = text.match_indices("{%");
    let mut ends = tags
        .filter(|(at, mark)| words(text.get(at + mark.len()..).unwrap_or_default()).next() == Some("endraw"));
    ends.next().map_or(text.len(), |(at, _)| at)
}

/// The words of a tag, without the signs that take white space away.
fn words(inside: &str) -> impl Iterator<Item = &str> {
    inside
        .trim_start_matches(['-', '+'])
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .filter(|word| !word.is_empty())
}

fn block(inside: &str, word: &str) -> Result<String, TagError> {
    let kept = |from: usize, to: usize| {
        let (head, rest) = inside.split_at_checked(from).unwrap_or_default();
        let (value, tail) = rest.split_at_checked(to - from).unwrap_or_default();
        let (value, tail) = (expression(value)?, expression(tail)?);
        Ok(format!("{head} ({value})|{KEPT} {tail}"))
    };
    let tail = inside.trim_end_matches(['-', '+']).len();
    match word {
        "set" => match found(inside, 0, "=") {
            Some(at) => kept(at + 1, tail.max(at + 1)),
            None => Err(TagError::Form("{% set name %} … {% endset %}")),
        },
        "for" if inside.trim_end_matches(['-', '+']).trim_end().ends_with("recursive") => {
            Err(TagError::Form("{% for … recursive %}"))
        }
        "for" => match found(inside, 0, "in") {
            Some(at) => kept(at + 2, found(inside, at + 2, "if").unwrap_or(tail.max(at + 2))),
            None => expression(inside),
        },
        "with" => Err(TagError::Form("{% with %}")),
        "filter" => Err(TagError::Form("{% filter %}")),
        "if" | "elif" | "do" | "autoescape" => expression(inside),
        _ => Ok(inside.to_owned()),
    }
}

/// An expression in which `*` multiplies numbers only.
fn expression(inside: &str) -> Result<String, TagError> {
    let mut bounded = String::with_capacity(inside.len());
    let (mut operators, mut last) = (0, None);
    let mut plain = unquoted(inside).peekable();
    let mut skipped = false;
    for (at, letter) in inside.char_indices() {
        let is_plain = plain.next_if(|(position, _, _)| *position == at).is_some();
        let is_power =
            letter == '*' && (skipped || inside.get(at + 1..).is_some_and(|rest| rest.starts_with('*')));
        skipped = is_power && !skipped;
        match letter {
            '*' if is_plain && !is_power && !matches!(last, None | Some('(' | ',')) => {
                operators += 1;
                bounded.push('|');
                bounded.push_str(NUMBER);
                // the negative of a negative is the number itself; a text or a list has none
                bounded.push_str(" * - - ");
            }
            _ => {
                operators += usize::from(is_plain && matches!(letter, '~' | '+'));
                bounded.push(letter);
            }
        }
        if !letter.is_whitespace() {
            last = Some(letter);
        }
    }
    if operators > MAX_OPERATORS { Err(TagError::Operators) } else { Ok(bounded) }
}

/// Where a word begins, outside quotes and brackets; a single `=` is none of `==`, `<=` and the like.
fn found(inside: &str, from: usize, word: &str) -> Option<usize> {
    let is_part = |letter: char| match word {
        "=" => matches!(letter, '=' | '!' | '<' | '>'),
        _ => letter.is_alphanumeric() || letter == '_',
    };
    let mut places = unquoted(inside).filter(|(at, balance, _)| *at >= from && *balance == 0);
    places.find_map(|(at, _, _)| {
        let after = inside.get(at..)?.strip_prefix(word)?;
        let is_whole = !inside.get(..at)?.ends_with(is_part) && !after.starts_with(is_part);
        is_whole.then_some(at)
    })
}

/// The letters outside quotes, each with its place and how many brackets are open around it.
fn unquoted(inside: &str) -> impl Iterator<Item = (usize, isize, char)> {
    let (mut quote, mut balance, mut is_escaped) = (None, 0_isize, false);
    inside.char_indices().filter_map(move |(at, letter)| {
        match (quote, letter) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, _) => {
                balance += isize::from(matches!(letter, '(' | '[' | '{'));
                let around = balance;
                balance -= isize::from(matches!(letter, ')' | ']' | '}'));
                return Some((at, around, letter));
            }
        }
        None
    })
}

/// Characters up to the end mark, or to the end of the text.
fn length(inside: &str) -> usize {
    let mut quote = None;
    let mut balance = 0_isize;
    let mut letters = inside.chars().peekable();
    let mut length = 0;
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => {
                length += usize::from(letters.next().is_some());
            }
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '}' | '%') if balance == 0 && letters.peek() == Some(&'}') => return length,
            (None, '(' | '[' | '{') => balance += 1,
            (None, ')' | ']' | '}') => balance -= 1,
            (None, _) => {}
        }
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_multiplied_is_looked_at() {
        for (text, expected) in [
            ("{{ a }} {b} {", "{{ a }} {b} {"),
            ("{% set a = b ~ 'x' %}", "{% set a = ( b ~ 'x' )|kept_ %}"),
            ("{%- set a.b=[1] -%}", "{%- set a.b= ([1] )|kept_ -%}"),
            ("{% set a = b == c %}", "{% set a = ( b == c )|kept_ %}"),
            ("{% for a in b if a != 1 %}", "{% for a in ( b )|kept_ if a != 1 %}"),
            ("{% for a, b in c.items() %}", "{% for a, b in ( c.items() )|kept_ %}"),
            ("{{ a * b }}", "{{ a |number_ * - -  b }}"),
            ("{{ a ** b }}", "{{ a ** b }}"),
            ("{{ f(*a, *b) }}", "{{ f(*a, *b) }}"),
            ("{{ 'a * b' }}", "{{ 'a * b' }}"),
            ("{{ 'it\\'s' * 2 }}", "{{ 'it\\'s' |number_ * - -  2 }}"),
            (
                "{% raw %}{% set a = b %}{{ a * b }}{% endraw %}",
                "{% raw %}{% set a = b %}{{ a * b }}{% endraw %}",
            ),
            (
                "{% raw %}{{ ' {% endraw %}{% set a = b %}",
                "{% raw %}{{ ' {% endraw %}{% set a = ( b )|kept_ %}",
            ),
            ("{% for a\tin[b]if a %}", "{% for a\tin ([b])|kept_ if a %}"),
            ("{% for a in b if a * 2 -%}", "{% for a in ( b )|kept_ if a |number_ * - -  2 -%}"),
            ("{% for a in b|f('recursive') %}", "{% for a in ( b|f('recursive') )|kept_ %}"),
            ("{% if a * b %}", "{% if a |number_ * - -  b %}"),
        ] {
            assert_eq!(bounded(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("{% set a %}b{% endset %}".to_owned(), TagError::Form("{% set name %} … {% endset %}")),
            ("{%- filter upper %}b{% endfilter %}".to_owned(), TagError::Form("{% filter %}")),
            ("{% with a = b %}{% endwith %}".to_owned(), TagError::Form("{% with %}")),
            ("{% for a in b recursive %}{% endfor %}".to_owned(), TagError::Form("{% for … recursive %}")),
            (format!("{{{{ a{} }}}}", " ~ a".repeat(MAX_OPERATORS + 1)), TagError::Operators),
        ] {
            assert_eq!(bounded(&text), Err(expected), "{text}");
        }
        assert!(bounded(&format!("{{{{ a{} }}}}", " ~ a".repeat(MAX_OPERATORS))).is_ok());
    }

    #[test]
    fn measures_each_tag_and_not_the_text_around_it() {
        let long = "x".repeat(MAX_CHARACTERS + 1);
        for (text, expected) in [
            ("{{ a }}".to_owned(), Ok(())),
            (format!("{long}{{{{ a }}}}{long}}}}}"), Ok(())),
            (format!("{{{{ {{'a': {{}}}} {long} }}}}"), Err(TagError::Length)),
            (format!("{{{{ '}}}}' {long} }}}}"), Err(TagError::Length)),
            (format!("{{{{ '\\'}}}}' {long} }}}}"), Err(TagError::Length)),
            (format!("{{{{ {long}"), Err(TagError::Length)),
            (format!("{{% if {long} %}}"), Err(TagError::Length)),
            ("{{ a }}".repeat(MAX_TAGS), Ok(())),
            ("{{ a }}".repeat(MAX_TAGS + 1), Err(TagError::Count)),
            (format!("{{{{ a }}}}{{{{ {long} }}}}"), Err(TagError::Length)),
            ("{%- elif a %}".repeat(MAX_BRANCHES), Ok(())),
            ("{%- elif a %}".repeat(MAX_BRANCHES + 1), Err(TagError::Branches)),
        ] {
            assert_eq!(check(&text), expected, "{text}");
        }
    }
}
