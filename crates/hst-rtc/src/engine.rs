use std::sync::Arc;

use hst_access::AccessDiscovery;
use hst_client::{Client, Error, Events, GroupKey, LoginOptions, MediaStats, Payload, RemoteMedia};
#[cfg(feature = "http")]
use hst_client::{ErrorCode, Refusal};
use hst_id::{MediaRef, MediaType};
use hst_media::MediaSource;

use crate::Preset;

/// Names the Access service for `init(None)`, before the preset's own.
#[cfg(feature = "http")]
const ACCESS_URL: &str = "HST_ACCESS_URL";

/// The engine: `init`, `login`, `join_group`, `leave_group`, `exit`, `destroy`, and what goes on in a group between them.
///
/// A call that the engine's present state does not allow fails at once: any call before `init` with code 2, one that
/// needs a login with 35, one that needs a group with 31. Methods may be called from any task of a Tokio runtime.
#[derive(Debug)]
pub struct RtcEngine {
    pub(crate) client: Client,
    access: Arc<dyn AccessDiscovery>,
}

#[cfg(all(feature = "http", feature = "quic", feature = "str0m", feature = "ws"))]
impl Default for RtcEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl RtcEngine {
    /// An engine of the [`local`](crate::presets::local) preset.
    #[cfg(all(feature = "http", feature = "quic", feature = "str0m", feature = "ws"))]
    pub fn new() -> Self {
        Self::with(crate::presets::local())
    }

    /// An engine of other parts.
    pub fn with(preset: Preset) -> Self {
        Self {
            client: preset.client.build(),
            access: preset.access,
        }
    }

    /// A reader of everything that happens from now on; it survives `destroy` and the next `init`.
    pub fn events(&self) -> Events {
        self.client.events()
    }

    /// Asks the Access service for the addresses of all others.
    ///
    /// `access_url` is its base URL, with or without `/server/address`; `None` takes the environment's
    /// `HST_ACCESS_URL`, and without that the preset's.
    ///
    /// # Errors
    /// Code 2 when initialised already, 1 for a malformed URL, 30 when Access gives no answer; the engine is then as
    /// before the call.
    pub async fn init(&self, access_url: Option<&str>) -> Result<(), Error> {
        self.client.init(self.access_at(access_url)?).await
    }

    #[cfg(feature = "http")]
    fn access_at(&self, url: Option<&str>) -> Result<Arc<dyn AccessDiscovery>, Error> {
        let from_environment = std::env::var(ACCESS_URL).ok().filter(|url| !url.is_empty());
        match url.map(str::to_owned).or(from_environment) {
            Some(url) => {
                let access = hst_access_http::HttpAccess::parse(&url).map_err(|e| {
                    Refusal::local(ErrorCode::InvalidArgument, format!("the Access URL is no good: {e}"))
                })?;
                Ok(Arc::new(access))
            }
            None => Ok(self.access.clone()),
        }
    }

    #[cfg(not(feature = "http"))]
    fn access_at(&self, _url: Option<&str>) -> Result<Arc<dyn AccessDiscovery>, Error> {
        Ok(self.access.clone())
    }

    /// Identifies the user to the platform.
    ///
    /// # Errors
    /// Code 2 before `init` or when logged in, 1 and 1000006 for malformed ids, 30 when no service can be reached, 32 for
    /// the token, 33 for the App, 34 when the same user is online.
    pub async fn login(&self, options: LoginOptions) -> Result<(), Error> {
        self.client.login(options).await
    }

    /// Connects the media transport for the group that is to be joined next, so that its media flow a round trip after
    /// joining. Returns as soon as it is begun; [`Event::Transport`](crate::Event::Transport) tells the rest.
    ///
    /// # Errors
    /// As [`Client::prepare_group`](crate::Client::prepare_group).
    pub async fn prepare_group(&self, group: &str) -> Result<(), Error> {
        self.client.prepare_group(group).await
    }

