//! The JSON objects in a text that has something around them.
//!
//! Warnings of PHP stand before an object, comments behind it, guards against
//! inclusion by other sites (`)]}',`, `while(1);`, `&&&START&&&`) before it, and
//! the call of a function (JSONP) around it. None of that is a reason to lose
//! what the object says.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Error};

/// The whole objects in `text`, in their order. Not those without a member, and
/// not those within another object.
///
/// It ends at the first sign of a page: what the scripts of a page hold is no
/// response, whatever it looks like. A page behind an object does not make that
/// a part of it. It ends as well at an object that has no end: half a response
/// is no response, and an object within that is no whole one either.
///
/// The time it takes grows with the text alone, whatever that holds.
pub(super) fn objects(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    Objects { text, at: 0, no_page: 0 }
}

struct Objects<'a> {
    text: &'a [u8],
    /// Where the next object is looked for.
    at: usize,
    /// How much of the text is known to be no page.
    no_page: usize,
}

impl<'a> Iterator for Objects<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let start = self.at + position(self.text.get(self.at..)?, b'{')?;
            // Nor is it one in words: `array{}`, `{$name}`.
            if self.text[start + 1..].trim_ascii_start().first() != Some(&b'"') {
                self.at = start + 1;
                continue;
            }
            if is_page(&self.text[self.no_page..start]) {
                self.at = self.text.len();
                return None;
            }
            self.no_page = start;
            match end_of_value(&self.text[start..]) {
                Ok(length) => {
                    self.at = start + length;
                    self.no_page = self.at;
                    return Some(&self.text[start..self.at]);
                }
                Err(error) if error.is_eof() => {
                    self.at = self.text.len();
                    return None;
                }
                Err(error) => self.at = start + resume(&self.text[start..], &error),
            }
        }
    }
}

/// The length of the value that `text` begins with. It need not be one that can
/// be read: its texts are not looked into.
fn end_of_value(text: &[u8]) -> Result<usize, Error> {
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next().transpose()?;
    Ok(values.byte_offset())
}

/// Where to look on in a text that begins with a brace and is no object.
///
/// Not behind the brace: an object within one that is broken is only a part of
/// it, and to look at each again and again would take for ever. But where the
/// text is words, a quote in them seems to begin a name that ends at the first
/// quote of the object: `{"a in {"access_token":…`. That one begins before it.
fn resume(text: &[u8], error: &Error) -> usize {
    let lines = error.line().saturating_sub(1);
    let newline = |(at, byte): (usize, &u8)| (*byte == b'\n').then_some(at + 1);
    let line = text.iter().enumerate().filter_map(newline).take(lines).last().unwrap_or(0);
    // Behind the byte that was not expected, or before it.
    let end = (line + error.column()).clamp(1, text.len());
    let brace = [end, end - 1].into_iter().find_map(|end| {
        let name = text[..end].strip_suffix(b"\"")?.trim_ascii_end();
        name.strip_suffix(b"{").map(<[u8]>::len)
    });
    brace.filter(|at| *at > 0).unwrap_or(end - 1).max(1)
}

/// Elements that only pages have.
const OF_PAGES: [&[u8]; 21] = [
    b"!doctype",
    b"html",
    b"head",
    b"body",
    b"title",
    b"meta",
    b"style",
    b"script",
    b"form",
    b"iframe",
    b"link",
    b"base",
    b"noscript",
    b"frameset",
    b"template",
    b"svg",
    b"img",
    b"input",
    b"button",
    b"center",
    b"h1",
];

/// Whether a text has a sign of a page. The warnings of PHP are HTML too, but no
/// page.
pub(super) fn is_page(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'<').skip(1).any(|element| {
        OF_PAGES.iter().any(|name| {
            let begins = element.get(..name.len()).is_some_and(|e| e.eq_ignore_ascii_case(name));
            begins && !element.get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
        })
    })
}

