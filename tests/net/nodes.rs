//! A platform of three nodes, each on a host of its own, of which one is killed, hangs, or loses its network, while people talk
//! by all three.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use crate::{
    people::{Person, within},
    platform::{NATS, Platform},
};

/// By when a group accepts again whose home is gone.
const ACCEPTS: Duration = Duration::from_secs(10);
/// By when everything works again that waits for NATS.
const BACK: Duration = Duration::from_secs(5);

struct Scene {
    platform: Platform,
    /// Comes by the node that is about to fail, and is the first: that node is the home of the group.
    first: Person,
    ann: Person,
    bob: Person,
}

impl Scene {
    async fn set() -> Option<Self> {
        let platform = match Platform::of(3).await {
            Ok(platform) => platform,
            Err(why) => {
                let _ = writeln!(
                    io::stderr(),
                    "SKIPPED: this test makes network namespaces, as root. {why}"
                );
                return None;
            }
        };
        let mut first = Person::come("first", 1, 3).await;
        let mut ann = Person::come("ann", 2, 3).await;
        let mut bob = Person::come("bob", 3, 3).await;
        [&mut first, &mut ann, &mut bob]
            .into_iter()
            .for_each(Person::begin_to_talk);
        let scene = Self {
            platform,
            first,
            ann,
            bob,
        };
        scene.all_talk().await;
        Some(scene)
    }

    async fn all_talk(&self) {
        let Self { first, ann, bob, .. } = self;
        tokio::join!(
            first.talks_with([ann, bob]),
            ann.talks_with([first, bob]),
            bob.talks_with([first, ann])
        );
    }

    /// Waits until the others see the first one leave.
    async fn sees_him_leave(&self) {
        self.ann.until("the news", |book| book.left.contains_key("first")).await;
    }

    /// Waits until the others talk with each other, whose group may have lost its home at that moment.
    async fn goes_on(&self, since: Instant, what: &str) {
        tokio::join!(self.ann.talks_with([&self.bob]), self.bob.talks_with([&self.ann]));
        let gone = since.elapsed();
        let _ = writeln!(io::stderr(), "{what}: the group goes on after {gone:?}");
        assert!(gone < ACCEPTS, "{gone:?}");
    }

    /// Waits until all three are together again, and looks what each has heard.
    async fn ends_well(mut self) {
        self.first.until("the group", |book| book.others.len() == 2).await;
        self.ann
            .until("who was away", |book| book.others.contains("first"))
            .await;
        self.all_talk().await;
        let Self { first, ann, bob, .. } = &mut self;
        first.falls_silent_before(&[ann, bob]).await;
        ann.falls_silent_before(&[bob]).await;
        bob.falls_silent_before(&[ann]).await;
        ann.has_heard_all_of(&[bob]);
        bob.has_heard_all_of(&[ann]);
        first.has_heard_all_of(&[]);
        for person in [&*first, ann, bob] {
            assert_eq!(person.book().ended, None);
        }
        for stayed in [&*ann, bob] {
            let left = stayed.book().left;
            assert!(
                left.keys().all(|who| who == "first"),
                "nobody else was disturbed: {left:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_by_a_node_that_is_killed_is_back_by_another_and_nothing_acknowledged_is_lost() {
    let Some(mut scene) = Scene::set().await else { return };
    let since = Instant::now();
    scene.platform.kill(1).await;
    // He may be back before anybody has seen him leave.
    scene.goes_on(since, "a node is killed").await;
    scene.platform.restart(1).await;
    scene.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_is_given_up_and_changes_nothing_when_it_goes_on() {
    let Some(scene) = Scene::set().await else { return };
    let since = Instant::now();
    scene.platform.hang(1).await;
    scene.sees_him_leave().await;
    scene.goes_on(since, "a node hangs").await;
    scene.platform.go_on(1).await;
    scene.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_network_is_given_up_and_takes_its_place_again_when_it_is_back() {
    let Some(scene) = Scene::set().await else { return };
    let since = Instant::now();
    scene.platform.lan.cut(1);
    scene.sees_him_leave().await;
    scene.goes_on(since, "a node is cut off").await;
    scene.platform.lan.mend(1);
    scene.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_nobody_is_thrown_out_and_all_talk_again_when_it_is_back() {
    let Some(scene) = Scene::set().await else { return };
    let before = scene.bob.book();
    scene.platform.lan.cut(NATS);
    // Whoever wants in is told when to try again.
    let refused = within("a refusal", async {
        loop {
            match Person::try_login("new", 2).await {
                Err(refused) => return refused,
                // Its node has not noticed yet.
                Ok(()) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert_eq!(refused.code(), 302, "{refused}");
    let since = Instant::now();
    scene.platform.lan.mend(NATS);
    scene.all_talk().await;
    let talk = since.elapsed();
    within("a login", async { while Person::try_login("new", 2).await.is_err() {} }).await;
    let login = since.elapsed();
    let _ = writeln!(
        io::stderr(),
        "NATS is back: all talk after {talk:?}, and log in after {login:?}"
    );
    assert!(login < BACK, "{login:?}");
    assert_eq!(scene.bob.book().left, before.left, "nobody has left");
}
