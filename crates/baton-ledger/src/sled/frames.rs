//! Encrypted frames: bytes of any number that can be read back only by who has the key, whole and in order.
//!
//! The STREAM construction: each frame is encrypted with ChaCha20-Poly1305 under a nonce that says its number and whether
//! it is the last. So no frame can be changed, exchanged, left out, or put in from elsewhere, and the end cannot be cut
//! off. **A key is used for one stream only**: the rest of the nonce is zero, and a second stream under the key would
//! give both away.
//!
//! A frame takes [`FRAME`] bytes and the tag after them. The last one takes fewer, maybe none; so a reader knows from the
//! length which frame must be the last, and the tag tells whether it is.

use std::fs::File;
use std::io::{self, Read, Write};

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};

/// What a frame takes, in bytes.
pub(super) const FRAME: usize = 1024 * 1024;

const TAG_LEN: usize = 16;

/// Constant, because each key has one stream.
const NONCE: [u8; 7] = [0; 7];

/// Encrypts what is written to it.
pub(super) struct FrameWriter<W> {
    out: W,
    cipher: EncryptorBE32<ChaCha20Poly1305>,
    frame: Vec<u8>,
    /// Something was not written: whoever wrote it may have let the error pass.
    failed: bool,
}

impl<W: Write> FrameWriter<W> {
    /// Writes frames to `out`.
    pub(super) fn new(out: W, key: &[u8; 32]) -> FrameWriter<W> {
        let cipher = EncryptorBE32::from_aead(ChaCha20Poly1305::new(key.into()), &NONCE.into());
        FrameWriter { out, cipher, frame: Vec::with_capacity(FRAME + TAG_LEN), failed: false }
    }

    /// Writes the last frame. An error when anything before was not written.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.failed {
            return Err(io::Error::other("a part of it could not be written"));
        }
        self.cipher.encrypt_last_in_place(&[], &mut self.frame).map_err(too_long)?;
        self.out.write_all(&self.frame)?;
        Ok(self.out)
    }

    fn write_frame(&mut self) -> io::Result<()> {
        // Until it is written, whatever goes wrong.
        self.failed = true;
        self.cipher.encrypt_next_in_place(&[], &mut self.frame).map_err(too_long)?;
        self.out.write_all(&self.frame)?;
        self.frame.clear();
        self.failed = false;
        Ok(())
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("a part of it could not be written"));
        }
        let taken = bytes.len().min(FRAME - self.frame.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        // At once, so that the last frame is never a full one.
        if self.frame.len() == FRAME {
            self.write_frame()?;
        }
        Ok(taken)
    }

    /// A frame that is begun goes on.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads frames back. Says that it is at its end only after the last frame, and hands out no byte of a frame whose tag
/// does not fit.
pub(super) struct FrameReader {
    file: File,
    state: State,
    frame: Vec<u8>,
    /// How much of the frame was handed out.
    taken: usize,
}

enum State {
    Reading(Box<DecryptorBE32<ChaCha20Poly1305>>),
    Ended,
    Damaged,
}

impl FrameReader {
    /// Frames follow from where the file is at.
    pub(super) fn new(file: File, key: &[u8; 32]) -> FrameReader {
        let cipher = DecryptorBE32::from_aead(ChaCha20Poly1305::new(key.into()), &NONCE.into());
        FrameReader { file, state: State::Reading(Box::new(cipher)), frame: Vec::with_capacity(FRAME + TAG_LEN), taken: 0 }
    }

