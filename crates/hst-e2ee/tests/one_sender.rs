//! One sender's frames have the bytes that are written down, which the engine for browsers is held to as well.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;

use golden::{Step, Story, bytes, hex};
use hst_e2ee::{Codec, FrameCryptor, GroupKey, Session};

#[test]
fn a_sender_s_frames_have_the_bytes_that_are_written_down_and_others_read_them() {
    let story = Story::load();
    let session = Session::fixed(u64::from_str_radix(&story.session, 16).unwrap());
    let mut sender = FrameCryptor::new(&story.group, &story.user, session);
    let mut receiver = FrameCryptor::new(&story.group, "somebody", Session::random());
    for (at, step) in story.steps.iter().enumerate() {
        let (codec, plain, sealed) = match step {
            Step::Key { id, bytes: key } => {
                let key = GroupKey::from_bytes(&bytes(key)).unwrap();
                sender.set_key(*id, key.clone());
                receiver.set_key(*id, key);
                continue;
            }
            Step::Passphrase { id, text } => {
                let key = GroupKey::from_passphrase(text, &story.group).unwrap();
                sender.set_key(*id, key.clone());
                receiver.set_key(*id, key);
                continue;
            }
            Step::Ratchet { id } => {
                assert_eq!(sender.ratchet(), Ok(*id));
                continue;
            }
            Step::Opus { plain, sealed } => (Codec::Opus, plain, sealed),
            Step::Vp8 { plain, sealed } => (Codec::Vp8, plain, sealed),
        };
        let made = sender.seal(codec, &bytes(plain)).unwrap();
        assert_eq!(&hex(&made), sealed, "step {at}");
        let opened = receiver.open(&story.user, codec, &made).unwrap();
        assert_eq!(&hex(&opened), plain, "step {at}");
    }
}
