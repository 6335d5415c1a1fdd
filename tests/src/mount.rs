//! File systems of their own: mounted for one test, shut down or filled by it, and gone after it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What to mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ext4 in a file.
    Ext4,
    /// xfs in a file.
    Xfs,
    /// Memory, of so many bytes.
    Memory(u64),
}

/// Room on a file system in a file; sparse, so it costs what is written.
const IMAGE_BYTES: u64 = 512 * 1024 * 1024;

/// A mounted file system; unmounted when dropped.
pub struct Mount {
    dir: TempDir,
    kind: Kind,
}

impl Mount {
    /// Makes and mounts one.
    ///
    /// # Errors
    /// When this machine does not permit or know it, with what it said.
    pub fn new(kind: Kind) -> Result<Self, String> {
        let mount = Self { dir: tempfile::tempdir().map_err(|e| e.to_string())?, kind };
        std::fs::create_dir(mount.path()).map_err(|e| e.to_string())?;
        let make = match kind {
            Kind::Ext4 => Some(["mkfs.ext4", "-qF"]),
            Kind::Xfs => Some(["mkfs.xfs", "-qf"]),
            Kind::Memory(_) => None,
        };
        if let Some([program, options]) = make {
            let image = std::fs::File::create(mount.image()).map_err(|e| e.to_string())?;
            image.set_len(IMAGE_BYTES).map_err(|e| e.to_string())?;
            run(Command::new(program).arg(options).arg(mount.image()))?;
        }
        mount.mount()?;
        Ok(mount)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("mounted")
    }

    /// Shuts the file system down as a loss of power would: nothing more reaches the file below, its journal included.
    ///
    /// # Errors
    /// When the tool is missing or refuses.
    pub fn lose_power(&self) -> Result<(), String> {
        run(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(self.path()))
    }

    /// Unmounts it and mounts it again, which replays its journal. Nobody may have a file of it open.
    ///
    /// # Errors
    /// When it can not be unmounted or mounted.
    pub fn again(&self) -> Result<(), String> {
        run(Command::new("umount").arg(self.path()))?;
        self.mount()
    }

    fn mount(&self) -> Result<(), String> {
        let mut command = Command::new("mount");
        match self.kind {
            Kind::Memory(bytes) => command.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]),
            Kind::Ext4 | Kind::Xfs => command.args(["-o", "loop"]).arg(self.image()),
        };
        run(command.arg(self.path()))
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let path = self.path();
        // Lazily, should somebody still hold a file of it: it goes when they do.
        let _ = run(Command::new("umount").arg(&path)).or_else(|_| run(Command::new("umount").arg("-l").arg(&path)));
    }
}

/// Fills the file system that holds `dir` until nothing more fits, and says in which file.
///
/// # Errors
/// When the file can not be made.
pub fn fill(dir: &Path) -> std::io::Result<PathBuf> {
    use std::io::Write as _;
    let path = dir.join("ballast-of-the-test");
    let mut file = std::fs::File::create(&path)?;
    for size in [1 << 20, 1 << 12] {
        let bytes = vec![7; size];
        while file.write_all(&bytes).is_ok() {}
    }
    Ok(path)
}

fn run(command: &mut Command) -> Result<(), String> {
    // Tools of file systems lie where only root looks.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
