//! `docs/TASK-SPEC.md` is the catalogue of properties, and so are the tables for those who come from elsewhere. `LONGSHORE_WRITE_DOCS=1` writes the page anew.

use shared::spec::dialect::comparison;
use shared::spec::reference;

use super::tree;

#[test]
fn the_page_of_properties_is_the_catalogue() {
    tree::assert_page("docs/TASK-SPEC.md", &reference::page());
}

#[test]
fn the_tables_for_those_who_come_from_elsewhere_are_the_catalogue() {
    tree::assert_page("docs/FROM-AIRFLOW.md", &comparison::from_airflow());
    tree::assert_page("docs/FROM-KESTRA.md", &comparison::from_kestra());
}
