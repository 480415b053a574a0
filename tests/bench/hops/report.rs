//! The table of a benchmark, and its rows for other programs.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// One measured span, in milliseconds.
pub struct Row {
    name: &'static str,
    sorted: Vec<f64>,
    goal: Option<f64>,
}

impl Row {
    /// Of the spans of all runs; the goal is for their median.
    pub fn of(name: &'static str, mut spans: Vec<f64>, goal: Option<f64>) -> Row {
        spans.sort_by(f64::total_cmp);
        Row { name, sorted: spans, goal }
    }

    /// The span that this share of the runs stayed within; not a number when nothing was measured.
    fn quantile(&self, percent: usize) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| self.quantile(50) < goal)
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "figure": self.quantile(50), "unit": "ms", "goal": self.goal, "met": self.met(),
            "spread": {"min": self.quantile(0), "p90": self.quantile(90), "max": self.quantile(100)},
        })
    }
}

/// Print the table, and write the rows to `bench.json` in the target directory.
///
/// # Errors
/// When the file cannot be written.
#[expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
pub fn tell(rows: &[Row]) -> Result<()> {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let runs = rows.first().map_or(0, |row| row.sorted.len());
    println!("{runs} runs of `echo`, {profile} programs, milliseconds\n");
    println!("{:<30} {:>8} {:>8} {:>8}  goal", "", "median", "p90", "max");
    for row in rows {
        let goal = match (row.goal, row.met()) {
            (Some(goal), Some(met)) => {
                format!("median under {goal:.0}: {}", if met { "met" } else { "missed" })
            }
            _ => String::new(),
        };
        let [median, p90, max] = [50, 90, 100].map(|percent| row.quantile(percent));
        println!("{:<30} {median:>8.1} {p90:>8.1} {max:>8.1}  {goal}", row.name);
    }
    println!();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target directory")?;
    let file = target.join("bench.json");
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    std::fs::write(&file, serde_json::to_vec_pretty(&json!({"profile": profile, "rows": rows}))?)?;
    println!("written to {}", file.display());
    Ok(())
}
