//! The command line.

use std::{ffi::OsString, time::Duration};

use auth_core::BodyFormat;
use lexopt::{Arg, ValueExt as _};

/// The usage message of the examples.
pub const USAGE: &str = "\
usage: refresh                                      a refresh at a server of its own that fails
                                                    twice; takes no options
       refresh --token-url URL --client-id ID ...   a refresh at a real endpoint

  --token-url URL           the token endpoint: https, or http to loopback
  --client-id ID            the client's identifier
  --client-secret-env NAME  the environment variable that holds the client's secret; it is sent
                            by HTTP Basic, or in the body unless that is a form
  --body form|json|json-camel-case
                            how the parameters are sent (form)
  --scope S                 the scope to ask for (that which was granted)
  --max-retries N           how often to try again (2)
  --base-delay-ms N         the wait before the first retry (500)
  --timeout-ms N            how long one attempt may take (10000)
  --json                    print one JSON object in place of the timeline: outcome, kind, code,
                            attempts, elapsed_ms, waits_ms, retry_after_ms, expires_in_s, rotated
  --show-tokens             print the new tokens
  --help                    print this

The refresh token is read from the environment variable REFRESH_TOKEN.
Exit status: 0 refreshed, 2 bad usage, 3 log in again, 4 try later, 5 the set-up must change.
";

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Help,
    /// No arguments at all.
    Demonstration,
    Refresh(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) token_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret_env: Option<String>,
    pub(crate) body: BodyFormat,
    pub(crate) scope: Option<String>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) base_delay: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) json: bool,
    pub(crate) show_tokens: bool,
}

/// Reads `arguments`, which do not include the program's name.
///
/// # Errors
///
/// Says what is wrong, without the value of an unexpected argument, which may be
/// a token in the wrong place.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut token_url, mut client_id) = (None, None);
    let mut options = Options {
        token_url: String::new(),
        client_id: String::new(),
        client_secret_env: None,
        body: BodyFormat::Form,
        scope: None,
        max_retries: None,
        base_delay: None,
        timeout: None,
        json: false,
        show_tokens: false,
    };
    let mut any = false;
    while let Some(argument) = parser.next().map_err(|error| without_value(&error))? {
        any = true;
        if argument == Arg::Short('h') {
            return Ok(Asked::Help);
        }
        let Arg::Long(name) = argument else {
            return Err("an argument is not an option that begins with --".to_owned());
        };
        let name = name.to_owned();
        let mut text = || {
            let value = parser.value().map_err(|_| format!("--{name} wants a value"))?;
            value.string().map_err(|_| format!("the value of --{name} is not UTF-8"))
        };
        match name.as_str() {
            "help" => return Ok(Asked::Help),
            "token-url" => token_url = Some(text()?),
            "client-id" => client_id = Some(text()?),
            "client-secret-env" => options.client_secret_env = Some(text()?),
            "body" => {
                options.body = match text()?.as_str() {
                    "form" => BodyFormat::Form,
                    "json" => BodyFormat::Json,
                    "json-camel-case" => BodyFormat::JsonCamelCase,
                    _ => return Err("--body is form, json or json-camel-case".to_owned()),
                };
            }
            "scope" => options.scope = Some(text()?),
            "max-retries" => options.max_retries = Some(number(&name, &text()?)?),
            "base-delay-ms" => options.base_delay = Some(milliseconds(&name, &text()?)?),
            "timeout-ms" => options.timeout = Some(milliseconds(&name, &text()?)?),
            "json" => options.json = true,
            "show-tokens" => options.show_tokens = true,
            _ => return Err(format!("there is no option --{name}")),
        }
    }
    if !any {
        return Ok(Asked::Demonstration);
    }
    let missing = |name: &str| format!("--{name} is missing");
    options.token_url = token_url.ok_or_else(|| missing("token-url"))?;
    options.client_id = client_id.ok_or_else(|| missing("client-id"))?;
    if options.client_id.is_empty() {
        return Err("--client-id is empty".to_owned());
    }
    if options.timeout == Some(Duration::ZERO) {
        return Err("--timeout-ms is zero".to_owned());
    }
    Ok(Asked::Refresh(options))
}

/// The message of lexopt without the value that it would quote.
fn without_value(error: &lexopt::Error) -> String {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        _ => "the arguments cannot be read".to_owned(),
    }
}

fn number<N: std::str::FromStr>(name: &str, text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("the value of --{name} is not a number, or too large"))
}

fn milliseconds(name: &str, text: &str) -> Result<Duration, String> {
    number(name, text).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Asked, String> {
        super::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn all_that_can_be_asked_for() {
        let asked = parse(
            "--token-url https://a.example/token --client-id=c --client-secret-env SECRET \
             --body json --scope s --max-retries 5 --base-delay-ms 20 --timeout-ms 3000 --json \
             --show-tokens",
        );
        let expected = Options {
            token_url: "https://a.example/token".to_owned(),
            client_id: "c".to_owned(),
            client_secret_env: Some("SECRET".to_owned()),
            body: BodyFormat::Json,
            scope: Some("s".to_owned()),
            max_retries: Some(5),
            base_delay: Some(Duration::from_millis(20)),
            timeout: Some(Duration::from_secs(3)),
            json: true,
            show_tokens: true,
        };
        assert_eq!(asked, Ok(Asked::Refresh(expected)));
        assert_eq!(parse(""), Ok(Asked::Demonstration));
        assert_eq!(parse("--json --help"), Ok(Asked::Help));
    }

    #[test]
    fn what_is_wrong_is_said_without_a_stray_value() {
        for (line, says) in [
            ("--token-url https://a.example/token", "--client-id is missing"),
            ("--client-id c", "--token-url is missing"),
            ("--json", "--token-url is missing"),
            ("--token-url", "--token-url wants a value"),
            ("--body xml", "--body is form, json or json-camel-case"),
            ("--body camel", "--body is form, json or json-camel-case"),
            ("--max-retries -1", "--max-retries is not a number"),
            ("--max-retries 4294967296", "too large"),
            ("--base-delay-ms 0.5", "--base-delay-ms is not a number"),
            ("--refresh-token rt-secret", "there is no option --refresh-token"),
            ("rt-secret", "not an option"),
            ("-x", "not an option"),
            ("--json=rt-secret --client-id c", "--json takes no value"),
            ("--token-url u --client-id c --json=rt-secret", "--json takes no value"),
        ] {
            let problem = parse(line).unwrap_err();
            assert!(problem.contains(says), "{line}: {problem}");
            assert!(!problem.contains("rt-secret"), "{line}: {problem}");
        }
    }
}
