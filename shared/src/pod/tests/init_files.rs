//! `init-files.sh` and `out-files.sh` with a real shell, against files and a small server on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};

use crate::pod::manifest::{Line, text};
use crate::spec::label::hex;

/// A directory of one test; gone with it.
struct Room(PathBuf);

impl Room {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("longshore-init-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Room(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        format!("file://{}", path.display())
    }

    fn work(&self) -> PathBuf {
        self.0.join("kestra/working-dir")
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.0.join("termination")).unwrap_or_default()
    }

    /// Run the script with the system's shell; `path` replaces the search path.
    fn run(&self, manifest: Option<&str>, path: Option<&Path>) -> Output {
        self.run_in(&["/bin/sh"], manifest, path)
    }

    fn run_in(&self, shell: &[&str], manifest: Option<&str>, path: Option<&Path>) -> Output {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", include_str!("../init-files.sh")]);
        command
            .env("LONGSHORE_WORKING_DIR", self.work())
            .env("LONGSHORE_TERMINATION_LOG", self.0.join("termination"));
        command
            .env("LONGSHORE_OUTPUT_DIR", self.work().join("outputs"))
            .env("LONGSHORE_PAUSE", "0")
            .env("NO_PROXY", "127.0.0.1");
        if let Some(manifest) = manifest {
            command.env("LONGSHORE_MANIFEST", manifest);
        }
        if let Some(path) = path {
            command.env("PATH", path);
        }
        command.output().unwrap()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn line<'a>(path: &'a str, content: &[u8], sha256: Option<&'a str>, url: &'a str) -> Line<'a> {
    Line { size: content.len() as u64, sha256, executable: false, url, path }
}

