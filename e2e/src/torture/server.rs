//! The token endpoint: models of strict servers on loopback, and the faults on
//! the way to them.

use std::{sync::Arc, thread, time::Duration};

use auth_core::{BlockingTransport, Grant, RefreshToken, Response};
use fault_server::{Behaviour, Client, FaultServer, Point, ReceivedRequest};
use serde_json::Value;

use super::{
    book::{Book, SharedBook, lock},
    fault::Fault,
    ledger::{Lost, Sending, Use},
    messages::{Time, Who},
};

/// The header in which a worker says who it is.
pub(super) const WHO: &str = "x-torture-worker";
/// The header in which it says which of its two worlds.
pub(super) const WORLD: &str = "x-torture-world";

/// A response that leaves after this share of the timeout may come too late.
const SHARE: f64 = 0.8;

pub(super) fn start(book: &SharedBook) -> FaultServer {
    let book = Arc::clone(book);
    FaultServer::builder()
        .path("/token")
        .handler_with_client(move |request, client| serve(request, client, &book))
        .start()
        .expect("a port")
}

fn serve(request: &ReceivedRequest, client: &Client, book: &SharedBook) -> Behaviour {
    let arrived = Time::now();
    let token = form_urlencoded::parse(&request.body)
        .find(|(key, _)| key == "refresh_token")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
    let who: Who = header(WHO).and_then(|text| text.parse().ok()).expect("who it is");
    let whose = format!("{who} ({})", header(WORLD).unwrap_or_default());

    let mut locked = lock(book);
    let (fault, takes) = locked.next_fault();
    let Some((sending, used)) = locked.arrives(&token, who, &whose, client, fault) else {
        return Behaviour::response(400);
    };
    if !fault.reaches_the_server() {
        locked.ledger.ends(&token, sending);
        return match fault {
            Fault::Page(status) => Behaviour::nginx(status),
            Fault::Throttled(seconds) => {
                Behaviour::response(429).header("retry-after", &seconds.to_string())
            }
            _ => Behaviour::reset(Point::AfterBody),
        };
    }
    let response = locked.asks_the_server(&token, sending, &used);
    // The dangerous time: the token is spent, and nobody has its successor.
    drop(locked);
    thread::sleep(takes);
    let mut locked = lock(book);
    if response.status() == 200 {
        locked.leaves(&token, &whose, sending, fault, arrived);
    }
    // A client waits in vain only where nothing comes.
    if fault != Fault::SilentAfter {
        locked.ledger.ends(&token, sending);
    }
    match fault {
        Fault::LostAfter => Behaviour::reset(Point::AfterBody),
        Fault::PageAfter(status) => Behaviour::nginx(status),
        Fault::SilentAfter => Behaviour::stall(Point::AfterBody),
        _ => Behaviour::from(response),
    }
}

impl Book {
    /// What happens to the next request, and how long its response takes.
    fn next_fault(&mut self) -> (Fault, Duration) {
        let number = self.counts.requests;
        self.counts.requests += 1;
        let fault = Fault::of_request(number, &self.options);
        let fault = if self.calm { Fault::None } else { fault };
        (fault, fault.takes(number, &self.options))
    }

    /// Judges a request.
    fn arrives(
        &mut self,
        token: &str,
        who: Who,
        whose: &str,
        client: &Client,
        fault: Fault,
    ) -> Option<(Sending, Use)> {
        let client = client.clone();
        let Some((sending, used)) = self.ledger.sent(token, who, move || client.is_waiting())
        else {
            self.counts.unknown += 1;
            self.history.violation(
                "unknown token",
                None,
                &format!("{whose} sends a token that was never given"),
            );
            return None;
        };
        if fault != Fault::None {
            self.counts.torment("server fault");
        }
        let (name, account) = (sending.name, sending.name.account);
        let words = format!("{whose} sends {name}, fault: {fault:?}");
        match &used {
            Use::First => self.history.of(account, &words),
            Use::Unavoidable(lost) => {
                *self.counts.unavoidable.entry(*lost).or_default() += 1;
                self.history.of(account, &format!("{words}; unavoidable replay: {lost}"));
            }
            Use::Avoidable(why) => {
                self.counts.avoidable += 1;
                let words = format!("{words}; avoidable replay: {why}");
                self.history.violation("avoidable replay", Some(account), &words);
            }
        }
        Some((sending, used))
    }

    fn asks_the_server(&mut self, token: &str, sending: Sending, used: &Use) -> Response {
        let (name, account) = (sending.name, sending.name.account);
        let server = &self.accounts[account].server;
        let grant = Grant::RefreshToken(RefreshToken::new(token));
        let response = server
            .send_blocking(server.endpoint().request(&grant).unwrap())
            .expect("the model has no faults of its own");
        let json: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        if response.status() == 200 {
            self.counts.exchanges += 1;
            let until = Time::now().plus(json["expires_in"].as_f64().unwrap_or_default());
            self.gave_access(account, &access, until);
            let next = self.ledger.traded(token, &refresh);
            let next = next.map_or_else(String::new, |next| next.to_string());
            self.history.of(account, &format!("the server trades {name} for {next}"));
        } else {
            let words = format!("the server refuses {name}: {}", text("error"));
            self.history.of(account, &words);
            let session = self.accounts[account].session;
            let newest = self.ledger.newest(account, session).map(RefreshToken::new);
            let lives = newest.is_some_and(|newest| self.accounts[account].server.is_live(&newest));
            if name.session == session && !lives {
                self.session_ended(account, matches!(used, Use::Avoidable(_)));
            }
        }
        response
    }

    /// A response with new tokens leaves, or does not.
    fn leaves(&mut self, token: &str, whose: &str, sending: Sending, fault: Fault, arrived: Time) {
        let took = Time::now().seconds_since(arrived);
        let lost = if fault.loses_the_response() {
            Some(Lost::OnTheWay)
        } else if took > self.options.timeout * SHARE {
            Some(Lost::TooLate)
        } else {
            None
        };
        let name = sending.name;
        let words = if self.ledger.leaves(token, sending, lost) {
            format!("{whose} has what replaces {name}")
        } else {
            format!("what replaces {name} is lost")
        };
        self.history.of(name.account, &words);
    }
}
