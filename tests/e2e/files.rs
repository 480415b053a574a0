//! Files there and back, whatever they are called.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;
use shared::run::state::State;

use crate::examples::in_bucket;
use crate::stack::Stack;
use crate::tasks::{Document, shell};

#[tokio::test]
async fn output_files_keep_their_names_and_bytes() -> Result<()> {
    let stack = Stack::shared().await?;
    let commands = [
        r"mkdir -p 'out/nested/very deep' out/ünï",
        r"printf 'a\000b\r\n' > 'out/with  two spaces .bin'",
        r"printf 1 > 'out/ünï/日本語 😀.txt'",
        r"printf 2 > out/a+b.txt",
        r"printf 3 > 'out/100%.txt'",
        r"printf 4 > out/%41%2F%20.txt",
        r"printf 5 > 'out/nested/very deep/file'",
        r#"printf 6 > "out/it's \"quoted\" & #1?x=y;z.txt""#,
        r"printf 7 > out/-dash",
        r"printf 8 > out/.hidden",
        r": > out/empty",
        r"printf no > beside.txt",
    ];
    let document = Document::of(&shell("names", &commands, json!({"outputFiles": ["out/**"]})))?;
    let out = document.beside("downloaded");
    let arguments =
        ["run".as_ref(), document.file.as_os_str(), "--json".as_ref(), "--out".as_ref(), out.as_os_str()];
    let result = stack.longshore(&arguments).await?.ended_with(0)?;
    assert_eq!((result.state, result.warnings.as_slice()), (State::Succeeded, &[][..]));
    let expected: BTreeMap<String, Vec<u8>> = [
        ("out/with  two spaces .bin", "a\0b\r\n"),
        ("out/ünï/日本語 😀.txt", "1"),
        ("out/a+b.txt", "2"),
        ("out/100%.txt", "3"),
        ("out/%41%2F%20.txt", "4"),
        ("out/nested/very deep/file", "5"),
        ("out/it's \"quoted\" & #1?x=y;z.txt", "6"),
        ("out/-dash", "7"),
        ("out/.hidden", "8"),
        ("out/empty", ""),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .collect();
    assert_eq!(in_bucket(&stack, &result).await?, expected);
    for (path, bytes) in expected {
        assert_eq!(std::fs::read(out.join(&path))?, bytes, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn an_input_file_with_an_odd_name_comes_back_as_it_went() -> Result<()> {
    let stack = Stack::shared().await?;
    let more = json!({
        "inputFiles": {"in dir/ü+%41 & 100%.bin": "{{ inputs.data }}", "empty": "", "text": "naïve\n"},
        "outputFiles": ["in dir/*", "back.bin", "empty", "text"],
    });
    let document = Document::of(&shell("odd", &["cp 'in dir/'* back.bin"], more))?;
    let content: Vec<u8> = (0..=255_u8).cycle().take(100_003).collect();
    let data = document.beside("päckage + 100% %2B.bin");
    std::fs::write(&data, &content)?;
    let input = format!("data=@{}", data.display());
    let arguments =
        ["run".as_ref(), document.file.as_os_str(), "--json".as_ref(), "--input".as_ref(), input.as_ref()];
    let result = stack.longshore(&arguments).await?.ended_with(0)?;
    let files = in_bucket(&stack, &result).await?;
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["back.bin", "empty", "in dir/ü+%41 & 100%.bin", "text"]);
    assert!(files["back.bin"] == content && files["in dir/ü+%41 & 100%.bin"] == content);
    assert_eq!((files["empty"].as_slice(), files["text"].as_slice()), (&b""[..], "naïve\n".as_bytes()));
    Ok(())
}
