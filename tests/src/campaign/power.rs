//! Loss of power: what was acknowledged is there on ext4, on xfs, and on a disk that keeps nothing that was not synced.
//!
//! The first two are file systems in a file, shut down so that not even their journal is written any more, then mounted
//! again. The third is the image of `shim.rs`, which needs no permission. Not modelled: the volatile cache of a disk, and
//! writes that reach it in another order.
//!
//! An `fdatasync` that is under way while ext4 is being shut down can succeed for bytes that are then gone: a program of
//! nothing but `pwrite` and `fdatasync` lost its last write in 17 of 300 shutdowns (Linux 6.18), each answered within the
//! milliseconds that the shutdown took. No machine without power gives such an answer, so on ext4 what is answered from the
//! beginning of the shutdown on is no promise. On the other two every answer is.

use rand::Rng as _;

use super::load::{Load, Written, compared_whole, moment};
use super::{Plan, Report};
use crate::client::Clients;
use crate::history::Sent;
use crate::mount::{Kind, Mount};
use crate::server::{DataDir, Server, program};
use crate::shim::Shim;

const WRITERS: usize = 8;

/// After so many losses a new file system is made, so that it does not fill up.
const CYCLES_PER_DISK: usize = 25;

/// What loses its power.
enum Disk {
    Mounted(Mount),
    Image(Shim),
}

/// Where it is lost: the name, and the file system if it takes one.
const DISKS: [(&str, Option<Kind>); 3] = [("ext4", Some(Kind::Ext4)), ("xfs", Some(Kind::Xfs)), ("image", None)];

/// A cycle is one loss on each of the three.
pub async fn run(plan: Plan) -> Report {
    run_with(plan, &[]).await
}

/// The same with further arguments to the server, so that one that does not sync can be found out.
pub async fn run_with(plan: Plan, arguments: &[&str]) -> Report {
    let mut report = Report::new("power", &plan);
    for (name, kind) in DISKS {
        let (cycles, acknowledged, violations) = (report.cycles, report.acknowledged, report.violations.len());
        let mut first = plan.first;
        while first < plan.first + plan.cycles {
            let end = (first + CYCLES_PER_DISK).min(plan.first + plan.cycles);
            one_disk(&plan, first..end, name, kind, arguments, &mut report).await;
            first = end;
        }
        let (cycles, acknowledged) = (report.cycles - cycles, report.acknowledged - acknowledged);
        let violations = report.violations.len() - violations;
        if cycles == 0 && violations == 0 {
            continue;
        }
        report.notes.push(format!("{name}: {cycles} losses of power, {acknowledged} acknowledged, {violations} violations"));
    }
    report
}

async fn one_disk(
    plan: &Plan,
    cycles: std::ops::Range<usize>,
    name: &str,
    kind: Option<Kind>,
    arguments: &[&str],
    report: &mut Report,
) {
    let (disk, data) = match kind.map(Mount::new) {
        Some(Ok(mount)) => {
            let data = DataDir::empty_at(mount.path().join("data"));
            data.begin().await;
            (Disk::Mounted(mount), data)
        }
        Some(Err(why)) => {
            report.skipped += cycles.len();
            report.notes.push(format!("{name} is not permitted here: {why}"));
            return;
        }
        None => {
            let data = DataDir::begun().await;
            (Disk::Image(Shim::new(&data)), data)
        }
    };
    let mut sent: Vec<Sent> = Vec::new();
    for cycle in cycles {
        let command = match &disk {
            Disk::Mounted(_) => std::process::Command::new(program("batond")),
            Disk::Image(shim) => shim.server(),
        };
        let server = match Server::try_start(&data, command, arguments) {
            Ok(server) => server,
            Err(refused) => return report.found(cycle, format!("{name}: it does not start: {}", refused.said)),
        };
        let clients = Clients::connect(server.address()).await;
        // What this start found, before it may lose more.
        let violations = compared_whole(&clients, &sent).await;
        if !violations.is_empty() {
            return report.found_all(cycle, violations.into_iter().map(|v| format!("{name}: {v}")));
        }
        let written = match lose(plan, cycle, name, &disk, server, &clients).await {
            Ok(written) => written,
            Err(why) => {
                report.skipped += 1;
                return report.notes.push(format!("{name}: cycle {cycle} ended early: {why}"));
            }
        };
        report.acknowledged += written.acknowledged();
        report.cycles += 1;
        sent.extend(written.sent);
    }
    let last = plan.first + plan.cycles;
    match Server::try_start(&data, std::process::Command::new(program("batond")), arguments) {
        Ok(server) => {
            let clients = Clients::connect(server.address()).await;
            let violations = compared_whole(&clients, &sent).await;
            report.found_all(last, violations.into_iter().map(|v| format!("{name}: {v}")));
        }
        Err(refused) => report.found(last, format!("{name}: it does not start: {}", refused.said)),
    }
}

async fn lose(plan: &Plan, cycle: usize, name: &str, disk: &Disk, server: Server, clients: &Clients) -> Result<Written, String> {
    let mut random = plan.random(cycle);
    let load = Load::start(clients, &format!("POWER-{cycle}-{}", name.to_uppercase()), WRITERS);
    load.answered(random.random_range(10..120)).await;
    moment(&mut random, 3_000).await;
    let lost = match disk {
        Disk::Mounted(mount) => {
            if mount.kind() == Kind::Ext4 {
                load.doubt();
            }
            mount.lose_power()
        }
        Disk::Image(_) => Ok(()),
    };
    server.kill();
    let written = load.end().await;
    lost?;
    match disk {
        Disk::Mounted(mount) => mount.again()?,
        Disk::Image(shim) => shim.lose_power(),
    }
    Ok(written)
}
