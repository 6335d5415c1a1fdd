//! A library between a program and the C library: counts calls that change files, lets the n-th fail or be the last, and
//! knows what is durable.
//!
//! Compiled from `shim.c` by the C compiler that Rust links with. Counting is over all threads of the server, so a
//! number names the same call again as far as the server does the same again. What it can not see: calls that the
//! program makes without the C library, and writes through mapped memory; the server does neither.

use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::server::{DataDir, program};

/// Calls that can be counted and hit, in the order of `enum call`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Call {
    /// `open` that creates or empties a file.
    Open,
    /// `write`.
    Write,
    /// `pwrite64`.
    Pwrite,
    /// `ftruncate`.
    Truncate,
    /// `fsync`, also of a directory.
    Fsync,
    /// `fdatasync`.
    Fdatasync,
    /// `rename`.
    Rename,
    /// `unlink`, also of a directory.
    Unlink,
    /// `mkdir`.
    Mkdir,
    /// `copy_file_range`.
    Copy,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Write,
        Self::Pwrite,
        Self::Truncate,
        Self::Fsync,
        Self::Fdatasync,
        Self::Rename,
        Self::Unlink,
        Self::Mkdir,
        Self::Copy,
    ];
}

/// Files of a data directory, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Files {
    /// Those of the storage engine.
    Store = 1,
    /// The head file.
    Head = 2,
    /// The key file.
    Keys = 4,
    /// What is none of these: drafts, copies, marks, directories.
    Other = 8,
    /// All of them.
    All = 15,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It fails with this error of the system and does nothing.
    Fail(i32),
    /// The process is killed before it.
    KillBefore,
    /// The process is killed after it.
    KillAfter,
    /// It writes half of what it was given.
    Short,
}

/// For ever, as a number of calls.
pub const FOR_EVER: u64 = i64::MAX as u64;

const CONTROL_LEN: u64 = 16 + 5 * 8 + 10 * 8 + 10 * 4 * 8;
const ACTION_AT: u64 = 0;
const FROM_AT: u64 = 16;
const SEEN_AT: u64 = 32;
const HIT_AT: u64 = 40;
const OPENING_AT: u64 = 48;
const BY_CALL_AT: u64 = 56;
const BY_KIND_AT: u64 = BY_CALL_AT + 10 * 8;

/// The library, told about one data directory, or about some directories.
pub struct Shim {
    dir: TempDir,
    control: File,
    /// At most four, see `shim.c`.
    watched: Vec<PathBuf>,
    library: PathBuf,
}

impl Shim {
    /// Compiles the library and takes everything in the data directory for durable.
    ///
    /// # Panics
    /// When there is no C compiler.
    pub fn new(data: &DataDir) -> Self {
        Self::over(vec![data.path()])
    }

    /// The same for other directories; the kinds of [`Files`] are told by the names in each.
    ///
    /// # Panics
    /// When there is no C compiler.
    pub fn over(watched: Vec<PathBuf>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let open = File::options().create(true).truncate(false).read(true).write(true).open(dir.path().join("control"));
        let control = open.expect("a file");
        control.set_len(CONTROL_LEN).expect("a file of zeros passes every call");
        let shim = Self { dir, control, watched, library: library() };
        shim.take_for_durable();
        shim
    }

    /// Everything that is there now survives a loss of power.
    pub fn take_for_durable(&self) {
        let image = self.image();
        let _ = std::fs::remove_dir_all(&image);
        std::fs::create_dir(&image).expect("a directory");
        self.each_file(&mut |path, inode| {
            std::fs::copy(path, image.join(inode.to_string())).expect("a file is copied");
        });
    }

    /// What is durable of the files here, and what failed syncs lost of them, is taken over from the same files elsewhere:
    /// for a copy of a directory that was made while its syncs failed.
    pub fn take_over(&self, from: &Shim) {
        let (image, other) = (self.image(), from.image());
        for (here, there) in self.watched.iter().zip(&from.watched) {
            each_file(here, &mut |path, inode| {
                let twin = there.join(path.strip_prefix(here).expect("it lies there"));
                let twin = std::fs::metadata(twin).expect("the same file").ino();
                for end in ["", ".lost"] {
                    let (mine, its) = (image.join(format!("{inode}{end}")), other.join(format!("{twin}{end}")));
                    let _ = std::fs::remove_file(&mine);
                    if its.exists() {
                        std::fs::copy(its, mine).expect("a file is copied");
                    }
                }
            });
        }
    }

    /// A command that runs `batond` under the library.
    pub fn server(&self) -> Command {
        self.command("batond")
    }

