//! The test house: what the test binaries of this folder share.

pub mod browser;
pub mod hand;
pub mod house;
