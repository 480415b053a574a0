//! The rows: printed, and added to `target/bench.json`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

/// One figure.
pub struct Row {
    name: String,
    figure: f64,
    unit: &'static str,
    goal: f64,
    is_met: bool,
    spread: (f64, f64),
}

impl Row {
    /// The median has to be at least the goal.
    pub fn at_least(name: &str, figures: &[f64], unit: &'static str, goal: f64) -> Row {
        Row::of(name, figures, unit, goal, |figure| figure >= goal)
    }

    /// The median has to be at most the goal.
    pub fn at_most(name: &str, figures: &[f64], unit: &'static str, goal: f64) -> Row {
        Row::of(name, figures, unit, goal, |figure| figure <= goal)
    }

    fn of(name: &str, figures: &[f64], unit: &'static str, goal: f64, meets: impl Fn(f64) -> bool) -> Row {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let figure = at(sorted.len() / 2);
        let spread = (at(0), at(sorted.len().saturating_sub(1)));
        Row { name: name.to_owned(), figure, unit, goal, is_met: meets(figure), spread }
    }

    fn value(&self) -> Value {
        json!({
            "name": self.name, "figure": self.figure, "unit": self.unit, "goal": self.goal, "met": self.is_met,
            "spread": [self.spread.0, self.spread.1],
        })
    }
}

/// Print the rows, and put them in the place of earlier ones of their names.
pub fn tell(rows: &[Row]) -> Result<()> {
    println!("{:<44} {:>8} {:<6} {:>8} {:>7} spread", "figure", "median", "", "goal", "");
    for Row { name, figure, unit, goal, is_met, spread } in rows {
        let met = if *is_met { "met" } else { "missed" };
        println!("{name:<44} {figure:>8.2} {unit:<6} {goal:>8.2} {met:>7} {:.2}-{:.2}", spread.0, spread.1);
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json");
    let written = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut all: Vec<Value> = written.unwrap_or_default();
    all.retain(|old| !rows.iter().any(|row| old.get("name").is_some_and(|name| name == row.name.as_str())));
    all.extend(rows.iter().map(Row::value));
    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
    std::fs::write(&path, format!("{:#}\n", Value::Array(all)))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}
