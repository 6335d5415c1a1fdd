//! `baton verify`: evidence judged by [`crate::verify`]; with `--server` also the log as it is now.
//!
//! Only what is asked of a server is here. Without `--server` on the command line nothing is.

use super::Context;
use crate::args::{Format, Verify};
use crate::exit::Failure;
use crate::verify::{self, Kind, Report, State, Stopped, Trust};
use baton_ledger::SignedCheckpoint;
use baton_proto::v1::{GetCheckpointRequest, GetConsistencyProofRequest};

pub(super) async fn run(cx: &mut Context, args: &Verify) -> Result<(), Failure> {
    let live = cx.common.server_given;
    if args.bundle.is_none() && args.receipt.is_none() && !live {
        return Err(Failure::Usage("nothing to verify: give --bundle, --receipt with --leaf, or --server".to_owned()));
    }
    let trust = Trust::read(&args.trust).map_err(stopped)?;
    let mut state = args.state.as_deref().map(State::read).transpose().map_err(stopped)?;
    let (mut report, checkpoint) = match (&args.bundle, &args.receipt, &args.leaf) {
        (Some(dir), ..) => {
            let bar = cx.progress(0);
            let mut progress = |done, all| {
                bar.set_length(all);
                bar.set_position(done);
            };
            let verified = verify::bundle(dir, &trust, state.as_ref(), live, &mut progress);
            bar.finish_and_clear();
            verified.map_err(stopped)?
        }
        (None, Some(receipt), Some(leaf)) => verify::receipt(receipt, leaf, &trust).map_err(stopped)?,
        _ => (Report::new(Kind::Live, cx.common.server.clone()), None),
    };
    // A receipt alone does not show that it continues what is remembered: it is not remembered itself.
    let mut newest = checkpoint.filter(|_| live || args.bundle.is_some());
    if live && report.failures().is_empty() {
        newest = ask(cx, &trust, state.as_ref(), newest.as_ref(), &mut report).await?;
    }
    let verified = report.verified();
    if let (true, Some(state), Some(newest)) = (verified, &mut state, &newest) {
        state.remember(newest, &trust).map_err(stopped)?;
    }
    match cx.out.format {
        Format::Json => cx.out.json(&report.to_json())?,
        Format::Table => {
            for line in report.lines() {
                cx.out.line(line)?;
            }
        }
        Format::Csv => return Err(Failure::Usage("a verification is not a table; use --output json".to_owned())),
    }
    if verified { Ok(()) } else { Err(Failure::Refused("verification failed".to_owned())) }
}

/// Asks the server for its newest checkpoint and for the proof that it continues everything known.
async fn ask(
    cx: &Context,
    trust: &Trust,
    state: Option<&State>,
    of_bundle: Option<&SignedCheckpoint>,
    report: &mut Report,
) -> Result<Option<SignedCheckpoint>, Failure> {
    let mut audit = cx.connect().await?.audit();
    let note = audit.get_checkpoint(GetCheckpointRequest { min_position: None }).await?.into_inner().checkpoint;
    let Some(live) = verify::live(&note, trust, state, of_bundle, report) else { return Ok(None) };
    for old in &live.known {
        let request =
            GetConsistencyProofRequest { old_size: old.checkpoint().size, new_size: Some(live.checkpoint.checkpoint().size) };
        let proof = audit.get_consistency_proof(request).await?.into_inner().hashes;
        live.continues(old, &proof, report);
    }
    Ok(Some(live.checkpoint))
}

fn stopped(why: Stopped) -> Failure {
    match why {
        Stopped::Usage(what) => Failure::Usage(what),
        Stopped::Unavailable(what) => Failure::Unavailable(what),
    }
}
