//! What is proposed under which id, and in which order.
//!
//! Ids follow from the name of the file, the stream and nothing else: a second run finds the first
//! one's proposals by asking for them.

use super::file::{ImportFile, Row};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The longest id of a proposal, in characters.
const MAX_ID: usize = 80;

/// The most commands of one proposal; the server takes no more.
const MAX_COMMANDS: usize = 128;

/// The most bytes of commands, written as JSON, of one proposal. It is stored as one leaf of at most
/// 65,535 bytes, in a form of about the same length.
const MAX_BYTES: usize = 40_000;

/// What one stream gets from one file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StreamPlan {
    /// The stream.
    pub(crate) stream: String,
    /// The proposals, in order; one, unless it would be too large.
    pub(crate) parts: Vec<Part>,
    /// Streams of a lower level come first; those of one level need not wait for each other.
    pub(crate) level: usize,
}

/// One proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its id.
    pub(crate) proposal: String,
    /// Indexes of its rows in the file.
    pub(crate) rows: Vec<usize>,
}

/// The proposals of a file, those that must come first first.
pub(crate) fn plan(file: &ImportFile) -> Vec<StreamPlan> {
    let mut order: Vec<&str> = Vec::new();
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, row) in file.rows.iter().enumerate() {
        for stream in &row.streams {
            let of_stream = rows.entry(stream).or_default();
            if of_stream.is_empty() {
                order.push(stream);
            }
            of_stream.push(index);
        }
    }
    // Organisations, waves and routes before what rests on them; the sort keeps file order otherwise.
    order.sort_by_key(|stream| rests_on_directory(stream));
    let levels = levels(&order, &rows, file);
    let plans = order.iter().zip(levels).map(|(stream, level)| StreamPlan {
        stream: (*stream).to_owned(),
        parts: parts(file, stream, &rows[stream]),
        level,
    });
    plans.collect()
}

fn rests_on_directory(stream: &str) -> bool {
    !matches!(stream.split('/').next(), Some("route" | "wave" | "organisation" | "log"))
}

/// A stream waits for those before it that its rows mention, and a transition for every stream of the
/// directory and for the earlier transitions of its receiver, of which two may not be open at once.
fn levels(order: &[&str], rows: &BTreeMap<&str, Vec<usize>>, file: &ImportFile) -> Vec<usize> {
    let mut levels: Vec<usize> = Vec::new();
    for (index, stream) in order.iter().enumerate() {
        let mut mentioned = BTreeSet::new();
        for row in &rows[stream] {
            for value in file.rows[*row].command.values() {
                mentions(value, &mut mentioned);
            }
        }
        let waits_for = |earlier: &str| {
            let id = id(earlier);
            (rests_on_directory(stream) && !rests_on_directory(earlier))
                || mentioned.contains(id)
                || (rests_on_directory(stream) && receiver(id) == receiver(self::id(stream)))
        };
        let level =
            order[..index].iter().zip(&levels).filter(|(earlier, _)| waits_for(earlier)).map(|(_, level)| level + 1).max();
        levels.push(level.unwrap_or(0));
    }
    levels
}

fn id(stream: &str) -> &str {
    stream.split_once('/').map_or(stream, |(_, id)| id)
}

fn receiver(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

/// Every text in a value that could be an id, and the organisation of every body.
fn mentions<'v>(value: &'v serde_json::Value, into: &mut BTreeSet<&'v str>) {
    match value {
        serde_json::Value::String(text) => {
            into.insert(text);
            into.extend(text.split_once('/').map(|(organisation, _)| organisation));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| mentions(item, into)),
        serde_json::Value::Object(fields) => fields.values().for_each(|item| mentions(item, into)),
        _ => {}
    }
}

fn parts(file: &ImportFile, stream: &str, rows: &[usize]) -> Vec<Part> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let size = size(&file.rows[*row]);
        match groups.last_mut() {
            Some(group) if group.len() < MAX_COMMANDS && bytes + size <= MAX_BYTES => {
                group.push(*row);
                bytes += size;
            }
            _ => {
                groups.push(vec![*row]);
                bytes = size;
            }
        }
    }
    groups.into_iter().enumerate().map(|(part, rows)| Part { proposal: proposal_id(&file.stem, stream, part), rows }).collect()
}

fn size(row: &Row) -> usize {
    serde_json::to_string(&row.command).map_or(MAX_BYTES, |text| text.len())
}

/// The id of the proposal for a stream of a file; parts are counted from 0.
pub(crate) fn proposal_id(stem: &str, stream: &str, part: usize) -> String {
    let slug = |text: &str| -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else if c == '.' {
                '_'
            } else {
                '-'
            }
        };
        text.chars().map(plain).collect()
    };
    let suffix = if part == 0 { String::new() } else { format!("-part-{}", part + 1) };
    let id = format!("import-{}-{}{suffix}", slug(stem), slug(stream));
    if id.len() <= MAX_ID {
        return id;
    }
    // The hash is of what was cut and of what the slug made alike.
    let hash = crate::words::hex(&Sha256::digest(format!("{stem}\n{stream}").as_bytes())[..6]);
    let tail = format!("-{hash}{suffix}");
    format!("{}{tail}", &id[..MAX_ID - tail.len()])
}

