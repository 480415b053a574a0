//! One output glob, read once and matched against many paths.
//!
//! `*` and `?` stop at `/`; `**` crosses it, wherever it stands, and `**/` may stand for nothing; `[a-z]`, `[!a]`; `{a,b}`; `\` escapes, but not in `[…]`. A match
//! covers the whole path and goes by characters, not bytes. The time is bounded by pattern times path, whatever both are.

use thiserror::Error;

use super::braces;

/// Longest glob in bytes.
pub const MAX_GLOB_BYTES: usize = 1024;

/// Why a glob cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Nothing is left of it.
    #[error("it is empty")]
    Empty,
    /// It is longer than any path.
    #[error("it has more than {MAX_GLOB_BYTES} bytes")]
    TooLong,
    /// A part is `..`.
    #[error("it contains `..`; only files below the working directory can be outputs")]
    Parent,
    /// `[` without `]`.
    #[error("a `[` is not closed; write `\\[` for the character itself")]
    OpenClass,
    /// `[z-a]`.
    #[error("the range `{0}-{1}` runs backwards")]
    BackwardRange(char, char),
    /// `{` without `}`.
    #[error("a `{{` is not closed; write `\\{{` for the character itself")]
    OpenBrace,
    /// `{…}` groups multiply.
    #[error("its braces stand for more than {} patterns", braces::MAX_ALTERNATIVES)]
    TooManyAlternatives,
    /// `\` at the end.
    #[error("it ends with a `\\` that escapes nothing")]
    OpenEscape,
    /// `regex:` in front.
    #[error("it is a regular expression; write a glob")]
    Regex,
}

/// A glob that can be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    alternatives: Vec<Vec<Token>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This character.
    Literal(char),
    /// One character but `/`.
    Any,
    /// One character of these ranges, or of none of them; never `/`.
    Class { negated: bool, ranges: Vec<(char, char)> },
    /// Any characters but `/`.
    Star,
    /// Any characters.
    Deep,
    /// The next two tokens may be left out: `**/` is this, `Deep` and `/`.
    MaySkipTwo,
}

impl Pattern {
    /// Read a glob. A leading `./` or `/` is dropped, as are `glob:` in front and empty parts inside.
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn new(glob: &str) -> Result<Self, PatternError> {
        if glob.len() > MAX_GLOB_BYTES {
            return Err(PatternError::TooLong);
        }
        if glob.starts_with("regex:") {
            return Err(PatternError::Regex);
        }
        let glob = glob.strip_prefix("glob:").unwrap_or(glob);
        let mut alternatives = Vec::new();
        for pattern in braces::expand(glob)? {
            let names: Vec<&str> =
                names(&pattern).into_iter().filter(|name| !matches!(*name, "" | ".")).collect();
            if names.contains(&"..") {
                return Err(PatternError::Parent);
            }
            // What ends with `/` names directories, and those select nothing.
            if !names.is_empty() && !pattern.ends_with('/') {
                alternatives.push(tokens(&names.join("/"))?);
            } else if names.is_empty() && pattern == glob {
                return Err(PatternError::Empty);
            }
        }
        Ok(Pattern { alternatives })
    }

    /// The path, relative to the working directory and in normal form, matches as a whole.
    pub fn matches(&self, path: &str) -> bool {
        self.alternatives.iter().any(|tokens| covers(tokens, path))
    }
}

/// What stands between the slashes that are neither escaped nor in `[…]`.
fn names(pattern: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut from = 0;
    for (slash, _) in braces::plain(pattern).filter(|(_, letter)| *letter == '/') {
        names.push(pattern.get(from..slash).unwrap_or_default());
        from = slash + 1;
    }
    names.push(pattern.get(from..).unwrap_or_default());
    names
}

fn tokens(pattern: &str) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => tokens.push(Token::Literal(letters.next().ok_or(PatternError::OpenEscape)?)),
            '?' => tokens.push(Token::Any),
            '[' => tokens.push(class(&mut letters)?),
            '*' => {
                let mut stars = 1;
                while letters.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                let begins_name = matches!(tokens.last(), None | Some(Token::Literal('/')));
                if stars == 1 {
                    tokens.push(Token::Star);
                } else if begins_name && letters.next_if_eq(&'/').is_some() {
                    tokens.extend([Token::MaySkipTwo, Token::Deep, Token::Literal('/')]);
                } else {
                    tokens.push(Token::Deep);
                }
            }
            other => tokens.push(Token::Literal(other)),
        }
    }
    Ok(tokens)
}

/// What follows a `[`.
fn class(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, PatternError> {
    let negated = letters.next_if(|letter| matches!(letter, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let from = letters.next().ok_or(PatternError::OpenClass)?;
        if from == ']' && !first {
            return Ok(Token::Class { negated, ranges });
        }
        first = false;
        let mut ahead = letters.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(end)) if end != ']' => {
                letters.nth(1);
                end
            }
            _ => from,
        };
        if from > to {
            return Err(PatternError::BackwardRange(from, to));
        }
        ranges.push((from, to));
    }
}

/// Walk all ways through the tokens at once: `reached` holds the tokens that may come next.
fn covers(tokens: &[Token], path: &str) -> bool {
    let mut reached = Positions::new(tokens.len());
    reached.add(tokens, 0);
    for letter in path.chars() {
        let mut next = Positions::new(tokens.len());
        for &position in &reached.list {
            let Some(token) = tokens.get(position) else { continue };
            match token {
                Token::Literal(literal) if *literal == letter => next.add(tokens, position + 1),
                Token::Any if letter != '/' => next.add(tokens, position + 1),
                Token::Class { negated, ranges } if letter != '/' => {
                    if ranges.iter().any(|(from, to)| (from..=to).contains(&&letter)) != *negated {
                        next.add(tokens, position + 1);
                    }
                }
                Token::Star if letter != '/' => next.add(tokens, position),
                Token::Deep => next.add(tokens, position),
                Token::Literal(_) | Token::Any | Token::Class { .. } | Token::Star | Token::MaySkipTwo => {}
            }
        }
        if next.list.is_empty() {
            return false;
        }
        reached = next;
    }
    reached.list.contains(&tokens.len())
}

/// A set of positions between tokens, in the order in which they were reached.
struct Positions {
    list: Vec<usize>,
    seen: Vec<bool>,
}

impl Positions {
    fn new(tokens: usize) -> Self {
        Positions { list: Vec::new(), seen: vec![false; tokens + 1] }
    }

    /// Add a position and those reached from it without reading a character.
    fn add(&mut self, tokens: &[Token], position: usize) {
        let mut open = vec![position];
        while let Some(position) = open.pop() {
            match self.seen.get_mut(position) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            self.list.push(position);
            match tokens.get(position) {
                Some(Token::Star | Token::Deep) => open.push(position + 1),
                Some(Token::MaySkipTwo) => open.extend([position + 1, position + 3]),
                Some(Token::Literal(_) | Token::Any | Token::Class { .. }) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
