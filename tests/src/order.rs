//! What concurrent clients saw, held against the log they left: one order, and every client saw it grow.
//!
//! Times are ticks of one counter: taken before a call is sent and after its answer came, so that of two ticks the
//! smaller was first. Everything is a sort and a sweep, O(n log n).

use std::collections::BTreeMap;

/// An event of the log, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its position as it says itself.
    pub position: u64,
    /// Its stream.
    pub stream: u32,
    /// Its revision.
    pub revision: u64,
    /// Which write recorded it, as an index; `None` when it was there before.
    pub write: Option<usize>,
    /// What tells its bytes from others.
    pub print: u64,
}

/// How a write was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Recorded at these positions.
    Recorded(Vec<u64>),
    /// Refused: its stream was not at the revision expected.
    Stale,
    /// Nobody knows.
    Unknown,
}

/// A write as its client saw it.
#[derive(Debug, Clone)]
pub struct Write {
    /// Before it was sent.
    pub began: u64,
    /// After it was answered or given up.
    pub ended: u64,
    /// How many events it asked for.
    pub events: usize,
    /// A stream and the revision at which it was expected, 0 for none.
    pub expected: Option<(u32, u64)>,
    /// Its answer.
    pub answer: Answer,
}

/// A read as its client saw it.
#[derive(Debug, Clone)]
pub struct Read {
    /// Before it was sent.
    pub began: u64,
    /// After it was answered.
    pub ended: u64,
    /// The position from which it read, and what it got: position and print, up to the newest or to the end of a page.
    pub from: u64,
    /// What it got.
    pub seen: Vec<(u64, u64)>,
    /// The newest position its answer rests on.
    pub newest: u64,
    /// Whether the page reached the newest.
    pub to_the_end: bool,
}

/// Everything that must not be.
pub fn violations(log: &[Entry], writes: &[Write], reads: &[Read]) -> Vec<String> {
    let mut found = Vec::new();
    gaps(log, &mut found);
    let places = answers(log, writes, &mut found);
    expectations(log, writes, &mut found);
    written_in_order(writes, &places, &mut found);
    read_right(log, writes, reads, &mut found);
    read_in_order(reads, &mut found);
    found
}

/// Positions have no gap, revisions neither.
fn gaps(log: &[Entry], found: &mut Vec<String>) {
    let mut revisions: BTreeMap<u32, u64> = BTreeMap::new();
    for (index, entry) in log.iter().enumerate() {
        if entry.position != index as u64 {
            found.push(format!("position {} stands at {index}", entry.position));
        }
        let revision = revisions.entry(entry.stream).or_default();
        if entry.revision != *revision + 1 {
            found.push(format!("stream {} goes from revision {revision} to {}", entry.stream, entry.revision));
        }
        *revision = entry.revision;
    }
}

/// Where each write is: where its answer said, once; an unknown one as a whole or not at all, a refused one nowhere.
fn answers(log: &[Entry], writes: &[Write], found: &mut Vec<String>) -> Vec<Vec<u64>> {
    let mut places: Vec<Vec<u64>> = vec![Vec::new(); writes.len()];
    for (index, entry) in log.iter().enumerate() {
        if let Some(write) = entry.write {
            places[write].push(index as u64);
        }
    }
    for (write, (places, asked)) in places.iter().zip(writes).enumerate() {
        let right = match &asked.answer {
            Answer::Recorded(said) => places == said && said.len() == asked.events,
            Answer::Stale => places.is_empty(),
            Answer::Unknown => places.is_empty() || places.len() == asked.events,
        };
        if !right {
            found.push(format!("write {write} was answered {:?} and is at {places:?}", asked.answer));
        }
    }
    places
}

/// A recorded write met its expectation, and a refused one had a reason that may have been there when it was refused.
fn expectations(log: &[Entry], writes: &[Write], found: &mut Vec<String>) {
    let at: BTreeMap<(u32, u64), &Entry> = log.iter().map(|e| ((e.stream, e.revision), e)).collect();
    for (write, asked) in writes.iter().enumerate() {
        let Some((stream, revision)) = asked.expected else { continue };
        let next = at.get(&(stream, revision + 1));
        match &asked.answer {
            Answer::Recorded(_) if next.and_then(|e| e.write) != Some(write) => {
                found.push(format!("write {write} expected stream {stream} at {revision} and was recorded elsewhere"));
            }
            Answer::Stale => {
                // Somebody else's event after that revision, sent before the refusal came.
                let reason = next.is_some_and(|e| e.write.is_none_or(|other| writes[other].began < asked.ended));
                if !reason {
                    found.push(format!("write {write} expected stream {stream} at {revision} and was refused without a reason"));
                }
            }
            _ => {}
        }
    }
}