    /// Enters a group and receives these media of it, all asked for in one flight.
    ///
    /// # Errors
    /// As [`Client::join_receiving`](crate::Client::join_receiving).
    pub async fn join_receiving(&self, group: &str, keys: Vec<MediaRef>) -> Result<Vec<RemoteMedia>, Error> {
        self.client.join_receiving(group, keys).await
    }

    /// Enters a group, one at a time. Its members and media come as events.
    ///
    /// # Errors
    /// Code 2 before `init` or in a group, 35 before login, 1 for a malformed Group ID, 32 when the token is for another.
    pub async fn join_group(&self, group: &str) -> Result<(), Error> {
        self.client.join_group(group).await
    }

    /// Leaves the group: everything published and received is stopped and closed, and from the call on no event of the
    /// group comes.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn leave_group(&self) -> Result<(), Error> {
        self.client.leave_group().await
    }

    /// Ends the session, and leaves the group first when in one. There is no need to wait for the outcome.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 when not logged in.
    pub async fn exit(&self) -> Result<(), Error> {
        self.client.exit().await
    }

    /// Ends everything at once, leaves and exits by itself. `init` works again afterwards, and readers of events stay.
    pub fn destroy(&self) {
        self.client.destroy();
    }

    /// Publishes a media, fed by `source` until it ends or is stopped. Returns when the others can receive it.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 71, 72 or 1000009 without the right to it, 302 when it is published already.
    pub async fn publish(&self, media_type: MediaType, media: &str, source: Box<dyn MediaSource>) -> Result<(), Error> {
        self.client.publish(media_type, media, source).await
    }

    /// Stops publishing a media; done also when it was not published.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn stop_publish(&self, media_type: MediaType, media: &str) -> Result<(), Error> {
        self.client.stop_publish(media_type, media).await
    }

    /// Receives another member's media.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 302 or 73 when it is not published.
    pub async fn receive(&self, key: MediaRef) -> Result<RemoteMedia, Error> {
        self.client.receive(key).await
    }

    /// Stops receiving a media; done also when it was not received.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn stop_receive(&self, key: MediaRef) -> Result<(), Error> {
        self.client.stop_receive(key).await
    }

    /// Sends a message to all others in the group and returns its number there.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1 when it is too large, 1000020 without the right to it.
    pub async fn send_group_message(&self, body: Payload) -> Result<u64, Error> {
        self.client.send_group_message(body).await
    }

    /// Encrypts all media of the groups that are joined from now on from end to end, or puts the next key to use in such a
    /// group. The key has a number that all members use for it; `None` ends it for groups that are joined later.
    ///
    /// # Errors
    /// As [`Client::set_encryption_key`].
    pub async fn set_encryption_key(&self, key: Option<(u8, GroupKey)>) -> Result<(), Error> {
        self.client.set_encryption_key(key).await
    }

    /// Encrypts all media of the groups that are joined from now on, under keys that the members give each other by
    /// themselves.
    ///
    /// # Errors
    /// As [`Client::exchange_encryption_keys`].
    pub async fn exchange_encryption_keys(&self) -> Result<(), Error> {
        self.client.exchange_encryption_keys().await
    }

    /// Goes on to the key that everybody makes of the present one, and returns its number.
    ///
    /// # Errors
    /// As [`Client::ratchet_encryption_key`].
    pub async fn ratchet_encryption_key(&self) -> Result<u8, Error> {
        self.client.ratchet_encryption_key().await
    }

    /// What each media in use is like, and what it has carried so far.
    ///
    /// # Errors
    /// Code 2 before `init`.
    pub async fn stats(&self) -> Result<Vec<MediaStats>, Error> {
        self.client.stats().await
    }

    /// Whether [`Event::AudioLevels`](crate::Event::AudioLevels) and [`Event::ActiveSpeaker`](crate::Event::ActiveSpeaker) are
    /// told.
    ///
    /// # Errors
    /// As [`Client::measure_audio_levels`].
    pub async fn measure_audio_levels(&self, on: bool) -> Result<(), Error> {
        self.client.measure_audio_levels(on).await
    }
}
