//! The gzip format (RFC 1952) around a block with the fixed codes (RFC 1951 section
//! 3.2.6): all that it takes to send a body that must be decompressed. Nothing of it
//! can be read without that.

/// `data` as a gzip member.
pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    // Magic, deflate, no flags, no time, no extra flags, unknown system.
    let mut bits = Bits { out: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], used: 8 };
    // The last block, with the fixed codes.
    bits.push(0b110, 3);
    for byte in data {
        match u16::from(*byte) {
            literal @ ..144 => bits.push(0b0011_0000 + literal, 8),
            literal => bits.push(0b1_1001_0000 + literal - 144, 9),
        }
    }
    // The end of the block.
    bits.push(0, 7);
    let mut out = bits.out;
    out.extend_from_slice(&crc32(data).to_le_bytes());
    // ISIZE is the length modulo 2^32.
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out
}

/// Fills bytes from their lowest bit on.
struct Bits {
    out: Vec<u8>,
    /// How many bits of the last byte.
    used: u32,
}

impl Bits {
    /// The `length` lowest bits of `code`, the highest of them first.
    fn push(&mut self, code: u16, length: u32) {
        for at in (0..length).rev() {
            if self.used == 8 {
                self.out.push(0);
                self.used = 0;
            }
            if let Some(last) = self.out.last_mut() {
                *last |= u8::from(code >> at & 1 == 1) << self.used;
            }
            self.used += 1;
        }
    }
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_check_string() {
        // The check value of CRC-32/ISO-HDLC, the one that RFC 1952 uses.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_known_member() {
        // What zlib gives with `Z_FIXED`, but for time and system.
        let expected = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, // header
            0xcb, 0xc8, 0x04, 0x00, // one block
            0xac, 0x2a, 0x93, 0xd8, // CRC-32 of "hi"
            2, 0, 0, 0,
        ];
        assert_eq!(gzip(b"hi"), expected);
    }
}
