//! Several pods of one attempt.

use super::at;
use crate::run::facts::Phase;
use crate::run::rank::{Candidate, Owner, keep};
use crate::run::record::Attempt;

fn candidate(uid: &str, phase: Phase) -> Candidate {
    Candidate { name: format!("pod-{uid}"), uid: uid.to_owned(), phase, is_ending: false, created_at: None }
}

#[test]
fn the_pod_that_came_furthest_stays() {
    use Phase::{Failed, Pending, Running, Succeeded, Unknown};
    for (id, phases, expected) in [
        ("K-RES-01", &[][..], None),
        ("K-RES-03: one of two stays", &[Running, Running], Some("0")),
        ("K-RES-06: nobody knows what it does", &[Unknown], None),
        ("K-RES-09", &[Pending, Running, Succeeded], Some("2")),
        ("K-RES-09: then", &[Pending, Running], Some("1")),
        ("K-RES-09: then", &[Failed, Pending, Unknown], Some("1")),
        ("none that failed", &[Failed, Failed], None),
    ] {
        let candidates: Vec<Candidate> = phases
            .iter()
            .enumerate()
            .map(|(index, phase)| Candidate {
                created_at: Some(at(index as u64)),
                ..candidate(&index.to_string(), *phase)
            })
            .collect();
        assert_eq!(keep(None, &candidates), expected, "{id}: {phases:?}");
    }
}

#[test]
fn a_pod_that_is_being_deleted_is_never_carried_on_with() {
    let ending = Candidate { is_ending: true, ..candidate("a", Phase::Running) };
    assert_eq!(keep(None, std::slice::from_ref(&ending)), None);
    assert_eq!(keep(None, &[ending, candidate("b", Phase::Pending)]), Some("b"));
}

#[test]
fn the_pod_that_the_record_knows_goes_before_every_rank() {
    let pods = [candidate("a", Phase::Succeeded), candidate("b", Phase::Failed)];
    assert_eq!(keep(Some("b"), &pods), Some("b"));
    assert_eq!(keep(Some("gone"), &pods), Some("a"));
}

#[test]
fn of_equals_the_oldest_stays() {
    let born =
        |uid: &str, second| Candidate { created_at: Some(at(second)), ..candidate(uid, Phase::Running) };
    assert_eq!(keep(None, &[born("b", 9), born("a", 3), candidate("c", Phase::Running)]), Some("a"));
}

#[test]
fn the_late_news_of_another_pod_is_not_about_the_attempts_own() {
    let attempt = |number, uid: Option<&str>| Attempt {
        number,
        counted: 0,
        infrastructure_failures: 0,
        may_begin_at: None,
        pod_name: "t-eaa24c73ed".to_owned(),
        pod_uid: uid.map(str::to_owned),
        created_at: None,
    };
    for (words, known, number, uid, expected) in [
        ("its pod", attempt(1, Some("a")), 1, Some("a"), Owner::Attempt),
        ("the POST was not answered, or not yet", attempt(1, None), 1, Some("a"), Owner::Attempt),
        ("deleted by somebody before the second POST", attempt(1, Some("b")), 1, Some("a"), Owner::Surplus),
        ("without a uid", attempt(1, Some("b")), 1, None, Owner::Surplus),
        ("of an attempt that is over", attempt(2, None), 1, Some("a"), Owner::EarlierAttempt),
        ("of an attempt that begins", attempt(1, Some("a")), 2, Some("b"), Owner::Attempt),
    ] {
        assert_eq!(Owner::of(&known, number, uid), expected, "{words}");
    }
}
