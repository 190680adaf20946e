//! DTLS that comes too early, from elsewhere, cut, grown, out of order, and under loss.

use std::{cell::RefCell, env, fs, process::Command, rc::Rc};

use rand::{Rng, SeedableRng, rngs::StdRng};
use str0m::crypto::dtls::{ProtocolVersion, SrtpProfile};

use super::{effort::Effort, *};

/// Of a DTLS record (RFC 6347 section 4.1).
pub(super) const RECORD: usize = 13;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const ALERT: u8 = 21;
const APPLICATION_DATA: u8 = 23;
/// Of a handshake message in it (section 4.2.2).
pub(super) const MESSAGE: usize = 12;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
/// Hostile input may cost so much of a slow machine's time, and each datagram of many so much. What loops costs more.
const WATCHDOG: Duration = Duration::from_millis(100);
const EACH: Duration = Duration::from_micros(25);

/// How much so many datagrams may cost.
pub(super) fn watchdog(datagrams: usize) -> Duration {
    WATCHDOG + EACH * datagrams as u32
}

pub(super) fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes[0], 20..64)
}

/// The records of a datagram.
pub(super) fn records(mut datagram: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while datagram.len() >= RECORD {
        let len = RECORD + usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        let (record, rest) = datagram.split_at(len.min(datagram.len()));
        records.push(record.to_vec());
        datagram = rest;
    }
    records
}

pub(super) fn record(kind: u8, epoch: u16, number: u64, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0xfe, 0xfd];
    record.extend(epoch.to_be_bytes());
    record.extend(&number.to_be_bytes()[2..]);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}

/// A piece of a handshake message that is said to be `total` bytes long.
pub(super) fn fragment(kind: u8, total: u32, seq: u16, offset: u32, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(&total.to_be_bytes()[1..]);
    message.extend(seq.to_be_bytes());
    message.extend(&offset.to_be_bytes()[1..]);
    message.extend(&(body.len() as u32).to_be_bytes()[1..]);
    message.extend(body);
    message
}

/// A client's hello that offers nothing but a cipher which is none (TLS_NULL_WITH_NULL_NULL).
fn null_hello() -> Vec<u8> {
    let body = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0, 0, 1, 0]].concat();
    record(HANDSHAKE, 0, 0, &fragment(CLIENT_HELLO, body.len() as u32, 0, 0, &body))
}

/// Whether it is a handshake message of this kind in the clear.
pub(super) fn is_message(record: &[u8], kind: u8) -> bool {
    record[0] == HANDSHAKE && record[3..5] == [0, 0] && record.get(RECORD) == Some(&kind)
}

/// What a client says in DTLS until it is connected, datagram by datagram.
pub(super) fn said() -> Vec<Vec<u8>> {
    overheard().1
}

/// One who is connected, and what the client has said for that.
fn overheard() -> (Pair, Vec<Vec<u8>>) {
    let said = Rc::new(RefCell::new(Vec::new()));
    let mut pair = Pair::new();
    let copy = said.clone();
    pair.meddle = Box::new(move |way, bytes| {
        if way == Way::ToServer && is_dtls(&bytes) {
            copy.borrow_mut().push(bytes.clone());
        }
        vec![bytes]
    });
    pair.run(Duration::from_secs(1));
    assert!(pair.transport.is_connected());
    let said = said.take();
    (pair, said)
}

/// A client whose datagram of this number, of those in DTLS, is replaced.
pub(super) fn saying(at: usize, instead: Vec<Vec<u8>>) -> Pair {
    saying_and(true, at, instead)
}

