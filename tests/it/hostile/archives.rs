//! What a carrier sends as listing and archive has a named outcome, whatever it is: each of these was tried by somebody, on some archive reader.

use shared::files::outputs::MAX_FILES;
use shared::store::upload::MAX_BYTES;

use fixtures::carrier::is_listing;

use super::tar::{END, collect, collect_ending, collect_from, file, listing, member, output, pax, plain};

const HELLO: &[(&str, u64)] = &[("./a.txt", 5)];

#[tokio::test]
async fn names_that_leave_the_directory_are_named_and_left_out() {
    let long = format!("./{}", "n".repeat(256));
    let deep = format!("./{}x", "d/".repeat(65));
    let far = format!("./{}", vec!["n".repeat(200); 5].join("/"));
    let names: [(&[u8], &str); 7] = [
        (b"../a.txt", "`../a.txt` contains `..`"),
        (b"./sub/../../a.txt", "contains `..`"),
        (b"/etc/passwd", "`/etc/passwd` is absolute"),
        (b"./\xff\xfe", "is not UTF-8; rename the file"),
        (long.as_bytes(), "a name of more than 255 bytes"),
        (deep.as_bytes(), "more than 64 directories deep"),
        (far.as_bytes(), "more than the 862 that fit into an object key"),
    ];
    let entries: Vec<(&str, u64, &[u8])> = names.iter().map(|(name, _)| ("81a4", 5, *name)).collect();
    let outcome = collect_from(listing(&entries), END.to_vec()).await;
    assert_eq!(outcome.report().warnings.len(), names.len(), "{:?}", outcome.report());
    for (warning, (_, words)) in outcome.report().warnings.iter().zip(names) {
        assert!(warning.starts_with("a file cannot be an output: ") && warning.contains(words), "{warning}");
    }
    assert!(outcome.stored.is_empty() && outcome.report().lost.is_empty());
}

#[tokio::test]
async fn members_that_were_not_asked_for_are_passed_over() {
    let members = [
        file("../a.txt", b"outer"),
        file("/a.txt", b"roots"),
        file("other", b"other"),
        member(b"./\xff\xfe", b'0', b"00000000005\0", b"bytes"),
        member(b"./d", b'5', b"00000000000\0", b""),
        file("./a.txt", b"hello"),
        file("./a.txt", b"again"),
    ];
    let outcome = collect_from(plain(HELLO), [&members.concat()[..], &END].concat()).await;
    assert_eq!(outcome.stored.into_iter().collect::<Vec<_>>(), [("a.txt".to_owned(), b"hello".to_vec())]);
}

#[tokio::test]
async fn links_pipes_and_devices_are_no_outputs() {
    let entries: [(&str, u64, &[u8]); 5] = [
        ("a1ff", 9, b"./link"),
        ("1180", 0, b"./pipe"),
        ("21b6", 0, b"./character"),
        ("61b0", 0, b"./block"),
        ("c1ed", 0, b"./socket"),
    ];
    let outcome = collect_from(listing(&entries), END.to_vec()).await;
    assert_eq!(
        outcome.report().warnings,
        [
            "`link` is a symbolic link and is left out",
            "`pipe` is not a regular file and is left out",
            "`character` is not a regular file and is left out",
            "`block` is not a regular file and is left out",
            "`socket` is not a regular file and is left out",
        ]
    );
}

#[tokio::test]
async fn a_file_that_is_something_else_in_the_archive_is_lost_by_name() {
    // links, devices, a directory, a pipe, a contiguous file, GNU's sparse file
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6', b'7'] {
        let outcome =
            collect_from(plain(HELLO), [&member(b"./a.txt", kind, b"00000000000\0", b"")[..], &END].concat())
                .await;
        assert_eq!(
            outcome.lost(),
            "output file `a.txt` could not be brought back: `a.txt` is no plain file in the archive",
            "{}",
            char::from(kind)
        );
    }
}

