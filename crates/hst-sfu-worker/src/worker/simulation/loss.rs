//! What is left of pictures and sound when the network loses packets.

use super::*;

/// For so long packets are lost.
const LENGTH: Duration = Duration::from_secs(40);
/// A camera in three encodings, in bits in a second.
pub(super) const CAMERA_RATES: [u32; 3] = [150_000, 500_000, 1_300_000];
/// How many packets are lost in a row, on average, where they are lost in bursts.
const BURST: f64 = 4.0;

/// What a receiver made of a call.
#[derive(Debug)]
struct Figures {
    /// The share of packets of video that never came.
    video: f64,
    freeze: Duration,
    /// The share of sounds that never came.
    sound: f64,
    /// The longest gap in them.
    gap: Duration,
}

/// How the publisher and the receiver are made.
type Clients = [fn(RtcConfig) -> RtcConfig; 2];
const USUAL: Clients = [with_red; 2];
/// The publisher sends all encodings, whatever his network is taken to carry.
const STEADY: Clients = [steady, with_red];

/// What is usual in calls over networks that lose packets in both directions, the publisher's and the receiver's: each figure is
/// the middle one of five calls. One call is a draw: a keyframe may be lost whole.
fn call(up: Loss, down: Loss, clients: Clients) -> Figures {
    let calls = [1, 2, 3, 4, 5].map(|seed| one_call(seed, up, down, clients));
    let middle = |of: fn(&Figures) -> Duration| median(calls.each_ref().map(of), Duration::cmp);
    let share = |of: fn(&Figures) -> f64| median(calls.each_ref().map(of), f64::total_cmp);
    Figures {
        video: share(|it| it.video),
        freeze: middle(|it| it.freeze),
        sound: share(|it| it.sound),
        gap: middle(|it| it.gap),
    }
}

fn one_call(seed: u64, up: Loss, down: Loss, [publisher, receiver]: Clients) -> Figures {
    let mut world = World::new(seed);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), Some(2)), publisher);
    let receiver = world.join(Role::Receive, receiver);
    world.run(START);
    for (at, loss) in [(publisher, up), (receiver, down)] {
        (world.clients[at].up.loss, world.clients[at].down.loss) = (loss, loss);
    }
    let from = world.now;
    let first = world.clients[receiver].screen.seqs.last().map_or(0, |last| last + 1);
    let first_sound = world.sounds(publisher);
    world.run(LENGTH);
    let Client { screen, ear, .. } = &world.clients[receiver];
    // What has just been sent is still on its way.
    let (sound, gap) = ear.missing(first_sound..world.sounds(publisher) - SOUNDS);
    Figures {
        video: screen.missing(first),
        freeze: screen.longest_freeze(from, world.now),
        sound,
        gap: gap as u32 * Duration::from_secs(1) / SOUNDS,
    }
}

/// With packets, requests and retransmissions lost alike, what is left after three rounds of asking; and half a point.
pub(super) fn video_bound(share: f64) -> f64 {
    share * (1.0 - (1.0 - share).powi(2)).powi(3) + 0.005
}

/// The same on the way to the server, which asks for as long as a second: twelve rounds of what is asked for in time.
fn published_bound(share: f64) -> f64 {
    share * (1.0 - (1.0 - share).powi(2)).powi(12) + 0.005
}

/// Sound that two packets repeat is lost with all three of them; and three points, as chance is not even within 2,000 sounds.
fn sound_bound(share: f64) -> f64 {
    share.powi(3) + 0.03
}

/// Of two networks one after the other.
fn both(one: f64, other: f64) -> f64 {
    1.0 - (1.0 - one) * (1.0 - other)
}

fn assert_within(figures: &Figures, video: f64, freeze: u64, sound: f64, gap: u64) {
    let holds = figures.video <= video
        && figures.freeze <= Duration::from_millis(freeze)
        && figures.sound <= sound
        && figures.gap <= Duration::from_millis(gap);
    assert!(holds, "{figures:?}, not {video:.4}, {freeze} ms, {sound:.4}, {gap} ms");
}

const NONE: Loss = Loss::Random(0.0);

#[test]
fn rows_3_5_and_3_6_random_loss_on_the_way_to_the_receiver() {
    for (share, freeze, gap) in [(0.1, 300, 60), (0.2, 1000, 120), (0.4, 3000, 400)] {
        let figures = call(NONE, Loss::Random(share), USUAL);
        assert_within(&figures, video_bound(share), freeze, sound_bound(share), gap);
    }
}

