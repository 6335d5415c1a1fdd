//! `baton export bundle`: the server's evidence into a directory, as it comes.
//!
//! Nothing is judged here: whoever is to be convinced runs `baton verify`. The directory must be empty,
//! every file is synced before it gets its name, and `bundle.json` gets its own last; without it the
//! directory is no bundle. With `--issued-to` the log says first to whom it is given (`extract.rs`).
//!
//! So an export that was cut short anywhere leaves a whole bundle or one that says it is none,
//! and the same command, run again, tells them apart and says what to do.

use super::Context;
use super::extract::{self, Issued};
use crate::args::{ExportBundle, Format};
use crate::exit::Failure;
use baton_ledger::SignedCheckpoint;
use baton_ledger::bundle::{BundleError, BundleFile, CHECKPOINT, DirectoryWriter, MAX_ENTRIES_BYTES};
use baton_proto::v1::ExportBundleRequest;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;

/// The file that says that a bundle is whole.
const MANIFEST: &str = "bundle.json";

pub(super) async fn bundle(cx: &mut Context, args: &ExportBundle) -> Result<(), Failure> {
    if args.issued_to.is_some() && cx.common.person.is_none() {
        return Err(Failure::Usage("say who issues the extract with --person ID".to_owned()));
    }
    let client = cx.connect().await?;
    // Before anything is put on record that then could not be written.
    if std::fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Refused(occupied(&args.out)));
    }
    let issued = match &args.issued_to {
        Some(to) => Some(extract::record(&client, args, to).await?),
        None => None,
    };
    let request = ExportBundleRequest {
        transition: args.transition.clone().unwrap_or_default(),
        with_words: args.with_words,
        min_position: None,
        from_sizes: args.from_size.clone(),
        tree_size: issued.as_ref().map(|issued| issued.size),
    };
    let incomplete = |why: &Failure| incomplete(args, issued.as_ref(), why);
    let asked = client.audit().export_bundle(request).await.map_err(Failure::from);
    let asked = asked.map_err(|refused| if issued.is_some() { incomplete(&refused) } else { refused });
    let mut stream = asked?.into_inner();
    let mut writer = DirectoryWriter::open(&args.out).map_err(failure)?;
    if !writer.is_empty().map_err(failure)? {
        return Err(Failure::Refused(occupied(&args.out)));
    }
    let bar = cx.progress(0);
    let mut under_way = BundleFile { path: String::new(), bytes: Vec::new() };
    let (mut files, mut whole, mut size) = (0_u64, false, 0);
    while let Some(piece) = stream.message().await.map_err(|status| incomplete(&Failure::from(status)))? {
        if under_way.bytes.is_empty() {
            under_way.path = piece.path;
        } else if under_way.path != piece.path || under_way.bytes.len() + piece.chunk.len() > MAX_ENTRIES_BYTES {
            let what = format!("the server sent pieces of {} that do not make a file", under_way.path);
            return Err(incomplete(&Failure::Unavailable(what)));
        }
        under_way.bytes.extend(piece.chunk);
        size = piece.tree_size;
        if piece.ends_file {
            let file = std::mem::replace(&mut under_way, BundleFile { path: String::new(), bytes: Vec::new() });
            whole = file.path == MANIFEST;
            keep(&mut writer, &file).map_err(|error| incomplete(&failure(error)))?;
            files += 1;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    if !whole {
        return Err(incomplete(&Failure::Unavailable("the server ended the stream early".to_owned())));
    }
    match cx.out.format {
        Format::Json => cx.out.json(&json!({
            "bundle": args.out.display().to_string(), "files": files, "size": size,
            "recorded_at": issued.as_ref().map(|issued| issued.position),
        })),
        Format::Table | Format::Csv => {
            cx.out.line(format!("Wrote {files} files to {}: evidence from a log of {size} events.", args.out.display()))?;
            if let (Some(issued), Some(to)) = (&issued, &args.issued_to) {
                cx.out.line(format!("Event {} records that it is issued to {to}.", issued.position))?;
            }
            cx.out.line("Check it with baton verify and a trust file that you got by another way.")
        }
    }?;
    if issued.is_none() {
        let what =
            "baton: nothing was recorded of this extract; to put on record to whom it is given, use --issued-to and --purpose";
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(std::io::stderr(), "{what}");
    }
    Ok(())
}

/// Why nothing is written into a directory that is not empty, and what to do. An export that was cut short is not gone on
/// with: the log may have grown since, and what is there be of an older size.
fn occupied(out: &Path) -> String {
    let out_name = out.display();
    match out.join(MANIFEST).exists() {
        true => format!("{out_name} holds a bundle already, and one is never overwritten: choose another directory"),
        false => format!(
            "{out_name} is not empty and holds no whole bundle: if an export was cut short there, remove it and ask again; \
             otherwise choose another directory"
        ),
    }
}

/// The checkpoint only after all it covers is durable, and the manifest after that.
fn keep(writer: &mut DirectoryWriter, file: &BundleFile) -> Result<(), BundleError> {
    match file.path.as_str() {
        CHECKPOINT => {
            let malformed = |source| BundleError::Checkpoint { dir: CHECKPOINT.into(), source };
            writer.finish(&SignedCheckpoint::parse_unverified(&file.bytes).map_err(malformed)?)
        }
        MANIFEST => {
            writer.sync()?;
            writer.put(file)?;
            writer.sync()
        }
        _ => writer.put(file),
    }
}

fn incomplete(args: &ExportBundle, issued: Option<&Issued>, why: &Failure) -> Failure {
    let recorded =
        issued.map(|issued| format!("\nevent {} records it as issued; another attempt records its own", issued.position));
    let what =
        format!("{why}\n{} holds no whole bundle: remove it and ask again{}", args.out.display(), recorded.unwrap_or_default());
    match why.exit() {
        crate::exit::Exit::Refused => Failure::Refused(what),
        crate::exit::Exit::Damage => Failure::Damage(what),
        _ => Failure::Unavailable(what),
    }
}

fn failure(error: BundleError) -> Failure {
    match error {
        BundleError::Io { .. } => Failure::Unavailable(error.to_string()),
        _ => Failure::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_that_is_not_empty_is_told_to_hold_a_bundle_or_an_export_that_was_cut_short() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(CHECKPOINT), "half").expect("written");
        assert!(occupied(dir.path()).contains("remove it and ask again"));
        std::fs::write(dir.path().join(MANIFEST), "{}").expect("written");
        let whole = occupied(dir.path());
        assert!(whole.contains("choose another") && !whole.contains("remove"), "{whole}");
    }
}