#[tokio::test]
async fn a_sparse_file_is_not_blown_up() {
    let mut header = member(b"./a.txt", b'S', b"00000000001\0", b"x");
    // one piece at the far end, of a file of eight gigabytes
    header[386..398].copy_from_slice(b"77777777776\0");
    header[398..410].copy_from_slice(b"00000000001\0");
    header[483..495].copy_from_slice(b"77777777777\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let outcome = collect_from(plain(HELLO), [&header[..], &END].concat()).await;
    assert!(outcome.lost().contains("`a.txt`"), "{}", outcome.lost());
}

#[tokio::test]
async fn a_size_that_is_not_true_never_passes_in_silence() {
    // more than comes, more than anything, more than can be counted, below zero, no number
    let sizes: [&[u8]; 5] = [
        b"00000010000\0",
        b"77777777777\0",
        b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"size of it!\0",
    ];
    for size in sizes {
        let outcome = collect_from(plain(HELLO), member(b"./a.txt", b'0', size, b"hello")).await;
        let lost = outcome.lost();
        assert!(lost.starts_with("output file `a.txt` could not be brought back: "), "{size:?}: {lost}");
    }
    let more = [&member(b"./a.txt", b'0', b"00000000011\0", b"hello")[..], &END].concat();
    assert_eq!(
        collect_from(plain(HELLO), more).await.warning(),
        "output file `a.txt` had 5 bytes when it was listed and 9 when it was read; something still writes to it"
    );
    let outcome = collect_from(
        plain(&[("./a.txt", MAX_BYTES + 1), ("./b", 1)]),
        [&file("./b", b"b")[..], &END].concat(),
    );
    let outcome = outcome.await;
    assert_eq!(outcome.stored.len(), 1);
    assert_eq!(
        outcome.report().lost,
        [format!(
            "output file `a.txt` could not be brought back: it has {} bytes, more than the {MAX_BYTES} of an output file; write it to a bucket from the task",
            MAX_BYTES + 1
        )]
    );
}

#[tokio::test]
async fn records_of_pax_name_no_file_that_was_not_asked_for() {
    let hello = file("./other", b"hello");
    for (records, stored) in [
        (vec![("path", &b"./a.txt"[..])], 1),
        (vec![("path", b"../a.txt")], 0),
        (vec![("path", b"/a.txt")], 0),
        (vec![("path", b"./a.txt\0")], 0),
        (vec![("path", b"./a.txt"), ("size", b"99999999999999999999999")], 0),
        (vec![("path", b"./a.txt"), ("size", b"-5")], 0),
        (vec![("path", b"./a.txt"), ("size", b"9223372036854775807")], 0),
        (vec![("path", b"./a.txt"), ("GNU.sparse.realsize", b"9223372036854775807")], 0),
    ] {
        let outcome = collect_from(plain(HELLO), [&pax(&records)[..], &hello, &END].concat()).await;
        assert_eq!(outcome.stored.len(), stored, "{records:?}: {:?}", outcome.collected);
        assert_eq!(outcome.report().files.len() + outcome.report().lost.len(), 1, "{records:?}");
    }
    // a smaller size than that of the header: what is stored is what is reported, and the difference is told
    let small = [&pax(&[("size", b"2")])[..], &file("./a.txt", b"hello"), &END].concat();
    let outcome = collect_from(plain(HELLO), small).await;
    assert_eq!((outcome.report().files[0].size, outcome.stored["a.txt"].len()), (2, 2));
    assert!(outcome.warning().contains("had 5 bytes when it was listed and 2 when it was read"));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_warned_of() {
    for content in [&b"he"[..], b"hello, world"] {
        let outcome = collect_from(plain(HELLO), [&file("./a.txt", content)[..], &END].concat()).await;
        assert_eq!(outcome.stored["a.txt"], content);
        assert_eq!(outcome.report().files[0].size, content.len() as u64);
        assert!(outcome.warning().ends_with("something still writes to it"), "{}", outcome.warning());
    }
    // GNU tar fills up with zeros and says so at its end
    let padded = [&file("./a.txt", b"he\0\0\0")[..], &END].concat();
    let words = "failed: exit code 1 tar: ./a.txt: File shrank by 3 bytes; padding with zeros".to_owned();
    let outcome = collect_ending(plain(HELLO), padded, Err(words)).await;
    assert_eq!(outcome.report().files.len(), 1);
    let warning = outcome.warning();
    assert!(warning.starts_with("1 output files were brought back with a complaint: "), "{warning}");
    assert!(warning.ends_with("File shrank by 3 bytes; padding with zeros"), "{warning}");
}

#[tokio::test]
async fn a_file_that_vanishes_after_the_listing_is_lost_with_the_words_of_tar() {
    let words = "failed: exit code 2 tar: ./a.txt: Cannot stat: No such file or directory".to_owned();
    let outcome = collect_ending(plain(HELLO), END.to_vec(), Err(words)).await;
    assert!(outcome.lost().ends_with("Cannot stat: No such file or directory"), "{}", outcome.lost());
    let outcome = collect_from(plain(HELLO), END.to_vec()).await;
    assert_eq!(outcome.lost(), "output file `a.txt` could not be brought back: the archive ended without it");
}

#[tokio::test]
async fn an_archive_that_is_none_is_told() {
    for archive in [&b"tar: not found\n"[..], &[0xff; 2048], &file("./a.txt", b"hello")[..300]] {
        let outcome = collect_from(plain(HELLO), archive.to_vec()).await;
        assert!(
            outcome.lost().starts_with("output file `a.txt` could not be brought back: "),
            "{}",
            outcome.lost()
        );
    }
}

#[tokio::test]
async fn more_files_than_a_run_may_have_are_counted_and_the_first_come_back() {
    let names: Vec<String> = (0..MAX_FILES + 2).map(|number| format!("./{number:06}")).collect();
    let listed: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let listing = plain(&listed);
    let outcome = collect(Box::new(move |command| match is_listing(command) {
        true => (output(listing.clone()), Ok(())),
        false => {
            let members = command.iter().filter(|word| word.starts_with("./")).map(|name| file(name, b"x"));
            (output(members.flatten().chain(END).collect()), Ok(()))
        }
    }))
    .await;
    assert_eq!((outcome.report().files.len(), outcome.stored.len()), (MAX_FILES, MAX_FILES));
    assert_eq!(
        outcome.report().lost,
        [
            "2 of 20002 output files could not be brought back: a run has at most 20000; pack them into an archive"
        ]
    );
}
