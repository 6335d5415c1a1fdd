//! Extracts on record: what was given to whom stands in the log before it is written, and is what was written.

use std::path::Path;

use baton_e2e::cli::{Ran, baton};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use crate::verify::{TRANSITION, history, report};

fn export(server: &Server, out: &Path, more: &[&str]) -> Ran {
    let (address, out) = (server.address().to_string(), out.display().to_string());
    let mut arguments = vec!["--server", &address, "--output", "json"];
    let (person, more): (Vec<&str>, Vec<&str>) = more.iter().partition(|argument| argument.starts_with("--person="));
    arguments.extend(person);
    arguments.extend(["export", "bundle", "--out", &out]);
    arguments.extend(more);
    baton(arguments)
}

async fn log(server: &Server) -> Vec<proto::RecordedEvent> {
    Clients::connect(server.address()).await.read_all(0).await.expect("the log is read")
}

#[tokio::test(flavor = "multi_thread")]
async fn extract_is_on_record_before_it_is_written_and_is_what_the_record_says() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    history(&server).await;
    let (trust, size) = (data.path().join("trust.txt"), log(&server).await.len());
    let at = |name: &str| data.beside(name);

    let silent = export(&server, &at("silent"), &["--transition", TRANSITION]);
    assert!(silent.code == Some(0) && silent.err.contains("nothing was recorded of this extract"), "{silent:?}");
    assert_eq!(silent.json()["recorded_at"], Value::Null);

    // Nothing is recorded of what is not given, or is given by nobody.
    std::fs::create_dir(at("filled")).expect("a directory");
    std::fs::write(at("filled/file"), "in the way").expect("written");
    let to = ["--transition", TRANSITION, "--issued-to", "The inquiry"];
    let whole = |person: &'static str| [person, to[0], to[1], to[2], to[3], "--purpose", "its request 4"];
    for (out, arguments, code) in [
        ("purposeless", &[&["--person=admin"], &to[..]].concat()[..], Some(2)),
        ("nameless", &whole("--person=admin")[1..], Some(2)),
        ("unknown", &whole("--person=nobody-known"), Some(1)),
        ("filled", &whole("--person=admin"), Some(1)),
        ("untold", &["--person=admin", "--transition", "QUY.PHARM.TEST", "--issued-to", "x", "--purpose", "y"], Some(1)),
    ] {
        let refused = export(&server, &at(out), arguments);
        assert_eq!(refused.code, code, "{out}: {refused:?}");
        assert!(out == "filled" || !at(out).exists(), "{out}");
    }
    assert_eq!(log(&server).await.len(), size, "nothing was recorded");

    for (out, more, withheld) in [("issued", None, "all_words"), ("with-words", Some("--with-words"), "nothing")] {
        let before = log(&server).await;
        let arguments: Vec<&str> = whole("--person=admin").into_iter().chain(more).collect();
        let issued = export(&server, &at(out), &arguments);
        assert!(issued.code == Some(0) && !issued.err.contains("nothing was recorded"), "{issued:?}");
        let events = log(&server).await;
        let said = events.last().expect("an event");
        assert_eq!((events.len(), issued.json()["recorded_at"].as_u64()), (before.len() + 1, Some(said.position)));
        assert_eq!((said.r#type.as_str(), said.stream.as_str(), said.recorded_by.as_str()), ("ExtractIssued", "audit", "admin"));
        let payload: Value = serde_json::from_str(&said.payload_json).expect("JSON");
        let stream = format!("transition/{TRANSITION}");
        let mut positions = before.iter().filter(|event| event.stream == stream).map(|event| event.position);
        let (first, last) = (positions.next(), positions.next_back());
        let expected = json!({
            "transition": TRANSITION, "first": first, "last": last, "checkpoint_size": before.len(), "withheld": withheld,
            "to": "The inquiry", "purpose": "its request 4",
        });
        assert_eq!(payload, expected);
        let verified = report(&at(out), &trust);
        assert_eq!((&verified["verdict"], &verified["size"]), (&json!("verified"), &json!(before.len())), "{verified:#}");
    }
    // To whom and what for are words: they are not in the leaf.
    let leaf = log(&server).await.pop().expect("an event").leaf;
    assert!(!String::from_utf8_lossy(&leaf).contains("The inquiry"));

    let arguments = ["--person=admin", "--issued-to", "An auditor", "--purpose", "the yearly audit"];
    let before = log(&server).await.len();
    assert_eq!(export(&server, &at("whole"), &arguments).code, Some(0));
    let verified = report(&at("whole"), &trust);
    assert_eq!((&verified["verdict"], &verified["size"]), (&json!("verified"), &json!(before)), "{verified:#}");
    let payload: Value = serde_json::from_str(&log(&server).await.pop().expect("an event").payload_json).expect("JSON");
    assert_eq!((&payload["first"], &payload["last"]), (&json!(0), &json!(before - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bundle_of_a_size_that_no_checkpoint_has_is_refused_by_field() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    history(&server).await;
    let size = log(&server).await.len() as u64;
    let mut audit = Clients::connect(server.address()).await.audit;
    for (tree_size, why) in
        [(0, "is not a size"), (2, "is not the size of a checkpoint"), (size + 1, "is more than"), (u64::MAX, "is more than")]
    {
        let asked = proto::ExportBundleRequest { tree_size: Some(tree_size), ..Default::default() };
        let refused = audit.export_bundle(asked).await.expect_err("no such checkpoint");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{tree_size}: {refused:?}");
        let violations = refused.get_details_bad_request().expect("fields").field_violations;
        assert_eq!(violations[0].field, "tree_size");
        assert!(violations[0].description.contains(why), "{tree_size}: {violations:?}");
    }
}
