use super::*;

fn pod(name: &str) -> Value {
    json!({"metadata": {"labels": {"a": "b"}, "name": name, "namespace": "n"}, "spec": {"containers": []}})
}

#[test]
fn a_new_object_gets_its_identity() {
    let store = Store::new();
    let created = store.create(Kind::Pod, pod("a")).unwrap();
    assert_eq!(text(&created, "/kind"), "Pod");
    assert_eq!(text(&created, "/metadata/uid").len(), 36);
    assert_eq!(text(&created, "/metadata/resourceVersion"), store.version().to_string());
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(*store.get(Kind::Pod, "n", "a").unwrap(), *created);
}

#[test]
fn a_taken_name_is_refused() {
    let store = Store::new();
    store.create(Kind::Pod, pod("a")).unwrap();
    let error = store.create(Kind::Pod, pod("a")).unwrap_err();
    assert_eq!(error.to_string(), "pods \"a\" already exists");
}

#[test]
fn a_change_that_changes_nothing_makes_no_version() {
    let store = Store::new();
    store.create(Kind::Pod, pod("a")).unwrap();
    let version = store.version();
    store.update(Kind::Pod, "n", "a", None, |_| ()).unwrap();
    assert_eq!(store.version(), version);
    store.update(Kind::Pod, "n", "a", None, |pod| set(pod, "x", json!(1))).unwrap();
    assert_eq!(store.version(), version + 1);
}

#[test]
fn another_uid_is_another_object() {
    let store = Store::new();
    store.create(Kind::Pod, pod("a")).unwrap();
    assert!(matches!(store.remove(Kind::Pod, "n", "a", Some("x")), Err(StoreError::UidMismatch { .. })));
    assert!(matches!(store.remove(Kind::Pod, "n", "b", None), Err(StoreError::NotFound { .. })));
}

#[test]
fn changes_are_read_in_order_until_they_are_compacted() {
    let store = Store::new();
    let first = store.version();
    store.create(Kind::Pod, pod("a")).unwrap();
    store.create(Kind::Secret, pod("a")).unwrap();
    store.update(Kind::Pod, "n", "a", None, |pod| set(pod, "x", json!(1))).unwrap();
    store.remove(Kind::Pod, "n", "a", None).unwrap();
    let (changes, version) = store.changes_since(Kind::Pod, first).unwrap();
    let verbs: Vec<Verb> = changes.iter().map(|change| change.verb).collect();
    assert_eq!(verbs, [Verb::Added, Verb::Modified, Verb::Deleted]);
    assert_eq!(version, first + 4);
    assert_eq!(changes[2].object.version(), version);
    assert_eq!(changes[2].previous.as_ref().unwrap().value()["x"], 1);
    store.compact();
    assert_eq!(store.changes_since(Kind::Pod, first).unwrap_err(), Compacted { oldest: version });
    assert!(store.changes_since(Kind::Pod, version).unwrap().0.is_empty());
}

#[test]
fn the_history_is_bounded() {
    let store = Store::new();
    store.create(Kind::Pod, pod("a")).unwrap();
    for count in 0..HISTORY {
        store.update(Kind::Pod, "n", "a", None, |pod| set(pod, "x", json!(count))).unwrap();
    }
    assert!(store.changes_since(Kind::Pod, 1).is_err());
    assert_eq!(store.changes_since(Kind::Pod, 2).unwrap().0.len(), HISTORY);
}

#[test]
fn a_list_of_a_namespace_has_only_its_objects_in_order() {
    let store = Store::new();
    for name in ["b", "a"] {
        store.create(Kind::Pod, pod(name)).unwrap();
    }
    store.create(Kind::Pod, json!({"metadata": {"name": "c", "namespace": "n2"}})).unwrap();
    let names = |namespace| -> Vec<String> {
        store.list(Kind::Pod, namespace).0.iter().map(|pod| text(pod, "/metadata/name").into()).collect()
    };
    assert_eq!(names(Some("n")), ["a", "b"]);
    assert_eq!(names(None), ["a", "b", "c"]);
}

#[test]
fn an_event_of_the_kubelet_is_counted_and_one_of_the_scheduler_is_not() {
    let store = Store::new();
    let pod = store.create(Kind::Pod, pod("a")).unwrap();
    let event = |component, reason: &str| EventRecord {
        kind: "Warning",
        reason: reason.into(),
        message: "m".into(),
        field_path: None,
        component,
    };
    for _ in 0..3 {
        store.record_event(&pod, event("kubelet", "Failed"));
    }
    store.record_event(&pod, event("default-scheduler", "FailedScheduling"));
    let (events, _) = store.list(Kind::Event, Some("n"));
    let kubelet = events.iter().find(|event| text(event, "/reason") == "Failed").unwrap();
    assert_eq!(kubelet["count"], 3);
    assert!(kubelet["eventTime"].is_null());
    let scheduler = events.iter().find(|event| text(event, "/reason") == "FailedScheduling").unwrap();
    assert!(scheduler.get("count").is_none());
    assert_eq!(text(scheduler, "/action"), "Scheduling");
    assert_eq!(events.len(), 2);
}

