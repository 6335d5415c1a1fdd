//! Commands that read.

use clap::Args;

/// Which past is asked for. The parts combine.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Past {
    /// As true on this day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) as_of: Option<String>,
    /// As known when the log ended with this position, or at this instant, such as 2026-11-22T09:00:00Z.
    #[arg(long, value_name = "POSITION|INSTANT", value_parser = known)]
    pub(crate) known_at: Option<Known>,
    /// Only what documents dated on or before this day say, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) documented_by: Option<String>,
}

/// Up to where the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A position.
    Position(u64),
    /// An instant, by the server's clock.
    Instant(jiff::Timestamp),
}

/// Where every transition stands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Board {
    /// Only this wave, such as POD-2021.
    #[arg(long)]
    pub(crate) wave: Option<String>,
    /// Only this service, such as DENT.
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only this receiver, now or at birth, such as QUY.
    #[arg(long)]
    pub(crate) receiver: Option<String>,
    /// Only receivers in this region, such as Y58.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Only in this stage, such as LIVE; as of a date, possibly in it.
    #[arg(long)]
    pub(crate) stage: Option<String>,
    /// Which past.
    #[command(flatten)]
    pub(crate) past: Past,
}

/// One transition, now or in the past.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The transition, such as QUY.DENT.POD-2021.
    #[arg(value_name = "ID")]
    pub(crate) transition: String,
    /// Which past.
    #[command(flatten)]
    pub(crate) past: Past,
}

/// One transition.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The transition, such as QUY.DENT.POD-2021.
    #[arg(value_name = "ID")]
    pub(crate) transition: String,
}

/// Replay one transition.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The transition, such as QUY.DENT.POD-2021.
    #[arg(value_name = "ID")]
    pub(crate) transition: String,
    /// As known when the log ended with this position.
    #[arg(long, value_name = "POSITION")]
    pub(crate) known_at: Option<u64>,
}

/// List proposals.
#[derive(Debug, Args)]
pub(crate) struct Proposals {
    /// Only those that touch this transition.
    #[arg(long, value_name = "ID")]
    pub(crate) transition: Option<String>,
}

/// Read the log.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Go on with what comes, until Ctrl-C. JSON is then one object a line.
    #[arg(long)]
    pub(crate) follow: bool,
    /// The first position wanted, from 0.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    pub(crate) from: u64,
    /// Only this stream, such as transition/QUY.DENT.POD-2021.
    #[arg(long)]
    pub(crate) stream: Option<String>,
    /// Show the stored bytes as well: what the hash is computed from.
    #[arg(long)]
    pub(crate) leaf: bool,
}

/// A position or an instant as they may be written.
fn known(text: &str) -> Result<Known, String> {
    let position = text.parse().map(Known::Position).ok();
    let instant = || text.parse().map(Known::Instant).ok();
    position.or_else(instant).ok_or_else(|| "a position is a number, an instant is written 2026-11-22T09:00:00Z".to_owned())
}

/// A day as it may be written.
fn day(text: &str) -> Result<String, String> {
    text.parse::<jiff::civil::Date>().map(|day| day.to_string()).map_err(|_| "a day is written YYYY-MM-DD".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_that_is_none_is_refused() {
        assert!(day("2022-02-30").is_err() && day("July").is_err());
        assert_eq!(day("2022-07-01").as_deref(), Ok("2022-07-01"));
    }

    #[test]
    fn log_is_read_up_to_a_position_or_an_instant() {
        assert_eq!(known("12"), Ok(Known::Position(12)));
        assert!(matches!(known("2026-11-22T09:00:00Z"), Ok(Known::Instant(_))));
        assert!(known("yesterday").is_err());
    }
}
