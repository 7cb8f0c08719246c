//! Names of parameters and members in camelCase.

/// A name of the standard, in camelCase.
pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        camel.extend([&first.to_ascii_uppercase(), rest]);
    }
    camel
}
