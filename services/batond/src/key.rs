//! Where the signing key of a log lies: outside its data directory, except in a demonstration.
//!
//! A key beside the data it vouches for is worth little: whoever copies or alters the one has the
//! other. So a path inside the data directory is refused, whatever links lead there.

use baton_ledger::{KeyError, SigningKey};
use std::io;
use std::path::{Path, PathBuf};

use crate::start::StartError;

/// Where the signing key is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// Beside the data directory, in a file of its name with `.key` added.
    #[default]
    Beside,
    /// In this file, which must lie outside the data directory.
    At(PathBuf),
    /// Inside the data directory. For demonstrations only: it proves nothing to anybody.
    Inside,
}

impl KeyPlace {
    /// As given on a command line, or beside the data.
    pub fn given(path: Option<PathBuf>) -> Self {
        path.map_or(Self::Beside, Self::At)
    }

    /// The file, for this data directory.
    pub fn path(&self, data: &Path) -> PathBuf {
        match self {
            Self::Beside => {
                let mut name = data.components().as_path().as_os_str().to_owned();
                name.push(".key");
                PathBuf::from(name)
            }
            Self::At(path) => path.clone(),
            Self::Inside => data.join("signing-key"),
        }
    }

    /// Reads the key of a log that is there.
    ///
    /// # Errors
    /// [`StartError::Key`], [`StartError::KeyInside`].
    pub fn read(&self, data: &Path) -> Result<SigningKey, StartError> {
        let path = self.outside(data)?;
        Ok(SigningKey::read(&path)?)
    }

    /// Makes the key of a log that is about to begin, or takes one of this origin that is there.
    ///
    /// # Errors
    /// [`StartError::Key`], [`StartError::KeyInside`], [`StartError::Invalid`] for a key of another origin.
    pub fn create(&self, data: &Path, origin: &str) -> Result<SigningKey, StartError> {
        let path = self.outside(data)?;
        if *self == Self::Inside {
            std::fs::create_dir_all(data).map_err(|source| KeyError::Io {
                what: "make the directory of",
                path: path.clone(),
                source,
            })?;
        }
        match SigningKey::create(&path, origin) {
            Err(KeyError::Exists { .. }) => {
                let key = SigningKey::read(&path)?;
                if key.origin() != origin {
                    let what = format!("the key file {} is that of origin {:?}, not of {origin:?}", path.display(), key.origin());
                    return Err(StartError::Invalid(what));
                }
                Ok(key)
            }
            made => Ok(made?),
        }
    }

    /// The file, refused inside the data directory.
    pub(crate) fn outside(&self, data: &Path) -> Result<PathBuf, StartError> {
        let path = self.path(data);
        let inside = *self != Self::Inside && resolved(&path).starts_with(resolved(data));
        if inside { Err(StartError::KeyInside { path, data: data.to_owned() }) } else { Ok(path) }
    }
}

/// The path without links, as far as it exists.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match absolute.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match (absolute.parent(), absolute.file_name()) {
            (Some(parent), Some(name)) => resolved(parent).join(name),
            _ => absolute,
        },
        found => found.unwrap_or(absolute),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn key_lies_beside_the_data_unless_it_is_said_otherwise() {
        assert_eq!(KeyPlace::Beside.path(Path::new("/srv/baton/")), Path::new("/srv/baton.key"));
        assert_eq!(KeyPlace::given(Some("/etc/k".into())).path(Path::new("/srv/baton")), Path::new("/etc/k"));
    }

    #[test]
    fn key_inside_the_data_directory_is_refused_also_through_a_link_and_before_it_exists() {
        let dir = std::env::temp_dir().join(format!("baton-key-{}", uuid::Uuid::new_v4()));
        let data = dir.join("data");
        std::fs::create_dir_all(&data).unwrap();
        std::os::unix::fs::symlink(&data, dir.join("link")).unwrap();
        for inside in [data.join("k"), dir.join("link/k"), data.join("../data/sub/k"), data.clone()] {
            let refused = KeyPlace::At(inside.clone()).create(&data, "test");
            assert!(matches!(refused, Err(StartError::KeyInside { .. })), "{}", inside.display());
        }
        let made = KeyPlace::Beside.create(&data, "test").unwrap();
        assert_eq!(KeyPlace::Beside.read(&data).unwrap().verifier_key(), made.verifier_key());
        assert!(matches!(KeyPlace::Beside.create(&data, "other"), Err(StartError::Invalid(_))));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
