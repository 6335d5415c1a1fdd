//! `baton erase`: words to be erased, proposed by one person.

use super::Context;
use super::record::{mistaken, propose_as};
use crate::args::Erase;
use crate::exit::Failure;
use crate::words::{self, Mistake};
use baton_proto::v1::{Command, ErasureAuthorised, Proposed, command};
use serde_json::json;
use uuid::Uuid;

pub(super) async fn run(cx: &mut Context, args: &Erase) -> Result<(), Failure> {
    let erasure = erasure(args).map_err(|mistakes| mistaken("the erasure", &mistakes))?;
    let event = Some(command::Event::ErasureAuthorised(erasure));
    let proposed =
        Proposed { commands: vec![Command { stream: "audit".to_owned(), event, ..Default::default() }], ..Default::default() };
    let proposal = format!("erasure-{}", Uuid::new_v4());
    propose_as(cx, &proposal, Uuid::new_v4().to_string(), proposed).await
}

fn erasure(args: &Erase) -> Result<ErasureAuthorised, Vec<Mistake>> {
    let value = json!({ "positions": args.positions, "ground": args.ground, "note": args.note });
    words::message("ErasureAuthorised", value, &words::no_rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1::ErasureGround;

    #[test]
    fn ground_is_a_word_of_the_closed_set_and_any_other_is_refused_with_the_set() {
        let args = |ground: &str| Erase { positions: vec![7, 41], ground: ground.to_owned(), note: None };
        let taken = erasure(&args("court-order")).expect("a ground");
        assert_eq!((taken.ground(), taken.positions), (ErasureGround::CourtOrder, vec![7, 41]));
        let mistakes = erasure(&args("because")).expect_err("no ground");
        assert_eq!(
            mistakes[0].to_string(),
            "ground: \"because\" is none of data_subject_request, court_order, retention_ended, recorded_in_error"
        );
    }
}
