//! The engine without a network keeps the contract of every engine.
#![cfg(feature = "contract")]

use hst_media::memory::Hub;

hst_media::engine_contract!(async {
    let hub = Hub::new();
    (hub.engine(), hub)
});