#[test]
fn rows_3_5_and_3_6_random_loss_on_the_way_to_the_server() {
    for (share, freeze, gap) in [(0.1, 400, 60), (0.2, 700, 120), (0.4, 1500, 400)] {
        let figures = call(Loss::Random(share), NONE, USUAL);
        assert_within(&figures, published_bound(share), freeze, sound_bound(share), gap);
    }
}

#[test]
fn row_3_5_random_loss_on_the_way_to_the_server_of_who_goes_on_with_all_that_he_sends() {
    for (share, freeze) in [(0.1, 400), (0.2, 1000), (0.4, 3000)] {
        let figures = call(Loss::Random(share), NONE, STEADY);
        assert_within(&figures, published_bound(share), freeze, sound_bound(share), 400);
    }
}

#[test]
fn rows_3_5_and_3_6_random_loss_on_both_ways() {
    for (share, freeze, gap) in [(0.1, 500, 100), (0.2, 1000, 200), (0.4, 3000, 500)] {
        let figures = call(Loss::Random(share), Loss::Random(share), USUAL);
        let video = both(published_bound(share), video_bound(share));
        let sound = both(sound_bound(share), sound_bound(share)) + share / 8.0;
        assert_within(&figures, video, freeze, sound, gap);
    }
}

#[test]
fn rows_3_5_and_3_6_loss_in_bursts() {
    for (share, freeze, gap) in [(0.1, 2000, 300), (0.2, 2500, 400), (0.4, 5000, 800)] {
        let figures = call(NONE, Loss::bursts(share, BURST), USUAL);
        // Repeats are lost with what they repeat, where a burst takes both.
        assert_within(&figures, video_bound(share), freeze, share / 2.0, gap);
    }
}

#[test]
fn who_takes_no_redundant_sound_gets_what_the_server_finds_in_it() {
    let figures = call(Loss::Random(0.2), NONE, [with_red, without_red]);
    assert!(figures.sound < sound_bound(0.2), "{figures:?}");
    let figures = call(NONE, Loss::Random(0.2), [with_red, without_red]);
    assert!(figures.sound > 0.1, "nothing repeats it for him: {figures:?}");
}

#[test]
fn r10_a_flood_of_keyframe_requests_reaches_the_publisher_twice_a_second_and_for_one_encoding() {
    let mut world = World::new(1);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), None), with_red);
    let receiver = world.join(Role::Receive, with_red);
    world.run(START);
    world.clients[publisher].keyframe_requests.clear();
    for _ in 0..5_000 {
        world.clients[receiver].ask_for_keyframe();
        world.run(Duration::from_millis(1));
    }
    let requests = &world.clients[publisher].keyframe_requests;
    assert!((9..=11).contains(&requests.len()), "{requests:?}");
    let largest = Some(Rid::from("f"));
    assert!(requests.iter().all(|(_, rid)| *rid == largest), "{requests:?}");
    let apart = requests.windows(2).map(|pair| pair[1].0 - pair[0].0);
    // Datagrams leave in whole milliseconds here.
    assert!(apart.min() >= Some(Duration::from_millis(495)), "{requests:?}");
}

#[test]
#[ignore = "it prints the figures of docs/performance.md"]
fn the_figures_of_sixteen_calls_each() {
    let random = |up, down| (Loss::Random(up), Loss::Random(down));
    let mut networks = Vec::new();
    for share in [0.1, 0.2, 0.4] {
        let bursts = (NONE, Loss::bursts(share, BURST));
        networks.push((format!("{share} to the receiver"), random(0.0, share), USUAL));
        networks.push((format!("{share} to the receiver in bursts"), bursts, USUAL));
        networks.push((format!("{share} to the server"), random(share, 0.0), USUAL));
        networks.push((format!("{share} to the server, steady"), random(share, 0.0), STEADY));
        networks.push((format!("{share} on both ways"), random(share, share), USUAL));
    }
    for (name, (up, down), clients) in networks {
        let calls: Vec<_> = (1..=16).map(|seed| one_call(seed, up, down, clients)).collect();
        let sorted = |of: fn(&Figures) -> f64| {
            let mut all: Vec<_> = calls.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            format!("{:.2}, {:.2}, {:.2}", all[0], all[7], all[15])
        };
        let [video, sound] = [sorted(|it| it.video * 100.0), sorted(|it| it.sound * 100.0)];
        let [freeze, gap] = [sorted(|it| it.freeze.as_secs_f64()), sorted(|it| it.gap.as_secs_f64())];
        println!("{name}: video missing {video} %, freeze {freeze} s, sound missing {sound} %, gap {gap} s");
    }
}
