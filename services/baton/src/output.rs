//! What goes to standard output: tables for people, JSON and CSV for programs.
//!
//! Tables fit the terminal and are plain elsewhere. Nothing here prints by macro, so a reader that
//! leaves early is an error to be handled and not a panic.

use crate::args::Format;
use crate::exit::Failure;
use comfy_table::{
    Attribute, Cell as Drawn, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width, presets,
};
use serde_json::Value;
use std::io::{IsTerminal, Write};

/// Lines above, below the header and at the end; none between rows.
const CLOSE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('═').junction('═'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// The least part of a terminal that the column of sentences gets.
const WIDE_PERCENT: u16 = 40;

/// A table: what the programs' formats and the people's have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The headers; in CSV the same words in one form.
    pub(crate) headers: Vec<&'static str>,
    /// The rows, as many cells each as there are headers.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// The column that holds sentences, which gets the room that is left.
    pub(crate) wide: Option<usize>,
}

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its text; several lines are allowed.
    pub(crate) text: String,
    /// How it is to be seen. Never the only sign of anything: the words say it too.
    pub(crate) tone: Tone,
}

/// How a cell is to be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// Wants attention.
    Bad,
    /// A number: to the right.
    Number,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }
}

/// A number.
pub(crate) fn number(number: impl std::fmt::Display) -> Cell {
    Cell { text: number.to_string(), tone: Tone::Number }
}

/// A count that wants attention unless it is 0, which is left out.
pub(crate) fn trouble(count: impl Into<u64>) -> Cell {
    match count.into() {
        0 => Cell::default(),
        count => Cell { text: count.to_string(), tone: Tone::Bad },
    }
}

/// Words that want attention when `bad`.
pub(crate) fn flagged(text: impl Into<String>, bad: bool) -> Cell {
    Cell { text: text.into(), tone: if bad { Tone::Bad } else { Tone::Plain } }
}

/// Declares a table from its headers.
pub(crate) fn table(headers: impl IntoIterator<Item = &'static str>) -> Table {
    Table { headers: headers.into_iter().collect(), rows: Vec::new(), wide: None }
}

impl Table {
    /// The column under this header holds sentences.
    pub(crate) fn wide(mut self, header: &str) -> Self {
        self.wide = self.headers.iter().position(|h| *h == header);
        debug_assert!(self.wide.is_some(), "{header} is a header");
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.headers.len(), "a row has a cell for every header");
        self.rows.push(cells);
    }

    /// As drawn for people. Without a width nothing is wrapped.
    pub(crate) fn drawn(&self, width: Option<u16>, colour: bool) -> String {
        let close = self.laid_out(width, colour, CLOSE);
        // A line between rows helps the eye only where rows have several lines.
        const RULES: usize = 3;
        let text = match close.lines().count() > self.rows.len() + 1 + RULES {
            true => self.laid_out(width, colour, presets::UTF8_HORIZONTAL_ONLY),
            false => close,
        };
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    fn laid_out(&self, width: Option<u16>, colour: bool, style: TableStyle) -> String {
        let mut drawn = comfy_table::Table::new();
        drawn.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = width {
            drawn.set_width(width);
        }
        if colour {
            drawn.enforce_styling();
        } else {
            drawn.force_no_tty();
        }
        drawn.set_header(self.headers.iter().map(|header| match colour {
            true => Drawn::new(header).add_attribute(Attribute::Bold),
            false => Drawn::new(header),
        }));
        for row in &self.rows {
            drawn.add_row(row.iter().map(|cell| match (cell.tone, colour) {
                (Tone::Bad, true) => Drawn::new(&cell.text).fg(Color::Red),
                (Tone::Number, _) => Drawn::new(&cell.text).set_alignment(CellAlignment::Right),
                _ => Drawn::new(&cell.text),
            }));
        }
        if let Some(column) = self.wide.and_then(|wide| drawn.column_mut(wide)) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Percentage(WIDE_PERCENT)));
        }
        drawn.to_string()
    }
}

/// Standard output.
pub(crate) struct Out {
    /// What the caller asked for.
    pub(crate) format: Format,
    width: Option<u16>,
    colour: bool,
    writer: Box<dyn Write + Send>,
}

impl Out {
    /// Standard output as it is.
    pub(crate) fn standard(format: Format) -> Self {
        let terminal = std::io::stdout().is_terminal();
        // https://no-color.org: set and not empty means no colour.
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = if terminal { comfy_table::Table::new().width() } else { None };
        Self { format, width, colour, writer: Box::new(std::io::BufWriter::new(std::io::stdout())) }
    }

    /// One line for people.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(self.writer, "{text}")?)
    }

    /// An empty line and a heading for people.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn heading(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        let (bold, plain) = if self.colour { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
        Ok(writeln!(self.writer, "\n{bold}{text}{plain}")?)
    }

    /// A table for people.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn table(&mut self, table: &Table) -> Result<(), Failure> {
        let text = table.drawn(self.width, self.colour);
        self.line(text)
    }

    /// A table as comma-separated values.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn csv(&mut self, table: &Table) -> Result<(), Failure> {
        // Programs get the headers in one form, whatever people read.
        let headers: Vec<String> = table.headers.iter().map(|h| h.to_ascii_lowercase().replace([' ', '/'], "_")).collect();
        self.records(std::iter::once(headers.iter().map(String::as_str).collect()))?;
        self.csv_rows(&table.rows)
    }

    /// Rows without a header, after one.
    ///
    /// # Errors
    /// When they can not be written.
    pub(crate) fn csv_rows(&mut self, rows: &[Vec<Cell>]) -> Result<(), Failure> {
        self.records(rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()))
    }

    fn records<'c>(&mut self, records: impl Iterator<Item = Vec<&'c str>>) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(&mut self.writer);
        for record in records {
            writer.write_record(record).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => Failure::Output(error),
                _ => Failure::Output(std::io::Error::other("a row of another length")),
            })?;
        }
        Ok(writer.flush()?)
    }

    /// A value as JSON, indented.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(format!("{value:#}"))
    }

    /// A value as JSON on one line, at once.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn json_line(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(value)?;
        self.flush()
    }

    /// Everything written so far leaves the program.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn example() -> Table {
        let mut table = table(["Id", "What it is"]);
        table.row([number(7), "a, \"b\"".into()]);
        table.row([number(12), flagged("missed", true)]);
        table
    }

    #[test]
    fn csv_has_one_header_and_quotes_what_needs_it() {
        let kept = Kept::default();
        let mut out = Out { format: Format::Csv, width: None, colour: false, writer: Box::new(kept.clone()) };
        out.csv(&example()).expect("written");
        assert_eq!(
            String::from_utf8(kept.0.lock().expect("whole").clone()).expect("text"),
            "id,what_it_is\n7,\"a, \"\"b\"\"\"\n12,missed\n"
        );
    }

    #[test]
    fn table_is_plain_without_colour_and_fits_its_width() {
        let plain = example().drawn(None, false);
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
        assert!(example().drawn(None, true).contains('\u{1b}'));
        let mut long = table(["a", "b"]);
        long.row(["word ".repeat(40).into(), "word ".repeat(40).into()]);
        assert_eq!(example().drawn(None, false).lines().count(), example().rows.len() + 4);
        assert!(long.drawn(Some(60), false).lines().all(|line| line.chars().count() <= 60));
    }
}
