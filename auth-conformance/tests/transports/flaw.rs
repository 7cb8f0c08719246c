//! The flaws of the transport that the suite must find.

/// What is wrong with a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    FollowsRedirects,
    RetriesAfterReset,
    Retries503,
    SaysResetIsNotSent,
    SaysTimeoutIsNotSent,
    NeverSaysNotSent,
    ReadsWithoutBound,
    ShowsTheToken,
    ShowsTheUrl,
    ShowsHeaders,
    QuotesTheResponse,
    NeverGivesUp,
    CountsEachRead,
    MakesA400AnError,
    LosesTheStatusOfACutPage,
    LosesHeaders,
    BelievesACutForm,
    BelievesACutResponse,
    SendsAnotherHeader,
    SendsAnotherBody,
    AsksForGzip,
    KeepsCookies,
    MistakesTheKind,
    UsesTheProxyForAll,
    PassesOverAnyInterim,
    ThrowsAwayWhatArrived,
}
