//! HTTP/2 frames: their numbers, and writing the few that a server needs (RFC
//! 9113 sections 4 and 6).

use super::hpack;

/// A frame of the client that has to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Settings,
    Ping([u8; 8]),
    /// So many bytes of flow control were used on this stream.
    Data(u32, u32),
}

/// The longest payload that a peer takes unless it says otherwise (section 4.2).
pub(super) const MAX_FRAME: usize = 16 * 1024;

/// How many bytes of bodies a peer takes before it says otherwise, per stream
/// and over the connection (section 6.9.2).
pub(super) const INITIAL_WINDOW: usize = 65_535;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;
pub(super) const PRIORITY: u8 = 32;

const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// The server's preface: SETTINGS that change nothing (section 3.4).
pub(super) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// The frame that acknowledges one of the client.
pub(super) fn acknowledgement(control: Control) -> Vec<u8> {
    match control {
        Control::Settings => frame(SETTINGS, ACK, 0, &[]),
        Control::Ping(data) => frame(PING, ACK, 0, &data),
        Control::Data(stream, length) => {
            let mut out = frame(WINDOW_UPDATE, 0, 0, &length.to_be_bytes());
            out.extend(frame(WINDOW_UPDATE, 0, stream, &length.to_be_bytes()));
            out
        }
    }
}

/// GOAWAY with `NO_ERROR`: streams above `last` were not processed.
pub(super) fn go_away(last: u32) -> Vec<u8> {
    let mut payload = last.to_be_bytes().to_vec();
    payload.extend(NO_ERROR.to_be_bytes());
    frame(GOAWAY, 0, 0, &payload)
}

pub(super) fn refuse_stream(stream: u32) -> Vec<u8> {
    reset_stream(stream, REFUSED_STREAM)
}

pub(super) fn reset_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A header section, in as many frames as it takes.
pub(super) fn headers(
    stream: u32,
    status: u16,
    fields: &[(String, String)],
    end_stream: bool,
) -> Vec<u8> {
    let mut block = Vec::new();
    hpack::encode(&mut block, ":status", &status.to_string());
    for (name, value) in fields {
        hpack::encode(&mut block, &name.to_ascii_lowercase(), value);
    }
    let end_stream = if end_stream { END_STREAM } else { 0 };
    let pieces = block.chunks(MAX_FRAME).count();
    let mut out = Vec::new();
    for (number, piece) in block.chunks(MAX_FRAME).enumerate() {
        let (kind, flags) = match number {
            0 => (HEADERS, end_stream),
            _ => (CONTINUATION, 0),
        };
        let last = if number + 1 == pieces { END_HEADERS } else { 0 };
        out.extend(frame(kind, flags | last, stream, piece));
    }
    out
}

/// A piece of a body, in as many frames as it takes.
pub(super) fn data(stream: u32, body: &[u8], end_stream: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(MAX_FRAME) {
        out.extend(frame(DATA, 0, stream, piece));
    }
    if end_stream {
        out.extend(frame(DATA, END_STREAM, stream, &[]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_byte_for_byte() {
        assert_eq!(settings(), [0, 0, 0, 4, 0, 0, 0, 0, 0]);
        assert_eq!(acknowledgement(Control::Settings), [0, 0, 0, 4, 1, 0, 0, 0, 0]);
        assert_eq!(
            acknowledgement(Control::Ping([1, 2, 3, 4, 5, 6, 7, 8])),
            [0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(
            acknowledgement(Control::Data(3, 5)),
            [[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 5], [0, 0, 4, 8, 0, 0, 0, 0, 3, 0, 0, 0, 5]]
                .concat()
        );
        assert_eq!(go_away(0), [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(refuse_stream(1), [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7]);
    }

    #[test]
    fn long_headers_and_bodies_take_several_frames() {
        let fields = [("x".to_owned(), "y".repeat(40_000))];
        assert_eq!(
            kinds(&headers(1, 200, &fields, false)),
            [(HEADERS, 0), (CONTINUATION, 0), (CONTINUATION, END_HEADERS)]
        );
        assert_eq!(kinds(&data(1, &[0; 20_000], true)), [(DATA, 0), (DATA, 0), (DATA, END_STREAM)]);
    }

    /// Type and flags of each frame.
    fn kinds(mut bytes: &[u8]) -> Vec<(u8, u8)> {
        let mut kinds = Vec::new();
        while let [a, b, c, kind, flags, _, _, _, _, rest @ ..] = bytes {
            kinds.push((*kind, *flags));
            bytes = &rest[u32::from_be_bytes([0, *a, *b, *c]) as usize..];
        }
        kinds
    }
}
