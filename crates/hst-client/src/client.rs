use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use hst_access::AccessDiscovery;
use hst_e2ee::GroupKey;
use hst_group::client::LoginOptions;
use hst_id::{MediaId, MediaRef, MediaType};
use hst_media::MediaSource;
use hst_proto::Reply;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    ClientBuilder, Error, Event, Events, MediaStats, RemoteMedia,
    command::{Command, KeyChange, Outcome},
    driver::Driver,
    event::EVENT_CAPACITY,
};

/// How many calls wait for the driver; a further one waits for room.
const COMMAND_CAPACITY: usize = 64;

/// An engine: the platform's verbs, driven by one task from `init` to `destroy`.
///
/// Calls that the present state does not allow fail at once. All methods may be called from any task; those that are
/// under way when the engine is destroyed fail with code 2. Dropping the client destroys it.
pub struct Client {
    parts: ClientBuilder,
    events: broadcast::Sender<Event>,
    /// The way to the driver, while initialised. A lock, because `destroy` is synchronous and takes `&self`; it is never
    /// held across an `await`.
    driver: Mutex<Option<mpsc::Sender<Command>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(parts: ClientBuilder) -> Self {
        Self {
            parts,
            events: broadcast::channel(EVENT_CAPACITY).0,
            driver: Mutex::new(None),
        }
    }

    /// A reader of everything that happens from now on. It survives `destroy` and the next `init`.
    pub fn events(&self) -> Events {
        Events(self.events.subscribe())
    }

    /// Asks the Access service for the addresses of all others.
    ///
    /// # Errors
    /// Code 2 when initialised already, 30 when Access gives no answer; the engine is then as before the call.
    pub async fn init(&self, access: Arc<dyn AccessDiscovery>) -> Result<(), Error> {
        let commands = {
            let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
            match &*driver {
                Some(running) => running.clone(),
                None => {
                    let (commands, inbox) = mpsc::channel(COMMAND_CAPACITY);
                    tokio::spawn(Driver::new(self.parts.clone(), self.events.clone()).run(inbox));
                    driver.insert(commands).clone()
                }
            }
        };
        done(ask(commands, |outcome| Command::Init { access, outcome }).await)
    }

    /// Identifies the user to the platform.
    ///
    /// # Errors
    /// Code 2 before `init` or when logged in, 1 and 1000006 for malformed ids, 30 when no service can be reached, 32 for
    /// the token, 33 for the App, 34 when the same user is online.
    pub async fn login(&self, options: LoginOptions) -> Result<(), Error> {
        done(self.call("login", |outcome| Command::Login { options, outcome }).await)
    }

    /// Connects the media transport for the group that is to be joined next, so that its media flow a round trip after
    /// joining. Returns as soon as it is begun; [`Event::Transport`] tells the rest. Nothing is carried before the join,
    /// and nobody is told. Joining another group takes it back.
    ///
    /// # Errors
    /// Code 2 before `init` or in a group, 35 before login, 1 for a malformed Group ID, 302 when there are no media.
    pub async fn prepare_group(&self, group: &str) -> Result<(), Error> {
        let group = group.to_owned();
        done(
            self.call("preparing for a group", |outcome| Command::Prepare { group, outcome })
                .await,
        )
    }

    /// Enters a group and receives these media of it, all asked for in one flight. Who knows what he comes for has it a
    /// round trip sooner.
    ///
    /// # Errors
    /// As [`join_group`](Self::join_group) and [`receive`](Self::receive); the engine is in the group when only the latter
    /// fails.
    pub async fn join_receiving(&self, group: &str, keys: Vec<MediaRef>) -> Result<Vec<RemoteMedia>, Error> {
        let group = group.to_owned();
        let (outcomes, results): (Vec<_>, Vec<_>) = keys.iter().map(|_| oneshot::channel()).unzip();
        let receives = keys.into_iter().zip(outcomes).collect();
        let join = |outcome| Command::Join {
            group,
            receives,
            outcome,
        };
        done(self.call("joining a group", join).await)?;
        let mut media = Vec::new();
        for result in results {
            media.push(result.await.map_err(|_| Error::destroyed())??);
        }
        Ok(media)
    }

    /// Enters a group.
    ///
    /// # Errors
    /// Code 2 before `init` or in a group, 35 before login, 1 for a malformed Group ID, 32 when the token is for another.
    pub async fn join_group(&self, group: &str) -> Result<(), Error> {
        let group = group.to_owned();
        done(
            self.call("joining a group", |outcome| Command::Join {
                group,
                receives: Vec::new(),
                outcome,
            })
            .await,
        )
    }

