//! What an auditor remembers between verifications.

use super::*;

#[tokio::test]
async fn state_remembers_what_was_accepted_by_origin_and_key_and_forgets_nothing_else() {
    let desk = Desk::new();
    let first = desk.append(&[opened(ORIGIN)]).await;
    let second = desk.append(&[fact(1, 1)]).await;
    let trust = Trust::read(&desk.at("trust.txt")).expect("a trust file");
    let path = desk.at("state.json");
    let mut state = State::read(&path).expect("nothing yet");
    for checkpoint in [&second, &first] {
        state.remember(checkpoint, &trust).expect("written");
    }
    let read = State::read(&path).expect("a state file");
    assert_eq!(read.of(ORIGIN, &trust), vec![second], "the newest stays");
    assert_eq!(read.of("other", &trust), Vec::new());

    // A key that is no longer trusted remembers nothing.
    let other = Desk::new();
    assert_eq!(read.of(ORIGIN, &Trust::read(&other.at("trust.txt")).expect("a trust file")), Vec::new());
    std::fs::write(&path, "{}").expect("written");
    assert!(matches!(State::read(&path), Err(Stopped::Usage(_))), "another file is not taken for one");
}

/// Given a state file, when any byte of it is another or it ends anywhere, then it is refused, or remembers the same: what
/// an auditor no longer remembers would not be compared.
#[tokio::test]
async fn damaged_state_file_is_refused_and_forgets_nothing_in_silence() {
    let desk = Desk::new();
    let remembered = desk.append(&[opened(ORIGIN)]).await;
    let trust = Trust::read(&desk.at("trust.txt")).expect("a trust file");
    let path = desk.at("state.json");
    State::read(&path).expect("nothing yet").remember(&remembered, &trust).expect("written");
    let sound = std::fs::read(&path).expect("a state file");
    let mut refused = 0;
    let mut look = |bytes: &[u8], what: String| {
        std::fs::write(&path, bytes).expect("written");
        match State::read(&path) {
            Err(Stopped::Usage(why)) => refused += usize::from(why.contains(&path.display().to_string())),
            Err(Stopped::Unavailable(why)) => panic!("{what}: {why}"),
            Ok(state) => assert_eq!(state.newest(&trust), std::slice::from_ref(&remembered), "{what}"),
        }
    };
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            look(&bytes, format!("bit {bit} of byte {at}"));
        }
        look(&sound[..at], format!("cut to {at}"));
    }
    assert!(refused > sound.len() * 8, "{refused} of {} are refused", sound.len() * 9);
}
