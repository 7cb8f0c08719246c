//! When a certificate expires.

use std::time::SystemTime;

use auth_core::internal::Validity;

/// For an operator, that the certificate has expired by `now`.
pub(crate) fn told(certificate: &[u8], now: SystemTime) -> Option<String> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let until = not_after(certificate).filter(|until| *until < now)?;
    Some(Validity::NoMore(Some(until)).describe(now))
}

/// In seconds since 1970 (RFC 5280 section 4.1). `None` if it cannot be read, or is
/// before that.
fn not_after(certificate: &[u8]) -> Option<u64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;

    let mut rest = element(&mut &*certificate, SEQUENCE)?;
    let mut rest = element(&mut rest, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        element(&mut rest, VERSION)?;
    }
    // The serial number, the signature's algorithm and the issuer.
    element(&mut rest, 0x02)?;
    element(&mut rest, SEQUENCE)?;
    element(&mut rest, SEQUENCE)?;
    let mut validity = element(&mut rest, SEQUENCE)?;
    for is_until in [false, true] {
        let tag = *validity.first()?;
        let text = element(&mut validity, tag)?;
        if is_until {
            return seconds(tag, text);
        }
    }
    None
}

/// The contents of the next element in DER, which is left behind.
fn element<'a>(rest: &mut &'a [u8], expected: u8) -> Option<&'a [u8]> {
    let (tag, after) = rest.split_first()?;
    let (first, after) = after.split_first()?;
    let (length, after) = match usize::from(*first) {
        short @ ..=0x7f => (short, after),
        long @ 0x81..=0x83 => {
            let (bytes, after) = after.split_at_checked(long - 0x80)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), after)
        }
        _ => return None,
    };
    let (contents, after) = after.split_at_checked(length)?;
    *rest = after;
    (*tag == expected).then_some(contents)
}

/// `YYMMDDHHMMSSZ` (UTCTime) or `YYYYMMDDHHMMSSZ` (GeneralizedTime).
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let (year, rest) = match tag {
        0x17 => (number(text.get(..2)?)?, text.get(2..)?),
        0x18 => (number(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    let year = match (tag, year) {
        (0x17, 50..) => 1900 + year,
        (0x17, _) => 2000 + year,
        _ => year,
    };
    let (digits, b"Z") = rest.split_at_checked(10)? else { return None };
    let mut parts = [0; 5];
    for (part, digits) in parts.iter_mut().zip(digits.chunks(2)) {
        *part = number(digits)?;
    }
    let [month, day, hour, minute, second] = parts;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    // Years that begin in March, so that a leap day is the last of one. In four hundred of
    // them are 146 097 days, and 719 468 before 1970.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days.checked_sub(719_468)? * 24 + hour) * 3600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fault_server::{ClientIdentityKind, FaultServer};

    use super::*;

    #[test]
    fn times() {
        for (tag, text, expected) in [
            (0x17, "700101000000Z", Some(0)),
            (0x17, "010101000000Z", Some(978_307_200)),
            (0x17, "240229235959Z", Some(1_709_251_199)),
            (0x17, "491231235959Z", Some(2_524_607_999)),
            (0x18, "20500101000000Z", Some(2_524_608_000)),
            (0x18, "21000301000000Z", Some(4_107_542_400)),
            (0x18, "99991231235959Z", Some(253_402_300_799)),
            // Before 1970, and no times.
            (0x17, "500101000000Z", None),
            (0x17, "010101000000", None),
            (0x17, "010101000000+", None),
            (0x17, "011301000000Z", None),
            (0x17, "+10101000000Z", None),
            (0x18, "010101000000Z", None),
            (0x02, "010101000000Z", None),
            (0x17, "", None),
        ] {
            assert_eq!(seconds(tag, text.as_bytes()), expected, "{tag:x} {text}");
        }
    }

    #[test]
    fn certificates() {
        let of = |kind| FaultServer::client_identity(kind).der;
        let (good, expired) = (of(ClientIdentityKind::Trusted), of(ClientIdentityKind::Expired));
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(not_after(&expired), Some(978_307_200));
        let said = told(&expired, at(1_800_000_000)).unwrap();
        assert!(said.contains("expired on Mon, 01 Jan 2001"), "{said}");
        assert_eq!(told(&expired, at(978_307_200)), None);
        assert_eq!(told(&good, at(1_800_000_000)), None);
        // Whatever is cut off or changed, it says nothing or something, and does not panic.
        for end in 0..expired.len() {
            let _ = told(&expired[..end], at(1_800_000_000));
            let mut changed = expired.clone();
            changed[end] ^= 0xff;
            let _ = told(&changed, at(1_800_000_000));
        }
    }
}
