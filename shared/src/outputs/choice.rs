//! Which of the listed files are brought back.

use super::globs::Selection;
use super::listing::{Entry, Kind, Listing};
use crate::spec::layout::SCRIPT_DIR;

/// The files to bring back and what to say about the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice<'a> {
    /// Regular files that were selected, by path.
    pub files: Vec<&'a Entry>,
    /// Declared globs, as written, that selected no regular file.
    pub missing: Vec<String>,
    /// Selected links and devices that are left out, and what the listing warned of.
    pub warnings: Vec<String>,
}

/// Choose the outputs among what was listed. Links are not followed, only regular files are outputs, and what Longshore put into
/// [`SCRIPT_DIR`] is none.
pub fn choose<'a>(listing: &'a Listing, selection: &Selection) -> Choice<'a> {
    let mut choice = Choice { warnings: listing.warnings.clone(), ..Choice::default() };
    for entry in
        listing.entries.iter().filter(|entry| is_the_tasks(&entry.path) && selection.selects(&entry.path))
    {
        match entry.kind {
            Kind::File => choice.files.push(entry),
            Kind::Symlink => {
                choice.warnings.push(format!("`{}` is a symbolic link and is left out", entry.path))
            }
            Kind::Other => {
                choice.warnings.push(format!("`{}` is not a regular file and is left out", entry.path))
            }
        }
    }
    choice.files.sort_by(|one, other| one.path.cmp(&other.path));
    let paths: Vec<&str> = choice.files.iter().map(|file| file.path.as_str()).collect();
    choice.missing = selection.unmatched(&paths).into_iter().map(str::to_owned).collect();
    choice
}

fn is_the_tasks(path: &str) -> bool {
    path.split('/').next() != Some(SCRIPT_DIR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: Kind) -> Entry {
        Entry { kind, size: 1, path: path.into(), shared_inode: None }
    }

    #[test]
    fn regular_files_are_chosen_by_path_and_links_are_not() {
        let listing = Listing {
            entries: vec![
                entry("b.txt", Kind::File),
                entry("link.txt", Kind::Symlink), // K-GLOB-19
                entry("out/pipe", Kind::Other),
                entry("a.txt", Kind::File),
                entry("other", Kind::Symlink),
            ],
            warnings: vec!["from the listing".into()],
        };
        let globs = ["*.txt", "link*", "none"].map(str::to_owned);
        let choice = choose(&listing, &Selection::new(&globs, Some("out")).unwrap());
        assert_eq!(
            choice.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
            ["a.txt", "b.txt"]
        );
        assert_eq!(choice.missing, ["link*", "none"]);
        assert_eq!(
            choice.warnings,
            [
                "from the listing",
                "`link.txt` is a symbolic link and is left out",
                "`out/pipe` is not a regular file and is left out"
            ]
        );
    }

    #[test]
    fn the_program_of_a_script_task_is_no_output() {
        let paths =
            [format!("{SCRIPT_DIR}/script"), format!("sub/{SCRIPT_DIR}"), format!("{SCRIPT_DIR}-not")];
        let entries = paths.iter().map(|path| entry(path, Kind::File)).collect();
        let listing = Listing { entries, warnings: vec![] };
        let choice = choose(&listing, &Selection::new(&["**".to_owned()], None).unwrap());
        assert_eq!(
            choice.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(),
            [paths[2].clone(), paths[1].clone()]
        );
    }
}