fn position(text: &[u8], wanted: u8) -> Option<usize> {
    text.iter().position(|byte| *byte == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        objects(text.as_bytes()).map(|object| std::str::from_utf8(object).unwrap()).collect()
    }

    #[test]
    fn what_stands_around_an_object_is_no_part_of_it() {
        let object = r#"{"a":"}{\"","b":[{"c":{}},1]}"#;
        for (before, after) in [
            ("", ""),
            (
                "<br />\n<b>Warning</b>:  Undefined index in <b>/t.php</b> on line <b>3</b><br />\n",
                "",
            ),
            ("PHP Warning:  Undefined index: a in /t.php on line 3\n", ""),
            (
                "<font size='1'><table class='xdebug-error xe-warning' dir='ltr'></table></font>\n",
                "",
            ),
            ("Warning: array{} to string, {$a}, ${a}, { 'a': 1 }, {}, }{, }\n", ""),
            ("Warning: unexpected {\"a in /t.php\n", ""),
            ("Warning: unexpected {\"a in /t.php ", ""),
            ("Warning: unexpected { \"a\" in /t.php ", ""),
            ("Warning: unexpected {\"a\": x} in \"/t.php\" ", ""),
            ("Warning: unexpected {\"a\" ", ""),
            ("Warning: unexpected {\"a\":\"b\" ", ""),
            ("Warning: it's \" and {\"it's", ""),
            ("Warning: {\"it's {\"it's {\"", ""),
            ("", "\n<!-- served in 3 ms {x} -->"),
            ("", "<!-- {\"a in 3 ms -->"),
            ("", "<script>{\"a\":1}</script>"),
            ("", "\0\0"),
            (")]}',\n", ""),
            ("while(1);", ""),
            ("for(;;);", ""),
            ("throw 1; < don't be evil' >", ""),
            ("&&&START&&&", "&&&END&&&"),
            ("{}&&", ""),
            ("/*-secure-\n", "\n*/"),
            ("/**/callback(", ");"),
            ("\u{feff}\u{feff} \n", "\u{feff}"),
            ("<string xmlns=\"http://tempuri.org/\">", "</string>"),
            ("<pre>", "</pre>"),
            ("<header>", ""),
            (
                "<div id=\"error\"><p class=\"wpdberror\"><strong>WordPress database error:</strong></p></div>",
                "",
            ),
            (
                "<table><tr><th align='left'>( ! ) Notice: x [<a href='x'>x</a>]</th></tr></table>",
                "",
            ),
            ("[", "]"),
        ] {
            assert_eq!(found(&format!("{before}{object}{after}")), [object], "{before} {after}");
        }
    }

    #[test]
    fn several_objects_come_in_their_order_and_none_within_another() {
        for (text, expected) in [
            (
                r#"{"a":1}{"b":{"c":2}} x {"d":3}"#,
                &[r#"{"a":1}"#, r#"{"b":{"c":2}}"#, r#"{"d":3}"#][..],
            ),
            // The rest of it may be missing, and more of what it says.
            (r#"{"a":{"b":1},"c":"#, &[]),
            (r#"{"a":{"b":1},"c":"x"#, &[]),
            (r#"x {"a":{"b":1}"#, &[]),
            (r#"{"a":{"b":1},"c":oops}"#, &[]),
            (r#"{"a":{"b":1} {"c":2}"#, &[r#"{"c":2}"#]),
            (r#"{"a":1}{"b":"#, &[r#"{"a":1}"#]),
            (r"", &[]),
            (r"{", &[]),
            (r#"{""#, &[]),
            (r"}{}", &[]),
            // A text may be one that cannot be read.
            ("{\"a\":\"\\ud83d\",\"b\":1e999}", &["{\"a\":\"\\ud83d\",\"b\":1e999}"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        assert_eq!(objects(b"\xff{\"a\":\"\xff\"}\xff").count(), 1);
    }

    #[test]
    fn what_a_page_holds_is_no_object() {
        for page in [
            "<!DOCTYPE html>",
            " \n<HTML>",
            "<html lang=\"en\">",
            "<?xml version=\"1.0\"?><!doctype html>",
            "<p>Log in</p><script>var a = ",
            "<script\n>",
            "<head>",
            "<title>Log in</title>",
            "<meta charset=utf-8>",
            "<body>",
            "<form action=/>",
            "<iframe/>",
            "<center><h1>403 Forbidden</h1></center>",
            "<h1>Log in</h1><div data-session='",
            "<input value='",
            "<img src=/logo.png>",
            "<noscript>",
        ] {
            assert_eq!(found(&format!(r#"{page}{{"a":1}}"#)), [""; 0], "{page}");
            // Behind the one object, it is a page of its own.
            assert_eq!(found(&format!(r#"{{"a":1}}{page}{{"b":2}}"#)), [r#"{"a":1}"#], "{page}");
        }
    }

    /// Each would take hours, were every brace looked at to the end of the text.
    #[test]
    fn a_text_is_gone_through_once() {
        let long = |piece: &str| piece.repeat((1 << 18) / piece.len());
        for (text, count) in [
            (long("{"), 0),
            (long("{\""), 0),
            (long(r#"{"a":"#), 0),
            (long(r#"{"a":"#) + "x", 0),
            (long(r#"{"a":["#) + "}", 0),
            (long(r#"{"a" "#), 0),
            (long(r#"{ "a ""#), 0),
            (long(r#"{""#) + "\n" + &long("{   \n"), 0),
            (long("{") + &long(" ") + "\"", 0),
            (long(r#"{"\n"#), 0),
            (long("<"), 0),
            (long("{\"a\":1}"), (1 << 18) / 7),
        ] {
            assert_eq!(objects(text.as_bytes()).count(), count, "{}", &text[..8]);
        }
    }
}
