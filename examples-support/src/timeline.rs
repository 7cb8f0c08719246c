//! The timeline, printed as it happens.

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use auth_core::{Delivery, Failure, Now, Response, TransportError, read_response};

/// Shared by the wrappers, which write to it, and the plan, which reads it.
#[derive(Clone)]
pub(crate) struct Timeline(Arc<Mutex<Story>>);

struct Story {
    began: Instant,
    attempts: u32,
    waits: Vec<Duration>,
    last_sent: SystemTime,
    output: Box<dyn Write + Send>,
}

impl Timeline {
    pub(crate) fn new(output: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Story {
            began: Instant::now(),
            attempts: 0,
            waits: Vec::new(),
            last_sent: SystemTime::now(),
            output,
        })))
    }

    pub(crate) fn sending(&self) {
        let mut story = self.story();
        story.attempts += 1;
        story.last_sent = SystemTime::now();
        let text = format!("attempt {}", story.attempts);
        story.tell(&text);
    }

    pub(crate) fn received(&self, result: &Result<Response, TransportError>) {
        let now = Now { monotonic: Instant::now(), wall: SystemTime::now() };
        let text = match result {
            Ok(response) => match read_response(response, &[], now) {
                Ok(_) => format!("HTTP {}, with new tokens", response.status().as_u16()),
                Err(failure) => describe(&failure),
            },
            Err(error) => match std::error::Error::source(error) {
                Some(cause) => format!("{error} ({cause})"),
                None => error.to_string(),
            },
        };
        self.story().tell(&format!("  {text}"));
    }

    pub(crate) fn waiting(&self, duration: Duration) {
        let mut story = self.story();
        story.waits.push(duration);
        let text = format!("  wait {} ms", duration.as_millis());
        story.tell(&text);
    }

    /// Writes to the same output as the timeline.
    pub(crate) fn print(&self, text: &str) {
        self.story().write(text);
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.story().attempts
    }

    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.story().waits.clone()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.story().began.elapsed()
    }

    /// When the last attempt began. A token's lifetime counts from here.
    pub(crate) fn last_sent(&self) -> SystemTime {
        self.story().last_sent
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Story {
    fn tell(&mut self, what: &str) {
        let at = self.began.elapsed().as_secs_f64();
        self.write(&format!("{at:8.3} s  {what}\n"));
    }

    fn write(&mut self, text: &str) {
        // Whoever closes the output early wants no more of it.
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }
}

/// Leaves out the server's own words, which may quote what this program sent.
fn describe(failure: &Failure) -> String {
    let status = failure.status().map_or(0, |status| status.as_u16());
    let code = failure.code().map(|code| format!(" {code}")).unwrap_or_default();
    let fate = match failure.delivery() {
        Delivery::Answered => "",
        _ => "; the request may have been processed",
    };
    format!("HTTP {status}{code}: {}{fate}", failure.kind())
}
