//! Peers that break the rules, or off.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
};

use house::{
    Server,
    wire::{Wire, parameter, resident, stream, usual_parameters, varint},
};
use hst_signal::{
    CloseCode, CloseReason, Limits, RecvEnd, SendError, SignalConnection, SignalListener, SignalTransport,
    tls::ClientTls,
};
use hst_signal_quic::{ALPN, PREAMBLE, QuicTransport};
use quinn::{ClientConfig, ConnectionError, Endpoint, VarInt, crypto::rustls::QuicClientConfig};
use tokio::sync::RwLock;

const LIMITS: Limits = Limits { max_frame: 1000 };

fn application_code(error: &ConnectionError) -> Option<u64> {
    match error {
        ConnectionError::ApplicationClosed(close) => Some(close.error_code.into_inner()),
        _ => None,
    }
}

/// The memory of the process, which is everybody's: who measures it is alone.
static MEMORY: RwLock<()> = RwLock::const_new(());

#[tokio::test]
async fn a_length_above_the_limit_ends_the_connection_and_the_peer_learns_why() {
    let _beside = MEMORY.read().await;
    for length in [1001_u32, u32::MAX] {
        let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
        raw.send.write_all(&length.to_be_bytes()).await.unwrap();
        let end = server.receiver.recv().await.unwrap_err();
        assert_eq!(end, RecvEnd::TooLarge { max: 1000 });
        assert_eq!(server.receiver.recv().await, Err(end.clone()), "the end stays");
        server.sender.close(end.answer().unwrap()).await;
        assert_eq!(application_code(&raw.connection.closed().await), Some(1009));
    }
}

