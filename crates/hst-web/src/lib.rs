#![doc = include_str!("../README.md")]

mod asset;
mod bundle;

pub use asset::{Asset, asset, assets};
