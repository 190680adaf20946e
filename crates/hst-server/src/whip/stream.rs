use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use hst_proto::{Command, ErrorCode, Failure, IceServer, Line, Login, Offer, Reply, Role};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    Plan, Refusal, Resources,
    client::Client,
    encodings::smallest_first,
    fragment::{self, Credentials},
    outline::{Outline, takes},
    plan::{played, published},
    resources::nothing,
};
use crate::{admission::Place, hub::Hub};

/// How long it may take until an offer is answered.
const SETUP: Duration = Duration::from_secs(10);
/// A resource has one peer connection from its beginning to its end.
const GENERATION: u32 = 1;

/// What somebody wants by WHIP or WHEP.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) login: Login,
    pub(crate) group: String,
    pub(crate) plan: Plan,
    /// His offer.
    pub(crate) sdp: String,
    /// The path that he asked; his resource is below it.
    pub(crate) endpoint: String,
}

/// It is granted.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) answer: String,
    /// The path of his resource.
    pub(crate) path: String,
    pub(crate) etag: String,
    /// What helps him to reach the media where he cannot do so directly.
    pub(crate) ice_servers: Vec<IceServer>,
}

/// What came of a fragment.
#[derive(Debug)]
pub(crate) enum Patched {
    /// It tells nothing that would matter.
    Noted,
    /// ICE has begun anew.
    Restarted { fragment: String, etag: String },
}

/// What is asked of a stream at work.
#[derive(Debug)]
pub(super) enum Order {
    Patch {
        /// The `If-Match` of the request.
        tag: Option<String>,
        fragment: String,
        outcome: oneshot::Sender<Result<Patched, Refusal>>,
    },
    /// Go on with this token.
    Renew {
        token: String,
        outcome: oneshot::Sender<Result<(), Refusal>>,
    },
    End(oneshot::Sender<()>),
}

/// Begins a stream, which goes on in a task of its own.
///
/// # Errors
/// Why it has not begun.
pub(crate) async fn begin(
    hub: &Arc<Hub>,
    resources: &Arc<Resources>,
    place: Arc<Place>,
    wish: Wish,
) -> Result<Begun, Refusal> {
    let (begun, beginning) = oneshot::channel();
    let client = Client::connect(hub, place);
    // Whoever asks may go away at any time, and what has begun then is to be ended in order.
    hub.life.spawn(run(client, wish, resources.clone(), begun));
    let gone = || Refusal::unavailable("the server is going away");
    beginning.await.map_err(|_| gone())?
}

impl Resources {
    /// Shows a fragment to a resource.
    ///
    /// # Errors
    /// 400, 401, 404, 412, 428, 429, or why ICE cannot begin anew.
    pub(crate) async fn patch(
        &self,
        path: &str,
        token: &str,
        tag: Option<String>,
        fragment: String,
    ) -> Result<Patched, Refusal> {
        let orders = self.open(path, token).await?;
        let (outcome, patched) = oneshot::channel();
        let order = Order::Patch { tag, fragment, outcome };
        orders.send(order).await.map_err(|_| nothing())?;
        patched.await.map_err(|_| nothing())?
    }

    /// Ends a resource, and waits until its user is out of the group.
    ///
    /// # Errors
    /// 401, 404 and 429.
    pub(crate) async fn end(&self, path: &str, token: &str) -> Result<(), Refusal> {
        let orders = self.open(path, token).await?;
        if !self.remove(path) {
            return Err(nothing());
        }
        let (done, ended) = oneshot::channel();
        orders.send(Order::End(done)).await.map_err(|_| nothing())?;
        // Dropped: it has ended by itself.
        let _ = ended.await;
        Ok(())
    }
}

async fn run(
    mut client: Client,
    wish: Wish,
    resources: Arc<Resources>,
    begun: oneshot::Sender<Result<Begun, Refusal>>,
) {
    let setup = timeout(SETUP, set_up(&mut client, &wish)).await;
    let mut done = None;
    match setup.unwrap_or_else(|_| Err(late())) {
        Ok(Setup {
            offer,
            answer,
            ice_servers,
        }) => {
            let (shelf, inbox) = resources.enter(&wish.endpoint, &wish.login.token);
            let mut stream = Stream {
                client,
                offer,
                restarts: 0,
            };
            let begun_with = Begun {
                answer,
                path: shelf.path.clone(),
                etag: stream.etag(),
                ice_servers,
            };
            if begun.send(Ok(begun_with)).is_ok() {
                done = stream.serve(inbox).await;
            }
            client = stream.client;
        }
        // Whoever has asked may have gone.
        Err(refusal) => drop(begun.send(Err(refusal))),
    }
    client.exit().await;
    if let Some(done) = done {
        let _ = done.send(());
    }
}

/// What there is of a stream once it is set up.
struct Setup {
    offer: Offer,
    answer: String,
    ice_servers: Vec<IceServer>,
}

fn late() -> Refusal {
    Refusal::unavailable("the platform has too much to do")
}

