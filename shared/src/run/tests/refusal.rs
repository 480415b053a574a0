use super::{accepted, at};
use crate::run::decision::{Ending, Outcome};
use crate::run::diagnosis::{Cause, Class};
use crate::run::refusal::{AfterWait, Refusal, after_wait, judge, name_taken, unanswered};
use crate::run::state::State;
use crate::run::transition::Successor;

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NameInUse => "name in use".to_owned(),
        Refusal::Wait { seconds, diagnosis } => format!("wait {seconds}: {:?}", diagnosis.cause),
        Refusal::Credentials(diagnosis) => format!("credentials: {:?}", diagnosis.cause),
        Refusal::Cancel(diagnosis) => format!("cancel: {:?}", diagnosis.cause),
        Refusal::Fail(diagnosis) => format!("fail: {:?}/{:?}", diagnosis.class, diagnosis.cause),
    }
}

#[test]
fn every_answer_to_a_refused_creation_means_something() {
    let rights = "pods is forbidden: User \"u\" cannot create resource \"pods\" in API group \"\" in the namespace \"n\"";
    let cases = [
        (409, "AlreadyExists", "pods \"made\" already exists", None, "name in use"),
        (409, "AlreadyExists", "object is being deleted: pods \"made\" already exists", None, "name in use"),
        (
            409,
            "Conflict",
            "Operation cannot be fulfilled on resourcequotas \"q\"",
            None,
            "wait 2: ClusterUnreachable",
        ),
        (429, "", "", Some(15), "wait 15: ClusterUnreachable"),
        (429, "", "Too many requests, please try again later.", None, "wait 2: ClusterUnreachable"),
        (429, "", "", Some(0), "wait 1: ClusterUnreachable"),
        (429, "", "", Some(86_400), "wait 300: ClusterUnreachable"),
        (403, "Forbidden", "pods \"q\" is forbidden: exceeded quota: q", None, "wait 30: QuotaExceeded"),
        (403, "Forbidden", rights, None, "fail: Config/Forbidden"),
        (
            403,
            "Forbidden",
            "pods \"m\" is forbidden: error looking up service account n/x: serviceaccount \"x\" not found",
            None,
            "fail: Config/AdmissionRejected",
        ),
        (403, "", "", None, "fail: Config/Forbidden"),
        (401, "Unauthorized", "Unauthorized", None, "credentials: ClusterUnreachable"),
        (404, "NotFound", "namespaces \"no-such-ns\" not found", None, "fail: Config/AdmissionRejected"),
        (
            422,
            "Invalid",
            "Pod \"m\" is invalid: spec.containers[0].image: Required value",
            None,
            "fail: Config/AdmissionRejected",
        ),
        (
            400,
            "BadRequest",
            "Pod in version \"v1\" cannot be handled as a Pod",
            None,
            "fail: Config/AdmissionRejected",
        ),
        (413, "RequestEntityTooLarge", "limit is 3145728", None, "fail: Config/AdmissionRejected"),
        (500, "", "etcdserver: request is too large", None, "fail: Config/AdmissionRejected"),
        (500, "InternalError", "etcdserver: leader changed", None, "wait 10: ClusterUnreachable"),
        (503, "ServiceUnavailable", "", Some(3), "wait 3: ClusterUnreachable"),
        (504, "Timeout", "", None, "wait 10: ClusterUnreachable"),
        (302, "", "", None, "wait 10: ClusterUnreachable"),
    ];
    for (status, reason, message, retry_after, expected) in cases {
        assert_eq!(
            told(&judge(status, reason, message, retry_after)),
            expected,
            "{status} {reason} {message}"
        );
    }
    assert_eq!(told(&unanswered("connection refused")), "wait 10: ClusterUnreachable");
}

#[test]
fn a_rejection_keeps_the_words_of_the_server() {
    let Refusal::Fail(diagnosis) =
        judge(422, "Invalid", "Pod \"m\" is invalid: spec.restartPolicy: Unsupported", None)
    else {
        panic!("not a failure");
    };
    assert_eq!(
        diagnosis.message,
        "the API server answered 422 Invalid: Pod \"m\" is invalid: spec.restartPolicy: Unsupported"
    );
}

#[test]
fn a_taken_name_says_what_is_in_the_way() {
    let diagnosis = name_taken("pod-1", "it has no run id");
    assert_eq!((diagnosis.class, diagnosis.cause), (Class::Config, Cause::NameTaken));
    assert_eq!(diagnosis.message, "a pod `pod-1` exists and is not of this attempt: it has no run id");
}

#[test]
fn waiting_ends_with_the_budget_that_began_with_the_attempt() {
    let Refusal::Wait { seconds, diagnosis } = judge(403, "Forbidden", "exceeded quota: q", None) else {
        panic!("not a wait");
    };
    let first = accepted();
    let again = |until| AfterWait::Again { not_before: at(until) };
    assert_eq!(after_wait(&first, seconds, diagnosis.clone(), at(5)), again(35));
    assert_eq!(after_wait(&first, seconds, diagnosis.clone(), at(590)), again(600));
    let AfterWait::GiveUp(Ending { outcome, diagnosis: Some(reason), .. }) =
        after_wait(&first, seconds, diagnosis.clone(), at(600))
    else {
        panic!("not given up");
    };
    assert_eq!(outcome, Outcome::Finish(State::TimedOut));
    assert_eq!(reason.cause, Cause::QuotaExceeded);
    assert_eq!(
        reason.message,
        "the pod could not be created within 600 s: the API server answered 403 Forbidden: exceeded quota: q"
    );
    let second = first.next_attempt(Successor {
        pod_name: "pod-2".to_owned(),
        counted: true,
        not_before: at(5000),
        diagnosis: diagnosis.clone(),
        ended_at: at(700),
    });
    let waited = second.waiting(at(5030), "quota");
    assert_eq!(after_wait(&waited, seconds, diagnosis, at(5590)), again(5600));
}
