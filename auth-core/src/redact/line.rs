//! Texts of one line.

/// Printable ASCII, with a space for whatever is between.
pub(super) fn one_line(text: &str) -> impl Iterator<Item = u8> {
    let mut after_space = true;
    text.bytes().filter_map(move |byte| {
        let is_space = !byte.is_ascii_graphic();
        let is_needed = !(is_space && after_space);
        after_space = is_space;
        is_needed.then_some(if is_space { b' ' } else { byte })
    })
}
