//! The whole house in one process: in memory, then over real sockets, then the command line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "it shows the figures that it measures")]

/// Makes each scenario, an `async fn(House)`, a test through every door. In memory the time is virtual.
macro_rules! through_every_door {
    ($($scenario:ident)*) => {
        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $scenario() {
                super::$scenario(hst_tests::house::House::open(hst_tests::house::Door::Memory).await).await;
            })*
        }
        through_every_door! { @ over_web_socket WebSocket $($scenario)* }
        through_every_door! { @ over_quic Quic $($scenario)* }
        through_every_door! { @ with_the_preset Preset $($scenario)* }
    };
    (@ $module:ident $door:ident $($scenario:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(hst_tests::house::House::open(hst_tests::house::Door::$door).await).await;
            })*
        }
    };
}

mod administration;
mod bystanders;
mod command_line;
mod crowd;
mod departures;
mod encryption;
mod fallback;
mod gateways;
mod groups;
mod half_open;
mod hostile_frames;
mod hostile_media;
mod hostile_web_socket;
mod journey;
mod late_joiner;
mod logins;
mod lossy;
mod loudest;
mod media_ends;
mod media_kinds;
mod messages;
mod no_udp;
mod obs;
mod other_network;
mod pipeline;
mod prepared;
mod real_peers;
mod restart;
mod revoked;
mod slow_reader;
mod speakers;
mod stats;
mod views;
mod whip;
