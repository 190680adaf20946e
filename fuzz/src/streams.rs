use hst_framing::{MAX_FRAME, Unframer, header};

/// Datagrams on a stream of bytes: they are the same in whatever pieces it comes, and written again they are its beginning.
pub fn framed(data: &[u8]) {
    let (whole, is_readable) = datagrams([data]);
    let size = usize::from(data.first().copied().unwrap_or(0)).max(1);
    let (pieces, _) = datagrams(data.chunks(size));
    assert_eq!(whole, pieces);
    let mut again = Vec::new();
    for datagram in &whole {
        assert!(datagram.len() <= MAX_FRAME);
        again.extend(header(datagram).expect("it fits a frame"));
        again.extend(datagram);
    }
    assert!(data.starts_with(&again));
    let left = data.len() - again.len();
    assert!(left < 2 + MAX_FRAME || !is_readable, "{left} bytes wait");
}

/// All of a stream, and whether it could be read on.
fn datagrams<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let (mut unframer, mut all, mut datagram) = (Unframer::default(), Vec::new(), Vec::new());
    for piece in pieces {
        unframer.push(piece);
        loop {
            match unframer.next(&mut datagram) {
                Ok(true) => all.push(datagram.clone()),
                Ok(false) => break,
                Err(_) => return (all, false),
            }
        }
    }
    (all, true)
}
