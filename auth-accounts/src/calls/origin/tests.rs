use super::*;
use crate::{account::Account, calls::Calls};

#[test]
fn urls() {
    use OriginError::{Invalid, UserInfo};

    let insecure = |host: &str| Err(OriginError::Insecure { host: host.to_owned() });
    let good = |is_https, host: &str, port| Ok(Origin::from(Parts { is_https, host, port }));
    for (url, expected) in [
        ("https://api.example.com", good(true, "api.example.com", 443)),
        ("https://API.Example.com/v1/?q#f", good(true, "api.example.com", 443)),
        ("HTTPS://api.example.com:443", good(true, "api.example.com", 443)),
        ("https://api.example.com:8443/", good(true, "api.example.com", 8443)),
        ("https://[2001:db8::1]/", good(true, "[2001:db8::1]", 443)),
        ("http://127.0.0.1:80/", good(false, "127.0.0.1", 80)),
        ("http://localhost:3000", good(false, "localhost", 3000)),
        ("http://[::1]", good(false, "[::1]", 80)),
        ("http://api.example.com", insecure("api.example.com")),
        ("http://127.0.0.1.example.com", insecure("127.0.0.1.example.com")),
        ("http://localhost.example.com", insecure("localhost.example.com")),
        ("https://user@api.example.com", Err(UserInfo)),
        ("https://user:secret@api.example.com", Err(UserInfo)),
        ("https://api.example.com:99999", Err(Invalid)),
        ("https://localhost:evil.example", Err(Invalid)),
        ("https://[::1]evil.example", Err(Invalid)),
        ("api.example.com", Err(Invalid)),
        ("//api.example.com", Err(Invalid)),
        ("/v1", Err(Invalid)),
        ("*", Err(Invalid)),
        ("https://*.example.com", Err(Invalid)),
        ("ftp://api.example.com", Err(Invalid)),
        ("https://", Err(Invalid)),
        ("", Err(Invalid)),
    ] {
        assert_eq!(Origin::parse(url), expected, "{url}");
    }
    let plain = Origin::insecure_plain_http("http://api.example.com/v1").unwrap();
    assert!(plain.is_of(&"http://api.example.com".parse().unwrap()));
    assert!(!plain.is_of(&"https://api.example.com".parse().unwrap()));
    assert_eq!(Origin::insecure_plain_http("http://user@api.example.com"), Err(UserInfo));
}

#[test]
fn parts_are_compared_as_urls_are() {
    let origin = Origin::parse("https://api.example.com").unwrap();
    for (scheme, host, port, expected) in [
        ("https", "api.example.com", None, true),
        ("HTTPS", "API.example.com", Some(443), true),
        ("https", "api.example.com", Some(80), false),
        ("http", "api.example.com", Some(443), false),
        ("http", "api.example.com", None, false),
        ("https", "api.example.com.", None, false),
        ("https", "example.com", None, false),
        ("ftp", "api.example.com", Some(443), false),
    ] {
        assert_eq!(origin.is(scheme, host, port), expected, "{scheme} {host} {port:?}");
    }
}

#[test]
fn parts_of_a_url_are_no_more_lenient_than_a_url() {
    for host in ["api.example.com", "API.example.com", "[2001:db8::1]", "10.0.0.1"] {
        assert!(Origin::of_parts("https", host, None).is_ok(), "{host}");
    }
    for host in ["", ".", "user@api.example.com", "api.example.com:443", "[::1", "*.example.com"] {
        assert_eq!(Origin::of_parts("https", host, None), Err(OriginError::Invalid), "{host}");
    }
}

#[test]
fn an_address_is_the_same_however_it_is_written() {
    let origin = Origin::parse("https://[2001:DB8:0:0::1]:8443").unwrap();
    for (host, expected) in [
        ("[2001:db8::1]", true),
        ("[2001:0db8:0000::0001]", true),
        ("[2001:db8:0:0::1]", true),
        ("[2001:db8::2]", false),
        ("2001:db8::1", false),
        ("[2001:db8::1", false),
        ("2001.db8", false),
    ] {
        assert_eq!(origin.is("https", host, Some(8443)), expected, "{host}");
        let url = format!("https://{host}:8443/me").parse();
        assert_eq!(url.is_ok_and(|url| origin.is_of(&url)), expected, "{host}");
    }
    // An IPv4 address within is another one.
    assert!(!Origin::parse("https://[::ffff:10.0.0.1]").unwrap().is("https", "10.0.0.1", None));
}

#[test]
fn without_an_origin_there_are_no_calls() {
    assert_eq!(Calls::<Account>::per_request([""; 0]).unwrap_err(), OriginError::None);
    let one_is_bad = ["https://api.example.com", "http://api.example.com"];
    assert!(Calls::<Account>::per_request(one_is_bad).is_err());
    let own = Origin::insecure_plain_http("http://api.example.com").unwrap();
    Calls::<Account>::per_request([own]).unwrap();
}
