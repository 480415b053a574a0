//! How large the tags of a template may be. The engine parses by recursion, some of it without a limit of its own; a bounded tag bounds its stack.

/// Most characters between `{{` and `}}`, or `{%` and `%}`.
pub(crate) const MAX_CHARACTERS: usize = 1000;

/// Most tags in one text.
pub(crate) const MAX_TAGS: usize = 1000;

/// Most `elif` in one text; each of them nests in the one before.
pub(crate) const MAX_BRANCHES: usize = 100;

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
