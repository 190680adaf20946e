//! What clients and strangers say that is not so, and whether anybody else notices.

use super::*;

const CAMERA_RATES: [u32; 3] = [150_000, 500_000, 1_300_000];

/// What a receiver takes, as he says (draft-alvestrand-rmcat-remb-03 section 2.2): `mantissa` times two to the `exponent`.
fn remb(exponent: u32, mantissa: u32) -> Vec<u8> {
    let head = [&[0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0][..], b"REMB"].concat();
    let rate = exponent << 18 | mantissa;
    [&head[..], &[1], &rate.to_be_bytes()[1..], &[0, 0, 0, 7]].concat()
}

/// What of the numbers from this one on has come, and when: so long after the time of reference or after the one before.
fn feedback(first: u16, reference: u32, deltas: &[i16]) -> Vec<u8> {
    let count = deltas.len() as u16;
    let mut body = [
        &[0, 0, 0, 1, 0, 0, 0, 7][..],
        &first.to_be_bytes(),
        &count.to_be_bytes(),
    ]
    .concat();
    body.extend(&reference.to_be_bytes()[1..]);
    body.push(first as u8);
    // All of them with times of two bytes.
    body.extend((0x4000 | count).to_be_bytes());
    deltas.iter().for_each(|delta| body.extend(delta.to_be_bytes()));
    body.resize(body.len().next_multiple_of(4), 0);
    [&[0x8f, 205][..], &(body.len() as u16 / 4).to_be_bytes(), &body].concat()
}

#[test]
fn r11_whatever_a_receiver_says_of_his_network_the_others_see_what_they_saw() {
    let mut world = World::new(11);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), None), steady);
    let [liar, other] = [(); 2].map(|()| world.join(Role::Receive, with_red));
    world.run(START);
    let from = world.now;
    let first = world.clients[other].screen.seqs.last().map_or(0, |last| last + 1);
    world.clients[publisher].keyframe_requests.clear();
    let extremes = [i16::MIN, -1, 0, 1, i16::MAX];
    for round in 0..2_000_u32 {
        let lie = match round % 4 {
            0 => remb(63 * (round / 4 % 2), [0, 1, 0x3_ffff][round as usize % 3]),
            // Of packets that were sent and that never were, with times of long ago and of never.
            1 => feedback(round as u16, 0xff_ffff - round * 97 % 0xff_ffff, &extremes),
            2 => feedback((round * 7919) as u16, 0, &[i16::MIN; 40]),
            _ => feedback(
                u16::MAX - 20,
                [0, 0x7f_ffff, 0xff_ffff][round as usize % 3],
                &[i16::MAX; 40],
            ),
        };
        let lie = world.clients[liar].asker.say(lie);
        world.clients[liar].outgoing.extend(lie);
        world.run(Duration::from_millis(10));
    }
    let largest = CAMERA_RATES.len() as u8 - 1;
    let Client { screen, .. } = &world.clients[other];
    let shown: Vec<_> = screen.shown.iter().filter(|(at, ..)| *at > from).collect();
    assert!(shown.len() > 400, "{}", shown.len());
    assert!(shown.iter().all(|(.., encoding)| *encoding == largest));
    assert_eq!(screen.missing(first), 0.0);
    let freeze = screen.longest_freeze(from, world.now);
    assert!(freeze < Duration::from_millis(100), "{freeze:?}");
    // He himself is still served, and once he is silent he gets over it.
    world.run(Duration::from_secs(60));
    let last = world.clients[liar].screen.shown.last().expect("pictures");
    assert!(
        world.now - last.0 < Duration::from_secs(1) && last.2 == largest,
        "{last:?}"
    );
}

/// A hello that begins a handshake without encryption (TLS_NULL_WITH_NULL_NULL), as a DTLS record.
fn null_hello() -> Vec<u8> {
    let body = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0, 0, 1, 0]].concat();
    let len = body.len() as u8;
    let message = [&[1, 0, 0, len, 0, 0, 0, 0, 0, 0, 0, len][..], &body].concat();
    let head = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, message.len() as u8];
    [&head[..], &message].concat()
}

/// What the worker does while a stranger greets it before and after everything.
fn beset(worker: &mut Worker, now: Instant, arrived: &[(Remote, Vec<u8>)]) {
    let stranger = Remote::udp(([203, 0, 113, 66], 40_000).into());
    let hellos = vec![(stranger, null_hello()); 500];
    work(worker, now, &hellos);
    work(worker, now, arrived);
    work(worker, now, &hellos);
}

/// How long a client takes to connect. What is sent to anybody else fails.
fn takes(work: Work) -> Duration {
    let mut world = World::new(1);
    world.work = work;
    world.step();
    let (from, at) = (world.now, world.join(Role::Receive, with_red));
    while !world.clients[at].rtc.is_connected() {
        assert!(world.now - from < Duration::from_secs(20));
        world.run(Duration::from_millis(1));
    }
    let took = world.now - from;
    world.run(Duration::from_secs(30));
    assert!(world.clients[at].rtc.is_connected(), "and it stays so");
    took
}

#[test]
fn d1_hellos_from_elsewhere_do_not_make_a_handshake_longer() {
    let [alone, beset] = [takes(work), takes(beset)];
    assert!(
        beset < alone + Duration::from_secs(1),
        "{beset:?} in place of {alone:?}"
    );
}
