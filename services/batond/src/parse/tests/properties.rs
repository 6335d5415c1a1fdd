//! Whatever bytes arrive, a request is parsed or refused with reasons; nothing panics.

use super::samples::command_for;
use super::*;
use baton_domain::event::EventType;
use proptest::prelude::*;
use proptest::sample::Index;

/// One change to the bytes of a request.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => any::<Index>().prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    match change {
        Change::Set(at, byte) => *at.get_mut(bytes) = *byte,
        Change::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
        Change::Remove(at) => {
            bytes.remove(at.index(bytes.len()));
        }
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
    }
}

/// A good request holding one event.
fn good() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<_> = EventType::ALL.iter().filter_map(|e| command_for(*e)).map(|c| request(&[c]).encode_to_vec()).collect();
    proptest::sample::select(samples)
}

/// Parses what the bytes decode to, if they do. A refusal says where and why.
fn parse(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(sent) = proto::RecordRequest::decode(bytes) else { return Ok(()) };
    for violation in record_request(&sent).err().unwrap_or_default() {
        let known = ["command_id", "expected", "commands"].iter().any(|field| violation.field.starts_with(field));
        prop_assert!(known && !violation.description.is_empty(), "{violation:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn mutated_requests_are_taken_or_refused(mut bytes in good(), changes in prop::collection::vec(change(), 1..6)) {
        for change in &changes {
            apply(&mut bytes, change);
        }
        parse(&bytes)?;
    }

    #[test]
    fn random_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes)?;
    }

    #[test]
    fn random_words_are_taken_or_refused(words in ".{0,300}", number in any::<u64>(), kind in any::<i32>()) {
        let mut sent = request(&[command_for(EventType::GateDecided).expect("a sample"), command_for(EventType::FactRecorded).expect("a sample")]);
        sent.command_id.clone_from(&words);
        let command = &mut sent.commands[0];
        command.stream.clone_from(&words);
        command.standing = kind;
        command.act.clone_from(&words);
        command.remark.clone_from(&words);
        command.place = Some(proto::command::Place::AfterRevision(number));
        command.evidence = vec![proto::Evidence { title: words.clone(), dated: words.clone(), place: words.clone(), held: None }];
        if let Some(proto::command::Event::GateDecided(payload)) = &mut command.event {
            payload.subject.clone_from(&words);
            payload.body.clone_from(&words);
            payload.taken = kind;
            payload.deciders = vec![words.clone(), words.clone()];
        }
        if let Some(proto::command::Event::FactRecorded(payload)) = &mut sent.commands[1].event {
            payload.fields.insert(words.clone(), proto::FieldValue { value: Some(proto::field_value::Value::Code(words)) });
        }
        parse(&sent.encode_to_vec())?;
    }
}