/// Logs in, joins, and sets up the media.
async fn set_up(client: &mut Client, wish: &Wish) -> Result<Setup, Refusal> {
    let malformed = || {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidArgument,
            "the body is no SDP offer",
        )
    };
    let Outline { lines: offered } = Outline::read(&wish.sdp).ok_or_else(malformed)?;
    let login = Command::Login(wish.login.clone());
    let ice_servers = match client.ask(login).await.map_err(Refusal::of_login)? {
        Reply::LoggedIn(logged_in) => logged_in.ice_servers,
        other => return Err(unexpected(&other)),
    };
    let group = wish.group.clone();
    let joined = match client.ask(Command::Join { group }).await? {
        Reply::Joined(joined) => joined,
        other => return Err(unexpected(&other)),
    };
    let lines = match &wish.plan {
        Plan::Publish => published(&offered).ok_or_else(too_many_lines)?,
        Plan::Play(user) => played(&offered, &joined.media, user.as_ref()),
    };
    if lines.is_empty() {
        return Err(match wish.plan {
            Plan::Play(_) if offered.iter().any(|line| line.receives) => Refusal::nothing_to_play(),
            _ => no_line(),
        });
    }
    client.play(lines.iter().filter_map(received).collect());
    for Line { role, .. } in lines.clone() {
        client.ask(command(role)).await?;
    }
    let offer = Offer {
        generation: GENERATION,
        sdp: smallest_first(&wish.sdp).into_owned(),
        lines,
    };
    let answer = answer(client, offer.clone()).await?;
    if wish.plan == Plan::Publish && !offer.lines.iter().all(|line| takes(&answer, &line.mid)) {
        return Err(no_codec());
    }
    Ok(Setup {
        offer,
        answer,
        ice_servers,
    })
}

fn received(line: &Line) -> Option<hst_id::MediaRef> {
    match &line.role {
        Role::Receive(key) => Some(key.clone()),
        Role::Send { .. } => None,
    }
}

/// What has to be asked before a line can do this.
fn command(role: Role) -> Command {
    match role {
        Role::Receive(key) => Command::Receive(key),
        Role::Send { media_type, media } => Command::Publish {
            media_type,
            media,
            name: String::new(),
        },
    }
}

async fn answer(client: &mut Client, offer: Offer) -> Result<String, Refusal> {
    match client.ask(Command::Offer(offer)).await? {
        Reply::Answer { sdp } => Ok(sdp),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &Reply) -> Refusal {
    tracing::error!(?reply, "an answer to something else");
    Failure::new(ErrorCode::ServerInternal, "the server has made a mistake").into()
}

fn no_line() -> Refusal {
    let message = "the offer has no audio or video line that could be used: WHIP sends, WHEP receives";
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::InvalidArgument, message)
}

/// There is one stream of one sound and one picture (RFC 9725, section 4.4.2).
fn too_many_lines() -> Refusal {
    let message = "the offer sends more than one sound or more than one picture";
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::InvalidArgument, message)
}

/// No stream is taken in part (RFC 9725, section 4.4.3).
fn no_codec() -> Refusal {
    let message = "a line of the offer has no codec that is known here";
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::InvalidArgument, message)
}

/// A stream at work.
struct Stream {
    client: Client,
    /// The last one that was answered.
    offer: Offer,
    restarts: u32,
}

impl Stream {
    /// The tag of the present ICE session (RFC 9725, section 4.3.1).
    fn etag(&self) -> String {
        format!("\"{}\"", self.restarts)
    }

    /// Works until it is over, and says whom to tell that it has ended, if anybody.
    async fn serve(&mut self, mut inbox: mpsc::Receiver<Order>) -> Option<oneshot::Sender<()>> {
        loop {
            let order = tokio::select! {
                order = inbox.recv() => order?,
                () = self.client.over() => return None,
            };
            match order {
                Order::Patch { tag, fragment, outcome } => {
                    let patched = timeout(SETUP, self.patch(tag.as_deref(), &fragment)).await;
                    // Whoever has asked may have gone.
                    let _ = outcome.send(patched.unwrap_or_else(|_| Err(late())));
                }
                Order::Renew { token, outcome } => {
                    let renewed = timeout(SETUP, self.client.ask(Command::Renew { token })).await;
                    let renewed = renewed.map(|renewed| renewed.map(drop).map_err(Refusal::of_login));
                    let _ = outcome.send(renewed.unwrap_or_else(|_| Err(late())));
                }
                Order::End(done) => return Some(done),
            }
        }
    }

    /// The media plane has told all its candidates and learns those of clients from their checks, so that only new
    /// credentials mean something.
    async fn patch(&mut self, tag: Option<&str>, fragment: &str) -> Result<Patched, Refusal> {
        let refused = |status, message| Err(Refusal::new(status, ErrorCode::InvalidArgument, message));
        match tag {
            None => {
                return refused(
                    StatusCode::PRECONDITION_REQUIRED,
                    "If-Match has to name the ICE session",
                );
            }
            Some(tag) if tag != "*" && tag != self.etag() => {
                return refused(StatusCode::PRECONDITION_FAILED, "this is not the present ICE session");
            }
            Some(_) => {}
        }
        let Some(credentials) = Credentials::read(fragment) else {
            return refused(StatusCode::BAD_REQUEST, "the fragment has no ice-ufrag and ice-pwd");
        };
        if Credentials::read(&self.offer.sdp).as_ref() == Some(&credentials) {
            return Ok(Patched::Noted);
        }
        let offer = Offer {
            sdp: credentials.put_into(&self.offer.sdp),
            ..self.offer.clone()
        };
        let answer = answer(&mut self.client, offer.clone()).await?;
        self.offer = offer;
        self.restarts += 1;
        Ok(Patched::Restarted {
            fragment: fragment::of_answer(&answer),
            etag: self.etag(),
        })
    }
}