    /// A command that runs a program of this workspace under the library.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        let dirs = self.watched.iter().map(|dir| dir.as_os_str()).collect::<Vec<_>>().join(OsStr::new(":"));
        command.env("LD_PRELOAD", &self.library).env("SHIM_DIRS", dirs);
        command.env("SHIM_CONTROL", self.dir.path().join("control")).env("SHIM_IMAGE", self.image());
        command
    }

    /// From now on, the calls named, of the files named, from the `from`-th (1 is the next) and `times` of them.
    pub fn arm(&self, action: Action, calls: &[Call], files: Files, from: u64, times: u64) {
        let (action, error) = match action {
            Action::Fail(error) => (1, error),
            Action::KillBefore => (2, 0),
            Action::KillAfter => (3, 0),
            Action::Short => (4, 0),
        };
        self.watch(calls, files);
        self.put(12, &i32::to_ne_bytes(error));
        self.put(FROM_AT, &from.to_ne_bytes());
        self.put(FROM_AT + 8, &times.to_ne_bytes());
        // Last: only now does any of it mean anything.
        self.put(ACTION_AT, &i32::to_ne_bytes(action));
    }

    /// Only counts the calls named, from now on.
    pub fn watch(&self, calls: &[Call], files: Files) {
        self.disarm();
        self.put(SEEN_AT, &[0; 16]);
        self.put(BY_KIND_AT, &[0; 10 * 4 * 8]);
        self.put(8, &(files as i32).to_ne_bytes());
        let mask = calls.iter().fold(0, |mask, call| mask | 1 << *call as i32);
        self.put(4, &i32::to_ne_bytes(mask));
    }

    /// The next call of this kind on the store fails with EIO, and what was named is counted and hit only after it: what
    /// a server does about a failure can then fail too.
    pub fn only_after(&self, opening: Call) {
        self.put(OPENING_AT, &(opening as i64 + 1).to_ne_bytes());
    }

    /// Lets every call pass again.
    pub fn disarm(&self) {
        self.put(ACTION_AT, &[0; 4]);
        self.put(OPENING_AT, &[0; 8]);
    }

    /// How many of the calls named were made since they were named.
    pub fn seen(&self) -> u64 {
        self.get(SEEN_AT)
    }

    /// How many of them were hit.
    pub fn hit(&self) -> u64 {
        self.get(HIT_AT)
    }

    /// How many calls of a kind were made since the beginning, of any file of the directory.
    pub fn made(&self, call: Call) -> u64 {
        self.get(BY_CALL_AT + 8 * call as u64)
    }

    /// How many calls of a kind were made on files of one kind, since calls were last named; of any name.
    pub fn counted(&self, call: Call, files: Files) -> u64 {
        self.get(BY_KIND_AT + 8 * (4 * call as u64 + u64::from((files as u32).trailing_zeros())))
    }

    /// Puts what is durable in the place of what is there: what a loss of power would have left. The server must be gone.
    pub fn lose_power(&self) {
        self.each_file(&mut |path, inode| {
            // What is read from now on is what is on the disk.
            let _ = std::fs::remove_file(self.image().join(format!("{inode}.lost")));
            let durable = self.image().join(inode.to_string());
            let bytes = if durable.exists() { std::fs::read(durable).expect("a file") } else { Vec::new() };
            // In place: the file keeps its inode, under which the image knows it.
            std::fs::write(path, bytes).expect("a file is written");
        });
    }

    fn each_file(&self, act: &mut impl FnMut(&Path, u64)) {
        self.watched.iter().filter(|dir| dir.exists()).for_each(|dir| each_file(dir, act));
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        self.control.write_all_at(bytes, at).expect("the control file is written");
    }

    fn get(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, at).expect("the control file is read");
        u64::from_ne_bytes(bytes)
    }
}

/// The compiled library, beside the program that uses it; its name changes with its source.
fn library() -> PathBuf {
    const SOURCE: &str = include_str!("shim.c");
    let mut hasher = DefaultHasher::new();
    SOURCE.hash(&mut hasher);
    let program = std::env::current_exe().expect("this program has a path");
    let beside = program.parent().expect("it lies in a directory");
    let library = beside.join(format!("baton-shim-{:016x}.so", hasher.finish()));
    if !library.exists() {
        let draft = tempfile::tempdir_in(beside).expect("a directory");
        let (source, compiled) = (draft.path().join("shim.c"), draft.path().join("shim.so"));
        std::fs::write(&source, SOURCE).expect("a file is written");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&compiled).arg(&source).args(["-ldl", "-lpthread"]);
        let output = compiler.output().expect("cc, which Rust links with, runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Whole or not there: other tests may be doing the same.
        std::fs::rename(compiled, &library).expect("the library is put in place");
    }
    library
}

fn each_file(dir: &Path, act: &mut impl FnMut(&Path, u64)) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let meta = entry.metadata().expect("it is there");
        if meta.is_dir() {
            each_file(&entry.path(), act);
        } else {
            act(&entry.path(), meta.ino());
        }
    }
}
