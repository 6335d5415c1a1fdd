//! From the label of a row to the revision it was recorded as.
//!
//! A label stands for the n-th command of a proposal. What an approved proposal recorded can be read
//! back from its stream, in order, by the proposal's id; so labels of this run, of an earlier file
//! and of an earlier run are all found in the same way.

use super::file::ImportFile;
use super::plan::{Part, StreamPlan};
use baton_proto::v1::RecordedEvent;
use std::collections::BTreeMap;

/// Where the rows of all files known to this run went.
#[derive(Debug, Default)]
pub(crate) struct Labels(BTreeMap<(String, String), Row>);

#[derive(Debug, Clone)]
struct Row {
    proposal: String,
    index: usize,
    of: usize,
}

impl Labels {
    /// Notes the rows of a file.
    pub(crate) fn learn(&mut self, file: &ImportFile, plans: &[StreamPlan]) {
        for plan in plans {
            for part in &plan.parts {
                for (index, row) in part.rows.iter().enumerate() {
                    let key = (plan.stream.clone(), file.rows[*row].label.clone());
                    self.0.insert(key, Row { proposal: part.proposal.clone(), index, of: part.rows.len() });
                }
            }
        }
    }

    /// Whether every row that a file names is known.
    pub(crate) fn know(&self, file: &ImportFile) -> bool {
        let known = |stream: &str, label: &str| self.0.contains_key(&(stream.to_owned(), label.to_owned()));
        file.rows.iter().all(|row| row.names.iter().all(|label| row.streams.iter().all(|stream| known(stream, label))))
    }

    /// The revision of a row of `stream`, whose events so far are `events`.
    ///
    /// `here` is the proposal being made, whose commands will follow revision `base`.
    pub(crate) fn revision(
        &self,
        label: &str,
        stream: &str,
        here: &Part,
        base: u64,
        events: &[RecordedEvent],
    ) -> Result<u64, String> {
        let row = self
            .0
            .get(&(stream.to_owned(), label.to_owned()))
            .ok_or_else(|| format!("row {label} is in no file given, or not in {stream}"))?;
        if row.proposal == here.proposal {
            return Ok(base + 1 + row.index as u64);
        }
        let recorded: Vec<u64> = events.iter().filter(|e| e.approval == row.proposal).map(|e| e.revision).collect();
        match recorded.get(row.index) {
            Some(revision) if recorded.len() == row.of => Ok(*revision),
            Some(_) => Err(format!("row {label} was recorded from another version of its file")),
            None => Err(format!("row {label} is not recorded yet: proposal {} is not approved", row.proposal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Source;
    use crate::import::plan::plan;

    fn event(revision: u64, approval: &str) -> RecordedEvent {
        RecordedEvent { revision, approval: approval.to_owned(), ..Default::default() }
    }

    #[test]
    fn label_is_found_in_this_proposal_and_in_earlier_ones() {
        let rows: String = ["a", "b"].map(|l| format!("[[command]]\nrow = {l:?}\nstream = \"wave/X\"\n")).concat();
        let parse = |name: &str| {
            ImportFile::parse(&Source { name: name.into(), text: rows.replace("\"a\"", &format!("\"{name}:a\"")) })
                .unwrap_or_else(|f| panic!("{f}"))
        };
        let (one, two) = (parse("one"), parse("two"));
        let (plan_one, plan_two) = (plan(&one), plan(&two));
        let mut labels = Labels::default();
        labels.learn(&one, &plan_one);
        labels.learn(&two, &plan_two);

        let here = &plan_two[0].parts[0];
        let earlier = plan_one[0].parts[0].proposal.clone();
        let events = [event(1, ""), event(2, &earlier), event(3, &earlier), event(4, "other")];
        let find = |label: &str, events: &[RecordedEvent]| labels.revision(label, "wave/X", here, 4, events);
        assert_eq!(find("one:a", &events), Ok(2));
        assert_eq!(find("two:a", &events), Ok(5));
        assert!(find("one:a", &events[..1]).expect_err("not recorded").contains("is not approved"));
        assert!(find("one:a", &events[..2]).expect_err("half of it").contains("another version"));
        assert!(find("c", &events).expect_err("unknown").contains("in no file given"));
    }
}
