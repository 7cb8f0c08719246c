//! Header compression for HTTP/2 (RFC 7541): reading all of it, writing the
//! plainest of it.

use std::collections::VecDeque;

pub(super) type Field = (Vec<u8>, Vec<u8>);

/// The table that one direction of a connection builds up (section 2.3).
#[derive(Debug)]
pub(super) struct Decoder {
    dynamic: VecDeque<Field>,
    size: usize,
    max_size: usize,
}

/// The size that a decoder allows until it says otherwise, which this one
/// never does (RFC 9113 section 6.5.2).
const TABLE_SIZE: usize = 4096;

impl Default for Decoder {
    fn default() -> Self {
        Self { dynamic: VecDeque::new(), size: 0, max_size: TABLE_SIZE }
    }
}

impl Decoder {
    /// The fields of a header block, in order; `None` if it is malformed.
    pub(super) fn decode(&mut self, block: &[u8]) -> Option<Vec<Field>> {
        let mut input = block;
        let mut fields = Vec::new();
        while let Some(&first) = input.first() {
            // Section 6: the first set bit tells the representation.
            match first.leading_zeros() {
                0 => {
                    let index = integer(&mut input, 7)?;
                    fields.push(self.entry(index)?);
                }
                1 => {
                    let field = self.literal(&mut input, 6)?;
                    self.insert(field.clone());
                    fields.push(field);
                }
                2 => {
                    let size = integer(&mut input, 5)?;
                    if size > TABLE_SIZE {
                        return None;
                    }
                    self.max_size = size;
                    self.evict();
                }
                _ => fields.push(self.literal(&mut input, 4)?),
            }
        }
        Some(fields)
    }

    fn literal(&self, input: &mut &[u8], prefix: u32) -> Option<Field> {
        let name = match integer(input, prefix)? {
            0 => string(input)?,
            index => self.entry(index)?.0,
        };
        Some((name, string(input)?))
    }

    fn entry(&self, index: usize) -> Option<Field> {
        let index = index.checked_sub(1)?;
        match STATIC.get(index) {
            Some((name, value)) => Some((name.as_bytes().to_vec(), value.as_bytes().to_vec())),
            None => self.dynamic.get(index - STATIC.len()).cloned(),
        }
    }

    fn insert(&mut self, field: Field) {
        self.size += size_of_entry(&field);
        self.dynamic.push_front(field);
        self.evict();
    }

    fn evict(&mut self) {
        while self.size > self.max_size
            && let Some(field) = self.dynamic.pop_back()
        {
            self.size -= size_of_entry(&field);
        }
    }
}

/// Appends a field as a literal that is not indexed, without Huffman coding
/// (section 6.2.2).
pub(super) fn encode(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        encode_length(block, text.len());
        block.extend_from_slice(text.as_bytes());
    }
}

/// Section 5.1, with a prefix of seven bits.
fn encode_length(block: &mut Vec<u8>, mut length: usize) {
    if length < 127 {
        block.push(length as u8);
        return;
    }
    block.push(127);
    length -= 127;
    while length >= 128 {
        block.push((length % 128) as u8 | 128);
        length /= 128;
    }
    block.push(length as u8);
}

/// Section 4.1.
fn size_of_entry((name, value): &Field) -> usize {
    name.len() + value.len() + 32
}

