use std::path::Path;

use proptest::prelude::*;

use super::super::workbench::{Folder, run, tool_sets};
use super::*;

fn list(folder: &Path, tools: &str) -> Listing {
    let output = run(&command(folder.to_str().unwrap()), tools);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    parse(&output.stdout).unwrap()
}

#[test]
fn real_tools_list_any_name() {
    let folder = Folder::new("listing");
    let names: &[&str] = &[
        "plain",
        "sub dir/x/a b",
        "-dash",
        "new\nline",
        "ünïcode/+%41&=",
        "pct%s\\n",
        "quote'\"$x`",
        "end",
        ".hidden",
        " lead",
    ];
    for name in names {
        folder.write(&[b"work/", name.as_bytes()].concat(), name.as_bytes());
    }
    folder.write(b"work/empty", b"");
    folder.write(b"work/bad\xff", b"x");
    let work = folder.path().join("work");
    std::os::unix::fs::symlink("plain", work.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", work.join("dangling")).unwrap();
    std::fs::hard_link(work.join("plain"), work.join("twin")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(work.join("socket")).unwrap();
    for tools in tool_sets(&folder) {
        let listing = list(&work, &tools);
        let mut found: Vec<(String, Kind, u64)> =
            listing.entries.iter().map(|entry| (entry.path.clone(), entry.kind, entry.size)).collect();
        found.retain(|(_, kind, _)| *kind == Kind::File);
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let mut expected: Vec<(String, Kind, u64)> =
            names.iter().map(|name| ((*name).to_owned(), Kind::File, name.len() as u64)).collect();
        expected.extend([("empty".into(), Kind::File, 0), ("twin".into(), Kind::File, 5)]);
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(found, expected, "{tools}");
        let kind =
            |path: &str| listing.entries.iter().find(|entry| entry.path == path).map(|entry| entry.kind);
        assert_eq!(kind("link"), Some(Kind::Symlink));
        assert_eq!(kind("dangling"), Some(Kind::Symlink));
        assert_eq!(kind("socket"), Some(Kind::Other));
        let shared: Vec<&str> = listing
            .entries
            .iter()
            .filter(|entry| entry.shared_inode.is_some())
            .map(|entry| entry.path.as_str())
            .collect();
        assert_eq!(shared.len(), 2, "{shared:?}");
        assert_eq!(
            listing.warnings,
            ["a file cannot be an output: path `./bad\u{fffd}` is not UTF-8; rename the file"]
        );
    }
}

#[test]
fn an_empty_directory_is_an_empty_listing_and_a_missing_one_is_an_error() {
    let folder = Folder::new("empty");
    std::fs::create_dir(folder.path().join("work")).unwrap();
    for tools in tool_sets(&folder) {
        assert_eq!(list(&folder.path().join("work"), &tools), Listing::default());
        let output = run(&command("/nowhere/at/all"), &tools);
        assert!(!output.status.success());
        assert_eq!(parse(&output.stdout), Err(ListingError::Cut { bytes: 0 }));
    }
}

#[test]
fn thousands_of_files_come_in_several_batches() {
    let folder = Folder::new("many");
    for number in 0..3000 {
        folder.write(format!("work/{}-{number}", "long-name-".repeat(10)).as_bytes(), b"x");
    }
    for tools in tool_sets(&folder) {
        assert_eq!(list(&folder.path().join("work"), &tools).entries.len(), 3000);
    }
}

const GOOD: &[u8] = b"2\081a4 1 1:2 5\na1ff 1 1:3 4\0./a\0./b\0end\x000\0";

#[test]
fn a_listing_that_breaks_off_anywhere_is_refused() {
    assert_eq!(parse(GOOD).unwrap().entries.len(), 2);
    for end in 0..GOOD.len() {
        assert_eq!(parse(&GOOD[..end]), Err(ListingError::Cut { bytes: end }), "{end}");
    }
}

#[test]
fn unexpected_fields_are_refused_and_unreadable_parts_are_warnings() {
    for bytes in [
        &b"x\0"[..],
        b"-1\0",
        b"1\081a4 1 1:2\0./a\0",
        b"1\0zz 1 1:2 5\0./a\0",
        b"1\081a4 1 1:2 -5\0./a\0",
        b"1\081a4 1 1:2 5\n81a4 1 1:2 5\0./a\0",
        b"2\081a4 1 1:2 5\0./a\0./b\0",
        b"end\x000\0more\0",
    ] {
        assert!(matches!(parse(bytes), Err(ListingError::Unexpected { .. })), "{}", paths::shown(bytes));
    }
    let listing = parse(b"1\0?\0./a\x001\081a4 1 1:2 5\0./../b\0end\x001\0").unwrap();
    assert!(listing.entries.is_empty());
    assert_eq!(listing.warnings.len(), 3, "{:?}", listing.warnings);
    assert_eq!(parse(&vec![b'x'; MAX_LISTING_BYTES + 1]), Err(ListingError::TooLong));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(prop::sample::select(&b"12\0 \n:./aend81f?\xff"[..]), 0..80)) {
        let _ = parse(&bytes);
    }
}
