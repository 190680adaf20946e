//! Receiving with the time at which a datagram came: the kernel's where it says so, so that it does not matter when somebody
//! finds the time to read it.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mio::net::UdpSocket;
use socket2::SockRef;

/// Larger datagrams do not come.
const MAX_DATAGRAM: usize = 2048;
/// So much may wait in a socket until somebody finds the time to read it; what the system grants may be less.
const WAITING: usize = 4 << 20;

/// The present time since the Unix epoch, as the kernel tells it, too.
pub(crate) fn present() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A socket whose datagrams have such a time.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(addr)?;
    SockRef::from(&socket).set_recv_buffer_size(WAITING)?;
    #[cfg(target_os = "linux")]
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::ReceiveTimestampns, &true)?;
    Ok(socket)
}

/// What has come. It may be decrypted where it lies.
#[derive(Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: SocketAddr,
    /// Since the Unix epoch.
    pub(crate) arrived: Duration,
    pub(crate) bytes: &'a mut [u8],
}

/// Where it is received.
#[derive(Debug)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    #[cfg(target_os = "linux")]
    control: Vec<u8>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; MAX_DATAGRAM],
            #[cfg(target_os = "linux")]
            control: nix::cmsg_space!(nix::sys::time::TimeSpec),
        }
    }

    /// The next datagram.
    ///
    /// # Errors
    /// `WouldBlock` when there is none.
    #[cfg(target_os = "linux")]
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<Datagram<'_>> {
        use std::{io::IoSliceMut, os::fd::AsRawFd as _};

        use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

        let mut buffers = [IoSliceMut::new(&mut self.bytes)];
        let fd = socket.as_raw_fd();
        let message = recvmsg::<SockaddrStorage>(fd, &mut buffers, Some(&mut self.control), MsgFlags::empty())?;
        let stamp = message.cmsgs()?.find_map(|it| match it {
            ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
            _ => None,
        });
        let source = message.address.as_ref().and_then(|it| {
            let v4 = it.as_sockaddr_in().map(|it| SocketAddr::V4((*it).into()));
            v4.or_else(|| it.as_sockaddr_in6().map(|it| SocketAddr::V6((*it).into())))
        });
        let source = source.ok_or(io::ErrorKind::InvalidData)?;
        let (len, arrived) = (message.bytes, stamp.unwrap_or_else(present));
        Ok(Datagram {
            source,
            arrived,
            bytes: &mut self.bytes[..len],
        })
    }

    /// The next datagram.
    ///
    /// # Errors
    /// `WouldBlock` when there is none.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<Datagram<'_>> {
        let (len, source) = socket.recv_from(&mut self.bytes)?;
        Ok(Datagram {
            source,
            arrived: present(),
            bytes: &mut self.bytes[..len],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_says_when_it_came_and_not_when_it_was_read() {
        for addr in ["127.0.0.1:0", "[::1]:0"] {
            let [one, other] = [(); 2].map(|()| bind(addr.parse().unwrap()).unwrap());
            let mut inbox = Inbox::new();
            let mut says_when_it_came = || {
                let before = present();
                one.send_to(b"hello", other.local_addr().unwrap()).unwrap();
                // On loopback it is there when sending returns.
                let after = present();
                let Datagram { source, arrived, bytes } = inbox.receive(&other).unwrap();
                assert_eq!((source, &*bytes), (one.local_addr().unwrap(), &b"hello"[..]));
                assert!(arrived >= before);
                assert_eq!(inbox.receive(&other).unwrap_err().kind(), io::ErrorKind::WouldBlock);
                arrived <= after
            };
            // The kernel begins with it some time after the first socket wants it.
            assert!(!cfg!(target_os = "linux") || (0..100_000).any(|_| says_when_it_came()));
        }
    }
}
