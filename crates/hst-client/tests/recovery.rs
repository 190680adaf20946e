//! A media transport that has trouble, is helped, and if need be made again, with the media engine in memory and the server a script.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hst_access::StaticAccess;
use hst_client::{Client, ClientBuilder, LoginOptions};
use hst_id::MediaType;
use hst_media::{
    Codec, Frame, Kind, MediaEngine, MediaPeer, MediaSource, PeerConfig, PeerEvent, PeerEvents, PeerState, SourceError,
    TrackInfo,
    memory::{Hub, Route},
};
use hst_proto::{
    ClientFrame, Command, Event as Told, Joined, LoggedIn, Offer, Reply, decode_client, encode_event, encode_reply,
    frame_event,
};
use hst_signal::{SignalConnection, SignalListener, memory::MemoryNetwork};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// Gives the frames that the test hands it.
#[derive(Debug)]
struct Camera(mpsc::Receiver<Frame>);

#[async_trait]
impl MediaSource for Camera {
    fn info(&self) -> TrackInfo {
        TrackInfo::new(Codec::Vp8)
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        Ok(self.0.recv().await)
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        Err(SourceError::Live)
    }
}

fn picture() -> Frame {
    Frame {
        data: vec![0; 16].into(),
        time: Duration::ZERO,
        duration: Duration::ZERO,
        keyframe: true,
        level: None,
    }
}

/// Answers every request as a server would, until an offer of this generation has been answered.
async fn serve(far: &mut SignalConnection, hub: &Hub, generation: u32) {
    loop {
        let ClientFrame::Request(request) = decode_client(&far.receiver.recv().await.unwrap()).unwrap() else {
            continue;
        };
        let mut offered = None;
        let reply = match request.command {
            Command::Login(_) => Reply::LoggedIn(LoggedIn {
                session: "s".into(),
                secret: "x".into(),
                resume_window: 60,
                max_message: 8192,
                ice_servers: Vec::new(),
                foretold: None,
            }),
            Command::Join { .. } => Reply::Joined(Joined {
                members: Vec::new(),
                total: 0,
                media: Vec::new(),
                last_message: 0,
                locked: false,
            }),
            Command::Offer(Offer { generation, sdp, lines }) => {
                offered = Some(generation);
                let routes = lines.iter().map(|line| (line.mid.as_str(), Route::Send("film".into())));
                Reply::Answer {
                    sdp: hub.answer(&sdp, routes).unwrap(),
                }
            }
            _ => Reply::Done {},
        };
        far.sender.send(encode_reply(request.id, reply)).await.unwrap();
        if offered == Some(generation) {
            return;
        }
    }
}

/// Answers pings until an offer comes, and leaves that alone.
async fn offered(far: &mut SignalConnection) -> Offer {
    loop {
        let ClientFrame::Request(request) = decode_client(&far.receiver.recv().await.unwrap()).unwrap() else {
            continue;
        };
        if let Command::Offer(offer) = request.command {
            return offer;
        }
        let reply = encode_reply(request.id, Reply::Done {});
        far.sender.send(reply).await.unwrap();
    }
}

/// Somebody who receives what the client sends.
async fn viewer(hub: &Hub) -> (Box<dyn MediaPeer>, PeerEvents) {
    let (mut peer, events) = hub.engine().open(PeerConfig::default()).await.unwrap();
    peer.add_receiver(Kind::Video).await.unwrap();
    let offer = peer.offer().await.unwrap();
    let routes = offer
        .mids
        .iter()
        .map(|(_, mid)| (mid.as_str(), Route::Receive("film".into())));
    peer.answer(&hub.answer(&offer.sdp, routes).unwrap()).await.unwrap();
    (peer, events)
}

async fn sees_a_picture(mut events: PeerEvents) {
    let seen = timeout(Duration::from_secs(20), async {
        loop {
            if let PeerEvent::Track { mut reader, .. } = events.next().await.unwrap() {
                return reader.read().await.unwrap();
            }
        }
    });
    assert_eq!(seen.await.expect("a picture comes").data.len(), 16);
}

