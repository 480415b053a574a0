//! Prices times usage: what a million runs cost, and which part of it each service has.

use serde::Serialize;

use super::prices::Prices;
use super::usage::Usage;

/// Instruction sets of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub enum Architecture {
    /// Graviton
    #[value(name = "arm64")]
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86,
}

/// How a deployment is used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Runs a day, spread evenly over it.
    pub runs_a_day: f64,
    /// Seconds from a run's acceptance to its result.
    pub run_seconds: f64,
    /// Memory of each function.
    pub memory_mb: f64,
    /// What they run on.
    pub architecture: Architecture,
    /// Runs that come together: `submit` and `notify` take so many in one invocation, at most 10.
    pub batch: f64,
    /// The event bus is told of every end.
    pub tells_event_bus: bool,
}

/// One line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What is paid for.
    pub what: &'static str,
    /// How many for one run: requests, GB-seconds, bytes.
    pub each: f64,
    /// Unit of it.
    pub unit: &'static str,
    /// For a million runs.
    pub usd: f64,
}

const MILLION: f64 = 1e6;
const DAY_SECONDS: f64 = 86_400.0;
/// `poll` watches for 58 s of each minute while runs are under way.
const POLL_SHARE: f64 = 58.0 / 60.0;
/// An ended run's record is looked at again until it is settled and removed: about a minute.
const SETTLING_SECONDS: f64 = 65.0;
/// Everything under way is compared so often by a group of more than 50 runs.
const COMPARED_EVERY_SECONDS: f64 = 600.0;

/// The bill for a million runs.
pub fn of(prices: &Prices, usage: &Usage, load: &Load) -> Vec<Item> {
    let gb = load.memory_mb / 1024.0;
    let gb_second = match load.architecture {
        Architecture::Arm64 => prices.lambda.usd_per_gb_second_arm64,
        Architecture::X86 => prices.lambda.usd_per_gb_second_x86,
    };
    let batches = 1.0 / load.batch.clamp(1.0, 10.0);
    // `notify` is woken, and reads the result, where the event bus is told of it.
    let told = if load.tells_event_bus { 1.0 } else { 0.0 };
    let invocations = batches + 1.0 + told * batches;
    let seconds = (usage.submit_ms + usage.collect_ms + told * usage.notify_ms) / 1000.0;
    let live = load.runs_a_day * load.run_seconds / DAY_SECONDS;
    // Evenly spread runs overlap as soon as there is one at any time; before, there are pauses.
    let busy = (load.runs_a_day * (load.run_seconds + SETTLING_SECONDS) / DAY_SECONDS).min(1.0);
    let poll_seconds = busy * DAY_SECONDS * POLL_SHARE / load.runs_a_day;
    let compared = if live > 50.0 { load.run_seconds / COMPARED_EVERY_SECONDS } else { 0.0 };
    // What comes into a queue is sent once, and received and deleted once for each batch.
    let standard = 1.0 + usage.sends + told + 2.0 * (batches + usage.sends + told * batches);
    let item =
        |what, each: f64, unit, usd_each: f64| Item { what, each, unit, usd: each * usd_each * MILLION };
    let s3 = &prices.s3;
    let mut items = vec![
        item("S3: PUT", usage.puts, "requests", s3.usd_per_thousand_puts_and_lists / 1000.0),
        item("S3: LIST", usage.lists, "requests", s3.usd_per_thousand_puts_and_lists / 1000.0),
        item("S3: GET", usage.gets + told + compared, "requests", s3.usd_per_thousand_gets / 1000.0),
        item("SQS: standard queues", standard, "requests", prices.sqs.usd_per_million_standard / MILLION),
        item("SQS: wake.fifo", usage.wakes, "requests", prices.sqs.usd_per_million_fifo / MILLION),
        item(
            "Lambda: invocations",
            invocations,
            "requests",
            prices.lambda.usd_per_million_requests / MILLION,
        ),
        item("Lambda: all but poll", seconds * gb, "GB-s", gb_second),
        item("Lambda: poll", poll_seconds * gb, "GB-s", gb_second),
        item("CloudWatch: logs", usage.log_bytes, "bytes", prices.logs.usd_per_gb_ingested / 1e9),
    ];
    if load.tells_event_bus {
        items.push(item("EventBridge", 1.0, "events", prices.event_bridge.usd_per_million_events / MILLION));
    }
    items
}

