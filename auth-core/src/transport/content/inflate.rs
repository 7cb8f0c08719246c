//! DEFLATE (RFC 1951), and the formats around it: gzip (RFC 1952), zlib (RFC 1950).
//!
//! What comes out goes straight into a buffer that is wiped. A streaming decoder
//! would keep 32 KiB of it for itself. `miniz_oxide` undoes the compression; what
//! stands around it is a header and a checksum.

use miniz_oxide::inflate::{
    TINFLStatus as Status,
    core::{DecompressorOxide, decompress, inflate_flags},
};
use zeroize::Zeroizing;

/// How a gzip member begins.
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];

/// So many members may follow one another. Each costs time, and may be empty.
const MOST_MEMBERS: usize = 256;

/// Why decoding ended before the data did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The data ends too early.
    Cut,
    /// It is not what it should be.
    Broken,
    /// More comes out of it than is allowed.
    TooLarge,
}

/// What came out so far.
pub(super) struct Output {
    /// Zeros behind what is filled.
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
    limit: usize,
}

impl Output {
    /// For so many bytes, of an input that is that long.
    pub(super) fn new(limit: usize, input: usize) -> Self {
        // One byte more, which shows that there is more than allowed.
        let size = input.saturating_mul(4).max(1024).min(limit.saturating_add(1));
        Self { bytes: Zeroizing::new(vec![0; size]), filled: 0, limit }
    }

    fn grow(&mut self) -> Result<(), Fault> {
        if self.filled > self.limit {
            return Err(Fault::TooLarge);
        }
        let size = (2 * self.bytes.len()).min(self.limit.saturating_add(1));
        let mut larger = Zeroizing::new(vec![0; size]);
        larger[..self.filled].copy_from_slice(&self.bytes[..self.filled]);
        self.bytes = larger;
        Ok(())
    }

    fn since(&self, start: usize) -> &[u8] {
        &self.bytes[start..self.filled]
    }

    pub(super) fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        self.bytes.truncate(self.filled.min(self.limit));
        self.bytes
    }
}

/// One gzip member after the other. What follows the last one is none of it: gzip
/// itself passes over it, too.
pub(super) fn gunzip(data: &[u8], out: &mut Output) -> Result<(), Fault> {
    let mut rest = data;
    for _ in 0..MOST_MEMBERS {
        rest = member(rest, out)?;
        if !rest.starts_with(GZIP) {
            return Ok(());
        }
    }
    Err(Fault::Broken)
}

/// Returns what follows the member.
fn member<'a>(data: &'a [u8], out: &mut Output) -> Result<&'a [u8], Fault> {
    let body = after_header(data)?;
    let start = out.filled;
    let used = deflated(body, out, 0)?;
    let trailer = &body[used..];
    let (found, rest) = trailer.split_first_chunk::<8>().ok_or(Fault::Cut)?;
    let content = out.since(start);
    // The length modulo 2^32.
    let length = content.len() as u32;
    let expected = [crc32(content).to_le_bytes(), length.to_le_bytes()].concat();
    if found[..] != expected { Err(Fault::Broken) } else { Ok(rest) }
}

/// RFC 1952 section 2.3.
fn after_header(data: &[u8]) -> Result<&[u8], Fault> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const RESERVED: u8 = 0xe0;

    let ([.., method, flags, _, _, _, _, _, _], mut rest) =
        data.split_first_chunk::<10>().ok_or(Fault::Cut)?;
    if *method != 8 || flags & RESERVED != 0 {
        return Err(Fault::Broken);
    }
    if flags & EXTRA != 0 {
        let (length, extra) = rest.split_first_chunk().ok_or(Fault::Cut)?;
        rest = extra.get(usize::from(u16::from_le_bytes(*length))..).ok_or(Fault::Cut)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or(Fault::Cut)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CRC != 0 {
        rest = rest.get(2..).ok_or(Fault::Cut)?;
    }
    Ok(rest)
}

