//! What each fuzz target does with its bytes: one call of a parser's public face, and what must hold of its answer. What has none is
//! tried in its own crate, by what that has in `fuzzed`.
//!
//! The targets of libFuzzer (`fuzz_targets`) run these, and so does an ordinary test, which is `tests/fuzz`.

mod bandwidth;
mod bitstream;
mod cluster;
mod names;
mod nodes;
mod offer;
mod packets;
mod relay;
mod relayed;
mod rtp;
mod secrecy;
mod signal;
mod srtp;
mod streams;
mod tokens;
mod webhooks;

/// A target: its name, and what is done with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target by its name.
pub const TARGETS: &[Target] = &[
    ("client_frame", signal::client_frame),
    ("server_frame", signal::server_frame),
    ("payload", signal::payload),
    ("signal_url", signal::url),
    ("names", names::names),
    ("token", tokens::token),
    ("forwarded_packets", packets::forwarded),
    ("described_packets", packets::described),
    ("received_packets", packets::received),
    ("rtp_packet", rtp::packet),
    ("rtcp_compound", rtp::compound),
    ("rtp_numbers", rtp::numbers),
    ("repair_packets", rtp::repairs),
    ("bandwidth", bandwidth::feedback),
    ("framed_stream", streams::framed),
    ("media_file", bitstream::file),
    ("bitstream", bitstream::units),
    ("sealed_frame", secrecy::sealed_frame),
    ("sealed_packet", srtp::sealed_packet),
    ("letter", secrecy::letter),
    ("turn_message", relay::message),
    ("turn_stream", relay::stream),
    ("relay_answers", relay::answers),
    ("webhook", webhooks::webhook),
    ("cluster_entry", cluster::entry),
    ("offer", offer::offer),
    ("relayed", relayed::relayed),
    ("node_words", nodes::said),
    ("record", hst_server::fuzzed::record),
    ("listener_frame", hst_server::fuzzed::asked),
    ("whip_offer", hst_server::fuzzed::whip_offer),
    ("proxy_header", hst_server::fuzzed::proxied),
    ("opened_packet", hst_sfu_worker::fuzzed::opened_packet),
    ("access_answer", hst_access_http::fuzzed::answer),
    ("media_answer", hst_media_str0m::fuzzed::answer),
];

/// Runs a target by its name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(other, _)| *other == name);
    let (_, body) = target.expect("a target of the table");
    body(data);
}
