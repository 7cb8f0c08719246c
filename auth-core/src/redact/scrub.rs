//! A server's explanation without secrets.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{REDACTED, echo::echoes, line::one_line, token_like::looks_like_a_token};

/// How much of a server's explanation is kept.
const MAX_LEN: usize = 256;

/// How much of one is looked at.
const MAX_READ: usize = 4096;

/// A server's explanation as one line of printable ASCII, without the words that
/// reveal one of `secrets` or look like a token. `None` if nothing is left.
pub(crate) fn scrub(text: &str, secrets: &[Cow<'_, str>]) -> Option<String> {
    let mut line = Zeroizing::new(String::with_capacity(text.len().min(MAX_READ)));
    line.extend(one_line(text).take(MAX_READ).map(char::from));
    let line = line.trim_end();
    let mut hidden = echoes(line, secrets);
    // The whole of a word of which a part is hidden. `key=value` and quoted
    // values are looked at apart, so that the key stays readable.
    let mut from = 0;
    for part in line.split(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c))) {
        let hidden = &mut hidden[from..from + part.len()];
        if hidden.contains(&true) || looks_like_a_token(part) {
            hidden.fill(true);
        }
        from += part.len() + 1;
    }
    let mut clean = String::with_capacity(line.len().min(MAX_LEN) + REDACTED.len());
    let mut before = false;
    for (c, hidden) in line.chars().zip(hidden) {
        if !hidden {
            clean.push(c);
        } else if !before {
            clean.push_str(REDACTED);
        }
        before = hidden;
        if clean.len() > MAX_LEN {
            clean.truncate(MAX_LEN - 3);
            clean.push_str("...");
            break;
        }
    }
    (!clean.is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(secrets: &[&'static str], rows: &[(&str, &str)]) {
        let secrets: Vec<_> = secrets.iter().copied().map(Cow::Borrowed).collect();
        for (text, expected) in rows {
            assert_eq!(scrub(text, &secrets).unwrap_or_default(), *expected, "{text:?}");
        }
    }

    #[test]
    fn what_was_sent_is_taken_out_whole_or_in_part() {
        let token = "v1.MjQ1NzYwODQ3Q0FGRUJBQ-kpxqmnbvzlkjhgfd/+x";
        table(
            &[token, "https://api.example.com/2027-01", "p\u{e4}ss\tword of Ada's"],
            &[
                (token, "[redacted]"),
                (
                    "bad token v1.MjQ1NzYwODQ3Q0FGRUJBQ-kpxqmnbvzlkjhgfd/+x!",
                    "bad token [redacted]!",
                ),
                // A part, its beginning or its end masked, something before it
                // and after it.
                ("no MjQ1NzYwODQ3 here", "no [redacted] here"),
                ("no v1.MjQ1Nxxxx here", "no [redacted] here"),
                ("no v1.MjQ1N**** here", "no [redacted]**** here"),
                ("no ****BQ-kpxqm... here", "no ****[redacted] here"),
                ("token=x_MjQ1NzYwODQ3Q0FGRUJBQ", "token=[redacted]"),
                ("token idMjQ1NzYwODQ3Q0FGRUJBQ", "token [redacted]"),
                ("no V1.mJQ1nZYW.gone here", "no [redacted] here"),
                ("only kpxqmnbvzl", "only [redacted]"),
                // As a form writes it.
                ("no lkjhgfd%2F%2Bx, please", "no [redacted], please"),
                ("%lkjhgfd%2f", "%[redacted]"),
                // Seven characters are no echo.
                ("no v1.MjQ1****x here", "no v1.MjQ1****x here"),
                ("no hgfd%2F", "no hgfd%2F"),
                // Links and dates are redacted if they are like what was sent.
                ("see www.example.com, 2027-01-02", "see [redacted], 2027-01-02"),
                ("see https://www.ietf.org/", "see https://www.ietf.org/"),
                // On one line, as the text is.
                ("p\u{e4}ss\n word  of Ada's", "[redacted]"),
                ("the password of Ada", "the [redacted]"),
            ],
        );
    }

    /// By those who put what they were sent into a URL, a page, or JSON.
    #[test]
    fn what_was_sent_is_taken_out_with_its_escapes() {
        let all = |prefix: &str, suffix: &str, radix: fn(u8) -> String| {
            let escaped =
                "v1.k/kpxq+m".bytes().map(|byte| format!("{prefix}{}{suffix}", radix(byte)));
            format!("no {}, please", escaped.collect::<String>())
        };
        for text in [
            all("%", "", |byte| format!("{byte:02x}")),
            all("%", "", |byte| format!("{byte:02X}")),
            all("%25", "", |byte| format!("{byte:02X}")),
            all("&#", ";", |byte| format!("{byte}")),
            all("&#", ";", |byte| format!("{byte:04}")),
            all("&#x", ";", |byte| format!("{byte:x}")),
            all("&#X", ";", |byte| format!("{byte:06X}")),
            all("&amp;#", ";", |byte| format!("{byte}")),
            all("\\u", "", |byte| format!("{byte:04x}")),
            all("\\u", "", |byte| format!("{byte:04X}")),
            all("\\x", "", |byte| format!("{byte:02x}")),
            all("\\u{", "}", |byte| format!("{byte:x}")),
            all("\\U", "", |byte| format!("{byte:08x}")),
            all("\\", "", |byte| format!("{byte:03o}")),
        ] {
            table(&["v1.k/kpxq+m"], &[(&text, "no [redacted], please")]);
        }
        table(
            &["v1.k/kpxq+m", "a/b&", "caf\u{e9} au lait"],
            &[
                // Only what has to be, and in part.
                ("no v1.k\\/kpxq+m, please", "no [redacted], please"),
                ("no v1.k&#x2f;kpxq&#43;m, please", "no [redacted], please"),
                ("no xx1.k%2Fkpxqxx, please", "no [redacted], please"),
                ("no %76%31%2e%6b%2f%6b%70, please", "no %76%31%2e%6b%2f%6b%70, please"),
                // A short one.
                ("no a%2Fb&amp;, please", "no [redacted], please"),
                ("no %61%2F%62%26, please", "no [redacted], please"),
                // On one line, as the secret is.
                ("no caf%C3%A9%20au%20lait", "no [redacted]"),
                ("no caf\\u00e9 au lait", "no [redacted]"),
                ("no caf&#233; au&#32;lait", "no [redacted]"),
                // By name, without a semicolon, as programming languages do.
                ("no v1&period;k&sol;kpxq&plus;m, please", "no [redacted], please"),
                ("no a/b&amp, please", "no [redacted], please"),
                (r"no v1.k\057kpxq\53m, please", "no [redacted], please"),
                (r"no v1.k\U0000002fkpxq\u{2b}m, please", "no [redacted], please"),
                (r"no caf\t\nau\rlait, please", "no [redacted], please"),
                ("no caf&nbsp;au&Tab;lait, please", "no [redacted], please"),
                // Other escapes stay.
                ("50 % &amp; 1\\/2", "50 % &amp; 1\\/2"),
            ],
        );
    }

    /// By those who escape what has to be, and leave alone what looks like an escape.
    #[test]
    fn what_was_sent_is_taken_out_though_it_looks_escaped_itself() {
        for (secret, echo) in [
            (r"ab\$cd&e\!fg", r"ab\$cd&amp;e\!fg"),
            (r"p%41ss'w\#rd&", r"p%41ss&#39;w\#rd&amp;"),
            (r"1%2F%2F0g&ab%2Bcd'e", r"1%2F%2F0g&amp;ab%2Bcd&#39;e"),
            (r"corp\name&co'x", r"corp\name&amp;co&#39;x"),
            ("a&lt;b&gtc'd", "a&amp;lt;b&amp;gtc&#39;d"),
            // Twice in the secret, or in the text.
            (r"ab%2541cd&ef%2542g", r"ab%2541cd&amp;ef%2542g"),
            (r"ab\\\$cd&e\\\!fg", r"ab\\\$cd&amp;e\\\!fg"),
            (r"ab\$cd&e\!fg", r"ab\$cd&amp;amp;e\!fg"),
            (r"ab\$cd&e\!fg", r"ab\$cd\u0026amp;e\!fg"),
            // A short one.
            (r"a\$&b", r"a\$&amp;b"),
        ] {
            let text = format!("no {echo}, please");
            let shown = scrub(&text, &[Cow::Borrowed(secret)]).unwrap();
            assert_eq!(shown, "no [redacted], please", "{text}");
        }
    }

    #[test]
    fn a_short_secret_is_taken_out_as_a_whole() {
        table(
            &["rt-1", "1234567", "s3cret", "hidden", "a/b&c", "abc"],
            &[
                ("bad token RT-1!", "bad token [redacted]!"),
                ("no rt-, no rt1", "no rt-, no rt1"),
                ("code id1234567 is gone", "code [redacted] is gone"),
                ("code 123456 is gone", "code 123456 is gone"),
                ("x-s3cret-y", "[redacted]"),
                // Letters alone may be a part of a word.
                ("Hidden, bad_hidden", "[redacted], [redacted]"),
                ("unhidden hiddenness", "unhidden hiddenness"),
                ("a%2Fb%26c or a/b&c", "[redacted] or [redacted]"),
                ("abc", "abc"),
            ],
        );
    }

    #[test]
    fn words_of_the_protocol_are_not_held_against_a_secret() {
        table(
            &[
                "xinvalid_grantab",
                "xunauthorized_clientab-temporarily_unavailable",
                "my-client_credentials-of-production",
                "https://www.example.com",
            ],
            &[
                ("unauthorized_client", "unauthorized_client"),
                ("temporarily_unavailable", "temporarily_unavailable"),
                ("invalid_grant: client_credentials", "invalid_grant: client_credentials"),
                ("not in production", "not in production"),
                ("see https://www.ietf.org", "see https://www.ietf.org"),
                // But all that goes beyond them is.
                ("xinvalid_grantab", "[redacted]"),
                ("invalid_granta", "[redacted]"),
                ("is invalid-grant my-client_", "is invalid-grant [redacted]"),
                ("of-production", "[redacted]"),
            ],
        );
    }

    #[test]
    fn what_looks_like_a_token_is_taken_out() {
        table(
            &[],
            &[
                ("Token has been expired or revoked.", "Token has been expired or revoked."),
                ("at A1b2C3d4E5f6/G7h8I9j0K1l2/M3n4", "at [redacted]"),
                ("token=ya29.a0AfH6SMBx1234567890abcdefghij expired", "token=[redacted] expired"),
                ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "[redacted]"),
                ("no zyxwvut1-zyxw-zyxw-zyxw-zyxwvutsrqp2", "no [redacted]"),
                // Letters of both cases, but not in words.
                ("no aQwErTyUiOpLkJhGfDsAzXcVbNmPoIuYtReW.", "no [redacted]"),
                ("no _qWeRtYuIoPaSdFgHjKlZxCvB", "no [redacted]"),
                ("no qWeRtYuIoPaSdFgHjKlZxCvB", "no [redacted]"),
                ("no qWeRtYuIoPaSdFgHjKlZxCv", "no qWeRtYuIoPaSdFgHjKlZxCv"),
                ("no qWeRtYuIoPaS-FgHjKlZxCvB", "no qWeRtYuIoPaS-FgHjKlZxCvB"),
                (
                    "no InvalidAuthenticationTokenTenantException",
                    "no InvalidAuthenticationTokenTenantException",
                ),
                (
                    "no UNSUPPORTED_COUNTRY_REGION_TERRITORY",
                    "no UNSUPPORTED_COUNTRY_REGION_TERRITORY",
                ),
                ("no donaudampfschifffahrtsgesellschaft", "no donaudampfschifffahrtsgesellschaft"),
                // A trace, and links.
                (
                    "AADSTS70008: expired. Trace ID: 6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00",
                    "AADSTS70008: expired. Trace ID: 6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00",
                ),
                ("see docs/abcdefghijklmno/v21", "see docs/abcdefghijklmno/v21"),
                ("see docs/abcdefghijklmnop/v2", "see [redacted]"),
                (
                    "see https://example.com/docs/errors/v2",
                    "see https://example.com/docs/errors/v2",
                ),
            ],
        );
        // Unless it is one that was sent.
        table(
            &["6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00"],
            &[("no 6AC1BD31-9eb2-4c6a-8c1e-0d1d3a1f2b00", "no [redacted]")],
        );
    }

    #[test]
    fn one_line_of_ascii() {
        table(
            &[],
            &[
                ("line\n\tbreak\u{1b}[31m", "line break [31m"),
                ("caf\u{e9} au lait", "caf au lait"),
                (" a ", "a"),
                ("\u{1F511}", ""),
                ("", ""),
            ],
        );
    }

    #[test]
    fn a_long_secret_of_like_pieces() {
        let secrets = [Cow::Owned("a".repeat(100_000)), Cow::Owned("ab".repeat(50_000))];
        let text = format!("{} c {}", "a".repeat(2000), "ab".repeat(50_000));
        assert_eq!(scrub(&text, &secrets).as_deref(), Some("[redacted] c [redacted]"));
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = scrub(&"word ".repeat(100_000), &[]).unwrap();
        assert_eq!(text.len(), MAX_LEN);
        assert!(text.ends_with("..."));
        let fits = "x".repeat(MAX_LEN);
        assert_eq!(scrub(&fits, &[]), Some(fits));
    }
}
