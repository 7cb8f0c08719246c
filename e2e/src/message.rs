//! As much of HTTP/1.1 as the proxy needs: whole messages, unchanged.

use std::io::{self, Read};

/// A request as it came.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    body_at: usize,
}

impl Message {
    /// Reads one request whose body has a `Content-Length`, or none.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let message = Self { body_at: head_length(&bytes).unwrap_or(usize::MAX), bytes };
            if message.is_whole() {
                return Ok(message);
            }
            bytes = message.bytes;
            let read = from.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&chunk[..read]);
        }
    }

    /// With `Connection: close`, so that the response ends with its connection.
    pub(crate) fn closing(&self) -> Vec<u8> {
        let line_end = self.bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (line, rest) = self.bytes.split_at(line_end);
        [line, b"connection: close\r\n", rest].concat()
    }

    /// The parameter `name` of a form.
    pub(crate) fn form_field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.bytes[self.body_at..])
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    fn is_whole(&self) -> bool {
        self.body_at <= self.bytes.len()
            && self.bytes.len() - self.body_at >= content_length(&self.bytes[..self.body_at])
    }
}

/// The status of a response.
pub(crate) fn status(response: &[u8]) -> Option<u16> {
    let line = response.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_whole_and_no_further() {
        let bytes = b"POST /token HTTP/1.1\r\nContent-Length: 19\r\n\r\nrefresh_token=a%2Bb";
        let message = Message::read(&mut &bytes[..]).unwrap();
        assert_eq!(message.bytes, bytes);
        assert_eq!(message.form_field("refresh_token").as_deref(), Some("a+b"));
        assert!(message.closing().starts_with(b"POST /token HTTP/1.1\r\nconnection: close\r\nCon"));
        assert!(message.closing().ends_with(b"\r\n\r\nrefresh_token=a%2Bb"));

        let cut = &bytes[..bytes.len() - 1];
        assert!(Message::read(&mut &cut[..]).is_err(), "a cut request is not whole");
        assert_eq!(status(b"HTTP/1.1 502 Bad Gateway\r\n"), Some(502));
    }
}
