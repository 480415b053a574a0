//! `longshore cost`

use serde_json::{Value, json};

use crate::arguments::Cost;
use crate::cost::bill::{self, Item, Load};
use crate::cost::prices::Prices;
use crate::cost::usage::Usage;
use crate::exit::{Failure, SUCCEEDED};
use crate::screen::Screen;
use crate::table;

/// Print what a million plain runs cost on AWS, by service. Asks nobody.
///
/// # Errors
/// When the file with measured figures cannot be used (exit code 2).
pub fn cost(arguments: &Cost, screen: Screen) -> Result<u8, Failure> {
    let prices = Prices::published().ok_or_else(|| Failure::failed("the table of prices cannot be read"))?;
    let (usage, from) = usage(arguments)?;
    let load = Load {
        runs_a_day: arguments.runs_a_day,
        run_seconds: arguments.run_seconds,
        memory_mb: arguments.memory,
        architecture: arguments.architecture,
        batch: arguments.batch,
        tells_event_bus: arguments.event_bus,
    };
    let items = bill::of(&prices, &usage, &load);
    let total = bill::total(&items);
    if arguments.json {
        let answer = json!({
            "usdPerMillionRuns": total, "items": items, "usage": usage, "load": load,
            "region": prices.region, "pricesAsOf": prices.as_of, "sources": prices.sources(),
        });
        screen.line(&format!("{answer:#}"));
        return Ok(SUCCEEDED);
    }
    screen.write(&table::titled(
        &["FOR A MILLION RUNS", "EACH RUN", "", "USD", "SHARE"],
        &rows(&items, total),
        screen.out_paint,
    ));
    screen.line("");
    screen.line(&format!(
        "{} runs a day of {} s, {} MB, batches of {}; usage {from}.",
        load.runs_a_day, load.run_seconds, load.memory_mb, load.batch
    ));
    screen.line(&format!(
        "List prices of {} as of {}, without free tiers, storage, metrics and the cluster itself; AWS publishes them at",
        prices.region, prices.as_of
    ));
    for source in prices.sources() {
        screen.line(&format!("  {source}"));
    }
    Ok(SUCCEEDED)
}

fn usage(arguments: &Cost) -> Result<(Usage, String), Failure> {
    let Some(path) = &arguments.bench else {
        return Ok((
            Usage::default(),
            "as measured on 21 November 2026; `--bench FILE` takes what `just bench` measured since"
                .to_owned(),
        ));
    };
    let unusable = |error: &(dyn std::error::Error + 'static)| {
        Failure::wrong(format!("`{}` cannot be read as a `bench.json`", path.display())).because(error)
    };
    let bytes = std::fs::read(path).map_err(|error| unusable(&error))?;
    let book: Value = serde_json::from_slice(&bytes).map_err(|error| unusable(&error))?;
    let usage = Usage::measured(&book).ok_or_else(|| {
        Failure::wrong(format!("`{}` has no figures of whole runs", path.display()))
            .remedy("let `just bench` measure them")
    })?;
    Ok((usage, format!("as measured in {}", path.display())))
}

fn rows(items: &[Item], total: f64) -> Vec<Vec<String>> {
    let row = |what: &str, each: String, unit: &str, usd: f64| {
        let share = format!("{:.0} %", usd / total * 100.0);
        vec![what.to_owned(), each, unit.to_owned(), format!("{usd:.2}"), share]
    };
    let mut rows: Vec<_> =
        items.iter().map(|item| row(item.what, amount(item.each), item.unit, item.usd)).collect();
    rows.push(row("total", String::new(), "", total));
    rows
}

/// Three digits that count.
fn amount(value: f64) -> String {
    match value {
        large if large >= 100.0 => format!("{large:.0}"),
        middle if middle >= 1.0 => format!("{middle:.2}"),
        small => format!("{small:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_is_the_sum_of_the_others() {
        let item = |usd| Item { what: "x", each: 1.0, unit: "requests", usd };
        let rows = rows(&[item(1.0), item(3.0)], 4.0);
        assert_eq!(rows.last().unwrap(), &["total", "", "", "4.00", "100 %"].map(str::to_owned));
        assert_eq!(rows[0][4], "25 %");
    }
}
