use super::{
    encodings::smallest_first,
    fragment::{Credentials, of_answer},
    outline::{Outline, takes},
    plan::published,
};

/// An offer by WHIP, and a fragment of one: what is put into it is found there, and nothing else of it is another then.
pub fn offer(data: &[u8]) {
    let Ok(sdp) = str::from_utf8(data) else { return };
    let outline = Outline::read(sdp);
    if let Some(outline) = &outline {
        assert!(published(&outline.lines).is_none_or(|lines| lines.len() <= 2));
        outline.lines.iter().for_each(|line| _ = takes(sdp, line.mid));
    }
    let turned = smallest_first(sdp);
    assert_eq!(Outline::read(&turned), outline);
    assert_eq!(smallest_first(&turned), turned);
    if let Some(credentials) = Credentials::read(sdp) {
        let put = credentials.put_into(&turned);
        assert_eq!(Outline::read(&put), outline);
        assert_eq!(Credentials::read(&put), Some(credentials));
    }
    assert!(of_answer(sdp).ends_with("a=end-of-candidates\r\n"));
}
