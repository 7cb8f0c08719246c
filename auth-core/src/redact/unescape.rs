//! Undoing escapes, with a memory of where each byte came from.

use zeroize::Zeroizing;

/// A line without its escapes.
pub(super) struct Unescaped {
    pub(super) line: Zeroizing<Vec<u8>>,
    /// Where each byte of it begins in the line that held the escapes, and where
    /// that ends.
    starts: Vec<usize>,
}

impl Unescaped {
    /// `line` without its escapes, each undone once: of URLs (`%2f`), of HTML and
    /// XML (`&#47;`, `&#x2f;`, `&amp;`), of JSON and what comes from it (`\u002f`,
    /// `\x2f`, `\/`). It stays one line: what is not printable ASCII becomes a
    /// space. `None` if there is none to undo.
    ///
    /// It takes one pass over the line, and allocates nothing if it has none.
    pub(super) fn new(line: &[u8]) -> Option<Self> {
        let mut escapes = (0..line.len()).filter(|at| escape(&line[*at..]).is_some());
        let first = escapes.next()?;
        let mut unescaped = Self {
            line: Zeroizing::new(Vec::with_capacity(line.len())),
            starts: Vec::with_capacity(line.len() + 1),
        };
        let mut at = 0;
        while at < line.len() {
            let found = if at < first { None } else { escape(&line[at..]) };
            let (byte, length) = found.unwrap_or((line[at], 1));
            unescaped.push(byte, at);
            at += length;
        }
        unescaped.starts.push(at);
        Some(unescaped)
    }

    fn push(&mut self, byte: u8, at: usize) {
        let byte = if byte.is_ascii_graphic() { byte } else { b' ' };
        if byte == b' ' && self.line.last().is_none_or(|last| *last == b' ') {
            return;
        }
        self.line.push(byte);
        self.starts.push(at);
    }

    /// Marks in `hidden`, which is of the line that held the escapes, what is
    /// `found` in this one.
    pub(super) fn mark(&self, found: &[bool], hidden: &mut [bool]) {
        for (range, _) in self.starts.windows(2).zip(found).filter(|(_, found)| **found) {
            hidden[range[0]..range[1]].fill(true);
        }
    }
}

/// What is no ASCII.
const OTHER: u8 = 0xFF;

/// The named escapes of XML.
const NAMED: [(&[u8], u8); 5] =
    [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\'')];

/// The escape that `text` begins with: what it stands for, and its length.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', b'u' | b'U', rest @ ..] | [b'\\', b'u' | b'U', rest @ ..] => code(rest, 16, 2, 4),
        [b'%', rest @ ..] => code(rest, 16, 1, 2),
        [b'\\', b'x' | b'X', rest @ ..] => code(rest, 16, 2, 2),
        [b'\\', next, ..] if next.is_ascii_punctuation() => Some((*next, 2)),
        [b'&', b'#', b'x' | b'X', rest @ ..] => reference(rest, 16, 3),
        [b'&', b'#', rest @ ..] => reference(rest, 10, 2),
        [b'&', ..] => NAMED
            .into_iter()
            .find(|(name, _)| text.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name)))
            .map(|(name, byte)| (byte, name.len())),
        _ => None,
    }
}

/// A code of so many digits, after a beginning of this length.
fn code(text: &[u8], radix: u32, begun: usize, digits: usize) -> Option<(u8, usize)> {
    let digits_of = text.get(..digits)?;
    let value = digits_of.iter().try_fold(0, |value, byte| with_digit(value, *byte, radix))?;
    Some((ascii(value), begun + digits))
}

/// A code of any number of digits, after a beginning of this length. The semicolon
/// may be missing, as browsers have it.
fn reference(text: &[u8], radix: u32, begun: usize) -> Option<(u8, usize)> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let digits = text.iter().take_while(is_digit).count();
    let code = &text[..digits];
    let value = code.iter().try_fold(0, |value, byte| with_digit(value, *byte, radix))?;
    let ended = usize::from(text.get(digits) == Some(&b';'));
    (digits > 0).then_some((ascii(value), begun + digits + ended))
}

fn with_digit(value: u32, byte: u8, radix: u32) -> Option<u32> {
    let digit = char::from(byte).to_digit(radix)?;
    Some(value.saturating_mul(radix).saturating_add(digit))
}

fn ascii(code: u32) -> u8 {
    u8::try_from(code).ok().filter(u8::is_ascii).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        for (line, expected) in [
            ("%2F%2f%u002f", "///"),
            (r"\u002F\u002f\x2F\/\\\x2f\\x2f", r"////\/\x2f"),
            ("&#47;&#047;&#0000000047;&#x2f;&#X002F;&#x00000000002f;", "//////"),
            ("&#47&#47x&#x2fg", "//x/g"),
            ("&amp;&lt;&gt;&quot;&apos;&AMP;", "&<>\"'&"),
            ("%252F &amp;#47;", "%2F &#47;"),
            // On one line.
            ("%0aa%C3%A4b%20%0A c", "a b c"),
            ("&#228;&#x1F511;a\\ud83d\\udd11b", "a b"),
            ("&#99999999999999999999;a&#97;", "aa"),
            // Half of one is none.
            ("a%2b%2", "a+%2"),
            ("%%41%zz%4", "%A%zz%4"),
            (r"\u00\u0041\x4\x41\", r"\u00A\x4A\"),
            ("&#;&#x;&#xg;&#65;&am", "&#;&#x;&#xg;A&am"),
        ] {
            let unescaped = Unescaped::new(line.as_bytes()).expect("there are escapes");
            assert_eq!(String::from_utf8_lossy(&unescaped.line), expected, "{line}");
            assert_eq!(unescaped.starts.len(), unescaped.line.len() + 1, "{line}");
        }
        for plain in ["", "a", "100 % & more", "a\\b", "%", "&", "\\", "%4", "&copy;"] {
            assert!(Unescaped::new(plain.as_bytes()).is_none(), "{plain}");
        }
    }

    #[test]
    fn what_is_found_is_marked_where_it_came_from() {
        let line = "a%41&#66;c";
        let unescaped = Unescaped::new(line.as_bytes()).expect("there are escapes");
        let mut hidden = vec![false; line.len()];
        unescaped.mark(&[false, true, true, false], &mut hidden);
        let marked: String =
            line.chars().zip(hidden).map(|(c, hidden)| if hidden { '*' } else { c }).collect();
        assert_eq!(marked, "a********c");
    }
}
