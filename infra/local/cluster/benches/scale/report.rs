//! The table.

use std::io::Write;

/// Figures, and the goals that some of them have.
#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    name: String,
    figure: f64,
    unit: &'static str,
    goal: Option<(&'static str, f64, bool)>,
}

impl Table {
    /// A figure without a goal.
    pub fn figure(&mut self, name: &str, figure: f64, unit: &'static str) {
        self.add(name, figure, unit, None);
    }

    /// A figure that must not be smaller.
    pub fn least(&mut self, name: &str, figure: f64, unit: &'static str, goal: f64) {
        self.add(name, figure, unit, Some(("≥", goal, figure >= goal)));
    }

    /// A figure that must not be larger.
    pub fn most(&mut self, name: &str, figure: f64, unit: &'static str, goal: f64) {
        self.add(name, figure, unit, Some(("≤", goal, figure <= goal)));
    }

    fn add(&mut self, name: &str, figure: f64, unit: &'static str, goal: Option<(&'static str, f64, bool)>) {
        // A long benchmark tells what it has so far.
        complain(&format!("{name}: {figure:.1} {unit}"));
        self.0.push(Row { name: name.into(), figure, unit, goal });
    }

    /// Print it; whether every goal is met.
    pub fn print(&self) -> bool {
        let width = self.0.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let mut text = format!("{:<width$} {:>10}  {:<9} {:>8}  met\n", "name", "figure", "unit", "goal");
        for Row { name, figure, unit, goal } in &self.0 {
            let (goal, met) = match goal {
                None => (String::new(), ""),
                Some((sign, goal, met)) => (format!("{sign} {goal}"), if *met { "yes" } else { "no" }),
            };
            text.push_str(&format!("{name:<width$} {figure:>10.1}  {unit:<9} {goal:>8}  {met}\n"));
        }
        // A table that nobody reads has met its goals all the same.
        let _ = std::io::stdout().write_all(text.as_bytes());
        self.0.iter().all(|row| row.goal.is_none_or(|(_, _, met)| met))
    }
}

/// Say something beside the table.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
