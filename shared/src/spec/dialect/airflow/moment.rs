//! A moment in a template: what is used of Python's `datetime` and pendulum's `DateTime`, in UTC.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use minijinja::value::{Kwargs, Object, ObjectRepr, from_args};
use minijinja::{Error, ErrorKind, State, Value};

/// The logical date of a run, or a moment made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(Timestamp);

impl Moment {
    pub(super) fn at(timestamp: Timestamp) -> Self {
        Moment(timestamp)
    }

    /// RFC 3339, or a date or a moment without a zone, which are in UTC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let civil = || text.parse::<jiff::civil::DateTime>().ok();
        let zoned = || civil()?.to_zoned(TimeZone::UTC).ok();
        text.parse().ok().or_else(|| zoned().map(|zoned| zoned.timestamp())).map(Moment)
    }

    /// `2026-11-21`
    pub(super) fn ds(self) -> String {
        self.plain("%Y-%m-%d")
    }

    /// `20261121`
    pub(super) fn ds_nodash(self) -> String {
        self.plain("%Y%m%d")
    }

    /// `2026-11-21T03:00:00+00:00`, with microseconds where there are some.
    pub(super) fn ts(self) -> String {
        self.plain(if self.microseconds() == 0 {
            "%Y-%m-%dT%H:%M:%S+00:00"
        } else {
            "%Y-%m-%dT%H:%M:%S%.6f+00:00"
        })
    }

    /// `20261121T030000`
    pub(super) fn ts_nodash(self) -> String {
        self.plain("%Y%m%dT%H%M%S")
    }

    /// `20261121T030000+0000`
    pub(super) fn ts_nodash_with_tz(self) -> String {
        self.plain("%Y%m%dT%H%M%S+0000")
    }

    fn microseconds(self) -> i32 {
        self.0.subsec_microsecond()
    }

    /// By a format that is known to be right.
    fn plain(self, format: &str) -> String {
        self.strftime(format).unwrap_or_default()
    }

    fn strftime(self, format: &str) -> Result<String, Error> {
        strtime::format(format, &self.0.to_zoned(TimeZone::UTC)).map_err(|error| unusable(&error))
    }

    /// `add(days=1)`, `subtract(hours=2)`
    fn moved(self, sign: i64, spans: &Kwargs) -> Result<Self, Error> {
        const SECONDS: [(&str, i64); 5] =
            [("weeks", 604_800), ("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
        let mut seconds = 0_i64;
        for (word, length) in SECONDS {
            let count: i64 = spans.get::<Option<i64>>(word)?.unwrap_or(0);
            seconds = seconds.saturating_add(count.saturating_mul(length).saturating_mul(sign));
        }
        spans.assert_all_used()?;
        let moved = self.0.checked_add(jiff::SignedDuration::from_secs(seconds));
        moved.map(Moment).map_err(|error| unusable(&error))
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let moment = self.0.to_zoned(TimeZone::UTC);
        Some(match key.as_str()? {
            "year" => moment.year().into(),
            "month" => moment.month().into(),
            "day" => moment.day().into(),
            "hour" => moment.hour().into(),
            "minute" => moment.minute().into(),
            "second" => moment.second().into(),
            "microsecond" => self.microseconds().into(),
            "int_timestamp" => self.0.as_second().into(),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let moment = **self;
        match method {
            "strftime" => {
                let (format,): (String,) = from_args(args)?;
                moment.strftime(&format).map(Value::from)
            }
            "add" | "subtract" => {
                let (spans,): (Kwargs,) = from_args(args)?;
                moment.moved(if method == "add" { 1 } else { -1 }, &spans).map(Value::from_object)
            }
            "isoformat" | "to_iso8601_string" => none(args, moment.ts()),
            "date" | "to_date_string" => none(args, moment.ds()),
            "to_datetime_string" => none(args, moment.plain("%Y-%m-%d %H:%M:%S")),
            "timestamp" => none(args, moment.0.as_second()),
            _ => {
                Err(Error::new(ErrorKind::UnknownMethod, format!("`{method}` of a date cannot be used here")))
            }
        }
    }

    /// As Python prints it.
    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.ts().replacen('T', " ", 1))
    }
}

fn none(args: &[Value], value: impl Into<Value>) -> Result<Value, Error> {
    let () = from_args(args)?;
    Ok(value.into())
}

fn unusable(error: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidOperation, error.to_string())
}

/// Airflow's `macros`, as far as they are here: `ds_add` and `ds_format`.
#[derive(Debug)]
pub(super) struct Macros;

impl Object for Macros {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "ds_add" => {
                let (ds, days): (String, i64) = from_args(args)?;
                let date: Date = ds.parse().map_err(|error: jiff::Error| unusable(&error))?;
                let moved = date.checked_add(jiff::SignedDuration::from_secs(days.saturating_mul(86_400)));
                moved.map(|date| date.to_string().into()).map_err(|error| unusable(&error))
            }
            "ds_format" => {
                let (ds, from, to): (String, String, String) = from_args(args)?;
                let parsed = strtime::parse(&from, &ds).map_err(|error| unusable(&error))?;
                let date = parsed.to_datetime().or_else(|_| parsed.to_date().map(|date| date.at(0, 0, 0, 0)));
                let date = date.and_then(|date| date.to_zoned(TimeZone::UTC));
                let moment = Moment(date.map_err(|error| unusable(&error))?.timestamp());
                moment.strftime(&to).map(Value::from)
            }
            _ => Err(Error::new(
                ErrorKind::UnknownMethod,
                format!("`macros.{method}` cannot be used here; `macros.ds_add` and `macros.ds_format` can"),
            )),
        }
    }
}