/// What a proposal is made or approved for; the same for the same file, stream, part and step.
pub(crate) fn command_id(file: &ImportFile, proposal: &str, step: &str) -> Uuid {
    /// A name space of our own, so that no other program derives the same ids.
    const NAME_SPACE: Uuid = Uuid::from_u128(0x6f1d_5a0e_3c52_4f7b_9d0a_7b61_746f_6e31);
    Uuid::new_v5(&NAME_SPACE, format!("{}\n{proposal}\n{step}", file.sha256).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Source;

    fn file(rows: &[(&str, &str, &str)]) -> ImportFile {
        let rows: Vec<String> = rows
            .iter()
            .map(|(label, streams, event)| format!("[[command]]\nrow = {label:?}\nstreams = [{streams}]\n{event}\n"))
            .collect();
        ImportFile::parse(&Source { name: "30-x.toml".into(), text: rows.concat() }).unwrap_or_else(|f| panic!("{f}"))
    }

    #[test]
    fn proposal_id_is_plain_short_and_tells_streams_apart() {
        assert_eq!(
            proposal_id("31-bedfordshire-2017", "transition/06F.PMED.CCG-2015", 0),
            "import-31-bedfordshire-2017-transition-06F_PMED_CCG-2015"
        );
        assert_eq!(proposal_id("a", "organisation/own:nhs-england", 1), "import-a-organisation-own-nhs-england-part-2");
        let long = |stream: &str, part| proposal_id(&"x".repeat(100), stream, part);
        let ids = [
            long("wave/A", 0),
            long("wave/B", 0),
            long("wave/A", 1),
            proposal_id("a", "transition/QUY.X-A.B", 0),
            proposal_id("a", "transition/QUY.X.A-B", 0),
        ];
        assert!(
            ids.iter().all(|id| id.len() <= MAX_ID && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')),
            "{ids:?}"
        );
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn rows_are_grouped_by_stream_in_file_order() {
        let note = "[command.fact_recorded]\nkind = \"note\"";
        let file = file(&[
            ("a", "\"transition/QUY.DENT.POD-2021\", \"wave/X\"", note),
            ("b", "\"wave/X\"", note),
            ("c", "\"transition/QUY.DENT.POD-2021\"", note),
        ]);
        let plan = plan(&file);
        let shape: Vec<_> = plan.iter().map(|p| (p.stream.as_str(), p.parts[0].rows.clone())).collect();
        assert_eq!(shape, [("wave/X", vec![0, 1]), ("transition/QUY.DENT.POD-2021", vec![0, 2])]);
    }

    #[test]
    fn streams_wait_for_those_they_mention() {
        let note = "[command.fact_recorded]\nkind = \"note\"";
        let icb = "[command.organisation_registered]\nname = \"B\"\nkind = \"icb\"\nregion = \"Y58\"";
        let file = file(&[
            ("t1", "\"transition/QUY.DENT.POD-2021\"", note),
            ("t2", "\"transition/QUY.PHARM.POD-2021\"", note),
            ("t3", "\"transition/QOX.PHARM.POD-2021\"", note),
            ("region", "\"organisation/Y58\"", note),
            ("icb", "\"organisation/QUY\"", icb),
        ]);
        let plan = plan(&file);
        let levels: BTreeMap<_, _> = plan.iter().map(|p| (p.stream.as_str(), p.level)).collect();
        assert_eq!((levels["organisation/Y58"], levels["organisation/QUY"]), (0, 1));
        assert_eq!((levels["transition/QUY.DENT.POD-2021"], levels["transition/QUY.PHARM.POD-2021"]), (2, 3));
        assert_eq!(levels["transition/QOX.PHARM.POD-2021"], 2);
    }

    #[test]
    fn proposal_too_large_for_one_is_split() {
        let long = format!("[command.fact_recorded]\nkind = \"note\"\nnote = {:?}", "x".repeat(3_900));
        let rows: Vec<(String, String)> = (0..25).map(|i| (format!("r{i}"), long.clone())).collect();
        let rows: Vec<(&str, &str, &str)> = rows.iter().map(|(l, e)| (l.as_str(), "\"wave/X\"", e.as_str())).collect();
        let plan = plan(&file(&rows));
        assert_eq!(plan[0].parts.iter().map(|p| p.rows.len()).sum::<usize>(), 25);
        assert_eq!(plan[0].parts.len(), 3);
        assert!(plan[0].parts[2].proposal.ends_with("-part-3"));
    }

    #[test]
    fn command_ids_follow_from_content_and_step() {
        let note = "[command.fact_recorded]\nkind = \"note\"";
        let (one, other) = (file(&[("a", "\"wave/X\"", note)]), file(&[("b", "\"wave/X\"", note)]));
        assert_eq!(command_id(&one, "p", "propose"), command_id(&file(&[("a", "\"wave/X\"", note)]), "p", "propose"));
        let ids = [
            command_id(&one, "p", "propose"),
            command_id(&one, "p", "approve"),
            command_id(&one, "q", "propose"),
            command_id(&other, "p", "propose"),
        ];
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
    }
}
