//! The order of durability, read from the system calls of a server: a request arrives, its record is
//! written to the store, a sync of the store that began after that ends well, and only then does the
//! answer leave.
//!
//! Requests are told apart by a marker that stands in the request, in the stored record and in the
//! answer: the name of a stream of their own. What is checked is what the kernel was asked, so no
//! counter or log line of the server is trusted.

use std::collections::BTreeMap;

/// The calls a trace must hold.
pub const CALLS: &str =
    "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fdatasync,fsync,sync_file_range";

/// What the file of the store is called, as the end of its path.
const STORE: &str = "/store/db>";

/// One system call: when it began and ended, as line numbers of the trace.
struct Call {
    name: String,
    /// Arguments as far as known when it began, and what was added when it ended.
    text: String,
    /// What is quoted among them: the bytes read or written, escaped as the tracer does.
    data: String,
    begun: usize,
    ended: usize,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    fn on_socket(&self) -> bool {
        ["<socket:", "<TCP"].iter().any(|kind| self.file().contains(kind))
    }

    /// The first argument: a descriptor with what it stands for.
    fn file(&self) -> &str {
        self.text.split([',', ')']).next().unwrap_or_default().trim_end()
    }

    fn on_store(&self) -> bool {
        self.file().ends_with(STORE)
    }

    fn succeeded(&self) -> bool {
        self.text.rsplit_once(" = ").is_some_and(|(_, result)| result.trim() == "0")
    }
}

/// For each marker, what is wrong with the order of its calls; empty when durable came before answered.
pub fn violations(trace: &str, markers: &[String]) -> Vec<String> {
    let calls = calls(trace);
    let syncs: Vec<&Call> = calls.iter().filter(|c| c.is(&["fdatasync", "fsync"]) && c.on_store() && c.succeeded()).collect();
    markers.iter().filter_map(|marker| violation(&calls, &syncs, marker).map(|what| format!("{marker}: {what}"))).collect()
}

fn violation(calls: &[Call], syncs: &[&Call], marker: &str) -> Option<String> {
    let first = |names: &[&str], place: fn(&Call) -> bool| {
        // A frame may be cut in two, and a marker with it; then the call that completes it counts.
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        calls.iter().filter(|c| c.is(names) && place(c)).find(|c| {
            let before = before.insert(c.file(), &c.data).unwrap_or_default();
            c.data.contains(marker) || straddles(before, &c.data, marker)
        })
    };
    let Some(arrived) = first(&["read", "readv", "recvfrom", "recvmsg"], Call::on_socket) else {
        return Some("the request is not in the trace".to_owned());
    };
    let Some(answered) = first(&["write", "writev", "sendto", "sendmsg"], Call::on_socket) else {
        return Some("the answer is not in the trace".to_owned());
    };
    let Some(written) = first(&["pwrite64", "pwritev"], Call::on_store) else {
        return Some("it was answered and never written to the store".to_owned());
    };
    if written.begun < arrived.ended {
        return Some("it was written before it arrived".to_owned());
    }
    let durable = syncs.iter().any(|sync| sync.begun > written.ended && sync.ended < answered.begun);
    (!durable).then(|| "no sync of the store lies between its write and its answer".to_owned())
}

/// The calls of a trace made with `-f -y`, in the order in which they began.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            if let Some(index) = open.remove(thread) {
                let call = &mut calls[index];
                call.text.push_str(resumed.split_once('>').map_or(resumed, |(_, text)| text));
                call.ended = at;
            }
        } else if let Some((name, text)) = rest.split_once('(') {
            let unfinished = text.strip_suffix("<unfinished ...>");
            if unfinished.is_some() {
                open.insert(thread, calls.len());
            }
            // A call whose end is not in the trace never ended as far as anybody knows.
            let ended = if unfinished.is_some() { usize::MAX } else { at };
            calls.push(Call {
                name: name.to_owned(),
                text: unfinished.unwrap_or(text).to_owned(),
                data: String::new(),
                begun: at,
                ended,
            });
        }
    }
    for call in &mut calls {
        call.data = quoted(&call.text);
    }
    calls
}

