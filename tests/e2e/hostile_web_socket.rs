//! WebSocket frames (RFC 6455) that no client may send, written byte by byte.

use hst_signal::CloseCode;
use hst_tests::house::{Door, House, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bystanders::Bystanders;

/// Asks for a WebSocket, up to the end of the server's consent.
async fn upgraded(house: &House) -> TcpStream {
    let http = house.server.addresses().http.unwrap();
    let mut stream = TcpStream::connect(http).await.unwrap();
    let request = format!(
        "GET /v1/signal HTTP/1.1\r\nHost: {http}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_no_client_may_send_ends_its_own_connection_only() {
    let house = House::open(Door::WebSocket).await;
    let mut bystanders = Bystanders::in_group(&house, "g").await;
    let enormous = [&[0x81, 0xff][..], &(u64::MAX >> 1).to_be_bytes(), &[0; 4]].concat();
    let long_ping = [&[0x89, 0xfe, 1, 0][..], &[0; 4 + 256]].concat();
    // The mask is of zeros, so that the text stays readable.
    for (what, frame, code) in [
        ("binary", &b"\x82\x82\0\0\0\0{}"[..], CloseCode::ProtocolError),
        ("not UTF-8", b"\x81\x82\0\0\0\0\xff\xfe", CloseCode::ProtocolError),
        ("not masked", b"\x81\x02{}", CloseCode::ProtocolError),
        ("a reserved kind", b"\x83\x82\0\0\0\0{}", CloseCode::ProtocolError),
        ("a reserved bit", b"\xc1\x82\0\0\0\0{}", CloseCode::ProtocolError),
        ("a part of nothing", b"\x80\x82\0\0\0\0{}", CloseCode::ProtocolError),
        ("a ping in parts", b"\x09\x82\0\0\0\0{}", CloseCode::ProtocolError),
        ("a ping too long", &long_ping, CloseCode::ProtocolError),
        ("an enormous length", &enormous, CloseCode::TooLarge),
    ] {
        let mut stream = upgraded(&house).await;
        stream.write_all(frame).await.unwrap();
        let mut close = [0; 4];
        within(what, stream.read_exact(&mut close)).await.unwrap();
        assert_eq!(close[0], 0x88, "{what}: a close frame");
        assert_eq!(u16::from_be_bytes([close[2], close[3]]), code.number(), "{what}");
        bystanders.chat().await;
    }
}
