//! The command line `baton`: a gRPC client for people and programs, and the server started from here.
//!
//! Every command is a file in [`commands`]; it asks the server, has the answer put into tables or
//! JSON by [`render`], and prints. The rules live in the server: nothing is judged here, but for [`verify`],
//! which judges the server itself.

mod args;
mod bench;
mod client;
mod commands;
mod exit;
mod files;
mod import;
mod output;
mod refusal;
mod render;
mod verify;
mod words;

use exit::Exit;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = args::Arguments::read();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            exit::Failure::Unavailable(format!("failed to start: {error}")).report();
            return Exit::Unavailable.into();
        }
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            failure.report();
            failure.exit().into()
        }
    }
}