/// The same; whether the client goes on then, or is not heard any more.
fn saying_and(goes_on: bool, at: usize, instead: Vec<Vec<u8>>) -> Pair {
    let mut pair = Pair::new();
    let watchdog = watchdog(instead.len());
    let (mut count, mut instead) = (0, Some(instead));
    pair.meddle = Box::new(move |way, bytes| {
        if way == Way::ToClient || !is_dtls(&bytes) {
            return vec![bytes];
        }
        count += 1;
        match count - 1 {
            now if now == at => instead.take().unwrap_or_default(),
            now if now > at && !goes_on => vec![],
            _ => vec![bytes],
        }
    });
    let effort = Effort::begin();
    pair.run(Duration::from_millis(100));
    assert!(effort.so_far() < watchdog, "{:?}", effort.so_far());
    let lost = pair.lost();
    assert!(matches!(lost, None | Some(LostReason::Failed)), "{lost:?}");
    pair
}

#[test]
fn d2_a_handshake_before_any_check_is_not_answered_and_does_no_harm() {
    let hello = said().swap_remove(0);
    for early in [hello, null_hello(), vec![22], vec![63; 1200]] {
        let mut pair = Pair::new();
        for _ in 0..100 {
            pair.receive(&early);
        }
        pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
        assert_eq!(pair.outbox.take(), [], "nobody has proved to be there");
        // The one that was not the client's own may have spoiled its handshake, but nothing else.
        assert!(
            matches!(pair.lost(), None | Some(LostReason::Failed)),
            "{:?}",
            pair.lost()
        );
    }
    let mut pair = Pair::new();
    pair.receive(&said()[0]);
    pair.run(Duration::from_secs(20));
    assert_ne!(pair.lost(), Some(LostReason::Fault));
}

#[test]
fn d3_who_does_not_go_on_with_a_handshake_is_sent_little() {
    let mut pair = Pair::new();
    let sent = Rc::new(RefCell::new(Vec::new()));
    let copy = sent.clone();
    let mut hellos = 0;
    pair.meddle = Box::new(move |way, bytes| {
        if !is_dtls(&bytes) {
            return vec![bytes];
        }
        match way {
            Way::ToServer => {
                hellos += 1;
                if hellos == 1 { vec![bytes] } else { vec![] }
            }
            Way::ToClient => {
                copy.borrow_mut().push(bytes.len());
                vec![]
            }
        }
    });
    pair.run(Duration::from_secs(60));
    let sent = sent.take();
    // A flight is one datagram, which is said to be lost each time. It is longer than what it answers: that is why nobody is answered
    // before a check from his address has proved that he knows our secret.
    assert!((1..=8).contains(&sent.len()), "{sent:?}");
    assert!(sent.iter().all(|flight| *flight <= 750), "{sent:?}");
    assert!(matches!(
        pair.lost(),
        Some(LostReason::NeverConnected | LostReason::Failed)
    ));
}

#[test]
fn d4_pieces_of_messages_in_any_disorder_are_bounded() {
    let hello = said()[0][RECORD + MESSAGE..].to_vec();
    let len = hello.len() as u32;
    let piece = |total, seq, from: usize, to: usize, number| {
        record(
            HANDSHAKE,
            0,
            number,
            &fragment(CLIENT_HELLO, total, seq, from as u32, &hello[from..to]),
        )
    };
    let half = hello.len() / 2;
    let overlapping = (0..half).map(|at| piece(len, 0, at, at + half, at as u64)).collect();
    let twice = (0..100).map(|number| piece(len, 0, 0, half, number)).collect();
    let with_a_gap = vec![piece(len, 0, 0, half, 1), piece(len, 0, half + 1, hello.len(), 2)];
    let largest = (0..1_000)
        .map(|at| piece(0xff_ffff, 0, at % half, half, at as u64))
        .collect();
    let of_many_lengths = (0..200).map(|at| piece(len + at, 0, 0, half, u64::from(at))).collect();
    let of_many_messages = (0..100_000).map(|at| piece(len, at as u16, 0, 1, at)).collect();
    let all_the_same = (0..100_000).map(|_| piece(len, 1, 0, 1, 5)).collect();
    for instead in [
        overlapping,
        twice,
        with_a_gap,
        largest,
        of_many_lengths,
        of_many_messages,
        all_the_same,
    ] {
        let pair = saying_and(false, 0, instead);
        assert!(!pair.transport.is_connected());
    }
    // Pieces from which nothing comes do not stand in the way of the hello when it is sent again.
    let mut pair = saying(0, vec![piece(len, 0, 0, half, 1)]);
    pair.run(Duration::from_secs(10));
    assert!(pair.transport.is_connected());
    // Byte by byte and backwards it is still the client's hello.
    let backwards = (0..hello.len())
        .rev()
        .step_by(40)
        .map(|to| piece(len, 0, to.saturating_sub(39), to + 1, to as u64));
    let mut pair = saying(0, backwards.collect());
    pair.run(Duration::from_secs(10));
    assert_ne!(pair.lost(), Some(LostReason::Fault));
}

