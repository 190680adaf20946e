use super::frame::{self, kind};
use crate::wire::put_u32;

/// The item that names a source across restarts.
const CNAME: u8 = 1;
const MAX_LEN: usize = 255;

/// Appends the description of a source (SDES, RFC 3550 section 6.5): its canonical name, of which at most 255 bytes are said.
pub fn write_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let cname = &cname.as_bytes()[..cname.floor_char_boundary(MAX_LEN)];
    frame::write(out, kind::DESCRIPTION, |out| {
        put_u32(out, ssrc);
        out.extend_from_slice(&[CNAME, cname.len() as u8]);
        out.extend_from_slice(cname);
        // The list of items ends with a zero; more fill up the word.
        out.push(0);
        1
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_rfc_3550_draws_it() {
        let mut out = Vec::new();
        write_cname(&mut out, 7, "hst");
        assert_eq!(out, *b"\x81\xca\0\x03\0\0\0\x07\x01\x03hst\0\0\0");
        out.clear();
        write_cname(&mut out, 7, "ab");
        assert_eq!(
            out, *b"\x81\xca\0\x03\0\0\0\x07\x01\x02ab\0\0\0\0",
            "a zero always ends it"
        );
    }

    #[test]
    fn a_long_name_is_cut_between_two_letters() {
        let mut out = Vec::new();
        write_cname(&mut out, 7, &"\u{e9}".repeat(200));
        assert_eq!(out[9], 254);
    }
}
