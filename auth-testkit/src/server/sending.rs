//! Sending an answer, over either version of HTTP, as far as it goes.

use http::{Method, Version, header};

use super::answer::{Answer, Circumstances, Location};
use super::conversation::{CLOSE, Conversation, Onward, has_token};
use super::cut::Point;
use super::frames;
use super::reaction::{After, Reaction};
use super::record::ReceivedRequest;
use super::socket::Ending;

impl Conversation<'_> {
    pub(super) fn answer_http1(
        &mut self,
        request: &ReceivedRequest,
        reaction: &Reaction,
    ) -> Onward {
        let client_persists = request.version == Version::HTTP_11
            && !has_token(&request.headers, header::CONNECTION, "close");
        let persists = reaction.after == After::Persist
            && client_persists
            && !reaction.answer.ends_connection();
        let encoded = reaction.answer.encode(&Circumstances {
            persist: persists || reaction.after == After::CloseSilently,
            ..self.circumstances(request, reaction)
        });
        match reaction.answer.drip {
            None => self.send(&encoded.bytes)?,
            Some(pause) => {
                for byte in encoded.bytes.chunks(1) {
                    self.send(byte)?;
                    if self.context.stop.pause(pause) {
                        return Err(Ending::Gone);
                    }
                }
            }
        }
        if let Some(piece) = encoded.forever {
            loop {
                self.send(&piece)?;
            }
        }
        match reaction.cut {
            Some((_, cut)) => self.break_off(cut, None),
            None if persists => Ok(()),
            None => Err(CLOSE),
        }
    }

    pub(super) fn answer_http2(
        &mut self,
        request: &ReceivedRequest,
        reaction: &Reaction,
        index: usize,
        stream: u32,
    ) -> Onward {
        let answer = &reaction.answer;
        if let Some(raw) = &answer.raw {
            self.send(raw)?;
            return Err(CLOSE);
        }
        let circumstances = self.circumstances(request, reaction);
        let fields = answer.fields(&circumstances);
        let content = answer.content();
        let bodiless = content.is_empty() || circumstances.head_only;
        let mut bytes = Vec::new();
        for status in &answer.interim {
            bytes.extend(frames::headers(stream, *status, &[], false));
        }
        let head = frames::headers(stream, answer.status, &fields, bodiless);
        let point = reaction.cut.map(|(point, _)| point);
        if point == Some(Point::InAnswerHead) {
            bytes.extend_from_slice(&head[..head.len() / 2]);
        } else {
            bytes.extend(head);
            let upto = Answer::bytes_before(point, &content);
            let body = &content[..upto.unwrap_or(content.len())];
            if !bodiless {
                self.window = self.window.checked_sub(body.len()).ok_or_else(|| {
                    self.give_up("more than 65535 bytes of bodies over HTTP/2".to_owned())
                })?;
                bytes.extend(frames::data(stream, body, upto.is_none()));
            }
        }
        self.send(&bytes)?;
        match (reaction.cut, reaction.after) {
            (Some((_, cut)), _) => self.break_off(cut, Some(index)),
            (None, After::Persist) => Ok(()),
            (None, After::Close) => {
                self.send(&frames::go_away(stream))?;
                Err(CLOSE)
            }
            (None, After::CloseSilently) => Err(CLOSE),
        }
    }

    fn circumstances<'c>(
        &'c self,
        request: &'c ReceivedRequest,
        reaction: &Reaction,
    ) -> Circumstances<'c> {
        Circumstances {
            target: &request.target,
            head_only: request.method == Method::HEAD,
            persist: true,
            elsewhere: match reaction.answer.location {
                Some(Location::Elsewhere) => self.context.elsewhere().url(),
                _ => "",
            },
            cut: reaction.cut.map(|(point, _)| point),
        }
    }
}