/// What `deflate` names in HTTP: the format of zlib (RFC 9110 section 8.4.1.2), or,
/// as some have it, without its header and checksum.
pub(super) fn inflate(data: &[u8], out: &mut Output) -> Result<(), Fault> {
    let zlib = matches!(data, [cmf, flg, ..]
        if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0);
    let flags =
        inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER | inflate_flags::TINFL_FLAG_COMPUTE_ADLER32;
    deflated(data, out, if zlib { flags } else { 0 }).map(drop)
}

/// Returns how long the compressed data was.
fn deflated(data: &[u8], out: &mut Output, flags: u32) -> Result<usize, Fault> {
    let flags = flags | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let start = out.filled;
    let mut state = Box::new(DecompressorOxide::new());
    let mut used = 0;
    loop {
        let (room, at) = (&mut out.bytes[start..], out.filled - start);
        let (status, read, written) = decompress(&mut state, &data[used..], room, at, flags);
        used += read;
        out.filled += written;
        if out.filled > out.limit {
            return Err(Fault::TooLarge);
        }
        match status {
            Status::Done => return Ok(used),
            Status::HasMoreOutput => out.grow()?,
            Status::FailedCannotMakeProgress | Status::NeedsMoreInput => return Err(Fault::Cut),
            _ => return Err(Fault::Broken),
        }
    }
}

/// CRC-32/ISO-HDLC, as in RFC 1952 section 8.
pub(super) fn crc32(data: &[u8]) -> u32 {
    let crc = data.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        (crc >> 8) ^ CRC_OF_BYTE[usize::from(low ^ byte)]
    });
    !crc
}

static CRC_OF_BYTE: [u32; 256] = crc_of_byte();

