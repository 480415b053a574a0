use proptest::prelude::*;

use super::*;

fn matches(glob: &str, path: &str) -> bool {
    Pattern::new(glob).unwrap().matches(path)
}

#[test]
fn globs_match_as_decided() {
    for (glob, path, expected) in [
        ("out.txt", "out.txt", true),                      // K-GLOB-01
        ("*.txt", "sub/a.txt", false),                     // K-GLOB-03
        ("**.txt", "a.txt", true),                         // K-GLOB-04
        ("**.txt", "sub/a.txt", true),                     // K-GLOB-05
        ("**/*.txt", "sub/a.txt", true),                   // K-GLOB-07
        ("my-dir/**", "my-dir/x/a", true),                 // K-GLOB-08
        ("*", ".hidden", true),                            // K-GLOB-10: dot files match
        ("/out.txt", "out.txt", true),                     // K-GLOB-12: a leading `/` is dropped
        ("./out.txt", "out.txt", true),                    // K-GLOB-13: and so is `./`
        ("dir", "dir/a", false),                           // K-GLOB-14: a directory's name selects nothing
        ("**.txt", "sub dir/more special file.txt", true), // K-GLOB-16
        ("**/x", "x", true),
        ("**/x", "a/b/x", true),
        ("**/x", "ax", false),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("a/**/b", "ab", false),
        ("my-dir/*/**", "my-dir/a", false),
        ("my-dir/*/**", "my-dir/a/b", true),
        ("**", "a/b/c", true),
        ("a**b", "ab", true),
        ("a**b", "a/x/b", true),
        ("a*b", "a/b", false),
        ("dir/", "dir", false),
        ("dir/", "dir/a", false),
        ("dir/**/", "dir/a", false),
        ("a//b", "a/b", true),
        ("a/./b", "a/b", true),
        ("././/a", "a", true),
        ("glob:*.txt", "a.txt", true),
        ("?", "é", true),
        ("?", "/", false),
        ("??", "é", false),
        ("[é-ü].txt", "ö.txt", true),
        ("[ab]", "b", true),
        ("[!ab]", "b", false),
        ("[^ab]", "c", true),
        ("a[!b]c", "a/c", false),
        ("[]]", "]", true),
        ("[a-]", "-", true),
        ("[\\]", "\\", true),
        ("[\\]]", "\\]", true),
        ("[a/]b", "ab", true),
        ("x[a/]b", "x/b", false),
        ("{a,b}.{csv,json}", "b.csv", true),
        ("{a,b}.{csv,json}", "c.csv", false),
        ("{,sub/}a", "sub/a", true),
        ("{/a,./b}", "b", true),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("a+b (1).txt", "a+b (1).txt", true),
        ("%41.txt", "A.txt", false),
        ("A.TXT", "a.txt", false),
        ("new*", "new\nline", true),
        ("*", "", true),
    ] {
        assert_eq!(matches(glob, path), expected, "`{glob}` on `{path}`");
    }
}

#[test]
fn globs_that_mean_nothing_are_refused() {
    for (glob, error) in [
        ("", PatternError::Empty),
        ("/", PatternError::Empty),
        ("./", PatternError::Empty),
        ("../a", PatternError::Parent),
        ("a/../b", PatternError::Parent),
        ("{a,../b}", PatternError::Parent),
        ("[ab", PatternError::OpenClass),
        ("[", PatternError::OpenClass),
        ("[z-a]", PatternError::BackwardRange('z', 'a')),
        ("{a,b", PatternError::OpenBrace),
        ("a\\", PatternError::OpenEscape),
        ("regex:.*\\.txt", PatternError::Regex), // K-GLOB-17: decided against
    ] {
        assert_eq!(Pattern::new(glob), Err(error), "`{glob}`");
    }
    assert_eq!(Pattern::new(&"a".repeat(MAX_GLOB_BYTES + 1)), Err(PatternError::TooLong));
}

#[test]
fn a_hostile_glob_takes_no_time() {
    let glob = format!("{}b", "*a".repeat(300));
    assert!(!matches(&glob, &"a".repeat(800)));
}

/// The same semantics by plain recursion, for patterns of `*`, `?` and literals.
fn slow(glob: &[char], path: &[char]) -> bool {
    match (glob.first(), path.first()) {
        (None, letter) => letter.is_none(),
        (Some('*'), _) if glob.get(1) == Some(&'*') => {
            slow(&glob[2..], path) || (!path.is_empty() && slow(glob, &path[1..]))
        }
        (Some('*'), letter) => {
            slow(&glob[1..], path) || (letter.is_some_and(|l| *l != '/') && slow(glob, &path[1..]))
        }
        (Some('?'), Some(letter)) => *letter != '/' && slow(&glob[1..], &path[1..]),
        (Some(wanted), Some(letter)) => wanted == letter && slow(&glob[1..], &path[1..]),
        (Some(_), None) => false,
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_plain_recursion(glob in "(a|b|é|\\?|\\*|\\*\\*b){1,8}", path in "[abé]{1,3}(/[abé]{1,3}){0,2}") {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let mut plain = glob.clone();
        while plain.contains("***") {
            plain = plain.replace("***", "**");
        }
        prop_assert_eq!(matches(&glob, &path), slow(&letters(&plain), &letters(&path)));
    }

    #[test]
    fn an_escaped_name_selects_exactly_itself(name in "[a-z*?\\[\\]{},!^ é-]{1,12}", other in "[a-z*]{1,12}") {
        let escaped: String = name.chars().flat_map(|letter| ['\\', letter]).collect();
        let pattern = Pattern::new(&escaped).unwrap();
        prop_assert!(pattern.matches(&name));
        prop_assert_eq!(pattern.matches(&other), name == other);
    }

    #[test]
    fn any_text_is_read_without_panic(glob in ".{0,40}", path in ".{0,40}") {
        if let Ok(pattern) = Pattern::new(&glob) {
            pattern.matches(&path);
        }
    }
}
