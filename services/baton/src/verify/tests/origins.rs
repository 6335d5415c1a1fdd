//! Whose log it is: origins before and after a fork, and keys that an auditor does not hold.

use super::*;

fn fork(position: u64, revision: u64, old: &str, new: &str) -> Value {
    leaf(position, "log", revision, "LogForked", json!({ "old_origin": old, "new_origin": new }))
}

#[tokio::test]
async fn older_checkpoint_is_of_the_origin_that_the_log_had_at_its_size() {
    let desk = Desk::new();
    desk.append(&[opened("elsewhere"), fact(1, 1)]).await;
    let early = desk.append(&[fact(2, 2)]).await;
    desk.append(&[fork(3, 2, "elsewhere", ORIGIN)]).await;
    let late = desk.append(&[fact(4, 3)]).await;
    desk.append(&[fact(5, 4)]).await;
    let out = desk.written(&[]).await;
    let keep = |signed: &SignedCheckpoint| {
        let path = out.join(format!("checkpoints/{}.note", signed.checkpoint().size));
        std::fs::create_dir_all(out.join("checkpoints")).expect("a directory");
        std::fs::write(path, signed.note()).expect("written");
    };
    keep(&late);
    assert!(desk.verify(&out).verified());
    keep(&early);
    let wrong = only_wrong(&desk.verify(&out)).1;
    assert_eq!(wrong, format!("checkpoints/3.note is of {ORIGIN:?}, and at size 3 the log was \"elsewhere\""));
}

#[tokio::test]
async fn forks_lead_from_the_first_origin_to_the_newest_without_a_gap() {
    let good = [opened("one"), fork(1, 2, "one", "two"), fork(2, 3, "two", ORIGIN)];
    assert!(Desk::judged(&good, &[]).await.verified());
    let gap = [opened("one"), fork(1, 2, "one", "two"), fork(2, 3, "three", ORIGIN)];
    assert!(only_wrong(&Desk::judged(&gap, &[]).await).1.contains("its origin after that is \"three\""));
    let other = [opened("zero"), fork(1, 2, "one", ORIGIN)];
    assert!(only_wrong(&Desk::judged(&other, &[]).await).1.contains("the first leaf names \"zero\""));
    let back = [opened(ORIGIN), fork(1, 2, ORIGIN, "two"), fork(2, 3, "two", ORIGIN)];
    assert!(only_wrong(&Desk::judged(&back, &[]).await).1.contains("the forks that the leaves tell of"));
}

#[tokio::test]
async fn whoever_holds_another_key_is_told_what_would_say_whether_the_log_changed_its_key() {
    let (desk, other) = (Desk::new(), Desk::new());
    let first = opened(ORIGIN);
    let checkpoint = desk.append(std::slice::from_ref(&first)).await;
    let proof = desk.ledger.prove_inclusion(Position(0), 1).expect("a proof");
    let kept = Receipt { position: Position(0), proof, checkpoint: checkpoint.clone() };
    std::fs::write(desk.at("receipt"), kept.to_text()).expect("written");
    std::fs::write(desk.at("leaf"), first.to_string()).expect("written");
    let judged = |desk_of_key: &Desk| {
        let trust = Trust::read(&desk_of_key.at("trust.txt")).expect("a trust file");
        let kept = receipt(&desk.at("receipt"), &desk.at("leaf"), &trust).expect("judged").0;
        let mut shown = Report::new(Kind::Live, "a server".to_owned());
        live(checkpoint.note(), &trust, None, None, &mut shown);
        [kept, shown].map(|report| (report.verified(), report.lines().join("\n").contains("may change its key")))
    };
    assert_eq!(judged(&desk), [(true, false); 2]);
    assert_eq!(judged(&other), [(false, true); 2]);
}