const fn crc_of_byte() -> [u32; 256] {
    let mut table = [0_u32; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_known_texts() {
        let every_byte: Vec<u8> = (0..=255).collect();
        for (data, crc) in [
            (&b""[..], 0),
            // The check value of CRC-32/ISO-HDLC.
            (b"123456789", 0xcbf4_3926),
            (b"\0", 0xd202_ef8d),
            (b"\xff\xff\xff\xff", 0xffff_ffff),
            (&every_byte, 0x2905_8c73),
        ] {
            assert_eq!(crc32(data), crc, "{data:?}");
        }
    }

    const TEXT: &[u8] = b"{\"access_token\":\"at\"}";

    /// `TEXT` as zlib compresses it, with the fixed codes (level 9).
    const RAW: [u8; 23] = [
        0xab, 0x56, 0x4a, 0x4c, 0x4e, 0x4e, 0x2d, 0x2e, 0x8e, 0x2f, 0xc9, 0xcf, 0x4e, 0xcd, 0x53,
        0xb2, 0x52, 0x4a, 0x2c, 0x51, 0xaa, 0x05, 0x00,
    ];

    fn gzip(flags: u8, header: &[u8]) -> Vec<u8> {
        let start = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        let trailer = [0xdf, 0xbf, 0xd2, 0x9b, 21, 0, 0, 0];
        [&start[..], header, &RAW, &trailer].concat()
    }

    fn zlib() -> Vec<u8> {
        [&[0x78, 0xda][..], &RAW, &[0x55, 0xaf, 0x07, 0x82]].concat()
    }

    type Decode = fn(&[u8], &mut Output) -> Result<(), Fault>;

    fn decoded(decode: Decode, data: &[u8], limit: usize) -> (Result<(), Fault>, Vec<u8>) {
        let mut out = Output::new(limit, data.len());
        let result = decode(data, &mut out);
        (result, out.into_bytes().to_vec())
    }

    #[test]
    fn every_format_whole_cut_and_broken() {
        let plain = gzip(0, b"");
        // Extra field, name, comment, and a checksum of the header.
        let full = gzip(0x1e, b"\x02\0eename\0comment\0\x12\x34");
        let formats: [(Decode, Vec<u8>); 4] =
            [(gunzip, plain), (gunzip, full), (inflate, zlib()), (inflate, RAW.to_vec())];
        for (at, (decode, data)) in formats.into_iter().enumerate() {
            assert_eq!(decoded(decode, &data, 99), (Ok(()), TEXT.to_vec()), "{at}");
            for length in 0..data.len() {
                let (result, text) = decoded(decode, &data[..length], 99);
                assert_eq!(result, Err(Fault::Cut), "{at}: {length}");
                assert!(TEXT.starts_with(&text), "{at}: {length}");
            }
            // Nothing of it is lost if only the checksum is missing.
            if at != 3 {
                assert_eq!(decoded(decode, &data[..data.len() - 1], 99).1, TEXT, "{at}");
                let mut wrong = data.clone();
                let checksum = data.len() - if at == 2 { 1 } else { 8 };
                wrong[checksum] ^= 1;
                assert_eq!(decoded(decode, &wrong, 99).0, Err(Fault::Broken), "{at}");
            }
            // The limit is exact.
            assert_eq!(decoded(decode, &data, 21), (Ok(()), TEXT.to_vec()), "{at}");
            assert_eq!(decoded(decode, &data, 20), (Err(Fault::TooLarge), TEXT[..20].to_vec()));
        }
        for data in [&b"\x1f\x8b\x07\0\0\0\0\0\0\0"[..], b"\x1f\x8b\x08\xe0\0\0\0\0\0\0"] {
            assert_eq!(decoded(gunzip, data, 99).0, Err(Fault::Broken));
        }
        // A block of a kind that there is not.
        assert_eq!(decoded(inflate, b"\x07\0\0\0", 99).0, Err(Fault::Broken));
    }

    #[test]
    fn members_follow_one_another_and_what_is_none_is_passed_over() {
        let twice = [gzip(0, b""), gzip(8, b"n\0")].concat();
        assert_eq!(decoded(gunzip, &twice, 99), (Ok(()), TEXT.repeat(2)));
        assert_eq!(decoded(gunzip, &twice[..twice.len() - 9], 99).0, Err(Fault::Cut));
        let most = gzip(0, b"").repeat(MOST_MEMBERS);
        assert_eq!(decoded(gunzip, &most, 1 << 20), (Ok(()), TEXT.repeat(MOST_MEMBERS)));
        let many = [most, gzip(0, b"")].concat();
        assert_eq!(decoded(gunzip, &many, 1 << 20).0, Err(Fault::Broken));
        for garbage in [&b"\0\0\0\0"[..], b"\n", b"<html>"] {
            let data = [&gzip(0, b"")[..], garbage].concat();
            assert_eq!(decoded(gunzip, &data, 99), (Ok(()), TEXT.to_vec()));
        }
    }

    /// `{"a":"…"}` with 70 000 blanks within.
    fn bomb() -> Vec<u8> {
        let start = [
            0xed, 0xc1, 0x41, 0x0d, 0x00, 0x30, 0x08, 0x04, 0x30, 0x2b, 0xcb, 0xc9, 0x98, 0x1b,
            0x74, 0x10, 0xbc, 0x63, 0x82, 0x67, 0xdb, 0x4e, 0xe5, 0xe7, 0x01,
        ];
        [&start[..], &[0; 67], &[0xe7, 0x32, 0x0b]].concat()
    }

    #[test]
    fn no_more_comes_out_than_is_allowed_and_no_more_room_is_made() {
        let bomb = bomb();
        for (limit, length, result) in [
            (1000, 1000, Err(Fault::TooLarge)),
            (70_007, 70_007, Err(Fault::TooLarge)),
            (70_008, 70_008, Ok(())),
            (1 << 20, 70_008, Ok(())),
        ] {
            let mut out = Output::new(limit, bomb.len());
            assert_eq!(inflate(&bomb, &mut out), result);
            assert!(out.bytes.len() <= limit + 1 && out.bytes.len() <= 2 * 70_008);
            assert_eq!(out.into_bytes().len(), length);
        }
    }
}
