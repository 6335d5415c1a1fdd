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
struct Call<'t> {
    name: &'t str,
    /// Arguments as far as known when it began, and what was added when it ended.
    text: String,
    begun: usize,
    ended: usize,
}

impl Call<'_> {
    fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }

    fn on_socket(&self) -> bool {
        let first = self.text.split(',').next().unwrap_or_default();
        ["<socket:", "<TCP"].iter().any(|kind| first.contains(kind))
    }

    fn on_store(&self) -> bool {
        self.text.split([',', ')']).next().is_some_and(|first| first.trim_end().ends_with(STORE))
    }

    fn succeeded(&self) -> bool {
        self.text.rsplit_once(" = ").is_some_and(|(_, result)| result.trim() == "0")
    }
}

/// For each marker, what is wrong with the order of its calls; empty when durable came before answered.
pub fn violations(trace: &str, markers: &[String]) -> Vec<String> {
    let calls = calls(trace);
    let syncs: Vec<&Call<'_>> =
        calls.iter().filter(|c| c.is(&["fdatasync", "fsync"]) && c.on_store() && c.succeeded()).collect();
    markers.iter().filter_map(|marker| violation(&calls, &syncs, marker).map(|what| format!("{marker}: {what}"))).collect()
}

fn violation(calls: &[Call<'_>], syncs: &[&Call<'_>], marker: &str) -> Option<String> {
    let first = |names: &[&str], place: fn(&Call<'_>) -> bool| {
        calls.iter().filter(|c| c.is(names) && place(c) && c.text.contains(marker)).min_by_key(|c| c.begun)
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
fn calls(trace: &str) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = Vec::new();
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
            calls.push(Call { name, text: unfinished.unwrap_or(text).to_owned(), begun: at, ended });
        }
    }
    calls
}

/// How many syncs of the store a trace holds.
pub fn syncs_of_the_store(trace: &str) -> usize {
    calls(trace).iter().filter(|c| c.is(&["fdatasync", "fsync"]) && c.on_store() && c.succeeded()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRIVES: &str = r#"11 recvfrom(9<socket:[77]>, "wave/T-1", 8192, 0, NULL, NULL) = 8"#;
    const WRITTEN: &str = r#"12 pwrite64(6</tmp/d/store/db>, "wave/T-1", 8, 0) = 8"#;
    const SYNCED: &str = "12 fdatasync(6</tmp/d/store/db>) = 0";
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
        let (begun, ended) = ("13 fdatasync(6</tmp/d/store/db> <unfinished ...>", "13 <... fdatasync resumed>) = 0");
        assert_eq!(found(&[ARRIVES, begun, WRITTEN, ended, ANSWERED]).len(), 1);
        assert_eq!(found(&[ARRIVES, WRITTEN, begun, ANSWERED, ended]).len(), 1);
        assert_eq!(found(&[ARRIVES, WRITTEN, begun, ended, ANSWERED]).len(), 0);
        let of_the_head = SYNCED.replace("store/db", "head");
        assert_eq!(found(&[ARRIVES, WRITTEN, &of_the_head, ANSWERED]).len(), 1);
        let ordered_only = SYNCED.replace("fdatasync", "sync_file_range");
        assert_eq!(found(&[ARRIVES, WRITTEN, &ordered_only, ANSWERED]).len(), 1);
    }

    #[test]
    fn answer_to_what_was_never_written_is_found() {
        assert_eq!(found(&[ARRIVES, SYNCED, ANSWERED]).len(), 1);
    }
}
