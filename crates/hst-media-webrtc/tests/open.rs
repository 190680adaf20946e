//! What a peer cannot be opened with, and what its offer says.

use hst_media::{Codec, IceServer, Kind, MediaEngine, MediaError, PeerConfig, TrackInfo};
use hst_media_webrtc::WebRtcEngine;

#[tokio::test]
async fn an_ice_server_that_is_none_is_refused() {
    let server = IceServer {
        urls: vec!["https://example.com".into()],
        ..IceServer::default()
    };
    let opened = WebRtcEngine::new()
        .open(PeerConfig {
            ice_servers: vec![server],
            ..PeerConfig::default()
        })
        .await;
    assert!(matches!(opened, Err(MediaError::Config(_))), "{opened:?}");
}

#[tokio::test]
async fn a_foreign_address_is_no_local_socket() {
    // Set aside for documentation (RFC 5737), so no interface has it.
    let engine = WebRtcEngine::bound_to(["203.0.113.7:0".parse().unwrap()]);
    let opened = engine.open(PeerConfig::default()).await;
    assert!(
        matches!(opened, Err(ref error @ MediaError::Socket(_)) if error.is_retryable()),
        "{opened:?}"
    );
}

#[tokio::test]
async fn an_offer_has_everything_that_a_media_server_may_use() {
    let (mut peer, _) = WebRtcEngine::new().open(PeerConfig::default()).await.unwrap();
    let (screen, _) = peer.add_sender(TrackInfo::new(Codec::H264)).await.unwrap();
    let voice = peer.add_receiver(Kind::Audio).await.unwrap();
    let offer = peer.offer().await.unwrap();
    assert_eq!(offer.mids, [(screen, "0".into()), (voice, "1".into())]);

    let (_, sections) = offer.sdp.split_once("m=").unwrap();
    let (video, audio) = sections.split_once("m=").unwrap();
    // The codec of the line comes first, but every codec is there: a later line may want it.
    assert!(
        video.starts_with("video 9 UDP/TLS/RTP/SAVPF 102 96 97 103\r\n"),
        "{video}"
    );
    for wanted in [
        "a=sendonly",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:102 H264/90000",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=fmtp:97 apt=96",
        "a=fmtp:103 apt=102",
        "a=ssrc-group:FID ",
        "a=rtcp-fb:102 nack\r\n",
        "a=rtcp-fb:102 nack pli\r\n",
        "a=rtcp-fb:102 ccm fir\r\n",
        "a=rtcp-fb:102 transport-cc\r\n",
        "urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
    ] {
        assert!(video.contains(wanted), "{wanted} in {video}");
    }
    for wanted in [
        "a=recvonly",
        "a=rtpmap:111 opus/48000/2",
        "audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111\r\n",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtcp-fb:111 transport-cc\r\n",
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
        "urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
    ] {
        assert!(audio.contains(wanted), "{wanted} in {audio}");
    }
}
