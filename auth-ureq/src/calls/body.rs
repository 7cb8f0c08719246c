//! Bodies of calls.

use std::{fs::File, io::Stdin, net::TcpStream};

use http::Response;
use ureq::{AsSendBody, Body, SendBody};

/// The body of a request for [`send_with`](crate::send_with): all that ureq sends.
///
/// | body | is sent again |
/// | --- | --- |
/// | `()`, text and bytes in memory | yes |
/// | [`SendBody`], files (`&File`, too), sockets, standard input, a response | no: it is read while it is sent |
///
/// A [`SendBody`] does not tell what is in it. So the result of `SendBody::from_json`
/// is not sent again; the text of `serde_json::to_string` is.
#[diagnostic::on_unimplemented(
    message = "ureq does not send a `{Self}` as a body; give it as bytes, as text, or as `ureq::SendBody`"
)]
pub trait CallBody: AsSendBody {
    /// Whether it can be sent a second time.
    const AGAIN: bool;
}

macro_rules! bodies {
    ($again:literal: $($body:ty),+) => {
        $(impl CallBody for $body {
            const AGAIN: bool = $again;
        })+
    };
}

bodies!(true: (), &str, &String, String, &[u8], &Vec<u8>, Vec<u8>);
// A reference to a file can be copied. What was read of the file is read all the same.
bodies!(false: SendBody<'_>, File, &File, TcpStream, &TcpStream, Stdin, Body, Response<Body>);
#[cfg(unix)]
bodies!(false: std::os::unix::net::UnixStream);

impl<const N: usize> CallBody for &[u8; N] {
    const AGAIN: bool = true;
}
