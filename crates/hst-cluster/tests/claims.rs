//! Claims, driven over a directory. How they race is in `racing`.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{collections::VecDeque, num::NonZeroU8};

use hst_cluster::{
    Answer, Claim, Directory, Entry, Key, Login, NodeId, NodeRecord, NodeState, Outcome, Owner, Policy, Revision, Step,
    Unavailable, Verdict, Versions, WriteError, claim, memory::MemoryCluster, mock::MockDirectory, register, release,
    withdraw, withdraw_from,
};
use tokio::task::JoinSet;

const ONE: NonZeroU8 = NonZeroU8::MIN;
const TWO: NonZeroU8 = NonZeroU8::new(2).unwrap();

fn base() -> Key {
    Key::parse("login.app.ann.web").unwrap()
}

async fn node(cluster: &MemoryCluster, name: &str) -> Owner {
    let node = NodeId::parse(name).unwrap();
    let epoch = register(cluster, &node, 1, Versions::UNSAID).await.unwrap();
    Owner { node, epoch, boot: 1 }
}

async fn run(cluster: &MemoryCluster, places: NonZeroU8, policy: Policy, login: &Login) -> Outcome {
    claim(cluster, Claim::new(base(), places, policy, login.clone())).await
}

/// Where a claim won that put out nobody.
fn place(outcome: &Outcome) -> (Key, Revision) {
    match outcome {
        Outcome {
            verdict: Verdict::Claimed { key, revision },
            evicted,
        } if evicted.is_empty() => (key.clone(), *revision),
        other => panic!("{other:?}"),
    }
}

fn session(entry: &Entry) -> u64 {
    Login::read(entry).unwrap().session
}

#[tokio::test]
async fn a_free_place_costs_one_request() {
    let mut directory = MockDirectory::new();
    let owner = Owner {
        node: NodeId::parse("n1").unwrap(),
        epoch: Revision::new(1),
        boot: 1,
    };
    directory
        .expect_create()
        .times(1)
        .returning(|_, _| Ok(Revision::new(7)));
    let outcome = claim(
        &directory,
        Claim::new(base(), TWO, Policy::Refuse, Login::new(1, owner)),
    )
    .await;
    assert_eq!(place(&outcome), (base().with(&0), Revision::new(7)));
}

