//! The test house: what the test binaries of this folder share.

pub mod backend;
pub mod browser;
pub mod gate;
pub mod hand;
pub mod house;
pub mod link;
pub mod path;
pub mod secure;

/// The examples of the project's own pages, compiled.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct English;
    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
}
