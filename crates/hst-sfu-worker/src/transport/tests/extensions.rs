//! Header extensions under other numbers than ours (RFC 8285, section 5).

use str0m::rtp::Extension;

use super::{
    forger::{Draft, Forger},
    mirror::Mirror,
    *,
};

/// Under which number a client has the name of the line, and under which the picture's orientation, if it has that.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    mid: u8,
    orientation: Option<u8>,
}

impl Numbers {
    fn connected(self) -> Pair {
        let configure = |config: RtcConfig| {
            let config = config.clear_extension_map().set_extension(self.mid, Extension::RtpMid);
            match self.orientation {
                Some(number) => config.set_extension(number, Extension::VideoOrientation),
                None => config,
            }
        };
        let mut pair = Pair::offering(configure, |sdp| sdp);
        pair.run(Duration::from_secs(1));
        assert!(pair.transport.is_connected());
        pair.happenings.clear();
        pair
    }
}

/// The extensions of a packet, in the form with one byte.
fn elements(packet: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut elements = Vec::new();
    if packet[0] & 0x10 != 0 {
        assert_eq!(packet[12..14], [0xbe, 0xde]);
        let words = usize::from(u16::from_be_bytes([packet[14], packet[15]]));
        let mut rest = &packet[16..16 + 4 * words];
        while let [head, more @ ..] = rest {
            let len = if *head == 0 { 0 } else { usize::from(head & 0x0f) + 1 };
            if *head != 0 {
                elements.push((head >> 4, more[..len].to_vec()));
            }
            rest = &more[len..];
        }
    }
    elements
}

#[test]
fn r6_a_line_is_named_under_the_number_that_the_client_has_for_it() {
    for (number, other) in [(1, 4), (4, 1), (9, 4), (14, 3)] {
        let numbers = Numbers {
            mid: number,
            orientation: None,
        };
        let mut pair = numbers.connected();
        let forger = Forger::new();
        let mid = pair.camera.to_string();
        let mut named = |number: u8, ssrc| {
            let element = [&[number << 4 | (mid.len() as u8 - 1)], mid.as_bytes()].concat();
            let draft = Draft { ssrc, ..pair.draft(1) }.extended(&element);
            pair.takes(&forger, &draft)
        };
        assert!(!named(other, 1_000), "{other} is not the number of {numbers:?}");
        assert!(named(number, 2_000), "{numbers:?}");
    }
}

#[test]
fn r6_each_receiver_gets_an_extension_under_its_own_number_and_none_that_it_does_not_know() {
    const ASKEW: u8 = 1;
    let publisher = Numbers {
        mid: 4,
        orientation: Some(13),
    };
    let numbers = [(4, Some(13)), (13, Some(4)), (1, Some(14)), (13, None), (2, Some(3))];
    for (mid, orientation) in numbers {
        let own = Numbers { mid, orientation };
        let mut pair = publisher.connected();
        let forger = Forger::new();
        let mut receiver = Mirror::new(own.connected());
        let name = receiver.pair.transport.mid(1).expect("its line").to_string();
        for seq in 1..10 {
            let draft = pair.draft(seq).extended(&[13 << 4, ASKEW]);
            pair.receive(&forger.rtp(&draft.bytes(), 0));
            let media = pair.taken();
            receiver.is_sent(u64::from(seq), media);
            let sent = receiver.pair.outbox.take();
            let packets = sent
                .iter()
                .filter(|(_, bytes)| bytes[0] >> 6 == 2 && bytes[1] & 0x7f >= 96);
            let packets: Vec<_> = packets.map(|(_, bytes)| elements(bytes)).collect();
            let mut expected = vec![(mid, name.clone().into_bytes())];
            expected.extend(orientation.map(|number| (number, vec![ASKEW])));
            expected.sort();
            let mut found = packets.concat();
            found.sort();
            assert_eq!(found, expected, "{own:?}");
        }
    }
}
