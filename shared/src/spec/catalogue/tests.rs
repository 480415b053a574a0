use std::collections::BTreeSet;

use super::property::Status;
use super::{TASKS, objects};

#[test]
fn each_property_is_declared_once_and_says_what_it_is() {
    for object in objects() {
        let mut names = BTreeSet::new();
        for property in object.properties() {
            let place = format!("{}.{}", object.name, property.name);
            assert!(names.insert(property.name), "{place} is declared twice");
            match property.status {
                Status::Read | Status::Inert => {
                    assert!(property.about.ends_with(['.', '…']), "{place}: `{}`", property.about);
                    assert!(!property.about.contains('\n'), "{place}");
                    assert!(!(property.required && property.default.is_some()), "{place}");
                }
                Status::Older(of) => assert!(
                    object.property(of).is_some_and(|newer| newer.status == Status::Read),
                    "{place} is another name for `{of}`, which is no property"
                ),
                Status::Ignored(reason) => {
                    assert!(
                        !reason.ends_with('.') && !reason.is_empty() && property.about.is_empty(),
                        "{place}"
                    );
                }
                Status::Refused(_) => assert!(!property.required && property.about.is_empty(), "{place}"),
            }
        }
    }
}

#[test]
fn objects_have_names_of_their_own() {
    let all = objects();
    let names: BTreeSet<&str> = all.iter().map(|object| object.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|object| object.about.ends_with('.')));
}

#[test]
fn a_type_tells_one_kind_of_task() {
    let types: Vec<&str> = TASKS.iter().flat_map(|object| object.types.iter().copied()).collect();
    assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len());
}