#[tokio::test]
async fn frames_are_put_together_from_single_bytes() {
    let _beside = MEMORY.read().await;
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    let write = async {
        for byte in *b"\0\0\0\x02hi\0\0\0\0\0\0\0\x01!" {
            raw.send.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        for frame in ["hi", "", "!"] {
            assert_eq!(server.receiver.recv().await.unwrap(), frame);
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn any_bytes_are_a_frame() {
    let _beside = MEMORY.read().await;
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    server.sender.send(vec![0xff, 0].into()).await.unwrap();
    let mut wire = [0; 6];
    raw.recv.read_exact(&mut wire).await.unwrap();
    assert_eq!(wire, [0, 0, 0, 2, 0xff, 0]);
}

#[tokio::test]
async fn a_peer_that_breaks_off_is_lost() {
    let _beside = MEMORY.read().await;
    // In the middle of a frame, and between two; by the end of the stream, its reset, and the end of the connection.
    for bytes in [&b"\0\0\0\x05he"[..], b"\0\0", b""] {
        for how in 0..3 {
            let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
            raw.send.write_all(bytes).await.unwrap();
            match how {
                0 => {
                    raw.send.finish().unwrap();
                    // The reason that might follow is waited for.
                    tokio::time::pause();
                }
                1 => raw.send.reset(VarInt::from_u32(7)).unwrap(),
                _ => raw.connection.close(VarInt::from_u32(0), b""),
            }
            assert_eq!(server.receiver.recv().await, Err(RecvEnd::Lost), "{how}");
            if how == 0 {
                tokio::time::resume();
            }
        }
    }
}

#[tokio::test]
async fn a_peer_that_stops_reading_for_good_ends_sending() {
    let _beside = MEMORY.read().await;
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    raw.recv.stop(VarInt::from_u32(7)).unwrap();
    while let Ok(()) = server.sender.send("x".into()).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.sender.send("x".into()).await, Err(SendError::Closed));
}

#[tokio::test]
async fn an_unknown_code_is_a_reason_to_come_back() {
    let _beside = MEMORY.read().await;
    for code in [77_u64, (1 << 62) - 1] {
        let (mut server, raw) = Server::bind(LIMITS).raw_pair().await;
        raw.connection.close(VarInt::from_u64(code).unwrap(), b"who \xff knows");
        let reason = CloseReason::new(CloseCode::GoingAway, "who \u{fffd} knows");
        assert_eq!(server.receiver.recv().await, Err(RecvEnd::Closed(reason)));
    }
}

#[tokio::test]
async fn q9_no_second_stream_can_be_opened() {
    let _beside = MEMORY.read().await;
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    let one_frame_there = async {
        raw.send.write_all(b"\0\0\0\x01x").await.unwrap();
        server.receiver.recv().await.unwrap()
    };
    tokio::select! {
        biased;
        second = raw.connection.open_bi() => panic!("{:?}", second.map(|_| ())),
        one_way = raw.connection.open_uni() => panic!("{:?}", one_way.map(|_| ())),
        frame = one_frame_there => assert_eq!(frame, "x"),
    }
    assert_eq!(raw.connection.max_datagram_size(), None);
}

#[tokio::test]
async fn another_preamble_is_turned_away() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let junk = async {
        let connection = Server::raw_client(address, pin).await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        send.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        connection.closed().await
    };
    tokio::select! {
        accepted = server.listener.accept() => panic!("{accepted:?}"),
        error = junk => assert_eq!(application_code(&error), Some(1002)),
    }
}

#[tokio::test]
async fn q3_a_crowd_that_never_gets_through_holds_up_nobody() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin, url) = (server.address(), server.pin(), server.pinned_url());
    let junk = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..100 {
        junk.send_to(b"no QUIC at all", address).unwrap();
    }
    let crowd_and_client = async {
        // None opens its stream. The last ones are more than one address may have under way.
        let mut crowd = Vec::new();
        let mut refused = 0;
        for _ in 0..100 {
            match Server::raw_client_from([127, 0, 0, 2].into(), address, pin).await {
                Ok(connection) => crowd.push(connection),
                Err(error) => {
                    assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "{error:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "one address may not have everything");
        (crowd, QuicTransport::new(LIMITS).connect(&url).await)
    };
    let (accepted, (_crowd, client)) = tokio::join!(server.listener.accept(), crowd_and_client);
    assert_eq!(client.unwrap().peer, Some(address));
    assert_eq!(accepted.unwrap().peer.unwrap().ip(), address.ip());
}

#[tokio::test]
async fn a_client_without_a_stream_is_dropped_after_a_while() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let silent = async {
        let connection = Server::raw_client(address, pin).await;
        tokio::time::pause();
        connection.closed().await
    };
    tokio::select! {
        accepted = server.listener.accept() => panic!("{accepted:?}"),
        error = silent => assert_eq!(application_code(&error), Some(0), "{error:?}"),
    }
}

/// QUIC's "I have counted, and you may not" (RFC 9000, section 20.1).
const FLOW_CONTROL_ERROR: u64 = 0x03;
const MIB: usize = 1024 * 1024;

/// Lets everybody in who gets through.
async fn open_door(server: &mut Server) -> SignalConnection {
    let mut guests = Vec::new();
    loop {
        guests.push(server.listener.accept().await.unwrap());
    }
}

/// Whether somebody honest still gets in and is heard.
async fn serves(server: &mut Server) {
    let url = server.pinned_url();
    let transport = QuicTransport::new(LIMITS);
    let (client, accepted) = tokio::join!(transport.connect(&url), server.listener.accept());
    let (mut client, mut accepted) = (client.unwrap(), accepted.unwrap());
    client.sender.send("hello".into()).await.unwrap();
    assert_eq!(accepted.receiver.recv().await.unwrap(), "hello");
}

#[tokio::test]
async fn q1_single_bytes_with_gaps_cost_no_more_than_the_window() {
    let _alone = MEMORY.write().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let before = resident();
    let attack = async {
        let mut crowd = Vec::new();
        for _ in 0..5 {
            let mut wire = Wire::connect(address, pin, usual_parameters()).await.unwrap();
            // One byte a packet, which is as large as it may be.
            for offset in (0..16 * 1024).step_by(8) {
                let mut frames = stream(offset + 1, b"x");
                frames.resize(1100, 0);
                wire.send(&frames).await;
                // No faster than the system's own buffers take it.
                if offset % 256 == 0 {
                    wire.count().await;
                }
            }
            crowd.push(wire);
        }
        let mut beyond = Wire::connect(address, pin, usual_parameters()).await.unwrap();
        beyond.send(&stream(16 * 1024, b"x")).await;
        (beyond.closed().await, crowd)
    };
    let (closed, _crowd) = tokio::select! {
        done = attack => done,
        never = open_door(&mut server) => panic!("{never:?}"),
    };
    assert_eq!(closed, Some(FLOW_CONTROL_ERROR), "nobody may send beyond the window");
    let grown = resident().saturating_sub(before);
    assert!(grown < 10 * MIB, "{grown} bytes");
    serves(&mut server).await;
}

#[tokio::test]
async fn q2_frames_and_parameters_of_every_kind_harm_nobody() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let attack = async {
        for kind in 0..=0x42_u8 {
            for body in [&[][..], &[0; 64], &[0xff; 64], &varint(u64::MAX >> 2).repeat(4)] {
                let mut wire = Wire::connect(address, pin, usual_parameters()).await.unwrap();
                wire.send(&[&[kind], body].concat()).await;
                wire.leave().await;
            }
        }
        for id in (0..0x12).chain([0x20, 0x2ab2, (1 << 62) - 1]) {
            let (long, most) = (varint(0), varint(u64::MAX >> 2));
            let values = [&[0][..], &long, &most, &[], &[7; 900]];
            for value in values.map(|value| parameter(id, value)) {
                // Beside what is needed: so some come twice.
                let parameters = [usual_parameters(), value].concat();
                if let Ok(wire) = Wire::connect(address, pin, parameters).await {
                    wire.leave().await;
                }
            }
        }
        for nothing in [Vec::new(), vec![0xff; 100]] {
            let mut wire = Wire::new(address, pin, nothing).await;
            wire.greet().await;
            assert!(wire.closed().await.is_some(), "no parameters at all");
        }
    };
    tokio::select! {
        () = attack => {}
        never = open_door(&mut server) => panic!("{never:?}"),
    }
    serves(&mut server).await;
}

#[tokio::test]
async fn q3_who_has_not_proved_his_address_is_sent_little_and_must_prove_it_when_many_come() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let attack = async {
        let mut crowd = Vec::new();
        for _ in 0..300 {
            let mut wire = Wire::new(address, pin, usual_parameters()).await;
            wire.greet().await;
            crowd.push(wire);
        }
        let mut counts = Vec::new();
        for mut wire in crowd {
            counts.push(wire.count().await);
        }
        counts
    };
    let counts = tokio::select! {
        counts = attack => counts,
        never = open_door(&mut server) => panic!("{never:?}"),
    };
    assert!(counts.iter().all(|&count| count <= 3 * 1204), "{counts:?}");
    // A retry is one small packet, and nothing is remembered for it.
    assert!(counts[200..].iter().all(|&count| count < 200), "{counts:?}");
    serves(&mut server).await;
}