    /// Leaves the group. Everything published and received there is stopped and closed, and from the call on no event
    /// of the group comes.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn leave_group(&self) -> Result<(), Error> {
        done(
            self.call("leaving the group", |outcome| Command::Leave { outcome })
                .await,
        )
    }

    /// Ends the session, and leaves the group first when in one. The caller may clean up without waiting for the outcome,
    /// which may never come from the server; it is given up then.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 when not logged in.
    pub async fn exit(&self) -> Result<(), Error> {
        done(self.call("exit", |outcome| Command::Exit { outcome }).await)
    }

    /// Ends everything at once, leaves and exits by itself. `init` works again afterwards, and readers of events stay.
    pub fn destroy(&self) {
        // The driver notices that nobody can ask it any more.
        self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Publishes a media, fed by `source` until it ends or is stopped. Returns when the others can receive it.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 71, 72 or 1000009 without the right to it, 302 when it is published already.
    pub async fn publish(&self, media_type: MediaType, media: &str, source: Box<dyn MediaSource>) -> Result<(), Error> {
        let media = MediaId::parse(media)?;
        self.call("publishing", |outcome| Command::Publish {
            media_type,
            media,
            source,
            outcome,
        })
        .await
    }

    /// Stops publishing a media; done also when it was not published.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn stop_publish(&self, media_type: MediaType, media: &str) -> Result<(), Error> {
        let media = MediaId::parse(media)?;
        done(
            self.call("stopping to publish", |outcome| Command::StopPublish {
                media_type,
                media,
                outcome,
            })
            .await,
        )
    }

    /// Receives another member's media. Dropping what is returned discards its frames; stop with
    /// [`stop_receive`](Self::stop_receive).
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 302 or 73 when it is not published.
    pub async fn receive(&self, key: MediaRef) -> Result<RemoteMedia, Error> {
        self.call("receiving", |outcome| Command::Receive { key, outcome })
            .await
    }

    /// Stops receiving a media; done also when it was not received.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn stop_receive(&self, key: MediaRef) -> Result<(), Error> {
        done(
            self.call("stopping to receive", |outcome| Command::StopReceive { key, outcome })
                .await,
        )
    }

    /// Encrypts all media of the groups that are joined from now on from end to end: what is published under this key, and
    /// what is received is decrypted under it or left out ([`Event::MediaDecryption`]). In such a group it puts the next
    /// key to use, with which a few before it stay for frames that come late. `None` ends it for groups that are joined
    /// later.
    ///
    /// The key has a number that all members use for it.
    ///
    /// # Errors
    /// Code 2 before `init`, 302 in a group that was joined without a key, or to end it in a group.
    pub async fn set_encryption_key(&self, key: Option<(u8, GroupKey)>) -> Result<(), Error> {
        let change = key.map_or(KeyChange::End, |(id, key)| KeyChange::Set(id, key));
        let set = |outcome| Command::Encrypt { change, outcome };
        self.call("setting a key", set).await.map(|_| ())
    }

    /// Encrypts all media of the groups that are joined from now on, under keys that the members make and give each other
    /// by themselves, and take anew whenever somebody comes or goes. The server could stand between them:
    /// [`Event::SafetyNumber`] is to be compared.
    ///
    /// # Errors
    /// Code 2 before `init`, 302 in a group.
    pub async fn exchange_encryption_keys(&self) -> Result<(), Error> {
        let change = KeyChange::Exchange;
        let exchange = |outcome| Command::Encrypt { change, outcome };
        self.call("exchanging keys", exchange).await.map(|_| ())
    }

    /// Goes on to the key that everybody makes of the present one, and returns its number. The others follow by
    /// themselves; whoever is given the new key cannot decrypt what was sent before.
    ///
    /// # Errors
    /// Code 2 before `init`, 302 without a key.
    pub async fn ratchet_encryption_key(&self) -> Result<u8, Error> {
        let change = KeyChange::Ratchet;
        self.call("ratcheting the key", |outcome| Command::Encrypt { change, outcome })
            .await
    }

    /// What each media in use is like, and what it has carried so far. Measured only when it is asked for.
    ///
    /// # Errors
    /// Code 2 before `init`.
    pub async fn stats(&self) -> Result<Vec<MediaStats>, Error> {
        self.call("asking for statistics", |outcome| Command::Stats { outcome })
            .await
    }

    /// Whether [`Event::AudioLevels`] and [`Event::ActiveSpeaker`] are told, of whatever group this user is in, until
    /// [`destroy`](Self::destroy). Nothing is measured unless it is asked for. What is told is what publishers tell with their
    /// sounds (RFC 6464), so nothing is decoded, and sounds count that the application does not read; one that tells nothing
    /// counts as silent.
    ///
    /// # Errors
    /// Code 2 before `init`.
    pub async fn measure_audio_levels(&self, on: bool) -> Result<(), Error> {
        self.call("measuring levels", |outcome| Command::MeasureLevels { on, outcome })
            .await
    }

    pub(crate) async fn call<T>(&self, call: &str, command: impl FnOnce(Outcome<T>) -> Command) -> Result<T, Error> {
        let commands = self.driver.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let commands = commands.ok_or_else(|| Error::not_initialised(call))?;
        ask(commands, command).await
    }
}

async fn ask<T>(commands: mpsc::Sender<Command>, command: impl FnOnce(Outcome<T>) -> Command) -> Result<T, Error> {
    let (outcome, result) = oneshot::channel();
    commands.send(command(outcome)).await.map_err(|_| Error::destroyed())?;
    // Whoever only waits must not keep the driver alive: it ends when nobody can ask any more.
    drop(commands);
    result.await.map_err(|_| Error::destroyed())?
}

pub(crate) fn done(result: Result<Reply, Error>) -> Result<(), Error> {
    result.map(|_| ())
}
