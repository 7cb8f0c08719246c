//! Where a request that carries a token is redirected to.

use reqwest::{Url, redirect::Policy};

/// What a request carries that is not for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// None of our tokens.
    Nothing,
    /// A token.
    Token,
    /// A token, and a proof for the very URL of the request.
    Proof,
}

tokio::task_local! {
    /// Of the request that the task is sending. A policy is asked while that is polled,
    /// and sees no header itself.
    static CARRIED: Carried;
}

/// Sends what carries this.
pub(crate) async fn carrying<F: Future>(carried: Carried, sent: F) -> F::Output {
    CARRIED.scope(carried, sent).await
}

/// A redirect policy for a client that sends tokens: ten redirects at most, as reqwest's
/// own, and none by which a token or a proof would go to another origin.
///
/// ```
/// use auth_reqwest::reqwest;
///
/// # fn example() -> Result<(), reqwest::Error> {
/// let client = reqwest::Client::builder().redirect(auth_reqwest::redirects()).build()?;
/// # Ok(())
/// # }
/// ```
///
/// A redirect that is not followed is the response: the program reads its `Location`, and
/// decides.
///
/// | what the request carries | the redirect leads | what happens |
/// | --- | --- | --- |
/// | a token | within the origin | it is followed, and the token goes along |
/// | a token | to another origin | it is followed without the token; the next one is not |
/// | a token and a proof | anywhere | it is not followed |
/// | none of our tokens | anywhere | it is followed as reqwest does |
///
/// A proof is for one URL (RFC 9449 section 4.2), so that a request with one is not
/// redirected at all, if [`send`](crate::send) or the middleware sends it. A client whose
/// proofs come from [`attach`](crate::attach) takes [`Policy::none`].
///
/// Which headers go along with a redirect is otherwise for reqwest to decide. The policy of a
/// client cannot be changed once it is built: that is why it is for the program to set.
pub fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let carried = CARRIED.try_with(|carried| *carried).unwrap_or(Carried::Token);
        match is_followed(carried, attempt.previous()) {
            true => Policy::default().redirect(attempt),
            false => attempt.stop(),
        }
    })
}

/// Whether a request that went to these URLs goes to the next one, too.
fn is_followed(carried: Carried, previous: &[Url]) -> bool {
    let Some((first, rest)) = previous.split_first() else { return true };
    match carried {
        Carried::Nothing => true,
        Carried::Proof => false,
        // Once elsewhere, it is for others to say where to go.
        Carried::Token => rest.iter().all(|url| is_of(url, first)),
    }
}

/// Whether two URLs are of one origin.
fn is_of(url: &Url, other: &Url) -> bool {
    url.scheme() == other.scheme()
        && url.host_str() == other.host_str()
        && url.port_or_known_default() == other.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redirect_takes_a_token_elsewhere() {
        use Carried::{Nothing, Proof, Token};
        let rows: [(&[&str], Carried, bool); 12] = [
            (&["https://a/1"], Token, true),
            (&["https://a/1"], Nothing, true),
            (&["https://a/1"], Proof, false),
            (&["https://a/1", "https://a/2"], Token, true),
            (&["https://a/1", "https://a:443/2"], Token, true),
            (&["https://a/1", "https://a/2"], Proof, false),
            (&["https://a/1", "https://b/1"], Token, false),
            (&["https://a/1", "https://b/1"], Nothing, true),
            (&["https://a/1", "http://a/1"], Token, false),
            (&["https://a/1", "https://a:8443/1"], Token, false),
            (&["https://a/1", "https://a/2", "https://b/1"], Token, false),
            (&["https://a/1", "https://b/1", "https://a/2"], Token, false),
        ];
        for (urls, carried, follows) in rows {
            let previous: Vec<Url> = urls.iter().map(|url| url.parse().unwrap()).collect();
            assert_eq!(is_followed(carried, &previous), follows, "{urls:?} {carried:?}");
        }
    }
}
