//! Session descriptions that no browser writes: too large, out of order, with numbers that are none, in every role.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{effort::Effort, *};
use crate::MAX_SDP;

/// So much of a slow machine's time may one description cost. What is quadratic costs more.
const WATCHDOG: Duration = Duration::from_secs(2);
/// And so much one that is too large, however large it is.
const REFUSAL: Duration = Duration::from_millis(20);

/// A good offer of a camera.
fn good() -> String {
    let mut written = String::new();
    let copy = |sdp: String| {
        written.clone_from(&sdp);
        sdp
    };
    Pair::offering(|config| config, copy);
    written
}

/// What a fresh transport makes of this offer, within its time and without a fault of the stack.
fn judge(sdp: &str) -> Result<String, OfferError> {
    let (start, effort) = (Instant::now(), Effort::begin());
    let mut transport = Transport::new(start, own(), RoomId(1), PeerId(1), 1);
    let answered = parse(sdp, &[]).and_then(|offer| transport.negotiate(start, offer));
    let took = effort.so_far();
    assert!(took < WATCHDOG, "{took:?} for {} bytes: {:.200}", sdp.len(), sdp);
    if let Err(OfferError::Malformed { reason }) = &answered {
        assert!(!reason.contains("upsets"), "{reason}: {sdp}");
    }
    answered.map(|(answer, _)| answer.to_sdp_string())
}

/// The offer with this instead of that line.
fn with_line(lines: &[&str], at: usize, instead: &[&str]) -> String {
    let lines = lines[..at].iter().chain(instead).chain(&lines[at + 1..]);
    lines.map(|line| format!("{line}\r\n")).collect()
}

/// Where the first two lines of each kind are.
fn kinds(lines: &[&str]) -> Vec<usize> {
    let kind = |at: usize| lines[at].split([':', ' ']).next();
    let is_early = |at: &usize| (0..*at).filter(|other| kind(*other) == kind(*at)).count() < 2;
    (0..lines.len()).filter(is_early).collect()
}

