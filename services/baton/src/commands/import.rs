//! `baton import`: history from files, by two persons.

use super::Context;
use crate::args::{Format, Import};
use crate::exit::Failure;
use crate::import::{self, FileReport, Importer};
use crate::output::{Out, Table, flagged, number, table};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;

pub(super) async fn run(cx: &mut Context, args: &Import) -> Result<(), Failure> {
    if cx.common.person.is_none() {
        return Err(Failure::Usage("say who proposes, with --person or BATON_PERSON".to_owned()));
    }
    if args.approver.is_some() && args.approver == cx.common.person {
        return Err(Failure::Usage("--approver is another person than --person".to_owned()));
    }
    let files: Vec<Arc<import::ImportFile>> = import::from_paths(&args.files)?.into_iter().map(Arc::new).collect();
    let beside = if import::complete(&files) { Vec::new() } else { import::siblings(&args.files)? };

    let proposer = cx.connect().await?;
    let approver = args.approver.as_deref().map(|person| proposer.acting_as(person)).transpose()?;
    let progress = cx.progress(statements(&files));
    let importer = Importer { proposer, approver, progress };
    let reports = importer.run(&files, &beside).await;
    importer.progress.finish_and_clear();
    print(&mut cx.out, &reports)
}

/// How many statements there are: a row once for each of its streams.
pub(super) fn statements(files: &[Arc<import::ImportFile>]) -> u64 {
    files.iter().flat_map(|file| &file.rows).map(|row| row.streams.len() as u64).sum()
}

/// Says what became of each file.
///
/// # Errors
/// When anything was refused; every reason is on standard error then.
pub(super) fn print(out: &mut Out, reports: &[FileReport]) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(&object(reports))?,
        Format::Csv => out.csv(&summary(reports))?,
        Format::Table => {
            out.table(&summary(reports))?;
            out.line(in_words(reports))?;
        }
    }
    out.flush()?;
    refusals(reports)
}

/// Says on standard error what was refused, and why.
///
/// # Errors
/// When anything was.
pub(super) fn refusals(reports: &[FileReport]) -> Result<(), Failure> {
    for refused in reports.iter().flat_map(|report| &report.refused) {
        let rows = match refused.rows.as_slice() {
            [first, .., last] => format!("{} rows, {first} to {last}", refused.rows.len()),
            rows => format!("row {}", rows.concat()),
        };
        writeln!(std::io::stderr(), "{}: {rows}: {}", refused.stream, refused.why)?;
    }
    match total(reports, refused) {
        0 => Ok(()),
        rows => Err(Failure::Refused(format!("{rows} of {} statements were not recorded", total(reports, |r| r.statements)))),
    }
}

fn total(reports: &[FileReport], of: fn(&FileReport) -> usize) -> usize {
    reports.iter().map(of).sum()
}

fn refused(report: &FileReport) -> usize {
    report.refused.iter().map(|refused| refused.rows.len()).sum()
}

fn summary(reports: &[FileReport]) -> Table {
    let mut table = table(["File", "Statements", "New", "There already", "Waiting", "Refused"]);
    for report in reports {
        let name = std::path::Path::new(&report.file)
            .file_name()
            .map_or_else(|| report.file.clone(), |n| n.to_string_lossy().into_owned());
        table.row([
            name.into(),
            number(report.statements),
            number(report.new),
            number(report.there),
            number(report.waiting),
            flagged(refused(report).to_string(), refused(report) > 0),
        ]);
    }
    table
}

fn in_words(reports: &[FileReport]) -> String {
    let (all, new, there) = (total(reports, |r| r.statements), total(reports, |r| r.new), total(reports, |r| r.there));
    let waiting = match total(reports, |r| r.waiting) {
        0 => String::new(),
        waiting => format!(" {waiting} wait for a second person."),
    };
    match (new, there) {
        (0, there) if there == all => format!("Nothing was loaded twice: all {all} statements were there already."),
        (new, there) => format!("{new} statements are new, {there} were there already.{waiting}"),
    }
}

fn object(reports: &[FileReport]) -> Value {
    let file = |report: &FileReport| {
        let why = |refused: &import::Refused| {
            let points: Vec<String> = refused.why.points.iter().map(ToString::to_string).collect();
            json!({ "stream": refused.stream, "rows": refused.rows, "message": refused.why.message, "points": points })
        };
        json!({
            "file": report.file,
            "statements": report.statements,
            "new": report.new,
            "there": report.there,
            "waiting": report.waiting,
            "refused": report.refused.iter().map(why).collect::<Value>(),
        })
    };
    json!({
        "new": total(reports, |r| r.new),
        "there": total(reports, |r| r.there),
        "waiting": total(reports, |r| r.waiting),
        "refused": total(reports, refused),
        "files": reports.iter().map(file).collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_run_says_that_nothing_was_loaded_twice() {
        let report = |new, there| [FileReport { file: "dir/a.toml".into(), statements: 5, new, there, ..Default::default() }];
        assert_eq!(in_words(&report(0, 5)), "Nothing was loaded twice: all 5 statements were there already.");
        assert_eq!(in_words(&report(2, 3)), "2 statements are new, 3 were there already.");
        assert_eq!(summary(&report(5, 0)).rows[0][0].text, "a.toml");
        assert_eq!((&object(&report(5, 0))["new"], &object(&report(5, 0))["refused"]), (&json!(5), &json!(0)));
    }
}
