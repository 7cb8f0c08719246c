//! A call that is made once more.

use std::future::Future;

use auth_accounts::calls::NotAgain;
use tonic::{Request, Response, Status};

use super::{
    error::with_reason,
    exchange::{Exchange, Told},
};

/// As often as a call can be sent: twice with each token, if the first one is not taken and
/// both are wanted with a nonce. A layer between that sends on its own account does not
/// make it more.
const MOST: usize = 4;

/// Makes a gRPC call, and makes it once more with another token if the server did not
/// take the first. The client stands above a [`GrpcLayer`](super::GrpcLayer), which finds
/// out. Without that layer the call is made once.
///
/// If the call is not made again though its token was refused, the reason is the source
/// of the status: a [`NotAgain`](auth_accounts::calls::NotAgain).
///
/// A call whose request is a stream of messages is not for this function. One whose
/// response is a stream is made again only if the server says at once that it does not
/// take the token.
///
/// # Errors
///
/// The status of the last call. If there is no token, its source is a
/// [`CallError`](auth_accounts::calls::CallError).
pub async fn call<M, R, F>(
    request: Request<M>,
    mut method: impl FnMut(Request<M>) -> F,
) -> Result<Response<R>, Status>
where
    M: Clone,
    F: Future<Output = Result<Response<R>, Status>>,
{
    let exchange = Exchange::default();
    let closing = Closing(&exchange);
    let (mut sent, mut was_renewed) = (0, false);
    loop {
        sent += 1;
        let mut copy = Request::new(request.get_ref().clone());
        copy.metadata_mut().clone_from(request.metadata());
        copy.extensions_mut().clone_from(request.extensions());
        copy.extensions_mut().insert(closing.0.clone());
        let status = match method(copy).await {
            Ok(response) => return Ok(response),
            Err(status) => status,
        };
        let renewal = match closing.0.told() {
            Told::Nothing => return Err(status),
            Told::Noted(why) => return Err(with_reason(status, why)),
            Told::Refused(renewal) => renewal,
        };
        // On another channel it is another call, which knows nothing of the first.
        if sent >= MOST || (was_renewed && renewal.is_of_token()) {
            return Err(with_reason(status, NotAgain::Twice));
        }
        was_renewed |= renewal.is_of_token();
        if let Some(why) = closing.0.renew(renewal).await? {
            return Err(with_reason(status, why));
        }
    }
}

/// Nobody asks the exchange any more.
struct Closing<'a>(&'a Exchange);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
