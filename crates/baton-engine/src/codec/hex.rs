//! Bytes as lower-case hexadecimal, in serde too.

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// 32 bytes as 64 lower-case digits.
pub(super) fn text(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The 32 bytes that [`text`] would write so; `None` for anything else.
pub(super) fn bytes(text: &str) -> Option<[u8; 32]> {
    let digits: [u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    bytes(&text).ok_or_else(|| D::Error::custom("not 64 lower-case hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_nothing_else_is_taken() {
        let all: [u8; 32] = std::array::from_fn(|i| (i * 8 + 5) as u8);
        assert_eq!(bytes(&text(&all)), Some(all));
        let good = "ab".repeat(32);
        assert!(bytes(&good).is_some());
        for bad in [good[1..].to_owned(), good.to_uppercase(), good.replace('a', "g"), String::new()] {
            assert_eq!(bytes(&bad), None, "{bad}");
        }
    }
}