async fn publishing(hub: &Hub) -> (Arc<Client>, SignalConnection, mpsc::Sender<Frame>) {
    let network = MemoryNetwork::default();
    let mut listener = network.bind("house").unwrap();
    let client = Arc::new(ClientBuilder::new(Arc::new(network), Arc::new(hub.engine())).build());
    client.init(Arc::new(StaticAccess::of("memory://house"))).await.unwrap();
    let (pictures, camera) = mpsc::channel(4);
    let enter = async {
        client.login(LoginOptions::new("app", "token", "alice")).await?;
        client.join_group("g").await?;
        client.publish(MediaType::Video, "cam", Box::new(Camera(camera))).await
    };
    let server = async {
        let mut far = listener.accept().await.unwrap();
        serve(&mut far, hub, 1).await;
        far
    };
    let (entered, far) = tokio::join!(enter, server);
    entered.unwrap();
    (client, far, pictures)
}

async fn lose(far: &mut SignalConnection, generation: u32) {
    let lost = frame_event(None, &encode_event(&Told::TransportLost { generation }));
    far.sender.send(lost).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_published_media_goes_on_over_the_next_transport() {
    let hub = Hub::new();
    let (_client, mut far, pictures) = publishing(&hub).await;
    lose(&mut far, 1).await;
    serve(&mut far, &hub, 2).await;
    let (_peer, events) = viewer(&hub).await;
    pictures.send(picture()).await.unwrap();
    sees_a_picture(events).await;
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_also_when_transports_were_lost_while_its_source_was_silent() {
    let hub = Hub::new();
    let (_client, mut far, pictures) = publishing(&hub).await;
    for generation in 1..=4 {
        lose(&mut far, generation).await;
        serve(&mut far, &hub, generation + 1).await;
    }
    let (_peer, events) = viewer(&hub).await;
    pictures.send(picture()).await.unwrap();
    sees_a_picture(events).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_transport_goes_on_after_an_ice_restart_and_stays_the_same() {
    let hub = Hub::new();
    let (_client, mut far, pictures) = publishing(&hub).await;
    hub.cut_off(PeerState::Failed);
    let failed = Instant::now();
    // It is not answered before an offer of the same generation.
    serve(&mut far, &hub, 1).await;
    assert_eq!(failed.elapsed(), Duration::ZERO);
    let (_peer, events) = viewer(&hub).await;
    pictures.send(picture()).await.unwrap();
    sees_a_picture(events).await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_transport_is_helped_after_five_seconds() {
    let hub = Hub::new();
    let (_client, mut far, _pictures) = publishing(&hub).await;
    hub.cut_off(PeerState::Disconnected);
    let interrupted = Instant::now();
    let offer = offered(&mut far).await;
    assert_eq!(offer.generation, 1);
    assert!(offer.sdp.ends_with("with ICE restart 1"), "{}", offer.sdp);
    assert_eq!(interrupted.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_transport_that_comes_back_is_left_alone() {
    let hub = Hub::new();
    let (_client, mut far, _pictures) = publishing(&hub).await;
    hub.cut_off(PeerState::Disconnected);
    assert!(timeout(Duration::from_secs(4), offered(&mut far)).await.is_err());
    hub.let_through();
    assert!(timeout(Duration::from_secs(60), offered(&mut far)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_ice_restart_that_does_not_help_is_followed_by_a_new_transport() {
    let hub = Hub::new();
    let (_client, mut far, pictures) = publishing(&hub).await;
    hub.cut_off(PeerState::Failed);
    assert_eq!(offered(&mut far).await.generation, 1);
    let restarted = Instant::now();
    serve(&mut far, &hub, 2).await;
    assert_eq!(restarted.elapsed(), Duration::from_secs(10));
    let (_peer, events) = viewer(&hub).await;
    pictures.send(picture()).await.unwrap();
    sees_a_picture(events).await;
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_the_server_has_lost_is_not_restarted_but_replaced() {
    let hub = Hub::new();
    let (_client, mut far, _pictures) = publishing(&hub).await;
    hub.cut_off(PeerState::Disconnected);
    lose(&mut far, 1).await;
    let offer = offered(&mut far).await;
    assert_eq!(offer.generation, 2);
    assert!(offer.sdp.ends_with("with ICE restart 0"), "{}", offer.sdp);
}