    fn read_frame(&mut self) -> io::Result<()> {
        self.frame.clear();
        self.taken = 0;
        let mut cipher = match std::mem::replace(&mut self.state, State::Damaged) {
            State::Reading(cipher) => cipher,
            State::Ended => {
                self.state = State::Ended;
                return Ok(());
            }
            State::Damaged => return Err(damaged()),
        };
        let read = (&mut self.file).take((FRAME + TAG_LEN) as u64).read_to_end(&mut self.frame);
        let last = read.inspect_err(|_| self.frame.clear())? < FRAME + TAG_LEN;
        let opened = match last {
            true => cipher.decrypt_last_in_place(&[], &mut self.frame).map(|()| State::Ended),
            false => cipher.decrypt_next_in_place(&[], &mut self.frame).map(|()| State::Reading(cipher)),
        };
        self.state = opened.map_err(|_| {
            self.frame.clear();
            damaged()
        })?;
        Ok(())
    }
}

impl Read for FrameReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.frame.len() {
            self.read_frame()?;
        }
        let rest = &self.frame[self.taken..];
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        Ok(length)
    }
}

/// The only error of a cipher that encrypts: frames are counted in 32 bits.
fn too_long(_: chacha20poly1305::Error) -> io::Error {
    io::Error::other("it takes more frames than can be counted")
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame is damaged, missing, or of another key")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Seek;

    use super::*;

    const KEY: [u8; 32] = [3; 32];

    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut writer = FrameWriter::new(tempfile::tempfile().unwrap(), &KEY);
        writer.write_all(bytes).unwrap();
        let mut file = writer.finish().unwrap();
        file.rewind().unwrap();
        let mut written = Vec::new();
        file.read_to_end(&mut written).unwrap();
        written
    }

    fn read(frames: &[u8], key: &[u8; 32]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(frames).unwrap();
        file.rewind().unwrap();
        let mut read = Vec::new();
        FrameReader::new(file, key).read_to_end(&mut read).map(|_| read)
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|number| (number % 251) as u8).collect()
    }

    #[test]
    fn what_was_written_is_read_back_at_every_length_about_a_frame() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME - 1, 2 * FRAME, 2 * FRAME + 1] {
            let plain = bytes(length);
            let frames = written(&plain);
            assert!(read(&frames, &KEY).unwrap() == plain, "{length}");
            assert_eq!(frames.len(), length + (length / FRAME + 1) * TAG_LEN);
        }
    }

    #[test]
    fn frames_that_are_cut_off_exchanged_added_or_of_another_key_are_an_error() {
        let plain = bytes(2 * FRAME);
        let whole = written(&plain);
        let (first, rest) = whole.split_at(FRAME + TAG_LEN);
        let (second, last) = rest.split_at(FRAME + TAG_LEN);
        for (what, frames) in [
            ("nothing", vec![]),
            ("without the last", [first, second].concat()),
            ("without the first", [second, last].concat()),
            ("without the second", [first, last].concat()),
            ("exchanged", [second, first, last].concat()),
            ("one twice", [first, first, second, last].concat()),
            ("a byte less", whole[..whole.len() - 1].to_vec()),
            ("a byte more", [&whole[..], &[0]].concat()),
            ("a frame more", [&whole[..], last].concat()),
        ] {
            assert_eq!(read(&frames, &KEY).unwrap_err().kind(), io::ErrorKind::InvalidData, "{what}");
        }
        assert!(read(&whole, &[4; 32]).is_err());
    }

    #[test]
    fn who_reads_on_after_a_damage_is_told_again() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 100]).unwrap();
        file.rewind().unwrap();
        let mut reader = FrameReader::new(file, &KEY);
        for _ in 0..3 {
            assert_eq!(reader.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn a_write_that_failed_is_not_forgotten_by_who_lets_the_error_pass() {
        /// Fails once, as a disk that is full for a moment does.
        struct Once(bool);
        impl Write for Once {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                match std::mem::replace(&mut self.0, true) {
                    true => Ok(bytes.len()),
                    false => Err(io::ErrorKind::StorageFull.into()),
                }
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = FrameWriter::new(Once(false), &KEY);
        assert!(writer.write_all(&bytes(FRAME)).is_err());
        assert!(writer.write_all(b"more").is_err());
        assert!(writer.finish().is_err());
    }
}
