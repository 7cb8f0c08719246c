//! The names of characters in HTML.

/// Those of ASCII punctuation and of white space, by HTML's own list. XML has five
/// of them. (HTML has no name for `~`, and its hyphens and dashes are not `-`.)
#[rustfmt::skip]
const NAMES: [(&str, u8); 43] = [
    ("amp", b'&'), ("lt", b'<'), ("gt", b'>'), ("quot", b'"'), ("apos", b'\''),
    ("excl", b'!'), ("num", b'#'), ("dollar", b'$'), ("percnt", b'%'),
    ("lpar", b'('), ("rpar", b')'), ("ast", b'*'), ("midast", b'*'), ("plus", b'+'),
    ("comma", b','), ("period", b'.'), ("sol", b'/'), ("colon", b':'), ("semi", b';'),
    ("equals", b'='), ("quest", b'?'), ("commat", b'@'),
    ("lsqb", b'['), ("lbrack", b'['), ("bsol", b'\\'), ("rsqb", b']'), ("rbrack", b']'),
    ("hat", b'^'), ("lowbar", b'_'), ("underbar", b'_'),
    ("grave", b'`'), ("diacriticalgrave", b'`'),
    ("lcub", b'{'), ("lbrace", b'{'), ("verbar", b'|'), ("vert", b'|'), ("verticalline", b'|'),
    ("rcub", b'}'), ("rbrace", b'}'),
    ("tab", b' '), ("newline", b' '), ("nbsp", b' '), ("nonbreakingspace", b' '),
];

/// So many of them may lack their semicolon.
const BARE: usize = 5;

/// No name is longer.
const LONGEST: usize = 16;

/// The name that `text`, after an ampersand, begins with: what it stands for, and
/// its length. Letters of either case are taken, since some servers write all that
/// they show in capitals.
pub(super) fn named(text: &[u8]) -> Option<(u8, usize)> {
    let is = |name: &str, at: usize| {
        text.get(..at).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()))
    };
    let length =
        text.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if text.get(length) == Some(&b';')
        && let Some((_, byte)) = NAMES.iter().find(|(name, _)| is(name, length))
    {
        return Some((*byte, length + 1));
    }
    let (name, byte) = NAMES[..BARE].iter().find(|(name, _)| is(name, name.len()))?;
    Some((*byte, name.len()))
}
