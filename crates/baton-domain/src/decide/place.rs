//! Where a statement goes in the story.

use super::Draft;
use crate::event::{Command, Place, Placed};
use crate::story::Story;
use crate::unmet::Unmet;
use crate::values::StreamId;

impl Draft<'_> {
    /// The place of a command in `story`, or why there is none.
    ///
    /// A live act goes to the end. A late entry goes where it names, where certain dates leave only one
    /// place, or directly after the row before it in the same proposal; otherwise it must name one.
    pub(super) fn place(&self, story: &Story, command: &Command) -> Result<Placed, Unmet> {
        if command.place == Place::ByDates && !command.late {
            return Ok(Placed::End);
        }
        let legal = story.legal_indexes(&command.statement.occurred);
        match command.place {
            Place::First => self.named(story, &legal, Placed::First),
            Place::After(revision) => self.named(story, &legal, Placed::After(revision)),
            Place::ByDates => match legal.as_slice() {
                [only] => Ok(story.placed_at(*only)),
                _ => self.after_previous_row(story, &legal, &command.stream).ok_or_else(|| needed(story, &legal)),
            },
        }
    }

    fn named(&self, story: &Story, legal: &[usize], placed: Placed) -> Result<Placed, Unmet> {
        match story.index_of(placed) {
            None => Err(Unmet::hard("TARGET_MISMATCH", "", "the statement after which it is to stand is not in this stream")),
            Some(0) => Err(Unmet::hard("ORDER_CONTRADICTED", "", "nothing stands before the registration")),
            Some(index) if !legal.contains(&index) => Err(Unmet::hard(
                "ORDER_CONTRADICTED",
                "",
                format!("certain dates speak against that place; it may stand {}", places(story, legal)),
            )),
            Some(_) => Ok(placed),
        }
    }

    fn after_previous_row(&self, story: &Story, legal: &[usize], stream: &StreamId) -> Option<Placed> {
        let (_, revision) = self.previous.as_ref().filter(|(before, _)| before == stream)?;
        let index = story.index_of(Placed::After(*revision))?;
        legal.contains(&index).then(|| story.placed_at(index))
    }
}

fn needed(story: &Story, legal: &[usize]) -> Unmet {
    if legal.is_empty() {
        Unmet::hard(
            "ORDER_CONTRADICTED",
            "",
            "certain dates leave no place: correct the dates or the place of the statements around it first",
        )
    } else {
        Unmet::hard("ORDER_NEEDED", "", format!("dates leave several places; name one of: {}", places(story, legal)))
    }
}

/// At most this many places are listed in a refusal.
const LISTED: usize = 20;

fn places(story: &Story, legal: &[usize]) -> String {
    let name = |index: &usize| match story.placed_at(*index) {
        Placed::First => "first".to_owned(),
        Placed::After(revision) => format!("after revision {revision}"),
        Placed::End => story.entries().last().map_or_else(|| "first".to_owned(), |e| format!("after revision {}", e.revision())),
    };
    let mut listed: Vec<String> = legal.iter().take(LISTED).map(name).collect();
    if legal.len() > LISTED {
        listed.push(format!("… {} more", legal.len() - LISTED));
    }
    listed.join(", ")
}
