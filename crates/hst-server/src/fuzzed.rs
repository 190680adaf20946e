//! What the fuzz targets try in here; no part of the interface.

pub use crate::{
    events::fuzzed::asked, http::fuzzed::proxied, registry::fuzzed::record, whip::fuzzed::offer as whip_offer,
};
