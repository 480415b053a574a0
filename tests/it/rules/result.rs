//! `docs/RESULT.md` names every member of a result.

use std::collections::BTreeSet;

use super::tree;

#[test]
fn the_page_of_the_result_names_every_member_and_no_other() {
    let source = tree::read("shared/src/run/result.rs");
    let page = tree::read("docs/RESULT.md");
    let page = page.split_once("## While a run").unwrap().0;
    let first_cells =
        page.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let told: BTreeSet<String> =
        first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let members: BTreeSet<String> =
        ["RunResult", "Timings"].iter().flat_map(|name| members(&source, name)).collect();
    assert!(members.len() > 25, "{members:?}");
    assert_eq!(told, members);
    for name in ["OutputFile", "LogObject", "PodOutputs"] {
        for member in self::members(&source, name) {
            assert!(page.contains(&format!("`{member}`")), "{name}.{member} is not told");
        }
    }
}

/// The members of a struct as they are written in JSON.
fn members(source: &str, name: &str) -> Vec<String> {
    let body = source.split_once(&format!("pub struct {name} {{")).unwrap().1.split_once("\n}").unwrap().0;
    let fields = body.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
    fields.map(|(field, _)| camel_case(field)).collect()
}

fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}