#[tokio::test]
async fn q4_floods_that_ask_for_answers_pile_up_nothing() {
    let _alone = MEMORY.write().await;
    let mut server = Server::bind(LIMITS);
    let (address, pin) = (server.address(), server.pin());
    let before = resident();
    let attack = async {
        let mut ids = Wire::connect(address, pin, usual_parameters()).await.unwrap();
        let mut paths = Wire::connect(address, pin, usual_parameters()).await.unwrap();
        for number in 1..5000_u64 {
            // A new connection id that retires those before it; and the question whether this path works.
            let id = [
                &[0x18][..],
                &varint(number),
                &varint(number),
                &[8],
                &number.to_be_bytes(),
                &[7; 16],
            ]
            .concat();
            ids.send(&id).await;
            let challenges = [&[0x1a][..], &number.to_be_bytes()].concat().repeat(100);
            paths.send(&challenges).await;
            // No faster than the system's own buffers take it, and no answer is acknowledged.
            if number % 32 == 0 {
                ids.count().await;
            }
        }
        (ids, paths)
    };
    let _attackers = tokio::select! {
        attackers = attack => attackers,
        never = open_door(&mut server) => panic!("{never:?}"),
    };
    let grown = resident().saturating_sub(before);
    assert!(grown < 10 * MIB, "{grown} bytes");
    serves(&mut server).await;
}