/// Section 5.1; `None` for what exceeds any sensible length.
fn integer(input: &mut &[u8], prefix: u32) -> Option<usize> {
    let limit = (1 << prefix) - 1;
    let mut value = usize::from(*input.split_off_first()?) & limit;
    if value < limit {
        return Some(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = usize::from(*input.split_off_first()?);
        value += (byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

/// Section 5.2.
fn string(input: &mut &[u8]) -> Option<Vec<u8>> {
    let is_huffman = input.first()? & 128 != 0;
    let length = integer(input, 7)?;
    let bytes = input.split_off(..length)?;
    if is_huffman { huffman(bytes) } else { Some(bytes.to_vec()) }
}

/// Appendix B. The code is canonical: sorted by length and then by symbol the
/// codes count up, so that the lengths tell all.
fn huffman(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut code, mut length) = (0_u32, 0_u8);
    // The first code of this length, and how many are shorter.
    let (mut first, mut shorter) = (0_u32, 0_u32);
    let mut padding = true;
    for byte in bytes {
        for bit in (0..8).rev() {
            let bit = u32::from(byte >> bit & 1);
            code = code << 1 | bit;
            length += 1;
            padding &= bit == 1;
            first <<= 1;
            let count = LENGTHS.iter().filter(|&&l| l == length).count() as u32;
            if code - first < count {
                out.push(symbol(shorter + code - first)?);
                (code, length, first, shorter, padding) = (0, 0, 0, 0, true);
            } else if length == 30 {
                // The longest code, but for the end of the string, which must
                // not be there.
                return None;
            } else {
                first += count;
                shorter += count;
            }
        }
    }
    // What is left must be the start of the end of the string, all ones.
    (padding && length < 8).then_some(out)
}

/// The symbol whose code is the one with this number.
fn symbol(number: u32) -> Option<u8> {
    let mut left = number as usize;
    for length in 5..=30 {
        for (symbol, _) in (0..=u8::MAX).zip(LENGTHS).filter(|(_, l)| *l == length) {
            if left == 0 {
                return Some(symbol);
            }
            left -= 1;
        }
    }
    None
}

/// How many bits the code of each octet has (appendix B).
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// Appendix A.
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"),
    (":path", "/index.html"), (":scheme", "http"), (":scheme", "https"), (":status", "200"),
    (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
    (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""),
    ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""),
    ("authorization", ""), ("cache-control", ""), ("content-disposition", ""),
    ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""),
    ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""),
    ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""),
    ("vary", ""), ("via", ""), ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        hex.chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn text(fields: Option<Vec<Field>>) -> String {
        fields
            .unwrap()
            .iter()
            .map(|(name, value)| {
                format!("{}: {}\n", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
            })
            .collect()
    }

    /// The requests of appendix C.3 (plain) and C.4 (Huffman), over one
    /// connection each.
    #[test]
    fn examples_of_the_rfc() {
        let plain = [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ];
        let huffman = [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ];
        let authority = ":authority: www.example.com\n";
        let first = format!(":method: GET\n:scheme: http\n:path: /\n{authority}");
        let third = format!(
            ":method: GET\n:scheme: https\n:path: /index.html\n{authority}custom-key: custom-value\n"
        );
        for blocks in [plain, huffman] {
            let mut decoder = Decoder::default();
            assert_eq!(text(decoder.decode(&bytes(blocks[0]))), first);
            assert_eq!(
                text(decoder.decode(&bytes(blocks[1]))),
                format!("{first}cache-control: no-cache\n")
            );
            assert_eq!(text(decoder.decode(&bytes(blocks[2]))), third);
            assert_eq!(decoder.size, 164);
        }
    }

    /// Appendix C.6.1, the longest of the Huffman examples.
    #[test]
    fn a_response_of_the_rfc() {
        let block = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 \
                     82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
        assert_eq!(
            text(Decoder::default().decode(&bytes(block))),
            ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n\
             location: https://www.example.com\n"
        );
    }

    #[test]
    fn the_table_forgets_the_oldest() {
        let mut decoder = Decoder::default();
        let long = "v".repeat(2000);
        for name in ["a", "b", "c"] {
            let mut block = vec![0x40];
            encode_length(&mut block, 1);
            block.extend_from_slice(name.as_bytes());
            encode_length(&mut block, long.len());
            block.extend_from_slice(long.as_bytes());
            decoder.decode(&block).unwrap();
        }
        assert_eq!(decoder.entry(62).unwrap().0, b"c");
        assert_eq!(decoder.entry(63).unwrap().0, b"b");
        assert_eq!(decoder.entry(64), None);
        decoder.decode(&[0x20]).unwrap();
        assert_eq!(decoder.entry(62), None);
    }

    #[test]
    fn what_is_written_can_be_read() {
        for length in [0, 1, 126, 127, 128, 254, 255, 256, 20_000] {
            let value = "x".repeat(length);
            let mut block = Vec::new();
            encode(&mut block, "name", &value);
            assert_eq!(text(Decoder::default().decode(&block)), format!("name: {value}\n"));
        }
    }

    #[test]
    fn malformed_blocks_are_refused() {
        for block in [
            &[0x80][..],                                 // index 0
            &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 1],    // an integer that does not end
            &[0xbe],                                     // an index that is not in the table
            &[0x00, 0x05, b'a'],                         // a string that is too short
            &[0x00, 0x81, 0x00, 0x00],                   // padding that is not ones
            &[0x00, 0x82, 0xff, 0xff, 0x00],             // padding of more than seven bits
            &[0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00], // the end of the string, spelled out
            &[0x3f, 0xe2, 0x1f],                         // a table of 4097 bytes
        ] {
            assert_eq!(Decoder::default().decode(block), None, "{block:x?}");
        }
    }
}
