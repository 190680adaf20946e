use reqwest::Url;

use crate::InvalidAccessUrl;

/// The vendor's path, which the platform's documentation includes in the address.
pub(crate) const VENDOR_PATH: &str = "/server/address";

/// What an access service's address may say about where one is going: `?group=<Group ID>`.
const GROUP: &str = "group";

/// Every form in which an access service's address is written, as its base URL without a slash at the end, and the group that
/// it names.
pub(crate) fn base(text: &str) -> Result<(Url, Option<String>), InvalidAccessUrl> {
    let mut url = match text.contains("://") {
        true => Url::parse(text),
        false => Url::parse(&format!("https://{text}")),
    }
    .map_err(|_| InvalidAccessUrl::Malformed)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidAccessUrl::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(InvalidAccessUrl::Extra);
    }
    let mut group = None;
    for (name, value) in url.query_pairs() {
        match &*name {
            GROUP if group.is_none() => group = Some(value.into_owned()),
            _ => return Err(InvalidAccessUrl::Extra),
        }
    }
    if url.query().is_some() && group.is_none() {
        return Err(InvalidAccessUrl::Extra);
    }
    if !text.contains("://") && is_loopback(&url) {
        // Nobody listens in on a machine's talk with itself, and a server started for a try has no certificate. The port
        // is read anew, because 443 is not written in an https URL.
        url = Url::parse(&format!("http://{text}")).map_err(|_| InvalidAccessUrl::Malformed)?;
    }
    let path = url.path().trim_end_matches('/');
    let path = path
        .strip_suffix(VENDOR_PATH)
        .unwrap_or(path)
        .trim_end_matches('/')
        .to_owned();
    url.set_path(&path);
    url.set_query(None);
    Ok((url, group))
}

/// `base` with a path and query parameters after it.
pub(crate) fn join<'a>(base: &Url, path: &str, query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    for (key, value) in query {
        url.query_pairs_mut().append_pair(key, value);
    }
    url
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let ip = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_an_address_is_understood() {
        for (text, expected) in [
            ("https://rtc.example.com", "https://rtc.example.com/"),
            ("https://rtc.example.com/", "https://rtc.example.com/"),
            ("https://rtc.example.com/server/address", "https://rtc.example.com/"),
            (
                "https://rtc.example.com:21000/server/address/",
                "https://rtc.example.com:21000/",
            ),
            ("https://example.com/rtc", "https://example.com/rtc"),
            ("https://example.com/rtc//server/address//", "https://example.com/rtc"),
            ("HTTP://Example.com:80", "http://example.com/"),
            ("http://192.168.1.5:7880", "http://192.168.1.5:7880/"),
            ("rtc.example.com", "https://rtc.example.com/"),
            ("192.168.1.5:7880", "https://192.168.1.5:7880/"),
            ("rtc.example.com:21000/server/address", "https://rtc.example.com:21000/"),
            ("127.0.0.1:7880", "http://127.0.0.1:7880/"),
            ("127.8.9.1:7880/server/address", "http://127.8.9.1:7880/"),
            ("localhost:7880", "http://localhost:7880/"),
            ("localhost:443", "http://localhost:443/"),
            ("[::1]:7880", "http://[::1]:7880/"),
            ("[2001:db8::1]:7880", "https://[2001:db8::1]:7880/"),
            ("https://127.0.0.1:7880", "https://127.0.0.1:7880/"),
            ("localhost.example.com:7880", "https://localhost.example.com:7880/"),
        ] {
            let (url, group) = base(text).unwrap();
            assert_eq!((url.as_str(), group), (expected, None), "{text}");
        }
    }

    #[test]
    fn an_address_may_name_the_group_that_one_is_going_to_join() {
        for (text, expected) in [
            ("https://rtc.example.com?group=weekly", "https://rtc.example.com/"),
            (
                "rtc.example.com/server/address/?group=weekly",
                "https://rtc.example.com/",
            ),
            ("127.0.0.1:7880?group=weekly", "http://127.0.0.1:7880/"),
        ] {
            let (url, group) = base(text).unwrap();
            assert_eq!((url.as_str(), group.as_deref()), (expected, Some("weekly")), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, expected) in [
            ("", InvalidAccessUrl::Malformed),
            (" ", InvalidAccessUrl::Malformed),
            ("/", InvalidAccessUrl::Malformed),
            (":7880", InvalidAccessUrl::Malformed),
            ("https://", InvalidAccessUrl::Malformed),
            ("two words", InvalidAccessUrl::Malformed),
            ("host:65536", InvalidAccessUrl::Malformed),
            ("host:port", InvalidAccessUrl::Malformed),
            ("ws://example.com", InvalidAccessUrl::Scheme),
            ("file:///etc/passwd", InvalidAccessUrl::Scheme),
            ("https://bob@example.com", InvalidAccessUrl::Extra),
            ("https://bob:hush@example.com", InvalidAccessUrl::Extra),
            ("example.com?appType=24", InvalidAccessUrl::Extra),
            ("https://example.com/server/address?appType=24", InvalidAccessUrl::Extra),
            ("https://example.com/#x", InvalidAccessUrl::Extra),
            ("https://example.com/?", InvalidAccessUrl::Extra),
            ("https://example.com/?group=a&group=b", InvalidAccessUrl::Extra),
            ("https://example.com/?group=a&appType=24", InvalidAccessUrl::Extra),
        ] {
            assert_eq!(base(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn a_path_before_ours_is_kept() {
        let joined =
            |text: &str, query: &[_]| join(&base(text).unwrap().0, "/v1/access", query.iter().copied()).to_string();
        let query = [("app_id", "a"), ("b", "c d")];
        assert_eq!(
            joined("https://example.com", &query),
            "https://example.com/v1/access?app_id=a&b=c+d"
        );
        assert_eq!(
            joined("https://example.com/rtc/", &[]),
            "https://example.com/rtc/v1/access"
        );
    }
}