#[test]
fn an_earlier_version_can_be_listed_until_it_is_compacted() {
    let store = Store::new();
    store.create(Kind::Pod, pod("a")).unwrap();
    let version = store.version();
    store.update(Kind::Pod, "n", "a", None, |pod| set(pod, "x", json!(1))).unwrap();
    store.create(Kind::Pod, pod("b")).unwrap();
    store.remove(Kind::Pod, "n", "a", None).unwrap();
    let then = store.objects_at(Kind::Pod, Some("n"), None, version).unwrap();
    assert_eq!(then.len(), 1);
    assert_eq!(then[0].name(), "a");
    assert!(then[0].value().get("x").is_none());
    store.compact();
    assert!(store.objects_at(Kind::Pod, Some("n"), None, version).is_err());
}

#[test]
fn an_earlier_version_has_what_came_before_between_and_after() {
    let store = Store::new();
    for name in ["a", "c", "e"] {
        store.create(Kind::Pod, pod(name)).unwrap();
    }
    let version = store.version();
    for name in ["0", "b", "d", "f"] {
        store.create(Kind::Pod, pod(name)).unwrap();
    }
    for name in ["a", "c", "e"] {
        store.remove(Kind::Pod, "n", name, None).unwrap();
    }
    store.create(Kind::Pod, pod("c")).unwrap();
    let names = |after: Option<&str>| -> Vec<String> {
        let after = after.map(|name| ("n".to_owned(), name.to_owned()));
        let then = store.objects_at(Kind::Pod, Some("n"), after.as_ref(), version).unwrap();
        then.iter().map(|object| object.name().to_owned()).collect()
    };
    assert_eq!(names(None), ["a", "c", "e"]);
    assert_eq!(names(Some("a")), ["c", "e"]);
    assert_eq!(names(Some("e")), [""; 0]);
}

#[test]
fn events_go_an_hour_after_they_were_last_counted() {
    let store = Store::new();
    let pod = store.create(Kind::Pod, pod("a")).unwrap();
    let event = |reason: &str| EventRecord {
        kind: "Normal",
        reason: reason.into(),
        message: "m".into(),
        field_path: None,
        component: "kubelet",
    };
    for reason in ["Pulled", "Started", "Pulled"] {
        store.record_event(&pod, event(reason));
    }
    let version = store.version();
    store.expire_events(clock::now() + SignedDuration::from_mins(59));
    assert_eq!(store.list(Kind::Event, Some("n")).0.len(), 2);
    store.expire_events(clock::now() + SignedDuration::from_mins(61));
    assert_eq!(store.list(Kind::Event, Some("n")).0.len(), 0);
    let (changes, _) = store.changes_since(Kind::Event, version).unwrap();
    assert_eq!(changes.iter().map(|change| change.verb).collect::<Vec<_>>(), [Verb::Deleted; 2]);
    assert!(store.state().events.is_empty());
}

#[test]
fn what_is_kept_does_not_grow_with_the_changes() {
    let store = Store::new();
    let kept = store.create(Kind::Pod, pod("a")).unwrap();
    let event = || EventRecord {
        kind: "Normal",
        reason: "Again".into(),
        message: "m".into(),
        field_path: None,
        component: "kubelet",
    };
    let mut sizes = Vec::new();
    for round in 0..3 {
        for count in 0..HISTORY {
            store.update(Kind::Pod, "n", "a", None, |pod| set(pod, "x", json!([round, count]))).unwrap();
            let name = format!("short-{count}");
            store.create(Kind::Secret, json!({"metadata": {"name": name, "namespace": "n"}})).unwrap();
            store.remove(Kind::Secret, "n", &name, None).unwrap();
        }
        store.record_event(&kept, event());
        store.expire_events(clock::now() + EVENT_LIFE);
        let state = store.state();
        let objects: usize = state.objects.values().map(BTreeMap::len).sum();
        sizes.push((objects, state.history.len(), state.recent.len(), state.events.len()));
    }
    assert_eq!(sizes, [(1, HISTORY, RECENT, 0); 3]);
}
