use super::*;
use crate::sound::signal::Dice;

/// The packet of 20 ms number `at`; its bytes are its number.
fn packet(at: u32) -> Frame {
    Frame {
        data: at.to_be_bytes().to_vec().into(),
        time: STEP * at,
        duration: STEP,
        keyframe: true,
        level: None,
    }
}

fn number(data: &Bytes) -> u32 {
    u32::from_be_bytes(data[..].try_into().unwrap())
}

/// What came of a call.
#[derive(Debug, Default)]
struct Heard {
    played: Vec<u32>,
    copied: u32,
    invented: u32,
    squeezed: u32,
    silent: u32,
    /// The delay of each packet, from when it was sent until it was played.
    delays: Vec<Duration>,
}

/// A call in virtual time: `arrivals` are packets and when they come; a step is played every 20 ms until `end`.
fn call(mut arrivals: Vec<(Duration, u32)>, end: Duration) -> Heard {
    arrivals.sort();
    let mut arrivals = arrivals.into_iter().peekable();
    let (mut jitter, mut heard, mut now) = (Jitter::default(), Heard::default(), Duration::ZERO);
    while now < end {
        while let Some((at, which)) = arrivals.next_if(|(at, _)| *at <= now) {
            jitter.push(packet(which), at);
        }
        let mut played = |data: &Bytes| {
            heard.played.push(number(data));
            heard.delays.push(now.saturating_sub(STEP * number(data)));
        };
        match jitter.pull() {
            Next::Packet(data) => played(&data),
            Next::Both(first, second) => {
                played(&first);
                played(&second);
                heard.squeezed += 1;
            }
            Next::Lost(Some(_)) => heard.copied += 1,
            Next::Lost(None) => heard.invented += 1,
            Next::Silence => heard.silent += 1,
        }
        assert!(jitter.waiting.len() <= MAX_WAITING);
        now += STEP;
    }
    heard
}

/// Sent every 20 ms, each comes after at least 30 ms and at most `jitter` more; one in `lost` of a hundred never.
fn network(seed: u64, packets: u32, jitter: Duration, lost: f32) -> Vec<(Duration, u32)> {
    let mut dice = Dice::new(seed);
    (0..packets)
        .filter_map(|at| {
            let late = Duration::from_millis(30) + jitter.mul_f32(dice.unit());
            (dice.unit() * 100.0 >= lost).then_some((STEP * at + late, at))
        })
        .collect()
}

#[test]
fn over_an_even_network_everything_is_played_in_order_with_little_delay() {
    let heard = call(network(1, 500, Duration::ZERO, 0.0), Duration::from_secs(11));
    assert_eq!(heard.played, (0..500).collect::<Vec<_>>());
    assert!(
        heard.delays.iter().all(|delay| *delay <= Duration::from_millis(80)),
        "{heard:?}"
    );
}

#[test]
fn whatever_order_packets_come_in_they_are_played_in_theirs_and_the_delay_follows_the_jitter() {
    for seed in 0..20 {
        let heard = call(
            network(seed, 1_500, Duration::from_millis(90), 0.0),
            Duration::from_secs(31),
        );
        assert!(heard.played.is_sorted_by(|a, b| a < b), "seed {seed}: out of order");
        assert!(
            heard.played.len() > 1_480,
            "seed {seed}: only {} were played",
            heard.played.len()
        );
        let settled = &heard.delays[200..];
        let (least, most) = (settled.iter().min().unwrap(), settled.iter().max().unwrap());
        assert!(*least >= Duration::from_millis(100), "seed {seed}: {least:?}");
        assert!(*most <= Duration::from_millis(240), "seed {seed}: {most:?}");
    }
}

#[test]
fn a_lost_packet_is_taken_from_the_copy_in_the_next_one_and_nothing_is_played_twice() {
    for seed in 0..20 {
        let arrivals = network(seed, 1_500, Duration::from_millis(40), 5.0);
        let came = arrivals.len() as u32;
        let heard = call(arrivals, Duration::from_secs(31));
        assert!(heard.played.is_sorted_by(|a, b| a < b), "seed {seed}");
        assert!(
            heard.played.len() as u32 + 15 > came,
            "seed {seed}: {} of {came}",
            heard.played.len()
        );
        let lost = 1_500 - came;
        assert!(
            heard.copied * 10 > lost * 8,
            "seed {seed}: {} copies for {lost} lost",
            heard.copied
        );
    }
}

#[test]
fn a_burst_makes_the_delay_grow_and_quiet_makes_it_shrink_again() {
    // A second in, the network stops for 150 ms and then brings all at once.
    let stop = Duration::from_millis(1_000)..Duration::from_millis(1_150);
    let late = |at: Duration| if stop.contains(&at) { stop.end } else { at };
    let arrivals = (0..1_000).map(|at| (late(STEP * at), at)).collect();
    let heard = call(arrivals, Duration::from_secs(21));
    assert_eq!(heard.played, (0..1_000).collect::<Vec<_>>(), "nothing is thrown away");
    let at = |time: Duration| heard.delays[(time.as_millis() / 20) as usize];
    assert!(
        at(Duration::from_millis(1_500)) >= Duration::from_millis(140),
        "{heard:?}"
    );
    assert!(heard.squeezed > 0);
    assert!(at(Duration::from_secs(19)) <= Duration::from_millis(80), "{heard:?}");
}

#[test]
fn a_sender_whose_clock_is_fast_or_slow_is_followed_for_an_hour() {
    for rate in [0.9995, 1.0005] {
        let packets = 180_000;
        let arrivals = (0..packets).map(|at| ((STEP * at).mul_f64(rate), at)).collect();
        let heard = call(arrivals, Duration::from_secs(3_600));
        let drift = 1_800 / 20;
        assert!(
            heard.squeezed.max(heard.invented) < drift + 10,
            "{rate}: {} {}",
            heard.squeezed,
            heard.invented
        );
        assert!(
            heard.played.len() as u32 > packets - drift - 20,
            "{rate}: {}",
            heard.played.len()
        );
    }
}

#[test]
fn who_is_silent_and_speaks_again_is_heard_from_his_first_word_on() {
    let pause = Duration::from_secs(3);
    let mut arrivals: Vec<_> = (0..100).map(|at| (STEP * at, at)).collect();
    arrivals.extend((100..200).map(|at| (STEP * at + pause, at + 150)));
    let heard = call(arrivals, Duration::from_secs(8));
    assert_eq!(heard.played, (0..100).chain(250..350).collect::<Vec<_>>());
    // 200 ms behind each of his last words.
    assert!(heard.invented <= 20, "{} were invented", heard.invented);
}

#[test]
fn a_new_stream_in_the_place_of_an_old_one_is_played() {
    let mut jitter = Jitter::default();
    let mut played = 0;
    for (start, first) in [(Duration::ZERO, 9_000), (Duration::from_secs(2), 0)] {
        for at in 0..50 {
            jitter.push(packet(first + at), start + STEP * at);
            played += u32::from(matches!(jitter.pull(), Next::Packet(_)));
        }
    }
    assert!(played >= 94, "{played} of 100");
}

#[test]
fn a_flood_is_bounded_and_plays_on() {
    let mut jitter = Jitter::default();
    for at in 0..10_000 {
        jitter.push(packet(at), Duration::ZERO);
        assert!(jitter.waiting.len() <= MAX_WAITING);
    }
    assert!(matches!(jitter.pull(), Next::Packet(_)));
}
