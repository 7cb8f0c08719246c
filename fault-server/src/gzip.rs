//! The gzip format (RFC 1952) around stored blocks (RFC 1951 section 3.2.4):
//! all that it takes to send a body that must be decompressed.

/// `data` as a gzip member.
pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    // Magic, deflate, no flags, no time, no extra flags, unknown system.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = data.chunks(usize::from(u16::MAX)).peekable();
    if blocks.peek().is_none() {
        stored_block(&mut out, &[], true);
    }
    while let Some(block) = blocks.next() {
        stored_block(&mut out, block, blocks.peek().is_none());
    }
    out.extend_from_slice(&crc32(data).to_le_bytes());
    // ISIZE is the length modulo 2^32.
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out
}

fn stored_block(out: &mut Vec<u8>, block: &[u8], last: bool) {
    let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
    out.push(u8::from(last));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(block);
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
        // What `printf hi | python3 -c "import gzip"` gives at level 0, but
        // for time and system.
        let expected = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, // header
            1, 2, 0, 0xfd, 0xff, b'h', b'i', // one stored block
            0xac, 0x2a, 0x93, 0xd8, // CRC-32 of "hi"
            2, 0, 0, 0,
        ];
        assert_eq!(gzip(b"hi"), expected);
    }
}