/// Everything between quotes, one after the other; escaped quotes are data.
fn quoted(text: &str) -> String {
    let mut data = String::new();
    let (mut inside, mut escaped) = (false, false);
    for character in text.chars() {
        match character {
            '"' if !escaped => inside = !inside,
            _ if inside => data.push(character),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    data
}

/// Whether `marker` begins at the end of one text and ends at the beginning of the next.
fn straddles(one: &str, next: &str, marker: &str) -> bool {
    (1..marker.len()).any(|cut| one.ends_with(&marker[..cut]) && next.starts_with(&marker[cut..]))
}

/// How many syncs of the store a trace holds.
pub fn syncs_of_the_store(trace: &str) -> usize {
    calls(trace).iter().filter(|c| c.is(&["fdatasync", "fsync"]) && c.on_store() && c.succeeded()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRIVES: &str = r#"11 recvfrom(9<socket:[77]>, "wave/T-1", 8192, 0, NULL, NULL) = 8"#;
    const WRITTEN: &str = r#"12 pwrite64(6</data/store/db>, "wave/T-1", 8, 0) = 8"#;
    const SYNCED: &str = "12 fdatasync(6</data/store/db>) = 0";
    const ANSWERED: &str = r#"11 writev(9<socket:[77]>, [{iov_base="wave/T-1", iov_len=8}], 1) = 8"#;

    fn found(lines: &[&str]) -> Vec<String> {
        violations(&lines.join("\n"), &["wave/T-1".to_owned()])
    }

    #[test]
    fn arrival_write_sync_answer_is_in_order() {
        assert_eq!(found(&[ARRIVES, WRITTEN, SYNCED, ANSWERED]), Vec::<String>::new());
    }

    #[test]
    fn answer_without_or_before_a_sync_is_found() {
        assert_eq!(found(&[ARRIVES, WRITTEN, ANSWERED]).len(), 1);
        assert_eq!(found(&[ARRIVES, WRITTEN, ANSWERED, SYNCED]).len(), 1);
    }

    #[test]
    fn sync_that_failed_began_too_early_or_was_of_another_file_does_not_count() {
        let failed = SYNCED.replace("= 0", "= -1 EIO (Input/output error)");
        assert_eq!(found(&[ARRIVES, WRITTEN, &failed, ANSWERED]).len(), 1);
        let (begun, ended) = ("13 fdatasync(6</data/store/db> <unfinished ...>", "13 <... fdatasync resumed>) = 0");
        assert_eq!(found(&[ARRIVES, begun, WRITTEN, ended, ANSWERED]).len(), 1);
        assert_eq!(found(&[ARRIVES, WRITTEN, begun, ANSWERED, ended]).len(), 1);
        assert_eq!(found(&[ARRIVES, WRITTEN, begun, ended, ANSWERED]).len(), 0);
        let of_the_head = SYNCED.replace("store/db", "head");
        assert_eq!(found(&[ARRIVES, WRITTEN, &of_the_head, ANSWERED]).len(), 1);
        let ordered_only = SYNCED.replace("fdatasync", "sync_file_range");
        assert_eq!(found(&[ARRIVES, WRITTEN, &ordered_only, ANSWERED]).len(), 1);
    }

    #[test]
    fn request_cut_in_two_arrives_with_its_second_part() {
        let (one, two) = (ARRIVES.replace("wave/T-1", "x \\\"wave/"), ARRIVES.replace("wave/T-1", "T-1"));
        let of_another = two.replace("9<socket:[77]>", "8<socket:[78]>");
        assert_eq!(found(&[&one, &of_another, &two, WRITTEN, SYNCED, ANSWERED]).len(), 0);
        assert_eq!(found(&[&one, WRITTEN, &two, SYNCED, ANSWERED]).len(), 1);
        assert_eq!(found(&[&one, &of_another, WRITTEN, SYNCED, ANSWERED]).len(), 1);
    }

    #[test]
    fn answer_to_what_was_never_written_is_found() {
        assert_eq!(found(&[ARRIVES, SYNCED, ANSWERED]).len(), 1);
    }
}
