#![doc = include_str!("../README.md")]

mod asset;
mod bundle;
mod source_map;

pub use asset::{Asset, asset, assets};
