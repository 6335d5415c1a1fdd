//! Loading history from files: proposed by one person, approved by another, never loaded twice.
//!
//! A file is a list of rows. Each row is one command, written once for every stream it names. Per
//! file and stream there is one proposal, whose id follows from the names of both, so that a later
//! run finds what an earlier one did: what is approved is left alone, what waits is approved, what is
//! missing is proposed. Nothing here decides whether a row is acceptable; the server does, and its
//! reasons come back with the labels of the rows.

mod file;
mod labels;
mod plan;
mod run;

pub(crate) use file::{ImportFile, embedded, from_paths, siblings};
pub(crate) use run::{FileReport, Importer, Refused};

use std::sync::Arc;

/// Whether every row that the files name is in one of them.
pub(crate) fn complete(files: &[Arc<ImportFile>]) -> bool {
    let mut labels = labels::Labels::default();
    for file in files {
        labels.learn(file, &plan::plan(file));
    }
    files.iter().all(|file| labels.know(file))
}

#[cfg(test)]
mod tests;