/// What was answered before another was sent stands before it.
fn written_in_order(writes: &[Write], places: &[Vec<u64>], found: &mut Vec<String>) {
    let mut answered: Vec<(u64, u64, usize)> = Vec::new();
    for (write, asked) in writes.iter().enumerate() {
        if let (Answer::Recorded(_), Some(last)) = (&asked.answer, places[write].last()) {
            answered.push((asked.ended, *last, write));
        }
    }
    answered.sort_unstable();
    let mut sent: Vec<usize> = (0..writes.len()).filter(|w| !places[*w].is_empty()).collect();
    sent.sort_unstable_by_key(|w| writes[*w].began);
    let mut answered = answered.into_iter().peekable();
    let mut furthest: Option<(u64, usize)> = None;
    for write in sent {
        while let Some((_, last, other)) = answered.next_if(|(ended, ..)| *ended < writes[write].began) {
            furthest = furthest.max(Some((last, other)));
        }
        let first = places[write][0];
        if let Some((last, other)) = furthest.filter(|(last, _)| *last > first) {
            found.push(format!("write {other} at {last} was answered before write {write} was sent, which is at {first}"));
        }
    }
}

/// A read is a piece of the log, holds everything answered before it was sent, and nothing sent after it was answered.
fn read_right(log: &[Entry], writes: &[Write], reads: &[Read], found: &mut Vec<String>) {
    let mut answered: Vec<(u64, u64)> = Vec::new();
    for asked in writes {
        if let Answer::Recorded(places) = &asked.answer {
            answered.extend(places.last().map(|last| (asked.ended, *last)));
        }
    }
    answered.sort_unstable();
    // The furthest position answered up to each of those times.
    let mut furthest = 0;
    let furthest: Vec<(u64, u64)> = answered
        .into_iter()
        .map(|(ended, last)| {
            furthest = furthest.max(last);
            (ended, furthest)
        })
        .collect();
    for (index, read) in reads.iter().enumerate() {
        let before = furthest.partition_point(|(ended, _)| *ended < read.began);
        if let Some((_, last)) = before.checked_sub(1).map(|at| furthest[at])
            && read.newest < last
        {
            found.push(format!("read {index} rests on {} and position {last} was answered before", read.newest));
        }
        for (offset, (position, print)) in read.seen.iter().enumerate() {
            let entry = usize::try_from(*position).ok().and_then(|at| log.get(at));
            if *position != read.from + offset as u64 || entry.is_none_or(|e| e.print != *print) {
                found.push(format!("read {index} from {} holds at {offset} what is not there: position {position}", read.from));
                break;
            }
            if let Some(write) = entry.and_then(|e| e.write)
                && writes[write].began > read.ended
            {
                found.push(format!("read {index} holds position {position}, which was sent after it was answered"));
                break;
            }
        }
        if read.to_the_end && read.from + read.seen.len() as u64 != read.newest + 1 {
            found.push(format!("read {index} from {} rests on {} and holds {} events", read.from, read.newest, read.seen.len()));
        }
    }
}

