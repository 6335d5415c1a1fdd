//! The whole state as text, to compare two of them.

use std::fmt::Write as _;

use baton_domain::state::State;

/// Everything in `state`, in the order of ids: two equal states give equal bytes.
///
/// For comparing a rebuilt state with a live one; not a format to be read by programs, and it shows
/// names and free text.
pub fn dump(state: &State) -> String {
    let mut text = String::new();
    let mut line = |what: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{what}");
    };
    let State { size, recorded_at, revisions, world, transitions, proposals, kept, erased } = state;
    line(format_args!("size {size}"));
    line(format_args!("recorded_at {recorded_at:?}"));
    for (stream, revision) in revisions {
        line(format_args!("revision {stream} {revision}"));
    }
    for (id, transition) in transitions {
        line(format_args!("transition {id} {transition:#?}"));
    }
    for (id, proposal) in proposals {
        line(format_args!("proposal {id} {proposal:#?}"));
    }
    for (position, event) in kept {
        line(format_args!("kept {position} {event:#?}"));
    }
    for (position, by) in erased {
        line(format_args!("erased {position} by {by}"));
    }
    line(format_args!("world {world:#?}"));
    text
}
