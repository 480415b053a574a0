//! `{a,b}` in globs: one pattern becomes several without braces.

use super::pattern::PatternError;

/// Most patterns that one glob may stand for.
pub(super) const MAX_ALTERNATIVES: usize = 256;

/// Every pattern that the glob stands for, in order. Groups nest, alternatives may be empty; escaped braces and those in `[…]` are left alone.
pub(super) fn expand(glob: &str) -> Result<Vec<String>, PatternError> {
    let mut finished = Vec::new();
    let mut open = vec![glob.to_owned()];
    while let Some(pattern) = open.pop() {
        match first_group(&pattern)? {
            None => finished.push(pattern),
            // The first alternative comes off the stack first.
            Some(alternatives) => open.extend(alternatives.into_iter().rev()),
        }
        if finished.len() + open.len() > MAX_ALTERNATIVES {
            return Err(PatternError::TooManyAlternatives);
        }
    }
    Ok(finished)
}

/// The pattern once for each alternative of its first group; `None` without a group.
fn first_group(pattern: &str) -> Result<Option<Vec<String>>, PatternError> {
    let mut depth = 0_usize;
    let mut cuts = Vec::new();
    for (position, letter) in plain(pattern) {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth == 1 => {}
            _ => continue,
        }
        if depth == 0 || (depth == 1 && (letter == ',' || (letter == '{' && cuts.is_empty()))) {
            cuts.push(position);
        }
        if depth == 0 && letter == '}' {
            break;
        }
    }
    if depth > 0 {
        return Err(PatternError::OpenBrace);
    }
    let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else { return Ok(None) };
    let (before, after) = (pattern.get(..*first).unwrap_or(""), pattern.get(last + 1..).unwrap_or(""));
    let alternatives = cuts.iter().zip(cuts.iter().skip(1)).map(|(from, to)| {
        let alternative = pattern.get(from + 1..*to).unwrap_or("");
        format!("{before}{alternative}{after}")
    });
    Ok(Some(alternatives.collect()))
}

/// The characters that stand outside escapes and `[…]`, with their byte positions.
pub(super) fn plain(pattern: &str) -> impl Iterator<Item = (usize, char)> {
    let mut letters = pattern.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (position, letter) = letters.next()?;
            match letter {
                '\\' => {
                    letters.next();
                }
                '[' => {
                    letters.next_if(|(_, next)| matches!(next, '!' | '^'));
                    letters.next_if(|(_, next)| *next == ']');
                    letters.by_ref().find(|(_, inside)| *inside == ']');
                }
                _ => return Some((position, letter)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_become_alternatives_in_order() {
        for (glob, patterns) in [
            ("a", vec!["a"]),
            ("{a,b}", vec!["a", "b"]),
            ("x{a,b}y", vec!["xay", "xby"]),
            ("{a,b}{c,d}", vec!["ac", "ad", "bc", "bd"]),
            ("{a,{b,c}}.txt", vec!["a.txt", "b.txt", "c.txt"]),
            ("{,sub/}a", vec!["a", "sub/a"]),
            ("{}", vec![""]),
            ("{a}", vec!["a"]),
            ("a}", vec!["a}"]),
            ("a,b", vec!["a,b"]),
            ("\\{a,b\\}", vec!["\\{a,b\\}"]),
            ("[{,}]", vec!["[{,}]"]),
            ("{[a,],b}", vec!["[a,]", "b"]),
            ("{[]}],b}", vec!["[]}]", "b"]),
            ("a}{b,c}", vec!["a}b", "a}c"]),
        ] {
            assert_eq!(expand(glob).unwrap(), patterns, "{glob}");
        }
    }

    #[test]
    fn an_open_group_and_too_many_alternatives_are_refused() {
        assert_eq!(expand("{a,b"), Err(PatternError::OpenBrace));
        assert_eq!(expand("{a,{b}"), Err(PatternError::OpenBrace));
        assert_eq!(expand(&"{a,b}".repeat(20)), Err(PatternError::TooManyAlternatives));
    }
}
