//! Whether a log has begun, asked before one is begun, and answered without changing a byte.
//!
//! Opening a store that was not stopped in order recovers it, which is the business of a server that goes on from it
//! and not of an attempt to begin what has begun. So the head file is asked first. It may be a second behind the
//! store; where it says that nothing is recorded yet, a copy of the store is looked at.

use crate::start::StartError;
use baton_ledger::{OpenError, inspect, noted_checkpoint};
use std::path::Path;

/// Refuses a directory whose log has begun. One that holds none, or one in which nothing is recorded yet, as an
/// attempt leaves that was cut short, is for the caller to open.
pub(crate) fn refuse(data: &Path) -> Result<(), StartError> {
    let noted = match noted_checkpoint(data) {
        Ok(noted) => noted.checkpoint().size,
        // No FORMAT file: whether the rest is foreign or was cut short, the open tells.
        Err(OpenError::NotALedger { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let recorded = match noted {
        0 => inspect(data, &std::env::temp_dir())?.records,
        noted => noted,
    };
    match recorded {
        0 => Ok(()),
        _ => Err(StartError::Log(format!(
            "the log in {} has begun, and a log is opened once: serve it, or begin another in a new directory",
            data.display()
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{KeyPlace, init};
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;

    const ORIGIN: &str = "baton.test/begun";

    /// A directory that is removed at the end.
    struct Dir(PathBuf);

    impl Dir {
        fn new() -> Self {
            let dir = std::env::temp_dir().join(format!("baton-begun-{}", uuid::Uuid::new_v4()));
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn data(&self) -> PathBuf {
            self.0.join("data")
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let each = entries.flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => BTreeMap::from([(path.clone(), fs::read(&path).unwrap())]),
        });
        each.collect()
    }

    async fn begin(dir: &Dir) -> Result<(), StartError> {
        init(&dir.data(), &KeyPlace::Beside, ORIGIN, "admin", None).await
    }

    /// The head file of a log without records, made with the key that lies beside it.
    async fn early_head(dir: &Dir) -> Vec<u8> {
        let key = KeyPlace::Beside.create(&dir.data(), ORIGIN).unwrap();
        drop(baton_ledger::SledLedger::open(&dir.data(), key, baton_ledger::OpenOptions::default()).unwrap());
        fs::read(dir.data().join("head")).unwrap()
    }

    #[tokio::test]
    async fn log_that_has_begun_is_refused_and_not_changed_even_where_its_head_file_is_behind_or_its_key_is_gone() {
        let dir = Dir::new();
        let early = early_head(&dir).await;
        begin(&dir).await.unwrap();
        let head = fs::read(dir.data().join("head")).unwrap();
        for (head, with_key) in [(&head, true), (&early, true), (&head, false)] {
            fs::write(dir.data().join("head"), head).unwrap();
            if !with_key {
                fs::remove_file(KeyPlace::Beside.path(&dir.data())).unwrap();
            }
            let before = files(&dir.0);
            let refused = begin(&dir).await.unwrap_err();
            assert!(matches!(&refused, StartError::Log(why) if why.contains("has begun")), "{refused}");
            assert!(files(&dir.0) == before, "something was changed: {:?}", files(&dir.0).keys());
        }
    }

    #[tokio::test]
    async fn log_in_which_nothing_was_recorded_yet_is_begun() {
        let dir = Dir::new();
        early_head(&dir).await;
        begin(&dir).await.unwrap();
    }

    #[tokio::test]
    async fn key_that_is_left_of_a_log_that_is_gone_begins_no_second_one_however_often_that_is_tried() {
        let dir = Dir::new();
        begin(&dir).await.unwrap();
        fs::remove_dir_all(dir.data()).unwrap();
        for empty in [false, false, true, true] {
            if empty {
                fs::create_dir_all(dir.data()).unwrap();
            }
            let before = files(&dir.0);
            let refused = begin(&dir).await.unwrap_err();
            assert!(matches!(&refused, StartError::KeyUsed { path } if *path == dir.0.join("data.key")), "{refused}");
            assert!(files(&dir.0) == before, "something was changed: {:?}", files(&dir.0).keys());
        }
    }

    #[tokio::test]
    async fn creation_that_was_cut_short_after_its_key_is_taken_up_again_with_that_key() {
        let dir = Dir::new();
        baton_ledger::claim(&dir.data()).unwrap();
        let key = KeyPlace::Beside.create(&dir.data(), ORIGIN).unwrap();
        begin(&dir).await.unwrap();
        let trust = fs::read_to_string(dir.data().join("trust.txt")).unwrap();
        assert!(trust.contains(key.verifier_key()), "{trust}");
    }
}