#[tokio::test]
async fn q5_a_client_whose_port_is_closed_holds_up_nobody() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    // The system answers what is sent there now with an ICMP message.
    for _ in 0..20 {
        let mut gone = Wire::new(server.address(), server.pin(), usual_parameters()).await;
        gone.greet().await;
    }
    serves(&mut server).await;
}

#[tokio::test]
async fn q6_a_stream_that_is_reset_ends_the_connection_and_no_other_follows() {
    let _beside = MEMORY.read().await;
    let (mut server, mut raw) = Server::bind(LIMITS).raw_pair().await;
    raw.send.reset(VarInt::from_u32(7)).unwrap();
    assert_eq!(server.receiver.recv().await, Err(RecvEnd::Lost));
    tokio::select! {
        biased;
        second = raw.connection.open_bi() => panic!("{:?}", second.map(|_| ())),
        () = server.sender.close(CloseCode::Normal.into()) => {}
    }
}

/// A client's configuration that remembers its sessions and would send data at once.
fn eager(server: &Server) -> ClientConfig {
    let mut tls = Arc::unwrap_or_clone(ClientTls::new(&[ALPN]).config(Some(server.pin())).unwrap());
    tls.enable_early_data = true;
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

#[tokio::test]
async fn q7_nothing_can_be_sent_before_the_handshake_and_so_nothing_replayed() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (config, address) = (eager(&server), server.address());
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let client = async {
        for _ in 0..2 {
            let connecting = endpoint.connect_with(config.clone(), address, "localhost").unwrap();
            let connection = match connecting.into_0rtt() {
                Ok(_) => panic!("early data"),
                Err(connecting) => connecting.await.unwrap(),
            };
            let (mut send, mut recv) = connection.open_bi().await.unwrap();
            send.write_all(&PREAMBLE).await.unwrap();
            // Behind the tickets for the next time.
            recv.read_exact(&mut [0; 5]).await.unwrap();
        }
    };
    let serve = async {
        loop {
            let mut accepted = server.listener.accept().await.unwrap();
            accepted.sender.send("x".into()).await.unwrap();
            let _ = accepted.receiver.recv().await;
        }
    };
    tokio::select! {
        () = client => {}
        () = serve => {}
    }
}

#[tokio::test]
async fn q8_a_client_that_moves_in_the_middle_of_a_frame_loses_nothing() {
    let _beside = MEMORY.read().await;
    let mut server = Server::bind(LIMITS);
    let (config, address) = (eager(&server), server.address());
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let open = async {
        let connection = endpoint
            .connect_with(config, address, "localhost")
            .unwrap()
            .await
            .unwrap();
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(&[&PREAMBLE[..], b"\0\0\0\x05he"].concat())
            .await
            .unwrap();
        (connection, send, recv)
    };
    let (accepted, (_connection, mut send, mut recv)) = tokio::join!(server.listener.accept(), open);
    let mut accepted = accepted.unwrap();
    endpoint.rebind(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    send.write_all(b"llo").await.unwrap();
    assert_eq!(accepted.receiver.recv().await.unwrap(), "hello");
    accepted.sender.send("there".into()).await.unwrap();
    let mut heard = [0; 9];
    recv.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"\0\0\0\x05there");
}
