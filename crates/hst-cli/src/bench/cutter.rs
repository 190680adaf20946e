use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use super::dice::Dice;

/// After at most so many further bytes a connection is cut: mostly in the middle of a frame.
const AFTER: usize = 256;
/// A connection on which these do not come is cut all the same.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long to look again when there is nothing to cut.
const PAUSE: Duration = Duration::from_millis(10);
/// What is carried at a time.
const BUFFER: usize = 16 * 1024;

/// How a connection can break.
#[derive(Debug, Clone, Copy)]
enum Break {
    /// Both ends are told at once that it is gone.
    Reset,
    /// It ends as if by the other's wish.
    Close,
    /// What is sent is taken, and comes nowhere.
    BlackHole,
}

/// A network that breaks: every connection to a server goes through it.
#[derive(Debug)]
pub(super) struct Cutter {
    address: SocketAddr,
    links: Links,
    task: AbortHandle,
}

/// The connections that are whole. A lock, because each enters and strikes off itself; held for one entry.
#[derive(Debug, Clone, Default)]
struct Links(Arc<Mutex<BTreeMap<u64, oneshot::Sender<Cut>>>>);

/// The order to break a connection.
#[derive(Debug)]
struct Cut {
    how: Break,
    /// So many bytes are still carried.
    after: usize,
    /// Told when it is done.
    done: oneshot::Sender<()>,
}

impl Cutter {
    /// Listens on this machine for those who want to go to `server`.
    pub(super) async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let links = Links::default();
        let task = tokio::spawn(accept(listener, server, links.clone())).abort_handle();
        Ok(Self { address, links, task })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks so many connections, one `every` so long on the average.
    pub(super) async fn cut(&self, count: usize, every: Duration, dice: &mut Dice) {
        let mut due = Instant::now();
        for _ in 0..count {
            due += every * u32::try_from(dice.below(2001)).expect("a small number") / 1000;
            sleep_until(due).await;
            while !self.cut_one(dice).await {
                sleep(PAUSE).await;
            }
        }
    }

    /// Whether there was one to break, and it had not ended before.
    async fn cut_one(&self, dice: &mut Dice) -> bool {
        let (done, is_done) = oneshot::channel();
        let how = [Break::Reset, Break::Close, Break::BlackHole][dice.below(3)];
        let after = dice.below(AFTER);
        let Some(link) = self.links.take_any(dice) else {
            return false;
        };
        link.send(Cut { how, after, done }).is_ok() && is_done.await.is_ok()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Links {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Cut>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_any(&self, dice: &mut Dice) -> Option<oneshot::Sender<Cut>> {
        let mut links = self.lock();
        let which = dice.below(links.len().max(1));
        let id = *links.keys().nth(which)?;
        links.remove(&id)
    }
}

/// Whoever aborts this ends all connections with it.
async fn accept(listener: TcpListener, server: SocketAddr, links: Links) {
    let mut carried = JoinSet::new();
    for id in 0.. {
        let Ok((client, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let links = links.clone();
        carried.spawn(async move {
            // A server that cannot be reached is a connection that ends at once.
            let Ok(server) = TcpStream::connect(server).await else {
                return;
            };
            let (cut, ordered) = oneshot::channel();
            links.lock().insert(id, cut);
            carry(client, server, ordered).await;
            links.lock().remove(&id);
        });
        while carried.try_join_next().is_some() {}
    }
}

/// Carries bytes both ways until the connection ends or is broken.
async fn carry(mut client: TcpStream, mut server: TcpStream, mut ordered: oneshot::Receiver<Cut>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut up, mut down) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut order: Option<Cut> = None;
    loop {
        let (read, bytes, to) = tokio::select! {
            read = client.read(&mut up) => (read, &up, &mut server),
            read = server.read(&mut down) => (read, &down, &mut client),
            cut = &mut ordered, if order.is_none() => match cut {
                Ok(cut) => {
                    order = Some(cut);
                    continue;
                }
                Err(_) => return,
            },
            () = sleep(PATIENCE), if order.is_some() => break,
        };
        let Ok(len @ 1..) = read else { return };
        let len = order.as_ref().map_or(len, |cut| cut.after.min(len));
        if to.write_all(&bytes[..len]).await.is_err() {
            return;
        }
        if let Some(cut) = &mut order {
            cut.after -= len;
            if cut.after == 0 {
                break;
            }
        }
    }
    if let Some(Cut { how, done, .. }) = order {
        // Whoever has ordered it may be gone.
        let _ = done.send(());
        how.happen(client, server).await;
    }
}

impl Break {
    async fn happen(self, client: TcpStream, server: TcpStream) {
        match self {
            // A socket without linger is reset when it is dropped.
            Self::Reset => drop((client.set_zero_linger(), server.set_zero_linger())),
            Self::Close => drop(tokio::join!(finish(client), finish(server))),
            Self::BlackHole => drop(tokio::join!(swallow(client), swallow(server))),
        }
    }
}

/// Ends politely: dropped with bytes unread, a socket would be reset.
async fn finish(mut end: TcpStream) {
    let _ = end.shutdown().await;
    swallow(end).await;
}

/// Takes what is sent until the sender gives up.
async fn swallow(mut end: TcpStream) {
    let mut lost = vec![0; BUFFER];
    while end.read(&mut lost).await.is_ok_and(|len| len > 0) {}
}