#[test]
fn p1_what_is_too_large_is_refused_and_what_is_just_not_is_read_in_time() {
    let good = good();
    let media = good.find("m=video").expect("its line");
    let (session, section) = good.split_at(media);
    for large in [
        "x".repeat(1 << 20),
        "a=x\r\n".repeat(100_000 * 2),
        format!("{good}a={}\r\n", "x".repeat(1 << 20)),
        format!("{session}{}", section.repeat(5_000)),
    ] {
        let effort = Effort::begin();
        let refused = parse(&large, &[]).err();
        let took = effort.so_far();
        assert!(matches!(refused, Some(OfferError::TooLarge { .. })));
        assert!(took < REFUSAL, "{took:?}");
    }
    let many = format!("{session}{}", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n".repeat(5_000));
    let effort = Effort::begin();
    let refused = parse(&many, &[]).err();
    let took = effort.so_far();
    assert!(matches!(refused, Some(OfferError::TooManyLines { .. })));
    assert!(took < REFUSAL, "{took:?}");
    // As much of one thing as fits.
    for line in [
        "a=x\r\n",
        "a=rtpmap:100 VP8/90000\r\n",
        "a=fmtp:100 apt=96;a=b\r\n",
        "a=rtcp-fb:100 nack pli\r\n",
        "a=extmap:1 urn:x\r\n",
        "a=rid:a send\r\n",
        "a=simulcast:send a;b\r\n",
        "a=ssrc-group:FID 1 2\r\n",
        "a=fingerprint:sha-256 00:00\r\n",
        "a=candidate:1 1 udp 1 host.local 9 typ host\r\n",
        "a=group:BUNDLE 0 1 2\r\n",
        "a=msid:- t\r\n",
        "a=sctp-port:5000\r\n",
    ] {
        let count = (MAX_SDP - good.len()) / line.len();
        for place in [session.len(), good.len()] {
            let (before, after) = good.split_at(place);
            // Of an offer that is refused for its meaning the time counts, too.
            let _ = judge(&format!("{before}{}{after}", line.repeat(count)));
        }
        let distinct: String = (0..count / 2)
            .map(|it| line.replace("100", &it.to_string()).replace('1', &it.to_string()))
            .collect();
        let room = MAX_SDP - good.len();
        let _ = judge(&format!("{good}{}", &distinct[..room.min(distinct.len())]));
    }
    let wide = good.replacen("SAVPF 96", &format!("SAVPF{}", " 96".repeat(80_000)), 1);
    let _ = judge(&wide);
}

#[test]
fn p2_every_line_empty_missing_twice_and_out_of_order() {
    let good = good();
    let lines: Vec<&str> = good.lines().collect();
    for at in kinds(&lines) {
        let line = lines[at];
        let name = line.split_inclusive([':', '=']).take(2).collect::<String>();
        let name = name.as_str();
        let long = format!("{line} {}", "x".repeat(2_000));
        let long = long.as_str();
        let (head, _) = line.split_at(line.len() / 2);
        for instead in [&[][..], &[name], &[line, line], &[name, line], &[head], &[long], &[""]] {
            let _ = judge(&with_line(&lines, at, instead));
        }
        if let Some(next) = lines.get(at + 1) {
            let mut swapped = lines.clone();
            swapped[at] = next;
            swapped[at + 1] = line;
            let _ = judge(&with_line(&swapped, 0, &[swapped[0]]));
        }
    }
    let mut backwards = lines;
    backwards.reverse();
    assert!(judge(&with_line(&backwards, 0, &[backwards[0]])).is_err());
}

#[test]
fn p3_every_number_below_above_and_beyond() {
    let good = good();
    let lines: Vec<&str> = good.lines().collect();
    for at in kinds(&lines) {
        let line = lines[at];
        let is_digit = |(_, letter): &(usize, char)| letter.is_ascii_digit();
        let digits: Vec<usize> = line.char_indices().filter(is_digit).map(|(place, _)| place).collect();
        let begins: Vec<usize> = digits
            .iter()
            .copied()
            .filter(|place| *place == 0 || !digits.contains(&(place - 1)))
            .collect();
        for begin in begins.into_iter().take(4) {
            let end = (begin..line.len())
                .find(|place| !digits.contains(place))
                .unwrap_or(line.len());
            for number in [
                "-1",
                "0",
                "128",
                "256",
                "65536",
                "4294967296",
                "18446744073709551616",
                "000096",
                "9.5",
                "",
            ] {
                let instead = [&line[..begin], number, &line[end..]].concat();
                let _ = judge(&with_line(&lines, at, &[&instead]));
            }
        }
    }
}

#[test]
fn p4_nobody_is_called_for_a_candidate() {
    let candidates: String = (0..2_000)
        .map(|number| {
            let host = [
                "host.local",
                "example.com",
                "127.0.0.1",
                "10.0.0.1",
                "::1",
                "169.254.169.254",
            ][number % 6];
            format!("a=candidate:{number} 1 udp 2130706431 {host} 9 typ host\r\n")
        })
        .collect();
    let mut pair = Pair::offering(|config| config, |sdp| sdp + &candidates + "a=end-of-candidates\r\n");
    for _ in 0..100 {
        pair.now += Duration::from_millis(100);
        pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
        assert_eq!(pair.outbox.take(), [], "ICE lite answers and never asks");
    }
    pair.run(Duration::from_secs(2));
    assert!(pair.transport.is_connected(), "the client is found by its own checks");
}

#[test]
fn p5_whatever_is_offered_and_taken_back_is_answered_or_refused_whole() {
    for seed in 0..60 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut pair = Pair::connected();
        let mut mids = vec![pair.camera];
        // A restart that was answered has begun: who takes it back restarts again.
        let mut owes_restart = false;
        for step in 0..12 {
            let mut api = pair.client.sdp_api();
            let is_withdrawn = dice.random_bool(0.2);
            let choice = if owes_restart { 3 } else { dice.random_range(0..4) };
            match choice {
                0 => {
                    let direction = [Direction::SendOnly, Direction::RecvOnly, Direction::SendRecv];
                    let kind = if dice.random() {
                        MediaKind::Video
                    } else {
                        MediaKind::Audio
                    };
                    mids.push(api.add_media(kind, direction[dice.random_range(0..3)], None, None, None));
                }
                1 => {
                    let direction = [Direction::Inactive, Direction::SendOnly, Direction::RecvOnly];
                    api.set_direction(
                        mids[dice.random_range(0..mids.len())],
                        direction[dice.random_range(0..3)],
                    );
                }
                2 => api.stop_media(mids[dice.random_range(0..mids.len())]),
                _ => _ = api.ice_restart(true),
            }
            let Some((offer, pending)) = api.apply() else { continue };
            let offer = parse(&offer.to_sdp_string(), &[]).expect("readable");
            let reaches = !is_withdrawn || dice.random();
            owes_restart = is_withdrawn && (owes_restart || reaches && choice == 3);
            let answered = reaches.then(|| pair.transport.negotiate(pair.now, offer));
            match answered {
                Some(Ok((answer, _))) if !is_withdrawn => pair.accept(pending, &answer.to_sdp_string()),
                Some(Err(OfferError::Malformed { reason })) => {
                    assert!(!reason.contains("upsets"), "seed {seed}, step {step}: {reason}");
                    break;
                }
                Some(Err(error)) => panic!("seed {seed}, step {step}: {error}"),
                // The client has taken it back: its lines are not there, and their names may come again.
                _ => mids.retain(|mid| pair.client.media(*mid).is_some()),
            }
            if mids.is_empty() {
                break;
            }
            pair.run(Duration::from_millis(50));
            assert_ne!(pair.lost(), Some(LostReason::Fault), "seed {seed}, step {step}");
        }
    }
}