/// Answer requests with a status and a body until the test ends; the answer is the address.
fn server(answer: impl Fn(&str, u32) -> (u16, Vec<u8>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (count, stream) in (0_u32..).zip(listener.incoming()) {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            let _ = reader.read_line(&mut request);
            let mut header = String::new();
            while reader.read_line(&mut header).is_ok_and(|bytes| bytes > 2) {
                header.clear();
            }
            let (status, body) = answer(request.split(' ').nth(1).unwrap_or_default(), count);
            let reason = if status == 200 { "OK" } else { "Forbidden" };
            let head = format!(
                "HTTP/1.1 {status} {reason}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

#[test]
fn odd_names_nested_folders_and_empty_files_arrive_byte_for_byte() {
    let room = Room::new();
    let files: [(&str, &[u8]); 8] = [
        ("plain.txt", b"hello"),
        ("deep/er/a b.txt", b"\x00\xff\n"),
        ("empty", b""),
        ("pipe|and|more|", b"pipe"),
        ("quo'te\"s$HOME`x`", b"quotes"),
        ("back\\slash%2F+", b"back"),
        ("\u{fc}n\u{ef} \u{65e5}\u{672c}", b"unicode"),
        (" -lead:", b"lead"),
    ];
    let stored: Vec<(String, String)> = files
        .iter()
        .enumerate()
        .map(|(index, (_, content))| {
            (room.file(&format!("object-{index}"), content), hex(&Sha256::digest(content), 64))
        })
        .collect();
    let lines: Vec<Line<'_>> = files
        .iter()
        .zip(&stored)
        .map(|((path, content), (url, hash))| line(path, content, Some(hash), url))
        .collect();
    let manifest = room.file("manifest", text(&lines).as_bytes());
    let output = room.run(Some(&manifest), None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (path, content) in files {
        assert_eq!(std::fs::read(room.work().join(path)).unwrap(), content, "{path}");
    }
    assert!(room.work().join("outputs").is_dir());
    let beside: Vec<_> =
        std::fs::read_dir(room.0.join("kestra")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["working-dir"], "nothing of its own is left");
}

#[test]
fn everything_is_open_to_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    let url = room.file("object", b"x");
    let lines =
        [line("dir/file", b"x", None, &url), Line { executable: true, ..line("run", b"x", None, &url) }];
    let manifest = room.file("manifest", text(&lines).as_bytes());
    assert!(room.run(Some(&manifest), None).status.success());
    for (path, mode) in [("", 0o777), ("outputs", 0o777), ("dir", 0o777), ("dir/file", 0o666), ("run", 0o777)]
    {
        let found = std::fs::metadata(room.work().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}: {found:o}");
    }
}

#[test]
fn without_a_manifest_it_makes_the_directories() {
    let room = Room::new();
    assert!(room.run(None, None).status.success());
    assert!(room.work().join("outputs").is_dir());
    assert!(room.run(None, None).status.success(), "again");
}

#[test]
fn a_file_that_is_not_what_was_promised_ends_with_78() {
    for (content, hash, part) in [
        (&b"longer"[..], None, "a.txt has 5 bytes instead of 6"),
        (&b"other"[..], Some("0".repeat(64)), "SHA-256 differs"),
    ] {
        let room = Room::new();
        let url = room.file("object", b"bytes");
        let manifest =
            room.file("manifest", text(&[line("a.txt", content, hash.as_deref(), &url)]).as_bytes());
        assert_eq!(room.run(Some(&manifest), None).status.code(), Some(78));
        assert!(room.said().contains(part), "{}", room.said());
        assert!(!room.work().join("a.txt").exists());
    }
    for content in ["", "something else\n"] {
        let room = Room::new();
        let manifest = room.file("manifest", content.as_bytes());
        assert_eq!(room.run(Some(&manifest), None).status.code(), Some(78), "{content:?}");
    }
}

#[test]
fn an_expired_grant_ends_with_77() {
    let address = server(|_, _| (403, b"<Error>expired</Error>".to_vec()));
    let room = Room::new();
    assert_eq!(room.run(Some(&format!("{address}/manifest")), None).status.code(), Some(77));
    assert!(room.said().contains("the grant to read the input manifest has expired"), "{}", room.said());
    let manifest = room.file("manifest", text(&[line("a", b"x", None, &format!("{address}/a"))]).as_bytes());
    assert_eq!(room.run(Some(&manifest), None).status.code(), Some(77));
    assert!(room.said().contains("the grant to read a has expired"), "{}", room.said());
}

#[test]
fn a_fetch_that_fails_is_repeated() {
    let address = server(|_, count| if count < 3 { (500, Vec::new()) } else { (200, b"x".to_vec()) });
    let room = Room::new();
    let manifest = room.file("manifest", text(&[line("a", b"x", None, &format!("{address}/a"))]).as_bytes());
    let output = room.run(Some(&manifest), None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let never = server(|_, _| (500, Vec::new()));
    assert_eq!(room.run(Some(&never), None).status.code(), Some(1));
    assert!(room.said().starts_with("cannot fetch the input manifest"), "{}", room.said());
}

#[test]
fn without_curl_and_wget_it_ends_with_79() {
    let room = Room::new();
    let tools = tools(&room, &[]);
    assert_eq!(room.run(Some("http://127.0.0.1:1/"), Some(&tools)).status.code(), Some(79));
    assert!(room.said().contains("neither curl nor wget"), "{}", room.said());
}

/// A search path with the tools of a small image and these besides.
fn tools(room: &Room, more: &[&str]) -> PathBuf {
    let folder = room.0.join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    for tool in ["mkdir", "chmod", "mv", "rm", "wc", "sleep", "tail", "grep", "sha256sum"].iter().chain(more)
    {
        let found =
            ["/bin", "/usr/bin"].iter().map(|dir| Path::new(dir).join(tool)).find(|path| path.exists());
        if let Some(found) = found {
            std::os::unix::fs::symlink(found, folder.join(tool)).unwrap();
        }
    }
    folder
}

/// Shells with a search path that has their own `wget`: the system's, and busybox with nothing but its applets.
fn shells_with_wget(room: &Room) -> Vec<(Vec<&'static str>, PathBuf)> {
    let system = tools(room, &["wget"]);
    let mut shells = Vec::new();
    if system.join("wget").exists() {
        shells.push((vec!["/bin/sh"], system));
    }
    if let Some(busybox) =
        ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(|path| Path::new(path).exists())
    {
        let folder = room.0.join("busybox");
        std::fs::create_dir_all(&folder).unwrap();
        for applet in ["mkdir", "chmod", "mv", "rm", "wc", "sleep", "tail", "grep", "sha256sum", "wget"] {
            std::os::unix::fs::symlink(busybox, folder.join(applet)).unwrap();
        }
        shells.push((vec![busybox, "sh"], folder));
    }
    shells
}

#[test]
fn wget_does_as_well_as_curl_and_busybox_as_well_as_the_system() {
    let room = Room::new();
    let name = "deep/pipe|a b\\ \u{fc}.txt";
    for (shell, path) in shells_with_wget(&room) {
        let address =
            server(|path, _| if path == "/a" { (200, b"content".to_vec()) } else { (403, Vec::new()) });
        let hash = hex(&Sha256::digest(b"content"), 64);
        let lines = text(&[
            line(name, b"content", Some(&hash), &format!("{address}/a")),
            line("empty", b"", None, &room.file("none", b"")),
        ]);
        // wget does not read files: the empty one comes from the server as well
        let nothing = server(|_, _| (200, Vec::new()));
        let lines = lines.replace(&room.file("none", b""), &nothing);
        let manifest = server(move |_, _| (200, lines.clone().into_bytes()));
        let output = room.run_in(&shell, Some(&manifest), Some(&path));
        assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read(room.work().join(name)).unwrap(), b"content", "{shell:?}");
        assert_eq!(std::fs::read(room.work().join("empty")).unwrap(), b"", "{shell:?}");
        assert_eq!(
            room.run_in(&shell, Some(&format!("{address}/b")), Some(&path)).status.code(),
            Some(77),
            "{shell:?}: {}",
            room.said()
        );
        let wrong = text(&[line("a.txt", b"longer than that", None, &format!("{address}/a"))]);
        let manifest = server(move |_, _| (200, wrong.clone().into_bytes()));
        assert_eq!(
            room.run_in(&shell, Some(&manifest), Some(&path)).status.code(),
            Some(78),
            "{shell:?}: {}",
            room.said()
        );
        std::fs::remove_dir_all(room.work()).unwrap();
    }
}

#[test]
fn out_files_ignores_sigterm_and_waits_without_working() {
    let mut child = Command::new("/bin/sh")
        .args(["-c", include_str!("../out-files.sh")])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let id = child.id();
    // the trap is set once the shell has its `sleep`
    while !has_child(id) {
        std::thread::yield_now();
    }
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -TERM {id}")]).status().unwrap().success());
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & (1 << 14), 1 << 14, "SIGTERM is ignored");
    assert!(child.try_wait().unwrap().is_none());
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    child.kill().unwrap();
    child.wait().unwrap();
    for sleeper in children.split_whitespace() {
        let _ = Command::new("/bin/sh").args(["-c", &format!("kill -KILL {sleeper}")]).status();
    }
}

fn has_child(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
        .is_ok_and(|children| !children.trim().is_empty())
}

#[test]
fn out_files_of_a_pod_that_stays_ends_once_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ended");
    std::fs::write(&mark, "").unwrap();
    let script = include_str!("../out-files-kept.sh");
    let status = Command::new("/bin/sh").args(["-c", script]).env("LONGSHORE_ENDED", &mark).status().unwrap();
    assert!(status.success());
}
