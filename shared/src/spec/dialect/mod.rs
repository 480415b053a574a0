//! Documents of other systems: read into the same tasks, so that nothing after the reading knows where a document comes from.

pub mod airflow;
pub mod comparison;

use serde_json::Value;

/// Whose document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A task or flow of Kestra.
    Kestra,
    /// A call of an Airflow operator, or a pod of its executor.
    Airflow,
}

impl Dialect {
    /// Told by what only one of them has.
    pub fn of(document: &Value) -> Self {
        let has = |key: &str| document.get(key).is_some_and(|value| !value.is_null());
        if has("operator") || has("executor") { Dialect::Airflow } else { Dialect::Kestra }
    }

    /// Texts of that property of a task are templates.
    pub(crate) fn renders(self, property: &str) -> bool {
        match self {
            Dialect::Kestra => !["id", "type", "description"].contains(&property),
            Dialect::Airflow => airflow::is_templated(property),
        }
    }
}