/// The memory of this process that is in use, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("a system with /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.expect("it says so") * 1024
}

#[test]
#[cfg(target_os = "linux")]
fn d4_pieces_of_messages_take_64_kibibytes_of_a_peer_at_most() {
    const PEERS: usize = 200;
    const ALONE: &str = "HST_TEST_ALONE";
    // What other tests of this program take at the same time must not count, so it is measured in one of its own.
    if env::var_os(ALONE).is_none() {
        let name = "transport::tests::handshake::d4_pieces_of_messages_take_64_kibibytes_of_a_peer_at_most";
        let program = env::current_exe().expect("a test is a program");
        let mut alone = Command::new(program);
        let output = alone
            .args(["--exact", name])
            .env(ALONE, "1")
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let hello = said()[0][RECORD + MESSAGE..].to_vec();
    let piece = |kind, total, seq: u32, offset, number| {
        let body = vec![0x5a; 1_100];
        record(HANDSHAKE, 0, number, &fragment(kind, total, seq as u16, offset, &body))
    };
    let mut peers: Vec<Pair> = (0..PEERS).map(|_| Pair::new()).collect();
    // Whatever is taken once a program and once a peer is taken before.
    for pair in &mut peers {
        pair.passes = is_stun;
        pair.run(Duration::from_millis(100));
        let half = &hello[..hello.len() / 2];
        pair.receive(&record(
            HANDSHAKE,
            0,
            0,
            &fragment(CLIENT_HELLO, hello.len() as u32, 0, 0, half),
        ));
    }
    let before = resident();
    for pair in &mut peers {
        for at in 0..1_000 {
            // Pieces of one endless message, of messages to come, and of many kinds and lengths.
            pair.receive(&piece(CLIENT_HELLO, 0xff_ffff, 0, 1_100 * at, u64::from(at) + 1));
            pair.receive(&piece(CERTIFICATE, 0xff_ffff, at, 0, u64::from(at) + 10_000));
            pair.receive(&piece(at as u8, 2_000 + at, at % 7, 900, u64::from(at) + 20_000));
        }
    }
    let each = resident().saturating_sub(before) / PEERS;
    assert!(each <= 64 * 1024, "{each} bytes a peer");
    assert!(peers.iter().all(|pair| pair.lost() != Some(LostReason::Fault)));
}

#[test]
fn d8_without_a_proof_that_the_key_is_the_clients_nobody_is_connected() {
    let mut pair = Pair::new();
    let mut removed = 0;
    let count = Rc::new(RefCell::new(0));
    let copy = count.clone();
    pair.meddle = Box::new(move |way, bytes| {
        if way == Way::ToClient || !is_dtls(&bytes) {
            return vec![bytes];
        }
        let (proofs, others): (Vec<_>, Vec<_>) = records(&bytes)
            .into_iter()
            .partition(|record| is_message(record, CERTIFICATE_VERIFY));
        removed += proofs.len();
        *copy.borrow_mut() = removed;
        vec![others.concat()]
    });
    pair.run(Duration::from_secs(60));
    assert!(*count.borrow() > 0);
    assert!(matches!(
        pair.lost(),
        Some(LostReason::NeverConnected | LostReason::Failed)
    ));
    assert!(!pair.transport.is_connected());
}

#[test]
fn d8_d11_what_is_not_signed_is_dropped_after_the_handshake() {
    let mut pair = Pair::connected();
    for epoch in [0, 1, 2, u16::MAX] {
        for number in [0, 1, 100, 1 << 47] {
            for level in [0, 1, 2, 255] {
                for description in 0..=255 {
                    pair.receive(&record(ALERT, epoch, number, &[level, description]));
                }
            }
            pair.receive(&record(APPLICATION_DATA, epoch, number, &[1; 100]));
            pair.receive(&record(20, epoch, number, &[1]));
            pair.receive(&record(HANDSHAKE, epoch, number, &[0; 40]));
        }
    }
    pair.goes_on_at(1);
}

#[test]
fn d10_nonces_are_the_numbers_of_their_records() {
    let nonces = Rc::new(RefCell::new(Vec::new()));
    let mut all = 0;
    for _ in 0..300 {
        let mut pair = Pair::new();
        let copy = nonces.clone();
        pair.meddle = Box::new(move |way, bytes| {
            if way == Way::ToServer || !is_dtls(&bytes) {
                return vec![bytes];
            }
            // The last flight is lost four times, so that it is sent again.
            let sealed = records(&bytes).into_iter().filter(|it| it[3..5] == [0, 1]);
            let mut nonces = copy.borrow_mut();
            nonces.extend(sealed.map(|it| (it[3..11].to_vec(), it[RECORD..RECORD + 8].to_vec())));
            if (1..5).contains(&nonces.len()) {
                vec![]
            } else {
                vec![bytes]
            }
        });
        pair.run(Duration::from_secs(40));
        pair.transport.close(pair.now, &mut pair.outbox);
        pair.exchange();
        let sent = nonces.take();
        assert!(sent.len() > 1, "{sent:?}");
        let is_counted = sent.is_sorted_by(|(one, _), (next, _)| one < next);
        assert!(
            is_counted && sent.iter().all(|(number, nonce)| number == nonce),
            "{sent:?}"
        );
        all += sent.len();
    }
    assert!(all > 1_000, "{all}");
}

#[test]
fn d10_a_connection_seals_few_records_however_often_it_is_asked_for_them() {
    let (mut pair, said) = overheard();
    let mut sealed = 0;
    for round in 0..10_000_u64 {
        for datagram in &said {
            let mut datagram = datagram.clone();
            pair.receive(&datagram);
            // The same under a number that has not come yet.
            datagram[5..11].copy_from_slice(&(round + 1_000).to_be_bytes()[2..]);
            pair.receive(&datagram);
        }
        pair.now += Duration::from_millis(1);
        let sent = pair.outbox.take().into_iter().filter(|(_, bytes)| is_dtls(bytes));
        let sent = sent.flat_map(|(_, bytes)| records(&bytes));
        sealed += sent.filter(|record| record[3..5] == [0, 1]).count();
    }
    assert!(sealed < 100, "{sealed}");
    assert_eq!(pair.lost(), None);
}

#[test]
fn d12_with_four_of_ten_datagrams_lost_both_ways_a_handshake_takes_ten_seconds_at_most() {
    const ALL: u64 = 1_000;
    // Which datagrams there are depends on keys that are drawn anew each time, so that it is never the same number. Of those whose
    // checks get through one in 400 takes longer; where checks are lost on, too, one in 150, and that is the client's own affair.
    for (are_checks_lost, may_be_late) in [(false, ALL / 100), (true, ALL / 50)] {
        let late = (0..ALL).filter(|seed| is_late(*seed, are_checks_lost)).count() as u64;
        assert!(late <= may_be_late, "{late} of {ALL}");
    }
}

/// Whether a handshake that has begun under loss is not done ten seconds later.
fn is_late(seed: u64, are_checks_lost: bool) -> bool {
    let mut pair = Pair::offering(
        |mut config| {
            // As those of browsers and of our engines, its checks take losses.
            config.set_max_stun_rto(Duration::from_secs(1));
            config.set_max_stun_retransmits(24);
            config
        },
        |sdp| sdp,
    );
    let mut dice = StdRng::seed_from_u64(seed);
    let has_begun = Rc::new(RefCell::new(false));
    let copy = has_begun.clone();
    pair.meddle = Box::new(move |_, bytes| {
        *copy.borrow_mut() |= is_dtls(&bytes);
        let may_be_lost = is_dtls(&bytes) || are_checks_lost || !*copy.borrow();
        if may_be_lost && dice.random_bool(0.4) {
            vec![]
        } else {
            vec![bytes]
        }
    });
    // How soon a client finds its path is its own affair.
    while !*has_begun.borrow() && pair.lost().is_none() {
        let next = pair.now + Duration::from_millis(10);
        pair.run(Duration::from_millis(10));
        pair.now = next;
    }
    pair.run(Duration::from_secs(10));
    *has_begun.borrow() && !pair.transport.is_connected()
}

#[test]
fn d13_only_strong_profiles_and_versions_are_agreed_upon() {
    let mut pair = Pair::connected();
    let agreed = spy::agreed().expect("connected");
    let strong = [
        SrtpProfile::AEAD_AES_256_GCM,
        SrtpProfile::AEAD_AES_128_GCM,
        SrtpProfile::AES128_CM_SHA1_80,
    ];
    assert!(strong.contains(&agreed.profile) && agreed.version == Some(ProtocolVersion::DTLS1_2));
    // A handshake that begins anew is not begun.
    for number in 0..100 {
        let mut again = said()[0].clone();
        again[10] = number;
        pair.receive(&again);
        again[RECORD + 5] = number;
        pair.receive(&again);
    }
    pair.goes_on_at(1);
}

#[test]
fn d13_a_hello_that_has_only_what_is_weak_leads_nowhere() {
    let hello = said().swap_remove(0);
    let replaced = |from: &[u8], to: &[u8]| {
        let at = hello.windows(from.len()).position(|it| it == from).expect("it says so");
        let mut hello = hello.clone();
        hello[at..at + to.len()].copy_from_slice(to);
        hello
    };
    let suites = RECORD + MESSAGE + 2 + 32 + 1 + hello[RECORD + MESSAGE + 34] as usize + 1;
    let count = usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]])) / 2;
    let mut weak_suites = hello.clone();
    // TLS_RSA_WITH_NULL_SHA, and nothing else.
    weak_suites[suites + 2..suites + 2 + 2 * count].copy_from_slice(&[0, 2].repeat(count));
    let mut old = hello.clone();
    // DTLS 1.0.
    old[RECORD + MESSAGE + 1] = 0xff;
    // The profiles with 32 bits of signature and without encryption (RFC 5764 section 4.1.2), in use_srtp.
    let weak_profiles = replaced(&[0, 6, 0, 8, 0, 7, 0, 1], &[0, 6, 0, 2, 0, 5, 0, 6]);
    for weak in [weak_suites, old, weak_profiles, null_hello()] {
        let answered = Rc::new(RefCell::new(Vec::new()));
        let mut pair = Pair::new();
        let (copy, mut weak) = (answered.clone(), Some(weak));
        pair.meddle = Box::new(move |way, bytes| match way {
            Way::ToServer if is_dtls(&bytes) => weak.take().into_iter().collect(),
            Way::ToClient if is_dtls(&bytes) => {
                copy.borrow_mut().extend(records(&bytes));
                vec![]
            }
            _ => vec![bytes],
        });
        pair.run(Duration::from_secs(60));
        let use_srtp = [0, 14, 0, 5, 0, 2, 0];
        let agrees = |it: &Vec<u8>| is_message(it, SERVER_HELLO) && it.windows(7).any(|part| part == use_srtp);
        assert!(!answered.borrow().iter().any(agrees), "{answered:x?}");
        assert!(matches!(
            pair.lost(),
            Some(LostReason::NeverConnected | LostReason::Failed)
        ));
    }
}
