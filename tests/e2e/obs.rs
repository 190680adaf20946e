//! The offer that OBS Studio makes for WHIP with libdatachannel (0.24), and what it wants of the answer.

use hst_tests::house::{Door, House};

use crate::whip::{delete, pass, post};

const SESSION: &str = "v=0\r\no=rtc 965493337 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=group:LS 0 1\r\n\
    a=msid-semantic:WMS *\r\na=ice-options:ice2,trickle trickle\r\na=fingerprint:sha-256 A5:87:0F:9A:73:B3:F7:94:D0:7B:CB:82:59:77:\
    B6:EC:C2:36:8C:65:0E:59:EF:09:4D:5A:D0:02:AA:17:98:8E\r\n";
const SOUND: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n\
    a=ssrc:2197333756 cname:QrStUvWxYz012345\r\na=ssrc:2197333756 msid:AbCdEfGh AbCdEfGh-audio\r\n\
    a=msid:AbCdEfGh AbCdEfGh-audio\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
    a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1\r\n\
    a=setup:actpass\r\na=ice-ufrag:aqo/\r\na=ice-pwd:FRl6r5qZ8Xs+M2qgouDRZk\r\n";
const PICTURE: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\na=sendonly\r\n\
    a=ssrc:2197333757 cname:QrStUvWxYz012345\r\na=ssrc:2197333757 msid:AbCdEfGh AbCdEfGh-video\r\n\
    a=msid:AbCdEfGh AbCdEfGh-video\r\na=rtcp-mux\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
    a=rtcp-fb:96 goog-remb\r\na=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\r\n\
    a=setup:actpass\r\na=ice-ufrag:aqo/\r\na=ice-pwd:FRl6r5qZ8Xs+M2qgouDRZk\r\n";
/// Of a picture in three sizes, the largest first.
const SIZES: &str = "a=rid:0 send\r\na=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 0;1;2\r\n";

/// What the answer to this offer says of the session, the sound and the picture, a line each.
async fn answered(offer: &str) -> [Vec<String>; 3] {
    let house = House::open(Door::WebSocket).await;
    let token = pass("obs", None);
    let answer = post(&house, "/whip/g", &token, offer).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    // OBS takes the path of the endpoint for another, and what is behind it for nothing.
    let resource = answer.header("location");
    assert!(
        resource.starts_with("/whip/g/") && !resource.contains('?'),
        "{resource}"
    );
    assert_eq!(delete(&house, resource, &token).await, 200);
    let sections: Vec<Vec<String>> = answer
        .body
        .split("\r\nm=")
        .map(|section| section.trim_end().split("\r\n").map(str::to_owned).collect())
        .collect();
    sections.try_into().unwrap()
}

fn says(section: &[String], line: &str) -> bool {
    section.iter().any(|said| said == line)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_obs_offers_is_answered_as_it_wants_it() {
    let [session, sound, picture] = answered(&[SESSION, SOUND, PICTURE].concat()).await;
    for line in ["v=0", "a=group:BUNDLE 0 1", "a=ice-lite"] {
        assert!(says(&session, line), "{line}: {session:?}");
    }
    for (section, lines) in [
        (
            &sound,
            ["audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=rtpmap:111 opus/48000/2"],
        ),
        (
            &picture,
            ["video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=rtpmap:96 H264/90000"],
        ),
    ] {
        // libdatachannel begins the handshake, and sends what it is asked for again.
        for line in lines.into_iter().chain(["a=recvonly", "a=rtcp-mux", "a=setup:passive"]) {
            assert!(says(section, line), "{line}: {section:?}");
        }
        for start in ["a=fingerprint:sha-256 ", "a=ice-ufrag:", "a=ice-pwd:"] {
            let said = section.iter().filter(|line| line.starts_with(start));
            assert_eq!(said.count(), 1, "{start}: {section:?}");
        }
    }
    assert!(sound.iter().any(|line| line.starts_with("a=candidate:")), "{sound:?}");
    for line in [
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "a=rtcp-fb:96 nack",
    ] {
        assert!(says(&picture, line), "{line}: {picture:?}");
    }
    assert!(picture.iter().all(|line| !line.starts_with("a=simulcast")));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sizes_that_obs_sends_are_taken_and_the_smallest_is_first() {
    let [_, _, picture] = answered(&[SESSION, SOUND, PICTURE, SIZES].concat()).await;
    // OBS counts those that are separated by semicolons, and gives up if it is another number.
    for line in ["a=simulcast:recv 2;1;0", "a=rid:0 recv", "a=rid:1 recv", "a=rid:2 recv"] {
        assert!(says(&picture, line), "{line}: {picture:?}");
    }
}
