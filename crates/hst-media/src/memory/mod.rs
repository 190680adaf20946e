//! An engine without a network: frames go from peer to peer in memory, through a [`Hub`] that stands for the media
//! server. For tests of everything above the media, and for programs whose two ends are one process.
//!
//! ```
//! use hst_media::{Codec, Frame, Kind, MediaEngine, PeerConfig, PeerEvent, TrackInfo};
//! use hst_media::memory::{Hub, Route};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let hub = Hub::new();
//! let (mut alice, _) = hub.engine().open(PeerConfig::default()).await?;
//! let (mut bob, mut bob_events) = hub.engine().open(PeerConfig::default()).await?;
//!
//! let (_, mut microphone) = alice.add_sender(TrackInfo::new(Codec::Opus)).await?;
//! let offer = alice.offer().await?;
//! let routes = offer.mids.iter().map(|(_, mid)| (mid.as_str(), Route::Send("alice's voice".into())));
//! alice.answer(&hub.answer(&offer.sdp, routes)?).await?;
//!
//! bob.add_receiver(Kind::Audio).await?;
//! let offer = bob.offer().await?;
//! let routes = offer.mids.iter().map(|(_, mid)| (mid.as_str(), Route::Receive("alice's voice".into())));
//! bob.answer(&hub.answer(&offer.sdp, routes)?).await?;
//!
//! let frame = Frame { data: vec![0xfc, 1, 2].into(), time: Default::default(), duration: Default::default(), keyframe: true, level: None };
//! microphone.write(frame.clone()).await?;
//! let heard = loop {
//!     if let Some(PeerEvent::Track { mut reader, .. }) = bob_events.next().await {
//!         break reader.read().await;
//!     }
//! };
//! assert_eq!(heard, Some(frame));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

mod hub;
mod peer;

pub use hub::{Hub, Route};
pub use peer::PlainEngine;

pub use crate::error::HubError;
