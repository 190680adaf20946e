//! Publishers who protect their pictures, and receivers who compute what is lost of them.

use super::*;

const CAMERA_RATES: [u32; 3] = [150_000, 500_000, 1_300_000];
const LENGTH: Duration = Duration::from_secs(20);
/// The publisher sends a sum of so many packets.
const OF: usize = 3;
/// The share that is lost on the way to the receiver.
const LOST: f64 = 0.1;
/// What a network carries in which the large pictures do not fit, in bits in a second.
const NARROW: u64 = 500_000;
const PICTURE: Duration = Duration::from_millis(1000 / client::PICTURES as u64);

const PROTECTS: Repair = Repair {
    offers: true,
    protects: Some(OF),
    computes: false,
};
const COMPUTES: Repair = Repair {
    offers: true,
    protects: None,
    computes: true,
};
/// He does not, in fact: he has not said that he can.
const TAKES_NOTHING: Repair = Repair {
    offers: false,
    ..COMPUTES
};
const NOTHING: Repair = Repair {
    offers: false,
    protects: None,
    computes: false,
};

/// What a receiver made of a call.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// Packets that were computed, and those that came when they had been asked for.
    computed: usize,
    again: usize,
    /// Packets that protect others.
    repairs: usize,
    /// Pictures by their size.
    shown: [usize; 3],
    freeze: Duration,
    /// How much later than the quickest one a picture was shown, on average.
    late: Duration,
}

/// A call of two, in which the network to the receiver is made worse when everything is well.
fn call(seed: u64, repair: [Repair; 2], delay: Duration, worsen: impl Fn(&mut Link)) -> Figures {
    call_in(World::new(seed), repair, delay, |world| {
        worsen(&mut world.clients[1].down)
    })
}

fn call_in(
    mut world: World,
    [publisher, receiver]: [Repair; 2],
    delay: Duration,
    worsen: impl Fn(&mut World),
) -> Figures {
    let begun = world.now;
    let camera = Role::Publish(CAMERA_RATES.to_vec(), Some(2));
    world.join_with(camera, publisher, steady);
    let at = world.join_with(Role::Receive, receiver, with_red);
    for link in world.clients[at].links() {
        link.delay = delay;
    }
    world.run(START);
    worsen(&mut world);
    let (from, before) = (
        world.now,
        world.clients[at].rescue.as_ref().map(|rescue| rescue.repairs),
    );
    world.run(LENGTH);
    let shown = world.shown(at, from);
    let Client {
        screen, asker, rescue, ..
    } = &world.clients[at];
    let rescue = rescue.as_ref().expect("it reads along");
    let shown_since = screen.shown.iter().filter(|(at, ..)| *at >= from);
    let took =
        |&(at, number, _): &(Instant, u32, u8)| (at - begun).as_secs_f64() - f64::from(number) * PICTURE.as_secs_f64();
    let took: Vec<_> = shown_since.map(took).collect();
    let quickest = took.iter().copied().fold(f64::MAX, f64::min);
    let late = took.iter().map(|took| took - quickest).sum::<f64>() / took.len() as f64;
    Figures {
        computed: rescue.computed,
        again: asker.recovered() as usize,
        repairs: rescue.repairs - before.unwrap_or_default(),
        shown,
        freeze: screen.longest_freeze(from, world.now),
        late: Duration::from_secs_f64(late),
    }
}

fn calls(repair: [Repair; 2], delay: Duration, worsen: impl Fn(&mut Link) + Copy) -> [Figures; CALLS] {
    [1, 2, 3, 4, 5].map(|seed| call(seed, repair, delay, worsen))
}

fn lossy(link: &mut Link) {
    link.loss = Loss::Random(LOST);
}

