//! The table that people read.

use super::row::{Goal, Row, number};
use super::{Chapter, Machine};

/// All chapters under one head.
pub fn of(chapters: &[Chapter]) -> String {
    let names = chapters.iter().flat_map(|chapter| &chapter.rows).map(|row| row.name.chars().count());
    let width = names.max().unwrap_or(0);
    let mut text = String::new();
    for chapter in chapters {
        let Chapter { bench, profile, machine, rows } = chapter;
        text.push_str(&format!("\n{bench}, {profile} programs, {}\n", said(machine)));
        text.push_str(&format!(
            "{:<width$} {:>9} {:<10} {:>9}  {:<4} min … p90 … max\n",
            "", "figure", "unit", "goal", "met"
        ));
        for row in rows {
            text.push_str(&line(row, width));
        }
    }
    text
}

fn line(row: &Row, width: usize) -> String {
    let goal = match row.goal {
        Some(Goal::AtMost(limit)) => format!("≤ {}", short(limit)),
        Some(Goal::AtLeast(limit)) => format!("≥ {}", short(limit)),
        None => String::new(),
    };
    let met = match row.met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let spread = row.spread.map(|spread| spread.words()).unwrap_or_default();
    let figure = row.figure.map_or("–".to_owned(), number);
    let line = format!("{:<width$} {figure:>9} {:<10} {goal:>9}  {met:<4} {spread}", row.name, row.unit);
    let note = row.note.as_ref().map(|note| format!("\n    {note}")).unwrap_or_default();
    format!("{}{note}\n", line.trim_end())
}

/// A goal as it was written.
fn short(limit: f64) -> String {
    format!("{limit}")
}

fn said(machine: &Machine) -> String {
    let Machine { cores, model, memory_gib, kernel, load, loaded, at } = machine;
    let loaded = if *loaded { ", LOADED" } else { "" };
    format!("{cores} cores {model}, {memory_gib:.0} GiB, Linux {kernel}, load {load:.1}{loaded}, {at}")
}
