//! Everything that was printed, and the search for secrets in it.

use std::{
    error::Error,
    fmt::Debug,
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tracing_subscriber::fmt::MakeWriter;

use crate::SECRETS;

#[derive(Default)]
pub(crate) struct Printed(pub(crate) Vec<(String, String)>);

impl Printed {
    pub(crate) fn debug(&mut self, what: &str, value: &dyn Debug) {
        self.0.push((what.to_owned(), format!("{value:?}")));
        self.0.push((what.to_owned(), format!("{value:#?}")));
    }

    /// An error, and all its sources.
    pub(crate) fn error(&mut self, what: &str, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.debug(what, &error);
            self.0.push((what.to_owned(), error.to_string()));
            next = error.source();
        }
    }
}

/// The name of a secret that the text shows in some form.
pub(crate) fn leak(text: &str) -> Option<&'static str> {
    let packed: String = text.split_whitespace().collect();
    let found = SECRETS.iter().find(|(_, secret)| {
        let bytes: String = secret.bytes().map(|byte| format!("{byte},")).collect();
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        text.contains(secret)
            // By whatever rule quotes it or its half: no secret has its last
            // 14 characters by chance.
            || text.contains(&secret[secret.len() - 14..])
            || text.contains(&url)
            || packed.contains(bytes.trim_end_matches(','))
            || text.contains(&hex)
            || base64_forms(secret).iter().any(|form| text.contains(form))
    });
    found.map(|(name, _)| *name)
}

/// A piece of a secret that is long enough to give it away, in the text in
/// whatever case.
pub(crate) fn piece(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    SECRETS.iter().find_map(|(_, secret)| {
        let secret = secret.to_ascii_lowercase();
        let mut pieces = (0..=secret.len() - 8).map(|at| &secret[at..at + 8]);
        pieces.find(|piece| text.contains(piece)).map(str::to_owned)
    })
}

/// What every base64 text with the secret in it contains, wherever in three
/// bytes it begins.
fn base64_forms(secret: &str) -> [String; 3] {
    [0, 1, 2].map(|shift| {
        let text = STANDARD.encode(format!("{}{secret}", "x".repeat(shift)));
        // The first group and the last depend on what stands beside.
        let whole = text.trim_end_matches('=');
        whole[4.min(shift * 4)..whole.len() - 4].to_owned()
    })
}

#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<u8>>>);

impl Events {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Events {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Events {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
