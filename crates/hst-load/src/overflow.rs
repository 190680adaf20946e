use std::{collections::HashSet, fs, io};

/// Where Linux lists its UDP sockets, in a line each.
const LISTS: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];

/// For how many datagrams there was no room in the sockets with these ports, since those exist; `None` where the system does
/// not tell.
pub fn overflowed(ports: impl IntoIterator<Item = u16>) -> Option<u64> {
    let ports: HashSet<_> = ports.into_iter().collect();
    let lists = LISTS.map(fs::read_to_string);
    // Without the second version of IP there is only one.
    if matches!(&lists[0], Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return None;
    }
    let texts = lists.iter().flatten();
    Some(
        texts
            .flat_map(|text| text.lines())
            .filter_map(socket)
            .filter(|(port, _)| ports.contains(port))
            .map(|(_, count)| count)
            .sum(),
    )
}

/// The port of a line, and what was dropped; `None` of the first line, which names the columns.
fn socket(line: &str) -> Option<(u16, u64)> {
    let mut columns = line.split_whitespace();
    let (_, port) = columns.nth(1)?.split_once(':')?;
    Some((u16::from_str_radix(port, 16).ok()?, columns.last()?.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::UdpSocket;

    use socket2::SockRef;

    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_for_its_socket() {
        for addr in ["127.0.0.1:0", "[::1]:0"] {
            let [slow, other] = [(); 2].map(|()| UdpSocket::bind(addr).unwrap());
            SockRef::from(&slow).set_recv_buffer_size(0).unwrap();
            let to = slow.local_addr().unwrap();
            let count = || overflowed([to.port()]).unwrap();
            let before = count();
            for _ in 0..100 {
                other.send_to(&[0; 1000], to).unwrap();
            }
            slow.set_nonblocking(true).unwrap();
            let taken = (0..100).filter(|_| slow.recv(&mut [0; 1000]).is_ok()).count();
            assert!(taken < 100);
            assert_eq!(count() - before, 100 - taken as u64);
            assert_eq!(overflowed([other.local_addr().unwrap().port()]), Some(0));
        }
    }
}