#[test]
fn p6_every_role_and_place_of_what_secures_a_connection() {
    let fingerprint = |sdp: &str| {
        sdp.lines()
            .find(|line| line.starts_with("a=fingerprint:"))
            .expect("one")
            .to_owned()
    };
    let strip = |sdp: &str, name: &str| -> String {
        sdp.lines()
            .filter(|line| !line.starts_with(name))
            .map(|line| format!("{line}\r\n"))
            .collect()
    };
    let in_session = |sdp: &str, line: &str| sdp.replacen("m=", &format!("{line}\r\nm="), 1);
    let setup = |sdp: &str, role: &str| in_session(&strip(sdp, "a=setup:"), &format!("a=setup:{role}"));
    type Change<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, Change<'_>, bool); 9] = [
        ("either role", &|sdp| setup(sdp, "actpass"), true),
        ("the client calls", &|sdp| setup(sdp, "active"), true),
        (
            "in the session",
            &|sdp| in_session(&strip(sdp, "a=fingerprint:"), &fingerprint(sdp)),
            true,
        ),
        (
            "in the section",
            &|sdp| strip(sdp, "a=fingerprint:") + &fingerprint(sdp) + "\r\n",
            true,
        ),
        ("no fingerprint", &|sdp| strip(sdp, "a=fingerprint:"), false),
        ("no password", &|sdp| strip(sdp, "a=ice-pwd:"), false),
        ("no name", &|sdp| strip(sdp, "a=ice-ufrag:"), false),
        ("a role that is none is passed over", &|sdp| setup(sdp, "nobody"), true),
        ("both are lite", &|sdp| in_session(sdp, "a=ice-lite"), false),
    ];
    for (what, change, connects) in cases {
        let Ok(mut pair) = Pair::refusable(|config| config, |sdp| change(&sdp)) else {
            assert!(!connects, "{what} is refused");
            continue;
        };
        pair.run(Duration::from_secs(25));
        assert_eq!(pair.transport.is_connected(), connects, "{what}");
        assert_ne!(pair.lost(), Some(LostReason::Fault), "{what}");
    }
}

#[test]
fn what_is_played_in_step_is_of_one_stream_and_everything_else_goes_by_itself() {
    let mut pair = Pair::connected();
    let mut api = pair.client.sdp_api();
    let kinds = [MediaKind::Audio, MediaKind::Video, MediaKind::Video, MediaKind::Audio];
    let mids = kinds.map(|kind| api.add_media(kind, Direction::RecvOnly, None, None, None));
    let (offer, _) = api.apply().expect("an offer");
    let mut lines: Vec<_> = (2..)
        .zip(mids)
        .map(|(track, mid)| Line::new(mid.to_string(), LineRole::Receive { track: TrackId(track) }))
        .collect();
    lines[0].stream = Some(7);
    lines[1].stream = Some(7);
    let offer = parse(&offer.to_sdp_string(), &lines).expect("readable");
    let (answer, _) = pair.transport.negotiate(pair.now, offer).expect("an answer");
    let answer = answer.to_sdp_string();
    let streams = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=msid:")?.split(' ').next());
    let streams: Vec<_> = streams.collect();
    assert_eq!(streams.len(), 4, "{answer}");
    assert!(
        streams[0] == streams[1] && streams[1] != streams[2] && streams[2] != streams[3],
        "{streams:?}"
    );
}

#[test]
fn each_answer_is_a_newer_version_of_the_same_description() {
    let mut pair = Pair::connected();
    let origins = [1, 2].map(|_| {
        let mut api = pair.client.sdp_api();
        api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let (offer, pending) = api.apply().expect("an offer");
        let offer = parse(&offer.to_sdp_string(), &[]).expect("readable");
        let (answer, _) = pair.transport.negotiate(pair.now, offer).expect("an answer");
        let answer = answer.to_sdp_string();
        pair.accept(pending, &answer);
        let origin = answer
            .lines()
            .find_map(|line| line.strip_prefix("o=- "))
            .expect("an origin");
        origin
            .split(' ')
            .take(2)
            .map(|it| it.parse().expect("a number"))
            .collect::<Vec<u64>>()
    });
    assert_eq!((origins[0][0], origins[0][1] + 1), (origins[1][0], origins[1][1]));
}
