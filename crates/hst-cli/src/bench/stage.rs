use std::net::Ipv4Addr;

use hst_load::{Client, Kind};
use hst_proto::{Command, Line, Offer, Reply, Role};
use hst_rtc::{MediaId, MediaRef, MediaType, UserId};
use tokio::task::JoinSet;

use super::{
    BenchError,
    beside::Beside,
    case::Shape,
    crowd,
    target::{Target, user},
    wire::Wire,
};
use crate::error::CliError;

/// A member of a group, without media yet.
pub(super) struct Member {
    user: UserId,
    wire: Wire,
}

impl Member {
    /// Logs a user in and enters the group; who publishes says so.
    pub(super) async fn enter(
        target: &Target,
        group: &str,
        index: usize,
        media: Option<Kind>,
    ) -> Result<Self, CliError> {
        let user = user(index);
        let mut wire = Wire::login(target, &user).await?;
        wire.ask(Command::Join { group: group.into() }).await?;
        if let Some(kind) = media {
            let (media_type, media) = own(kind);
            let name = String::new();
            wire.ask(Command::Publish {
                media_type,
                media,
                name,
            })
            .await?;
        }
        Ok(Self { user, wire })
    }

    pub(super) fn user(&self) -> &UserId {
        &self.user
    }

    /// A media client that sends, if he publishes, and receives what these users publish.
    pub(super) async fn connect(
        &mut self,
        kind: Kind,
        publishes: bool,
        heard: impl IntoIterator<Item = &UserId>,
    ) -> Result<Client, CliError> {
        let (media_type, media) = own(kind);
        let of = |user: &UserId| MediaRef {
            user: user.clone(),
            media_type,
            media: media.clone(),
        };
        let heard: Vec<_> = heard.into_iter().map(of).collect();
        let (mut client, offer) = client(kind, publishes, heard.len())?;
        let mut lines: Vec<_> = offer
            .sends
            .into_iter()
            .map(|mid| Line {
                mid,
                role: Role::Send {
                    media_type,
                    media: media.clone(),
                },
            })
            .collect();
        for (mid, media) in offer.receives.into_iter().zip(heard) {
            self.wire.ask(Command::Receive(media.clone())).await?;
            lines.push(Line {
                mid,
                role: Role::Receive(media),
            });
        }
        let (generation, sdp) = (1, offer.sdp);
        let offer = Command::Offer(Offer { generation, sdp, lines });
        let Reply::Answer { sdp } = self.wire.ask(offer).await? else {
            return Err(BenchError::NotProtocol.into());
        };
        client.answer(&sdp).map_err(BenchError::Load)?;
        Ok(client)
    }

    /// Leaves the group and ends the session.
    pub(super) async fn exit(mut self) -> Result<(), CliError> {
        self.wire.ask(Command::Leave {}).await?;
        self.wire.ask(Command::Exit {}).await?;
        Ok(())
    }

    /// Gives signs of life until it is dropped.
    pub(super) async fn stay(self) {
        let error = self.wire.stay(|_| {}).await;
        tracing::error!(%error, "a member is gone");
    }
}

/// The media clients, in two threads: those who publish, and those who only receive.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) front: Vec<Client>,
    pub(super) hall: Vec<Client>,
}

impl Stage {
    /// Lets a group enter, those who publish first.
    pub(super) async fn enter(target: &Target, group: usize, shape: &Shape) -> Result<Vec<Member>, CliError> {
        let name = format!("bench-{}-{group}", std::process::id());
        let first = group * shape.group_size();
        let enter = async |index: usize| {
            let media = (index < shape.publishers).then_some(shape.kind);
            let member = Member::enter(target, &name, first + index, media).await?;
            Ok((index, member))
        };
        let mut members = Vec::new();
        crowd::gather(shape.group_size(), &enter, |member| members.push(member)).await?;
        members.sort_by_key(|(index, _)| *index);
        Ok(members.into_iter().map(|(_, member)| member).collect())
    }

    /// Connects the members of a group.
    pub(super) async fn seat(
        &mut self,
        members: Vec<Member>,
        shape: &Shape,
        staying: &mut JoinSet<()>,
    ) -> Result<(), CliError> {
        let publishers = members[..shape.publishers].iter().map(|it| it.user().clone());
        let publishers: Vec<_> = publishers.collect();
        for (index, mut member) in members.into_iter().enumerate() {
            let publishes = index < shape.publishers;
            let listens = !publishes || shape.is_mutual;
            let own = member.user().clone();
            let heard = publishers.iter().filter(|it| listens && **it != own);
            let client = member.connect(shape.kind, publishes, heard).await?;
            staying.spawn(member.stay());
            self.take(client, publishes);
        }
        Ok(())
    }

    /// The same clients, connected to another program: one who publishes, and those who receive it.
    pub(super) async fn beside(beside: &mut Beside, shape: &Shape) -> Result<Self, CliError> {
        let mut stage = Self::default();
        for index in 0..shape.group_size() {
            let publishes = index < shape.publishers;
            let (mut client, offer) = client(shape.kind, publishes, usize::from(!publishes))?;
            let answer = beside.answer(&offer.sdp).await?;
            client.answer(&answer).map_err(BenchError::Load)?;
            stage.take(client, publishes);
        }
        Ok(stage)
    }

    fn take(&mut self, client: Client, publishes: bool) {
        match publishes {
            true => self.front.push(client),
            false => self.hall.push(client),
        }
    }
}

fn client(kind: Kind, publishes: bool, heard: usize) -> Result<(Client, hst_load::Offer), CliError> {
    let sends: &[_] = if publishes { &[kind] } else { &[] };
    let made = Client::new(Ipv4Addr::LOCALHOST.into(), sends, &vec![kind; heard]);
    Ok(made.map_err(BenchError::Load)?)
}

/// What every publisher publishes.
fn own(kind: Kind) -> (MediaType, MediaId) {
    let media_type = match kind {
        Kind::Sound => MediaType::Audio,
        Kind::Picture => MediaType::Video,
    };
    (media_type, MediaId::parse("bench").expect("a plain name"))
}
