//! How a command ends: what is said on standard error, and which exit code programs see.

use crate::refusal::Refusal;
use std::fmt;
use std::io;
use std::process::ExitCode;
use tonic::{Code, Status};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or a file is not as it must be. Nothing was sent.
    Usage(String),
    /// The answer is no, in words already complete.
    Refused(String),
    /// The server said no, with its reasons.
    Server(Box<Refusal>),
    /// Nobody answers.
    Unavailable(String),
    /// Stored bytes are not what they should be.
    Damage(String),
    /// What was printed could not be written.
    Output(io::Error),
}

/// The exit codes, which are documented and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Refused, or verification failed.
    Refused = 1,
    /// The command line or a file is wrong.
    Usage = 2,
    /// The server can not be reached, is busy, or does not know the outcome.
    Unavailable = 3,
    /// Damage.
    Damage = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl Failure {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Server(refusal) => of_code(refusal.code),
            Self::Unavailable(_) => Exit::Unavailable,
            Self::Damage(_) => Exit::Damage,
            // Whoever read our output has seen enough and left: that is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => Exit::Unavailable,
        }
    }

    /// Says it on standard error, unless there is nothing to say.
    pub(crate) fn report(&self) {
        if self.exit() != Exit::Done {
            // Nobody is left to tell when standard error is closed too.
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("baton: {self}\n"));
        }
    }
}

/// What an answer of the server means for programs that called us.
pub(crate) fn of_code(code: Code) -> Exit {
    match code {
        Code::Ok => Exit::Done,
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::AlreadyExists
        | Code::NotFound
        | Code::OutOfRange
        | Code::PermissionDenied
        | Code::Unauthenticated => Exit::Refused,
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Cancelled
        | Code::Unimplemented
        | Code::Internal
        | Code::Unknown => Exit::Unavailable,
        Code::DataLoss => Exit::Damage,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Refused(what) | Self::Unavailable(what) | Self::Damage(what) => f.write_str(what),
            Self::Server(refusal) => refusal.fmt(f),
            Self::Output(error) => write!(f, "failed to write the output: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Server(Box::new(Refusal::from(&status)))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Server(Box::new(refusal))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_its_exit_code() {
        for (code, exit) in [
            (Code::FailedPrecondition, 1),
            (Code::InvalidArgument, 1),
            (Code::Aborted, 1),
            (Code::AlreadyExists, 1),
            (Code::NotFound, 1),
            (Code::PermissionDenied, 1),
            (Code::Unavailable, 3),
            (Code::ResourceExhausted, 3),
            (Code::DeadlineExceeded, 3),
            (Code::DataLoss, 4),
        ] {
            assert_eq!(Failure::from(Status::new(code, "no")).exit() as u8, exit, "{code:?}");
        }
        assert_eq!(Failure::Usage(String::new()).exit() as u8, 2);
    }

    #[test]
    fn reader_that_left_is_no_failure() {
        assert_eq!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).exit(), Exit::Done);
        assert_ne!(Failure::from(io::Error::from(io::ErrorKind::StorageFull)).exit(), Exit::Done);
    }
}
