//! Events as they stand in the log, and where each led.

use super::dates;
use crate::output::{Table, flagged, number, table};
use crate::words;
use baton_proto::v1::{Evidence, FuzzyDate, Gap, RecordedEvent, ReplayStep, evidence};
use serde_json::{Value, json};

/// The most characters of a payload shown to people. Programs get the whole.
const MAX_WHAT: usize = 300;

/// What an event of the log says, in short; where its words are gone, by which event.
pub(crate) fn said_by(event: &RecordedEvent) -> String {
    let what = what(&event.payload_json);
    match event.erased_by {
        Some(by) => what.replace(WITHHELD, &format!("[erased by event {by}]")),
        None => what,
    }
}

/// What stands in the place of words that are not there.
const WITHHELD: &str = "[withheld]";

/// What an event says, in short: its own words, and the plain fields before them.
pub(crate) fn what(payload_json: &str) -> String {
    let Ok(Value::Object(payload)) = serde_json::from_str(payload_json) else { return String::new() };
    const WORDS: [&str; 8] = ["note", "text", "description", "reason", "narrative", "qualification", "reading", "title"];
    // What an event is about comes first.
    const FIRST: [&str; 7] = ["subject", "checklist", "question", "kind", "outcome", "event", "key"];
    let (words, mut plain): (Vec<_>, Vec<_>) = payload.iter().partition(|(key, _)| WORDS.contains(&key.as_str()));
    plain.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    let mut parts: Vec<String> = plain.iter().filter_map(|(key, value)| named(key, value)).collect();
    parts.extend(words.iter().filter_map(|(_, value)| said(value)));
    let text = parts.join("; ");
    match text.char_indices().nth(MAX_WHAT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A field in words. The fields of a fact speak for themselves.
fn named(key: &str, value: &Value) -> Option<String> {
    let said = said(value)?;
    Some(if key == "fields" { said } else { format!("{} {said}", key.replace('_', " ")) })
}

/// A value in words; nothing where it holds nothing to read.
fn said(value: &Value) -> Option<String> {
    let text = match value {
        // Absent parts are left out of a payload: null is words that are erased or withheld.
        Value::Null => WITHHELD.to_owned(),
        Value::Bool(false) => return None,
        Value::Bool(true) => "yes".to_owned(),
        Value::Number(number) => number.to_string(),
        // A route file or another long text is not read in a table.
        Value::String(text) if text.lines().count() > 10 => format!("({} lines)", text.lines().count()),
        Value::String(text) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => format!("{}…", &text[..8]),
        Value::String(text) => text.replace('\n', " "),
        Value::Array(items) => items.iter().filter_map(said).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let part = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            match fields.values().next() {
                _ if fields.contains_key("precision") => dates::words(&FuzzyDate {
                    text: part("text"),
                    earliest: part("earliest"),
                    latest: part("latest"),
                    ..Default::default()
                }),
                // An amount of money, as printed.
                _ if fields.contains_key("pence") => part("printed"),
                // A typed value: its type goes without saying.
                Some(only) if fields.len() == 1 => said(only)?,
                _ => fields.iter().filter_map(|(key, value)| named(key, value)).collect::<Vec<_>>().join(", "),
            }
        }
    };
    (!text.is_empty()).then_some(text)
}

/// Evidence in words.
pub(crate) fn evidence(all: &[Evidence]) -> String {
    let one = |e: &Evidence| {
        let place = if e.place.is_empty() { String::new() } else { format!(", {}", e.place) };
        let held = match &e.held {
            Some(evidence::Held::Sha256(hash)) => format!(" [held, sha256 {}…]", &hash[..hash.len().min(8)]),
            Some(evidence::Held::CitedNotHeld(who)) => format!(" [cited, not held: {who}]"),
            None => String::new(),
        };
        format!("{}{place}{held}", e.title)
    };
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Gaps in words.
pub(crate) fn gaps(all: &[Gap]) -> String {
    let one = |gap: &Gap| format!("{} ({}): {}", gap.code, words::gap_kind(gap.kind).replace('_', " "), gap.what);
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// One line of the log for people.
pub(crate) fn line(event: &RecordedEvent) -> String {
    format!(
        "{:>7}  {}  {}@{}  {} ({})  {}  by {}{}",
        event.position,
        dates::instant(event.recorded_at.as_ref()),
        event.stream,
        event.revision,
        event.r#type,
        words::standing(event.standing),
        dates::optional(event.occurred.as_ref()),
        event.recorded_by,
        if event.approval.is_empty() { String::new() } else { format!(", proposal {}", event.approval) },
    )
}

/// The stored bytes as they are. They are JSON, so they are text.
pub(crate) fn leaf(event: &RecordedEvent) -> String {
    String::from_utf8_lossy(&event.leaf).into_owned()
}

/// One event for programs; the stored bytes only when asked for.
pub(crate) fn object(event: &RecordedEvent, with_leaf: bool) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let mut object = json!({
        "position": event.position,
        "stream": event.stream,
        "revision": event.revision,
        "type": event.r#type,
        "schema_version": event.schema_version,
        "standing": words::standing(event.standing),
        "occurred": dates::value(event.occurred.as_ref()),
        "occurred_date": dates::whole(event.occurred.as_ref()),
        "recorded_at": dates::instant(event.recorded_at.as_ref()),
        "recorded_by": event.recorded_by,
        "done_by": event.done_by.as_ref().map(|by| words::json("DoneBy", by)),
        "act": given(&event.act),
        "approval": given(&event.approval),
        "command_id": event.command_id,
        "evidence": event.evidence.iter().map(|e| words::json("Evidence", e)).collect::<Value>(),
        "gaps": event.gaps.iter().map(|g| words::json("Gap", g)).collect::<Value>(),
        "placed": given(&event.placed),
        "remark": given(&event.remark),
        "payload": serde_json::from_str::<Value>(&event.payload_json).unwrap_or(Value::Null),
        "leaf_hash": words::hex(&event.leaf_hash),
        "erased_by": event.erased_by,
    });
    if with_leaf {
        object["leaf"] = leaf(event).into();
    }
    object
}

/// Events for programs that read tables.
pub(crate) fn flat(with_leaf: bool) -> Table {
    let mut headers = vec![
        "position",
        "recorded_at",
        "stream",
        "revision",
        "type",
        "standing",
        "occurred",
        "recorded_by",
        "approval",
        "what",
        "leaf_hash",
    ];
    if with_leaf {
        headers.push("leaf");
    }
    table(headers)
}

/// The cells of one event for [`flat`].
pub(crate) fn flat_row(event: &RecordedEvent, with_leaf: bool) -> Vec<crate::output::Cell> {
    let mut cells = vec![
        event.position.to_string().into(),
        dates::instant(event.recorded_at.as_ref()).into(),
        event.stream.as_str().into(),
        event.revision.to_string().into(),
        event.r#type.as_str().into(),
        words::standing(event.standing).into(),
        dates::optional(event.occurred.as_ref()).into(),
        event.recorded_by.as_str().into(),
        event.approval.as_str().into(),
        said_by(event).into(),
        words::hex(&event.leaf_hash).into(),
    ];
    if with_leaf {
        cells.push(leaf(event).into());
    }
    cells
}

/// A replay for people: both times, who, on what evidence, with which gaps, and the stage after.
pub(crate) fn replay(steps: &[ReplayStep]) -> Table {
    let mut table =
        table(["Position", "Rev", "Event", "Occurred / recorded", "Who", "Evidence", "Gaps", "Stage after"]).wide("Event");
    for step in steps {
        let event = step.event.clone().unwrap_or_default();
        table.row([
            number(event.position),
            number(event.revision),
            format!("{} ({})\n{}", event.r#type, words::standing(event.standing), said_by(&event)).trim_end().to_owned().into(),
            format!("{}\n{}", dates::optional(event.occurred.as_ref()), dates::instant(event.recorded_at.as_ref())).into(),
            format!("{}\nentered by {}", doer(&event), event.recorded_by).trim_start().to_owned().into(),
            evidence(&event.evidence).into(),
            flagged(gaps(&event.gaps), !event.gaps.is_empty()),
            stage_after(step).into(),
        ]);
    }
    table
}

fn doer(event: &RecordedEvent) -> String {
    dates::doer(event.done_by.as_ref())
}

/// The stage after a step with its standing, and why the step does not count where it does not.
pub(crate) fn stage_after(step: &ReplayStep) -> String {
    let stage = match (step.stage.as_str(), words::standing(step.stage_standing).as_str()) {
        ("", _) => "outside the story".to_owned(),
        (stage, "") => stage.to_owned(),
        (stage, standing) => format!("{stage} ({standing})"),
    };
    let marks = [
        (step.voided, "voided".to_owned()),
        (step.set_aside, "set aside by a later round".to_owned()),
        (step.corrected_by.is_some(), format!("corrected by revision {}", step.corrected_by.unwrap_or_default())),
    ];
    marks.into_iter().filter(|(holds, _)| *holds).fold(stage, |text, (_, mark)| format!("{text}\n{mark}"))
}

/// A replay for programs.
pub(crate) fn replay_objects(steps: &[ReplayStep]) -> Value {
    steps.iter().map(replay_object).collect()
}

fn replay_object(step: &ReplayStep) -> Value {
    let mut value = object(&step.event.clone().unwrap_or_default(), false);
    let given = |text: String| if text.is_empty() { Value::Null } else { text.into() };
    value["stage"] = given(step.stage.clone());
    value["stage_standing"] = given(words::standing(step.stage_standing));
    value["round"] = step.round.into();
    value["in_story"] = step.in_story.into();
    value["voided"] = step.voided.into();
    value["set_aside"] = step.set_aside.into();
    value["corrected_by"] = step.corrected_by.into();
    value
}

/// A replay for programs that read tables.
pub(crate) fn replay_flat(steps: &[ReplayStep]) -> Table {
    let mut table = table([
        "position",
        "revision",
        "type",
        "standing",
        "occurred",
        "recorded_at",
        "done_by",
        "recorded_by",
        "evidence",
        "gaps",
        "stage",
        "stage_standing",
        "what",
    ]);
    for step in steps {
        let event = step.event.clone().unwrap_or_default();
        table.row([
            event.position.to_string().into(),
            event.revision.to_string().into(),
            event.r#type.as_str().into(),
            words::standing(event.standing).into(),
            dates::optional(event.occurred.as_ref()).into(),
            dates::instant(event.recorded_at.as_ref()).into(),
            doer(&event).into(),
            event.recorded_by.as_str().into(),
            evidence(&event.evidence).into(),
            gaps(&event.gaps).into(),
            step.stage.as_str().into(),
            words::standing(step.stage_standing).into(),
            said_by(&event).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1::{GapKind, Standing};

    fn step() -> ReplayStep {
        let event = RecordedEvent {
            position: 12,
            revision: 3,
            r#type: "ItemTabled".into(),
            standing: Standing::Reported as i32,
            occurred: Some(FuzzyDate { text: "October 2016".into(), ..Default::default() }),
            recorded_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            recorded_by: "demo-officer-2".into(),
            gaps: vec![Gap { kind: GapKind::Contrary as i32, code: "TOO_EARLY".into(), what: "before its stage".into() }],
            evidence: vec![Evidence {
                title: "A paper".into(),
                held: Some(evidence::Held::Sha256("ab".repeat(32))),
                ..Default::default()
            }],
            payload_json: r#"{"body":"06F/board","asks":["note","approve"],"note":"discussed"}"#.into(),
            ..Default::default()
        };
        ReplayStep {
            event: Some(event),
            stage: "DISCOVERY".into(),
            stage_standing: Standing::Inferred as i32,
            round: 1,
            in_story: true,
            ..Default::default()
        }
    }

    #[test]
    fn payload_is_read_out_with_its_words_last() {
        assert_eq!(
            what(r#"{"asks":["note","approve"],"body":"06F/board","note":"discussed"}"#),
            "asks note, approve; body 06F/board; discussed"
        );
        let fact = r#"{"fields":{"amount":{"money":{"pence":7250000000,"printed":"72.5 million","rounded_to":"hundred_thousand"}},"metric":{"code":"expenditure"}},"kind":"baseline"}"#;
        assert_eq!(what(fact), "kind baseline; amount 72.5 million, metric expenditure");
        assert_eq!(
            what(r#"{"event":"X","target":{"precision":"month","text":"July","earliest":"2021-07-01","latest":"2021-07-31"}}"#),
            "event X; target July"
        );
        assert!(what(&format!("{{\"note\":\"{}\"}}", "ä".repeat(400))).ends_with('…'));
    }

    #[test]
    fn words_that_are_gone_say_by_which_event_where_that_is_known() {
        let payload_json = r#"{"subject":"eoi","note":null}"#.to_owned();
        let mut event = RecordedEvent { payload_json, ..Default::default() };
        assert_eq!(said_by(&event), "subject eoi; [withheld]");
        assert_eq!(object(&event, false)["erased_by"], Value::Null);
        event.erased_by = Some(44);
        assert_eq!(said_by(&event), "subject eoi; [erased by event 44]");
        assert_eq!((&object(&event, false)["erased_by"], &object(&event, false)["payload"]["note"]), (&json!(44), &Value::Null));
    }

    #[test]
    fn replay_object_has_what_programs_rely_on() {
        let shown = replay_objects(&[step()]);
        for key in ["position", "revision", "type", "standing", "occurred", "recorded_at", "done_by", "evidence", "gaps", "stage"]
        {
            assert!(shown[0].get(key).is_some(), "{key}");
        }
        assert_eq!((&shown[0]["standing"], &shown[0]["stage"]), (&json!("reported"), &json!("DISCOVERY")));
        assert_eq!(shown[0]["gaps"][0], json!({ "kind": "contrary", "code": "TOO_EARLY", "what": "before its stage" }));
        assert_eq!(shown[0]["evidence"][0]["sha256"], "ab".repeat(32));
        assert!(shown[0]["evidence"][0].get("cited_not_held").is_none());
    }

    #[test]
    fn replay_tables_have_a_cell_for_every_header() {
        let (people, programs) = (replay(&[step()]), replay_flat(&[step()]));
        assert_eq!((people.rows[0].len(), programs.rows[0].len()), (people.headers.len(), programs.headers.len()));
        assert_eq!(people.rows[0][7].text, "DISCOVERY (inferred)");
        assert!(people.rows[0][3].text.starts_with("October 2016\n2023-11-14T"));
    }

    #[test]
    fn event_outside_the_story_says_so() {
        let step = ReplayStep { voided: true, ..Default::default() };
        assert_eq!(stage_after(&step), "outside the story\nvoided");
    }

    #[test]
    fn flat_row_has_a_cell_for_every_header() {
        let event = step().event.unwrap_or_default();
        for leaf in [false, true] {
            assert_eq!(flat_row(&event, leaf).len(), flat(leaf).headers.len());
        }
    }
}
