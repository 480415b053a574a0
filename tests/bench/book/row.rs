//! One figure, its goal, and whether it is met.

use serde::{Deserialize, Serialize};

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// Not larger.
    AtMost(f64),
    /// Not smaller.
    AtLeast(f64),
}

/// The smallest, the one that nine in ten stay within, and the largest of several measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    min: f64,
    p90: f64,
    max: f64,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// How much; nothing when it could not be measured.
    pub figure: Option<f64>,
    /// Unit of the figure and the goal.
    pub unit: String,
    /// What it should be.
    pub goal: Option<Goal>,
    /// Whether it is.
    pub met: Option<bool>,
    /// Of several measurements; the figure is their median.
    pub spread: Option<Spread>,
    /// Why a goal is missed, or what the figure means.
    pub note: Option<String>,
}

impl Row {
    /// A figure without a goal.
    pub fn new(name: &str, figure: f64, unit: &str) -> Row {
        let (name, unit) = (name.to_owned(), unit.to_owned());
        let figure = figure.is_finite().then_some(figure);
        Row { name, figure, unit, goal: None, met: None, spread: None, note: None }
    }

    /// The median of several measurements, with their spread.
    pub fn median(name: &str, samples: &Samples, unit: &str) -> Row {
        Row { spread: samples.spread(), ..Row::new(name, samples.quantile(50), unit) }
    }

    /// With a goal.
    pub fn with(self, goal: Goal) -> Row {
        let met = match goal {
            Goal::AtMost(limit) => self.figure.is_some_and(|figure| figure <= limit),
            Goal::AtLeast(limit) => self.figure.is_some_and(|figure| figure >= limit),
        };
        Row { goal: Some(goal), met: Some(met), ..self }
    }

    /// With words beside it.
    pub fn noted(self, note: impl Into<String>) -> Row {
        Row { note: Some(note.into()), ..self }
    }

    /// With words beside it in case that the goal is missed.
    pub fn if_missed(self, why: &str) -> Row {
        if self.met == Some(false) { self.noted(why) } else { self }
    }
}

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// In any order.
    pub fn of(mut values: Vec<f64>) -> Samples {
        values.sort_by(f64::total_cmp);
        Samples(values)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What this share of them stayed within; not a number when there are none.
    pub fn quantile(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
    }

    fn spread(&self) -> Option<Spread> {
        let of = |percent| self.quantile(percent);
        (self.len() > 1).then(|| Spread { min: of(0), p90: of(90), max: of(100) })
    }
}

impl Spread {
    /// `min … p90 … max`.
    pub fn words(self) -> String {
        [self.min, self.p90, self.max].map(number).join(" … ")
    }
}

/// Three digits that count.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