#[test]
fn most_of_what_is_lost_is_computed_and_pictures_are_no_smaller_for_it() {
    let with = calls([PROTECTS, COMPUTES], DELAY, lossy);
    let without = calls([NOTHING, COMPUTES], DELAY, lossy);
    for (with, without) in with.iter().zip(&without) {
        println!("{with:?}\n    {without:?}");
        assert!(with.repairs > 800, "{with:?}");
        assert!(with.computed > 3 * with.again / 2, "{with:?}");
        assert!(
            with.shown[2] > 490 && with.shown[..2] == [0, 0],
            "{with:?}, {without:?}"
        );
        assert_eq!((without.repairs, without.computed), (0, 0), "nobody protects anything");
    }
    let [with, without] = [with, without].map(|calls| {
        let freeze = median(calls.map(|it| it.freeze), Duration::cmp);
        (freeze, median(calls.map(|it| it.late), Duration::cmp))
    });
    // What no sum covers is sent again as without: a matter of a round trip or two.
    assert!(
        with.0 <= Duration::from_millis(300),
        "{with:?} with it, {without:?} without"
    );
    assert!(with.1 * 2 < without.1, "{with:?} with it, {without:?} without");
}

/// A call in which the receiver is on another thread, or at another node that speaks this version of links. As long as his network is
/// narrow, the large pictures do not cross, and those behind them are numbered anew.
fn call_between(seed: u64, version: Option<u16>) -> Figures {
    let mut world = World::new(seed);
    world.spread(version);
    let worsen = |world: &mut World| {
        world.clients[1].down.rate = Some(NARROW);
        world.run(START);
        world.clients[1].down.rate = None;
        world.run(2 * START);
        lossy(&mut world.clients[1].down);
    };
    call_in(world, [PROTECTS, COMPUTES], DELAY, worsen)
}

#[test]
fn who_receives_on_another_thread_or_at_another_node_has_what_he_gets_protected_too() {
    for (seed, version) in [(1, None), (2, None), (1, Some(3)), (2, Some(3))] {
        let figures = call_between(seed, version);
        println!("{version:?}: {figures:?}");
        assert!(figures.repairs > 800, "{figures:?}");
        assert!(figures.computed > 3 * figures.again / 2, "{figures:?}");
        assert!(figures.shown[2] > 490, "{figures:?}");
    }
}

#[test]
fn a_node_of_the_release_before_is_told_nothing_of_it_and_asks_for_what_is_lost() {
    let figures = call_between(1, Some(2));
    println!("{figures:?}");
    assert_eq!((figures.repairs, figures.computed), (0, 0), "{figures:?}");
    assert!(figures.again > 100 && figures.shown[2] > 450, "{figures:?}");
}

#[test]
fn on_a_long_way_pictures_are_there_sooner() {
    let far = Duration::from_millis(150);
    let repairs = [[PROTECTS, COMPUTES], [NOTHING, COMPUTES]];
    let [with, without] = repairs.map(|repair| calls(repair, far, lossy));
    println!("{with:?}\n{without:?}");
    let [with, without] = [with, without].map(|calls| median(calls.map(|it| it.late), Duration::cmp));
    assert!(with * 3 < without * 2, "{with:?} with it, {without:?} without");
}

#[test]
fn who_has_not_said_that_he_computes_gets_nothing_for_it() {
    let figures = call(1, [PROTECTS, TAKES_NOTHING], DELAY, lossy);
    assert_eq!((figures.repairs, figures.computed), (0, 0), "{figures:?}");
    assert!(figures.again > 100, "{figures:?}");
}

/// The network carries what is sent without protection, more or less; with it, too much is sent.
#[test]
fn what_protects_gives_way_before_the_pictures_do() {
    for rate in [1_550_000, 1_600_000, 1_750_000] {
        let narrow = |link: &mut Link| link.rate = Some(rate);
        let with = call(1, [PROTECTS, COMPUTES], DELAY, narrow);
        let without = call(1, [NOTHING, COMPUTES], DELAY, narrow);
        println!("{rate} {with:?}\n    {without:?}");
        assert!(with.shown[2] + 5 >= without.shown[2], "{rate}: {with:?}, {without:?}");
        assert!(with.freeze <= without.freeze + PICTURE, "{rate}: {with:?}, {without:?}");
        assert!(with.repairs < 300, "{rate}: {with:?}");
    }
}