/// Dollars for a million runs.
pub fn total(items: &[Item]) -> f64 {
    items.iter().map(|item| item.usd).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        Load {
            runs_a_day: 100_000.0,
            run_seconds: 60.0,
            memory_mb: 256.0,
            architecture: Architecture::Arm64,
            batch: 1.0,
            tells_event_bus: false,
        }
    }

    fn usage() -> Usage {
        Usage {
            puts: 4.0,
            lists: 0.5,
            gets: 10.0,
            sends: 1.0,
            wakes: 1.0,
            submit_ms: 100.0,
            collect_ms: 200.0,
            notify_ms: 100.0,
            log_bytes: 2_000.0,
        }
    }

    fn usd(items: &[Item], what: &str) -> f64 {
        items.iter().find(|item| item.what == what).unwrap().usd
    }

    fn is_about(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-6
    }

    #[test]
    fn every_line_is_its_price_times_what_a_run_uses() {
        let items = of(&Prices::published().unwrap(), &usage(), &load());
        // Worked out by hand from the published prices.
        let expected = [
            ("S3: PUT", 20.0),
            ("S3: LIST", 2.5),
            // 10 for each run and a tenth of a look: 69 live pods are compared every ten minutes, a run lasts one.
            ("S3: GET", 10.1 * 0.4),
            ("SQS: standard queues", 6.0 * 0.4),
            ("SQS: wake.fifo", 0.5),
            ("Lambda: invocations", 0.4),
            ("Lambda: all but poll", 0.3 * 0.25 * 13.3334),
            ("Lambda: poll", 0.864 * 58.0 / 60.0 * 0.25 * 13.3334),
            ("CloudWatch: logs", 1.0),
        ];
        for (what, dollars) in expected {
            assert!(is_about(usd(&items, what), dollars), "{what}: {}", usd(&items, what));
        }
        assert!(is_about(total(&items), expected.iter().map(|(_, dollars)| dollars).sum()));
    }

    #[test]
    fn batches_save_invocations_and_requests_but_not_those_of_collect() {
        let ten = Load { batch: 10.0, ..load() };
        let items = of(&Prices::published().unwrap(), &usage(), &ten);
        assert!(is_about(usd(&items, "Lambda: invocations"), 1.1 * 0.2));
        assert!(is_about(usd(&items, "SQS: standard queues"), (2.0 + 2.0 * 1.1) * 0.4));
    }

    #[test]
    fn few_runs_carry_a_poll_that_is_busy_for_each_of_them() {
        let few = Load { runs_a_day: 10.0, ..load() };
        let items = of(&Prices::published().unwrap(), &usage(), &few);
        assert!(is_about(usd(&items, "Lambda: poll"), 125.0 * 58.0 / 60.0 * 0.25 * 13.3334));
        assert!(is_about(usd(&items, "S3: GET"), 4.0), "a small group is not compared beside its runs");
    }

    #[test]
    fn intel_costs_a_quarter_more() {
        let prices = Prices::published().unwrap();
        let other = Load { architecture: Architecture::X86, ..load() };
        let (arm, intel) = (of(&prices, &usage(), &load()), of(&prices, &usage(), &other));
        let ratio = usd(&intel, "Lambda: poll") / usd(&arm, "Lambda: poll");
        assert!((1.24..1.26).contains(&ratio), "{ratio}");
    }

    #[test]
    fn an_event_costs_a_dollar_a_million_and_its_way_to_the_bus() {
        let prices = Prices::published().unwrap();
        let telling = Load { tells_event_bus: true, ..load() };
        let (silent, told) = (of(&prices, &usage(), &load()), of(&prices, &usage(), &telling));
        assert!(is_about(usd(&told, "EventBridge"), 1.0));
        // A message, an invocation of 100 ms, a GET.
        let way = 3.0 * 0.4 + 0.2 + 0.1 * 0.25 * 13.3334 + 0.4;
        assert!(is_about(total(&told) - total(&silent), 1.0 + way));
    }
}
