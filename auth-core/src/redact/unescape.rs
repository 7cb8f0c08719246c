//! Undoing escapes, with a memory of where each byte came from.

use zeroize::Zeroizing;

use super::entity::named;

/// A line without its escapes.
pub(super) struct Unescaped {
    pub(super) line: Zeroizing<Vec<u8>>,
    /// Where each byte of it begins in the line that held the escapes, and where
    /// that ends.
    starts: Vec<usize>,
}

impl Unescaped {
    /// `line` without its escapes, each undone once: of URLs (`%2f`), of HTML and
    /// XML (`&#47;`, `&#x2f;`, `&sol;`), of JSON and of programming languages
    /// (`\u002f`, `\u{2f}`, `\U0000002f`, `\x2f`, `\057`, `\/`, `\n`). It stays one
    /// line: what is not printable ASCII becomes a space. `None` if there is none
    /// to undo.
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

/// The escape that `text` begins with: what it stands for, and its length.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', b'u' | b'U', rest @ ..] => code(rest, 16, 2, 4),
        [b'%', rest @ ..] => code(rest, 16, 1, 2),
        [b'\\', rest @ ..] => after_backslash(rest),
        [b'&', b'#', b'x' | b'X', rest @ ..] => reference(rest, 16, 3),
        [b'&', b'#', rest @ ..] => reference(rest, 10, 2),
        [b'&', rest @ ..] => named(rest).map(|(byte, length)| (byte, 1 + length)),
        _ => None,
    }
}

/// The length is that with the backslash.
fn after_backslash(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'u' | b'U' | b'x' | b'X', b'{', rest @ ..] => in_braces(rest),
        // Eight digits, unless it is `\u` in capitals: those of a printable
        // character are no code point with what follows.
        [b'U', rest @ ..] => {
            let is_code_point = |eight: &&[u8]| value(eight, 16).is_some_and(|v| v <= 0x0010_FFFF);
            let digits = if rest.get(..8).as_ref().is_some_and(is_code_point) { 8 } else { 4 };
            code(rest, 16, 2, digits)
        }
        [b'u', rest @ ..] => code(rest, 16, 2, 4),
        [b'x' | b'X', rest @ ..] => code(rest, 16, 2, 2),
        [b'0'..=b'7', ..] => {
            let is_digit = |byte: &&u8| (b'0'..=b'7').contains(*byte);
            code(text, 8, 1, text.iter().take(3).take_while(is_digit).count())
        }
        [b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v', ..] => Some((b' ', 2)),
        [next, ..] if next.is_ascii_punctuation() => Some((*next, 2)),
        _ => None,
    }
}

/// A code of one to eight digits and a brace, after a beginning of three.
fn in_braces(text: &[u8]) -> Option<(u8, usize)> {
    let digits = text.iter().take(9).position(|byte| *byte == b'}')?;
    let (byte, length) = code(text, 16, 3, digits)?;
    (digits > 0).then_some((byte, length + 1))
}

/// A code of so many digits, after a beginning of this length.
fn code(text: &[u8], radix: u32, begun: usize, digits: usize) -> Option<(u8, usize)> {
    let value = value(text.get(..digits)?, radix)?;
    Some((ascii(value), begun + digits))
}

/// A code of any number of digits, after a beginning of this length. The semicolon
/// may be missing, as browsers have it.
fn reference(text: &[u8], radix: u32, begun: usize) -> Option<(u8, usize)> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let digits = text.iter().take_while(is_digit).count();
    let value = value(&text[..digits], radix)?;
    let ended = usize::from(text.get(digits) == Some(&b';'));
    (digits > 0).then_some((ascii(value), begun + digits + ended))
}

fn value(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        Some(value.saturating_mul(radix).saturating_add(digit))
    })
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
            ("&amp&lt&gt&quot&apos&ampa", "&<>\"'&a"),
            ("&sol;&plus;&equals;&EQUALS;&num;&lsqb;&UnderBar;", "/+==#[_"),
            ("a&Tab;b&NewLine;c&nbsp;d", "a b c d"),
            (r"\u{2f}\u{00002F}\x{2f}\U{2f}", "////"),
            (r"\U0000002f\U0000002F\U002f2f", "///2f"),
            // In capitals, with digits after it.
            (r"\U002FABCDEF12", "/ABCDEF12"),
            (r"\057\57\0570\578", "///0/8"),
            (r"a\nb\tc\rd\be\ff\vg\ah\0i\400j", "a b c d e f g h i j"),
            ("a\\U0001f511b\\u{1F511}c", "a b c"),
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
            (r"\u{}\u{2f\u{2g}\x{41}", r"\u{}\u{2f\u{2g}A"),
            (r"a\U000004\8\101", r"a 04\8A"),
            ("&sol&sola;&colon;", "&sol&sola;:"),
        ] {
            let unescaped = Unescaped::new(line.as_bytes()).expect("there are escapes");
            assert_eq!(String::from_utf8_lossy(&unescaped.line), expected, "{line}");
            assert_eq!(unescaped.starts.len(), unescaped.line.len() + 1, "{line}");
        }
        for plain in ["", "a", "100 % & more", "a\\q", "%", "&", "\\", "%4", "&copy;"] {
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
