//! Who may what, as `kubectl auth` shows it.

use crate::desk::{Desk, table};

#[tokio::test(flavor = "multi_thread")]
async fn auth_can_i_lists_what_a_role_allows() {
    let desk = Desk::open().await;
    let all = desk.say("auth can-i --list").await.well();
    assert!(table(&all).contains(&vec!["*.*", "[]", "[]", "[*]"]), "{all}");
    let narrow = desk.say_as_reader("auth can-i --list").await.well();
    let rows = table(&narrow);
    assert!(rows.contains(&vec!["pods", "[]", "[]", "[get", "list", "watch]"]), "{narrow}");
    assert!(rows.contains(&vec!["pods/log", "[]", "[]", "[get]"]), "{narrow}");
    assert!(!narrow.contains("pods/exec"), "{narrow}");
    assert_eq!(desk.say("auth can-i create pods/exec").await.well(), "yes\n");
    let no = desk.say_as_reader("auth can-i create pods/exec").await;
    assert_eq!((no.code, no.out.as_str()), (1, "no\n"));
    desk.close().await;
}