#[tokio::test]
async fn a_polite_login_learns_who_holds_the_places() {
    let cluster = MemoryCluster::default();
    let (here, there) = (node(&cluster, "n1").await, node(&cluster, "n2").await);
    run(&cluster, TWO, Policy::Refuse, &Login::new(1, here.clone())).await;
    run(&cluster, TWO, Policy::Refuse, &Login::new(2, there)).await;
    let third = run(&cluster, TWO, Policy::Refuse, &Login::new(3, here)).await;
    let Verdict::Taken { holders } = third.verdict else {
        panic!("{third:?}")
    };
    assert_eq!(holders.iter().map(session).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(holders[1].key, base().with(&1));
}

#[tokio::test]
async fn the_oldest_login_gives_way_even_if_its_entry_was_written_anew() {
    let cluster = MemoryCluster::default();
    let owner = node(&cluster, "n1").await;
    let (key, revision) = place(&run(&cluster, TWO, Policy::Refuse, &Login::new(1, owner.clone())).await);
    run(&cluster, TWO, Policy::Refuse, &Login::new(2, owner.clone())).await;
    let first = Login::read(&cluster.get(&key).await.unwrap().unwrap()).unwrap();
    let refreshed = cluster.update(&key, first.to_bytes(), revision).await.unwrap();

    let third = run(&cluster, TWO, Policy::Replace, &Login::new(3, owner)).await;
    assert!(
        matches!(&third.verdict, Verdict::Claimed { key: won, .. } if *won == key),
        "{third:?}"
    );
    assert_eq!(third.evicted.iter().map(session).collect::<Vec<_>>(), [1]);
    assert_eq!(third.evicted[0].revision, refreshed);
}

#[tokio::test]
async fn a_dead_owners_place_is_taken_before_a_living_one_gives_way() {
    let cluster = MemoryCluster::default();
    let (living, dying) = (node(&cluster, "living").await, node(&cluster, "dying").await);
    for policy in [Policy::Refuse, Policy::Replace] {
        run(&cluster, TWO, Policy::Refuse, &Login::new(1, living.clone())).await;
        let (key, revision) = place(&run(&cluster, TWO, Policy::Refuse, &Login::new(2, dying.clone())).await);
        fence(&cluster, &dying.node).await;
        let taken = run(&cluster, TWO, policy, &Login::new(3, living.clone())).await;
        let Verdict::Claimed {
            key: won,
            revision: new,
        } = &taken.verdict
        else {
            panic!("{taken:?}")
        };
        assert_eq!(won, &key);
        assert_eq!(taken.evicted.iter().map(session).collect::<Vec<_>>(), [2]);
        // The dead come too late.
        release(&cluster, &key, revision).await.unwrap();
        assert_eq!(cluster.get(&key).await.unwrap().unwrap().revision, *new);
        for login in [1, 3] {
            withdraw(&cluster, &base(), TWO, &Login::new(login, living.clone()))
                .await
                .unwrap();
        }
        node(&cluster, "dying").await;
    }
}

async fn fence(cluster: &MemoryCluster, node: &NodeId) {
    let entry = cluster.get(&Key::node(node)).await.unwrap().unwrap();
    let mut record = NodeRecord::read(&entry).unwrap();
    record.state = NodeState::Fenced;
    cluster
        .update(&entry.key, record.to_bytes(), entry.revision)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_holder_that_cannot_be_read_passes_for_alive_and_gives_way_to_force() {
    let cluster = MemoryCluster::default();
    let owner = node(&cluster, "n1").await;
    let alien = cluster
        .create(&base().with(&0), "of a later version".into())
        .await
        .unwrap();
    let refused = run(&cluster, ONE, Policy::Refuse, &Login::new(1, owner.clone())).await;
    assert!(
        matches!(&refused.verdict, Verdict::Taken { holders } if holders[0].revision == alien),
        "{refused:?}"
    );
    let forced = run(&cluster, ONE, Policy::Replace, &Login::new(1, owner)).await;
    assert!(matches!(forced.verdict, Verdict::Claimed { .. }), "{forced:?}");
    assert_eq!(forced.evicted[0].revision, alien);
}

#[tokio::test]
async fn a_node_record_that_cannot_be_read_kills_nobody() {
    let cluster = MemoryCluster::default();
    let (here, there) = (node(&cluster, "n1").await, node(&cluster, "n2").await);
    run(&cluster, ONE, Policy::Refuse, &Login::new(1, there.clone())).await;
    let at = Key::node(&there.node);
    let alien = cluster
        .update(&at, "of a later version".into(), there.epoch)
        .await
        .unwrap();
    let refused = run(&cluster, ONE, Policy::Refuse, &Login::new(2, here.clone())).await;
    assert!(matches!(refused.verdict, Verdict::Taken { .. }), "{refused:?}");
    // None at all does.
    cluster.delete(&at, alien).await.unwrap();
    let taken = run(&cluster, ONE, Policy::Refuse, &Login::new(2, here)).await;
    assert!(matches!(taken.verdict, Verdict::Claimed { .. }), "{taken:?}");
}

/// Otherwise others could take it without force, as if nobody lived there.
#[tokio::test]
async fn who_claims_his_place_again_in_a_new_life_of_his_node_stands_there_for_that_life() {
    let cluster = MemoryCluster::default();
    let (earlier, other) = (node(&cluster, "n1").await, node(&cluster, "n2").await);
    let (_, since) = place(&run(&cluster, ONE, Policy::Refuse, &Login::new(1, earlier.clone())).await);
    fence(&cluster, &earlier.node).await;
    let life = node(&cluster, "n1").await;

    let (key, _) = place(&run(&cluster, ONE, Policy::Refuse, &Login::new(1, life.clone())).await);
    let stands = Login::read(&cluster.get(&key).await.unwrap().unwrap()).unwrap();
    assert_eq!((&stands.owner, stands.since), (&life, since));
    let polite = run(&cluster, ONE, Policy::Refuse, &Login::new(2, other)).await;
    assert!(matches!(polite.verdict, Verdict::Taken { .. }), "{polite:?}");
    // A claim of the earlier life that comes late changes nothing.
    run(&cluster, ONE, Policy::Refuse, &Login::new(1, earlier)).await;
    let stands = Login::read(&cluster.get(&key).await.unwrap().unwrap()).unwrap();
    assert_eq!(stands.owner, life);
}

/// Each takes the place of the one before, who is told, and told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_forty_logins_that_insist_at_once_one_is_left_and_each_other_is_put_out_once() {
    const LOGINS: u64 = 40;
    let cluster = MemoryCluster::default();
    let owner = node(&cluster, "n1").await;
    let mut racers = JoinSet::new();
    for session in 0..LOGINS {
        let (cluster, login) = (cluster.clone(), Login::new(session, owner.clone()));
        racers.spawn(async move { run(&cluster, ONE, Policy::Replace, &login).await });
    }
    let outcomes = racers.join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome.verdict, Verdict::Claimed { .. }))
    );
    let mut gone: Vec<u64> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.evicted)
        .map(session)
        .collect();
    let left = cluster.list(&base().beneath()).await.unwrap();
    gone.extend(left.iter().map(session));
    gone.sort_unstable();
    assert_eq!(left.len(), 1);
    assert_eq!(gone, (0..LOGINS).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_an_unfinished_claim_has_left_behind_can_be_withdrawn() {
    let cluster = MemoryCluster::default();
    let owner = node(&cluster, "n1").await;
    let (mine, other) = (Login::new(1, owner.clone()), Login::new(2, owner));
    run(&cluster, TWO, Policy::Refuse, &other).await;

    let mut unfinished = MockDirectory::new();
    unfinished
        .expect_create()
        .times(1)
        .returning(|_, _| Err(WriteError::Unknown));
    unfinished.expect_get().times(1).returning(|_| Err(Unavailable));
    let outcome = claim(&unfinished, Claim::new(base(), TWO, Policy::Refuse, mine.clone())).await;
    assert_eq!(outcome.verdict, Verdict::Unavailable);

    cluster.create(&base().with(&1), mine.to_bytes()).await.unwrap();
    withdraw(&cluster, &base(), TWO, &mine).await.unwrap();
    withdraw(&cluster, &base(), TWO, &mine).await.unwrap();
    let left = cluster.list(&base().beneath()).await.unwrap();
    assert_eq!(left.iter().map(session).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_release_whose_answer_is_lost_is_repeated() {
    let mut lossy = MockDirectory::new();
    // The first one did happen.
    let mut answers = vec![Err(WriteError::Unknown), Err(WriteError::Conflict)].into_iter();
    lossy
        .expect_delete()
        .times(2)
        .returning(move |_, _| answers.next().unwrap());
    assert_eq!(release(&lossy, &base(), Revision::new(1)).await, Ok(()));

    let mut deaf = MockDirectory::new();
    deaf.expect_delete().times(4).returning(|_, _| Err(WriteError::Unknown));
    assert_eq!(release(&deaf, &base(), Revision::new(1)).await, Err(Unavailable));
}

#[test]
fn a_claim_to_a_place_that_is_neither_free_nor_held_ends() {
    let owner = Owner {
        node: NodeId::parse("n1").unwrap(),
        epoch: Revision::new(1),
        boot: 1,
    };
    let mut claim = Claim::new(base(), ONE, Policy::Replace, Login::new(1, owner));
    for step in 0..1000 {
        // An answer that fits no question changes nothing.
        let before = claim.clone();
        claim.handle(if step % 2 == 0 {
            Answer::Read(Ok(None))
        } else {
            Answer::Written(Ok(Revision::new(1)))
        });
        assert_eq!(claim, before);

        match claim.poll() {
            std::ops::ControlFlow::Continue(Step::Create { .. }) => {
                claim.handle(Answer::Written(Err(WriteError::Conflict)))
            }
            std::ops::ControlFlow::Continue(Step::Get { .. }) => claim.handle(Answer::Read(Ok(None))),
            std::ops::ControlFlow::Continue(Step::Update { .. }) => panic!("there is nobody to write over"),
            std::ops::ControlFlow::Break(outcome) => return assert_eq!(outcome.verdict, Verdict::Unavailable),
        }
    }
    panic!("it goes on and on");
}

#[tokio::test]
async fn a_place_that_its_session_writes_anew_while_it_is_taken_away_is_taken_away_all_the_same() {
    let mut directory = MockDirectory::new();
    let node = NodeId::parse("n1").unwrap();
    let epoch = Revision::new(1);
    let login = Login::new(1, Owner { node, epoch, boot: 1 });
    let key = base().with(&0_u64);
    let mut stands = VecDeque::from([7, 8].map(|revision| Entry {
        key: key.clone(),
        value: login.to_bytes(),
        revision: Revision::new(revision),
    }));
    let reads = move |_: &Key| Ok(stands.pop_front());
    directory.expect_get().returning(reads);
    let deletes = |_: &Key, revision| match revision == Revision::new(8) {
        true => Ok(()),
        false => Err(WriteError::Conflict),
    };
    directory.expect_delete().times(2).returning(deletes);
    withdraw_from(&directory, &key, &login).await.unwrap();
}
