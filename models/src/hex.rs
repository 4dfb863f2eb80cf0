//! Bytes and addresses as text: in a trace (`#[serde(with = "hex::address")]`, `#[serde(with = "hex::bytes")]`), and for a reader ([`text`]).

use std::fmt::Write as _;

/// Two digits a byte, lowest address first, separated by `between`.
#[must_use]
pub fn text(bytes: &[u8], between: &str) -> String {
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (index, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if index == 0 { "" } else { between });
    }
    text
}

/// Addresses as `"0x…"` strings: JSON numbers lose precision beyond 2^53 in other languages.
pub mod address {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes `"0x…"`.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(v: &u64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{v:#x}"))
    }

    /// Reads `"0x…"`.
    ///
    /// # Errors
    /// When the string is not a hexadecimal number with prefix.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
        let s = std::borrow::Cow::<'de, str>::deserialize(d)?;
        s.strip_prefix("0x")
            .and_then(|h| u64::from_str_radix(h, 16).ok())
            .ok_or_else(|| {
                D::Error::custom(format_args!("expected an address such as \"0x1000\", got {s:?}"))
            })
    }
}

/// Payload as a string of hexadecimal digits, lowest address first.
pub mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    /// Writes two digits a byte.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(v: &[u8], s: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(v.len() * 2);
        for b in v {
            text.push(DIGITS[usize::from(b >> 4)] as char);
            text.push(DIGITS[usize::from(b & 15)] as char);
        }
        s.serialize_str(&text)
    }

    fn digit(c: u8) -> Option<u8> {
        (c as char).to_digit(16).map(|d| d as u8)
    }

    /// Reads two digits a byte.
    ///
    /// # Errors
    /// When a character is no hexadecimal digit or their number is odd.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let s = std::borrow::Cow::<'de, str>::deserialize(d)?;
        let bytes = s.as_bytes();
        if bytes.len() % 2 != 0 {
            return Err(D::Error::custom(format_args!(
                "odd number of hexadecimal digits ({})",
                bytes.len()
            )));
        }
        bytes
            .chunks_exact(2)
            .enumerate()
            .map(|(i, p)| match (digit(p[0]), digit(p[1])) {
                (Some(h), Some(l)) => Ok(h << 4 | l),
                _ => Err(D::Error::custom(format_args!("no hexadecimal digit at byte {i}"))),
            })
            .collect()
    }
}