/// A later read rests on no less than an earlier one.
fn read_in_order(reads: &[Read], found: &mut Vec<String>) {
    let mut ended: Vec<(u64, u64)> = reads.iter().map(|r| (r.ended, r.newest)).collect();
    ended.sort_unstable();
    let mut began: Vec<&Read> = reads.iter().collect();
    began.sort_unstable_by_key(|r| r.began);
    let mut ended = ended.into_iter().peekable();
    let mut newest = 0;
    for read in began {
        while let Some((_, seen)) = ended.next_if(|(ended, _)| *ended < read.began) {
            newest = newest.max(seen);
        }
        if read.newest < newest {
            found.push(format!("a read at {} rests on {} after another rested on {newest}", read.began, read.newest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three writes and two reads that are right: 0 and 1 overlap, 2 comes after both.
    fn sound() -> (Vec<Entry>, Vec<Write>, Vec<Read>) {
        let entry = |position, revision, write| Entry { position, stream: 0, revision, write, print: 100 + position };
        let log = vec![entry(0, 1, None), entry(1, 2, Some(1)), entry(2, 3, Some(0)), entry(3, 4, Some(2)), entry(4, 5, Some(2))];
        let write = |began, ended, places: &[u64]| Write {
            began,
            ended,
            events: places.len(),
            expected: None,
            answer: Answer::Recorded(places.to_vec()),
        };
        let writes = vec![write(10, 30, &[2]), write(11, 25, &[1]), write(40, 50, &[3, 4])];
        let read = |began, ended, from: u64, newest: u64| Read {
            began,
            ended,
            from,
            seen: (from..=newest).map(|p| (p, 100 + p)).collect(),
            newest,
            to_the_end: true,
        };
        (log, writes, vec![read(26, 28, 0, 1), read(45, 46, 1, 2), read(60, 61, 0, 4)])
    }

    fn planted(plant: impl FnOnce(&mut Vec<Entry>, &mut Vec<Write>, &mut Vec<Read>)) -> Vec<String> {
        let (mut log, mut writes, mut reads) = sound();
        plant(&mut log, &mut writes, &mut reads);
        violations(&log, &writes, &reads)
    }

    fn finds(what: &str, plant: impl FnOnce(&mut Vec<Entry>, &mut Vec<Write>, &mut Vec<Read>)) {
        let found = planted(plant);
        assert!(found.iter().any(|f| f.contains(what)), "{what}: {found:?}");
    }

    #[test]
    fn sound_history_has_no_violation() {
        assert_eq!(planted(|_, _, _| {}), Vec::<String>::new());
    }

    #[test]
    fn gap_in_positions_or_revisions_is_found() {
        finds("stands at", |log, _, _| log[4].position = 5);
        finds("goes from revision", |log, _, _| log[4].revision = 6);
    }

    #[test]
    fn write_lost_doubled_torn_or_elsewhere_than_answered_is_found() {
        finds("write 0 was answered", |log, _, _| log[2].write = None);
        finds("write 0 was answered", |log, _, _| log[0].write = Some(0));
        finds("write 0 was answered", |_, writes, _| writes[0].answer = Answer::Recorded(vec![1]));
        finds("write 2 was answered", |log, writes, _| {
            writes[2].answer = Answer::Unknown;
            log[4].write = None;
        });
        finds("write 0 was answered", |_, writes, _| writes[0].answer = Answer::Stale);
    }

    #[test]
    fn unknown_write_may_be_there_or_not() {
        assert_eq!(planted(|_, writes, _| writes[0].answer = Answer::Unknown), Vec::<String>::new());
        let gone = |log: &mut Vec<Entry>, writes: &mut Vec<Write>, _: &mut Vec<Read>| {
            writes[0].answer = Answer::Unknown;
            log[2].write = None;
        };
        assert_eq!(planted(gone), Vec::<String>::new());
    }

    #[test]
    fn write_before_one_that_was_answered_before_it_was_sent_is_found() {
        // In the log write 0 stands behind write 1; now it was answered before that one was sent.
        finds("write 0 at 2 was answered before write 1 was sent", |_, writes, _| {
            (writes[0].began, writes[0].ended) = (1, 2);
            (writes[1].began, writes[1].ended) = (3, 4);
        });
    }

    #[test]
    fn recorded_write_that_broke_its_expectation_is_found() {
        assert_eq!(planted(|_, writes, _| writes[1].expected = Some((0, 1))), Vec::<String>::new());
        finds("was recorded elsewhere", |_, writes, _| writes[1].expected = Some((0, 2)));
    }

    #[test]
    fn refusal_without_a_reason_is_found() {
        let refused = |revision, began, ended| {
            move |_: &mut Vec<Entry>, writes: &mut Vec<Write>, _: &mut Vec<Read>| {
                writes.push(Write { began, ended, events: 1, expected: Some((0, revision)), answer: Answer::Stale });
            }
        };
        assert_eq!(planted(refused(2, 12, 13)), Vec::<String>::new());
        finds("refused without a reason", refused(3, 12, 13));
        finds("refused without a reason", refused(5, 60, 61));
    }

    #[test]
    fn read_that_misses_what_was_answered_is_found() {
        finds("was answered before", |_, _, reads| {
            reads[1].seen.pop();
            reads[1].newest = 1;
        });
    }

    #[test]
    fn read_that_is_no_piece_of_the_log_is_found() {
        finds("what is not there", |_, _, reads| reads[2].seen[1].1 = 7);
        finds("what is not there", |_, _, reads| {
            reads[2].seen.remove(1);
        });
        finds("what is not there", |_, _, reads| reads[2].seen[1] = reads[2].seen[0]);
        finds("and holds", |_, _, reads| {
            reads[2].seen.pop();
        });
    }

    #[test]
    fn read_of_what_was_not_sent_yet_is_found() {
        finds("which was sent after", |_, _, reads| {
            // Write 2, at position 3, was sent at 40.
            let seen = (1..=3).map(|position| (position, 100 + position)).collect();
            reads[1] = Read { began: 38, ended: 39, seen, newest: 3, ..reads[1].clone() };
        });
    }

    #[test]
    fn read_that_rests_on_less_than_an_earlier_one_is_found() {
        finds("after another rested on", |_, _, reads| {
            (reads[0].newest, reads[0].to_the_end) = (4, false);
        });
    }
}
