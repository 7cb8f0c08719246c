//! A certificate that does not verify: whether it is to blame, or this machine's
//! clock.

use std::time::SystemTime;

use auth_core::{TransportErrorKind as Kind, internal::Validity};
use rustls::CertificateError;

/// The kind of the failure, and for an operator what is wrong.
pub fn judge(error: &CertificateError, now: SystemTime) -> (Kind, String) {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (validity, now) = match error {
        CertificateError::NotValidYet => (Validity::NotYet(None), now),
        CertificateError::NotValidYetContext { time, not_before } => {
            (Validity::NotYet(Some(not_before.as_secs())), time.as_secs())
        }
        CertificateError::Expired => (Validity::NoMore(None), now),
        CertificateError::ExpiredContext { time, not_after } => {
            (Validity::NoMore(Some(not_after.as_secs())), time.as_secs())
        }
        // Verifiers of operating systems say most things in words only.
        CertificateError::Other(_) | CertificateError::ApplicationVerificationFailure => {
            (Validity::Unsaid, now)
        }
        // Whatever the time.
        _ => return (Kind::BadCertificate, error.to_string()),
    };
    let is_clock = validity.suspects_clock(now);
    let text = match validity {
        Validity::Unsaid if is_clock => format!("{error}; {}", validity.describe(now)),
        Validity::Unsaid => error.to_string(),
        _ => validity.describe(now),
    };
    (if is_clock { Kind::Clock } else { Kind::BadCertificate }, text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::{OtherError, pki_types::UnixTime};

    use super::*;

    const OF_2020: u64 = 1_577_836_800;
    const OF_2027: u64 = 1_800_000_000;
    const OF_2099: u64 = 4_070_908_800;

    fn time(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn not_yet(now: u64, from: u64) -> CertificateError {
        CertificateError::NotValidYetContext { time: time(now), not_before: time(from) }
    }

    fn expired(now: u64, until: u64) -> CertificateError {
        CertificateError::ExpiredContext { time: time(now), not_after: time(until) }
    }

    fn other() -> CertificateError {
        CertificateError::Other(OtherError(std::sync::Arc::new(std::io::Error::other("no"))))
    }

    #[test]
    fn whose_fault_it_is() {
        use CertificateError::{Expired, NotValidForName, NotValidYet, Revoked, UnknownIssuer};

        for (error, now, kind, said) in [
            (not_yet(OF_2020, OF_2027), OF_2020, Kind::Clock, "01 Jan 2020"),
            (not_yet(OF_2027, OF_2027 + 60), OF_2027, Kind::Clock, "15 Jan 2027 08:01:00"),
            (NotValidYet, OF_2027, Kind::Clock, "clock says Fri, 15 Jan 2027"),
            (expired(OF_2099, OF_2027), OF_2099, Kind::Clock, "01 Jan 2099"),
            (
                expired(OF_2027, OF_2020),
                OF_2027,
                Kind::BadCertificate,
                "expired on Wed, 01 Jan 2020",
            ),
            (Expired, OF_2027, Kind::BadCertificate, "clock says Fri, 15 Jan 2027"),
            // Windows has one word for both.
            (Expired, OF_2020, Kind::Clock, "01 Jan 2020"),
            (other(), OF_2020, Kind::Clock, "01 Jan 2020"),
            (other(), OF_2027, Kind::BadCertificate, "no"),
            // Those a clock cannot cause.
            (UnknownIssuer, OF_2020, Kind::BadCertificate, "UnknownIssuer"),
            (NotValidForName, OF_2020, Kind::BadCertificate, "NotValidForName"),
            (Revoked, OF_2099, Kind::BadCertificate, "Revoked"),
        ] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
            let (judged, text) = judge(&error, at);
            assert_eq!(judged, kind, "{error:?}");
            assert!(text.contains(said), "{error:?}: {text}");
        }
        // Before 1970, where some clocks begin.
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(judge(&Expired, before).0, Kind::Clock);
    }
}
