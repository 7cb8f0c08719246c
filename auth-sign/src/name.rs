//! How errors name a file. Whoever mixes up a path and a text has a key or a secret in the
//! path's place, and that is not shown.

use std::path::{Component, Path, PathBuf};

/// The path, or what stands for it. Of a file that `exists` it is shown.
pub(crate) fn of(path: &Path, exists: bool) -> String {
    if is_text(path) || !(exists || is_path(path)) {
        return "that was named (its name is not shown, for it may be a secret)".into();
    }
    let mut shown = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            '\\' | '\'' | '"' => shown.push(character),
            // What would be invisible, or turn the text around.
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// As [`of`], for `Debug`.
pub(crate) fn debug(path: &Path) -> String {
    of(path, path.exists())
}

/// Whether it is the text of something, which somebody took for a path.
pub(crate) fn is_text(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.chars().any(char::is_control)
        || text.contains("-----BEGIN")
        || text.trim_start().starts_with('{')
}

/// Whether something in it that is not there is a path's, and not a secret's: secrets in
/// base64 have separators, too, but no directory has such a name.
fn is_path(path: &Path) -> bool {
    let mut first = PathBuf::new();
    let mut components = path.components();
    for component in components.by_ref() {
        match component {
            Component::CurDir | Component::ParentDir => return true,
            Component::Prefix(_) | Component::RootDir => first.push(component),
            Component::Normal(name) => {
                first.push(name);
                break;
            }
        }
    }
    components.next().is_some() && first.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let there = std::env::temp_dir();
        let there = there.to_str().unwrap();
        let is_shown = |name: &str, exists| !of(Path::new(name), exists).contains("is not shown");
        for (name, missing, exists) in [
            ("s3cret", false, true),
            ("client_secret.txt", false, true),
            ("c2VjcmV0/c2VjcmV0", false, true),
            ("/c2VjcmV0", false, true),
            ("/c2VjcmV0/c2VjcmV0", false, true),
            ("", false, true),
            ("./s3cret", true, true),
            ("../s3cret", true, true),
            ("src/no-such-file", true, true),
            (&format!("{there}/no-such-directory/secret"), true, true),
            // Whatever there is.
            ("-----BEGIN PRIVATE KEY-----MIGH", false, false),
            ("src/-----BEGIN PRIVATE KEY-----", false, false),
            (r#"{"kty":"EC","d":"AQ"}"#, false, false),
            (" {\"kty\":\"EC\"}", false, false),
            ("./s3cret\n", false, false),
            ("src/s3\u{1b}[0mcret", false, false),
            ("src/s3\u{85}cret", false, false),
            ("src/s3\0cret", false, false),
        ] {
            assert_eq!(is_shown(name, false), missing, "{name:?}");
            assert_eq!(is_shown(name, true), exists, "{name:?}");
        }
        assert_eq!(of(Path::new("./a 'b' \u{202e}c\u{e9}"), false), "./a 'b' \\u{202e}c\u{e9}");
    }
}
