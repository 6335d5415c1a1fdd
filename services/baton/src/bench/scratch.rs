//! A directory of this run, removed with everything in it when the run ends, however it ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often removing is tried: a server that is just ending may still write a file.
const ATTEMPTS: u32 = 20;

/// A directory that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes a directory of its own below `parent`.
    ///
    /// # Errors
    /// When it can not be made.
    pub(crate) fn below(parent: &Path) -> std::io::Result<Self> {
        let path = parent.join(format!("baton-bench-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for _ in 0..ATTEMPTS {
            match std::fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => std::thread::sleep(Duration::from_millis(50)),
                _ => return,
            }
        }
        say_left(&self.0);
    }
}

/// Says on standard error what is left behind; there is nobody to return it to.
fn say_left(path: &Path) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("baton: could not remove {}\n", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_goes_with_what_is_in_it() {
        let parent = tempfile::tempdir().expect("a directory");
        let scratch = Scratch::below(parent.path()).expect("made");
        std::fs::create_dir(scratch.path("data")).expect("made");
        std::fs::write(scratch.path("data").join("db"), "x").expect("written");
        drop(scratch);
        assert_eq!(std::fs::read_dir(parent.path()).expect("there").count(), 0);
    }
}
