//! The known name that somebody probably meant.

/// The name nearest to the one found: at most two edits away, or a third of its length; letter case does not count.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (found.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|name| (apart(&found.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= limit && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// Edits between two names; a beginning of at least four letters is never far from the whole.
fn apart(found: &str, name: &str) -> usize {
    let edits = distance(found, name);
    let begins = found.len() >= 4 && name.starts_with(found);
    if begins { edits.min(2) } else { edits }
}

/// How many characters must be inserted, deleted or replaced to turn one text into the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        let mut next = vec![before];
        for (above, right) in row.iter().skip(1).zip(to.chars()) {
            before = (before + 1).min(above + 1).min(diagonal + usize::from(left != right));
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (from, to, edits) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("abc", "", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(from, to), edits, "{from} to {to}");
        }
    }

    #[test]
    fn finds_what_was_meant() {
        let known = ["containerImage", "commands", "env", "outputFiles"];
        for (found, meant) in [
            ("command", Some("commands")),
            ("containerimage", Some("containerImage")),
            ("outputFile", Some("outputFiles")),
            ("container", Some("containerImage")),
            ("somethingElse", None),
            ("xyz", None),
        ] {
            assert_eq!(nearest(found, known), meant, "{found}");
        }
    }
}
