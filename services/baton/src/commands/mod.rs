//! The commands, one file each: ask, render, print.

mod approve;
mod backup;
mod bench;
mod board;
mod demo;
mod doctor;
mod erase;
mod export;
mod extract;
mod fork;
mod import;
mod log;
mod next;
mod receipt;
mod record;
mod replay;
mod restore;
mod rotate_key;
mod server;
mod show;
mod verify;

use crate::args::{Arguments, Command, Common, Export};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::Out;
use std::io::IsTerminal;

/// What every command gets.
pub(crate) struct Context {
    /// What stands before the command.
    pub(crate) common: Common,
    /// Standard output.
    pub(crate) out: Out,
}

impl Context {
    /// The server, as the person named on the command line.
    async fn connect(&self) -> Result<Client, Failure> {
        Client::connect(&self.common.server, self.common.person.as_deref()).await
    }

    /// A bar on standard error, drawn only on a terminal and only when wanted.
    fn progress(&self, length: u64) -> indicatif::ProgressBar {
        if self.common.no_progress || !std::io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let bar = indicatif::ProgressBar::new(length);
        if let Ok(style) = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar
    }
}

/// Runs a command.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let out = Out::standard(arguments.common.output);
    let mut cx = Context { common: arguments.common, out };
    let done = match arguments.command {
        Command::Init(init) => server::init(&mut cx, &init).await,
        Command::Up(up) => server::up(&mut cx, &up).await,
        Command::Demo(demo) => demo::run(&mut cx, &demo).await,
        Command::Board(board) => board::run(&mut cx, &board).await,
        Command::Show(show) => show::run(&mut cx, &show).await,
        Command::Next(next) => next::run(&mut cx, &next).await,
        Command::Record(record) => record::record(&mut cx, &record).await,
        Command::Propose(propose) => record::propose(&mut cx, &propose).await,
        Command::Import(import) => import::run(&mut cx, &import).await,
        Command::Approve(approve) => approve::approve(&mut cx, &approve).await,
        Command::Proposals(proposals) => approve::proposals(&mut cx, &proposals).await,
        Command::Erase(erase) => erase::run(&mut cx, &erase).await,
        Command::Log(log) => log::run(&mut cx, &log).await,
        Command::Replay(replay) => replay::run(&mut cx, &replay).await,
        Command::Backup(backup) => backup::run(&mut cx, &backup).await,
        Command::Restore(restore) => restore::run(&mut cx, &restore).await,
        Command::Fork(fork) => fork::run(&mut cx, &fork).await,
        Command::RotateKey(rotate) => rotate_key::run(&mut cx, &rotate).await,
        Command::Doctor(doctor) => doctor::run(&mut cx, &doctor).await,
        Command::Bench(bench) => bench::run(&mut cx, &bench).await,
        Command::Receipt(receipt) => receipt::run(&mut cx, &receipt).await,
        Command::Export(Export::Bundle(bundle)) => export::bundle(&mut cx, &bundle).await,
        Command::Verify(verify) => verify::run(&mut cx, &verify).await,
        Command::Completions { shell } => completions(&mut cx, shell),
        Command::ProbeStore { dir } => server::probe(&dir),
    };
    // What was printed before a failure is not lost.
    let flushed = cx.out.flush();
    done.and(flushed)
}

fn completions(cx: &mut Context, shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut <Arguments as clap::CommandFactory>::command(), "baton", &mut script);
    cx.out.line(String::from_utf8_lossy(&script).trim_end())
}
